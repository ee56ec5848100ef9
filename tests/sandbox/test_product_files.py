"""A product is a file: one more is one more file, and no code."""

import json
import shutil
from pathlib import Path

import pytest

from acmidm_sandbox.beheerportaal.products import product
from tests.sandbox.inside import JSON, Answer, inside
from tests.sandbox.sender import Sender, fields
from tests.support.forms import SEND
from tests.support.portal import PRODUCTS

PATH = "/api/v1/parkeren/vergunningen"
FILE = f"""
names: {{zones: zone}}
calls:
  POST {PATH.removeprefix("/api")}:
    about: Receives a permit.
    x-basis: assumed
    body: Permit
    longest_body: 200
    configured: {{zones: /Zones/*}}
    answer: {{Nummer: "{{Nummer}}", Status: Ontvangen}}
    returns: {{type: object}}
    status: 201
schemas:
  Zone: {{type: string, enum: [A, B]}}
  Permit:
    type: object
    required: [Nummer, Reden]
    properties:
      Nummer: {{type: string, format: anything, minLength: 3}}
      Zones: {{type: array, items: {{$ref: "#/components/schemas/Zone"}}}}
      Tot: {{type: string, format: day}}
"""
SETTINGS = {
    "client_id": "7b1f6f0a-0d4c-4d55-9a0d-3d2b8f1c6e01",
    "scope": SEND,
    "schema": {"type": "object"},
}


def test_a_made_up_product_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its paths, its scope, the JSON Schema of its document, what must be configured, its answer,
    and the OpenAPI document; nothing else knows it."""
    folder = tmp_path / "products"
    shutil.copytree(product.FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (folder / "parkeren.yaml").write_text(FILE)
    monkeypatch.setattr(product, "FOLDER", folder)
    with inside(tmp_path, products={**PRODUCTS, "parkeren": SETTINGS}) as portal:
        sender = Sender.of(portal)

        def send(document: object, api: str = "parkeren") -> Answer:
            given = [("Authorization", f"Bearer {sender.token_of(api)}"), JSON]
            return portal.send("POST", PATH, given, json.dumps(document).encode())

        permit = {"Nummer": "123", "Zones": ["A"], "Tot": "2099-12-31", "Reden": 1}
        assert send(permit, "dosis").status == 401
        refused = send(permit)
        assert (refused.status, fields(refused)) == (403, [])
        sender.configure("parkeren", {"zones": ["B"]})
        refused = send(permit)
        assert (refused.status, fields(refused)) == (403, ["Zones[0]"])
        assert "zone A is not set for this client (set: B)" in refused.json()["description"]
        refused = send({"Nummer": "1", "Zones": ["A", "C", 5], "Tot": "ooit"})
        assert (refused.status, [error["description"] for error in refused.json()["errors"]]) == (
            400,
            [
                "Nummer: string should have at least 3 characters",
                "Zones[1]: does not satisfy enum",
                "Zones[2]: input should be a valid string",
                'Tot: begins with no date; write it as in "2026-12-31"',
                "Reden: field required",
            ],
        )
        assert "C" not in refused.json()["errors"][1]["message"]
        refused = send({**permit, "Nummer": "1" * 200})
        assert (refused.status, fields(refused)) == (400, [""])
        accepted = send({**permit, "Zones": ["B"]})
        assert (accepted.status, accepted.json()) == (201, {"Nummer": "123", "Status": "Ontvangen"})
        document = portal.send("GET", "/openapi.json", []).json()
    call = document["paths"][PATH]["post"]
    assert (call["description"], call["x-basis"]) == ("Receives a permit.", "assumed")
    assert document["components"]["schemas"]["Permit"]["required"] == ["Nummer", "Reden"]
