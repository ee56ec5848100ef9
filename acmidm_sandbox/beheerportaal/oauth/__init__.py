"""The OAuth side: client credentials of clients and operators, by rules with their sources; opaque
access tokens. Errors are Authlib's, signatures are joserfc's."""
