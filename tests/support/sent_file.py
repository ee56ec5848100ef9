"""The file that an organisation makes with the page of the form and mails, and its intake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner, Result

from acmidm.cli import app
from tests.support.workspace import public_key

FILE = "aansluiting-loket.yaml"
KEY, OTHER = (public_key(name, kty="EC", crv="P-256") for name in ("sent", "other"))


def sent(**changes: Any) -> dict[str, Any]:
    """What a new organisation sends; ``changes`` are of its form."""
    request = {
        "jwks": ["loket.jwk.json"],
        "scopes": {"dv_notificaties_import": {"reason": "dossiers"}},
        "products": {"notificaties": {"merk_code": "brugge", "product_ids": ["10244"]}},
    }
    form: dict[str, Any] = {
        "application": "loket",
        "contacts": ["loket@brugge.example"],
        "environments": {"tni": request},
        **changes,
    }
    organisation = {
        "name": "Stad Brugge",
        "ovo": "OVO001234",
        "kbo": "0207.437.468",
        "language": "nl",
    }
    named = [name for one in form["environments"].values() for name in one.get("jwks", ())]
    return {"organisation": organisation, "form": form, "keys": {name: dict(KEY) for name in named}}


def of_gent(
    application: str = "mijn-gent", environment: str = "tni", **request: Any
) -> dict[str, Any]:
    """What an organisation sends whose folder there is."""
    document = sent(application=application, environments={environment: request})
    return {**document, "organisation": {"name": "Stad Gent", "ovo": "OVO002067"}}


def take_in(document: object, *more: str, file: str = FILE) -> Result:
    Path(file).write_text(
        document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False)
    )
    return CliRunner().invoke(app, ["new", "--from", file, *more])
