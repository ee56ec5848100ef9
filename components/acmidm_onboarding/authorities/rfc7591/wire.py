"""The document of a client on the wire: RFC 7591 §2, with extension members of this project."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.authorities.key_names import by_name
from acmidm_onboarding.authorities.port import ClientSnapshot, RegisteredClient
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.harmless import Text
from acmidm_onboarding.values.metadata import (
    ClientMetadata,
    Jwks,
    Names,
    OrganisationMetadata,
    Scopes,
)
from acmidm_onboarding.values.problems import listed

NO_SCOPE = "openid"
"""The scope of a client without scopes. With an empty ``scope`` some servers grant every scope;
this one opens no API, and means nothing in a token of a machine (OpenID Connect Core §3.1.2.1)."""
EVERY_SCOPE = "every scope of this authority"
"""The scope that an empty or missing ``scope`` is read as: the client may have all."""
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
    """Validate the organisation of a client; an authority that keeps none, or something else, gives
    one without a name."""
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
    organisation: Annotated[OrganisationMetadata, WrapValidator(_named)] = OrganisationMetadata(
        name=""
    )
    application: Text = ""
    grant_types: Names = ("authorization_code",)
    token_endpoint_auth_method: Text = "client_secret_basic"
    contacts: Names = ()
    jwks: _JwkSet | None = None
    scope: Text | None = None
    enabled: Any = None
    attributes: Any = None
    """Members of these two names are the authority's own, whatever they mean."""

    @property
    def metadata(self) -> ClientMetadata:
        return ClientMetadata(**self.model_dump(include=_MEMBERS))

    @property
    def scopes(self) -> Scopes:
        names = sorted({*(self.scope or "").split()}) or [EVERY_SCOPE]
        return {} if names == [NO_SCOPE] else dict.fromkeys(names, False)

    @property
    def keys(self) -> Jwks:
        """The public keys by name; where they are at an address, the address as the one key
        ``jwks_uri``."""
        if self.jwks_uri is not None:
            return {"jwks_uri": {"jwks_uri": self.jwks_uri}}
        return by_name(self.jwks.keys) if self.jwks else {}

    @property
    def snapshot(self) -> ClientSnapshot:
        return ClientSnapshot(
            RegisteredClient(self.client_id, self.metadata), self.scopes, self.keys
        )


def kept(metadata: ClientMetadata, unkept: Collection[str]) -> ClientMetadata:
    """Return metadata as an authority answers that does not keep the fields ``unkept``."""
    nothing = WireClient(client_id="nobody's").metadata
    return metadata.model_copy(update={name: getattr(nothing, name) for name in unkept})


def metadata_document(metadata: ClientMetadata, unkept: Collection[str]) -> dict[str, Any]:
    """Return the members for a client's metadata, without those that the authority does not keep.

    A member without a value is None: an update takes it away. Without an address of keys, the keys
    stay where they are.

    Raises:
        Rejected: for what RFC 7591 cannot express.
    """
    if metadata.attributes:
        raise Rejected(say("rfc7591.attributes"))
    if not metadata.enabled:
        raise Rejected(say("rfc7591.disabled"))
    members = _MEMBERS - {*unkept}
    values = metadata.model_dump(mode="json", exclude_none=True, include=members)
    return {**dict.fromkeys(members - {"jwks_uri"}), **values}


def scope_document(scopes: Scopes) -> dict[str, str]:
    """Return the member for a client's scopes. Raises Rejected for what RFC 7591 cannot express."""
    if default := [name for name, is_default in scopes.items() if is_default]:
        raise Rejected(say("rfc7591.default_scopes", scopes=listed(default)))
    if reserved := {NO_SCOPE, EVERY_SCOPE} & scopes.keys():
        raise Rejected(say("rfc7591.no_scope", scope=min(reserved)))
    return {"scope": " ".join(sorted(scopes)) or NO_SCOPE}


def jwks_document(jwks: Jwks) -> dict[str, Any]:
    return {"jwks": {"keys": [dict(jwks[kid]) for kid in sorted(jwks)]}}


def new_document(
    metadata: ClientMetadata, unkept: Collection[str], scopes: Scopes, jwks: Jwks
) -> dict[str, Any]:
    """Return the document of a registration: the whole client, for machines alone (RFC 7591 §2,
    ``response_types``)."""
    keys = {} if metadata.jwks_uri else jwks_document(jwks)
    return changed_document(
        _FOR_MACHINES, {**metadata_document(metadata, unkept), **scope_document(scopes), **keys}
    )


def changed_document(
    current: Mapping[str, Any], changes: Mapping[str, Any], *, anew: bool = False
) -> dict[str, Any]:
    """Return the document of an update, which replaces everything (RFC 7592 §2.2): all that was
    read, and the changes.

    Of a client that is made ``anew`` only scopes and keys stay. A set of keys and an address of
    keys exclude each other (RFC 7591 §2).
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
