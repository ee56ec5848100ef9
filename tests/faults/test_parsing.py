"""Whatever an authority answers, only an AuthorityError comes out of the adapters: random bytes, random JSON, right answers gone wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.authorities.port import Owner, ProductDocument
from tests.faults.between import API, metadata, platform_through
from tests.support.answers import Answering, replies
from tests.support.fault_proxy import FaultProxy, Reply
from tests.support.portal import RunningPortal

METADATA = metadata("any")


def product(value: int) -> ProductDocument:
    return ProductDocument({"a": value}, METADATA.owner)


CALLS: dict[str, Callable[[ConnectedPlatform], object]] = {
    "read": lambda platform: platform.authority.read("any"),
    "read_scopes": lambda platform: platform.authority.read_scopes("any"),
    "read_jwks": lambda platform: platform.authority.read_jwks("any"),
    "clients": lambda platform: list(platform.authority.clients()),
    "register": lambda platform: platform.authority.register(METADATA, None),
    "update": lambda platform: platform.authority.update("any", METADATA, METADATA, None),
    "remove": lambda platform: platform.authority.remove("any", METADATA.owner),
    "replace_scopes": lambda platform: platform.authority.replace_scopes("any", {"a": False}, {"b": False}),
    "replace_jwks": lambda platform: platform.authority.replace_jwks("any", {}, {"key-1": {"kid": "key-1"}}),
    "product": lambda platform: platform.product_api.read("dosis", "any"),
    "put": lambda platform: platform.product_api.put("dosis", "any", product(1), product(2)),
    "delete": lambda platform: platform.product_api.delete("dosis", "any", Owner()),
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
    "attributes": {"setbyclient_proef": "x"},
    "scopes": ["a"],
    "default": ["a"],
    "default_scopes": ["a"],
    "jwks": {"keys": [{"kid": "key-1"}]},
    "keys": [{"kid": "key-1"}],
    "next": None,
}
RIGHT = {**CLIENT, "configuration": {"a": 1}, "items": [{**CLIENT, "configuration": {"a": 1}}]}


@dataclass(frozen=True)
class Fuzzed:
    platform: ConnectedPlatform
    answering: Answering


@pytest.fixture(scope="module")
def fuzzed(portal: RunningPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    """The adapter, and a proxy that gives each request of the API the same answer."""
    with FaultProxy(portal.origin) as proxy:
        platform = platform_through(
            proxy.origin, portal, tmp_path_factory.mktemp("parsing"), request_timeout_seconds=10, retry_deadline_seconds=0
        )
        answering = Answering()
        proxy.rule(".*", API, answering, times=None)
        yield Fuzzed(platform, answering)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reply=replies(RIGHT))
def test_only_our_own_errors_come_out(fuzzed: Fuzzed, call: Callable[[ConnectedPlatform], object], reply: Reply) -> None:
    fuzzed.answering.reply = reply
    said = "nothing"
    try:
        call(fuzzed.platform)
    except AuthorityError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
    assert said.isprintable()
