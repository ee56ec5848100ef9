"""Where a client is opened by the token of its own registration: it lasts, goes nowhere else, and
is asked for nothing that it does not open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.errors import AnswerLost, PerhapsGone, Rejected
from acmidm_onboarding.authorities.http.api import Answer, Api
from acmidm_onboarding.authorities.http.retry import Retrying
from acmidm_onboarding.authorities.rfc7591.adapter import Registration
from acmidm_onboarding.authorities.rfc7591.endpoint import Endpoint
from tests.authorities.rfc7591.test_adapter import parts
from tests.support import faults
from tests.support.fault_proxy import Exchange, Fault, FaultProxy, Reply
from tests.support.forms import PLAIN, SEND
from tests.support.oidc_provider import RunningProvider, running_provider
from tests.support.portal import metadata

ADDRESS, TOKEN = "registration_client_uri", "registration_access_token"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProvider]:
    """In place of the one that an operator's token opens."""
    with running_provider(
        tmp_path_factory.mktemp("oidc-provider"), client_tokens="lasting"
    ) as running:
        yield running


@pytest.fixture
def adapter(provider: RunningProvider) -> Registration:
    return provider.adapter()


def test_its_own_token_opens_a_client_for_whoever_recorded_it(
    provider: RunningProvider, adapter: Registration
) -> None:
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


def test_without_its_token_a_client_is_not_asked_for(
    provider: RunningProvider, adapter: Registration
) -> None:
    """The operator's would be refused, and another client's destroyed."""
    client_id = adapter.register(metadata(), None, parts(SEND)).client_id
    with FaultProxy(provider.issuer) as proxy:
        stranger = provider.adapter(origin=proxy.origin)
        stranger.access["another"] = adapter.access[client_id]
        with pytest.raises(
            PerhapsGone,
            match="opened by the token of its own registration, which this state does not",
        ):
            stranger.read(client_id)
        assert proxy.requests == []


def test_a_token_that_changes_with_each_update_is_refused(tmp_path: Path) -> None:
    """A run that is cut off would lose it: it is noticed at the first registration, and nothing is
    left of that."""
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


def test_a_client_is_where_its_registration_says_on_the_same_host(
    provider: RunningProvider,
) -> None:
    """RFC 7592 §2: an address of another form is followed, and kept; what is on another host gets
    no token."""

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


def answering(**members: object) -> Fault:
    """What the server did, and other members in its answer; a member that is None is left out."""

    def fault(exchange: Exchange) -> None:
        reply = exchange.forward()
        document = {
            name: value
            for name, value in {**json.loads(reply.body), **members}.items()
            if value is not None
        }
        exchange.reply(Reply(reply.status, reply.headers, json.dumps(document).encode()))

    return fault


@pytest.mark.parametrize(
    "members",
    [
        *(
            {ADDRESS: address}
            for address in ("urn:a:b", "reg/c1", "https://[::1", "x" * 70_000, "https://a/\x1b[31m")
        ),
        {ADDRESS: "https://a/" + "x" * 10_000_000},
        {"client_id": ".."},
    ],
)
def test_a_client_at_no_address_is_unknown(
    provider: RunningProvider, members: dict[str, str]
) -> None:
    """It was made: no run makes a second one."""
    wanted = metadata()
    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("POST", "/reg$", answering(**members))
        with pytest.raises(AnswerLost) as caught:
            provider.adapter(origin=proxy.origin).register(wanted, None, parts(SEND))
    assert len(str(caught.value)) < 1000
    assert len(provider.named(wanted.application)) == 1


@pytest.mark.parametrize("address", ["", None])
def test_without_an_address_a_client_is_at_the_usual_one(
    provider: RunningProvider, address: str | None
) -> None:
    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("POST", "/reg$", answering(**{ADDRESS: address}))
        between = provider.adapter(origin=proxy.origin)
        client_id = between.register(metadata(), None, parts(SEND)).client_id
        assert between.access[client_id] == {TOKEN: provider.token_of(client_id)}
        assert between.read_scopes(client_id) == {SEND: False}


def test_a_server_that_repeats_a_token_is_not_repeated(
    provider: RunningProvider, adapter: Registration
) -> None:
    """What it says gets into a log, and of a create that failed into the state."""
    client_id = adapter.register(metadata(), None, parts(SEND)).client_id
    token = adapter.access[client_id][TOKEN]

    def repeat(exchange: Exchange) -> None:
        said = json.dumps(
            {"error_description": f"no such token: {exchange.request.headers['authorization']}"}
        )
        faults.answer(400, said.encode(), "application/json")(exchange)

    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("GET", "/reg/", repeat)
        between = provider.adapter(origin=proxy.origin)
        between.access[client_id] = adapter.access[client_id]
        with pytest.raises(Rejected, match="no such token") as caught:
            between.read(client_id)
    assert token not in str(caught.value)


def test_an_address_that_a_state_has_is_on_the_host_of_today(
    provider: RunningProvider, adapter: Registration
) -> None:
    """A state that is older than the settings, or was edited, leads no token to another host."""
    client_id = adapter.register(metadata(), None, parts(SEND)).client_id
    with FaultProxy(provider.issuer) as proxy, FaultProxy(provider.issuer) as former:
        between = provider.adapter(origin=proxy.origin)
        address = f"{former.origin}/reg/{client_id}?tenant=gent"
        between.access[client_id] = {**adapter.access[client_id], ADDRESS: address}
        assert between.read_scopes(client_id) == {SEND: False}
        assert len(proxy.seen("GET", r"\?tenant=gent$")) == 1
        assert former.requests == []


def test_a_token_that_changes_with_each_read_is_refused(provider: RunningProvider) -> None:
    """RFC 7592 §3 lets a server give another one with a read too."""
    wanted = metadata()

    def remove(exchange: Exchange) -> None:
        assert exchange.request.headers["authorization"] == "Bearer another"
        client_id = exchange.request.path.rpartition("/")[2]
        exchange.request.headers["authorization"] = f"Bearer {provider.token_of(client_id)}"
        exchange.reply(exchange.forward())

    with FaultProxy(provider.issuer) as proxy:
        proxy.rule("GET", "/reg/", answering(**{TOKEN: "another"}), times=None)
        proxy.rule("DELETE", "/reg/", remove)
        with pytest.raises(Rejected, match="another token"):
            provider.adapter(origin=proxy.origin).register(wanted, None, parts(SEND))
    assert provider.named(wanted.application) == []


def test_where_the_operators_token_opens_all_no_other_is_used() -> None:
    """As after the setting was changed: the state has those of before."""
    used: list[str | None] = []

    class Recording(Api):
        def request(
            self, method: str, path: str, *, token: str | None = None, **_: object
        ) -> Answer:
            used.append(token)
            return Answer(f"{method} {path}", {}, None)

    api = Recording("https://id.example/reg", None, timeout_seconds=1, retrying=Retrying(0))
    endpoint = Endpoint(api, lambda _: api, "https://id.example/reg")
    endpoint.access["c1"] = {TOKEN: "of-before"}
    endpoint.send("GET", "c1")
    assert used == [None]
