"""An oidc-provider for the sandbox and the tests: the npm package as a process on loopback, set up
by one JSON file.

It knows nothing of this project. The next setting of the server is in ``server.py`` and
``server.mjs``; what outlives it is kept by ``store.mjs``.
"""
