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

from beheerportaal.oauth.principals import Principal
from beheerportaal.settings import PortalSettings

_CACHE_SIZE = 4096


class AccessTokenGenerator(JWTBearerTokenGenerator):  # type: ignore[misc]
    """Makes access tokens; their audience is the portal's origin, which serves all the APIs they are for."""

    def __init__(self, settings: PortalSettings, keys: KeySet) -> None:
        super().__init__(settings.issuer, expires_generator=settings.access_token_lifetime_seconds)
        self._keys = keys
        self._audience = settings.origin

    @override
    def get_jwks(self) -> KeySet:
        """Authlib: the private keys; a set, so that the header names the kid."""
        return self._keys

    @override
    def get_audiences(self, client: Principal, user: None, scope: str) -> str:
        """Authlib: the `aud` claim."""
        return self._audience

    @override
    def get_extra_claims(self, client: Principal, grant_type: str, user: None, scope: str) -> dict[str, str]:
        """Authlib: the organisation and the application, in ACM/IDM's own claims."""
        return dict(client.claims)


class AccessTokenValidator(JWTBearerTokenValidator):  # type: ignore[misc]
    """Verifies access tokens, each signature once: a run of many requests carries the same token."""

    def __init__(self, settings: PortalSettings, keys: KeySet) -> None:
        super().__init__(settings.issuer, settings.origin)
        self._keys = keys
        self._verified: dict[bytes, Mapping[str, Any]] = {}

    @override
    def get_jwks(self) -> KeySet:
        """Authlib: the keys that sign access tokens."""
        return self._keys

    def claims(self, token: str) -> Mapping[str, Any] | None:
        """The claims of a valid access token, else None."""
        digest = sha256(token.encode()).digest()
        verified = self._verified.get(digest)
        if verified is None:
            try:
                verified = self.authenticate_token(token)
                self.validate_token(verified, None, None)
            except (OAuth2Error, JoseError, ValueError):
                return None
            if len(self._verified) >= _CACHE_SIZE:
                self._verified.clear()
            self._verified[digest] = verified
        return verified if verified["exp"] > time.time() else None
