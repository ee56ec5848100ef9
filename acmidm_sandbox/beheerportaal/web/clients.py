"""The pages of an organisation's clients: the list, and one client with its keys and scopes. Each
change is made by the functions of the management API, with the person as the actor."""

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
from acmidm_sandbox.beheerportaal.documents import NEW_CLIENT, ClientReplacement
from acmidm_sandbox.beheerportaal.jwk import thumbprint
from acmidm_sandbox.beheerportaal.store import products
from acmidm_sandbox.beheerportaal.store.clients import (
    StoredClient,
    belongs_to_organisation,
    couplings_of,
    keys_in_use,
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

router = APIRouter()


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as the pages show it: `kind` is as in EC P-256 ES256; `state` is valid, soon (it ends
    within 30 days), passed or unlimited (without an end)."""

    kid: str
    kind: str
    thumbprint: str
    expires: datetime | None
    state: str


def _key_view(key: Mapping[str, Any]) -> KeyView:
    """Return a registered key as the pages show it."""
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
    """Return the page *My OAuth clients*, with the keys of each; for the Aansluitingenteam it has
    those of all organisations."""
    viewable = select(StoredClient).where(is_viewable(visit)).order_by(StoredClient.seq)
    with visit.portal.database.read() as session:
        clients = session.scalars(viewable)
        rows = [(client, list(map(_key_view, client.jwks.keys))) for client in clients]
    return visit.page("clients.html", rows=rows)


@router.get(f"{MENU}/mijn-oauth-clients/nieuw", name="new_client")
def show_new(visit: AdministratorVisit) -> Response:
    """Return the form for a new client."""
    return _form_page(visit, None, "", "")


@router.post(f"{MENU}/mijn-oauth-clients/nieuw")
def create_client(
    visit: AdministratorVisit, client_name: Field = "", contacts: Field = ""
) -> Response:
    """Make a client of the user's organisation, without scopes; no stack declares it."""
    metadata = {
        **NEW_CLIENT,
        "organisation": visit.logged_on_user.as_organisation,
        "application": client_name.strip(),
    }
    return _save(visit, None, metadata, client_name, contacts)


@router.get(f"{CLIENT}/aanpassen", name="change_client")
def show_change(visit: AdministratorVisit, client_id: str) -> Response:
    """Return the form, filled in with what a client has."""
    with visit.portal.database.read() as session:
        client = find_or_404(visit, session, client_id)
    document = client.document
    return _form_page(visit, client, document.client_name, "\n".join(document.contacts))


@router.post(f"{CLIENT}/aanpassen")
def change_client(
    visit: AdministratorVisit, client_id: str, client_name: Field = "", contacts: Field = ""
) -> Response:
    """Change the name and the contacts of a client; all else of it stays."""
    with visit.portal.database.read() as session:
        client = find_or_404(visit, session, client_id)
    return _save(visit, client, client.document.metadata, client_name, contacts)


def _save(
    visit: Visit,
    client: StoredClient | None,
    metadata: Mapping[str, Any],
    client_name: str,
    contacts: str,
) -> Response:
    """Write a client's metadata with the name and the contacts of the form; a new client where it
    is None. Return its page, or the form again with a sentence at each wrong field."""
    # A form without contacts is refused, which the API would not do: "" is no address.
    fields = {"client_name": client_name.strip(), "contacts": contacts.split() or [""]}
    actor = visit.logged_on_user.actor
    try:
        declaration = ClientReplacement(**{**metadata, **fields})
    except ValidationError as error:
        wrong_fields = {str(mistake["loc"][0]) for mistake in error.errors()}
        wrong_fields.discard("application")  # the form has it as the name, which is wrong too then
        mistakes = [(field, visit.texts(f"new.wrong.{field}")) for field in sorted(wrong_fields)]
        return _form_page(visit, client, client_name, contacts, mistakes)
    if client is not None:
        management.replace_client(visit.portal, actor, client.client_id, declaration, "*")
        return visit.redirect("client", "client_changed", client_id=client.client_id)
    with visit.portal.database.write() as session:
        made = management.add_client(session, visit.portal.settings, actor, declaration)
    return visit.redirect("client", "client_created", client_id=made.client_id)


def _form_page(
    visit: Visit,
    client: StoredClient | None,
    client_name: str,
    contacts: str,
    mistakes: Mistakes = (),
) -> Response:
    """Return the page with the form of a client, filled in; of a new client where it is None."""
    return visit.page(
        "client_form.html",
        mistakes=mistakes,
        client=client and client.document,
        client_name=client_name,
        contacts=contacts,
    )


@router.get(CLIENT, name="client")
def show_client(visit: EitherVisit, client_id: str) -> Response:
    """Return the page of one client."""
    with visit.portal.database.read() as session:
        client = find_or_404(visit, session, client_id, is_viewable(visit))
    return client_page(visit, client)


@router.get(f"{CLIENT}/{{form:path}}")
def show_client_of_form(visit: EitherVisit, client_id: str) -> Response:
    """Send the browser to the client's page. A form that was refused stands at its own path, which
    only takes a POST: somebody reloads it there, or wants it in another language."""
    return visit.redirect("client", client_id=client_id)


def client_page(
    visit: Visit, client: StoredClient, mistakes: Mistakes = (), *, referentie: str = ""
) -> Response:
    """Return the page of one client; with the forms for a key and a coupling where the user manages
    it. With mistakes it is the answer to such a form; `referentie` is what that had."""
    client_id = client.client_id
    with visit.portal.database.read() as session:
        uses = keys_in_use(session, client_id).items
        configurations = products.configurations_of(session, client_id)
        requests = couplings_of(session, client_id)
        of_client = select(is_manageable(visit)).where(StoredClient.client_id == client_id)
        is_own = session.scalar(of_client)
    return visit.page(
        "client.html",
        mistakes=mistakes,
        stored=client,
        client=client.document,
        keys=list(map(_key_view, client.jwks.keys)),
        uses={use.thumbprint: datetime.fromisoformat(use.last_used_at) for use in uses},
        requests=requests,
        products=configurations,
        is_own=is_own,
        referentie=referentie,
    )


@router.post(f"{CLIENT}/verwijderen", name="remove_client")
def remove_client(visit: EitherVisit, client_id: str, bevestigd: Field = "") -> Response:
    """Remove a client; where the box that confirms it is not ticked, show its page again."""
    with visit.portal.database.read() as session:
        find_or_404(visit, session, client_id, is_viewable(visit))
    if bevestigd != "ja":
        return visit.redirect("client", client_id=client_id)
    management.remove_client(visit.portal, visit.logged_on_user.actor, client_id, if_match="*")
    return visit.redirect("clients", "client_removed")


@router.post(f"{CLIENT}/sleutels", name="add_key")
def add_key(
    visit: AdministratorVisit, client_id: str, file: UploadFile | None = None, jwk: Field = ""
) -> Response:
    """Add the keys in a file, else in the text; none where a stack declares the client's keys."""
    file_text = file.file.read().decode("utf-8-sig", "replace") if file else ""
    with visit.portal.database.write() as session:
        client = find_or_404(visit, session, client_id)
        if client.document.keys_declared:
            return client_page(visit, client, [("sleutels", visit.texts("keys.declared"))])
        present = client.jwks.keys
        try:
            keys = [*present, *read_keys(file_text or jwk, present)]
        except RefusedKeys as refusal:
            sentences = [visit.texts(f"jwk.{code}", **values) for code, values in refusal.args]
            return client_page(visit, client, [("jwk", sentence) for sentence in sentences])
        management.store_jwks(session, visit.logged_on_user.actor, client, keys)
    return visit.redirect("client", "key_added", client_id=client_id)


@router.post(f"{CLIENT}/sleutels/verwijderen", name="remove_key")
def remove_key(
    visit: AdministratorVisit, client_id: str, kid: Field = "", laatste: Field = ""
) -> Response:
    """Remove a key by its kid; the last one only where the box that confirms it is ticked."""
    with visit.portal.database.write() as session:
        client = find_or_404(visit, session, client_id)
        remaining = [key for key in client.jwks.keys if key["kid"] != kid]
        if not remaining and laatste != "ja":
            return client_page(visit, client, [("laatste", visit.texts("remove.confirm_missing"))])
        management.store_jwks(session, visit.logged_on_user.actor, client, remaining)
    return visit.redirect("client", "key_removed", client_id=client_id)


def find_or_404(
    visit: Visit, session: Session, client_id: str, among: ColumnElement[bool] | None = None
) -> StoredClient:
    """Return a client that satisfies a condition; without one, that the user manages.

    Raises:
        HTTPException: 404, whether there is no such client or it is another organisation's: its
            existence is not disclosed.
    """
    condition = is_manageable(visit) if among is None else among
    of_id = select(StoredClient).where(StoredClient.client_id == client_id)
    client = session.scalar(of_id.where(condition))
    if client is None:
        raise HTTPException(404)
    return client


def is_manageable(visit: Visit) -> ColumnElement[bool]:
    """Return the SQL condition that the user manages a client, being its API-beheerder."""
    user = visit.logged_on_user
    return belongs_to_organisation(user.ovo, user.kbo) if user.api_beheerder else false()


def is_viewable(visit: Visit) -> ColumnElement[bool]:
    """Return the SQL condition that the user may see a client."""
    return true() if visit.logged_on_user.aansluitingenteam else is_manageable(visit)
