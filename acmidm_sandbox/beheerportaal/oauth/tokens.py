"""Access tokens: opaque, as ACM/IDM's are; what one stands for is looked up at each request
(`docs/adr/0010-opaque-access-tokens.md`)."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from sqlalchemy import bindparam, select

from acmidm_sandbox.beheerportaal.documents import KeyInUse
from acmidm_sandbox.beheerportaal.oauth.request import Principal, TokenRequest, principal_of
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.clients import StoredClient, StoredKeyUse
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.tokens import AccessToken, ServerKey, remove_expired
from acmidm_sandbox.beheerportaal.store.users import Operator, hash_of_token

_ALGORITHM = "RS256"
_TOKEN = (
    select(AccessToken, StoredClient, Operator)
    .outerjoin(StoredClient, StoredClient.client_id == AccessToken.client_id)
    .outerjoin(Operator, Operator.client_id == AccessToken.client_id)
    .where(AccessToken.token_hash == bindparam("token_hash"))
)
"""A token with its client or operator, in one statement: each request reads them."""


def signing_key(database: Database) -> RSAKey:
    """Return the key pair that signs the JWTs of introspection; make it at the first start."""
    with database.write() as session:
        stored = session.scalar(select(ServerKey))
        if stored is None:
            key = RSAKey.generate_key(2048, {"use": "sig", "alg": _ALGORITHM}, auto_kid=True)
            stored = ServerKey(kid=key.kid, private_jwk=key.as_dict(private=True))
            session.add(stored)
    return RSAKey.import_key(stored.private_jwk)


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """The access tokens of this portal. A token can be sent as it was issued, or as the JWT that
    introspection gives of it, signed with the `key`: both are worth the same."""

    settings: PortalSettings
    key: RSAKey
    database: Database

    def issue(self, request: TokenRequest, client: Principal, audiences: list[str]) -> str:
        """Return a new token for APIs; keep what it stands for, and when a key was used last."""
        now, token = int(time.time()), secrets.token_urlsafe(32)
        stored = AccessToken(
            token_hash=hash_of_token(token),
            client_id=client.client_id,
            credential=request.credential,
            scope=" ".join(request.scopes),
            audiences=audiences,
            issued_at=now,
            expires_at=now + self.settings.access_token_lifetime_seconds,
        )
        with self.database.write() as session:
            remove_expired(session, AccessToken)
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
        """Return what a token is worth now, as claims (RFC 7662 §2.2): of its scopes those that are
        still granted, of its client what it is now. None where it is unknown or has expired, the
        client is gone or disabled, or what it was requested with could no longer authenticate."""
        with self.database.read() as session:
            found = session.execute(_TOKEN, {"token_hash": self._stored_hash(token)}).first()
        if found is None:
            return None
        stored, stored_client, operator = found
        client = principal_of(stored_client or operator)
        if client is None or stored.expires_at <= time.time():
            return None
        if not client.enabled or not client.still_accepts(stored.credential):
            return None
        scopes = [name for name in stored.scope.split() if name in client.scopes]
        # Which organisation it is, only a token with the scope vo_info says.
        of_client: Mapping[str, Any] = client.claims
        if "vo_info" not in scopes:
            of_client = {name: of_client[name] for name in of_client if not name.startswith("vo_")}
        audience = stored.audiences[0] if len(stored.audiences) == 1 else stored.audiences
        return {
            **of_client,
            "iss": self.settings.issuer,
            "aud": audience,
            "sub": stored.client_id,
            "client_id": stored.client_id,
            "scope": " ".join(scopes),
            "iat": stored.issued_at,
            "exp": stored.expires_at,
        }

    def introspection(self, token: str) -> dict[str, Any]:
        """Return the body of an introspection (RFC 7662 §2.2): the claims of a token, and under
        `jwt` the same as a signed JWT, as a sample in metadata-geonetwork has it."""
        claims = self.claims(token)
        if claims is None:
            return {"active": False}
        answer = {"active": True, "token_type": "bearer", **claims}
        header = {"alg": _ALGORITHM, "typ": "JWT", "kid": self.key.kid}
        signed = {**answer, "jti": self._stored_hash(token)}
        return {**answer, "jwt": jwt.encode(header, signed, self.key, algorithms=[_ALGORITHM])}

    def _stored_hash(self, token: str) -> str:
        """Return the hash by which a token is stored, of a token or of the JWT of its introspection
        (whose `jti` it is); empty for any other text."""
        if "." not in token:
            return hash_of_token(token)
        try:
            return str(jwt.decode(token, self.key, algorithms=[_ALGORITHM]).claims["jti"])
        except (JoseError, ValueError, RecursionError):
            return ""
