"""Where a client is opened by the token of its own registration: it lasts, goes nowhere else, and is asked for nothing
that it does not open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.errors import AnswerLost, PerhapsGone, Rejected
from acmidm_onboarding.authorities.rfc7591.adapter import Registration
from tests.authorities.rfc7591.test_adapter import parts
from tests.support import faults
from tests.support.fault_proxy import Exchange, FaultProxy, Reply
from tests.support.forms import PLAIN, SEND
from tests.support.oidc_provider import RunningProvider, running_provider
from tests.support.portal import metadata

ADDRESS, TOKEN = "registration_client_uri", "registration_access_token"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    """In place of the one that an operator's token opens."""
    with running_provider(tmp_path_factory.mktemp("oidc-provider"), client_tokens="lasting") as running:
        yield running


@pytest.fixture
def adapter(provider: RunningProvider) -> Registration:
    return provider.adapter()


def test_its_own_token_opens_a_client_for_whoever_recorded_it(provider: RunningProvider, adapter: Registration) -> None:
    """Another process has what the first one recorded, reads, writes and removes with it."""
    wanted = metadata()
    client_id = adapter.register(wanted, None, parts(SEND)).client_id
    assert adapter.access[client_id] == {TOKEN: provider.token_of(client_id)}
    other = provider.adapter()
    other.access[client_id] = adapter.access[client_id]
    other.replace_scopes(client_id, {SEND: False}, {PLAIN: False})
    assert other.read_scopes(client_id) == {PLAIN: False}
    assert other.remove(client_id, wanted.owner)
    assert client_id not in provider.clients


def test_without_its_token_a_client_is_not_asked_for(provider: RunningProvider, adapter: Registration) -> None:
    """The operator's would be refused, and another client's destroyed."""
    client_id = adapter.register(metadata(), None, parts(SEND)).client_id
    with FaultProxy(provider.issuer) as proxy:
        stranger = provider.adapter(origin=proxy.origin)
        stranger.access["another"] = adapter.access[client_id]
        with pytest.raises(PerhapsGone, match="opened by the token of its own registration, which this state does not"):
            stranger.read(client_id)
        assert proxy.requests == []


def test_a_token_that_changes_with_each_update_is_refused(tmp_path: Path) -> None:
    """A run that is cut off would lose it: it is noticed at the first registration, and nothing is left of that."""
    with running_provider(tmp_path, client_tokens="rotating") as rotating:
        wanted = metadata()
        with pytest.raises(Rejected, match="another token with each update"):
            rotating.adapter().register(wanted, None, parts(SEND))
        assert rotating.named(wanted.application) == []


def test_a_client_that_could_not_be_tried_is_unknown(provider: RunningProvider) -> None:
    """It was made, and its token is known to nobody who records it: no run makes a second one."""
    wanted = metadata()
    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("PUT", "/reg/", faults.answer(400), times=None)
        with pytest.raises(AnswerLost, match="or have it removed if only its own token opens it"):
            provider.adapter(origin=proxy.origin).register(wanted, None, parts(SEND))
    assert len(provider.named(wanted.application)) == 1


def test_a_client_is_where_its_registration_says_on_the_same_host(provider: RunningProvider) -> None:
    """RFC 7592 §2: an address of another form is followed, and kept; what is on another host gets no token."""

    def elsewhere(exchange: Exchange) -> None:
        reply = exchange.forward()
        document = json.loads(reply.body)
        document[ADDRESS] = f"https://elsewhere.example/reg/{document['client_id']}?tenant=gent"
        exchange.reply(Reply(reply.status, reply.headers, json.dumps(document).encode()))

    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("POST", "/reg$", elsewhere)
        between = provider.adapter(origin=proxy.origin)
        client_id = between.register(metadata(), None, parts(SEND)).client_id
        address = f"{proxy.origin}/reg/{client_id}?tenant=gent"
        assert between.access[client_id] == {ADDRESS: address, TOKEN: provider.token_of(client_id)}
        between.replace_scopes(client_id, {SEND: False}, {PLAIN: False})
        assert len(proxy.seen("PUT", r"\?tenant=gent$")) == 2
    assert provider.clients[client_id]["scope"] == PLAIN


def test_no_token_is_shown(adapter: Registration) -> None:
    client_id = adapter.register(metadata(), None, parts(SEND)).client_id
    token = adapter.access[client_id][TOKEN]
    adapter.access[client_id] = {**adapter.access[client_id], TOKEN: "revoked"}
    with pytest.raises(PerhapsGone) as caught:
        adapter.read(client_id)
    assert token not in str(caught.value)
    assert "revoked" not in str(caught.value)
