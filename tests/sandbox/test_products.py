"""Product configurations."""

from pathlib import Path

import httpx
import pytest

from tests.support.portal import put_current, register_client
from tests.support.portal_thread import portal_in_thread

CONFIGURATION = {
    "aanbieder_uri": "https://data.vlaanderen.be/id/organisatie/OVO002067",
    "merk_code": "stad-gent",
    "product_ids": ["10244"],
}
DOCUMENT = {
    "configuration": CONFIGURATION,
    "software_id": "acmidm/tni/OVO002067/mijn-gent",
    "managed_by": "acmidm/tni",
    "incarnation": "one",
}
CREATE = {"If-None-Match": "*"}


@pytest.fixture
def path(operator: httpx.Client) -> str:
    return f"/products/v1/notificaties/configurations/{register_client(operator)['client_id']}"


def test_a_configuration_is_created_once_and_then_replaced(
    operator: httpx.Client, path: str
) -> None:
    """`If-None-Match: *` creates (201), never overwrites (412); If-Match replaces."""
    created = operator.put(path, json=DOCUMENT, headers=CREATE)
    assert created.status_code == 201
    assert created.headers["Location"] == path
    assert operator.put(path, json=DOCUMENT, headers=CREATE).status_code == 412
    renewed = {**DOCUMENT, "configuration": {**CONFIGURATION, "product_ids": ["10244", "10245"]}}
    replaced = operator.put(path, json=renewed, headers={"If-Match": created.headers["ETag"]})
    assert replaced.status_code == 200
    assert replaced.headers["ETag"] != created.headers["ETag"]
    assert (
        operator.put(path, json=DOCUMENT, headers={"If-Match": created.headers["ETag"]}).status_code
        == 412
    )
    assert operator.get(path).json() == renewed
    assert put_current(operator, path, renewed).headers["ETag"] == replaced.headers["ETag"]


def test_a_configuration_bears_its_owner(operator: httpx.Client, path: str) -> None:
    """A PUT replaces the whole document: what it leaves out becomes null, and is a change of its
    own."""
    created = operator.put(path, json=DOCUMENT, headers=CREATE)
    other = put_current(operator, path, {**DOCUMENT, "managed_by": "elders/tni"})
    nobody = put_current(operator, path, {"configuration": CONFIGURATION})
    assert [answer.json()["managed_by"] for answer in (created, other, nobody)] == [
        "acmidm/tni",
        "elders/tni",
        None,
    ]
    assert len({answer.headers["ETag"] for answer in (created, other, nobody)}) == 3
    assert nobody.json() == {
        "configuration": CONFIGURATION,
        **dict.fromkeys(("software_id", "managed_by", "incarnation")),
    }
    assert put_current(operator, path, {**DOCUMENT, "extra": 1}).status_code == 422


def test_a_configuration_needs_a_condition(operator: httpx.Client, path: str) -> None:
    """428 without any; 412 when If-Match meets nothing."""
    assert operator.put(path, json=DOCUMENT).status_code == 428
    assert operator.put(path, json=DOCUMENT, headers={"If-Match": "*"}).status_code == 412
    assert operator.get(path).status_code == 404


def test_an_etag_never_comes_back(operator: httpx.Client, path: str) -> None:
    """A configuration that was removed and made again is not the one that an old ETag stands
    for."""
    old = operator.put(path, json=DOCUMENT, headers=CREATE).headers["ETag"]
    assert operator.delete(path, headers={"If-Match": old}).status_code == 204
    assert operator.delete(path, headers={"If-Match": old}).status_code == 404
    operator.put(path, json=DOCUMENT, headers=CREATE).raise_for_status()
    assert operator.delete(path, headers={"If-Match": old}).status_code == 412


def test_the_products_schema_decides(operator: httpx.Client, path: str) -> None:
    """All that the JSON Schema refuses is named, with pointers."""
    refused = operator.put(
        path,
        json={"configuration": {**CONFIGURATION, "product_ids": ["1", 2, 3], "x": 1}},
        headers=CREATE,
    )
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [
        "/configuration",
        "/configuration/product_ids/1",
        "/configuration/product_ids/2",
    ]


def test_only_existing_clients_and_products_are_configured(
    operator: httpx.Client, path: str
) -> None:
    """422 for an unknown client, 404 for an unknown product."""
    unknown = operator.put(
        "/products/v1/notificaties/configurations/nobody", json=DOCUMENT, headers=CREATE
    )
    assert unknown.status_code == 422
    assert "nobody" in unknown.json()["detail"]
    for answer in (
        operator.put(path.replace("notificaties", "unknown"), json=DOCUMENT, headers=CREATE),
        operator.get("/products/v1/unknown/configurations"),
        operator.get(path.replace("notificaties", "unknown")),
        operator.delete(path.replace("notificaties", "unknown"), headers={"If-Match": "*"}),
    ):
        assert answer.status_code == 404
        assert "product unknown" in answer.json()["detail"]


def test_a_configuration_outlives_its_client(operator: httpx.Client, path: str) -> None:
    """It lives elsewhere: whoever removes a client removes its configurations too."""
    operator.put(path, json=DOCUMENT, headers=CREATE).raise_for_status()
    operator.delete(
        f"/management/v1/clients/{path.rpartition('/')[2]}", headers={"If-Match": "*"}
    ).raise_for_status()
    assert operator.get(path).json() == DOCUMENT
    assert operator.delete(path, headers={"If-Match": "*"}).status_code == 204


def test_configurations_come_in_pages_per_product(tmp_path: Path) -> None:
    """Of one product only, each once, with the ETag that a replacement needs."""
    with (
        portal_in_thread(tmp_path) as portal,
        portal.operator() as operator,
    ):
        ids = [register_client(operator)["client_id"] for _ in range(3)]
        for client_id in ids:
            operator.put(
                f"/products/v1/notificaties/configurations/{client_id}",
                json=DOCUMENT,
                headers=CREATE,
            ).raise_for_status()
        dosis = {"configuration": {"bron_uri": "urn://x/y", "product_ids": []}}
        operator.put(
            f"/products/v1/dosis/configurations/{ids[0]}", json=dosis, headers=CREATE
        ).raise_for_status()
        first = operator.get("/products/v1/notificaties/configurations", params={"limit": 2}).json()
        second = operator.get(
            "/products/v1/notificaties/configurations", params={"limit": 2, "after": first["next"]}
        ).json()
        items = first["items"] + second["items"]
        assert [item["client_id"] for item in items] == ids
        assert second["next"] is None
        assert [{name: item[name] for name in DOCUMENT} for item in items] == [DOCUMENT] * 3
        path = f"/products/v1/notificaties/configurations/{ids[2]}"
        assert operator.get(path).headers["ETag"] == items[2]["etag"]
