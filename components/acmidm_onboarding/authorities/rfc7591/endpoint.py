"""The registration endpoint, and what opens each client (RFC 7592 §2): the operator's token, or
that of its own registration."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator, BaseModel, Field

from acmidm_onboarding.authorities.errors import (
    AnswerLost,
    AuthorityError,
    PerhapsGone,
    Rejected,
    Unintelligible,
)
from acmidm_onboarding.authorities.http.api import Answer, Api
from acmidm_onboarding.authorities.http.collection import AddressCheck
from acmidm_onboarding.authorities.http.paths import have_one_origin, segment
from acmidm_onboarding.authorities.port import Access, OpenApi
from acmidm_onboarding.texts import say

_DISCOVERY = "/.well-known/openid-configuration"
_ADDRESS, _TOKEN = "registration_client_uri", "registration_access_token"  # RFC 7592 §3


def _usable(address: str) -> str:
    """Require an address that a request can be sent to: any text may stand there."""
    try:
        path = httpx.URL(address).raw_path
    except httpx.InvalidURL:
        path = b""
    if not path.startswith(b"/"):
        raise ValueError
    return address


_Usable = Annotated[str, AfterValidator(_usable)]


class _Discovered(BaseModel):
    registration_endpoint: _Usable | None = None


class _Registered(BaseModel):
    """The members of a client information response that say where the client is."""

    client_id: Annotated[str, Field(min_length=1)]
    address: Annotated[_Usable | None, Field(validation_alias=_ADDRESS)] = None


class _Opened(_Registered):
    """The same of a client that its own token opens."""

    token: Annotated[str | None, Field(validation_alias=_TOKEN, pattern="^[!-~]+$")] = (
        None  # it goes into a header
    )


class Endpoint:
    """The client registration endpoint: at ``address``, else as the ``issuer`` names it.

    ``with_tokens`` is whether the token of its own registration opens a client, and not the
    operator's.
    """

    def __init__(
        self,
        issuer: Api,
        open_api: OpenApi,
        address: object | None = None,
        *,
        with_tokens: bool = False,
    ) -> None:
        self._issuer, self._open_api, self._with_tokens = issuer, open_api, with_tokens
        self._api = None if address is None else open_api(address)
        self._lock = threading.Lock()
        self._address_check = AddressCheck(self._compare_address)
        self.access: dict[str, Access] = {}

    @property
    def api(self) -> Api:
        with self._lock:
            if self._api is None:
                self._api = self._open_api(self._named_address())
            return self._api

    def register(self, document: Mapping[str, Any]) -> Answer:
        """Register a client, in one try.

        Raises:
            AnswerLost: where nobody can tell whether the client was made.
        """
        answer = self.api.request("POST", "", document=document, is_repeatable=False)
        try:
            made = answer.as_(_Opened if self._with_tokens else _Registered)
            address = self._unusual_address(made.client_id, made.address) if made.address else {}
        except AuthorityError as error:
            raise AnswerLost(str(error)) from None
        token = made.token if isinstance(made, _Opened) else None
        self.access[made.client_id] = {**address, **({_TOKEN: token} if token else {})}
        return answer

    def keeps_token(self, client_id: str, document: Mapping[str, Any]) -> bool:
        """Write a new client once more, unchanged, and read it; return whether the same token still
        opens it."""
        if not self._with_tokens:
            return True
        for method, body in (("PUT", {**document, "client_id": client_id}), ("GET", None)):
            token = self.send(method, client_id, body).as_(_Opened).token
            if token not in (None, self.access[client_id][_TOKEN]):
                self.access[client_id] = {**self.access[client_id], _TOKEN: token}
                return False
        return True

    def send(
        self, method: str, client_id: str, document: Mapping[str, Any] | None = None
    ) -> Answer:
        """Read, replace or remove a client (RFC 7592 §2).

        Raises:
            PerhapsGone: where only its own token opens it, and none was recorded.
        """
        access = self.access.get(client_id, {})
        if self._with_tokens and _TOKEN not in access:
            raise PerhapsGone(say("rfc7591.no_token", client=client_id))
        path = (
            self._on_own_host(access[_ADDRESS]) if _ADDRESS in access else f"/{segment(client_id)}"
        )
        token = access.get(_TOKEN) if self._with_tokens else None
        return self.api.request(method, path, document=document, token=token)

    def require(self) -> None:
        """Require that the issuer names this endpoint: another address answers 404 to
        everything."""
        self._address_check.require()

    def _compare_address(self) -> None:
        named, address = self._named_address(), self.api.base_url
        if httpx.URL(named).path.rstrip("/") != httpx.URL(address).path.rstrip("/"):
            request = f"GET {self._issuer.base_url}{_DISCOVERY}"
            raise Unintelligible(
                say("rfc7591.another_endpoint", request=request, named=named, address=address)
            )

    def _named_address(self) -> str:
        """Return the address that the issuer names (RFC 8414 §2, ``registration_endpoint``).

        Raises:
            Rejected: where it names none, or one on another host while no setting has the address.
        """
        answer = self._issuer.request("GET", _DISCOVERY)
        named = answer.as_(_Discovered).registration_endpoint
        if named is None:
            raise Rejected(say("rfc7591.no_endpoint", request=answer.request))
        if self._api is None and not have_one_origin(named, self._issuer.base_url):
            raise Rejected(say("rfc7591.endpoint_elsewhere", request=answer.request, named=named))
        return named

    def _unusual_address(self, client_id: str, address: str) -> Access:
        """Return the address of a client, unless it is the usual one."""
        own = self._on_own_host(address)
        is_usual = (
            httpx.URL(own).raw_path
            == httpx.URL(f"{self.api.base_url}/{segment(client_id)}").raw_path
        )
        return {} if is_usual else {_ADDRESS: own}

    def _on_own_host(self, address: str) -> str:
        """Return an address on the host of the endpoint, whoever gave it: no token goes to another
        host."""
        return str(httpx.URL(self.api.base_url).copy_with(raw_path=httpx.URL(address).raw_path))
