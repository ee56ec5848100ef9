"""Keycloak's documents as they go over the wire, and what this project reads from and writes into
them.

RFC 7591 metadata for which Keycloak has no field is kept in attributes of the client that begin
with ``acmidm.``. What somebody changes by hand beside the fields of this project has to show as
drift. A flow that is switched on shows among the grant types, and another source of keys among the
keys. Mappers of the client show as attributes where they are made as attributes are; other mappers
and *Full scope allowed* show among the scopes.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel
from pydantic.alias_generators import to_camel

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.authorities.http.api import parse_json
from acmidm_onboarding.authorities.http.items import Items, Page
from acmidm_onboarding.authorities.key_names import keys_by_name
from acmidm_onboarding.authorities.keycloak.mappers import claim_of, claims_of, mappers_of
from acmidm_onboarding.authorities.port import RegisteredClient, default_names
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.harmless import harmless
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, OrganisationMetadata, Scopes
from acmidm_onboarding.values.plain import without

# Never to change: client-IDs come from it.
_NATURAL_KEYS = uuid.UUID("dde76c96-d454-4b8b-8f31-269b4878f0a2")
_JWT = "client-jwt"
_SECRET = "client-secret"
_SECRET_SET_AT = "client.secret.creation.time"
"""Seconds since 1970. Keycloak notes it where it makes a secret itself, as when somebody renews it
in the console."""
_SECRET_METHODS = ("client_secret_basic", "client_secret_post")
_AUTHENTICATORS = {"private_key_jwt": _JWT, **dict.fromkeys(_SECRET_METHODS, _SECRET)}
_OTHER_METHODS = {
    _JWT: "private_key_jwt",
    "client-secret-jwt": "client_secret_jwt",
    "client-x509": "tls_client_auth",
}
_FLOWS = {
    "authorization_code": "standard_flow_enabled",
    "implicit": "implicit_flow_enabled",
    "password": "direct_access_grants_enabled",
    "client_credentials": "service_accounts_enabled",
}
_FLOW_ATTRIBUTES = {
    "urn:ietf:params:oauth:grant-type:device_code": "oauth2.device.authorization.grant.enabled",
    "urn:ietf:params:oauth:grant-type:jwt-bearer": "oauth2.jwt.authorization.grant.enabled",
    "urn:ietf:params:oauth:grant-type:token-exchange": "standard.token.exchange.enabled",
    "urn:openid:params:grant-type:ciba": "oidc.ciba.grant.enabled",
}
_OWN = "acmidm."
_JWKS_URI = "jwks_uri"
_OPTIONAL = [name for name, field in ClientMetadata.model_fields.items() if field.default is None]
_TEXTS = [name for name in _OPTIONAL if name != _JWKS_URI]
"""The texts that a client may be without, each in an attribute; Keycloak has one of its own for the
address of keys."""
_OF_KEYS = (
    "use.jwks.string",
    "jwks.string",
    "use.jwks.url",
    "jwks.url",
    "jwt.credential.certificate",
)
_FOR_SIGNATURES = "sig"
_ADDED_USE = "acmidm.use"
"""The member of a key that says which ``use`` this adapter has added to it."""
_LONGEST_SECONDS = 16
_UNREADABLE = "unreadable"
_MISSING = "missing"
_BEGINNING = re.compile(
    rb'\[\{"id":"(?P<id>[!#-\[\]-~]{1,255})","clientId":"(?P<client_id>[ !#-\[\]-~]{1,255})"'
)
"""The names of the first client of a list, in characters that stand for themselves."""
_TRUE = "true"
_KEYCLOAKS_OWN = frozenset(
    {
        "account",
        "account-console",
        "admin-cli",
        "admin-permissions",
        "broker",
        "realm-management",
        "security-admin-console",
    }
)


def client_ids_for(software_id: str | None) -> Iterator[str]:
    """Yield the client-IDs to try for a natural key, always the same ones in the same order:
    Keycloak refuses a client-ID twice, so that two runs cannot make the same client twice.

    The second is for a key whose first client-ID belongs to a client that has moved to another key,
    and so on. Without a natural key the client-ID is random.
    """
    if software_id is None:
        yield str(uuid.uuid4())
        return
    yield str(uuid.uuid5(_NATURAL_KEYS, software_id))
    for number in count(2):
        yield str(uuid.uuid5(_NATURAL_KEYS, f"{software_id}/{number}"))


class WireClient(BaseModel):
    """A ClientRepresentation, without its secret and other members that this project does not
    read."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)

    id: str
    client_id: str
    name: str | None = None
    description: str | None = None
    enabled: bool = True
    protocol: str | None = None
    bearer_only: bool = False
    public_client: bool = False
    client_authenticator_type: str = _SECRET
    standard_flow_enabled: bool = False
    implicit_flow_enabled: bool = False
    direct_access_grants_enabled: bool = False
    service_accounts_enabled: bool = False
    full_scope_allowed: bool = False
    protocol_mappers: list[Any] = []
    authentication_flow_binding_overrides: dict[str, Any] = {}
    root_url: str | None = None
    base_url: str | None = None
    admin_url: str | None = None
    attributes: dict[str, str | None] = {}
    default_client_scopes: Items[str] = []
    optional_client_scopes: Items[str] = []

    @property
    def metadata(self) -> ClientMetadata:
        return ClientMetadata(
            client_name=self.name or "",
            **{name: self._project_attribute(name) for name in _TEXTS},
            keys_declared=self._project_attribute("keys_declared") == _TRUE,
            organisation=OrganisationMetadata(
                name=self.description or "",
                ovo=self._project_attribute("ovo_code"),
                kbo=self._project_attribute("kbo_number"),
            ),
            application=self._project_attribute("application") or "",
            grant_types=self._grant_types(),
            token_endpoint_auth_method=self._auth_method(),
            contacts=tuple((self._project_attribute("contacts") or "").splitlines()),
            enabled=self.enabled,
            attributes=claims_of(self.protocol_mappers),
            jwks_uri=self._jwks_uri,
        )

    @property
    def scopes(self) -> Scopes:
        """All scopes of the client, ``{"dv_dosis_lezen": False}`` (True: default): those that it
        was granted, and its dedicated scope where that puts more than attributes into tokens."""
        granted = {name: name in self.default_client_scopes for name in sorted(self.granted)}
        if self.full_scope_allowed or not all(map(claim_of, self.protocol_mappers)):
            granted[self.dedicated_scope] = False
        return granted

    @property
    def granted(self) -> frozenset[str]:
        return frozenset(self.default_client_scopes + self.optional_client_scopes)

    @property
    def dedicated_scope(self) -> str:
        """The name of the client's own mappers and *Full scope allowed* together, as in Keycloak's
        console. It is no client scope of the realm."""
        return f"{self.client_id}-dedicated"

    @property
    def jwks(self) -> Jwks:
        """The keys that Keycloak verifies assertions with. In the place of keys that are not in a
        JWK Set stands their source: the address, or the certificate."""
        if (address := self._jwks_uri) is not None:
            return {_JWKS_URI: {_JWKS_URI: address}}
        if self.attributes.get("use.jwks.string") == _TRUE:
            return _keys_in(self.attributes.get("jwks.string") or "")
        certificate = self.attributes.get("jwt.credential.certificate")
        return {"certificate": {"x5c": [harmless(certificate)]}} if certificate else {}

    @property
    def registered(self) -> RegisteredClient:
        secret_set_at = _seconds(self.attributes.get(_SECRET_SET_AT) or "")
        return RegisteredClient(
            self.client_id, self.metadata, secret_set_at, self.scopes, self.jwks
        )

    @property
    def is_connection(self) -> bool:
        """Whether a machine logs in with the client, or this project declares it. Clients that
        Keycloak makes in each realm are no connections."""
        if self.is_keycloaks_own or self.protocol not in (None, "openid-connect"):
            return False
        return self.service_accounts_enabled or self._project_attribute("software_id") is not None

    @property
    def is_keycloaks_own(self) -> bool:
        """Whether Keycloak makes the client in each realm: a console, or what stands for an API of
        Keycloak."""
        return (
            self.client_id in _KEYCLOAKS_OWN
            or self.is_realm
            or self.attributes.get("realm_client") == _TRUE
        )

    @property
    def is_realm(self) -> bool:
        """Whether the roles of the client are rights over a realm: ``realm-management``, or in the
        realm master ``<realm>-realm``."""
        return self.client_id == "realm-management" or (
            self.client_id.endswith("-realm") and self.bearer_only
        )

    @property
    def _jwks_uri(self) -> str | None:
        if self.attributes.get("use.jwks.url") != _TRUE:
            return None
        address: str = harmless(self.attributes.get("jwks.url") or "")
        return address

    def _project_attribute(self, name: str) -> str | None:
        return self.attributes.get(_OWN + name) or None

    def _grant_types(self) -> tuple[str, ...]:
        """Return the grants of RFC 7591 whose flows are switched on."""
        grants = [grant for grant, flag in _FLOWS.items() if getattr(self, flag)]
        for grant, name in _FLOW_ATTRIBUTES.items():
            if self.attributes.get(name) == _TRUE:
                grants.append(grant)
        return tuple(grants)

    def _auth_method(self) -> str:
        """Return the authentication method, by its name in RFC 7591 or else Keycloak's: no form can
        have that, so that it shows as drift."""
        if self.public_client:
            return "none"
        if self.client_authenticator_type == _SECRET:
            # Keycloak accepts a secret either way, so that an attribute remembers which method was
            # declared.
            declared = self._project_attribute("token_endpoint_auth_method")
            return declared if declared in _SECRET_METHODS else _SECRET_METHODS[0]
        return _OTHER_METHODS.get(self.client_authenticator_type, self.client_authenticator_type)


def unread_client(beginning: bytes) -> WireClient | None:
    """Return a stand-in for a client that is too large to be read: with its own id and client-ID,
    and ``unreadable`` as its name, natural key and owner, so that it shows as drift. To leave the
    client out would look as if somebody had removed it.

    ``beginning`` has the first bytes of a list with this client alone. None where these do not
    have its id and client-ID.
    """
    match = _BEGINNING.match(beginning)
    if match is None:
        return None
    names = {"id": match["id"].decode(), "clientId": match["client_id"].decode()}
    attributes = {_OWN + name: _UNREADABLE for name in ("software_id", "managed_by", "application")}
    shown = {"name": _UNREADABLE, "description": _UNREADABLE}
    return WireClient.model_validate(
        {**names, **shown, "serviceAccountsEnabled": True, "attributes": attributes}
    )


class WireClients(RootModel[list[WireClient]]):
    root: Page[WireClient]


class WireScope(BaseModel):
    """A ClientScopeRepresentation."""

    id: str
    name: str
    protocol: str | None = None


class WireScopeList(RootModel[list[WireScope]]):
    root: Items[WireScope]


def metadata_document(metadata: ClientMetadata, client_secret: str | None) -> dict[str, Any]:
    """Return the ClientRepresentation of a client's metadata, for a PUT: Keycloak leaves alone what
    is not in it, and removes an attribute that is null.

    Raises:
        Rejected: where Keycloak does not have the authentication method.
    """
    authenticator = _AUTHENTICATORS.get(metadata.token_endpoint_auth_method)
    if authenticator is None:
        raise Rejected(
            tr(
                "Keycloak clients cannot have authentication method {method}; choose another"
                " method in the form",
                method=metadata.token_endpoint_auth_method,
            )
        )
    names = (*_TEXTS, "application", "token_endpoint_auth_method")
    attributes: dict[str, str | None] = {_OWN + name: getattr(metadata, name) for name in names}
    attributes |= {
        f"{_OWN}ovo_code": metadata.organisation.ovo,
        f"{_OWN}kbo_number": metadata.organisation.kbo,
    }
    attributes[f"{_OWN}keys_declared"] = _TRUE if metadata.keys_declared else None
    attributes[f"{_OWN}contacts"] = "\n".join(metadata.contacts) or None
    for grant, name in _FLOW_ATTRIBUTES.items():
        attributes[name] = _TRUE if grant in metadata.grant_types else None
    if metadata.jwks_uri is not None:
        # Else an address stays until keys are written: the client never has neither.
        attributes |= {
            "use.jwks.url": _TRUE,
            "jwks.url": metadata.jwks_uri,
            "use.jwks.string": "false",
            "jwks.string": None,
        }
    document = {
        "name": metadata.client_name,
        "description": metadata.organisation.name,
        "enabled": metadata.enabled,
        "publicClient": False,
        "clientAuthenticatorType": authenticator,
        **{to_camel(flag): grant in metadata.grant_types for grant, flag in _FLOWS.items()},
        "attributes": attributes,
    }
    if client_secret is not None:
        document["secret"] = client_secret
    return document


def changes_document(client: WireClient, document: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a document that differ from what a client has, for a PUT.

    A PUT of the whole document would do more: where it repeats that a client has a service account,
    Keycloak grants the scope ``service_account`` once more.
    """
    existing = client.model_dump(by_alias=True)
    attributes = _differing(client.attributes, document["attributes"])
    return {**_differing(existing, document), "attributes": attributes}


def _differing(existing: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if existing.get(name) != value}


def new_client_document(
    client_id: str, metadata: ClientMetadata, client_secret: str | None, scopes: Scopes, jwks: Jwks
) -> dict[str, Any]:
    """Return what a POST sends: a client for machines alone, whose tokens have no roles."""
    document = metadata_document(metadata, client_secret)
    default = default_names(scopes)
    return {
        **document,
        "clientId": client_id,
        "protocol": "openid-connect",
        "fullScopeAllowed": False,
        "protocolMappers": mappers_of(metadata.attributes),
        "defaultClientScopes": default,
        "optionalClientScopes": sorted(scopes.keys() - default),
        "attributes": {**jwks_document(jwks)["attributes"], **document["attributes"]},
    }


def taking_over_document(client: WireClient, document: dict[str, Any]) -> dict[str, Any]:
    """Return what a PUT sends first to a client that is taken over: the metadata in ``document``,
    and an empty value for all that a new client of this project would not have.

    Attributes of keys stay, and those that Keycloak writes itself, and the scopes; a secret stays
    unless ``document`` has a new one.
    """
    kept = (_SECRET_SET_AT, "realm_client", *_OF_KEYS)
    flows = client.authentication_flow_binding_overrides
    emptied = {
        **document,
        "serviceAccountsEnabled": False,
        "authorizationServicesEnabled": False,
        "redirectUris": [],
        "webOrigins": [],
    }
    for name in ("root_url", "base_url", "admin_url"):
        if getattr(client, name):
            emptied[to_camel(name)] = ""
    emptied["authenticationFlowBindingOverrides"] = dict.fromkeys(flows, "")
    unknown = {name: None for name in client.attributes if name not in kept}
    emptied["attributes"] = {**unknown, **document["attributes"]}
    return emptied


def empty_dedicated_scope_document(client: WireClient) -> dict[str, Any]:
    """Return what a PUT sends to empty the client's dedicated scope: mappers that are no attribute
    go, and *Full scope allowed*, by which tokens have all roles."""
    return {
        "fullScopeAllowed": False,
        "protocolMappers": [mapper for mapper in client.protocol_mappers if claim_of(mapper)],
    }


def jwks_document(jwks: Jwks) -> dict[str, Any]:
    """Return what a PUT sends to replace the keys, and nothing else."""
    text = json.dumps({"keys": [_with_use(jwks[kid]) for kid in sorted(jwks)]}, sort_keys=True)
    return {
        "attributes": {
            "use.jwks.string": _TRUE,
            "jwks.string": text,
            "use.jwks.url": "false",
            "jwks.url": None,
        }
    }


def _keys_in(text: str) -> Jwks:
    """Return the keys in the text of a client's JWK Set, by ``kid``, as ``keys_by_name`` shows
    them, with the ``use`` of their form; none for an empty text. What is no JWK Set is one key
    ``unreadable``, which shows as drift."""
    try:
        keys = parse_json(text)["keys"] if text else []
    except (ValueError, RecursionError, TypeError, KeyError):
        keys = None
    if not isinstance(keys, list):
        return {"unreadable": {"unreadable": "this is no JWK Set"}}
    return keys_by_name(map(_as_declared, keys))


def _with_use(key: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a key for Keycloak, which ignores a key without ``use``, though RFC 7517 §4.2 allows
    one. A ``use`` that is added here is marked, so that reading takes it out."""
    if "use" in key:
        return key
    return {**key, "use": _FOR_SIGNATURES, _ADDED_USE: _FOR_SIGNATURES}


def _as_declared(key: object) -> object:
    """Return a key of Keycloak as its form has it: without a ``use`` that ``_with_use`` added. A
    key without any, which works nowhere in Keycloak, gets ``missing``: so it differs from the form,
    and the next run writes it anew."""
    if not isinstance(key, dict):
        return key
    use = key.get("use", _MISSING)
    if use == key.get(_ADDED_USE):
        return without(key, ("use", _ADDED_USE))
    return {**key, "use": use}


def _seconds(text: str) -> int:
    """Return a text as whole seconds since 1970; 0 where it is no such number."""
    if not text.isascii() or not text.isdigit() or len(text) >= _LONGEST_SECONDS:
        return 0
    return int(text)
