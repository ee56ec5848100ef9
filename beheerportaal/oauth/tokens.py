"""Access tokens: JWTs by RFC 9068, signed with the portal's own key."""

import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator, JWTBearerTokenValidator
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from typing_extensions import override

from beheerportaal.documents import CLAIM_OF_CLIENT
from beheerportaal.oauth import principals
from beheerportaal.oauth.principals import Principal
from beheerportaal.oauth.signing import SigningKeys
from beheerportaal.settings import PortalSettings
from beheerportaal.store.database import Database
from beheerportaal.untrusted import read_jwt

_CACHE_SIZE = 4096
# The claim that says which key or secret the token was requested with: without it, the token is worth nothing any more.
_CREDENTIAL = "credential"


class AccessTokenGenerator(JWTBearerTokenGenerator):  # type: ignore[misc]
    """Makes access tokens; their audience is the portal's origin, which serves all the APIs they are for."""

    def __init__(self, settings: PortalSettings, keys: SigningKeys) -> None:
        super().__init__(settings.issuer, expires_generator=settings.access_token_lifetime_seconds)
        self._keys = keys
        self._audience = settings.origin

    @override
    def get_jwks(self) -> KeySet:
        """Authlib: the private key; in a set, so that the header names the kid."""
        return self._keys.signing()

    @override
    def get_audiences(self, client: Principal, user: None, scope: str) -> str:
        """Authlib: the `aud` claim."""
        return self._audience

    @override
    def get_extra_claims(self, client: Principal, grant_type: str, user: None, scope: str) -> dict[str, str]:
        """Authlib: the organisation and the application, in ACM/IDM's own claims, and what the client authenticated with."""
        return {**client.claims, _CREDENTIAL: client.credential}


class AccessTokenValidator(JWTBearerTokenValidator):  # type: ignore[misc]
    """Verifies access tokens: each signature once, for a run of many requests carries the same token; what it is worth, each time."""

    def __init__(self, settings: PortalSettings, keys: SigningKeys, database: Database) -> None:
        super().__init__(settings.issuer, settings.origin)
        self._keys = keys
        self._database = database
        self._verified: dict[bytes, Mapping[str, Any]] = {}

    @override
    def get_jwks(self) -> KeySet:
        """Authlib: the keys that verify access tokens."""
        return self._keys.published()

    def claims(self, token: str) -> Mapping[str, Any] | None:
        """What an access token is worth now, else None: its client's claims as they are, and those of its scopes that are still granted."""
        signed = self._signed(token)
        if signed is None or signed["exp"] <= time.time():
            return None
        client = principals.find(self._database, signed["client_id"])
        if client is None or not client.enabled or not client.still_has(signed.get(_CREDENTIAL, "")):
            return None
        scope = " ".join(name for name in signed["scope"].split() if name in client.scopes)
        own = {name: value for name, value in signed.items() if name != _CREDENTIAL and not name.startswith(("vo_", CLAIM_OF_CLIENT))}
        return {**own, **client.claims, "scope": scope}

    def is_genuine(self, token: str) -> bool:
        """Whether a token was issued here, be it worth something or not any more."""
        return self._signed(token) is not None

    def _signed(self, token: str) -> Mapping[str, Any] | None:
        digest = sha256(token.encode()).digest()
        verified = self._verified.get(digest)
        if verified is None:
            try:
                read_jwt(token)
                verified = self.authenticate_token(token)
                self.validate_token(verified, None, None)
            except (OAuth2Error, JoseError, ValueError):
                return None
            if len(self._verified) >= _CACHE_SIZE:
                self._verified.clear()
            self._verified[digest] = verified
        return verified
