"""The client documents: list, register, read, replace, remove."""

import time
import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import Connection

from acmidm_sandbox.beheerportaal.api import answers
from acmidm_sandbox.beheerportaal.api.client_secrets import secret_required, secrets_after
from acmidm_sandbox.beheerportaal.api.describe import (
    ACCESS_TOKEN,
    AFTER,
    IF_MATCH,
    LIMIT,
    problems,
    with_etag,
)
from acmidm_sandbox.beheerportaal.api.guard import OperatorRoute
from acmidm_sandbox.beheerportaal.conditions import require_current
from acmidm_sandbox.beheerportaal.context import Caller, CurrentPortal
from acmidm_sandbox.beheerportaal.documents import (
    SECRET_METHODS,
    ClientDeclaration,
    ClientDocument,
    ClientPage,
    ClientReplacement,
    JwksDocument,
    ScopesDocument,
)
from acmidm_sandbox.beheerportaal.problems import Problem, not_found, refused
from acmidm_sandbox.beheerportaal.secrets import hash_secret
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store import audit, clients, counters
from acmidm_sandbox.beheerportaal.store.audit import Change
from acmidm_sandbox.beheerportaal.store.clients import StoredClient

PREFIX = "/management/v1"
FIRST_NUMERIC_CLIENT_ID = 40001
FIRST_NUMERIC_TEST_CLIENT_ID = 7001
"""Other ones than in production, so that one of the wrong environment is told from a right one:
public clients have 6776 and 38890."""

router = APIRouter(
    prefix=PREFIX, route_class=OperatorRoute, dependencies=[ACCESS_TOKEN], tags=["clients"]
)

_Filter = Annotated[str | None, Query(max_length=255)]


@router.get("/clients", response_model=ClientPage, responses=problems())
def list_clients(
    portal: CurrentPortal,
    limit: LIMIT = 100,
    after: AFTER = None,
    software_id: _Filter = None,
    application: _Filter = None,
    managed_by: _Filter = None,
) -> Response:
    """The clients with their scopes and keys, in the order of their registration; the filters must
    all match."""
    condition = clients.matching(
        software_id=software_id, application=application, managed_by=managed_by
    )
    with portal.database.read() as connection:
        page, following = clients.page(
            connection, condition, limit, None if after is None else int(after)
        )
    return answers.page(
        ClientPage(
            items=[client.item for client in page],
            next=None if following is None else str(following),
        )
    )


@router.post(
    "/clients",
    status_code=201,
    response_model=ClientDocument,
    responses=with_etag(201, location=201) | problems(409, with_body=True),
)
def register_client(
    portal: CurrentPortal, caller: Caller, declaration: ClientDeclaration
) -> Response:
    """Registers a client. It starts with the scopes that the portal assigns by itself, and without
    keys."""
    if (
        declaration.token_endpoint_auth_method in SECRET_METHODS
        and declaration.client_secret is None
    ):
        raise secret_required(declaration)
    secret_hash = (
        None
        if declaration.client_secret is None
        else hash_secret(declaration.client_secret.get_secret_value())
    )
    with portal.database.write() as connection:
        client = add(
            connection, portal.settings, caller, declaration.metadata, int(time.time()), secret_hash
        )
    return answers.document(
        client.document, client.client_version, location=_path(client.document.client_id)
    )


@router.get(
    "/clients/{client_id}", response_model=ClientDocument, responses=with_etag(200) | problems(404)
)
def read_client(portal: CurrentPortal, client_id: str) -> Response:
    """One client document."""
    with portal.database.read() as connection:
        client = find(connection, client_id)
    return answers.document(client.document, client.client_version)


@router.put(
    "/clients/{client_id}",
    response_model=ClientDocument,
    responses=with_etag(200) | problems(404, 409, 412, 428, with_body=True),
)
def replace_client(
    portal: CurrentPortal,
    caller: Caller,
    client_id: str,
    replacement: ClientReplacement,
    if_match: IF_MATCH = None,
) -> Response:
    """Replaces the whole document (RFC 7592 §2.2); scopes and keys stay as they are."""
    if replacement.client_id not in (None, client_id):
        raise refused(
            [
                {
                    "pointer": "/client_id",
                    "detail": "differs from the client_id in the URL; leave it out",
                }
            ]
        )
    with portal.database.write() as connection:
        client = find(connection, client_id)
        require_current(if_match, client.client_version)
        client = change(connection, caller, client, replacement)
    return answers.document(client.document, client.client_version)


@router.delete(
    "/clients/{client_id}",
    status_code=204,
    response_class=Response,
    responses=problems(404, 412, 428),
)
def remove_client(
    portal: CurrentPortal, caller: Caller, client_id: str, if_match: IF_MATCH = None
) -> Response:
    """Removes the client with its scopes and keys. Its product configurations live elsewhere and
    stay."""
    with portal.database.write() as connection:
        client = find(connection, client_id)
        require_current(if_match, client.client_version)
        remove(connection, caller, client)
    return Response(status_code=204)


def add(
    connection: Connection,
    settings: PortalSettings,
    caller: str,
    metadata: Mapping[str, Any],
    now: int,
    secret_hash: str | None = None,
) -> StoredClient:
    """Register a client that has the scopes that the portal assigns. Raises Problem: 409 for a
    known natural key."""
    _require_free(connection, metadata["software_id"], None)
    client = StoredClient(
        document=ClientDocument(
            **metadata,
            client_id=_new_client_id(connection, settings),
            client_id_issued_at=now,
            client_secret_updated_at=None if secret_hash is None else now,
        ),
        client_secret_hash=secret_hash,
        scopes=ScopesDocument(scopes=sorted(settings.assigned_scopes)),
        jwks=JwksDocument(keys=[]),
    )
    clients.add(connection, client)
    client_id = client.document.client_id
    audit.record(
        connection, caller, Change("client.created", client_id, _path(client_id), None, client.item)
    )
    return client


def change(
    connection: Connection, caller: str, client: StoredClient, replacement: ClientReplacement
) -> StoredClient:
    """Replace a client's document, where it differs. Raises Problem: 409 for another's natural
    key."""
    client_id = client.document.client_id
    _require_free(connection, replacement.software_id, client_id)
    secrets = secrets_after(client, replacement)
    document = ClientDocument(
        **replacement.metadata,
        client_id=client_id,
        client_id_issued_at=client.document.client_id_issued_at,
        client_secret_updated_at=secrets.updated_at,
        previous_client_secret_expires_at=secrets.previous_expires_at,
    )
    if document == client.document and secrets.hashed == client.client_secret_hash:
        return client
    audit.record(
        connection,
        caller,
        Change("client.replaced", client_id, _path(client_id), client.document, document),
    )
    return clients.replace_document(connection, client, document, secrets.hashed, secrets.previous)


def remove(connection: Connection, caller: str, client: StoredClient) -> None:
    """Remove a client with all that lives inside it."""
    client_id = client.document.client_id
    clients.remove(connection, client_id)
    audit.record(
        connection, caller, Change("client.removed", client_id, _path(client_id), client.item, None)
    )


def find(connection: Connection, client_id: str) -> StoredClient:
    """Return the client.

    Raises:
        Problem: 404.
    """
    client = clients.find(connection, client_id)
    if client is None:
        raise not_found(f"client {client_id}")
    return client


def _path(client_id: str) -> str:
    return f"{PREFIX}/clients/{client_id}"


def _new_client_id(connection: Connection, settings: PortalSettings) -> str:
    if settings.platform == "geosecure":
        first = (
            FIRST_NUMERIC_CLIENT_ID
            if settings.environment == "prod"
            else FIRST_NUMERIC_TEST_CLIENT_ID
        )
        return str(counters.take(connection, "geosecure_client_id", first))
    return str(uuid.uuid4())


def _require_free(connection: Connection, software_id: str | None, client_id: str | None) -> None:
    """The natural key is unique: a retry, or someone else, learns which client has it."""
    owner = None if software_id is None else clients.find_by_software_id(connection, software_id)
    if owner is not None and owner.document.client_id != client_id:
        existing = owner.document.client_id
        raise Problem(
            409,
            f"Client {existing} has software_id {software_id} already; read and replace that one.",
            members={"client_id": existing},
        )
