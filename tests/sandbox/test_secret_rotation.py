"""Two secrets of one client: the one before works beside its successor for as long as the operator
says."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from acmidm_sandbox.beheerportaal.limits import LONGEST_SECRET_OVERLAP_SECONDS
from acmidm_sandbox.beheerportaal.store import clients
from acmidm_sandbox.beheerportaal.store.database import Database
from tests.support.portal import RunningPortal, client_document, put_current, register_client
from tests.support.trust import TRUSTED

METHOD = "client_secret_post"
FIRST, SECOND, THIRD = (
    "the first secret, of gold",
    "the second secret, of ink",
    "the third secret, of clay",
)
OVERLAP = {"client_secret_overlap_seconds": 3600}


@pytest.fixture
def client_id(operator: httpx.Client) -> str:
    return str(
        register_client(operator, token_endpoint_auth_method=METHOD, client_secret=FIRST)[
            "client_id"
        ]
    )


def renew(
    operator: httpx.Client, client_id: str, secret: str | None = None, **more: Any
) -> httpx.Response:
    given = {} if secret is None else {"client_secret": secret}
    document = client_document(token_endpoint_auth_method=METHOD, **given, **more)
    return put_current(operator, f"/management/v1/clients/{client_id}", document)


def working(portal: RunningPortal, client_id: str) -> set[str]:
    """Which of the secrets get a token."""
    form = {"grant_type": "client_credentials", "client_id": client_id}
    with httpx.Client(verify=TRUSTED) as http:
        return {
            secret
            for secret in (FIRST, SECOND, THIRD)
            if http.post(portal.token_endpoint, data={**form, "client_secret": secret}).status_code
            == 200
        }


def test_two_secrets_work_for_the_overlap_and_a_third_ends_the_first(
    portal: RunningPortal, operator: httpx.Client, client_id: str
) -> None:
    """The document says until when, and so it is; with an overlap of 0, the one before ends at
    once."""
    assert working(portal, client_id) == {FIRST}
    renewed = renew(operator, client_id, SECOND, **OVERLAP).raise_for_status().json()
    assert abs(renewed["previous_client_secret_expires_at"] - time.time() - 3600) < 60
    assert working(portal, client_id) == {FIRST, SECOND}
    renew(operator, client_id, THIRD, **OVERLAP).raise_for_status()
    assert working(portal, client_id) == {SECOND, THIRD}
    database = Database(portal.settings.database)
    with database.write() as session:
        client = clients.find(session, client_id)
        assert client is not None
        ended = {"previous_client_secret_expires_at": int(time.time())}
        client.document = client.document.model_copy(update=ended)
    database.close()
    assert working(portal, client_id) == {THIRD}
    last = (
        renew(operator, client_id, FIRST, client_secret_overlap_seconds=0).raise_for_status().json()
    )
    assert last["previous_client_secret_expires_at"] is None
    assert working(portal, client_id) == {FIRST}


def test_the_same_secret_again_is_no_rotation(
    portal: RunningPortal, operator: httpx.Client, client_id: str
) -> None:
    """Nor after a lost answer: the one before keeps its end, the trail has no line more; with an
    overlap of 0 it ends at once."""
    renewed = renew(operator, client_id, SECOND, **OVERLAP)
    again = renew(operator, client_id, SECOND, **OVERLAP)
    assert (again.json(), again.headers["ETag"]) == (renewed.json(), renewed.headers["ETag"])
    assert renew(operator, client_id).json() == renewed.json()
    assert working(portal, client_id) == {FIRST, SECOND}
    ended = renew(operator, client_id, client_secret_overlap_seconds=0).raise_for_status().json()
    assert ended["client_secret_updated_at"] == renewed.json()["client_secret_updated_at"]
    assert working(portal, client_id) == {SECOND}


def test_a_secret_that_nobody_got_is_replaced_beside_the_one_in_use(
    portal: RunningPortal, operator: httpx.Client, client_id: str
) -> None:
    """Left out, the overlap is that of before: a run that lost what it set makes a third, and the
    application goes on with the first."""
    renewed = renew(operator, client_id, SECOND, **OVERLAP).json()
    third = renew(operator, client_id, THIRD).raise_for_status().json()
    assert (
        third["previous_client_secret_expires_at"] == renewed["previous_client_secret_expires_at"]
    )
    assert third["client_secret_updated_at"] > renewed["client_secret_updated_at"], (
        "the time tells one secret from the next"
    )
    assert working(portal, client_id) == {FIRST, THIRD}


def test_tokens_of_the_one_before_end_with_it(
    portal: RunningPortal, operator: httpx.Client, client_id: str
) -> None:
    """And not earlier: what an application got with it goes on working as long as it does."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": FIRST}
    token = httpx.post(portal.token_endpoint, data=form, timeout=10).json()["access_token"]

    def is_active(secret: str) -> bool:
        introspected = httpx.post(
            f"{portal.issuer}/v1/introspect",
            data={"token": token, "client_id": client_id, "client_secret": secret},
            timeout=10,
        )
        return bool(introspected.json()["active"])

    for secret, overlap, active in ((FIRST, 0, True), (SECOND, 3600, True), (SECOND, 0, False)):
        renew(operator, client_id, secret, client_secret_overlap_seconds=overlap).raise_for_status()
        assert is_active(secret) is active


def test_what_is_no_overlap_is_refused(operator: httpx.Client, client_id: str) -> None:
    """It is bounded, of whole seconds, and means nothing where keys authenticate."""
    for overlap in (-1, 1.5, LONGEST_SECRET_OVERLAP_SECONDS + 1, "3600"):
        refused = renew(operator, client_id, SECOND, client_secret_overlap_seconds=overlap)
        assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (
            422,
            ["/client_secret_overlap_seconds"],
        )
    keyed = put_current(operator, f"/management/v1/clients/{client_id}", client_document(**OVERLAP))
    assert keyed.status_code == 422


def test_neither_secret_nor_hash_is_in_the_trail(operator: httpx.Client, client_id: str) -> None:
    """But that it changed, and until when the one before works."""
    renew(operator, client_id, SECOND, **OVERLAP).raise_for_status()
    trail = operator.get("/management/v1/audit", params={"client_id": client_id})
    assert [entry["action"] for entry in trail.json()["items"]] == [
        "client.replaced",
        "client.created",
    ]
    after = trail.json()["items"][0]["after"]
    assert after["previous_client_secret_expires_at"] > time.time()
    assert "client_secret_updated_at" in after
    assert not any(secret in trail.text for secret in (FIRST, SECOND, "scrypt"))
