"""The sandbox: authorities on this machine that behave as the real ones, for trying and for tests.

``beheerportaal`` is the embedded authority; ``keycloak`` starts a real Keycloak. They know nothing
of this project. The rest starts them for a stack by its settings (``servers``, ``portals``,
``keycloaks``, ``people``, ``supervisor``) and is called by ``commands``. Of the command line it
imports the edge alone.
"""
