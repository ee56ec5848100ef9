"""What is refused: how large a request may be, what the log says of one, and that a refused form holds up nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Response

from beheerportaal.web import rendering
from beheerportaal.web.visit import Visit
from story.person import MENU
from tests.portal.inside import Answer, Browser, Inside, inside
from tests.portal.web import GENT
from tests.support.portal import ASSERTION_TYPE, new_key, public_jwk, sign_assertion

KEY = new_key()
SECRET = "a-secret-of-some-length"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Inside]:
    with inside(tmp_path, explains_refusals=True) as made:
        yield made


def signed(portal: Inside, client_id: str, right: bool) -> Answer:
    assertion = sign_assertion(KEY if right else new_key(), client_id, portal.settings.issuer)
    return portal.request_token(client_assertion_type=ASSERTION_TYPE, client_assertion=assertion)


@pytest.mark.parametrize("explains", [True, False])
def test_a_refused_request_is_a_line_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture, explains: bool) -> None:
    """With the client-ID that it names, and why; a line stays one line, and has nothing that authenticates."""
    caplog.set_level("INFO", "beheerportaal.refused")
    with inside(tmp_path, explains_refusals=explains) as portal:
        client_id = portal.register(keys=[KEY])
        signed(portal, client_id, right=False)
        signed(portal, "nobody\n\x1b[2J", right=False)
        portal.request_token(client_secret=SECRET)
    said = [record.getMessage() for record in caplog.records if record.name == "beheerportaal.refused"]
    assert said[0].startswith(f"client {client_id}: the signature is wrong")
    assert said[1].startswith("client nobody??[2J: there is no client")
    assert said[2].startswith("client unknown: client_id is missing")
    assert not any("eyJ" in line or SECRET in line for line in said)


@pytest.mark.parametrize("etag", ["stale", ""])
def test_a_refused_form_is_shown_while_others_write(portal: Inside, monkeypatch: pytest.MonkeyPatch, etag: str) -> None:
    client_id, browser = portal.register(keys=[KEY]), Browser(portal).of(GENT)
    path = f"/portaal/nl{MENU}/{client_id}"
    shown = browser.get(path).text
    writer, page, statuses = portal.app.state.portal.database._writer, rendering.page, []

    def rendered(visit: Visit, template: str, status: int = 200, **context: object) -> Response:
        assert not writer.locked()
        statuses.append(status)
        return page(visit, template, status, **context)

    monkeypatch.setattr(rendering, "page", rendered)
    browser.post(f"{path}/sleutels", shown, jwk="{}" if etag == "" else json.dumps(public_jwk(new_key("another"))), etag=etag)
    browser.post(f"{path}/sleutels/verwijderen", shown, kid=KEY.kid or "", **({"etag": etag} if etag else {}))
    assert statuses == ([412, 412] if etag else [422, 422])
