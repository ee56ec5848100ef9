"""Coupling a client to an API: who manages the client requests it, who owns the API grants scopes, or refuses."""

from pydantic import ValidationError
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api.client_parts import store_scopes
from acmidm_sandbox.beheerportaal.api.clients import PREFIX
from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.documents import Action, CouplingRequest, ScopesDocument
from acmidm_sandbox.beheerportaal.store import audit, couplings
from acmidm_sandbox.beheerportaal.store import clients as stored_clients
from acmidm_sandbox.beheerportaal.store.audit import Change
from acmidm_sandbox.beheerportaal.store.clients import StoredClient
from acmidm_sandbox.beheerportaal.web import clients, views
from acmidm_sandbox.beheerportaal.web.clients import FormState
from acmidm_sandbox.beheerportaal.web.visit import Visit

_CLIENTS_ON_A_PAGE = 50


def request(visit: Visit) -> Response:
    """Requests that a client is coupled to the API with a Referentie."""
    referentie, apis = visit.form.get("referentie", "").strip(), visit.portal.settings.apis
    with visit.portal.database.write() as connection:
        client = clients.find(visit, connection)
        client_id = client.document.client_id
        waiting = couplings.of_client(connection, client_id).get(referentie)
        if referentie not in apis:
            mistake = "coupling.unknown"
        elif not set(apis[referentie].scopes).isdisjoint(client.scopes.scopes):
            mistake = "coupling.granted_already"
        elif waiting and waiting.refusal is None:
            mistake = "coupling.requested_already"
        else:
            mistake = ""
            wanted = CouplingRequest(client_id=client_id, referentie=referentie, requested_at=audit.now())
            _keep(visit, connection, "coupling.requested", wanted)
    if mistake:
        return clients.render(visit, client, 422, FormState("", referentie, [("referentie", visit.texts(mistake))]))
    return visit.see(visit.urls("client", client_id=client_id, gedaan="coupling_requested"))


def show_all(visit: Visit) -> Response:
    """My APIs, and the requests that wait for a decision."""
    with visit.portal.database.read() as connection:
        waiting = couplings.waiting(connection, visit.apis)
    rows = [(request, client.document, views.made(request.requested_at, "")) for request, client in waiting]
    return visit.page("apis.html", rows=rows, apis=visit.apis)


def show_api(visit: Visit) -> Response:
    """An API, with the clients that are coupled to it."""
    referentie = visit.request.path_params["referentie"]
    if referentie not in visit.apis:
        raise HTTPException(404)
    api = visit.apis[referentie]
    with visit.portal.database.read() as connection:
        coupled = stored_clients.with_any_scope(api.scopes)
        found, following = stored_clients.page_among(connection, coupled, _CLIENTS_ON_A_PAGE, visit.after)
    return visit.page("api.html", referentie=referentie, api=api, clients=found, following=following)


def show_one(visit: Visit) -> Response:
    """The page on which a request is decided about, or a coupling changed."""
    with visit.portal.database.read() as connection:
        client, waits = _find(visit, connection)
    return _page(visit, client, waits)


def decide(visit: Visit) -> Response:
    """Grants the scopes that are ticked and no others of the API, refuses a request, or disconnects the client."""
    decision, reason = visit.form.get("besluit", ""), visit.form.get("refusal", "").strip()
    with visit.portal.database.write() as connection:
        client, waits = _find(visit, connection)
        client_id, referentie = client.document.client_id, visit.request.path_params["referentie"]
        scopes = visit.apis[referentie].scopes
        granted = {name for name in scopes if f"scope.{name}" in visit.form and decision == "grant"}
        mistake, refusal = None, None
        if visit.form.get("etag") != etag(client.scopes_version):
            mistake = ("scopes", "stale.scopes")
        elif decision == "grant" and not granted:
            mistake = ("scopes", "coupling.no_scope")
        elif decision == "refuse" and waits:
            try:
                refusal = waits.model_validate({**dict(waits), "refusal": reason})
                _keep(visit, connection, "coupling.refused", refusal)
            except ValidationError:
                mistake = ("refusal", "coupling.no_reason")
        elif decision in ("grant", "disconnect"):
            default = {name for name in granted if f"default.{name}" in visit.form}
            wanted = ScopesDocument(
                scopes=sorted({*client.scopes.scopes}.difference(scopes) | granted),
                default=sorted({*client.scopes.default}.difference(scopes) | default),
            )
            store_scopes(connection, visit.somebody.actor, client, wanted)
            couplings.remove(connection, client_id, referentie)
        else:
            raise HTTPException(400)
    if mistake:
        field, sentence = mistake
        return _page(visit, client, waits, [(field, visit.texts(sentence))])
    return visit.see(visit.urls("apis", gedaan=f"coupling_{decision}"))


def _find(visit: Visit, connection: Connection) -> tuple[StoredClient, CouplingRequest | None]:
    """The client that is coupled, or the one that waits for it, to an API of the user's organisation.

    Raises:
        HTTPException: 404 for any other.
    """
    referentie, client_id = (visit.request.path_params[name] for name in ("referentie", "client_id"))
    client, api = stored_clients.find(connection, client_id), visit.apis.get(referentie)
    waits = couplings.of_client(connection, client_id).get(referentie)
    if waits and waits.refusal is not None:
        waits = None
    if api is None or client is None or (waits is None and set(api.scopes).isdisjoint(client.scopes.scopes)):
        raise HTTPException(404)
    return client, waits


def _page(
    visit: Visit,
    client: StoredClient,
    waits: CouplingRequest | None,
    mistakes: list[tuple[str, str]] | None = None,
) -> Response:
    referentie = visit.request.path_params["referentie"]
    return visit.page(
        "coupling.html",
        422 if mistakes else 200,
        referentie=referentie,
        api=visit.apis[referentie],
        client=client,
        waits=waits,
        etag=etag(client.scopes_version),
        refusal=visit.form.get("refusal", ""),
        mistakes=mistakes or [],
    )


def _keep(visit: Visit, connection: Connection, action: Action, request: CouplingRequest) -> None:
    path = f"{PREFIX}/clients/{request.client_id}/couplings/{request.referentie}"
    audit.record(connection, visit.somebody.actor, Change(action, request.client_id, path, None, request))
    couplings.put(connection, request)
