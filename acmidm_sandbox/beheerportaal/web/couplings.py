"""Coupling a client to an API: an API-beheerder of the client's organisation requests it, one of
the API's owner grants scopes of the API, or refuses."""

from dataclasses import dataclass

from fastapi import APIRouter
from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api.clients import PREFIX, store_scopes
from acmidm_sandbox.beheerportaal.documents import Action, CouplingRequest, ScopesDocument
from acmidm_sandbox.beheerportaal.settings import ApiSettings
from acmidm_sandbox.beheerportaal.store import clients as stored_clients
from acmidm_sandbox.beheerportaal.store.clients import (
    StoredClient,
    StoredCoupling,
    audit,
    couplings_of,
)
from acmidm_sandbox.beheerportaal.store.database import utc_now
from acmidm_sandbox.beheerportaal.web import clients
from acmidm_sandbox.beheerportaal.web.visit import AdministratorVisit, Field, SentForm, Visit

APIS = f"{clients.MENU}/mijn-apis"

router = APIRouter()


@dataclass(frozen=True, slots=True)
class _Coupling:
    """A client that is coupled to an API, or has requested it. `waiting_request` is None where it
    has requested nothing, or was refused."""

    referentie: str
    api: ApiSettings
    client: StoredClient
    waiting_request: CouplingRequest | None


@router.post(f"{clients.CLIENT}/koppelen", name="couple")
def request_coupling(visit: AdministratorVisit, client_id: str, referentie: Field = "") -> Response:
    """Request a coupling to the API with a Referentie; say on the page why it cannot be."""
    referentie = referentie.strip()
    with visit.portal.database.write() as session:
        client = clients.find_or_404(visit, session, client_id)
        earlier = couplings_of(session, client_id).get(referentie)
        mistake = _mistake_in_request(visit, client, referentie, earlier)
        if mistake:
            mistakes = [("referentie", visit.texts(mistake))]
            return clients.client_page(visit, client, mistakes, referentie=referentie)
        request = CouplingRequest(
            client_id=client_id, referentie=referentie, requested_at=utc_now()
        )
        _write(visit, session, "coupling.requested", request)
    return visit.redirect("client", "coupling_requested", client_id=client_id)


def _mistake_in_request(
    visit: Visit, client: StoredClient, referentie: str, earlier: CouplingRequest | None
) -> str:
    """Return the name of the text that says why a coupling can't be requested; empty where it can,
    as after an earlier request that was refused."""
    api = visit.portal.settings.apis.get(referentie)
    if api is None:
        return "coupling.unknown"
    if client.has_any(api.scopes):
        return "coupling.granted_already"
    if earlier and earlier.refusal is None:
        return "coupling.requested_already"
    return ""


@router.get(APIS, name="apis")
def show_apis(visit: AdministratorVisit) -> Response:
    """Return the page *My APIs*: of the APIs that the user decides about, the requests that wait,
    and the clients that are coupled. Both are in pairs of a Referentie and a client's document."""
    with visit.portal.database.read() as session:
        all_clients = session.scalars(select(StoredClient).order_by(StoredClient.seq)).all()
        requests = session.scalars(
            select(StoredCoupling).where(StoredCoupling.referentie.in_(visit.apis))
        ).all()
    requested = {
        (stored.client_id, stored.referentie) for stored in requests if not stored.request.refusal
    }
    waiting, coupled = [], []
    for client in all_clients:
        for referentie, api in sorted(visit.apis.items()):
            if (client.client_id, referentie) in requested:
                waiting.append((referentie, client.document))
            if client.has_any(api.scopes):
                coupled.append((referentie, client.document))
    return visit.page("apis.html", waiting=waiting, coupled=coupled)


@router.get(f"{APIS}/{{api}}/{{client_id}}", name="coupling")
def show_coupling(visit: AdministratorVisit, api: str, client_id: str) -> Response:
    """Return the page on which the API's owner decides about a request, or changes a coupling."""
    return _page(visit, _find_or_404(visit, api, client_id))


@router.post(f"{APIS}/{{api}}/{{client_id}}")
def decide(
    visit: AdministratorVisit,
    api: str,
    client_id: str,
    form: SentForm,
    besluit: Field = "",
    refusal: Field = "",
) -> Response:
    """Carry out the decision of the form: `refuse` a request that waits, `grant` the scopes that
    are ticked, in place of those that the client has of this API, or `disconnect`: grant none."""
    coupling = _find_or_404(visit, api, client_id)
    if besluit == "refuse" and coupling.waiting_request:
        return _refuse(visit, coupling, coupling.waiting_request, refusal.strip())
    granted = set()
    if besluit == "grant":
        granted = {name for name in coupling.api.scopes if f"scope.{name}" in form}
    if not granted and besluit != "disconnect":
        return _page(visit, coupling, "scopes", "coupling.no_scope")
    default = {name for name in granted if f"default.{name}" in form}
    return _grant(visit, coupling, granted, default)


def _refuse(visit: Visit, coupling: _Coupling, request: CouplingRequest, reason: str) -> Response:
    """Keep a request as refused, for this reason; show the page again where there is no reason."""
    try:
        refused = CouplingRequest(**{**dict(request), "refusal": reason})
    except ValidationError:
        return _page(visit, coupling, "refusal", "coupling.no_reason")
    with visit.portal.database.write() as session:
        _write(visit, session, "coupling.refused", refused)
    return visit.redirect("apis", "coupling_refused")


def _grant(visit: Visit, coupling: _Coupling, granted: set[str], default: set[str]) -> Response:
    """Give the client these scopes of the API and no others, `default` among them as default
    scopes, and remove its request. Its scopes of other APIs stay."""
    portal, api = visit.portal, coupling.api
    with portal.database.write() as session:
        client = session.get_one(StoredClient, coupling.client.seq)
        document = ScopesDocument(
            scopes=[*granted, *set(client.scopes.scopes).difference(api.scopes)],
            default=[*default, *set(client.scopes.default).difference(api.scopes)],
        )
        assigned = portal.settings.assigned_scopes
        store_scopes(session, visit.logged_on_user.actor, client, document, assigned)
        session.execute(
            delete(StoredCoupling).filter_by(
                client_id=client.client_id, referentie=coupling.referentie
            )
        )
    if granted:
        return visit.redirect("apis", "coupling_granted")
    return visit.redirect("apis", "coupling_ended")


def _find_or_404(visit: Visit, api_id: str, client_id: str) -> _Coupling:
    """Return the coupling of a client to an API, which is known by its client-ID.

    Raises:
        HTTPException: 404 where the user does not decide about the API, or the client is not
            coupled and has no request that waits.
    """
    with visit.portal.database.read() as session:
        client = stored_clients.find(session, client_id)
        requests = couplings_of(session, client_id)
    for referentie, api in visit.apis.items():
        if api.client_id != api_id or client is None:
            continue
        request = requests.get(referentie)
        if request and request.refusal is not None:
            request = None
        if request or client.has_any(api.scopes):
            return _Coupling(referentie, api, client, request)
    raise HTTPException(404)


def _page(visit: Visit, coupling: _Coupling, field: str = "", mistake: str = "") -> Response:
    """Return the page of a coupling; with a mistake in a field, which is the name of a text."""
    mistakes = [(field, visit.texts(mistake))] if mistake else []
    return visit.page(
        "coupling.html", coupling=coupling, client=coupling.client.document, mistakes=mistakes
    )


def _write(visit: Visit, session: Session, action: Action, request: CouplingRequest) -> None:
    """Write a request in the place of an earlier one, and a line in the audit trail."""
    path = f"{PREFIX}/clients/{request.client_id}/couplings/{request.referentie}"
    audit(session, visit.logged_on_user.actor, action, request.client_id, path, after=request)
    session.merge(
        StoredCoupling(client_id=request.client_id, referentie=request.referentie, request=request)
    )
