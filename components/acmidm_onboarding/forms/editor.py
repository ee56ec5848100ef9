"""The JSON Schemas by which an editor completes and checks forms and catalogue files, made from the
models and the catalogue."""

from __future__ import annotations

import json
from typing import Any

from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.suppliers import SupplierKeys
from acmidm_onboarding.values.mandate import Mandates
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.terms import Environment

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas(catalogue: Catalogue) -> dict[str, str]:
    """Return the text of each schema by its file name. The same models and catalogue always give
    the same text."""
    return {
        "onboarding.schema.json": _text(onboarding_schema(catalogue)),
        "organisation.schema.json": _text(organisation_schema(catalogue)),
        "mandates.schema.json": _text(_with_dialect(Mandates.model_json_schema())),
        "keys.schema.json": _text(_with_dialect(SupplierKeys.model_json_schema())),
        "catalogue.schema.json": _text(catalogue_schema()),
    }


def onboarding_schema(catalogue: Catalogue) -> dict[str, Any]:
    """Return the schema of a form: per environment the scopes and products offered there, with each
    product's configuration."""
    schema = _with_dialect(Form.model_json_schema())
    parts = schema["$defs"]
    request = parts.pop("EnvironmentRequest")
    del parts["Environment"]
    schema["properties"]["environments"] = {
        "description": schema["properties"]["environments"]["description"],
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {name.value: {"$ref": f"#/$defs/{name.value}"} for name in Environment},
    }
    for environment in Environment:
        parts[environment.value] = _environment_schema(request, catalogue, environment)
    # "dv_notificaties_import:" with nothing behind it is fine.
    parts["ScopeRequest"]["type"] = [
        "object",
        "null",
    ]
    for part in parts.values():
        part.pop("title", None)
    return schema


def organisation_schema(catalogue: Catalogue) -> dict[str, Any]:
    """Return the schema of an organisation. Under ``speaks_for`` it has the fields of the catalogue
    by which a client speaks for somebody, and no others."""
    schema = _with_dialect(Organisation.model_json_schema())
    speaks_for = schema["properties"]["speaks_for"]
    values = speaks_for.pop("additionalProperties")
    speaks_for["additionalProperties"] = False
    fields = speaks_for["properties"] = {}
    for name, description in sorted(catalogue.speaking_fields.items()):
        fields[name] = {**values, "description": description}
    return schema


def catalogue_schema() -> dict[str, Any]:
    """Return the schema of a catalogue file."""
    schema = _with_dialect(Product.model_json_schema())
    schema["properties"]["configuration"] = {
        "description": schema["properties"]["configuration"]["description"],
        "anyOf": [{"$ref": _DIALECT}, {"type": "null"}],
    }
    return schema


def _environment_schema(
    request: dict[str, Any], catalogue: Catalogue, environment: Environment
) -> dict[str, Any]:
    """Return the schema of an environment of a form: ``request``, that of any, with the scopes,
    products and attributes of the catalogue."""
    properties = _without_titles(request["properties"])
    for name, known in (
        ("scopes", _scopes(catalogue, environment)),
        ("products", _configurations(catalogue, environment)),
    ):
        properties[name] = {
            "description": properties[name]["description"],
            "type": "object",
            "additionalProperties": False,
            "properties": known,
        }
    value = properties["attributes"]["additionalProperties"]
    properties["attributes"] = {
        **properties["attributes"],
        "additionalProperties": False,
        "properties": _attributes(catalogue, value),
    }
    return {**request, "type": ["object", "null"], "properties": properties}


def _scopes(catalogue: Catalogue, environment: Environment) -> dict[str, Any]:
    """Return the schema of each scope that is offered in an environment."""
    scopes: dict[str, Any] = {}
    for name, scope in sorted(catalogue.scopes.items()):
        if environment in scope.environments:
            title = f"{scope.title} ({catalogue.product_of[name].title})"
            scopes[name] = {"description": title, "$ref": "#/$defs/ScopeRequest"}
    return scopes


def _configurations(catalogue: Catalogue, environment: Environment) -> dict[str, Any]:
    """Return the schema of each configured product that is offered in an environment."""
    configurations: dict[str, Any] = {}
    for name, product in sorted(catalogue.products.items()):
        if product.configuration is not None and environment in product.environments:
            schema = without(product.configuration, ("$schema",))
            configurations[name] = {"description": product.title, **schema}
    return configurations


def _attributes(catalogue: Catalogue, value: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of each attribute, which has the schema of every ``value``."""
    attributes: dict[str, Any] = {}
    for name, (product, attribute) in sorted(catalogue.attributes.items()):
        title = f"{attribute.title} ({product.title})"
        attributes[name] = {"description": title, **value}
    return attributes


def _with_dialect(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that names its dialect, with its description on one line and its fields
    without titles. The definitions that ``schema`` has under ``$defs`` get the same, in place."""
    titled = {"$schema": _DIALECT, **schema}
    for part in (titled, *titled.get("$defs", {}).values()):
        if "description" in part:
            part["description"] = " ".join(part["description"].split())
        if "properties" in part:
            part["properties"] = _without_titles(part["properties"])
    return titled


def _without_titles(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields without pydantic's titles, which editors would show above the descriptions."""
    return {name: without(field, ("title",)) for name, field in fields.items()}


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
