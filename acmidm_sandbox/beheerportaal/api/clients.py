"""The endpoints of clients, of their scopes and of their keys. Each of these three documents has
an ETag of its own, so that a run can write them at the same time."""

import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any

from fastapi import Path, Query, Response
from sqlalchemy import ColumnElement, select, text, true
from sqlalchemy.orm import Session

from acmidm_sandbox.beheerportaal.api.client_secrets import secret_required, secrets_after
from acmidm_sandbox.beheerportaal.api.endpoints import (
    AFTER,
    CHANGE_PROBLEMS,
    CREATED,
    IF_MATCH,
    LIMIT,
    READ,
    answer,
    answer_json,
    router_for_operators,
)
from acmidm_sandbox.beheerportaal.context import Caller, CurrentPortal
from acmidm_sandbox.beheerportaal.documents import (
    SECRET_METHODS,
    Administrators,
    ClientDeclaration,
    ClientDocument,
    ClientPage,
    ClientReplacement,
    JwksDocument,
    KeysInUse,
    ScopesDocument,
)
from acmidm_sandbox.beheerportaal.http import require_current
from acmidm_sandbox.beheerportaal.jwk import mistakes_in_keys, registered_members
from acmidm_sandbox.beheerportaal.problems import RefusedRequest, not_found, unprocessable
from acmidm_sandbox.beheerportaal.secrets import hash_secret
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store import clients, users
from acmidm_sandbox.beheerportaal.store.clients import StoredClient, audit
from acmidm_sandbox.beheerportaal.store.database import page_of

PREFIX = "/management/v1"
FIRST_NUMERIC_CLIENT_ID = 40001
FIRST_NUMERIC_TEST_CLIENT_ID = 7001
"""GeoSecure's client-IDs begin elsewhere on test than in production, so that nobody takes one for
the other: public clients have 6776 and 38890."""

router = router_for_operators(PREFIX, "clients")

_CLIENT = "/clients/{client_id}"
Filter = Annotated[str | None, Query(max_length=255)]
_REPLACED = READ | CHANGE_PROBLEMS


@router.get("/clients", response_model=ClientPage)
async def list_clients(
    portal: CurrentPortal,
    limit: LIMIT = 100,
    after: AFTER = None,
    software_id: Filter = None,
    application: Filter = None,
    managed_by: Filter = None,
) -> Response:
    """The clients with their scopes and keys, in the order of their registration; the filters must
    all match."""
    filters = {"software_id": software_id, "application": application, "managed_by": managed_by}
    matching: ColumnElement[bool] = true()
    for name, value in filters.items():
        if value is not None:
            matching &= getattr(StoredClient, name) == value
    with portal.database.read() as session:
        page, following = page_of(session, StoredClient, matching, limit, after)
    return answer_json(ClientPage(items=[client.item for client in page], next=following))


@router.post(
    "/clients", status_code=201, response_model=ClientDocument, responses=CREATED | CHANGE_PROBLEMS
)
def register_client(
    portal: CurrentPortal, caller: Caller, declaration: ClientDeclaration
) -> Response:
    """Registers a client. It starts with the scopes that the portal assigns by itself, and without
    keys."""
    secret = declaration.client_secret
    if declaration.token_endpoint_auth_method in SECRET_METHODS and secret is None:
        raise secret_required(declaration)
    with portal.database.write() as session:
        client = add_client(session, portal.settings, caller, declaration)
    return answer(client.document, client.client_version, location=_path(client.client_id))


@router.get(_CLIENT, response_model=ClientDocument, responses=READ)
async def read_client(portal: CurrentPortal, client_id: str) -> Response:
    """One client document."""
    with portal.database.read() as session:
        client = _find_or_404(session, client_id)
    return answer(client.document, client.client_version)


@router.put(_CLIENT, response_model=ClientDocument, responses=_REPLACED)
def replace_client(
    portal: CurrentPortal,
    caller: Caller,
    client_id: str,
    replacement: ClientReplacement,
    if_match: IF_MATCH = None,
) -> Response:
    """Replaces the whole document (RFC 7592 §2.2); scopes and keys stay as they are."""
    if replacement.client_id not in (None, client_id):
        differs = "differs from the client_id in the URL; leave it out"
        raise unprocessable([{"pointer": "/client_id", "detail": differs}])
    with portal.database.write() as session:
        client = _find_or_404(session, client_id)
        require_current(if_match, client.client_version)
        _require_free(session, replacement.software_id, client_id)
        before, secrets = client.document, secrets_after(client, replacement)
        document = ClientDocument(
            **replacement.metadata,
            client_id=client_id,
            client_id_issued_at=before.client_id_issued_at,
            client_secret_updated_at=secrets.updated_at,
            previous_client_secret_expires_at=secrets.previous_expires_at,
        )
        if document != before or secrets.hashed != client.client_secret_hash:
            client.document = document
            client.client_version += 1
            client.client_secret_hash = secrets.hashed
            client.previous_client_secret_hash = secrets.previous
            path = _path(client_id)
            audit(
                session, caller, "client.replaced", client_id, path, before=before, after=document
            )
    return answer(document, client.client_version)


@router.delete(_CLIENT, status_code=204, response_class=Response, responses=CHANGE_PROBLEMS)
def remove_client(
    portal: CurrentPortal, caller: Caller, client_id: str, if_match: IF_MATCH = None
) -> Response:
    """Removes the client with its scopes and keys. Its product configurations live elsewhere and
    stay."""
    with portal.database.write() as session:
        client = _find_or_404(session, client_id)
        require_current(if_match, client.client_version)
        path = _path(client_id)
        audit(session, caller, "client.removed", client_id, path, before=client.item)
        clients.remove(session, client_id)
    return Response(status_code=204)


@router.get(f"{_CLIENT}/scopes", response_model=ScopesDocument, responses=READ)
async def read_scopes(portal: CurrentPortal, client_id: str) -> Response:
    """The whole set of scopes, those that the portal assigned included."""
    with portal.database.read() as session:
        client = _find_or_404(session, client_id)
    return answer(client.scopes, client.scopes_version)


@router.put(f"{_CLIENT}/scopes", response_model=ScopesDocument, responses=_REPLACED)
def replace_scopes(
    portal: CurrentPortal,
    caller: Caller,
    client_id: str,
    wanted: ScopesDocument,
    if_match: IF_MATCH = None,
) -> Response:
    """Replaces the whole set; scopes that the portal assigns by itself stay as they are, where they
    are not named."""
    mistakes = []
    for position, scope in enumerate(wanted.scopes):
        if scope not in portal.settings.scopes:
            detail = (
                f"{scope} is no scope of this environment; ask its provider, or correct the name"
            )
            mistakes.append({"pointer": f"/scopes/{position}", "detail": detail})
    for position, scope in enumerate(wanted.default):
        if scope not in wanted.scopes:
            detail = f"{scope} is not among the scopes; add it there, or leave it out here"
            mistakes.append({"pointer": f"/default/{position}", "detail": detail})
    if mistakes:
        raise unprocessable(mistakes)
    with portal.database.write() as session:
        client = _find_or_404(session, client_id)
        require_current(if_match, client.scopes_version)
        store_scopes(session, caller, client, wanted, portal.settings.assigned_scopes)
    return answer(client.scopes, client.scopes_version)


@router.get(f"{_CLIENT}/jwks", response_model=JwksDocument, responses=READ)
async def read_jwks(portal: CurrentPortal, client_id: str) -> Response:
    """The whole set of public keys, sorted by kid."""
    with portal.database.read() as session:
        client = _find_or_404(session, client_id)
    return answer(client.jwks, client.jwks_version)


@router.put(f"{_CLIENT}/jwks", response_model=JwksDocument, responses=_REPLACED)
def replace_jwks(
    portal: CurrentPortal,
    caller: Caller,
    client_id: str,
    wanted: JwksDocument,
    if_match: IF_MATCH = None,
) -> Response:
    """Replaces the whole set. A set with one bad key is refused whole, and the old keys stay in
    use."""
    if mistakes := mistakes_in_keys(wanted.keys):
        raise unprocessable(mistakes)
    with portal.database.write() as session:
        client = _find_or_404(session, client_id)
        require_current(if_match, client.jwks_version)
        store_jwks(session, caller, client, wanted.keys)
    return answer(client.jwks, client.jwks_version)


@router.get(f"{_CLIENT}/keys-in-use", response_model=KeysInUse)
async def read_keys_in_use(portal: CurrentPortal, client_id: str) -> Response:
    """Which of the client's keys got a token, and when the last one was."""
    with portal.database.read() as session:
        _find_or_404(session, client_id)
        return answer_json(clients.keys_in_use(session, client_id))


@router.get("/organisations/{code}/administrators", response_model=Administrators)
async def count_administrators(
    portal: CurrentPortal,
    code: Annotated[
        str,
        Path(pattern="^(OVO[0-9]{6}|[01][0-9]{9})$", description="An OVO code or a KBO number."),
    ],
) -> Response:
    """How many users hold the right API-beheerder for the organisation: 0 too where nobody knows
    it."""
    with portal.database.read() as session:
        return answer_json(Administrators(count=users.count_administrators(session, code)))


def add_client(
    session: Session, settings: PortalSettings, actor: str, declaration: ClientDeclaration
) -> StoredClient:
    """Write a new client, and audit it. Raises RefusedRequest: 409 for a `software_id` in use."""
    _require_free(session, declaration.software_id, None)
    client_id = _new_client_id(session, settings)
    secret, now = declaration.client_secret, int(time.time())
    updated_at = None if secret is None else now
    client = StoredClient(
        client_id=client_id,
        document=ClientDocument(
            **declaration.metadata,
            client_id=client_id,
            client_id_issued_at=now,
            client_secret_updated_at=updated_at,
        ),
        client_version=1,
        client_secret_hash=secret and hash_secret(secret.get_secret_value()),
        scopes=ScopesDocument(scopes=sorted(settings.assigned_scopes)),
        scopes_version=1,
        jwks=JwksDocument(keys=[]),
        jwks_version=1,
    )
    session.add(client)
    audit(session, actor, "client.created", client_id, _path(client_id), after=client.item)
    return client


def store_scopes(
    session: Session,
    actor: str,
    client: StoredClient,
    wanted: ScopesDocument,
    assigned: Collection[str],
) -> None:
    """Give a client these scopes and those that the portal assigns, with a line in the audit trail;
    nothing where it has them already."""
    before = client.scopes
    # An assigned scope that is not named stays a default scope where it was one.
    kept_default = set(assigned).difference(wanted.scopes).intersection(before.default)
    scopes = ScopesDocument(
        scopes=[*wanted.scopes, *assigned], default=[*wanted.default, *kept_default]
    )
    if scopes == before:
        return
    client.scopes = scopes
    client.scopes_version += 1
    path = f"{_path(client.client_id)}/scopes"
    audit(session, actor, "scopes.replaced", client.client_id, path, before=before, after=scopes)


def store_jwks(
    session: Session, actor: str, client: StoredClient, keys: Sequence[Mapping[str, Any]]
) -> None:
    """Give a client these keys, whose mistakes the caller has refused, with a line in the audit
    trail; nothing where it has them already."""
    in_order = sorted(keys, key=lambda key: str(key["kid"]))
    before, jwks = client.jwks, JwksDocument(keys=list(map(registered_members, in_order)))
    if jwks == before:
        return
    clients.replace_jwks(session, client, jwks)
    path = f"{_path(client.client_id)}/jwks"
    audit(session, actor, "jwks.replaced", client.client_id, path, before=before, after=jwks)


def _find_or_404(session: Session, client_id: str) -> StoredClient:
    """Return a client. Raises RefusedRequest: 404."""
    client = clients.find(session, client_id)
    if client is None:
        raise not_found(f"client {client_id}")
    return client


def _path(client_id: str) -> str:
    return f"{PREFIX}/clients/{client_id}"


def _new_client_id(session: Session, settings: PortalSettings) -> str:
    """Return a client-ID that no client ever had: a UUID, on GeoSecure the next number."""
    if settings.platform != "geosecure":
        return str(uuid.uuid4())
    is_production = settings.environment == "prod"
    first = FIRST_NUMERIC_CLIENT_ID if is_production else FIRST_NUMERIC_TEST_CLIENT_ID
    # SQLite counts all rows that a table ever had, those that were removed too.
    count = session.scalar(text("SELECT seq FROM sqlite_sequence WHERE name = 'clients'")) or 0
    return str(first + count)


def _require_free(session: Session, software_id: str | None, client_id: str | None) -> None:
    """Check that no client but the one with this client-ID has a `software_id`.

    Raises:
        RefusedRequest: 409, which names the client that has it: whoever repeats a POST whose answer
            was lost finds what that made.
    """
    if software_id is None:
        return
    owner = session.scalar(
        select(StoredClient.client_id).where(StoredClient.software_id == software_id)
    )
    if owner not in (None, client_id):
        raise RefusedRequest(
            409,
            f"Client {owner} has software_id {software_id} already; read and replace that one.",
            members={"client_id": owner},
        )
