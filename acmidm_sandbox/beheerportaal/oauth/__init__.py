"""The OAuth side, on Authlib: client credentials of clients and operators, by rules with their
sources; opaque access tokens."""
