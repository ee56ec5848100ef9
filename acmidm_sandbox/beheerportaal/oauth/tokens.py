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
from sqlalchemy import select

from acmidm_sandbox.beheerportaal.documents import KeyInUse
from acmidm_sandbox.beheerportaal.oauth.request import Principal, TokenRequest, find_principal
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.clients import StoredKeyUse
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.tokens import AccessToken, ServerKey, forget_ended
from acmidm_sandbox.beheerportaal.store.users import hash_of

_ALGORITHM = "RS256"


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

    def claims(self, token: str) -> Mapping[str, Any] | None:
        """Return what a token is worth now, else None: its client's claims as they are, and those
        of its scopes that are still granted."""
        found = self._find(token)
        return None if found is None else self._present_claims(*found)

    def introspection(self, token: str) -> dict[str, Any]:
        """Return the same as RFC 7662 §2.2 has it, with a signed copy of it: as the sample in
        metadata-geonetwork is."""
        found = self._find(token)
        if found is None or (claims := self._present_claims(*found)) is None:
            return {"active": False}
        answer = {"active": True, "token_type": "bearer", **claims}
        header = {"alg": _ALGORITHM, "typ": "JWT", "kid": self._key.kid}
        # The hash names the token, and is of no use to whoever has not got it.
        copy = jwt.encode(
            header, {**answer, "jti": found[0].token_hash}, self._key, algorithms=[_ALGORITHM]
        )
        return {**answer, "jwt": copy}

    def _find(self, token: str) -> tuple[AccessToken, Principal] | None:
        """Return what a token was issued as, and whose it is, as that is now."""
        token_hash = self._hash_in(token) if "." in token else hash_of(token)
        if token_hash is None:
            return None
        with self.database.read() as session:
            stored = session.get(AccessToken, token_hash)
            client = find_principal(session, stored.client_id) if stored else None
        return None if stored is None or client is None else (stored, client)

    def _hash_in(self, copy: str) -> str | None:
        """Return the hash of the token that a signed copy is of: nothing else is signed with this
        key."""
        try:
            return str(jwt.decode(copy, self._key, algorithms=[_ALGORITHM]).claims["jti"])
        except (JoseError, ValueError, RecursionError):
            return None

    def _present_claims(self, token: AccessToken, client: Principal) -> Mapping[str, Any] | None:
        """Return the claims of a token with what its client has now; None where it has ended, or
        its client may not use it any more."""
        if token.expires_at <= time.time():
            return None
        if not client.enabled or not client.still_has(token.credential):
            return None
        scopes = [name for name in token.scope.split() if name in client.scopes]
        # Who the organisation is, is told with `vo_info` alone.
        content: Mapping[str, Any] = client.claims
        if "vo_info" not in scopes:
            content = {name: content[name] for name in content if not name.startswith("vo_")}
        audience = token.audiences[0] if len(token.audiences) == 1 else token.audiences
        return {
            **content,
            "iss": self.settings.issuer,
            "aud": audience,
            "sub": token.client_id,
            "client_id": token.client_id,
            "scope": " ".join(scopes),
            "iat": token.issued_at,
            "exp": token.expires_at,
        }
