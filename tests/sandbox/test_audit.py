"""The audit trail."""

from datetime import UTC, datetime

import httpx

from tests.support.portal import client_document, new_key, put_current, register_client

AUDIT = "/management/v1/audit"
DOSIS = {"bron_uri": "urn://gent/x", "product_ids": []}


def test_every_change_is_in_the_trail_and_nothing_else(operator: httpx.Client) -> None:
    """Newest first: who, when, which document, what it was and what it became; refused and empty
    changes leave no line."""
    client = register_client(operator, scopes=["dv_magda"], keys=[new_key()])
    client_id = client["client_id"]
    path = f"/management/v1/clients/{client_id}"
    configuration = f"/products/v1/dosis/configurations/{client_id}"
    put_current(operator, path, client_document(client_name="new"))
    put_current(operator, path, client_document(client_name="new"))
    operator.put(path, json=client_document(client_name="stale"), headers={"If-Match": '"1"'})
    operator.put(configuration, json={"configuration": DOSIS}, headers={"If-None-Match": "*"})
    put_current(
        operator,
        configuration,
        {"configuration": {**DOSIS, "bron_uri": "urn://gent/y"}, "managed_by": "acmidm/tni"},
    )
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
    assert changed["before"] == {
        "configuration": DOSIS,
        "software_id": None,
        "managed_by": None,
        "incarnation": None,
    }
    assert changed["after"] == {
        **changed["before"],
        "configuration": {**DOSIS, "bron_uri": "urn://gent/y"},
        "managed_by": "acmidm/tni",
    }
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
    assert [entry["action"] for entry in first["items"] + second["items"]] == [
        "jwks.replaced",
        "scopes.replaced",
        "client.created",
    ]
    assert second["next"] is None
