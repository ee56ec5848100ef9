"""The key that signs the copies of access tokens which introspection gives."""

from joserfc.jwk import RSAKey
from sqlalchemy import insert, select

from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.tables import server_keys


def signing_key(database: Database) -> RSAKey:
    """Return the portal's key pair, made at its first start."""
    with database.write() as connection:
        private_jwk = connection.execute(select(server_keys.c.private_jwk)).scalar_one_or_none()
        if private_jwk is None:
            private_jwk = RSAKey.generate_key(
                2048, {"use": "sig", "alg": "RS256"}, auto_kid=True
            ).as_dict(private=True)
            connection.execute(
                insert(server_keys), {"kid": private_jwk["kid"], "private_jwk": private_jwk}
            )
    return RSAKey.import_key(private_jwk)
