"""Access tokens: opaque, as ACM/IDM's are; what one stands for is looked up at each request
(`docs/adr/0010-opaque-access-tokens.md`)."""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from sqlalchemy import bindparam, select

from acmidm_sandbox.beheerportaal.documents import KeyInUse
from acmidm_sandbox.beheerportaal.oauth.request import Principal, TokenRequest, principal
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.clients import StoredClient, StoredKeyUse
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.tokens import AccessToken, ServerKey, forget_ended
from acmidm_sandbox.beheerportaal.store.users import Operator, hash_of

_ALGORITHM = "RS256"
_TOKEN = (
    select(AccessToken, StoredClient, Operator)
    .outerjoin(StoredClient, StoredClient.client_id == AccessToken.client_id)
    .outerjoin(Operator, Operator.client_id == AccessToken.client_id)
    .where(AccessToken.token_hash == bindparam("token_hash"))
)
"""A token with whose it is: one statement, for each request needs them."""


def signing_key(database: Database) -> RSAKey:
    """Return the key pair that signs the copies of access tokens which introspection gives. It is
    made at the portal's first start."""
    with database.write() as session:
        stored = session.scalar(select(ServerKey))
        if stored is None:
            key = RSAKey.generate_key(2048, {"use": "sig", "alg": _ALGORITHM}, auto_kid=True)
            stored = ServerKey(kid=key.kid, private_jwk=key.as_dict(private=True))
            session.add(stored)
    return RSAKey.import_key(stored.private_jwk)


class AccessTokens:
    """The tokens of this portal. An API may be given one, or the signed copy of it that
    introspection has: both are worth the same."""

    def __init__(self, settings: PortalSettings, key: RSAKey, database: Database) -> None:
        self.settings = settings
        self.database = database
        self._key = key

    def issue(self, request: TokenRequest, client: Principal, audiences: list[str]) -> str:
        """Return a new token; keep what it stands for, and which key its request was signed
        with."""
        now, token = int(time.time()), secrets.token_urlsafe(32)
        stored = AccessToken(
            token_hash=hash_of(token),
            client_id=client.client_id,
            credential=request.credential,
            scope=" ".join(request.scopes),
            audiences=audiences,
            issued_at=now,
            expires_at=now + self.settings.access_token_lifetime_seconds,
        )
        with self.database.write() as session:
            forget_ended(session, AccessToken)
            session.add(stored)
            if (key := request.key) is not None and not client.is_operator:
                use = KeyInUse(
                    thumbprint=request.credential,
                    kid=str(key["kid"]),
                    last_used_at=datetime.now(UTC).isoformat(timespec="seconds"),
                    with_kid=request.kid is not None,
                )
                row = StoredKeyUse(client_id=client.client_id, thumbprint=use.thumbprint, use=use)
                session.merge(row)
        return token

    async def validate(self, token: str) -> Mapping[str, Any] | None:
        """Return `claims`. No thread is needed: a reader never waits for the database."""
        return self.claims(token)

    def claims(self, token: str) -> Mapping[str, Any] | None:
        """Return what a token is worth now: its client's claims as they are, and those of its
        scopes that are still granted. None where it has ended, or its client may not use it any
        more."""
        with self.database.read() as session:
            found = session.execute(_TOKEN, {"token_hash": self._hash_of(token)}).first()
        if found is None:
            return None
        stored, stored_client, operator = found
        client = principal(stored_client, operator)
        if client is None or stored.expires_at <= time.time():
            return None
        if not client.enabled or not client.still_has(stored.credential):
            return None
        scopes = [name for name in stored.scope.split() if name in client.scopes]
        # Who the organisation is, is told with `vo_info` alone.
        content: Mapping[str, Any] = client.claims
        if "vo_info" not in scopes:
            content = {name: content[name] for name in content if not name.startswith("vo_")}
        audience = stored.audiences[0] if len(stored.audiences) == 1 else stored.audiences
        return {
            **content,
            "iss": self.settings.issuer,
            "aud": audience,
            "sub": stored.client_id,
            "client_id": stored.client_id,
            "scope": " ".join(scopes),
            "iat": stored.issued_at,
            "exp": stored.expires_at,
        }

    def introspection(self, token: str) -> dict[str, Any]:
        """Return the same as RFC 7662 §2.2 has it, with a signed copy of it: as the sample in
        metadata-geonetwork is."""
        claims = self.claims(token)
        if claims is None:
            return {"active": False}
        answer = {"active": True, "token_type": "bearer", **claims}
        header = {"alg": _ALGORITHM, "typ": "JWT", "kid": self._key.kid}
        # The hash names the token, and is of no use to whoever has not got it.
        signed = {**answer, "jti": self._hash_of(token)}
        copy = jwt.encode(header, signed, self._key, algorithms=[_ALGORITHM])
        return {**answer, "jwt": copy}

    def _hash_of(self, token: str) -> str:
        """Return the hash by which a token is kept, also of its signed copy: nothing else is signed
        with this key. Empty for what is neither."""
        if "." not in token:
            return hash_of(token)
        try:
            return str(jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims["jti"])
        except (JoseError, ValueError, RecursionError):
            return ""
