"""A real Keycloak for the sandbox and the tests: the server as a process on loopback, and its realm's set-up as code.

Not called ``keycloak``: that is what others call their Python packages.
"""
