"""The scopes and the keys of a client: whole sets, each with an ETag of its own, so that they can
be written in parallel."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from acmidm_sandbox.beheerportaal.api import answers
from acmidm_sandbox.beheerportaal.api.clients import PREFIX, find
from acmidm_sandbox.beheerportaal.api.describe import ACCESS_TOKEN, IF_MATCH, problems, with_etag
from acmidm_sandbox.beheerportaal.api.guard import OperatorRoute
from acmidm_sandbox.beheerportaal.conditions import require_current
from acmidm_sandbox.beheerportaal.context import Caller, CurrentPortal
from acmidm_sandbox.beheerportaal.documents import JwksDocument, KeysInUse, ScopesDocument
from acmidm_sandbox.beheerportaal.jwk import mistakes, registered
from acmidm_sandbox.beheerportaal.problems import refused
from acmidm_sandbox.beheerportaal.store import audit, clients, keys_in_use
from acmidm_sandbox.beheerportaal.store.audit import Change
from acmidm_sandbox.beheerportaal.store.clients import StoredClient

router = APIRouter(
    prefix=f"{PREFIX}/clients/{{client_id}}",
    route_class=OperatorRoute,
    dependencies=[ACCESS_TOKEN],
    tags=["clients"],
)

_READ = with_etag(200) | problems(404)
_REPLACE = with_etag(200) | problems(404, 412, 428, with_body=True)


@router.get("/scopes", response_model=ScopesDocument, responses=_READ)
def read_scopes(portal: CurrentPortal, client_id: str) -> Response:
    """The whole set of scopes, those that the portal assigned included."""
    with portal.database.read() as connection:
        client = find(connection, client_id)
    return answers.document(client.scopes, client.scopes_version)


@router.put("/scopes", response_model=ScopesDocument, responses=_REPLACE)
def replace_scopes(
    portal: CurrentPortal,
    caller: Caller,
    client_id: str,
    wanted: ScopesDocument,
    if_match: IF_MATCH = None,
) -> Response:
    """Replaces the whole set; scopes that the portal assigns by itself stay as they are, where they
    are not named."""
    wrong = [
        {
            "pointer": f"/scopes/{position}",
            "detail": (
                f"{scope} is no scope of this environment; ask its provider, or correct the name"
            ),
        }
        for position, scope in enumerate(wanted.scopes)
        if scope not in portal.settings.scopes
    ]
    wrong += [
        {
            "pointer": f"/default/{position}",
            "detail": f"{scope} is not among the scopes; add it there, or leave it out here",
        }
        for position, scope in enumerate(wanted.default)
        if scope not in wanted.scopes
    ]
    if wrong:
        raise refused(wrong)
    with portal.database.write() as connection:
        client = find(connection, client_id)
        require_current(if_match, client.scopes_version)
        client = store_scopes(
            connection,
            portal.settings.assigned_scopes,
            caller,
            client,
            wanted.scopes,
            wanted.default,
        )
    return answers.document(client.scopes, client.scopes_version)


@router.get("/jwks", response_model=JwksDocument, responses=_READ)
def read_jwks(portal: CurrentPortal, client_id: str) -> Response:
    """The whole set of public keys, sorted by kid."""
    with portal.database.read() as connection:
        client = find(connection, client_id)
    return answers.document(client.jwks, client.jwks_version)


@router.put("/jwks", response_model=JwksDocument, responses=_REPLACE)
def replace_jwks(
    portal: CurrentPortal,
    caller: Caller,
    client_id: str,
    wanted: JwksDocument,
    if_match: IF_MATCH = None,
) -> Response:
    """Replaces the whole set. A set with one bad key is refused whole, and the old keys stay in
    use."""
    if wrong := mistakes(wanted.keys):
        raise refused(wrong)
    with portal.database.write() as connection:
        client = find(connection, client_id)
        require_current(if_match, client.jwks_version)
        client = store_jwks(connection, caller, client, wanted.keys)
    return answers.document(client.jwks, client.jwks_version)


@router.get("/keys-in-use", response_model=KeysInUse, responses=problems(404))
def read_keys_in_use(portal: CurrentPortal, client_id: str) -> Response:
    """Which of the client's keys got a token, and when the last one was."""
    with portal.database.read() as connection:
        find(connection, client_id)
        return answers.page(keys_in_use.of_client(connection, client_id))


def store_scopes(
    connection: Connection,
    assigned: frozenset[str],
    actor: str,
    client: StoredClient,
    wanted: Sequence[str],
    default: Sequence[str],
) -> StoredClient:
    """Write a set of scopes, with those that are assigned, and a line in the audit trail; neither
    where it is the set that there is."""
    unnamed = assigned.difference(wanted)
    scopes = ScopesDocument(
        scopes=sorted({*wanted, *assigned}),
        default=sorted({*default, *unnamed.intersection(client.scopes.default)}),
    )
    if scopes == client.scopes:
        return client
    client_id = client.document.client_id
    path = f"{PREFIX}/clients/{client_id}/scopes"
    audit.record(
        connection, actor, Change("scopes.replaced", client_id, path, client.scopes, scopes)
    )
    return clients.replace_scopes(connection, client, scopes)


def store_jwks(
    connection: Connection, actor: str, client: StoredClient, keys: Sequence[Mapping[str, Any]]
) -> StoredClient:
    """Write a set of keys, those that were added checked, and a line in the audit trail; neither
    where it is the set that there is."""
    jwks = JwksDocument.model_construct(
        keys=[registered(key) for key in sorted(keys, key=lambda key: str(key["kid"]))]
    )
    if jwks == client.jwks:
        return client
    client_id = client.document.client_id
    path = f"{PREFIX}/clients/{client_id}/jwks"
    audit.record(connection, actor, Change("jwks.replaced", client_id, path, client.jwks, jwks))
    return clients.replace_jwks(connection, client, jwks)
