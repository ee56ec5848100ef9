"""Whatever a Keycloak answers, only an AuthorityError comes out of its adapter. No server is needed for that."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from acmidm_onboarding.authorities import keycloak_writes
from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.authorities.http import Api
from acmidm_onboarding.authorities.keycloak import Keycloak
from acmidm_onboarding.authorities.retry import Retrying
from tests.support.answers import Answering, replies
from tests.support.fault_proxy import FaultProxy, Reply
from tests.support.keycloak import metadata

METADATA = metadata()
CALLS: dict[str, Callable[[Keycloak], object]] = {
    "read": lambda keycloak: keycloak.read("any"),
    "read_scopes": lambda keycloak: keycloak.read_scopes("any"),
    "snapshot": lambda keycloak: keycloak.snapshot("any"),
    "read_jwks": lambda keycloak: keycloak.read_jwks("any"),
    "clients": lambda keycloak: list(keycloak.clients()),
    "register": lambda keycloak: keycloak.register(METADATA, None),
    "update": lambda keycloak: keycloak.update("any", METADATA, METADATA, None),
    "remove": lambda keycloak: keycloak.remove("any", METADATA.owner),
    "replace_scopes": lambda keycloak: keycloak.replace_scopes("any", {"a": False}, {"b": False}),
    "replace_jwks": lambda keycloak: keycloak.replace_jwks("any", {}, {"key-1": {"kid": "key-1"}}),
    "recorded_changes": lambda keycloak: list(keycloak.recorded_changes("any")),
}
CLIENT: dict[str, Any] = {
    "id": "1",
    "clientId": "any",
    "name": "Stad Gent: loket",
    "enabled": True,
    "clientAuthenticatorType": "client-jwt",
    "serviceAccountsEnabled": True,
    "attributes": {
        "acmidm.software_id": "any",
        "use.jwks.string": "true",
        "jwks.string": json.dumps({"keys": [{"kid": "key-1"}]}),
        "client.secret.creation.time": "1795580548",
    },
    "defaultClientScopes": ["a"],
    "optionalClientScopes": ["b"],
    "protocolMappers": [{"id": "3", "name": "claim"}],
}
SCOPE = {"id": "2", "name": "a", "protocol": "openid-connect"}
EVENT = {
    "time": 1795580548250,
    "authDetails": {"clientId": "1", "userId": "4"},
    "operationType": "UPDATE",
    "resourceType": "CLIENT",
    "resourcePath": "clients/1",
    "representation": json.dumps(CLIENT),
}
# A server whose answer is the same whatever is asked has clients that are scopes and events as well.
WHOLE = {**CLIENT, **SCOPE, **EVENT}
OTHER = json.dumps({**CLIENT, "enabled": False})
RIGHT = (
    [CLIENT],
    [WHOLE],
    [{**WHOLE, "representation": OTHER}, WHOLE],
    [{**WHOLE, "representation": OTHER, "time": 10**18}, WHOLE],
)
WRONG: tuple[dict[str, Any], ...] = ({"name": 1}, {"attributes": {"a": []}}, {"attributes": []})
EMBEDDED = (
    *("", "{", "{}", "[]", "1", '{"keys": 1}', '{"keys": [1]}', '{"keys": [{}]}', '{"keys": [{"kid": 1, "d": ""}]}', "[" * 100_000),
    *(json.dumps({**CLIENT, **wrong}) for wrong in WRONG),
)


@dataclass(frozen=True)
class Fuzzed:
    keycloak: Keycloak
    answering: Answering


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    """The adapter, which waits for nobody after a conflict: there is no other writer."""
    with FaultProxy("http://127.0.0.1:9") as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setattr(keycloak_writes, "time", SimpleNamespace(sleep=lambda _: None))
        answering = Answering()
        proxy.rule(".*", "", answering, times=None)
        api = Api(f"{proxy.origin}/admin/realms/any", None, timeout_seconds=10, retrying=Retrying(0))
        yield Fuzzed(Keycloak(api, "operator", frozenset()), answering)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reply=replies(*RIGHT))
def test_only_our_own_errors_come_out(fuzzed: Fuzzed, call: Callable[[Keycloak], object], reply: Reply) -> None:
    fuzzed.answering.reply = reply
    require_one_sentence(fuzzed, call)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_json_inside_json(fuzzed: Fuzzed, call: Callable[[Keycloak], object]) -> None:
    """Which no strategy gets into by itself."""
    for text in EMBEDDED:
        attributes = {**CLIENT["attributes"], "jwks.string": text}
        for document in ({**WHOLE, "attributes": attributes}, {**WHOLE, "representation": text}):
            fuzzed.answering.reply = Reply(200, (("content-type", "application/json"),), json.dumps([document, WHOLE]).encode())
            require_one_sentence(fuzzed, call)


@pytest.mark.parametrize("time", ["abc", "", "-1", "1.5", "\u0661", "9" * 5000, None])
def test_a_time_that_somebody_typed_stops_nothing(fuzzed: Fuzzed, time: str | None) -> None:
    """One client would otherwise end every listing and refresh."""
    attributes = {**CLIENT["attributes"], "client.secret.creation.time": time}
    fuzzed.answering.reply = Reply(200, (("content-type", "application/json"),), json.dumps([{**WHOLE, "attributes": attributes}]).encode())
    (found,) = fuzzed.keycloak.clients()
    assert found.client.client_secret_updated_at == 0


def require_one_sentence(fuzzed: Fuzzed, call: Callable[[Keycloak], object]) -> None:
    said = "nothing"
    try:
        call(fuzzed.keycloak)
    except AuthorityError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
    assert said.isprintable()
