"""The page on which the Aansluitingenteam configures a product for a client."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api.products import put_configuration, remove_configuration
from acmidm_sandbox.beheerportaal.documents import ConfigurationDocument
from acmidm_sandbox.beheerportaal.problems import RefusedRequest
from acmidm_sandbox.beheerportaal.store import products
from acmidm_sandbox.beheerportaal.store.clients import StoredClient
from acmidm_sandbox.beheerportaal.web import clients
from acmidm_sandbox.beheerportaal.web.visit import (
    Field,
    Mistakes,
    SentForm,
    TeamVisit,
    Visit,
    shown,
)

PAGE = f"{clients.CLIENT}/producten/{{product}}"

router = APIRouter()


@router.get(PAGE, name="configuration")
def show_configuration(visit: TeamVisit, client_id: str, product: str) -> Response:
    """Return the form, filled in with the configuration; empty where there is none."""
    client, stored = _find_or_404(visit, client_id, product)
    field_texts = {}
    if stored is not None:
        for name, value in stored.document.configuration.items():
            values = value if isinstance(value, list) else [value]
            field_texts[name] = "\n".join(map(shown, values))
    return _page(visit, client, product, field_texts, is_stored=stored is not None)


@router.post(PAGE)
def save_configuration(
    visit: TeamVisit, client_id: str, product: str, form: SentForm, besluit: Field = ""
) -> Response:
    """Write the configuration, or remove it. Return the client's page, or the form again with a
    sentence at each wrong field. What marks it as a stack's stays: it is still that stack's."""
    client, stored = _find_or_404(visit, client_id, product)
    field_texts, configuration = {}, {}
    for name, schema in _fields(visit, product).items():
        text = str(form.get(f"veld-{name}", "")).strip()
        field_texts[name] = text
        if text:
            configuration[name] = _value_of_text(text, schema)
    of_client = (visit.portal, visit.logged_on_user.actor, product, client_id)
    if_match = "*" if stored else None
    try:
        if besluit == "remove":
            remove_configuration(*of_client, if_match=if_match)
            return visit.redirect("client", "configuration_removed", client_id=client_id)
        marks = dict(stored.document) if stored else {}
        document = ConfigurationDocument(**{**marks, "configuration": configuration})
        put_configuration(*of_client, document, if_match=if_match, if_none_match="*")
        return visit.redirect("client", "configured", client_id=client_id)
    except ValidationError:
        mistakes: Mistakes = [("velden", visit.texts("configuration.invisible"))]
    except RefusedRequest as problem:
        mistakes = list(_mistakes(visit, product, problem, configuration))
    return _page(visit, client, product, field_texts, mistakes, is_stored=stored is not None)


def _find_or_404(
    visit: Visit, client_id: str, product: str
) -> tuple[StoredClient, products.Configuration | None]:
    """Return a client and its configuration for a product, None where it has none. Raises
    HTTPException: 404 for an unknown product or client."""
    if product not in visit.portal.settings.products:
        raise HTTPException(404)
    with visit.portal.database.read() as session:
        client = clients.find_or_404(visit, session, client_id, clients.is_viewable(visit))
        return client, products.find(session, product, client_id)


def _fields(visit: Visit, product: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the JSON Schema of each field of a product's configuration, by its name."""
    schema = visit.portal.settings.products[product].json_schema
    return schema.get("properties", {})  # type: ignore[no-any-return]


def _value_of_text(text: str, schema: Mapping[str, Any]) -> Any:
    """Return the JSON value of the text in a field with this schema, as the page shows it: of a
    list each line is an item, of a list of objects each line is one in JSON."""
    if "boolean" in schema.get("type", "") and text in ("true", "false"):
        return text == "true"
    if schema.get("type") != "array":
        return text
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if schema["items"].get("type") != "object":
        return lines
    return list(map(_object, lines))


def _object(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line  # a text, which the schema refuses


def _mistakes(
    visit: Visit, product: str, problem: RefusedRequest, configuration: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield the id and a sentence of each field that is missing, or that a refusal of the product's
    API points to; of all fields where there is none."""
    required = visit.portal.settings.products[product].json_schema.get("required", ())
    wrong_fields = set(required).difference(configuration)
    for error in problem.errors:
        _, _, path = error.get("pointer", "").partition("/configuration/")
        if path:
            wrong_fields.add(path.partition("/")[0])
    for name in sorted(wrong_fields or _fields(visit, product)):
        yield f"veld-{name}", visit.texts("configuration.wrong", field=visit.label(name))


def _page(
    visit: Visit,
    client: StoredClient,
    product: str,
    field_texts: Mapping[str, str],
    mistakes: Mistakes = (),
    *,
    is_stored: bool,
) -> Response:
    """Return the page with the form, filled in with these texts by the names of fields."""
    return visit.page(
        "configuration.html",
        product=product,
        client=client.document,
        fields=_fields(visit, product),
        texts=field_texts,
        is_stored=is_stored,
        mistakes=mistakes,
    )
