"""Whatever an authority answers, only an AuthorityError comes out of the adapters: random bytes, random JSON, right answers gone wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.authorities.connected import ConnectedPlatform
from components.authorities.errors import AuthorityError
from tests.faults.between import API, metadata, platform_through
from tests.support.fault_proxy import Exchange, FaultProxy, Reply
from tests.support.portal import RunningPortal

METADATA = metadata("any")
CALLS: dict[str, Callable[[ConnectedPlatform], object]] = {
    "read": lambda platform: platform.authority.read("any"),
    "read_scopes": lambda platform: platform.authority.read_scopes("any"),
    "read_jwks": lambda platform: platform.authority.read_jwks("any"),
    "clients": lambda platform: list(platform.authority.clients()),
    "register": lambda platform: platform.authority.register(METADATA, None),
    "update": lambda platform: platform.authority.update("any", METADATA, METADATA, None),
    "remove": lambda platform: platform.authority.remove("any"),
    "replace_scopes": lambda platform: platform.authority.replace_scopes("any", frozenset({"a"}), frozenset({"b"})),
    "replace_jwks": lambda platform: platform.authority.replace_jwks("any", {}, {"key-1": {"kid": "key-1"}}),
    "product": lambda platform: platform.product_api.read("dosis", "any"),
    "put": lambda platform: platform.product_api.put("dosis", "any", {"a": 1}, {"a": 2}),
    "delete": lambda platform: platform.product_api.delete("dosis", "any"),
    "configurations": lambda platform: list(platform.product_api.configurations("dosis")),
}
CLIENT: dict[str, Any] = {
    "client_id": "any",
    "client_name": "Stad Gent: loket",
    "organisation": {"name": "Stad Gent", "ovo": "OVO002067"},
    "application": "loket",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
    "contacts": [],
    "scopes": ["a"],
    "jwks": {"keys": [{"kid": "key-1"}]},
    "keys": [{"kid": "key-1"}],
    "next": None,
}
RIGHT = {**CLIENT, "items": [{**CLIENT, "configuration": {"a": 1}}]}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(RIGHT)) | st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def gone_wrong(draw: st.DrawFn) -> object:
    """The right answer with one member of it, at any depth, replaced or missing."""
    document: dict[str, Any] = json.loads(json.dumps(RIGHT))
    place: Any = draw(st.sampled_from([document, document["items"][0], document["jwks"], document["keys"][0], document["organisation"]]))
    member = draw(st.sampled_from(sorted(place)))
    if draw(st.booleans()):
        place[member] = draw(values)
    else:
        del place[member]
    return document


bodies = st.binary(max_size=200) | (values | gone_wrong()).map(lambda document: json.dumps(document).encode())
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20).map(str.strip)
# Those that may pass are waited for, and are another file's subject.
statuses = st.sampled_from([200, 201, 204, 206, 301, 400, 404, 409, 412, 418, 422, 500, 501])
replies = st.builds(
    lambda status, media_type, etag, body: Reply(
        status, (("content-type", media_type), *((("etag", etag),) if etag else ())), b"" if status == 204 else body
    ),
    statuses,
    st.sampled_from(["application/json", "application/problem+json", "application/json; charset=utf-16", "text/html", ""]) | header_values,
    st.sampled_from(['"1"', ""]) | header_values,
    bodies,
)


@dataclass
class Answering:
    """A proxy that gives each request of the API the same answer."""

    platform: ConnectedPlatform
    reply: Reply | None = None

    def __call__(self, exchange: Exchange) -> None:
        assert self.reply is not None
        exchange.reply(self.reply)


@pytest.fixture(scope="module")
def answering(portal: RunningPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    with FaultProxy(portal.origin) as proxy:
        platform = platform_through(
            proxy.origin, portal, tmp_path_factory.mktemp("parsing"), request_timeout_seconds=10, retry_deadline_seconds=0
        )
        answer = Answering(platform)
        proxy.rule(".*", API, answer, times=None)
        yield answer


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reply=replies)
def test_only_our_own_errors_come_out(answering: Answering, call: Callable[[ConnectedPlatform], object], reply: Reply) -> None:
    answering.reply = reply
    said = "nothing"
    try:
        call(answering.platform)
    except AuthorityError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
