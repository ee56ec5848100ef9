"""What holds for every request: rights, conditions, media types, limits, problem documents."""

import logging
from collections.abc import Iterator

import httpx
import pytest

from tests.support.portal import (
    RunningPortal,
    client_document,
    new_key,
    register_client,
    sign_assertion,
)

CLIENTS = "/management/v1/clients"


@pytest.fixture(scope="module")
def path(portal: RunningPortal) -> Iterator[str]:
    with portal.operator() as operator:
        yield f"{CLIENTS}/{register_client(operator)['client_id']}"


def test_without_a_token_there_is_nothing_to_see(portal: RunningPortal) -> None:
    """401 with the challenge of RFC 6750 §3, also where the body is broken: it isn't looked at."""
    for answer in (
        httpx.get(f"{portal.origin}{CLIENTS}"),
        httpx.post(
            f"{portal.origin}{CLIENTS}", content="{", headers={"Content-Type": "application/json"}
        ),
        httpx.get(f"{portal.origin}/products/v1/dosis/configurations"),
    ):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_token_that_was_not_issued_here_is_refused(portal: RunningPortal) -> None:
    """Nonsense, a token of another issuer, and a client assertion: 401 invalid_token."""
    foreign = sign_assertion(
        new_key(), "x", portal.origin, claims={"client_id": "x", "scope": "management_read"}
    )
    for token in ("nonsense", "a.b.c", foreign, "ü"):
        answer = httpx.get(
            f"{portal.origin}{CLIENTS}", headers={b"Authorization": f"Bearer {token}".encode()}
        )
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("rights", "method", "status"),
    [
        (["management_read"], "GET", 200),
        (["management_read"], "PUT", 403),
        (["management_read"], "DELETE", 403),
        (["management_read"], "POST", 403),
        (["management_write"], "GET", 403),
        (["management_write"], "PUT", 200),
    ],
)
def test_reading_and_changing_are_separate_rights(
    portal: RunningPortal, path: str, rights: list[str], method: str, status: int
) -> None:
    """403 names the right that is missing (RFC 6750 §3.1)."""
    with portal.operator(portal.new_operator_token("limited", rights)) as operator:
        url = CLIENTS if method == "POST" else path
        body = client_document() if method in ("POST", "PUT") else None
        answer = operator.request(method, url, json=body, headers={"If-Match": "*"})
    assert answer.status_code == status
    if status == 403:
        missing = "management_read" if method == "GET" else "management_write"
        assert f'scope="{missing}"' in answer.headers["WWW-Authenticate"]
        assert missing in answer.json()["detail"]


def test_a_connection_client_is_no_operator(portal: RunningPortal, operator: httpx.Client) -> None:
    """The tokens of those who are managed don't manage."""
    key = new_key()
    client = register_client(operator, scopes=["dv_magda"], keys=[key])
    with portal.operator(portal.client_token(key, client["client_id"])) as intruder:
        for path in ("", f"/{client['client_id']}/keys-in-use"):
            assert intruder.get(f"{CLIENTS}{path}").status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_change_needs_the_current_etag(operator: httpx.Client, method: str) -> None:
    """428 without If-Match; 412 with an older, a weak or a malformed tag, without a trace. It may
    be one of several (RFC 9110 §13.1.1)."""
    client = register_client(operator)
    path = f"{CLIENTS}/{client['client_id']}"
    body = client_document(client_name="changed") if method == "PUT" else None
    assert operator.request(method, path, json=body).status_code == 428
    for tag in ('"0"', 'W/"1"', "1", '"2", "3"', ""):
        assert (
            operator.request(method, path, json=body, headers={"If-Match": tag}).status_code == 412
        ), tag
    assert operator.get(path).json() == client
    assert operator.request(method, path, json=body, headers={"If-Match": '"7", "1"'}).is_success


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", None]
)
def test_only_json_is_read(operator: httpx.Client, media_type: str | None) -> None:
    """415 for anything else."""
    answer = operator.post(
        CLIENTS, content="{}", headers={} if media_type is None else {"Content-Type": media_type}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", '"x"', "[" * 100_000, "1" * 5_000, '{"client_name": NaN}', b"\xff"],
)
def test_a_body_that_is_no_document_is_refused(operator: httpx.Client, body: str | bytes) -> None:
    """400 or 422, never 500, whatever comes."""
    answer = operator.post(CLIENTS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_megabyte_is_the_limit(operator: httpx.Client) -> None:
    """413 for more, whether the length was declared or the body comes in chunks."""
    headers = {"Content-Type": "application/json"}
    for size, status in ((1024 * 1024, 400), (1024 * 1024 + 1, 413), (3 * 1024 * 1024, 413)):
        body = b"x" * size
        assert operator.post(CLIENTS, content=body, headers=headers).status_code == status
        chunks = iter([body[: size // 2], body[size // 2 :]])
        assert operator.post(CLIENTS, content=chunks, headers=headers).status_code == status


def test_unknown_places_and_methods_are_problems_too(operator: httpx.Client) -> None:
    """404 and 405 in the same form, the latter with Allow."""
    assert operator.get("/management/v2/clients").json()["status"] == 404
    not_allowed = operator.patch(CLIENTS)
    assert not_allowed.status_code == 405
    assert "GET" in not_allowed.headers["Allow"]
    assert "PATCH" in not_allowed.json()["detail"]
    assert (
        operator.get(f"{CLIENTS}/no-such-client").json()["detail"]
        == "There is no client no-such-client; check the identifier."
    )


def test_the_log_says_who_did_what_and_nothing_secret(
    portal: RunningPortal, operator: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """One line per request with method, path, status and caller; no query, header, body or token,
    and no forged lines."""
    caplog.set_level(logging.INFO, "acmidm_sandbox")
    secret = "a-secret-that-must-not-show"
    register_client(operator, token_endpoint_auth_method="client_secret_post", client_secret=secret)
    operator.get(CLIENTS, params={"software_id": "queried"})
    operator.get(f"{CLIENTS}/x%0Aforged")
    # A line is written after its answer was sent; after the next answer it is there.
    operator.get("/health")
    log = caplog.text
    assert "POST /management/v1/clients 201 test-operator" in log
    assert "x%0Aforged 404" in log
    assert not any(
        secret_text in log for secret_text in (secret, "queried", portal.operator_token(), "Bearer")
    )
