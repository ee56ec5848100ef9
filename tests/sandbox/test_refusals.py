"""Refused token requests are kept: the newest, nothing secret, and no stranger pushes out what a
client sent."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import quote

import pytest

from acmidm_sandbox.beheerportaal import limits
from tests.sandbox.inside import FORM, Inside
from tests.support.portal import ASSERTION_TYPE, new_key, sign_assertion

KEY = new_key("mine")


def send(portal: Inside, client_id: str, key: Any = KEY, **claims: Any) -> None:
    assertion = sign_assertion(key, client_id, portal.settings.issuer, claims=claims)
    answer = portal.request_token(client_assertion_type=ASSERTION_TYPE, client_assertion=assertion)
    assert answer.status in (400, 401), answer.text


def kept(portal: Inside, **query: str) -> list[dict[str, Any]]:
    filters = "".join(f"&{name}={quote(value)}" for name, value in query.items())
    answer = portal.manage("GET", f"/management/v1/refusals?limit=500{filters}")
    assert answer.status == 200, answer.text
    return list(answer.json()["items"])


@pytest.fixture
def client_id(inner: Inside) -> str:
    return inner.register(keys=[KEY])


def test_what_was_sent_is_kept_without_what_is_secret(inner: Inside, client_id: str) -> None:
    """Claims, key and rule; of a text no more than is needed, whatever somebody wrote into it."""
    assertion = sign_assertion(
        KEY, client_id, "another", claims={"jti": "j" * 300, "name": "Jan", "nbf": [1, "a"]}
    )
    secret = "a secret that somebody sent too"
    form = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "audience": "x" * 5000,
    }
    inner.request_token(**form)
    inner.request_token(**form, client_secret=secret)
    several, wrong = kept(inner, client_id=client_id)
    assert (wrong["rule"], wrong["proven"], several["rule"], several["proven"]) == (
        "aud",
        True,
        "one method",
        False,
    )
    assert (wrong["header"]["kid"], wrong["claims"]["aud"], wrong["claims"]["nbf"]) == (
        "mine",
        "another",
        ["…", "a"],
    )
    assert "name" not in wrong["claims"]
    assert len(wrong["fields"]["audience"][0]) == limits.LONGEST_OF_REFUSAL
    assert several["fields"]["client_secret"] == ["…"]
    assert not any(
        text in json.dumps([several, wrong]) for text in (secret, assertion.rpartition(".")[2])
    )


@pytest.mark.parametrize("field", ["client_assertion_type", "client_id", "scope", "audience"])
@pytest.mark.parametrize("more", [{"client_assertion": ASSERTION_TYPE}, {"client_secret": "x"}])
def test_an_assertion_in_another_field(
    field: str, more: dict[str, str], inner: Inside, client_id: str
) -> None:
    """It was not used: whoever reads it could still get a token with it."""
    assertion = sign_assertion(KEY, client_id, inner.settings.issuer)
    inner.request_token(**{field: f"Bearer {assertion}", **more})
    assert not [part for part in assertion.split(".") if part[:20] in json.dumps(kept(inner))]


@pytest.mark.parametrize(
    "body",
    [
        b"grant_type=client_credentials&client_id=%00%F0%9F%98%80&client_secret=" + b"x" * 300,
        b"grant_type=client_credentials&client_assertion_type=x&client_assertion=W10.W10.",
        b"grant_type=client_credentials&client_assertion=eyJhbGciOjFlOTk5fQ.eyJzdWIiOnsiYSI6MX0sImV4cCI6MWU5OTl9.x",
        b"scope[]=" + b"&scope[]=a" * 100,
    ],
)
def test_whatever_somebody_sends(inner: Inside, body: bytes) -> None:
    """It is refused as before, and its record can be read."""
    answer = inner.send("POST", inner.token_path, [FORM, ("Authorization", "Basic /w==")], body)
    assert answer.status in (400, 401)
    assert kept(inner)[0]["said"]


def test_nobody_fills_it(inner: Inside, client_id: str) -> None:
    """A client has its newest; those that anybody may have sent push out none that it surely sent;
    and all who name no client share one place."""
    for number in range(limits.MOST_REFUSALS + 2):
        send(inner, client_id, aud=f"another-{number}")
    for _ in range(limits.MOST_UNPROVEN_REFUSALS + 2):
        send(inner, client_id, new_key("mine"))
    own = kept(inner, client_id=client_id)
    proven = [refusal["claims"]["aud"] for refusal in own if refusal["proven"]]
    assert len(own) - len(proven) == limits.MOST_UNPROVEN_REFUSALS
    assert proven == [f"another-{number}" for number in range(limits.MOST_REFUSALS + 1, 1, -1)]
    strangers = [str(uuid.uuid4()) for _ in range(limits.MOST_REFUSALS_OF_STRANGERS + 2)]
    for stranger in strangers:
        send(inner, stranger)
    found = {refusal["client_id"] for refusal in kept(inner)}
    assert set(strangers) & found == set(strangers[2:])
    assert len(kept(inner, client_id=client_id)) == len(own)


def test_it_goes_with_its_client(inner: Inside, client_id: str) -> None:
    """Introspection leaves none."""
    send(inner, client_id, aud="another")
    inner.send("POST", "/op/v1/introspect", [FORM], b"token=x&client_id=" + client_id.encode())
    assert len(kept(inner, client_id=client_id)) == 1
    assert inner.manage("DELETE", f"/management/v1/clients/{client_id}", If_Match="*").status == 204
    assert kept(inner, client_id=client_id) == []
