"""Who requests a token: a connection client or an operator."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acmidm_sandbox.beheerportaal.documents import SECRET_METHODS, AuthMethod
from acmidm_sandbox.beheerportaal.jwk import is_in_time, thumbprint
from acmidm_sandbox.beheerportaal.store import clients
from acmidm_sandbox.beheerportaal.store.clients import Client
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.users import Operator


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """What the token endpoint needs to know about a client or an operator."""

    client_id: str
    token_endpoint_auth_method: AuthMethod = "private_key_jwt"
    secret_hashes: Sequence[str] = ()
    """Those of the secrets that work now: its own, and the one before as long as both do."""
    jwks: Sequence[Mapping[str, Any]]
    scopes: frozenset[str]
    default_scopes: frozenset[str] = frozenset()
    grant_types: Sequence[str] = ("client_credentials",)
    enabled: bool = True
    is_operator: bool = False
    claims: Mapping[str, str] = field(default_factory=dict)

    def still_has(self, credential: str) -> bool:
        """Return whether what was authenticated with would still do: a key's thumbprint, or the
        mark of a secret."""
        if self.token_endpoint_auth_method in SECRET_METHODS:
            return credential in map(mark_of, self.secret_hashes)
        now = time.time()
        return any(thumbprint(key) == credential for key in self.jwks if is_in_time(key, now))


def mark_of(secret_hash: str) -> str:
    """Return what tells a secret from its successor, and nothing about it: the hash has a salt."""
    return hashlib.sha256(secret_hash.encode()).hexdigest()


def find(database: Database, client_id: str) -> Principal | None:
    """Return the client or operator with this client_id, as it is now."""
    with database.read() as session:
        if client := clients.find(session, client_id):
            return _of_client(client)
        operator = session.get(Operator, client_id)
    if operator is None:
        return None
    return Principal(
        client_id=operator.client_id,
        jwks=operator.jwks,
        scopes=frozenset(operator.rights),
        is_operator=True,
    )


def _of_client(client: Client) -> Principal:
    """Return a connection client; its tokens say for which organisation and application it acts,
    and what it says of itself."""
    document, organisation = client.document, client.document.organisation
    claims = {
        **document.attributes,
        "vo_orgcode": organisation.code,
        "vo_orgnaam": organisation.name,
        "vo_applicatienaam": document.application,
    }
    if organisation.ovo is not None:
        claims["vo_ovocode"] = organisation.ovo
    hashes = client.client_secret_hash, client.previous_in_force(time.time())
    return Principal(
        client_id=document.client_id,
        token_endpoint_auth_method=document.token_endpoint_auth_method,
        secret_hashes=[hashed for hashed in hashes if hashed is not None],
        jwks=client.jwks.keys,
        scopes=frozenset(client.scopes.scopes),
        default_scopes=frozenset(client.scopes.default),
        grant_types=document.grant_types,
        enabled=document.enabled,
        claims=claims,
    )
