"""The audit trail."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from beheerportaal.documents import AuditEntry, JwksDocument
from beheerportaal.store import audit
from story.person import MENU
from tests.portal.inside import Browser, inside
from tests.portal.web import GENT
from tests.support.portal import client_document, new_key, put_current, register_client

AUDIT = "/management/v1/audit"
DOSIS = {"bron_uri": "urn://gent/x", "product_ids": []}


def test_every_change_is_in_the_trail_and_nothing_else(operator: httpx.Client) -> None:
    """Newest first: who, when, which document, what it was and what it became; refused and empty changes leave no line."""
    client = register_client(operator, scopes=["dv_magda"], keys=[new_key()])
    client_id = client["client_id"]
    path = f"/management/v1/clients/{client_id}"
    configuration = f"/products/v1/dosis/configurations/{client_id}"
    put_current(operator, path, client_document(client_name="new"))
    put_current(operator, path, client_document(client_name="new"))
    operator.put(path, json=client_document(client_name="stale"), headers={"If-Match": '"1"'})
    operator.put(configuration, json={"configuration": DOSIS}, headers={"If-None-Match": "*"})
    put_current(operator, configuration, {"configuration": {**DOSIS, "bron_uri": "urn://gent/y"}, "managed_by": "acmidm/tni"})
    operator.delete(path, headers={"If-Match": "*"})
    operator.delete(configuration, headers={"If-Match": "*"})

    entries = operator.get(AUDIT, params={"client_id": client_id}).json()["items"]
    assert [(entry["action"], entry["document"]) for entry in entries] == [
        ("product.removed", configuration),
        ("client.removed", path),
        ("product.replaced", configuration),
        ("product.replaced", configuration),
        ("client.replaced", path),
        ("jwks.replaced", f"{path}/jwks"),
        ("scopes.replaced", f"{path}/scopes"),
        ("client.created", path),
    ]
    assert {entry["actor"] for entry in entries} == {"test-operator"}
    assert abs((datetime.now(UTC) - datetime.fromisoformat(entries[0]["at"])).total_seconds()) < 60
    changed = entries[2]
    assert changed["before"] == {"configuration": DOSIS, "software_id": None, "managed_by": None, "incarnation": None}
    assert changed["after"] == {**changed["before"], "configuration": {**DOSIS, "bron_uri": "urn://gent/y"}, "managed_by": "acmidm/tni"}
    scopes = entries[6]
    assert scopes["before"] == {"scopes": ["vo_info"], "default": []}
    assert scopes["after"] == {"scopes": ["dv_magda", "vo_info"], "default": []}
    assert entries[1]["before"]["scopes"] == ["dv_magda", "vo_info"]
    assert entries[1]["after"] is None
    assert entries[7]["before"] is None


def test_the_trail_comes_in_pages(operator: httpx.Client) -> None:
    """Each page goes on where the one before ended."""
    client_id = register_client(operator, scopes=["dv_magda"], keys=[new_key()])["client_id"]
    query = {"client_id": client_id, "limit": "2"}
    first = operator.get(AUDIT, params=query).json()
    second = operator.get(AUDIT, params={**query, "after": first["next"]}).json()
    assert [entry["action"] for entry in first["items"] + second["items"]] == ["jwks.replaced", "scopes.replaced", "client.created"]
    assert second["next"] is None


def test_a_page_is_as_long_as_its_entries_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large documents: fewer on a page, all of them on some page, and the pages for people read no more."""
    read: list[int] = []

    class Counted:
        @staticmethod
        def model_construct(**values: Any) -> AuditEntry:
            read.append(len(str(values["after"])))
            return AuditEntry.model_construct(**values)

    with inside(tmp_path) as portal:
        client_id = portal.register()
        with portal.app.state.portal.database.write() as connection:
            for number in range(40):
                keys = JwksDocument.model_construct(keys=[{"kid": f"{number}", "n": "n" * 300_000}])
                audit.record(connection, f"actor-{number}", audit.Change("jwks.replaced", client_id, "/x", None, keys))
        monkeypatch.setattr(audit, "AuditEntry", Counted)
        after, actors = "", []
        while after is not None:
            page = portal.manage("GET", f"{AUDIT}?client_id={client_id}&limit=500" + (f"&after={after}" if after else ""))
            assert len(page.body) < 2**21
            actors += [entry["actor"] for entry in page.json()["items"]]
            after = page.json()["next"]
        assert actors[:40] == [f"actor-{number}" for number in reversed(range(40))]
        assert len(actors) > 40
        browser = Browser(portal).of(GENT)
        for path in ("", "/geschiedenis"):
            read.clear()
            shown = browser.get(f"/portaal/nl{MENU}/{client_id}{path}")
            assert shown.status == 200
            assert "geschiedenis" in shown.text
            assert 0 < sum(read) < 2**21
