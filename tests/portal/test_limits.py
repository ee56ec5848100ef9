"""Who fails too often takes nothing from anybody else."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from fastapi import Response

from beheerportaal import secrets
from beheerportaal.http.failures import Failures
from beheerportaal.store import access_tokens, sessions, tables
from beheerportaal.users import add_user
from beheerportaal.web import rendering
from beheerportaal.web.visit import Visit
from story.person import MENU
from tests.portal.inside import FORM, Answer, Browser, Inside, inside
from tests.portal.web import GENT
from tests.support.portal import ASSERTION_TYPE, client_document, new_key, public_jwk, sign_assertion

KEY = new_key()
SECRET, PER_CLIENT, PER_ADDRESS = "a-secret-of-some-length", 4, 12
WITH_SECRET: dict[str, Any] = {"token_endpoint_auth_method": "client_secret_post", "client_secret": SECRET}


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Inside]:
    limits = {"failures_per_client": PER_CLIENT, "failures_per_address": PER_ADDRESS, "explains_refusals": True}
    with inside(tmp_path, **limits) as made:
        yield made


def signed(portal: Inside, client_id: str, right: bool) -> Answer:
    assertion = sign_assertion(KEY if right else new_key(), client_id, portal.settings.issuer)
    return portal.request_token(client_assertion_type=ASSERTION_TYPE, client_assertion=assertion)


def assert_limited(answers: list[Answer], most: int) -> None:
    """So many refusals, and from then on 429 with how long to wait."""
    statuses = [answer.status for answer in answers]
    assert statuses == [statuses[0]] * most + [429] * (len(answers) - most)
    assert all(0 < int(answer.headers["retry-after"]) <= 15 * 60 for answer in answers[most:])


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


def test_wrong_keys_hold_up_nobody_who_has_the_right_one(portal: Inside) -> None:
    """Not even the client whose name they bear: nobody guesses a key."""
    attacked, other = portal.register(keys=[KEY]), portal.register(keys=[KEY])
    assert_limited([signed(portal, attacked, right=False) for _ in range(40)], PER_CLIENT)
    assert_limited([signed(portal, "nobody", right=False) for _ in range(12)], PER_CLIENT)
    for client_id in (attacked, other):
        assert signed(portal, client_id, right=True).status == 200


def test_secrets_are_not_guessed_on_and_other_clients_get_in(portal: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit none is looked at; the unknown client is told the same."""
    attacked, other = portal.register(**WITH_SECRET), portal.register(**WITH_SECRET)
    hashes: list[str] = []
    scrypt = secrets._scrypt
    monkeypatch.setattr(secrets, "_scrypt", lambda secret, *more: (hashes.append(secret), scrypt(secret, *more))[1])  # type: ignore[func-returns-value]
    for client_id in (attacked, "nobody"):
        assert_limited([portal.request_token(client_id=client_id, client_secret="wrong") for _ in range(20)], PER_CLIENT)
        assert portal.request_token(client_id=client_id, client_secret=SECRET).status == 429
    assert hashes == ["wrong"] * PER_CLIENT * 2
    assert portal.request_token(client_id=other, client_secret=SECRET).status == 200


def test_a_token_request_is_small(portal: Inside) -> None:
    """What waits for a thread is kept in memory meanwhile."""
    assert portal.request_token(client_id="nobody", client_secret="wrong", more="a" * 2**16).status == 413
    assert portal.request_token(client_id="nobody", client_secret="wrong", more="a" * 2**15).status == 401


async def first_of(sent: list[asyncio.Task[Answer]], count: int) -> list[Answer]:
    done: set[asyncio.Task[Answer]] = set()
    async with asyncio.timeout(60):
        while len(done) < count:
            more, _ = await asyncio.wait(set(sent) - done, return_when=asyncio.FIRST_COMPLETED)
            done |= more
    return [task.result() for task in done]


def test_who_waits_for_a_hash_holds_up_nobody_who_was_right_before(portal: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue is bounded, people have one of their own, and a secret that was verified is known again: beyond its name's limit too."""
    with_secret, other = portal.register(**WITH_SECRET), portal.register(**WITH_SECRET)
    user, password = "loket", add_user(portal.settings.database, "loket", [GENT], api_beheerder=True)
    assert portal.request_token(client_id=with_secret, client_secret=SECRET).status == 200
    going_on, scrypt = threading.Event(), secrets._scrypt

    def hash_of(secret: str, *more: Any) -> bytes:
        if secret != "wrong":
            return scrypt(secret, *more)
        going_on.wait(60)
        return b"another hash"

    monkeypatch.setattr(secrets, "_scrypt", hash_of)
    bodies = [urlencode({"grant_type": "client_credentials", "client_id": f"nobody-{n}", "client_secret": "wrong"}) for n in range(100)]
    flood = [portal.loop.create_task(portal.sending("POST", "/op/v1/token", [FORM], body.encode())) for body in bodies]
    try:
        refused = portal.loop.run_until_complete(first_of(flood, 34))
        assert {(answer.status, answer.headers["retry-after"]) for answer in refused} == {(503, "1")}
        assert portal.request_token(client_id=other, client_secret=SECRET).status == 503
        for _ in range(PER_CLIENT + 5):
            assert portal.request_token(client_id=with_secret, client_secret="wrong").status == 503
        assert portal.request_token(client_id=with_secret, client_secret=SECRET).status == 200
        assert Browser(portal).log_on(user, password).status == 303
    finally:
        going_on.set()
        waited = portal.loop.run_until_complete(asyncio.gather(*flood))
    assert {answer.status for answer in waited} == {401, 429, 503}
    assert_limited([portal.request_token(client_id=with_secret, client_secret="wrong") for _ in range(20)], 0)
    assert portal.request_token(client_id=with_secret, client_secret=SECRET).status == 200
    renewed = {**client_document(**WITH_SECRET), "client_secret": "another-secret-of-some-length"}
    assert portal.manage("PUT", f"/management/v1/clients/{with_secret}", renewed, If_Match="*").status == 200
    assert portal.request_token(client_id=with_secret, client_secret=SECRET).status == 429, "the old one is known no more"


def test_an_address_that_fails_under_many_names_holds_up_nobody_else(portal: Inside) -> None:
    """On loopback all have one address: whoever is right gets in, also for the first time; a token that has ended is still told so."""
    client_id, with_secret, leaving = portal.register(keys=[KEY]), portal.register(**WITH_SECRET), portal.register(keys=[KEY])
    ended = signed(portal, leaving, right=True).json()["access_token"]
    assert portal.manage("DELETE", f"/management/v1/clients/{leaving}", If_Match="*").status == 204

    def called(token: str) -> Answer:
        return portal.send("GET", "/management/v1/clients", [("Authorization", f"Bearer {token}")])

    assert_limited([called(f"wrong-{number}") for number in range(40)], PER_ADDRESS)
    assert {portal.request_token(client_id=f"nobody-{number}", client_secret="wrong").status for number in range(5)} == {429}
    assert called(portal.token).status == 200
    assert called(ended).status == 401
    assert signed(portal, client_id, right=True).status == 200
    assert portal.request_token(client_id=with_secret, client_secret=SECRET).status == 200


def test_wrong_passwords_hold_up_no_other_user(portal: Inside) -> None:
    """20 for one name, and many for as many names: someone else gets in, at the first try, and so does the operator."""
    name, password = "loket", add_user(portal.settings.database, "loket", [GENT], api_beheerder=True)
    assert_limited([Browser(portal).log_on(name, "wrong") for _ in range(20)], 5)
    assert Browser(portal).log_on(name, password).status == 429, "even the right one waits"
    assert {Browser(portal).log_on(f"nobody-{number}", "wrong").status for number in range(PER_ADDRESS)} == {422, 429}
    Browser(portal).of(GENT)
    assert portal.manage("GET", "/management/v1/clients").status == 200


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


def test_sessions_of_nobody_are_few_and_cost_little(portal: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes; whoever has logged on stays; what has ended is found by an index."""
    monkeypatch.setattr(sessions, "MOST_ANONYMOUS", 20, raising=False)
    somebody = Browser(portal).of(GENT)
    database, sent = portal.app.state.portal.database, []
    listener = ("before_cursor_execute", lambda *given: sent.append((given[2], given[3])))
    with database.write() as connection:
        sa.event.listen(connection, *listener)
        tokens = [sessions.start(connection, None)[0] for _ in range(30)]
    with database.write() as connection:
        plans = [
            line.detail for statement, values in sent for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
        assert [sessions.find(connection, token) is not None for token in tokens] == [False] * 10 + [True] * 20
        session = sessions.find(connection, somebody.cookie.partition("=")[2])
        assert session is not None
        connection.execute(sa.update(tables.sessions).values(ends_at=session.idle_at - 60))
        sessions.touch(connection, replace(session, ends_at=session.idle_at - 60))
        ended = connection.execute(sa.select(tables.sessions.c.idle_at).where(tables.sessions.c.user_name.is_not(None))).scalar_one()
    assert ended == session.idle_at - 60, "idle_at alone says when it has ended"
    assert [plan for plan in plans if "SCAN" in plan] == []


def test_the_newest_tokens_of_a_client_are_kept(portal: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """And those that ended until an hour later; an operator's are no others'."""
    monkeypatch.setattr(access_tokens, "MOST_PER_CLIENT", 3, raising=False)
    client_id = portal.register(keys=[KEY])
    tokens = [signed(portal, client_id, right=True).json()["access_token"] for _ in range(5)]
    known = portal.app.state.portal.access_tokens
    assert [known.claims(token) is not None for token in [*tokens, portal.token]] == [False, False, True, True, True, True]
    table = tables.access_tokens
    for seconds, genuine in ((60, True), (3660, False)):
        with portal.app.state.portal.database.write() as connection:
            connection.execute(
                sa.update(table).where(table.c.token_hash == access_tokens.hash_of(tokens[-1])).values(expires_at=time.time() - seconds)
            )
        signed(portal, portal.register(keys=[KEY]), right=True)
        assert (known.claims(tokens[-1]), known.is_genuine(tokens[-1])) == (None, genuine)


def test_whoever_fails_waits_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beyond the limit, where no hash is computed."""
    held: list[float] = []

    async def hold(until: float) -> None:
        held.append(until)

    monkeypatch.setattr("anyio.sleep_until", hold)
    with inside(tmp_path, failures_per_client=2) as portal:
        assert_limited([portal.request_token(client_id="nobody", client_secret="wrong") for _ in range(4)], 2)
    assert len(held) == 4


def test_failures_are_forgotten_after_their_window_or_a_success() -> None:
    """And the memory is bounded."""
    now = 0.0
    failures = Failures(2, 60, lambda: now)
    assert [failures.count("a", "x") for _ in range(4)] == [0, 0, 60, 60]
    assert failures.count("b", "x") == 0
    now = 59.5
    assert failures.count("a", "x") == 1
    now = 60
    assert failures.count("a", "x") == 0
    failures.forget("a", "x")
    assert [failures.count("a", "x") for _ in range(3)] == [0, 0, 60]
    for number in range(20_000):
        failures.count(str(number))
    assert len(failures._failures) == 10_000
