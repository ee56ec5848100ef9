"""The adapter for authorities that register clients by RFC 7591 and manage them by RFC 7592: ``adapter`` is the port,
``wire`` the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from acmidm_onboarding.authorities.http.settings import HttpSettings
from acmidm_onboarding.authorities.port import Authority, OpenApi
from acmidm_onboarding.authority_types import AuthorityType
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.metadata import ClientMetadata
from acmidm_onboarding.values.problems import quoted


def _members(text: str) -> str:
    if unknown := sorted({*text.split()} - ClientMetadata.model_fields.keys()):
        raise ValueError(say("settings.unknown_member", name=quoted(unknown[0])))
    return text


class Rfc7591Settings(HttpSettings):
    """The settings of a platform whose ``managementUrl`` is the client registration endpoint of its issuer."""

    operator_scope: Annotated[
        str, Field(description="The scope of the operator's token request, where its issuer wants one.")
    ] = ""
    operator_audience: Annotated[
        str, Field(description="The audience of the operator's token request, where its issuer wants one.")
    ] = ""
    operator_resource: Annotated[
        str, Field(description="The resource of the operator's token request (RFC 8707), where its issuer wants one.")
    ] = ""

    unkept_metadata: Annotated[
        str,
        AfterValidator(_members),
        Field(description="Members of a client's metadata that the authority drops or refuses, with blanks between."),
    ] = ""

    @property
    def token_parameters(self) -> Mapping[str, str]:
        wanted = {
            "scope": self.operator_scope,
            "audience": self.operator_audience,
            "resource": self.operator_resource,
        }
        return {name: value for name, value in wanted.items() if value}


def _connect(settings: Rfc7591Settings, open_api: OpenApi, assigned: frozenset[str]) -> Authority:
    from acmidm_onboarding.authorities.rfc7591.adapter import Registration

    return Registration(
        open_api(settings.management_url),
        open_api(settings.issuer),
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
    tells_gone=False,  # RFC 7592 §2.1: 401 for both
)
