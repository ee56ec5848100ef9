"""Makes onboarding forms for tests: an organisation, fresh key pairs, an application that no other
test has."""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from tests.support.portal import new_key, public_jwk
from tests.support.yaml_files import read_yaml, write_yaml

NOTIFICATIES: dict[str, Any] = {
    "aanbieder_uri": "https://data.vlaanderen.be/id/organisatie/OVO002067",
    "merk_code": "stad-gent",
    "product_ids": ["10244"],
}
DOSIS: dict[str, Any] = {"bron_uri": "urn://gent/loket", "product_ids": ["10244"]}
SEND = "dv_notificaties_import"
DOSSIERS = "dv_dosis_schrijven"
PLAIN = "dv_organisatieregister_info"
"""A scope without product configuration."""


_SPEAKING = ("aanbieder_uri", "merk_code", "bron_uri", "widget_id", "app_id")
GENT = {"name": "Stad Gent", "ovo": "OVO002067", "kbo": "0207.451.227"}


def organisation_of(folder: str) -> dict[str, Any]:
    """Who a folder of forms belongs to: Gent, or another organisation, always the same for the same
    folder."""
    return (
        dict(GENT)
        if folder == "gent"
        else {"name": folder.title(), "ovo": f"OVO{zlib.crc32(folder.encode()) % 1_000_000:06d}"}
    )


@dataclass
class FormFile:
    """A form and its organisation; private keys are in memory alone. Change ``document`` or
    ``organisation``, then ``save``."""

    folder: Path
    name: str
    document: dict[str, Any]
    organisation: dict[str, Any]
    keys: dict[str, ECKey] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.name}.yaml"

    @property
    def application(self) -> str:
        return str(self.document["application"])

    @property
    def code(self) -> str:
        """The organisation's code."""
        return str(self.organisation.get("ovo") or self.organisation["kbo"].replace(".", ""))

    @property
    def key(self) -> str:
        """What names its resources."""
        return f"{self.code}/{self.application}"

    def request(self, environment: str = "tni") -> dict[str, Any]:
        """What the form has for an environment."""
        wanted: dict[str, Any] = self.document["environments"][environment]
        return wanted

    def save(self) -> None:
        """Write both files. The organisation may send under every name that its forms have had, and
        those that tests share."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        owner = self.path.with_name("organisation.yaml")
        earlier = read_yaml(owner).get("speaks_for", {}) if owner.exists() else {}
        organisation = {**self.organisation, "speaks_for": self._speaks_for(earlier)}
        write_yaml(owner, organisation, sort_keys=False)
        write_yaml(self.path, self.document, sort_keys=False)

    def _speaks_for(self, earlier: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        products = [
            request.get("products") or {}
            for request in self.document["environments"].values()
            if isinstance(request, dict)
        ]
        configurations = [NOTIFICATIES, DOSIS, *(one for each in products for one in each.values())]
        said = {name: {one[name] for one in configurations if name in one} for name in _SPEAKING}
        return {
            name: sorted(all_)
            for name, values in said.items()
            if (all_ := {*values, *earlier.get(name, ())})
        }

    def add_key(self, kid: str, environment: str = "tni") -> None:
        """Add a fresh key, by a file beside the form."""
        self.keys[kid] = new_key(kid)
        file = self.path.with_name(f"{self.path.name.removesuffix('.yaml')}-{kid}.jwk.json")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(public_jwk(self.keys[kid])))
        self.request(environment).setdefault("jwks", []).append(file.name)

    def use_supplier(self, *kids: str, environment: str = "tni", until: str = "2999-12-31") -> Path:
        """Have the keys of a supplier, which are made where they are not there, by a mandate;
        return its ``keys.yaml``."""
        folder = self.folder / "leverancier"
        folder.mkdir(exist_ok=True)
        (folder / "organisation.yaml").write_text("name: Leverancier\n")
        for kid in kids:
            if not (public := folder / f"{kid}.jwk.json").exists():
                self.keys[kid] = new_key(kid)
                public.write_text(json.dumps(public_jwk(self.keys[kid])))
        (file := folder / "keys.yaml").write_text(
            json.dumps({environment: [f"{kid}.jwk.json" for kid in kids]})
        )
        self.request(environment).pop("jwks", None)
        self.document["keys_of"] = folder.name
        mandate = {"supplier": folder.name, "applications": [self.application], "until": until}
        self.path.with_name("mandates.yaml").write_text(json.dumps({"mandates": [mandate]}))
        self.save()
        return file

    def rename(self, name: str) -> None:
        """Move the file to another name in the same folder; its keys stay where they are."""
        old = self.path
        self.name = name
        old.rename(self.path)

    def remove(self) -> None:
        """Remove the form. One that is not for TNI stays behind, as a folder without any form is
        refused."""
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
    organisation: Mapping[str, Any] | None = None,
    **changes: Any,
) -> FormFile:
    """Write a valid form; without ``products`` those that its scopes need. ``changes`` override the
    form's fields.

    ``organisation`` is that of the folder, where it is not the folder's own.
    """
    if products is None:
        products = {
            product: settings
            for scope, product, settings in (
                (SEND, "notificaties", NOTIFICATIES),
                (DOSSIERS, "dosis", DOSIS),
            )
            if scope in scopes
        }
    document: dict[str, Any] = {
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
    form = FormFile(
        folder, name, document, dict(organisation or organisation_of(name.partition("/")[0]))
    )
    for kid in keys:
        form.add_key(kid, environment)
    form.save()
    return form


def read_form(folder: Path, name: str) -> FormFile:
    """Read a form that was written, without its private keys."""
    file = folder / f"{name}.yaml"
    organisation = read_yaml(file.with_name("organisation.yaml"))
    del organisation["speaks_for"]
    return FormFile(folder, name, read_yaml(file), organisation)
