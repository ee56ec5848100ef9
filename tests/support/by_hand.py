"""A client as somebody made it by hand, years before there were forms."""

from __future__ import annotations

from typing import Any

from tests.support.forms import FormFile
from tests.support.portal import register_client
from tests.support.registry import Registry


def made_by_hand(registry: Registry, form: FormFile, **changes: Any) -> str:
    """Register what ``form`` has for tni, without natural key or owner; ``changes`` override
    members. Its client-ID."""
    organisation = {**form.organisation}
    if "kbo" in organisation:
        organisation["kbo"] = organisation["kbo"].replace(".", "")
    request = form.request()
    scopes = changes.pop("scopes", list(request["scopes"]))
    keys = changes.pop("keys", list(form.keys.values()))
    products = changes.pop("products", request["products"])
    document = register_client(
        registry.http,
        scopes=scopes,
        keys=keys,
        **{
            "client_name": f"{organisation['name']} - {form.application}",
            "software_id": None,
            "managed_by": None,
            "organisation": organisation,
            "application": form.application,
            "contacts": form.document["contacts"],
            **changes,
        },
    )
    client_id = str(document["client_id"])
    for product, configuration in products.items():
        registry.set_configuration(product, client_id, configuration)
    return client_id


def adopt(form: FormFile, client_id: str) -> None:
    """Writes the client-ID into the form."""
    form.request()["adopt"] = {"acmidm": client_id}
    form.save()


def stop_adopting(form: FormFile) -> None:
    """Takes the client-ID out of the form."""
    del form.request()["adopt"]
    form.save()
