"""What went wrong while this was tried on real identity providers: each trap, and that the adapter
does not fall in."""

from __future__ import annotations

import json
import threading

import pytest

from acmidm_onboarding.authorities.errors import AnswerLost, Failed, PerhapsGone, Unintelligible
from acmidm_onboarding.authorities.port import ClientParts
from acmidm_onboarding.authorities.rfc7591.adapter import Registration
from acmidm_onboarding.authorities.rfc7591.wire import EVERY_SCOPE
from tests.authorities.rfc7591.test_adapter import jwks, parts
from tests.support import faults
from tests.support.fault_proxy import Exchange, Fault, FaultProxy, Reply
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.oidc_provider import RunningProvider
from tests.support.portal import metadata, new_key, public_jwk


def test_no_scope_is_never_written_as_an_empty_one(
    provider: RunningProvider, adapter: Registration
) -> None:
    """An empty scope is every scope there: a token for a withdrawn one was given."""
    key = new_key("key-1")
    along = ClientParts({SEND: False}, {"key-1": public_jwk(key)})
    client_id = adapter.register(metadata(), None, along).client_id
    adapter.replace_scopes(client_id, {SEND: False}, {})
    assert provider.clients[client_id]["scope"] == "openid"
    assert adapter.read_scopes(client_id) == {}
    assert provider.request_token(key, client_id, scope=SEND).status_code == 400


@pytest.mark.parametrize("scope", ["", None])
def test_an_empty_scope_by_hand_shows_as_every_scope(
    provider: RunningProvider, adapter: Registration, scope: str | None
) -> None:
    """And the next write withdraws it."""
    key = new_key("key-1")
    along = ClientParts({SEND: False}, {"key-1": public_jwk(key)})
    client_id = adapter.register(metadata(), None, along).client_id
    provider.change(client_id, scope=scope)
    assert provider.request_token(key, client_id, scope=DOSSIERS).status_code == 200, (
        "this server lets all in"
    )
    assert adapter.read_scopes(client_id) == {EVERY_SCOPE: False}
    adapter.replace_scopes(client_id, None, {SEND: False})
    assert provider.clients[client_id]["scope"] == SEND


def test_two_parts_that_are_written_at_once_are_both_written(provider: RunningProvider) -> None:
    """One document has them all, and no ETag: of two writers that read the same, the second undid
    the first."""
    client_id = provider.adapter().register(metadata(), None, parts(SEND)).client_id
    new = jwks("key-2")
    with FaultProxy(provider.issuer) as proxy:
        between = provider.adapter(origin=proxy.origin)
        writing, done = threading.Event(), threading.Event()

        def keep_on_its_way() -> None:
            """Until the other part was written, or has waited its turn for a while."""
            writing.set()
            done.wait(1)

        def write_keys() -> None:
            writing.wait(5)
            between.replace_jwks(client_id, None, new)
            done.set()

        proxy.rule("PUT", client_id, faults.after(keep_on_its_way))
        keys = threading.Thread(target=write_keys)
        keys.start()
        between.replace_scopes(client_id, None, {PLAIN: False})
        keys.join()
    found = provider.adapter().snapshot(client_id)
    assert found is not None
    assert (found.scopes, found.jwks) == ({PLAIN: False}, new)


def test_a_client_that_was_removed_by_hand_is_not_taken_for_gone(
    provider: RunningProvider, adapter: Registration
) -> None:
    """This server answers 401 of it, as it does to a wrong token (RFC 7592 §2.1)."""
    client_id = adapter.register(metadata(), None, parts(SEND)).client_id
    provider.remove(client_id)
    with pytest.raises(
        PerhapsGone, match=f"or client {client_id} was removed by hand, which this authority tells"
    ):
        adapter.snapshot(client_id)


def test_a_server_that_says_404_is_believed_where_the_issuer_names_it(
    provider: RunningProvider,
) -> None:
    missing = json.dumps({"error": "invalid_client"}).encode()
    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("GET", "/reg/", faults.answer(404, missing, "application/json"), times=None)
        assert provider.adapter(origin=proxy.origin).read("gone") is None
        elsewhere = provider.adapter(origin=f"{proxy.origin}/elsewhere")
        proxy.rule(
            "GET", "/elsewhere/", faults.answer(404, missing, "application/json"), times=None
        )
        with pytest.raises(Unintelligible, match=r"the registration endpoint is \S+/reg and not"):
            elsewhere.read("gone")


LOST: dict[str, Fault] = {
    "broken off midway": faults.cut_midway,
    "a gateway's 504": faults.committed_but(504),
    "a failed server's 500": faults.committed_but(500),
    "no JSON": faults.committed_but(201, b"made", "text/plain"),
}


@pytest.mark.parametrize("name", LOST)
def test_a_create_whose_answer_is_lost_is_not_repeated(
    provider: RunningProvider, name: str
) -> None:
    """The same document makes a second client there, and nobody finds the first one: what to look
    for is said."""
    wanted = metadata(incarnation="abc")
    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("POST", "/reg$", LOST[name])
        with pytest.raises(AnswerLost) as caught:
            provider.adapter(origin=proxy.origin).register(wanted, None, parts(SEND))
        assert len(proxy.seen("POST", "/reg$")) == 1
    assert f"with software_id {wanted.software_id} and incarnation abc" in str(caught.value)
    assert len(provider.named(wanted.application)) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_create_that_was_surely_not_carried_out_is_repeated(
    provider: RunningProvider, status: int
) -> None:
    wanted = metadata()
    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("POST", "/reg$", faults.answer(status))
        provider.adapter(origin=proxy.origin).register(wanted, None, parts(SEND))
        assert len(proxy.seen("POST", "/reg$")) == 2
    assert len(provider.named(wanted.application)) == 1


def test_a_token_that_was_not_given_is_no_lost_create(provider: RunningProvider) -> None:
    """The registration was not sent: the token endpoint failed, and its own error is what is
    said."""
    wanted = metadata()
    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("POST", "/token$", faults.answer(500), times=None)
        with pytest.raises(Failed, match=r"/v1/token: 500"):
            provider.adapter(origin=proxy.origin, tokens_at=proxy.origin).register(
                wanted, None, parts(SEND)
            )
        assert proxy.seen("POST", "/reg$") == []


def test_neither_secret_nor_token_of_an_answer_goes_back_or_is_kept(
    provider: RunningProvider,
) -> None:
    """oidc-provider adds a registration access token to what it answers, and refuses it in an
    update."""
    wanted = metadata()
    client_id = provider.adapter().register(wanted, None, parts(SEND)).client_id
    with FaultProxy(provider.issuer) as proxy:
        provider.adapter(origin=proxy.origin).replace_scopes(client_id, None, {PLAIN: False})
        [put] = proxy.seen("PUT", client_id)
    sent = json.loads(put.body)
    assert (
        not {"registration_access_token", "registration_client_uri", "client_secret"} & sent.keys()
    )
    assert sent["client_id"] == client_id


@pytest.mark.parametrize("token", ["", "né", 5])
def test_a_token_that_opens_nothing_may_be_anything(
    provider: RunningProvider, token: object
) -> None:
    """The operator's opens all: whatever else an answer has is dropped, and makes no client
    unknown."""

    def odd(exchange: Exchange) -> None:
        reply = exchange.forward()
        document = {**json.loads(reply.body), "registration_access_token": token}
        exchange.reply(Reply(reply.status, reply.headers, json.dumps(document).encode()))

    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("POST", "/reg$", odd)
        between = provider.adapter(origin=proxy.origin)
        client_id = between.register(metadata(), None, parts(SEND)).client_id
        assert between.access[client_id] == {}
