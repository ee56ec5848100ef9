"""The clients of the own organisation: the list, one of them with its keys and scopes, and what
people do with it. The endpoints for operators do it, in the name of the person."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, UploadFile
from pydantic import ValidationError
from sqlalchemy import ColumnElement, false, select, true
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api import clients as management
from acmidm_sandbox.beheerportaal.documents import ClientReplacement
from acmidm_sandbox.beheerportaal.jwk import thumbprint
from acmidm_sandbox.beheerportaal.store import products
from acmidm_sandbox.beheerportaal.store.clients import (
    StoredClient,
    couplings_of,
    keys_in_use,
    of_organisation,
)
from acmidm_sandbox.beheerportaal.web.jwk_input import RefusedKeys, read_keys
from acmidm_sandbox.beheerportaal.web.visit import (
    AdministratorVisit,
    EitherVisit,
    Field,
    Mistakes,
    Visit,
)

MENU = "/toegangsbeheer/api-en-clientbeheer"
CLIENT = f"{MENU}/mijn-oauth-clients/{{client_id}}"
SOON_SECONDS = 30 * 24 * 3600
_NEW = {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt"}

router = APIRouter()


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as the pages show it. `state` is valid, soon, passed or unlimited."""

    kid: str
    kind: str
    thumbprint: str
    expires: datetime | None
    state: str


def _key_view(key: Mapping[str, Any]) -> KeyView:
    kind = " ".join(key[name] for name in ("kty", "crv", "alg") if name in key)
    if "exp" not in key:
        return KeyView(key["kid"], kind, thumbprint(key), None, "unlimited")
    seconds_left = key["exp"] - time.time()
    state = "valid"
    if seconds_left <= 0:
        state = "passed"
    elif seconds_left < SOON_SECONDS:
        state = "soon"
    expires = datetime.fromtimestamp(key["exp"], UTC)
    return KeyView(key["kid"], kind, thumbprint(key), expires, state)


@router.get(f"{MENU}/mijn-oauth-clients", name="clients")
def show_clients(visit: EitherVisit) -> Response:
    """My OAuth clients; for the Aansluitingenteam those of all organisations."""
    with visit.portal.database.read() as session:
        among = session.scalars(select(StoredClient).where(seen(visit)).order_by(StoredClient.seq))
        rows = [(client, list(map(_key_view, client.jwks.keys))) for client in among]
    return visit.page("clients.html", rows=rows)


@router.get(f"{MENU}/mijn-oauth-clients/nieuw", name="new_client")
def show_new(visit: AdministratorVisit) -> Response:
    """Return the form for a new client."""
    return _form_page(visit, None, "", "")


@router.post(f"{MENU}/mijn-oauth-clients/nieuw")
def create_client(
    visit: AdministratorVisit, client_name: Field = "", contacts: Field = ""
) -> Response:
    """Make a client of the own organisation, without any mark of a stack, and without scopes."""
    metadata = {
        **_NEW,
        "organisation": visit.somebody.as_organisation,
        "application": client_name.strip(),
    }
    return _save(visit, None, metadata, client_name, contacts)


@router.get(f"{CLIENT}/aanpassen", name="change_client")
def show_change(visit: AdministratorVisit, client_id: str) -> Response:
    """Return the form with what a client has."""
    with visit.portal.database.read() as session:
        client = find(visit, session, client_id)
    document = client.document
    return _form_page(visit, client, document.client_name, "\n".join(document.contacts))


@router.post(f"{CLIENT}/aanpassen")
def change_client(
    visit: AdministratorVisit, client_id: str, client_name: Field = "", contacts: Field = ""
) -> Response:
    """Change the name and the contacts of a client."""
    with visit.portal.database.read() as session:
        client = find(visit, session, client_id)
    return _save(visit, client, client.document.metadata, client_name, contacts)


def _save(
    visit: Visit,
    client: StoredClient | None,
    metadata: Mapping[str, Any],
    client_name: str,
    contacts: str,
) -> Response:
    """Make or change a client: its metadata, with what the form says."""
    fields = {"client_name": client_name.strip(), "contacts": contacts.split() or [""]}
    actor = visit.somebody.actor
    try:
        declaration = ClientReplacement(**{**metadata, **fields})
    except ValidationError as error:
        wrong = {str(mistake["loc"][0]) for mistake in error.errors()} - {"application"}
        mistakes = [(field, visit.texts(f"new.wrong.{field}")) for field in sorted(wrong)]
        return _form_page(visit, client, client_name, contacts, mistakes)
    if client is not None:
        management.replace_client(visit.portal, actor, client.client_id, declaration, "*")
        return visit.see("client", "client_changed", client_id=client.client_id)
    with visit.portal.database.write() as session:
        made = management.add(session, visit.portal.settings, actor, declaration)
    return visit.see("client", "client_created", client_id=made.client_id)


def _form_page(
    visit: Visit,
    client: StoredClient | None,
    client_name: str,
    contacts: str,
    mistakes: Mistakes = (),
) -> Response:
    """Return the page with the form of a client, filled in; of a new one where it is None."""
    return visit.page(
        "client_form.html",
        mistakes=mistakes,
        client=client and client.document,
        client_name=client_name,
        contacts=contacts,
    )


@router.get(CLIENT, name="client")
def show_client(visit: EitherVisit, client_id: str) -> Response:
    """One client."""
    with visit.portal.database.read() as session:
        client = find(visit, session, client_id, seen(visit))
    return render(visit, client)


@router.get(f"{CLIENT}/{{form:path}}")
def show_again(visit: EitherVisit, client_id: str) -> Response:
    """Return the client's page in place of a refused form that is loaded again, or in the other
    language."""
    return visit.see("client", client_id=client_id)


def render(
    visit: Visit,
    client: StoredClient,
    mistakes: Mistakes = (),
    *,
    referentie: str = "",
) -> Response:
    """Return the page of one client, with the forms for a new key and a coupling where it is an own
    one."""
    client_id = client.client_id
    with visit.portal.database.read() as session:
        uses = keys_in_use(session, client_id).items
        configured = products.configurations_of(session, client_id)
        requests = couplings_of(session, client_id)
        is_own = session.scalar(select(managed(visit)).where(StoredClient.client_id == client_id))
    return visit.page(
        "client.html",
        mistakes=mistakes,
        stored=client,
        client=client.document,
        keys=list(map(_key_view, client.jwks.keys)),
        uses={use.thumbprint: datetime.fromisoformat(use.last_used_at) for use in uses},
        requests=requests,
        products=configured,
        is_own=is_own,
        referentie=referentie,
    )


@router.post(f"{CLIENT}/verwijderen", name="remove_client")
def remove_client(visit: EitherVisit, client_id: str, bevestigd: Field = "") -> Response:
    """Remove a client, where that was confirmed."""
    with visit.portal.database.read() as session:
        find(visit, session, client_id, seen(visit))
    if bevestigd != "ja":
        return visit.see("client", client_id=client_id)
    management.remove_client(visit.portal, visit.somebody.actor, client_id, if_match="*")
    return visit.see("clients", "client_removed")


@router.post(f"{CLIENT}/sleutels", name="add_key")
def add_key(
    visit: AdministratorVisit, client_id: str, file: UploadFile | None = None, jwk: Field = ""
) -> Response:
    """Add one key, or those of a set; none where a form names the keys. A chosen file counts before
    the text."""
    given = file.file.read().decode("utf-8-sig", "replace") if file else ""
    with visit.portal.database.write() as session:
        client = find(visit, session, client_id)
        if client.document.keys_declared:
            return render(visit, client, [("sleutels", visit.texts("keys.declared"))])
        present = client.jwks.keys
        try:
            keys = [*present, *read_keys(given or jwk, present)]
        except RefusedKeys as refused:
            sentences = [visit.texts(f"jwk.{code}", **values) for code, values in refused.args]
            return render(visit, client, [("jwk", sentence) for sentence in sentences])
        management.store_jwks(session, visit.somebody.actor, client, keys)
    return visit.see("client", "key_added", client_id=client_id)


@router.post(f"{CLIENT}/sleutels/verwijderen", name="remove_key")
def remove_key(
    visit: AdministratorVisit, client_id: str, kid: Field = "", laatste: Field = ""
) -> Response:
    """Remove a key; the last one only where that was said in so many words."""
    with visit.portal.database.write() as session:
        client = find(visit, session, client_id)
        remaining = [key for key in client.jwks.keys if key["kid"] != kid]
        if not remaining and laatste != "ja":
            return render(visit, client, [("laatste", visit.texts("remove.confirm_missing"))])
        management.store_jwks(session, visit.somebody.actor, client, remaining)
    return visit.see("client", "key_removed", client_id=client_id)


def find(
    visit: Visit, session: Session, client_id: str, among: ColumnElement[bool] | None = None
) -> StoredClient:
    """Return a client, among one's own where nothing else is said.

    Raises:
        HTTPException: 404, also where it is another organisation's: that it exists is nobody else's
        business.
    """
    condition = managed(visit) if among is None else among
    client = session.scalar(
        select(StoredClient).where(condition, StoredClient.client_id == client_id)
    )
    if client is None:
        raise HTTPException(404)
    return client


def managed(visit: Visit) -> ColumnElement[bool]:
    """Return the clients of the user's organisation, where the user manages them."""
    user = visit.somebody
    return of_organisation(user.ovo, user.kbo) if user.api_beheerder else false()


def seen(visit: Visit) -> ColumnElement[bool]:
    """Return the clients that the user may see."""
    return true() if visit.somebody.aansluitingenteam else managed(visit)
