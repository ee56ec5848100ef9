"""The OAuth side, on Authlib: client credentials for connection clients and operators, rules with their sources, and opaque access tokens."""
