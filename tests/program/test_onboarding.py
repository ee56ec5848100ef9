"""What the component declares, seen through Pulumi's mocks, where the real engine shows less."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from acmidm_onboarding.onboarding import Onboarding, OnboardingArgs, without_unknown
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.terms import AuthMethod
from tests.support.changed import changed
from tests.support.declared import declaration
from tests.support.declared_connection import CONNECTION, PARTS
from tests.support.portal import new_key, public_jwk


class AnswersForTheEngine(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"id-of-{args.name}", {"result": "made-at-random", **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:  # noqa: ARG002
        return {}, None


class Monitor(mocks.MockMonitor):
    """Keeps what the engine is sent: by kind and name."""

    def __init__(self) -> None:
        super().__init__(AnswersForTheEngine())
        self.requests: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        self.requests[f"{request.type.rpartition(':')[2]} {request.name}"] = request
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """The SDK takes the thread's event loop, and there is none after another test's
    `asyncio.run`."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def _run(program: Callable[[], object]) -> None:
    """Run a program to the end of all that it declares."""
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]


def declare(
    *connections: Declaration,
    name: str = CONNECTION.key,
    opts: pulumi.ResourceOptions | None = None,
    **options: Any,
) -> tuple[Onboarding, dict[str, Any]]:
    """Declare an onboarding, and wait until all is registered; without the stack itself, which is
    registered once in a process."""
    monitor, made = Monitor(), list[Onboarding]()
    pulumi.runtime.set_mocks(AnswersForTheEngine(), project="acmidm", stack="tni", monitor=monitor)
    _run(lambda: made.append(Onboarding(name, OnboardingArgs(connections, **options), opts)))
    requests = monitor.requests.items()
    return made[0], {place: one for place, one in requests if not place.startswith("Stack ")}


def value(output: pulumi.Output[Any]) -> Any:
    found: list[Any] = []
    _run(lambda: output.apply(found.append))
    return found[0]


def test_no_connections_is_one_sentence() -> None:
    """A program of one's own reads forms, and may find none."""
    with pytest.raises(
        pulumi.RunError,
        match="is given no connections; give it those of one application, or leave it out",
    ):
        declare()
    with pytest.raises(
        pulumi.RunError,
        match=(
            "Onboarding OVO002067/balie is given connections of OVO002067/loket; name it by the key"
        ),
    ):
        declare(CONNECTION, name="OVO002067/balie")


ALL = {"OAuthClient", "ClientScopes", "ClientJwks", "dosis", "notificaties"}


@pytest.mark.parametrize(
    ("protect", "leaving", "expected"),
    [
        (True, (), ALL),
        (True, ("acmidm",), set()),
        (True, ("dosis",), ALL - {"dosis"}),
        (False, (), set()),
    ],
)
def test_what_is_protected(protect: bool, leaving: tuple[str, ...], expected: set[str]) -> None:
    """All that is at authorities is protected, but for what leaves in this run."""
    _, requests = declare(changed(CONNECTION, parts=frozenset(leaving)), protect=protect)
    protected = [place for place, request in requests.items() if request.protect]
    assert {
        place.rpartition("/")[2] if place.startswith("Product") else place.partition(" ")[0]
        for place in protected
    } == expected


@pytest.mark.parametrize("leaving", [(), ("acmidm",)], ids=["stays", "leaves"])
def test_parts_inherit_the_protection_of_their_component(leaving: tuple[str, ...]) -> None:
    """As any resource's children do: until the program takes it away, whatever a form retires. The
    engine gives them the other options that children inherit, where none is set."""
    secret = declaration(method=AuthMethod.CLIENT_SECRET_BASIC, jwks={}, **PARTS)
    for connection in (CONNECTION, secret):
        _, requests = declare(
            changed(connection, parts=frozenset(leaving)),
            opts=pulumi.ResourceOptions(protect=True, retain_on_delete=True),
        )
        assert {place for place, request in requests.items() if not request.protect} == set()
        kept = [place for place, one in requests.items() if one.HasField("retainOnDelete")]
        assert kept == [f"Onboarding {connection.key}"]


def test_no_stack_trace_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be the most of a state, and name files of the machine; whoever debugs a program
    keeps what was set."""
    for before in (None, 7):
        vars(sys).pop("tracebacklimit", None)
        if before is not None:
            monkeypatch.setattr(sys, "tracebacklimit", before, raising=False)
        _, requests = declare(CONNECTION)
        assert [place for place, request in requests.items() if request.stackTrace.frames] == []
        assert len(requests) == 1 + len(ALL)
        assert vars(sys).get("tracebacklimit") == before


def test_outputs() -> None:
    """What people want to know: the client-ID, scopes, keys with their end, products."""
    onboarding, _ = declare(CONNECTION)
    assert CONNECTION.keys.declared is not None
    assert value(without_unknown(onboarding.connections)) == {
        "acmidm": {
            "organisation": "Stad Gent",
            "organisation_code": "OVO002067",
            "application": "loket",
            "client_id": "id-of-OVO002067/loket",
            "scopes": ["scope_a", "scope_b"],
            "keys": {
                "key-1": {
                    "thumbprint": CONNECTION.keys.declared["key-1"].thumbprint,
                    "expires": "2030-01-01T00:00:00+00:00",
                }
            },
            "products": ["dosis", "notificaties"],
        }
    }


def test_what_failed_to_be_made_has_no_output() -> None:
    """Neither the engine's mark nor an empty value is in its place."""

    async def answer(found: Any) -> Any:
        return found

    lost: pulumi.Output[str] = pulumi.Output(set(), answer(""), answer(False), answer(False))
    assert value(
        without_unknown({"a": {"client_id": pulumi.Output.from_input({"made": "1"}), "lost": lost}})
    ) == {"a": {"client_id": {"made": "1"}}}


def test_keys_cannot_be_given_beside_an_address_of_them() -> None:
    published = declaration(jwks=None, jwks_uri="https://keys.gent.example/jwks", **PARTS)
    with pytest.raises(pulumi.RunError, match="give it no others"):
        declare(published, keys=[public_jwk(new_key("another"))])


def test_former_names_are_aliases() -> None:
    """Of each part too: the engine gives a component's on to its children in the run alone that
    renames it, and one may fail in that."""
    secret = declaration(
        method=AuthMethod.CLIENT_SECRET_BASIC,
        jwks={},
        formerly=("OVO002067/oud", "0207451227/loket"),
        **PARTS,
    )
    onboarding, requests = declare(secret)
    assert len(requests) >= len(onboarding.parts) + 2, "with the component and the secret"
    for place, request in requests.items():
        after = request.name.removeprefix("OVO002067/loket")
        assert [alias.spec.name for alias in request.aliases] == [
            f"OVO002067/oud{after}",
            f"0207451227/loket{after}",
        ], place
