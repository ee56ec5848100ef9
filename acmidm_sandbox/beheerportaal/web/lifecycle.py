"""Making and removing a client by hand. The endpoints for operators do it, in the name of the person."""

from pydantic import ValidationError
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api.clients import register_client, remove_client
from acmidm_sandbox.beheerportaal.documents import ClientDeclaration
from acmidm_sandbox.beheerportaal.web import clients
from acmidm_sandbox.beheerportaal.web.visit import Visit


def show_form(visit: Visit, mistakes: list[tuple[str, str]] | None = None) -> Response:
    """The form for a new client."""
    return visit.page("new_client.html", 422 if mistakes else 200, mistakes=mistakes or [])


def create(visit: Visit) -> Response:
    """Makes a client of the own organisation. It has neither a natural key nor other marks, and no scopes yet."""
    name = visit.form.get("client_name", "").strip()
    try:
        declaration = ClientDeclaration(
            client_name=name,
            organisation=visit.somebody.organisation,
            application=name,
            grant_types=["client_credentials"],
            token_endpoint_auth_method="private_key_jwt",  # noqa: S106 - the name of a method
            contacts=visit.form.get("contacts", "").split() or [""],
        )
    except ValidationError as error:
        wrong = sorted({str(mistake["loc"][0]) for mistake in error.errors()} - {"application"})
        return show_form(visit, [(field, visit.texts(f"new.wrong.{field}")) for field in wrong])
    made = register_client(visit.portal, visit.somebody.actor, declaration)
    client_id = made.headers["location"].rpartition("/")[2]
    return visit.see(visit.urls("client", client_id=client_id, gedaan="client_created"))


def remove(visit: Visit) -> Response:
    """Removes a client, where that was confirmed."""
    if visit.form.get("bevestigd") != "ja":
        return clients.show_again(visit)
    with visit.portal.database.read() as connection:
        client = clients.find(visit, connection, clients.seen(visit))
    remove_client(visit.portal, visit.somebody.actor, client.document.client_id, if_match="*")
    return visit.see(visit.urls("clients", gedaan="client_removed"))
