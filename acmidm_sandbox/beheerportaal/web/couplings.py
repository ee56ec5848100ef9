"""Coupling a client to an API: who manages the client requests it, who owns the API grants scopes, or refuses."""

from pydantic import ValidationError
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api.client_parts import replace_scopes
from acmidm_sandbox.beheerportaal.api.clients import PREFIX
from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.documents import Action, CouplingRequest, ScopesDocument
from acmidm_sandbox.beheerportaal.problems import Problem
from acmidm_sandbox.beheerportaal.store import audit, couplings
from acmidm_sandbox.beheerportaal.store import clients as stored_clients
from acmidm_sandbox.beheerportaal.store.audit import Change
from acmidm_sandbox.beheerportaal.store.clients import StoredClient
from acmidm_sandbox.beheerportaal.web import clients
from acmidm_sandbox.beheerportaal.web.clients import FormState
from acmidm_sandbox.beheerportaal.web.visit import Visit

_CLIENTS_ON_A_PAGE = 50


def request(visit: Visit) -> Response:
    """Requests that a client is coupled to the API with a Referentie."""
    referentie = visit.form.get("referentie", "").strip()
    with visit.portal.database.write() as connection:
        client = clients.find(visit, connection)
        client_id = client.document.client_id
        earlier = couplings.of_client(connection, client_id).get(referentie)
        if (api := visit.portal.settings.apis.get(referentie)) is None:
            mistake = "coupling.unknown"
        elif client.has_any(api.scopes):
            mistake = "coupling.granted_already"
        elif earlier and earlier.refusal is None:
            mistake = "coupling.requested_already"
        else:
            mistake = ""
            wanted = CouplingRequest(client_id=client_id, referentie=referentie, requested_at=audit.now())
            _keep(visit, connection, "coupling.requested", wanted)
    if mistake:
        return clients.render(visit, client, 422, FormState("", referentie, [("referentie", visit.texts(mistake))]))
    return visit.see(visit.urls("client", client_id=client_id, gedaan="coupling_requested"))


def show_all(visit: Visit) -> Response:
    """My APIs: the requests that wait for a decision, and the clients that are coupled."""
    apis = sorted(visit.apis.items())
    among = stored_clients.with_any_scope([name for _, api in apis for name in api.scopes])
    with visit.portal.database.read() as connection:
        waiting = couplings.waiting(connection, visit.apis)
        found, following = stored_clients.page(connection, among, _CLIENTS_ON_A_PAGE, visit.after)
    coupled = [(name, client.document) for client in found for name, api in apis if client.has_any(api.scopes)]
    return visit.page("apis.html", waiting=waiting, coupled=coupled, following=following)


def show_one(visit: Visit) -> Response:
    """The page on which a request is decided about, or a coupling changed."""
    with visit.portal.database.read() as connection:
        return _page(visit, *_find(visit, connection))


def decide(visit: Visit) -> Response:
    """Grants the scopes that are ticked and no others of the API, or disconnects the client, by the state of its scopes
    that was shown; or refuses a request."""
    decision, referentie = visit.form.get("besluit", ""), visit.request.path_params["referentie"]
    with visit.portal.database.write() as connection:
        client, waits = _find(visit, connection)
        if decision == "refuse" and waits:
            try:
                refused = CouplingRequest(**{**dict(waits), "refusal": visit.form.get("refusal", "").strip()})
            except ValidationError:
                return _page(visit, client, waits, ("refusal", "coupling.no_reason"))
            _keep(visit, connection, "coupling.refused", refused)
            return visit.see(visit.urls("apis", gedaan="coupling_refused"))
    scopes = visit.apis[referentie].scopes
    granted = {name for name in scopes if f"scope.{name}" in visit.form and decision == "grant"}
    default = {name for name in granted if f"default.{name}" in visit.form}
    if not granted and decision != "disconnect":
        return _page(visit, client, waits, ("scopes", "coupling.no_scope"))
    document = ScopesDocument(
        scopes=[*granted, *set(client.scopes.scopes).difference(scopes)],
        default=[*default, *set(client.scopes.default).difference(scopes)],
    )
    client_id = client.document.client_id
    try:
        replace_scopes(visit.portal, visit.somebody.actor, client_id, document, visit.form.get("etag", ""))
    except Problem:
        return _page(visit, client, waits, ("scopes", "stale.scopes"))
    with visit.portal.database.write() as connection:
        couplings.remove(connection, client_id, referentie)
    return visit.see(visit.urls("apis", gedaan="coupling_granted" if granted else "coupling_ended"))


def _find(visit: Visit, connection: Connection) -> tuple[StoredClient, CouplingRequest | None]:
    """The client that is coupled, or waits for it, to an API of the user's organisation.

    Raises:
        HTTPException: 404 for any other.
    """
    referentie, client_id = (visit.request.path_params[name] for name in ("referentie", "client_id"))
    client, api = stored_clients.find(connection, client_id), visit.apis.get(referentie)
    waits = couplings.of_client(connection, client_id).get(referentie)
    if waits and waits.refusal is not None:
        waits = None
    if api is None or client is None or not (waits or client.has_any(api.scopes)):
        raise HTTPException(404)
    return client, waits


def _page(
    visit: Visit, client: StoredClient, waits: CouplingRequest | None, mistake: tuple[str, str] | None = None
) -> Response:
    """The page; a mistake is a field's id and the name of a text."""
    return visit.page(
        "coupling.html",
        422 if mistake else 200,
        referentie=visit.request.path_params["referentie"],
        client=client,
        waits=waits,
        etag=etag(client.scopes_version),
        mistakes=[(mistake[0], visit.texts(mistake[1]))] if mistake else [],
    )


def _keep(visit: Visit, connection: Connection, action: Action, request: CouplingRequest) -> None:
    path = f"{PREFIX}/clients/{request.client_id}/couplings/{request.referentie}"
    audit.record(connection, visit.somebody.actor, Change(action, request.client_id, path, None, request))
    couplings.put(connection, request)
