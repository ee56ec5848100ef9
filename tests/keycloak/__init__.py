"""The project on a real Keycloak, an identity provider that nobody here wrote."""
