"""A real Keycloak for this clone and its tests: the server as a process on loopback, and its
realm's set-up as code. The next setting of the realm is in ``realm.py``.

``make keycloak`` starts the one of a stack.
"""
