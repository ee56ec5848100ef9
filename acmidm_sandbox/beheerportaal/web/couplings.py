"""Coupling a client to an API: who manages the client requests it, who owns the API grants scopes,
or refuses."""

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
    couplings_of,
    record,
)
from acmidm_sandbox.beheerportaal.store.database import now
from acmidm_sandbox.beheerportaal.web import clients
from acmidm_sandbox.beheerportaal.web.visit import AdministratorVisit, Field, SentForm, Visit

APIS = f"{clients.MENU}/mijn-apis"

router = APIRouter()


@dataclass(frozen=True, slots=True)
class _Decision:
    """A client that is coupled to an API, or that waits for it."""

    referentie: str
    api: ApiSettings
    client: StoredClient
    waits: CouplingRequest | None


@router.post(f"{clients.CLIENT}/koppelen", name="couple")
def request_coupling(visit: AdministratorVisit, client_id: str, referentie: Field = "") -> Response:
    """Request that a client is coupled to the API with a Referentie."""
    referentie = referentie.strip()
    with visit.portal.database.write() as session:
        client = clients.find(visit, session, client_id)
        earlier = couplings_of(session, client_id).get(referentie)
        mistake = _obstacle(visit, client, referentie, earlier)
        if mistake:
            mistakes = [("referentie", visit.texts(mistake))]
            return clients.render(visit, client, mistakes, referentie=referentie)
        wanted = CouplingRequest(client_id=client_id, referentie=referentie, requested_at=now())
        _keep(visit, session, "coupling.requested", wanted)
    return visit.see("client", "coupling_requested", client_id=client_id)


def _obstacle(
    visit: Visit, client: StoredClient, referentie: str, earlier: CouplingRequest | None
) -> str:
    """Return the name of the text that says why a coupling can't be requested; empty where it
    can."""
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
    """My APIs: the requests that wait for a decision, and the clients that are coupled."""
    with visit.portal.database.read() as session:
        all_clients = session.scalars(select(StoredClient).order_by(StoredClient.seq)).all()
        requests = session.scalars(
            select(StoredCoupling).where(StoredCoupling.referentie.in_(visit.apis))
        ).all()
    unrefused = set()
    for coupling in requests:
        if not coupling.request.refusal:
            unrefused.add((coupling.client_id, coupling.referentie))
    waiting, coupled = [], []
    for client in all_clients:
        for referentie, api in sorted(visit.apis.items()):
            if (client.client_id, referentie) in unrefused:
                waiting.append((referentie, client.document))
            if client.has_any(api.scopes):
                coupled.append((referentie, client.document))
    return visit.page("apis.html", waiting=waiting, coupled=coupled)


@router.get(f"{APIS}/{{api}}/{{client_id}}", name="coupling")
def show_coupling(visit: AdministratorVisit, api: str, client_id: str) -> Response:
    """Return the page on which a request is decided about, or a coupling changed."""
    return _page(visit, _find(visit, api, client_id))


@router.post(f"{APIS}/{{api}}/{{client_id}}")
def decide(
    visit: AdministratorVisit,
    api: str,
    client_id: str,
    form: SentForm,
    besluit: Field = "",
    refusal: Field = "",
) -> Response:
    """Refuse a request; or write which of the API's scopes the client has, none to disconnect
    it."""
    coupling = _find(visit, api, client_id)
    if besluit == "refuse" and coupling.waits:
        return _refuse(visit, coupling, coupling.waits, refusal.strip())
    granted = set()
    if besluit == "grant":
        granted = {name for name in coupling.api.scopes if f"scope.{name}" in form}
    if not granted and besluit != "disconnect":
        return _page(visit, coupling, "scopes", "coupling.no_scope")
    default = {name for name in granted if f"default.{name}" in form}
    return _grant(visit, coupling, granted, default)


def _refuse(visit: Visit, coupling: _Decision, waits: CouplingRequest, reason: str) -> Response:
    """Write the refusal of a request that waits, with its reason; show the page again without
    one."""
    try:
        refused = CouplingRequest(**{**dict(waits), "refusal": reason})
    except ValidationError:
        return _page(visit, coupling, "refusal", "coupling.no_reason")
    with visit.portal.database.write() as session:
        _keep(visit, session, "coupling.refused", refused)
    return visit.see("apis", "coupling_refused")


def _grant(visit: Visit, coupling: _Decision, granted: set[str], default: set[str]) -> Response:
    """Write which of an API's scopes the client has, and forget its request; scopes of other APIs
    stay."""
    portal, api = visit.portal, coupling.api
    with portal.database.write() as session:
        client = session.get_one(StoredClient, coupling.client.seq)
        document = ScopesDocument(
            scopes=[*granted, *set(client.scopes.scopes).difference(api.scopes)],
            default=[*default, *set(client.scopes.default).difference(api.scopes)],
        )
        assigned = portal.settings.assigned_scopes
        store_scopes(session, visit.somebody.actor, client, document, assigned)
        asked = {"client_id": client.client_id, "referentie": coupling.referentie}
        session.execute(delete(StoredCoupling).filter_by(**asked))
    if granted:
        return visit.see("apis", "coupling_granted")
    return visit.see("apis", "coupling_ended")


def _find(visit: Visit, api_id: str, client_id: str) -> _Decision:
    """Return what a path names, of an API of the user's organisation.

    Raises:
        HTTPException: 404 for any other.
    """
    with visit.portal.database.read() as session:
        client = stored_clients.find(session, client_id)
        requests = couplings_of(session, client_id)
    for referentie, api in visit.apis.items():
        if api.client_id != api_id or client is None:
            continue
        waits = requests.get(referentie)
        if waits and waits.refusal is not None:
            waits = None
        if waits or client.has_any(api.scopes):
            return _Decision(referentie, api, client, waits)
    raise HTTPException(404)


def _page(visit: Visit, coupling: _Decision, field: str = "", mistake: str = "") -> Response:
    """Return the page; a mistake is the name of a text about a field."""
    mistakes = [(field, visit.texts(mistake))] if mistake else []
    return visit.page(
        "coupling.html", coupling=coupling, client=coupling.client.document, mistakes=mistakes
    )


def _keep(visit: Visit, session: Session, action: Action, request: CouplingRequest) -> None:
    path = f"{PREFIX}/clients/{request.client_id}/couplings/{request.referentie}"
    record(session, visit.somebody.actor, action, request.client_id, path, after=request)
    session.merge(
        StoredCoupling(client_id=request.client_id, referentie=request.referentie, request=request)
    )
