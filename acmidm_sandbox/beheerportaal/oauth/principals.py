"""Who requests a token: a connection client or an operator, as Authlib's `ClientMixin`."""

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin, list_to_scope
from typing_extensions import override

from acmidm_sandbox.beheerportaal.documents import SECRET_METHODS, AuthMethod, KeyInUse
from acmidm_sandbox.beheerportaal.jwk import is_in_time, thumbprint
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store import clients
from acmidm_sandbox.beheerportaal.store.clients import Client
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.users import Operator

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Principal(ClientMixin):  # type: ignore[misc]
    """What the token endpoint needs to know about a client or an operator. `credential` is what it
    authenticated with, if it did.

    `signed` says with which of its keys a connection client did so.
    """

    client_id: str
    token_endpoint_auth_method: AuthMethod
    client_secret_hash: str | None
    jwks: Sequence[Mapping[str, Any]]
    scopes: frozenset[str]
    grant_types: frozenset[str]
    enabled: bool
    is_operator: bool
    claims: Mapping[str, str]
    previous_secret_hash: str | None = None
    default_scopes: frozenset[str] = frozenset()
    credential: str = ""
    signed: KeyInUse | None = None

    @override
    def get_client_id(self) -> str:
        """Authlib: the client_id."""
        return self.client_id

    @override
    def get_allowed_scope(self, scope: str | None) -> str:
        """Authlib: the scope of the token: what was requested and is granted, the default scopes,
        and everything in place of nothing."""
        wanted = {*(scope or "").split(), *self.default_scopes} or self.scopes
        return str(list_to_scope(sorted(wanted & self.scopes)))

    @override
    def check_grant_type(self, grant_type: str) -> bool:
        """Authlib: only registered grant types are accepted."""
        return grant_type in self.grant_types

    @property
    def secret_hashes(self) -> list[str]:
        """Those of the secrets that work now: its own, and the one before as long as both do."""
        return [
            hashed
            for hashed in (self.client_secret_hash, self.previous_secret_hash)
            if hashed is not None
        ]

    def still_has(self, credential: str) -> bool:
        """Return whether what was authenticated with would still do: a key's thumbprint, or the
        mark of a secret."""
        if self.token_endpoint_auth_method in SECRET_METHODS:
            return any(mark_of(hashed) == credential for hashed in self.secret_hashes)
        now = time.time()
        return any(thumbprint(key) == credential for key in self.jwks if is_in_time(key, now))


def mark_of(secret_hash: str) -> str:
    """Return what tells a secret from its successor, and nothing about it: the hash has a salt."""
    return hashlib.sha256(secret_hash.encode()).hexdigest()


def of_client(client: Client) -> Principal:
    """Return a connection client; its tokens say for which organisation and application it acts,
    and what it says of itself."""
    document = client.document
    organisation = document.organisation
    claims = {
        **document.attributes,
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
        previous_secret_hash=client.previous_in_force(time.time()),
        jwks=client.jwks.keys,
        scopes=frozenset(client.scopes.scopes),
        grant_types=frozenset(document.grant_types),
        enabled=document.enabled,
        is_operator=False,
        claims=claims,
        default_scopes=frozenset(client.scopes.default),
    )


def of_operator(operator: Operator) -> Principal:
    """Return an operator; its rights are its scopes."""
    return Principal(
        client_id=operator.client_id,
        token_endpoint_auth_method="private_key_jwt",  # noqa: S106 - the name of a method
        client_secret_hash=None,
        jwks=operator.jwks,
        scopes=frozenset(operator.rights),
        grant_types=frozenset({"client_credentials"}),
        enabled=True,
        is_operator=True,
        claims={},
    )


def find(database: Database, client_id: str) -> Principal | None:
    """Return the client or operator with this client_id, as it is now."""
    with database.read() as session:
        if client := clients.find(session, client_id):
            return of_client(client)
        operator = session.get(Operator, client_id)
        return None if operator is None else of_operator(operator)


def why_unknown(settings: PortalSettings, client_id: str) -> str:
    """Return why there is no client with this client_id; it says so where it is of the other
    platform's kind."""
    if settings.platform == "geosecure" and _UUID.fullmatch(client_id):
        return (
            f"client_id {client_id} is a UUID, the kind that ACM/IDM gives out; this is GeoSecure,"
            " use the client's numeric GeoSecure id"
        )
    if settings.platform == "acmidm" and _DIGITS.fullmatch(client_id):
        return (
            f"client_id {client_id} is numeric, the kind that GeoSecure gives out; this is ACM/IDM,"
            " use the client's ACM/IDM id, a UUID"
        )
    return (
        f"there is no client {client_id} in environment {settings.environment}; check the client_id"
        " and the environment"
    )
