"""The clients of the own organisation: the list, one of them, and its history."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, false, true
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.documents import SECRET_METHODS
from acmidm_sandbox.beheerportaal.store import (
    audit,
    clients,
    couplings,
    keys_in_use,
    products,
)
from acmidm_sandbox.beheerportaal.store.clients import StoredClient, of_organisation
from acmidm_sandbox.beheerportaal.web import views
from acmidm_sandbox.beheerportaal.web.visit import Mistakes, Visit

_CLIENTS_ON_A_PAGE = 50
_CHANGES_ON_A_PAGE = 50
_LATEST_CHANGES = 8
# So far back, and no further than a page of the trail goes, is looked for who granted a scope or
# added a key.
_LONGEST_TRAIL = 500


@dataclass(frozen=True, slots=True)
class FormState:
    """How the forms for a new key and a coupling are filled in, and what is wrong with them."""

    text: str = ""
    referentie: str = ""
    mistakes: Mistakes = ()


_UNTOUCHED = FormState()


def show_all(visit: Visit) -> Response:
    """My OAuth clients; for the Aansluitingenteam those of all organisations, or the one with a
    client-ID."""
    if client_id := visit.request.query_params.get("client_id", "").strip():
        return visit.see(visit.urls("client", client_id=client_id))
    with visit.portal.database.read() as connection:
        page, following = clients.page(connection, seen(visit), _CLIENTS_ON_A_PAGE, visit.after)
        rows = [(client, views.keys_of(client, [])) for client in page]
    return visit.page("clients.html", rows=rows, following=following, secret_methods=SECRET_METHODS)


def show_one(visit: Visit) -> Response:
    """One client."""
    with visit.portal.database.read() as connection:
        client = find(visit, connection, seen(visit))
    return render(visit, client)


def show_again(visit: Visit) -> Response:
    """Return the client's page in place of a refused form that is loaded again, or in the other
    language."""
    return visit.see(visit.urls("client", client_id=visit.request.path_params["client_id"]))


def render(
    visit: Visit, client: StoredClient, status: int = 200, form: FormState = _UNTOUCHED
) -> Response:
    """Return the page of one client, with the forms for a new key and a coupling where it is an own
    one."""
    client_id = client.document.client_id
    with visit.portal.database.read() as connection:
        page = audit.page(connection, client_id, _LONGEST_TRAIL, None)
        in_use = keys_in_use.of_client(connection, client_id)
        configured = {
            name: products.find(connection, name, client_id)
            for name in sorted(visit.portal.settings.products)
        }
        requests = couplings.of_client(connection, client_id)
        is_own = clients.find_among(connection, own(visit), client_id) is not None
    trail = page.items
    return visit.page(
        "client.html",
        status,
        client=client.document,
        keys=views.keys_of(client, trail, in_use),
        last_refusal=client.last_refusal,
        scopes=views.scopes_of(client, visit.portal.settings, trail),
        coupled=[
            name
            for name, api in sorted(visit.portal.settings.apis.items())
            if client.has_any(api.scopes)
        ],
        requests=requests,
        products={
            name: stored.document.configuration for name, stored in configured.items() if stored
        },
        configurable=sorted(visit.portal.settings.products)
        if visit.somebody.aansluitingenteam
        else (),
        is_own=is_own,
        changes=views.changes(trail[:_LATEST_CHANGES]),
        has_more_changes=len(trail) > _LATEST_CHANGES or page.next is not None,
        etag=etag(client.jwks_version),
        uses_secret=client.document.token_endpoint_auth_method in SECRET_METHODS,
        form=form,
        shown=views.shown,
    )


def show_history(visit: Visit) -> Response:
    """Return the whole audit trail of a client."""
    with visit.portal.database.read() as connection:
        client = find(visit, connection, seen(visit))
        page = audit.page(connection, client.document.client_id, _CHANGES_ON_A_PAGE, visit.after)
    return visit.page(
        "history.html",
        client=client.document,
        changes=views.changes(page.items),
        following=page.next,
    )


def find(
    visit: Visit, connection: Connection, among: ColumnElement[bool] | None = None
) -> StoredClient:
    """Return the client that the path names, among one's own where nothing else is said.

    Raises:
        HTTPException: 404, also where it is another organisation's: that it exists is nobody else's
        business.
    """
    condition = own(visit) if among is None else among
    client = clients.find_among(connection, condition, visit.request.path_params["client_id"])
    if client is None:
        raise HTTPException(404)
    return client


def own(visit: Visit) -> ColumnElement[bool]:
    """Return the clients of the user's organisation, where the user manages them."""
    user = visit.somebody
    return of_organisation(user.ovo, user.kbo) if user.api_beheerder else false()


def seen(visit: Visit) -> ColumnElement[bool]:
    """Return the clients that the user may see."""
    return true() if visit.somebody.aansluitingenteam else own(visit)
