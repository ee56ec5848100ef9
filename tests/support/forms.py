"""Makes onboarding forms for tests: a real organisation, fresh key pairs, an application that no other test has."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from joserfc.jwk import ECKey

from tests.support.portal import new_key, public_jwk

NOTIFICATIES: dict[str, Any] = {
    "aanbieder_uri": "https://data.vlaanderen.be/id/organisatie/OVO002067",
    "merk_code": "stad-gent",
    "product_ids": ["10244"],
}
DOSIS: dict[str, Any] = {"bron_uri": "urn://gent/loket", "product_ids": ["10244"]}
SEND = "dv_notificaties_schrijven"
DOSSIERS = "dv_dosis_schrijven"
PLAIN = "dv_organisatieregister_info"
"""A scope without product configuration."""


@dataclass
class FormFile:
    """A form in a folder of forms; its private keys live in memory alone. Change ``document``, then ``save``."""

    folder: Path
    name: str
    document: dict[str, Any]
    keys: dict[str, ECKey] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}.yaml"

    @property
    def application(self) -> str:
        return str(self.document["application"])

    def request(self, environment: str = "tni") -> dict[str, Any]:
        """What the form asks in an environment."""
        asked: dict[str, Any] = self.document["environments"][environment]
        return asked

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(yaml.safe_dump(self.document, sort_keys=False))

    def add_key(self, kid: str, environment: str = "tni") -> None:
        """Adds a fresh key, by a file beside the form."""
        self.keys[kid] = new_key(kid)
        file = self.path.with_name(f"{self.path.name.removesuffix('.yaml')}-{kid}.jwk.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(public_jwk(self.keys[kid])))
        self.request(environment).setdefault("jwks", []).append(file.name)

    def rename(self, name: str) -> None:
        """Moves the form to another name in the same folder; its keys stay where they are."""
        old = self.path
        self.name = name
        old.rename(self.path)

    def remove(self) -> None:
        """Removes the form. One that is not for TNI stays behind, as a folder without any form is refused."""
        self.path.unlink()
        write_form(self.folder, "een-ander/later", environment="prod", keys=())


def write_form(
    folder: Path,
    name: str = "gent/loket",
    *,
    scopes: Sequence[str] = (SEND,),
    products: Mapping[str, Mapping[str, Any]] | None = None,
    keys: Sequence[str] = ("key-1",),
    environment: str = "tni",
    **changes: Any,
) -> FormFile:
    """Writes a valid form; without ``products`` those that its scopes need. ``changes`` override the form's fields."""
    if products is None:
        products = {
            product: settings
            for scope, product, settings in ((SEND, "notificaties", NOTIFICATIES), (DOSSIERS, "dosis", DOSIS))
            if scope in scopes
        }
    document: dict[str, Any] = {
        "organisation": {"name": "Stad Gent", "ovo": "OVO002067", "kbo": "0207.451.227"},
        "application": f"loket-{uuid.uuid4().hex[:12]}",
        "contacts": ["api-beheer@stad-gent.example"],
        "environments": {
            environment: {
                "scopes": {scope: {} for scope in scopes},
                "products": {product: dict(settings) for product, settings in products.items()},
            }
        },
        **changes,
    }
    form = FormFile(folder, name, document)
    for kid in keys:
        form.add_key(kid, environment)
    form.save()
    return form
