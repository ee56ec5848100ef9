"""What was answered is there: after kill -9, and with many writers at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.portal import (
    OPERATOR,
    RunningPortal,
    client_document,
    register_client,
    running_portal,
    sign_assertion,
    start_portal,
)

CLIENTS = "/management/v1/clients"
WRITERS = 8


@pytest.mark.tool
def test_kill_9_loses_nothing_that_was_answered(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Four threads register clients and grant them scopes until the process is killed; each
    answered write is there afterwards.

    No assertion is fresh again, no access token ended, and the trail has what was done last.
    """
    folder = tmp_path_factory.mktemp("killed")
    portal = start_portal(folder)
    token = portal.operator_token()
    used = sign_assertion(portal.operator_key, OPERATOR, portal.issuer)
    assert portal.request_token(used).status_code == 200
    answered: dict[str, list[str]] = {}
    enough = threading.Event()

    def write() -> None:
        with portal.operator(token) as operator:
            try:
                while True:
                    client_id = register_client(operator)["client_id"]
                    answered[client_id] = ["vo_info"]
                    granted = operator.put(
                        f"{CLIENTS}/{client_id}/scopes",
                        json={"scopes": ["dv_magda"]},
                        headers={"If-Match": '"1"'},
                    )
                    answered[client_id] = granted.raise_for_status().json()["scopes"]
                    if len(answered) >= 100:
                        enough.set()
            except httpx.TransportError:
                enough.set()

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write) for _ in range(4)]
        try:
            assert enough.wait(60)
        finally:
            portal.kill()
    for writer in writers:
        writer.result()

    with (
        running_portal(
            folder, port=portal.settings.port, operator_key=portal.operator_key
        ) as restarted,
        restarted.operator(token) as operator,
    ):
        assert "jti was used before" in restarted.request_token(used).json()["error_description"]
        found: dict[str, list[str]] = {}
        following: str | None = "0"
        while following is not None:
            page = (
                operator.get(CLIENTS, params={"limit": 500, "after": following})
                .raise_for_status()
                .json()
            )
            found |= {item["client_id"]: item["scopes"] for item in page["items"]}
            following = page["next"]
        audited = operator.get("/management/v1/audit", params={"limit": 500}).json()["items"]
    assert len(answered) >= 100
    # A write that was cut off may be there or not; an answered one must be.
    lost = {
        client_id
        for client_id, scopes in answered.items()
        if not set(scopes) <= set(found.get(client_id, []))
    }
    assert lost == set()
    assert {entry["client_id"] for entry in audited} >= set(list(answered)[-50:])


def test_of_writers_with_the_same_etag_exactly_one_wins(
    portal: RunningPortal, operator: httpx.Client
) -> None:
    """Eight threads write one document under the same version, ten rounds: one 200 and seven 412
    each time, the winner's is kept."""
    path = f"{CLIENTS}/{register_client(operator)['client_id']}"
    barrier = threading.Barrier(WRITERS)

    def write(name: str, etag: str) -> int:
        with portal.operator() as client:
            barrier.wait(timeout=30)
            return client.put(
                path, json=client_document(client_name=name), headers={"If-Match": etag}
            ).status_code

    with ThreadPoolExecutor(WRITERS) as pool:
        for version in range(1, 11):
            names = [f"version {version} of writer {number}" for number in range(WRITERS)]
            statuses = list(pool.map(write, names, [f'"{version}"'] * WRITERS))
            assert sorted(statuses) == [200] + [412] * (WRITERS - 1)
            after = operator.get(path)
            assert after.headers["ETag"] == f'"{version + 1}"'
            assert after.json()["client_name"] == names[statuses.index(200)]


def test_a_registration_that_many_try_at_once_happens_once(portal: RunningPortal) -> None:
    """The natural key under a race: one 201, the others 409 with the winner's client_id."""
    barrier = threading.Barrier(WRITERS)

    def register(_: int) -> httpx.Response:
        with portal.operator() as client:
            barrier.wait(timeout=30)
            return client.post(CLIENTS, json=client_document(software_id="acmidm/tni/race"))

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(pool.map(register, range(WRITERS)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (WRITERS - 1)
    assert len({answer.json()["client_id"] for answer in answers}) == 1
