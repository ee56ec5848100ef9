"""A real Keycloak for the sandbox and the tests: the server as a process on loopback, and its
realm's set-up as code.

It knows nothing of this project. The next setting of the realm is in ``realm.py``.
"""
