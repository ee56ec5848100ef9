"""Access tokens of another issuer, for a portal that only has products: RFC 9068, with what issuers
such as Keycloak do otherwise."""

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
    """Verifies access tokens of `issuer` that are meant for `audience`. The issuer's keys are found
    through its discovery document."""

    def __init__(self, issuer: str, audience: str) -> None:
        self._issuer = issuer
        self._registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )
        self._keys = KeySet([])

    async def validate(self, token: str) -> Mapping[str, Any] | None:
        """Return `_claims`, in a thread: the issuer may take long."""
        return await run_in_threadpool(self._claims, token)

    def _claims(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims of a valid access token, `client_id` and `scope` always among them;
        else None.

        Raises:
            RefusedRequest: 503 where the issuer gives no keys.
        """
        verified = self._verified(token)
        if verified is None:  # the issuer may have renewed its keys
            self._keys = self._published_keys()
            verified = self._verified(token)
        if verified is None:
            return None
        try:
            self._registry.validate(verified)
        except JoseError:
            return None
        client_id = verified.get("client_id", verified.get("azp"))
        if not isinstance(client_id, str):
            return None
        scope = verified.get("scope")
        if not isinstance(scope, str):
            scope = ""
        return {**verified, "client_id": client_id, "scope": scope}

    def _verified(self, token: str) -> dict[str, Any] | None:
        try:
            return jwt.decode(token, self._keys, algorithms=list(SIGNING_ALGORITHMS)).claims
        except (JoseError, ValueError, RecursionError):
            return None

    def _published_keys(self) -> KeySet:
        """Read the keys by which the issuer signs now.

        Raises:
            RefusedRequest: 503, where it gives none.
        """
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
