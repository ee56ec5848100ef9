"""The beheerportaal's documents as they go over the wire; see
docs/adr/0004-management-api-contract.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from acmidm_onboarding.authorities.http.collection import ListPage
from acmidm_onboarding.authorities.http.items import Entries, Items, Page
from acmidm_onboarding.authorities.key_names import keys_by_name
from acmidm_onboarding.authorities.port import (
    KeyUse,
    RecordedChange,
    RegisteredClient,
)
from acmidm_onboarding.values.harmless import Text, harmless
from acmidm_onboarding.values.metadata import (
    ClientMetadata,
    Jwks,
    Owner,
    ProductDocument,
    Scopes,
)
from acmidm_onboarding.values.plain import only


class _Wire(BaseModel):
    """A document of the contract. Members that the contract adds later are ignored."""

    model_config = ConfigDict(extra="ignore")


_UNREADABLE = "unreadable"
_STAND_INS: Mapping[str, Any] = {
    **dict.fromkeys(
        ClientMetadata.model_fields, _UNREADABLE
    ),  # those that are no text are named below
    **dict.fromkeys(("grant_types", "contacts", "scopes"), (_UNREADABLE,)),
    "default_scopes": (),
    "organisation": {"name": _UNREADABLE},
    "attributes": {_UNREADABLE: _UNREADABLE},
    **dict.fromkeys(("enabled", "keys_declared"), False),
    "client_secret_updated_at": None,
    "jwks": {"keys": [None]},
    "configuration": {_UNREADABLE: _UNREADABLE},
}
"""What stands in for a field that is not what it should be, of one client in a list: the client
shows as drift, and no other client is lost with it."""


def _readable(item: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Return one validated item of a list, with stand-ins for its faulty fields. Raises
    ValidationError for an item that is no object, or whose client-ID is faulty: then the whole
    answer is refused."""
    try:
        return validate(item)
    except ValidationError as error:
        faulty: set[str] = set()
        for details in error.errors(include_url=False, include_input=False):
            faulty.update(map(str, details["loc"][:1]))
        if not isinstance(item, dict) or not faulty <= _STAND_INS.keys():
            raise
    return validate({**item, **only(_STAND_INS, faulty)})


class WireRegisteredClient(ClientMetadata):
    """The document of a client: its metadata, and what the authority adds."""

    client_id: str
    client_secret_updated_at: int | None = None
    attributes: Entries[Text, Text] = Field(default_factory=dict)

    @property
    def metadata(self) -> ClientMetadata:
        return ClientMetadata(**dict(self))

    @property
    def secret_updated_at(self) -> int:
        """When its secret last changed, 0 where the authority does not say."""
        return self.client_secret_updated_at or 0

    def with_parts(self, scopes: Scopes, jwks: Jwks) -> RegisteredClient:
        """Return the client as the port has it, with its ``scopes`` and keys."""
        return RegisteredClient(self.client_id, self.metadata, self.secret_updated_at, scopes, jwks)


class WireScopes(_Wire):
    scopes: Items[Text]
    default_scopes: Items[Text] = Field(
        [], validation_alias=AliasChoices("default", "default_scopes")
    )

    @property
    def granted(self) -> Scopes:
        """All scopes, in order of their names. A default scope is granted, also where ``scopes``
        lacks it."""
        names = sorted({*self.scopes, *self.default_scopes})
        return {name: name in self.default_scopes for name in names}


class WireJwks(_Wire):
    """A JWK Set (RFC 7517 §5). Its keys are not validated: ``keys_by_name`` also returns those that
    are malformed, so that they show."""

    keys: list[Any]


class WireKeyInUse(_Wire):
    thumbprint: Text
    kid: Text
    last_used_at: datetime
    with_kid: bool


class WireKeysInUse(_Wire):
    items: Items[WireKeyInUse]

    @property
    def by_thumbprint(self) -> dict[str, KeyUse]:
        uses = {}
        for item in self.items:
            uses[item.thumbprint] = KeyUse(item.kid, item.last_used_at, item.with_kid)
        return uses


class WireListedClient(WireScopes, WireRegisteredClient):
    jwks: WireJwks

    @property
    def registered(self) -> RegisteredClient:
        return self.with_parts(self.granted, keys_by_name(self.jwks.keys))


class WireClientPage(ListPage):
    items: Page[Annotated[WireListedClient, WrapValidator(_readable)]]


class WireConfiguration(_Wire):
    configuration: Annotated[dict[str, Any], AfterValidator(harmless)]
    software_id: Text | None = None
    managed_by: Text | None = None
    incarnation: Text | None = None

    @property
    def document(self) -> ProductDocument:
        return ProductDocument(
            self.configuration, Owner(self.software_id, self.managed_by, self.incarnation)
        )


class WireListedConfiguration(WireConfiguration):
    client_id: str


class WireConfigurationPage(ListPage):
    items: Page[Annotated[WireListedConfiguration, WrapValidator(_readable)]]


class WireAdministrators(_Wire):
    count: Annotated[int, Field(ge=0)]


class WireAuditPage(ListPage):
    items: Page[RecordedChange]
