"""The page of a client says when its last token request was refused and by which rule, where the
request proved who it was: no stranger writes on another client's page."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from acmidm_sandbox.beheerportaal.store import clients
from acmidm_sandbox.beheerportaal.store.clients import LastRefusal
from acmidm_sandbox.beheerportaal.store.database import Database
from tests.sandbox.inside import FORM, Browser, Inside
from tests.support.portal import ASSERTION_TYPE, new_key, sign_assertion

KEY, SECRET = new_key("mine"), "a secret of some length"
PAGE = "/portaal/nl/toegangsbeheer/api-en-clientbeheer/mijn-oauth-clients"
ORGANISATION = "OVO002067"


def signed(portal: Inside, client_id: str, key: Any = KEY, **sent: Any) -> dict[str, str]:
    """The fields of a request with an assertion."""
    assertion = sign_assertion(key, client_id, portal.settings.issuer, **sent)
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def refuse(portal: Inside, **form: str) -> None:
    answer = portal.request_token(**form)
    assert answer.status in (400, 401), answer.text


def last_refusal(portal: Inside, client_id: str) -> LastRefusal | None:
    database = Database(portal.settings.database)
    try:
        with database.read() as connection:
            client = clients.find(connection, client_id)
    finally:
        database.close()
    assert client is not None
    return client.last_refusal


def rule(portal: Inside, client_id: str) -> str:
    found = last_refusal(portal, client_id)
    return found.rule if found else ""


@pytest.fixture
def keyed(inner: Inside) -> str:
    return inner.register(keys=[KEY])


@pytest.fixture
def with_secret(inner: Inside) -> str:
    return inner.register(
        token_endpoint_auth_method="client_secret_post",
        client_secret=SECRET,
    )


def test_the_page_says_when_and_by_which_rule(inner: Inside, keyed: str) -> None:
    """The last one counts; a token that comes afterwards leaves it, for it has its time."""
    somebody = Browser(inner).of(ORGANISATION)
    assert "Laatste geweigerde tokenaanvraag" not in somebody.get(f"{PAGE}/{keyed}").text
    refuse(inner, **signed(inner, keyed, claims={"aud": "elsewhere"}))
    refuse(inner, **signed(inner, keyed, claims={"iss": "another"}))
    found = last_refusal(inner, keyed)
    assert found is not None
    assert found.rule == "iss"
    assert abs((datetime.now(UTC) - found.at).total_seconds()) < 60
    shown = somebody.get(f"{PAGE}/{keyed}").text.partition("Laatste geweigerde tokenaanvraag")[2]
    shown = shown.partition("</dd>")[0]
    assert f'<time datetime="{found.at.isoformat()}">' in shown
    assert "<code>iss</code>" in shown
    assert "acmidm probe" in shown
    assert inner.request_token(**signed(inner, keyed)).status == 200
    assert last_refusal(inner, keyed) == found


def test_each_way_to_prove_it_counts(inner: Inside, keyed: str, with_secret: str) -> None:
    """A key or a secret of the client, and then anything that is refused."""
    refuse(inner, **signed(inner, keyed), scope="dv_magda")
    assert rule(inner, keyed) == "no scope granted"
    refuse(inner, client_id=with_secret, client_secret=SECRET, scope="dv_magda")
    assert rule(inner, with_secret) == "no scope granted"
    disabled = inner.register(keys=[KEY], enabled=False)
    refuse(inner, **signed(inner, disabled))
    assert rule(inner, disabled) == "enabled"
    for_people = inner.register(keys=[KEY], grant_types=["authorization_code"])
    refuse(inner, **signed(inner, for_people))
    assert rule(inner, for_people) == "unauthorized_client"


UNPROVEN: dict[str, Callable[[Inside, str, str], dict[str, str]]] = {
    "another key by its name": lambda portal, keyed, _: signed(portal, keyed, new_key("mine")),
    "a key that it does not have": lambda portal, keyed, _: signed(portal, keyed, new_key("own")),
    "no signature": lambda portal, keyed, _: {
        **signed(portal, keyed),
        "client_assertion": signed(portal, keyed)["client_assertion"].rpartition(".")[0] + ".",
    },
    "another secret": lambda _, __, client_id: {"client_id": client_id, "client_secret": "wrong"},
    "its client-ID alone": lambda _, keyed, __: {"client_id": keyed},
    "its client-ID beside the key of another": lambda portal, keyed, __: {
        **signed(portal, portal.register(keys=[KEY])),
        "client_id": keyed,
    },
    "its client-ID as iss of another": lambda portal, keyed, __: signed(
        portal, portal.register(keys=[KEY]), claims={"iss": keyed}
    ),
    "its client-ID as sub, the key of another": lambda portal, keyed, __: signed(
        portal, keyed, registered_key(portal), claims={"aud": "elsewhere"}
    ),
}


def registered_key(portal: Inside) -> Any:
    """The key of another client, with the same name."""
    key = new_key("mine")
    portal.register(keys=[key])
    return key


def test_an_assertion_that_others_may_have_writes_nothing(inner: Inside, keyed: str) -> None:
    """One that was sent before, and one whose time is over, as the service desk gets it."""
    again = signed(inner, keyed)
    assert inner.request_token(**again).status == 200
    refuse(inner, **again)
    now = int(time.time())
    for times in ({"iat": now - 900, "exp": now - 600}, {"exp": None}):
        refuse(inner, **signed(inner, keyed, claims={**times, "aud": "elsewhere"}))
    assert last_refusal(inner, keyed) is None


@pytest.mark.parametrize("name", UNPROVEN)
def test_what_proves_nothing_writes_nothing(
    inner: Inside, keyed: str, with_secret: str, name: str
) -> None:
    refuse(inner, **UNPROVEN[name](inner, keyed, with_secret))
    assert last_refusal(inner, keyed) is None
    assert last_refusal(inner, with_secret) is None


def test_what_a_client_asks_else_is_no_token_request(inner: Inside, keyed: str) -> None:
    """Introspection."""
    form = signed(inner, keyed, claims={"aud": "elsewhere"})
    body = "&".join(f"{name}={value}" for name, value in {"token": "x", **form}.items())
    assert inner.send("POST", "/op/v1/introspect", [FORM], body.encode()).status == 401
    assert last_refusal(inner, keyed) is None


def test_nothing_that_was_sent_is_kept(inner: Inside, keyed: str, with_secret: str) -> None:
    """Neither assertion nor secret, nor what the request says."""
    form = signed(inner, keyed, claims={"aud": "aud-of-this-test", "jti": "jti-of-this-test"})
    refuse(inner, **form, audience="audience-of-this-test")
    refuse(inner, client_id=with_secret, client_secret=SECRET, scope="dv_of_this_test")
    folder = inner.settings.database.parent
    written = b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())
    signature = form["client_assertion"].rpartition(".")[2]
    for text in (signature, SECRET, "of-this-test", "dv_of_this_test"):
        assert text.encode() not in written
