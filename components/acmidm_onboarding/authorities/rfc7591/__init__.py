"""The adapter for authorities that register clients by RFC 7591 and manage them by RFC 7592:
``adapter`` is the port, ``wire`` the document of a client, ``endpoint`` its address and the token
that opens it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, HttpUrl

from acmidm_onboarding.authorities.http.settings import MANAGEMENT_URL
from acmidm_onboarding.authorities.port import Authority, OpenApi
from acmidm_onboarding.authority_types import AuthorityType
from acmidm_onboarding.settings import Address, PlatformSettings
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.metadata import ClientMetadata
from acmidm_onboarding.values.problems import quoted


def _members(text: str) -> str:
    if unknown := sorted({*text.split()} - ClientMetadata.model_fields.keys()):
        raise ValueError(say("settings.unknown_member", name=quoted(unknown[0])))
    return text


class Rfc7591Settings(PlatformSettings):
    """The settings of a platform that registers clients by the standards."""

    management_url: Annotated[Address | None, Field(description=MANAGEMENT_URL)] = None
    registration_access_tokens: Annotated[
        bool | None,
        Field(
            description=(
                "Whether the authority opens a client to the token of its own registration alone"
                " (RFC 7592), which the state then keeps as a secret; else the operator's token"
                " opens all."
            )
        ),
    ] = None
    operator_scope: Annotated[
        str,
        Field(description="The scope of the operator's token request, where its issuer wants one."),
    ] = ""
    operator_audience: Annotated[
        str,
        Field(
            description="The audience of the operator's token request, where its issuer wants one."
        ),
    ] = ""
    operator_resource: Annotated[
        str,
        Field(
            description=(
                "The resource of the operator's token request (RFC 8707), where its issuer wants"
                " one."
            )
        ),
    ] = ""

    unkept_metadata: Annotated[
        str,
        AfterValidator(_members),
        Field(
            description=(
                "Members of a client's metadata that the authority drops or refuses, with blanks"
                " between."
            )
        ),
    ] = ""

    @property
    def address(self) -> HttpUrl:
        return self.management_url or self.issuer

    @property
    def token_parameters(self) -> Mapping[str, str]:
        names = ("scope", "audience", "resource")
        return {name: value for name in names if (value := getattr(self, f"operator_{name}"))}


def _connect(settings: Rfc7591Settings, open_api: OpenApi, assigned: frozenset[str]) -> Authority:
    from acmidm_onboarding.authorities.rfc7591.adapter import Registration
    from acmidm_onboarding.authorities.rfc7591.endpoint import Endpoint

    issuer, with_tokens = open_api(settings.issuer), bool(settings.registration_access_tokens)
    return Registration(
        Endpoint(issuer, open_api, settings.management_url, with_tokens=with_tokens),
        settings.operator_client_id,
        frozenset(settings.operator_scope.split()),
        assigned,
        frozenset(settings.unkept_metadata.split()),
    )


RFC7591 = AuthorityType(
    name="rfc7591",
    settings=Rfc7591Settings,
    connect=_connect,
    takes_keys_from_address=True,
    lists_clients=False,
    finds_clients=False,
    takes_secrets=False,  # RFC 7591 §3.2.1: the server issues them
    takes_keys_later=False,
    takes_parts=True,
    tells_gone=False,  # RFC 7592 §2.1: 401 for both
)
