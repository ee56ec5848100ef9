"""The clients of the own organisation: the list, and one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false, select, true
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.documents import SECRET_METHODS, AuditEntry
from acmidm_sandbox.beheerportaal.store import products
from acmidm_sandbox.beheerportaal.store.clients import (
    Change,
    Client,
    couplings_of,
    keys_in_use,
    of_organisation,
)
from acmidm_sandbox.beheerportaal.store.database import page_of
from acmidm_sandbox.beheerportaal.web import views
from acmidm_sandbox.beheerportaal.web.visit import Mistakes, Visit

_CLIENTS_ON_A_PAGE = 50
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
    with visit.portal.database.read() as session:
        page, following = page_of(session, Client, seen(visit), _CLIENTS_ON_A_PAGE, visit.after)
        rows = [(client, views.keys_of(client, [])) for client in page]
    return visit.page("clients.html", rows=rows, following=following, secret_methods=SECRET_METHODS)


def show_one(visit: Visit) -> Response:
    """One client."""
    with visit.portal.database.read() as session:
        client = find(visit, session, seen(visit))
    return render(visit, client)


def show_again(visit: Visit) -> Response:
    """Return the client's page in place of a refused form that is loaded again, or in the other
    language."""
    return visit.see(visit.urls("client", client_id=visit.request.path_params["client_id"]))


def render(
    visit: Visit, client: Client, status: int = 200, form: FormState = _UNTOUCHED
) -> Response:
    """Return the page of one client, with the forms for a new key and a coupling where it is an own
    one."""
    client_id = client.client_id
    with visit.portal.database.read() as session:
        trail = trail_of(session, client_id)
        in_use = keys_in_use(session, client_id)
        configured = {
            name: products.find(session, name, client_id)
            for name in sorted(visit.portal.settings.products)
        }
        requests = couplings_of(session, client_id)
        is_own = _find_among(session, own(visit), client_id) is not None
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
        etag=etag(client.jwks_version),
        uses_secret=client.document.token_endpoint_auth_method in SECRET_METHODS,
        form=form,
        shown=views.shown,
    )


def find(visit: Visit, session: Session, among: ColumnElement[bool] | None = None) -> Client:
    """Return the client that the path names, among one's own where nothing else is said.

    Raises:
        HTTPException: 404, also where it is another organisation's: that it exists is nobody else's
        business.
    """
    condition = own(visit) if among is None else among
    client = _find_among(session, condition, visit.request.path_params["client_id"])
    if client is None:
        raise HTTPException(404)
    return client


def trail_of(session: Session, client_id: str) -> Sequence[AuditEntry]:
    """Return the audit trail of a client, newest first."""
    its = Change.client_id == client_id
    lines, _ = page_of(session, Change, its, _LONGEST_TRAIL, None, newest_first=True)
    return [line.entry for line in lines]


def own(visit: Visit) -> ColumnElement[bool]:
    """Return the clients of the user's organisation, where the user manages them."""
    user = visit.somebody
    return of_organisation(user.ovo, user.kbo) if user.api_beheerder else false()


def _find_among(session: Session, condition: ColumnElement[bool], client_id: str) -> Client | None:
    return session.scalar(select(Client).where(condition, Client.client_id == client_id))


def seen(visit: Visit) -> ColumnElement[bool]:
    """Return the clients that the user may see."""
    return true() if visit.somebody.aansluitingenteam else own(visit)
