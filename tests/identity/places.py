"""What several of these tests look at: a client with all it has, and what a stack knows of it."""

from __future__ import annotations

import json
from typing import Any

from tests.support.engine import Project
from tests.support.forms import FormFile
from tests.support.registry import Registry

PRODUCTS = ("notificaties", "dosis")
OTHER: dict[str, Any] = {"organisation": {"name": "Stad Aalst", "ovo": "OVO002002"}}


def everything(registry: Registry, *applications: str) -> dict[str, Any]:
    """Per application its clients, scopes, keys and product configurations included."""
    return {
        application: [
            {**client, "products": {product: registry.configuration(product, client["client_id"]) for product in PRODUCTS}}
            for client in registry.clients(application)
        ]
        for application in applications
    }


def recorded(project: Project) -> dict[str, Any]:
    """Per resource of the four kinds its ID and inputs, as the state has them."""
    return {place: (found["id"], found["inputs"]) for place, found in project.resources().items()}


def adopt(form: FormFile, client_id: str | None) -> None:
    """Write the client-ID into the form; None takes it out."""
    if client_id is None:
        del form.request()["adopt"]
    else:
        form.request()["adopt"] = {"acmidm": client_id}
    form.save()


def only_secret(project: Project) -> str:
    """The one client secret of a stack, kept out of all later output."""
    (platforms,) = json.loads(project.shown_with_secrets())["client_secrets"].values()
    project.secrets.append(platforms["acmidm"])
    return str(platforms["acmidm"])
