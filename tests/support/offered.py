"""What a portal of the tests knows: all that the catalogue offers on its platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acmidm_onboarding.model.form import Platform
from acmidm_onboarding.model.loading import load_catalogue

CATALOGUE = Path(__file__).parents[2] / "catalogue"


def offered(platform: Platform = Platform.ACMIDM) -> dict[str, Any]:
    """The settings ``scopes`` and ``products`` of a portal, under the platform's names."""
    catalogue = load_catalogue(CATALOGUE)
    scopes = {own: name for own in catalogue.scopes if (name := catalogue.name_on(platform, own))}
    return {
        "scopes": {name: {"assigned_by_provider": catalogue.scopes[own].assigned_by_provider} for own, name in scopes.items()},
        "products": {
            name: {
                "schema": product.configuration,
                "scope": next(scopes[own] for own in product.scopes if own in scopes),
                "client_id": f"api-of-{name}",
            }
            for name, product in catalogue.products.items()
            if product.configuration is not None and product.scopes.keys() & scopes.keys()
        },
    }
