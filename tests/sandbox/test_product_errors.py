"""Whatever is refused below `/api/` has the products' own form; nothing that is sent makes a 500;
the page says what the code does."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from acmidm_sandbox.beheerportaal.products.product import dotted
from acmidm_sandbox.beheerportaal.store.database import Database
from tests.sandbox.inside import Answer, Inside, inside
from tests.sandbox.sender import Sender, fields
from tests.support.messages import DOSSIER

UPLOAD, SEND = "/api/v2/dosis/dossiers", "/api/v2/notificaties"
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("method", "path", "document", "content_type", "status", "said"),
    [
        ("POST", UPLOAD, b"<Dossier/>", "application/xml", 415, "XML is not read here"),
        ("POST", SEND, b"<Notificatie/>", "text/xml; charset=utf-8", 415, "XML is not read here"),
        ("POST", SEND, b"a=b", "application/x-www-form-urlencoded", 415, "The body must be JSON"),
    ],
)
def test_each_refusal_has_their_form(
    sender: Sender,
    method: str,
    path: str,
    document: bytes | None,
    content_type: str,
    status: int,
    said: str,
) -> None:
    refused = sender.call(method, path, document, content_type)
    assert (refused.status, fields(refused), refused.json()["code"]) == (status, [], str(status))
    assert said in refused.json()["description"]
    assert said in shown_by_the_connector(refused)


def shown_by_the_connector(refused: Answer) -> str:
    """What Qmino/dosis-connector (c736b9d) makes of an error: it reads no description, and falls
    over where errors is missing."""
    document = refused.json()
    return (
        f"{document['message']}"
        f" ({'; '.join('[{code}/{field}]: {message}'.format(**error) for error in document['errors'])})"  # noqa: E501
    )


def test_a_body_that_is_too_large_is_a_mistake_of_the_document(sender: Sender) -> None:
    refused = sender.call("POST", UPLOAD, b'{"Producten":[' + b"{}," * 345_000 + b"{}]}")
    assert (refused.status, refused.json()["code"], fields(refused)) == (400, "2001", [""])
    assert "larger than 131072 bytes" in refused.json()["description"]


def test_so_has_401(inner: Inside) -> None:
    """With the headers that it had."""
    without = inner.send("POST", SEND, [], b"{")
    assert (without.status, without.headers["www-authenticate"], fields(without)) == (
        401,
        "Bearer",
        [],
    )
    wrong = inner.send("POST", SEND, [("Authorization", "Bearer wrong")])
    assert (wrong.status, fields(wrong)) == (401, [])


def test_so_has_503(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("", None, Exception("locked"))

    sender.token_for(UPLOAD)
    monkeypatch.setattr(Database, "write", fail)
    answer = sender.call("POST", UPLOAD, DOSSIER)
    assert (answer.status, fields(answer), answer.headers["retry-after"]) == (503, [], "1")


def test_an_environment_without_the_product_says_so(tmp_path: Path) -> None:
    """404 that names product and environment, not a riddle; for anybody's token."""
    with inside(tmp_path, products={}) as bare:
        for path, product in ((UPLOAD, "dosis"), (SEND, "notificaties")):
            answer = bare.manage("POST", path, DOSSIER)
            assert (answer.status, fields(answer)) == (404, [])
            assert f"product {product} in environment tni" in answer.json()["description"]


@pytest.mark.parametrize(
    ("pointer", "written"),
    [
        ("/SleutelWaardeParen/0/Waarde", "SleutelWaardeParen[0].Waarde"),
        ("", ""),
        ("/a~1b/~0", "a/b.~"),
    ],
)
def test_a_place_is_written_as_the_products_do(pointer: str, written: str) -> None:
    assert dotted(pointer) == written


def test_the_page_names_each_call_and_its_basis(tmp_path: Path) -> None:
    """As the OpenAPI document has them, which is made of the code."""
    row = re.compile(r"^\| `(\w+) (/api/[^?`]+)[^`]*` \| .* \| (\w+) \|$", re.MULTILINE)
    rows = row.findall((ROOT / "docs/products.md").read_text())
    with inside(tmp_path) as bare:
        paths = bare.send("GET", "/openapi.json", []).json()["paths"]
    calls = {
        (method.upper(), path, operation["x-basis"])
        for path, operations in paths.items()
        for method, operation in operations.items()
        if path.startswith("/api/")
    }
    assert set(rows) == calls
