"""What the Aansluitingenteam does: configuring a product for a client."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api.products import put_configuration, remove_configuration
from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.documents import ClientDocument, ConfigurationDocument
from acmidm_sandbox.beheerportaal.problems import Problem
from acmidm_sandbox.beheerportaal.store import products
from acmidm_sandbox.beheerportaal.store.products import Configuration
from acmidm_sandbox.beheerportaal.web import clients, views
from acmidm_sandbox.beheerportaal.web.visit import Mistakes, Visit


def show(visit: Visit) -> Response:
    """Return the form, with what is configured."""
    with visit.portal.database.read() as session:
        client, stored = _find(visit, session)
    configuration = stored.document.configuration if stored else {}
    return _form(
        visit, client, stored, {name: _written(value) for name, value in configuration.items()}
    )


def save(visit: Visit) -> Response:
    """Write the configuration, or remove it. The marks of a stack stay: the configuration is still
    that stack's."""
    product, seen_etag = visit.request.path_params["product"], visit.form.get("etag") or None
    with visit.portal.database.read() as session:
        client, stored = _find(visit, session)
    texts = {name: visit.form.get(f"veld-{name}", "").strip() for name in _fields(visit)}
    configuration = {
        name: _read(_fields(visit)[name], text) for name, text in texts.items() if text
    }
    of_client = (visit.portal, visit.somebody.actor, product, client.client_id)
    removes = visit.form.get("besluit") == "remove"
    try:
        if removes:
            remove_configuration(*of_client, if_match=seen_etag)
        else:
            marks = dict(stored.document) if stored else {}
            document = ConfigurationDocument(**{**marks, "configuration": configuration})
            put_configuration(*of_client, document, if_match=seen_etag, if_none_match="*")
    except ValidationError:
        return _form(
            visit, client, stored, texts, [("velden", visit.texts("configuration.invisible"))]
        )
    except Problem as problem:
        return _form(visit, client, stored, texts, _mistakes(visit, problem, configuration))
    done = "configuration_removed" if removes else "configured"
    return visit.see(visit.urls("client", client_id=client.client_id, gedaan=done))


def _find(visit: Visit, session: Session) -> tuple[ClientDocument, Configuration | None]:
    """Return the client and what is configured for it. Raises HTTPException: 404 for an unknown
    product or client."""
    product = visit.request.path_params["product"]
    if product not in visit.portal.settings.products:
        raise HTTPException(404)
    client = clients.find(visit, session, clients.seen(visit)).document
    return client, products.find(session, product, client.client_id)


def _fields(visit: Visit) -> Mapping[str, Mapping[str, Any]]:
    """Return the JSON Schema of each field of the product's configuration."""
    product = visit.portal.settings.products[visit.request.path_params["product"]]
    return product.json_schema.get("properties", {})  # type: ignore[no-any-return]


def _read(schema: Mapping[str, Any], text: str) -> Any:
    """Return the value that a field's text stands for: of a list each line is one, an object as
    JSON."""
    if schema.get("type") == "array":
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return (
            [_object(line) for line in lines] if schema["items"].get("type") == "object" else lines
        )
    return (
        text == "true"
        if "boolean" in schema.get("type", "") and text in ("true", "false")
        else text
    )


def _object(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line  # which the schema refuses


def _written(value: Any) -> str:
    if not isinstance(value, list):
        return views.shown(value)
    return "\n".join(
        json.dumps(item, ensure_ascii=False) if isinstance(item, dict) else str(item)
        for item in value
    )


def _mistakes(visit: Visit, problem: Problem, configuration: Mapping[str, Any]) -> Mistakes:
    """Return the fields that the product refuses, all where it does not say which; else that others
    were there meanwhile."""
    if problem.status_code != 422:
        return [("velden", visit.texts("stale.configuration"))]
    product = visit.portal.settings.products[visit.request.path_params["product"]]
    paths = [error.get("pointer", "").split("/") for error in problem.errors]
    named = {path[2] for path in paths if len(path) > 2}
    missing = {*product.json_schema.get("required", ())} - {*configuration}
    wrong = named | missing or {*_fields(visit)}
    return [
        (f"veld-{name}", visit.texts("configuration.wrong", field=visit.label(name)))
        for name in sorted(wrong)
    ]


def _form(
    visit: Visit,
    client: ClientDocument,
    stored: Configuration | None,
    texts: Mapping[str, str],
    mistakes: Mistakes = (),
) -> Response:
    return visit.page(
        "configuration.html",
        product=visit.request.path_params["product"],
        client=client,
        fields=_fields(visit),
        texts=texts,
        is_stored=stored is not None,
        # Of what was shown first: who was told that it has changed opens it anew.
        etag=visit.form.get("etag", etag(stored.version) if stored else ""),
        mistakes=mistakes,
    )
