"""The OAuth side, on Authlib: client credentials for connection clients and operators, and JWT access tokens."""
