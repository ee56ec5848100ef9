"""The adapter for Keycloak's Admin REST API: ``adapter`` is the port, the other files are what it needs, a subject
each."""
