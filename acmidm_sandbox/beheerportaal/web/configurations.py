"""What the Aansluitingenteam does: configuring a product for a client."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.api.products import drop_configuration, store_configuration
from acmidm_sandbox.beheerportaal.conditions import etag
from acmidm_sandbox.beheerportaal.documents import ClientDocument, ConfigurationDocument
from acmidm_sandbox.beheerportaal.store import products
from acmidm_sandbox.beheerportaal.store.products import StoredConfiguration
from acmidm_sandbox.beheerportaal.untrusted import all_visible
from acmidm_sandbox.beheerportaal.web import clients, views
from acmidm_sandbox.beheerportaal.web.visit import Visit

_FIELDS = "velden"


def show(visit: Visit) -> Response:
    """The form, with what is configured."""
    with visit.portal.database.read() as connection:
        client, stored = _find(visit, connection)
    configuration = stored.document.configuration if stored else {}
    return _form(visit, client, stored, {name: _written(value) for name, value in configuration.items()})


def save(visit: Visit) -> Response:
    """Writes the configuration, or removes it. The marks of a stack stay: the configuration is still that stack's."""
    product, removes = visit.request.path_params["product"], visit.form.get("besluit") == "remove"
    texts = {name: visit.form.get(f"veld-{name}", "").strip() for name in _fields(visit)}
    configuration = {name: _read(_fields(visit)[name], text) for name, text in texts.items() if text}
    mistakes: list[tuple[str, str]] = []
    with visit.portal.database.write() as connection:
        client, stored = _find(visit, connection)
        if visit.form.get("etag") != _etag(stored):
            mistakes = [(_FIELDS, visit.texts("stale.configuration"))]
        elif removes and stored:
            drop_configuration(connection, visit.somebody.actor, product, stored)
        elif wrong := _wrong(visit, configuration):
            mistakes = [(f"veld-{name}", visit.texts("configuration.wrong", field=name)) for name in sorted(wrong)]
        else:
            marks = dict(stored.document) if stored else {}
            document = ConfigurationDocument(**{**marks, "configuration": configuration})
            store_configuration(connection, visit.somebody.actor, product, client.client_id, document)
    if mistakes:
        return _form(visit, client, stored, texts, mistakes)
    done = "configuration_removed" if removes else "configured"
    return visit.see(visit.urls("client", client_id=client.client_id, gedaan=done))


def _find(visit: Visit, connection: Connection) -> tuple[ClientDocument, StoredConfiguration | None]:
    """The client and what is configured for it. Raises HTTPException: 404 for an unknown product or client."""
    product = visit.request.path_params["product"]
    if product not in visit.portal.settings.products:
        raise HTTPException(404)
    client = clients.find(visit, connection, clients.seen(visit)).document
    return client, products.find(connection, product, client.client_id)


def _fields(visit: Visit) -> Mapping[str, Mapping[str, Any]]:
    """The JSON Schema of each field of the product's configuration."""
    product = visit.portal.settings.products[visit.request.path_params["product"]]
    return product.json_schema.get("properties", {})  # type: ignore[no-any-return]


def _read(schema: Mapping[str, Any], text: str) -> Any:
    """The value that a field's text stands for: of a list each line is one."""
    if schema.get("type") == "array":
        return [line.strip() for line in text.splitlines() if line.strip()]
    return text == "true" if "boolean" in schema.get("type", "") and text in ("true", "false") else text


def _written(value: Any) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else views.shown(value)


def _wrong(visit: Visit, configuration: Mapping[str, Any]) -> set[str]:
    """The fields that the product refuses, or that have a character that cannot be seen; all where it is not said
    which."""
    product = visit.request.path_params["product"]
    errors = list(visit.portal.configuration_validators[product].iter_errors(configuration))
    required = visit.portal.settings.products[product].json_schema.get("required", ())
    wrong = {str(error.absolute_path[0]) for error in errors if error.absolute_path} | {*required} - {*configuration}
    for name, value in configuration.items():
        try:
            all_visible(value)
        except ValueError:
            wrong.add(name)
    return wrong or ({*_fields(visit)} if errors else set())


def _etag(stored: StoredConfiguration | None) -> str:
    return etag(stored.version if stored else 0)


def _form(
    visit: Visit,
    client: ClientDocument,
    stored: StoredConfiguration | None,
    texts: Mapping[str, str],
    mistakes: list[tuple[str, str]] | None = None,
) -> Response:
    return visit.page(
        "configuration.html",
        422 if mistakes else 200,
        product=visit.request.path_params["product"],
        client=client,
        fields=_fields(visit),
        texts=texts,
        is_stored=stored is not None,
        etag=_etag(stored),
        mistakes=mistakes or [],
    )
