"""Coupling a client to an API: who manages the client requests it, who owns the API grants scopes,
or refuses."""

from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api.clients import PREFIX, replace_scopes
from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.documents import (
    Action,
    ClientDocument,
    CouplingRequest,
    ScopesDocument,
)
from acmidm_sandbox.beheerportaal.problems import Problem
from acmidm_sandbox.beheerportaal.settings import ApiSettings
from acmidm_sandbox.beheerportaal.store import clients as stored_clients
from acmidm_sandbox.beheerportaal.store.clients import Client, Coupling, couplings_of, record
from acmidm_sandbox.beheerportaal.store.database import now, page_of
from acmidm_sandbox.beheerportaal.web import clients
from acmidm_sandbox.beheerportaal.web.clients import FormState
from acmidm_sandbox.beheerportaal.web.visit import Visit

_CLIENTS_ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class _Decision:
    """A client that is coupled to an API, or that waits for it."""

    referentie: str
    api: ApiSettings
    client: Client
    waits: CouplingRequest | None


def request(visit: Visit) -> Response:
    """Requests that a client is coupled to the API with a Referentie."""
    referentie = visit.form.get("referentie", "").strip()
    with visit.portal.database.write() as session:
        client = clients.find(visit, session)
        client_id = client.client_id
        earlier = couplings_of(session, client_id).get(referentie)
        if (api := visit.portal.settings.apis.get(referentie)) is None:
            mistake = "coupling.unknown"
        elif client.has_any(api.scopes):
            mistake = "coupling.granted_already"
        elif earlier and earlier.refusal is None:
            mistake = "coupling.requested_already"
        else:
            mistake = ""
            wanted = CouplingRequest(client_id=client_id, referentie=referentie, requested_at=now())
            _keep(visit, session, "coupling.requested", wanted)
    if mistake:
        return clients.render(
            visit, client, 422, FormState("", referentie, [("referentie", visit.texts(mistake))])
        )
    return visit.see(visit.urls("client", client_id=client_id, gedaan="coupling_requested"))


def show_all(visit: Visit) -> Response:
    """My APIs: the requests that wait for a decision, and the clients that are coupled."""
    apis = sorted(visit.apis.items())
    among = stored_clients.with_any_scope([name for _, api in apis for name in api.scopes])
    with visit.portal.database.read() as session:
        waiting = _waiting(visit, session)
        page, following = page_of(session, Client, among, _CLIENTS_ON_A_PAGE, visit.after)
    coupled = []
    for client in page:
        coupled += [(name, client.document) for name, api in apis if client.has_any(api.scopes)]
    return visit.page("apis.html", waiting=waiting, coupled=coupled, following=following)


def _waiting(visit: Visit, session: Session) -> list[tuple[str, ClientDocument]]:
    """Return which clients wait to be coupled to an API of the user's, with its Referentie, the
    longest waiting first."""
    query = select(Coupling, Client).join(Client, Client.client_id == Coupling.client_id)
    rows = session.execute(query.where(Coupling.referentie.in_(visit.apis))).all()
    waiting = [(row.Coupling.request, row.Client) for row in rows]
    waiting = [pair for pair in waiting if pair[0].refusal is None]
    waiting.sort(key=lambda pair: pair[0].requested_at)
    return [(request.referentie, client.document) for request, client in waiting]


def show_one(visit: Visit) -> Response:
    """Return the page on which a request is decided about, or a coupling changed."""
    with visit.portal.database.read() as session:
        return _page(visit, _find(visit, session))


def decide(visit: Visit) -> Response:
    """Refuses a request; or writes which of the API's scopes the client has, none to disconnect
    it."""
    decision = visit.form.get("besluit", "")
    with visit.portal.database.read() as session:
        coupling = _find(visit, session)
    if decision == "refuse" and coupling.waits:
        return _refuse(visit, coupling, coupling.waits)
    granted = {
        name
        for name in coupling.api.scopes
        if f"scope.{name}" in visit.form and decision == "grant"
    }
    if not granted and decision != "disconnect":
        return _page(visit, coupling, ("scopes", "coupling.no_scope"))
    return _grant(visit, coupling, granted)


def _refuse(visit: Visit, coupling: _Decision, waits: CouplingRequest) -> Response:
    try:
        refused = CouplingRequest(
            **{**dict(waits), "refusal": visit.form.get("refusal", "").strip()}
        )
    except ValidationError:
        return _page(visit, coupling, ("refusal", "coupling.no_reason"))
    with visit.portal.database.write() as session:
        _keep(visit, session, "coupling.refused", refused)
    return visit.see(visit.urls("apis", gedaan="coupling_refused"))


def _grant(visit: Visit, coupling: _Decision, granted: set[str]) -> Response:
    """Scopes of other APIs stay. By the ETag the scopes are those that were shown."""
    client_id, scopes = coupling.client.client_id, coupling.client.scopes
    default = {name for name in granted if f"default.{name}" in visit.form}
    document = ScopesDocument(
        scopes=[*granted, *set(scopes.scopes).difference(coupling.api.scopes)],
        default=[*default, *set(scopes.default).difference(coupling.api.scopes)],
    )
    try:
        replace_scopes(
            visit.portal, visit.somebody.actor, client_id, document, visit.form.get("etag", "")
        )
    except Problem:
        return _page(visit, coupling, ("scopes", "stale.scopes"))
    with visit.portal.database.write() as session:
        asked = (Coupling.client_id == client_id, Coupling.referentie == coupling.referentie)
        session.execute(delete(Coupling).where(*asked))
    return visit.see(visit.urls("apis", gedaan="coupling_granted" if granted else "coupling_ended"))


def _find(visit: Visit, session: Session) -> _Decision:
    """Return what the path names, of an API of the user's organisation.

    Raises:
        HTTPException: 404 for any other.
    """
    api_id, client_id = (visit.request.path_params[name] for name in ("api", "client_id"))
    client = stored_clients.find(session, client_id)
    requests = couplings_of(session, client_id)
    for referentie, api in visit.apis.items() if client else ():
        asked = requests.get(referentie)
        waits = asked if asked and asked.refusal is None else None
        if client and api.client_id == api_id and (waits or client.has_any(api.scopes)):
            return _Decision(referentie, api, client, waits)
    raise HTTPException(404)


def _page(visit: Visit, coupling: _Decision, mistake: tuple[str, str] | None = None) -> Response:
    """Return the page; a mistake is a field's id and the name of a text."""
    return visit.page(
        "coupling.html",
        coupling=coupling,
        client=coupling.client.document,
        etag=etag(coupling.client.scopes_version),
        mistakes=[(mistake[0], visit.texts(mistake[1]))] if mistake else [],
    )


def _keep(visit: Visit, session: Session, action: Action, request: CouplingRequest) -> None:
    path = f"{PREFIX}/clients/{request.client_id}/couplings/{request.referentie}"
    record(session, visit.somebody.actor, action, request.client_id, path, after=request)
    session.merge(
        Coupling(client_id=request.client_id, referentie=request.referentie, request=request)
    )
