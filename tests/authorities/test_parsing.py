"""Whatever an authority answers, only an AuthorityError comes out of the adapters: random bytes,
random JSON, right answers gone wrong.

A server gives each request the same answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from acmidm_onboarding.authorities import writes
from acmidm_onboarding.authorities.beheerportaal.adapter import Beheerportaal
from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from acmidm_onboarding.authorities.products import Products
from tests.support.answers import replies
from tests.support.authority_calls import ANSWER, CALLS, PRODUCT_CALLS
from tests.support.fake_server import FakeServer, Reply, api_at, serving

KEYCLOAKS: dict[str, Any] = {
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
    "representation": json.dumps(KEYCLOAKS),
}
# A server whose answer is the same whatever is asked has clients that are scopes and events as
# well.
WHOLE = {**KEYCLOAKS, **SCOPE, **EVENT}
OTHER = json.dumps({**KEYCLOAKS, "enabled": False})
REPLIES = {
    "beheerportaal": replies(ANSWER),
    "products": replies(ANSWER),
    "keycloak": replies(
        [KEYCLOAKS],
        [WHOLE],
        [{**WHOLE, "representation": OTHER}, WHOLE],
        [{**WHOLE, "representation": OTHER, "time": 10**18}, WHOLE],
    ),
}
WRONG: tuple[dict[str, Any], ...] = ({"name": 1}, {"attributes": {"a": []}}, {"attributes": []})
EMBEDDED = (
    *(
        "",
        "{",
        "{}",
        "[]",
        "1",
        '{"keys": 1}',
        '{"keys": [1]}',
        '{"keys": [{}]}',
        '{"keys": [{"kid": 1, "d": ""}]}',
        "[" * 100_000,
    ),
    *(json.dumps({**KEYCLOAKS, **wrong}) for wrong in WRONG),
)


@dataclass(frozen=True)
class Fuzzed:
    """The adapters by their names, and the server that answers them."""

    adapters: Mapping[str, Any]
    server: FakeServer

    def answer(self, reply: Reply) -> None:
        self.server.script = lambda _: reply

    def require_one_sentence(self, adapter: str, call: Callable[[Any], object]) -> None:
        said = "nothing"
        try:
            call(self.adapters[adapter])
        except AuthorityError as error:
            said = str(error)
        assert len(said.splitlines()) == 1
        assert said.isprintable()


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    """Nobody waits after a conflict: there is no other writer."""
    with serving(lambda _: Reply()) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(writes, "time", SimpleNamespace(sleep=lambda _: None))
        api = api_at(f"{server.url}/admin/realms/any", timeout=10)
        adapters = {
            "beheerportaal": Beheerportaal(api, "operator", frozenset()),
            "keycloak": Keycloak(api, "operator", frozenset()),
            "products": Products(api, lambda _, configuration: configuration),
        }
        yield Fuzzed(adapters, server)


@pytest.mark.parametrize(
    ("adapter", "calls"),
    [("beheerportaal", CALLS), ("keycloak", CALLS), ("products", PRODUCT_CALLS)],
    ids=["beheerportaal", "keycloak", "products"],
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_only_our_own_errors_come_out(
    fuzzed: Fuzzed,
    adapter: str,
    calls: Mapping[str, Callable[[Any], object]],
    data: st.DataObject,
) -> None:
    """Whichever call gets the answer: to make one up takes longer than to try them all."""
    fuzzed.answer(data.draw(REPLIES[adapter]))
    for name, call in calls.items():
        note(f"the call is {name}")  # the last one is what fails
        fuzzed.require_one_sentence(adapter, call)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_json_inside_keycloaks_json(fuzzed: Fuzzed, call: Callable[[Keycloak], object]) -> None:
    """Which no strategy gets into by itself."""
    for text in EMBEDDED:
        attributes = {**KEYCLOAKS["attributes"], "jwks.string": text}
        for document in ({**WHOLE, "attributes": attributes}, {**WHOLE, "representation": text}):
            fuzzed.answer(Reply(body=[document, WHOLE]))
            fuzzed.require_one_sentence("keycloak", call)


@pytest.mark.parametrize("time", ["abc", "", "-1", "1.5", "\u0661", "9" * 5000, None])
def test_a_time_that_somebody_typed_stops_nothing(fuzzed: Fuzzed, time: str | None) -> None:
    """One client would otherwise end every listing and refresh."""
    fuzzed.answer(
        Reply(
            body=[
                {
                    **WHOLE,
                    "attributes": {**KEYCLOAKS["attributes"], "client.secret.creation.time": time},
                }
            ]
        )
    )
    (found,) = fuzzed.adapters["keycloak"].clients()
    assert found.client_secret_updated_at == 0
