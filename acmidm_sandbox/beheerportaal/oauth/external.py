"""Access tokens of another issuer, for a portal that only has products: JWTs as in RFC 9068, also
where they deviate from it as Keycloak's do."""

from collections.abc import Mapping
from typing import Any

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.concurrency import run_in_threadpool

from acmidm_sandbox.beheerportaal.jwk import SIGNING_ALGORITHMS
from acmidm_sandbox.beheerportaal.problems import RefusedRequest

_TIMEOUT_SECONDS = 5


class ExternalTokenValidator:
    """Verifies an issuer's access tokens for an audience, by the keys of its discovery document."""

    def __init__(self, issuer: str, audience: str) -> None:
        self._issuer = issuer
        self._registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )
        self._keys = KeySet([])

    async def validate(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims of a valid access token, `client_id` and `scope` always among them;
        None where it is not valid.

        Raises:
            RefusedRequest: 503 where the issuer gives no keys.
        """
        claims = self._signed_claims(token)
        if claims is None:  # the issuer may have renewed its keys
            self._keys = await run_in_threadpool(self._published_keys)
            claims = self._signed_claims(token)
        if claims is None:
            return None
        try:
            self._registry.validate(claims)
        except JoseError:
            return None
        client_id = claims.get("client_id", claims.get("azp"))  # Keycloak's, in place of client_id
        if not isinstance(client_id, str):
            return None
        scope = claims.get("scope")
        return {**claims, "client_id": client_id, "scope": scope if isinstance(scope, str) else ""}

    def _signed_claims(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token that one of the keys signed; else None."""
        try:
            return jwt.decode(token, self._keys, algorithms=SIGNING_ALGORITHMS).claims
        except (JoseError, ValueError, RecursionError):
            return None

    def _published_keys(self) -> KeySet:
        """Request the keys with which the issuer signs now. Raises RefusedRequest: 503."""
        try:
            document = _json(f"{self._issuer}/.well-known/openid-configuration")
            keys = _json(document["jwks_uri"])["keys"]
            signing = [key for key in keys if key.get("use", "sig") == "sig"]
            return KeySet.import_key_set({"keys": signing})
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
            raise RefusedRequest(
                503,
                f"The issuer {self._issuer} gives no keys now; try again.",
                headers={"Retry-After": "1"},
            ) from error


def _json(url: str) -> Any:
    return httpx.get(url, timeout=_TIMEOUT_SECONDS, trust_env=False).raise_for_status().json()
