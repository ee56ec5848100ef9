"""The document of a client as it goes over the wire: RFC 7591 §2, with extension members of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.authorities.key_names import by_name
from acmidm_onboarding.authorities.port import ClientSnapshot, RegisteredClient
from acmidm_onboarding.values.harmless import Text
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, Names, OrganisationMetadata, Scopes

NO_SCOPE = "openid"
"""What a client without scopes is registered with. An empty ``scope`` lets some servers grant every one; this one opens
no API, and in a token of a machine means nothing (OpenID Connect Core §3.1.2.1)."""
EVERY_SCOPE = "every scope of this authority"
"""What stands for a ``scope`` that is empty or missing: nothing says then what the client may not have."""
_NOT_SENT = frozenset(
    {
        "registration_access_token",
        "registration_client_uri",
        "client_secret",
        "client_secret_expires_at",
        "client_id_issued_at",
    }
)
"""RFC 7592 §2.2 forbids these in an update, but for the secret, which need not be there."""
_OF_PARTS = ("client_id", "scope", "jwks", "jwks_uri")
_FOR_MACHINES: Mapping[str, Any] = {"response_types": [], "redirect_uris": []}
_MEMBERS = ClientMetadata.model_fields.keys() - {"enabled", "attributes"}
"""What is sent and read of a client itself: all but what the standard has not."""


def _named(found: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Validate whose a client is; it has no name where its authority keeps nothing of that, or another thing."""
    try:
        return validate(found)
    except ValidationError:
        return OrganisationMetadata(name="")


class _JwkSet(BaseModel):
    keys: list[Any] = []


class WireClient(ClientMetadata):
    """A client information response (RFC 7591 §3.2.1), with the defaults of §2 for what it has not.

    The secret and the token in it are not taken over.
    """

    client_id: Annotated[str, Field(min_length=1)]
    client_name: Text = ""
    organisation: Annotated[OrganisationMetadata, WrapValidator(_named)] = OrganisationMetadata(name="")
    application: Text = ""
    grant_types: Names = ("authorization_code",)
    token_endpoint_auth_method: Text = "client_secret_basic"
    contacts: Names = ()
    jwks: _JwkSet | None = None
    scope: Text | None = None
    enabled: Any = None
    attributes: Any = None
    """These two are the authority's own, whatever they mean."""

    @property
    def metadata(self) -> ClientMetadata:
        return ClientMetadata(**self.model_dump(include=_MEMBERS))

    @property
    def scopes(self) -> Scopes:
        names = sorted({*(self.scope or "").split()}) or [EVERY_SCOPE]
        return {} if names == [NO_SCOPE] else dict.fromkeys(names, False)

    @property
    def keys(self) -> Jwks:
        """The keys; their address stands in for them by its name."""
        if self.jwks_uri is not None:
            return {"jwks_uri": {"jwks_uri": self.jwks_uri}}
        return by_name(self.jwks.keys) if self.jwks else {}

    @property
    def snapshot(self) -> ClientSnapshot:
        return ClientSnapshot(RegisteredClient(self.client_id, self.metadata), self.scopes, self.keys)


def kept(metadata: ClientMetadata, unkept: Collection[str]) -> ClientMetadata:
    """Return it as an authority has it that does not keep some of its fields."""
    nothing = WireClient(client_id="nobody's").metadata
    return metadata.model_copy(update={name: getattr(nothing, name) for name in unkept})


def metadata_document(metadata: ClientMetadata, unkept: Collection[str]) -> dict[str, Any]:
    """The members of a client's own, but for those that the authority does not keep and what lives inside it.

    One without a value is None, and taken away; without an address its keys stay where they are.

    Raises:
        Rejected: for what the standard has not.
    """
    if metadata.attributes:
        raise Rejected("RFC 7591 puts no attributes into tokens; take them out of the form")
    if not metadata.enabled:
        raise Rejected("RFC 7591 disables no client; remove it, or enable it")
    members = _MEMBERS - {*unkept}
    said = metadata.model_dump(mode="json", exclude_none=True, include=members)
    return {**dict.fromkeys(members - {"jwks_uri"}), **said}


def scope_document(scopes: Scopes) -> dict[str, str]:
    """Raises Rejected for what the standard has not."""
    if default := ", ".join(sorted(name for name, is_default in scopes.items() if is_default)):
        raise Rejected(f"RFC 7591 gives no token a scope that it does not request; take default from {default}")
    if reserved := {NO_SCOPE, EVERY_SCOPE} & scopes.keys():
        raise Rejected(f"scope {min(reserved)} stands for a client without scopes; take it out of the form")
    return {"scope": " ".join(sorted(scopes)) or NO_SCOPE}


def jwks_document(jwks: Jwks) -> dict[str, Any]:
    return {"jwks": {"keys": [dict(jwks[kid]) for kid in sorted(jwks)]}}


def new_document(metadata: ClientMetadata, unkept: Collection[str], scopes: Scopes, jwks: Jwks) -> dict[str, Any]:
    """What a registration sends: the client whole, for machines alone (RFC 7591 §2, ``response_types``)."""
    keys = {} if metadata.jwks_uri else jwks_document(jwks)
    return changed_document(_FOR_MACHINES, {**metadata_document(metadata, unkept), **scope_document(scopes), **keys})


def changed_document(current: Mapping[str, Any], changes: Mapping[str, Any], *, anew: bool = False) -> dict[str, Any]:
    """What an update sends: it replaces everything (RFC 7592 §2.2), so that all that was read goes along.

    Of a client that is made ``anew`` only what lives inside it. Keys are in one place: an address and a set exclude
    each other (RFC 7591 §2).
    """
    stay = {name: value for name, value in current.items() if name not in _NOT_SENT}
    if anew:
        stay = {**_FOR_MACHINES, **{name: stay[name] for name in _OF_PARTS if name in stay}}
    other = {"jwks": "jwks_uri", "jwks_uri": "jwks"}
    return {
        name: value
        for name, value in {**stay, **changes}.items()
        if value is not None and other.get(name) not in changes
    }
