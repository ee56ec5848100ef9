"""The catalogue of the tests, and what their portals know: all that it offers on their platform.

It is the shipped one, but for a scope that its provider assigns by itself, and an attribute: both
are provided for, and known of none.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from acmidm_onboarding.forms.loading import load_catalogue
from acmidm_onboarding.values.terms import Environment, Platform
from acmidm_sandbox.portals import apis, labels

SHARED = "ACMIDM_TESTS_SHARED"
"""A variable that all processes of a test run inherit: the folder of what they share."""
ATTRIBUTE = "setbyclient_proef"
"""What clients can have, with PLAIN's product."""
SHIPPED = Path(__file__).parents[2] / "catalogue"


def catalogue_folder() -> Path:
    """The folder of the tests' catalogue; of the shipped one for benchmarks, which are no tests."""
    return Path(os.environ[SHARED]) / "catalogue" if SHARED in os.environ else SHIPPED


def write_catalogue(folder: Path) -> None:
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
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
