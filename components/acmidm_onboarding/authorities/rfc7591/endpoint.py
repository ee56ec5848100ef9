"""Where clients are registered, and what opens each of them (RFC 7592 §2): the operator's token, or that of its own
registration."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, Field

from acmidm_onboarding.authorities.errors import AnswerLost, PerhapsGone, Rejected, Unintelligible
from acmidm_onboarding.authorities.http.api import Answer, Api
from acmidm_onboarding.authorities.http.collection import AddressCheck
from acmidm_onboarding.authorities.http.paths import have_one_origin, segment
from acmidm_onboarding.authorities.port import Access, OpenApi

_DISCOVERY = "/.well-known/openid-configuration"
_ADDRESS, _TOKEN = "registration_client_uri", "registration_access_token"  # RFC 7592 §3


class _Discovered(BaseModel):
    registration_endpoint: str | None = None


class _Opened(BaseModel):
    """What a client information response has of opening the client."""

    client_id: Annotated[str, Field(min_length=1)]
    address: Annotated[str | None, Field(validation_alias=_ADDRESS)] = None
    token: Annotated[str | None, Field(validation_alias=_TOKEN, pattern="^[!-~]+$")] = None  # it goes into a header


class Endpoint:
    """The client registration endpoint: at ``address``, or where the ``issuer`` names it.

    ``with_tokens``: whether a client is opened by the token of its own registration, and not by the operator's.
    """

    def __init__(
        self, issuer: Api, open_api: OpenApi, address: object | None = None, *, with_tokens: bool = False
    ) -> None:
        self._issuer, self._open_api, self._with_tokens = issuer, open_api, with_tokens
        self._api = None if address is None else open_api(address)
        self._lock = threading.Lock()
        self._address_check = AddressCheck(self._see)
        self.access: dict[str, Access] = {}

    @property
    def api(self) -> Api:
        with self._lock:
            if self._api is None:
                self._api = self._open_api(self._named())
            return self._api

    def register(self, document: Mapping[str, Any]) -> Answer:
        """Register a client, once. Raises AnswerLost where nobody can tell whether that was carried out."""
        answer = self.api.request("POST", "", document=document, is_repeatable=False)
        try:
            made = answer.as_(_Opened)
        except Unintelligible as error:
            raise AnswerLost(str(error)) from None
        address = {} if made.address is None else self._elsewhere(made.client_id, made.address)
        self.access[made.client_id] = {**address, **({_TOKEN: made.token} if self._with_tokens and made.token else {})}
        return answer

    def keeps_token(self, client_id: str, document: Mapping[str, Any]) -> bool:
        """Write a new client again as it is; return whether the same token opens it then."""
        if not self._with_tokens:
            return True
        token = self.send("PUT", client_id, {**document, "client_id": client_id}).as_(_Opened).token
        if token in (None, self.access[client_id][_TOKEN]):
            return True
        self.access[client_id] = {**self.access[client_id], _TOKEN: token}
        return False

    def send(self, method: str, client_id: str, document: Mapping[str, Any] | None = None) -> Answer:
        """Read, replace or remove a client (RFC 7592 §2).

        Raises:
            PerhapsGone: where its own token is wanted, and nobody recorded one.
        """
        access = self.access.get(client_id, {})
        if self._with_tokens and _TOKEN not in access:
            raise PerhapsGone(
                f"client {client_id} is opened by the token of its own registration, which this state does not have;"
                " have the authority's administrator remove it, and take it out of form and state"
            )
        path = access.get(_ADDRESS) or f"/{segment(client_id)}"
        return self.api.request(method, path, document=document, token=access.get(_TOKEN))

    def require(self) -> None:
        """Require that the issuer names this endpoint: another address answers 404 to everything."""
        self._address_check.require()

    def _see(self) -> None:
        named = self._named()
        if httpx.URL(named).path.rstrip("/") != httpx.URL(self.api.base_url).path.rstrip("/"):
            raise Unintelligible(
                f"GET {self._issuer.base_url}{_DISCOVERY}: the registration endpoint is {named} and not"
                f" {self.api.base_url}; correct acmidm:managementUrl"
            )

    def _named(self) -> str:
        """The address that the issuer names (RFC 8414 §2, ``registration_endpoint``)."""
        answer = self._issuer.request("GET", _DISCOVERY)
        named = answer.as_(_Discovered).registration_endpoint
        if named is None:
            raise Rejected(f"{answer.request}: the issuer names no registration endpoint; set acmidm:managementUrl")
        if self._api is None and not have_one_origin(named, self._issuer.base_url):
            raise Rejected(
                f"{answer.request}: registration endpoint {named} is not where the issuer is, so that no credentials"
                " are sent; see whether it is right, and set acmidm:managementUrl to it"
            )
        return named

    def _elsewhere(self, client_id: str, address: str) -> Access:
        """The address of a client where that is not the usual one, on the endpoint's own host: no token goes
        elsewhere."""
        endpoint, url = httpx.URL(self.api.base_url), httpx.URL(address)
        if url.raw_path == httpx.URL(f"{self.api.base_url}/{segment(client_id)}").raw_path:
            return {}
        return {_ADDRESS: str(endpoint.copy_with(raw_path=url.raw_path))}
