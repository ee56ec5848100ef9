"""Who requests a token: a connection client or an operator, as Authlib's `ClientMixin`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin, list_to_scope
from typing_extensions import override

from beheerportaal.documents import AuthMethod
from beheerportaal.oauth.errors import invalid_client
from beheerportaal.secrets import is_secret
from beheerportaal.settings import PortalSettings
from beheerportaal.store import clients, operators
from beheerportaal.store.clients import StoredClient
from beheerportaal.store.database import Database
from beheerportaal.store.operators import StoredOperator

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Principal(ClientMixin):  # type: ignore[misc]
    """What the token endpoint needs to know about a client or an operator."""

    client_id: str
    token_endpoint_auth_method: AuthMethod
    client_secret_hash: str | None
    jwks: Sequence[Mapping[str, Any]]
    scopes: frozenset[str]
    grant_types: frozenset[str]
    enabled: bool
    is_operator: bool
    claims: Mapping[str, str]

    @override
    def get_client_id(self) -> str:
        """Authlib: the client_id."""
        return self.client_id

    @override
    def get_allowed_scope(self, scope: str | None) -> str:
        """Authlib: the scope of the token; all that is granted where the request names none (RFC 6749 §3.3)."""
        return str(list_to_scope(sorted(set(scope.split()) if scope else self.scopes)))

    @override
    def check_client_secret(self, client_secret: str) -> bool:
        """Authlib: whether this is the registered secret."""
        return self.client_secret_hash is not None and is_secret(client_secret, self.client_secret_hash)

    @override
    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Authlib: only the registered method is accepted."""
        return method == self.token_endpoint_auth_method

    @override
    def check_grant_type(self, grant_type: str) -> bool:
        """Authlib: only registered grant types are accepted."""
        return grant_type in self.grant_types


def of_client(client: StoredClient) -> Principal:
    """A connection client; its tokens say for which organisation and application it acts."""
    document = client.document
    organisation = document.organisation
    claims = {
        "vo_orgcode": organisation.code,
        "vo_orgnaam": organisation.name,
        "vo_applicatienaam": document.application,
    }
    if organisation.ovo is not None:
        claims["vo_ovocode"] = organisation.ovo
    return Principal(
        client_id=document.client_id,
        token_endpoint_auth_method=document.token_endpoint_auth_method,
        client_secret_hash=client.client_secret_hash,
        jwks=client.jwks.keys,
        scopes=frozenset(client.scopes.scopes),
        grant_types=frozenset(document.grant_types),
        enabled=document.enabled,
        is_operator=False,
        claims=claims,
    )


def of_operator(operator: StoredOperator) -> Principal:
    """An operator; its rights are its scopes."""
    return Principal(
        client_id=operator.client_id,
        token_endpoint_auth_method=operator.token_endpoint_auth_method,
        client_secret_hash=operator.client_secret_hash,
        jwks=operator.jwks,
        scopes=frozenset(operator.rights),
        grant_types=frozenset({"client_credentials"}),
        enabled=True,
        is_operator=True,
        claims={},
    )


def find(database: Database, settings: PortalSettings, client_id: str) -> Principal:
    """The client or operator with this client_id.

    Raises:
        InvalidClientError: where there is none; it says so where the client_id is of the other platform's kind.
    """
    with database.read() as connection:
        if (client := clients.find(connection, client_id)) is not None:
            return of_client(client)
        if (operator := operators.find(connection, client_id)) is not None:
            return of_operator(operator)
    if settings.platform == "geosecure" and _UUID.fullmatch(client_id):
        raise invalid_client(
            f"client_id {client_id} is a UUID, the kind that ACM/IDM gives out; this is GeoSecure, use the client's numeric GeoSecure id"
        )
    if settings.platform == "acmidm" and _DIGITS.fullmatch(client_id):
        raise invalid_client(
            f"client_id {client_id} is numeric, the kind that GeoSecure gives out; this is ACM/IDM, use the client's ACM/IDM id, a UUID"
        )
    raise invalid_client(f"there is no client {client_id} in environment {settings.environment}; check the client_id and the environment")
