"""Making, changing and removing a client by hand. The endpoints for operators do it, in the name of
the person."""

from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api.clients import register_client, remove_client, replace_client
from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.documents import ClientReplacement
from acmidm_sandbox.beheerportaal.problems import Problem
from acmidm_sandbox.beheerportaal.store.clients import Client
from acmidm_sandbox.beheerportaal.web import clients
from acmidm_sandbox.beheerportaal.web.visit import Mistakes, Visit

_NEW = {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt"}


def show_new(visit: Visit) -> Response:
    """Return the form for a new client."""
    return _form(visit)


def create(visit: Visit) -> Response:
    """Make a client of the own organisation, without any mark of a stack, and without scopes."""
    name = visit.form.get("client_name", "").strip()
    return _save(
        visit, None, {**_NEW, "organisation": visit.somebody.organisation, "application": name}
    )


def show_change(visit: Visit) -> Response:
    """Return the form with what a client has."""
    with visit.portal.database.read() as session:
        return _form(visit, clients.find(visit, session))


def change(visit: Visit) -> Response:
    """Changes the name and the contacts of a client."""
    with visit.portal.database.read() as session:
        client = clients.find(visit, session)
    return _save(visit, client, client.document.metadata)


def remove(visit: Visit) -> Response:
    """Remove a client, where that was confirmed."""
    if visit.form.get("bevestigd") != "ja":
        return clients.show_again(visit)
    with visit.portal.database.read() as session:
        client = clients.find(visit, session, clients.seen(visit))
    remove_client(visit.portal, visit.somebody.actor, client.client_id, if_match="*")
    return visit.see(visit.urls("clients", gedaan="client_removed"))


def _save(visit: Visit, client: Client | None, metadata: dict[str, Any]) -> Response:
    """Make or change a client: its metadata, with what the form says."""
    name, contacts = (
        visit.form.get("client_name", "").strip(),
        visit.form.get("contacts", "").split(),
    )
    try:
        declaration = ClientReplacement(
            **{**metadata, "client_name": name, "contacts": contacts or [""]}
        )
        if client is None:
            made = register_client(visit.portal, visit.somebody.actor, declaration)
            client_id = made.headers["location"].rpartition("/")[2]
            return visit.see(visit.urls("client", client_id=client_id, gedaan="client_created"))
        client_id, seen_etag = client.client_id, visit.form.get("etag", "")
        replace_client(visit.portal, visit.somebody.actor, client_id, declaration, seen_etag)
        return visit.see(visit.urls("client", client_id=client_id, gedaan="client_changed"))
    except ValidationError as error:
        wrong = {str(mistake["loc"][0]) for mistake in error.errors()} - {"application"}
        return _form(
            visit, client, [(field, visit.texts(f"new.wrong.{field}")) for field in sorted(wrong)]
        )
    except Problem:
        return _form(visit, client, [("client_name", visit.texts("stale.client"))])


def _form(visit: Visit, client: Client | None = None, mistakes: Mistakes = ()) -> Response:
    seen_etag = visit.form.get("etag", etag(client.client_version) if client else "")
    return visit.page(
        "client_form.html", mistakes=mistakes, client=client and client.document, etag=seen_etag
    )
