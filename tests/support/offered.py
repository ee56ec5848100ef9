"""The catalogue of the tests, and what their portals know: all that it offers on their platform.

It is the shipped one, but for a scope that its provider assigns by itself, an attribute, and a
product with what no shipped one has: all are provided for, and known of none.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.values.terms import Environment, Platform

SHARED = "ACMIDM_TESTS_SHARED"
"""A variable that all processes of a test run inherit: the folder of what they share."""
KEYCLOAK_PORT = "port"
"""A file in that folder, once a test has started a Keycloak: its port."""
RUN = "run"
"""A named pipe in that folder, which somebody can write to until the run ends: what all workers
share reads it, and ends then."""
ATTRIBUTE = "setbyclient_proef"
"""What clients can have, with PLAIN's product."""
_PRODUCT = """\
product: proef
title: Whatever the tests say
owner: Digitaal Vlaanderen
source: the tests
scopes:
  dv_proef: {title: Whatever the tests say, verified: true, source: the tests}
fields:
  widget_id: {source: the tests, basis: seen, speaks_for: exactly, differs_per_environment: true}
  app_id: {source: the tests, basis: seen, speaks_for: exactly}
  test_url: {source: the tests, basis: seen, differs_per_environment: true}
  analytics: {source: the tests, basis: seen}
configuration:
  $schema: https://json-schema.org/draft/2020-12/schema
  type: object
  additionalProperties: false
  required: [widget_id, app_id, test_url]
  properties:
    widget_id: {description: the widget-ID, type: string, pattern: "^\\\\S+$", maxLength: 255}
    app_id: {description: the app-ID, type: string, pattern: "^\\\\S+$", maxLength: 255}
    test_url: {description: the address of a site, type: string, pattern: "^https?://\\\\S+$"}
    analytics: {description: "true, false or a text", type: [boolean, string], maxLength: 255}
"""
SHIPPED = Path(__file__).parents[2] / "catalogue"


def catalogue_folder() -> Path:
    """The folder of the tests' catalogue; of the shipped one for benchmarks, which are no tests."""
    return Path(os.environ[SHARED]) / "catalogue" if SHARED in os.environ else SHIPPED


def write_catalogue(folder: Path) -> None:
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
    (folder / "proef.yaml").write_text(_PRODUCT)
    file = folder / "vlaamse-overheid.yaml"
    product = yaml.safe_load(file.read_text())
    product["scopes"]["vo_info"]["assigned_by_provider"] = True
    file.write_text(yaml.safe_dump(product))
    with (folder / "organisatieregister.yaml").open("a") as other:
        other.write(
            f"\nattributes:\n  {ATTRIBUTE}: {{title: Whatever the tests say, source: the tests}}\n"
        )


def offered(platform: Platform = Platform.ACMIDM, folder: Path | None = None) -> dict[str, Any]:
    """The settings of a portal that are of the catalogue, under the platform's names; of the tests'
    one, or of another."""
    from acmidm.sandbox.portals import apis, labels  # with the form's page: few tests need it

    catalogue = load_catalogue(folder or catalogue_folder())
    scopes = {own: name for own in catalogue.scopes if (name := catalogue.name_on(platform, own))}
    return {
        "apis": apis(catalogue, Environment.TNI, platform),
        "labels": labels(),
        "scopes": {
            name: {"assigned_by_provider": catalogue.scopes[own].assigned_by_provider}
            for own, name in scopes.items()
        },
        "products": {
            name: {
                "schema": product.sent,
                "scope": next(scopes[own] for own in product.scopes if own in scopes),
                "client_id": f"api-of-{name}",
            }
            for name, product in catalogue.products.items()
            if product.configuration is not None and product.scopes.keys() & scopes.keys()
        },
    }
