"""What the component declares, seen through Pulumi's mocks."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.model.form import AuthMethod, Environment, Organisation, Platform
from acmidm_onboarding.model.jwk import public_jwk as parsed
from acmidm_onboarding.onboarding import Onboarding, OnboardingArgs, known
from tests.support.portal import new_key, public_jwk

CONNECTION = Connection(
    platform=Platform.ACMIDM,
    environment=Environment.TNI,
    organisation=Organisation(name="Stad Gent", ovo="OVO002067", kbo="0207451227"),
    application="loket",
    contacts=("a@stad-gent.example",),
    token_endpoint_auth_method=AuthMethod.PRIVATE_KEY_JWT,
    scopes={"scope_b": "requested", "scope_a": "why (SD-1)"},
    keys={"key-1": parsed({**public_jwk(new_key("key-1")), "exp": 1893456000})},
    products={"notificaties": {"merk_code": "stad-gent"}, "dosis": {"bron_uri": "urn://a/b"}},
)
GEOSECURE = dataclasses.replace(CONNECTION, platform=Platform.GEOSECURE)


class Recorder(mocks.Mocks):
    """Answers for the engine, and keeps what was registered."""

    def __init__(self) -> None:
        self.registered: dict[str, mocks.MockResourceArgs] = {}
        self.requests: dict[str, Any] = {}
        """The same resources with their options, as the engine is sent them."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.registered[_place(args.typ, args.name)] = args
        outputs = dict(args.inputs)
        if args.typ == "random:index/randomPassword:RandomPassword":
            outputs["result"] = "made-at-random"
        return f"id-of-{args.name}", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:  # noqa: ARG002
        return {}, None


class Monitor(mocks.MockMonitor):
    """Keeps what the mocks are not told: the options."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder)
        self.recorder = recorder

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        self.recorder.requests[_place(request.type, request.name)] = request
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def _place(type_: str, name: str) -> str:
    return f"{type_.rpartition(':')[2]} {name}"


Declare = Callable[..., tuple[Onboarding, Recorder]]


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """The SDK takes the thread's event loop, and there is none after another test's `asyncio.run`."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def declare() -> Declare:
    """Declares an onboarding, and waits until all is registered."""

    def run(
        *connections: Connection, name: str = CONNECTION.key, opts: pulumi.ResourceOptions | None = None, **options: Any
    ) -> tuple[Onboarding, Recorder]:
        recorder = Recorder()
        pulumi.runtime.set_mocks(recorder, project="acmidm", stack="tni", monitor=Monitor(recorder))
        made: list[Onboarding] = []

        _run(lambda: made.append(Onboarding(name, OnboardingArgs(connections, **options), opts)))
        return made[0], recorder

    return run


def _run(program: Callable[[], object]) -> None:
    """Runs a program to the end of all that it declares."""
    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]


def value(output: pulumi.Output[Any]) -> Any:
    found: list[Any] = []

    _run(lambda: output.apply(found.append))
    return found[0]


def test_no_connections_is_one_sentence(declare: Declare) -> None:
    """A program of one's own reads forms, and may find none."""
    with pytest.raises(pulumi.RunError, match="is given no connections; give it those of one application, or leave it out"):
        declare()
    with pytest.raises(pulumi.RunError, match="Onboarding OVO002067/balie is given connections of OVO002067/loket; name it by the key"):
        declare(CONNECTION, name="OVO002067/balie")


def test_resources_of_one_connection(declare: Declare) -> None:
    """A client, its scopes, its keys and each product; names from the natural key, ids passed on."""
    _, recorder = declare(CONNECTION)
    assert set(recorder.registered) == {
        "Onboarding OVO002067/loket",
        "OAuthClient OVO002067/loket",
        "ClientScopes OVO002067/loket",
        "ClientJwks OVO002067/loket",
        "ProductConfiguration OVO002067/loket/notificaties",
        "ProductConfiguration OVO002067/loket/dosis",
        "HandOver OVO002067/loket",
    }
    client = recorder.registered["OAuthClient OVO002067/loket"].inputs
    assert client["software_id"] == "acmidm/tni/OVO002067/loket"
    assert client["managed_by"] == "acmidm/tni"
    assert "client_secret" not in client
    assert recorder.registered["ClientScopes OVO002067/loket"].inputs["scopes"] == {"scope_a": "why (SD-1)", "scope_b": "requested"}
    assert set(recorder.registered["ClientJwks OVO002067/loket"].inputs["jwks"]) == {"key-1"}
    for place in ("ClientScopes OVO002067/loket", "ClientJwks OVO002067/loket", "ProductConfiguration OVO002067/loket/dosis"):
        assert recorder.registered[place].inputs["client_id"] == "id-of-OVO002067/loket"


def test_exemptions_are_what_the_component_itself_is_given(declare: Declare) -> None:
    """So that a preview shows a change of them, which no authority would; without any, a component is what it was."""
    _, plain = declare(CONNECTION)
    _, exempted = declare(dataclasses.replace(CONNECTION, exemptions={"client-secret": "a package (SD-1)"}))
    assert dict(plain.registered["Onboarding OVO002067/loket"].inputs) == {}
    assert dict(exempted.registered["Onboarding OVO002067/loket"].inputs) == {"exemptions": {"client-secret": "a package (SD-1)"}}


def test_second_platform_has_names_of_its_own(declare: Declare) -> None:
    """GeoSecure's resources stand beside ACM/IDM's, whose names stay what they were without it."""
    _, alone = declare(CONNECTION)
    _, both = declare(CONNECTION, GEOSECURE)
    added = set(both.registered) - set(alone.registered)
    assert set(alone.registered) < set(both.registered)
    assert {place.split(" ")[1] for place in added} == {
        "OVO002067/loket/geosecure",
        "OVO002067/loket/geosecure/notificaties",
        "OVO002067/loket/geosecure/dosis",
    }
    assert both.registered["ProductConfiguration OVO002067/loket/geosecure/dosis"].inputs["managed_by"] == "acmidm/tni"


ALL = {"OAuthClient", "ClientScopes", "ClientJwks", "HandOver", "dosis", "notificaties"}


@pytest.mark.parametrize(
    ("protect", "leaving", "expected"),
    [(True, (), ALL), (True, ("acmidm",), set()), (True, ("dosis",), ALL - {"dosis"}), (False, (), set())],
)
def test_what_is_protected(declare: Declare, protect: bool, leaving: tuple[str, ...], expected: set[str]) -> None:
    """All that is at authorities is protected, but for what leaves in this run."""
    _, recorder = declare(dataclasses.replace(CONNECTION, leaving=frozenset(leaving)), protect=protect)
    protected = set()
    for place, request in ((place, recorder.requests[place]) for place in recorder.registered):
        kind, _, name = place.partition(" ")
        if request.protect:
            protected.add(name.rpartition("/")[2] if kind == "ProductConfiguration" else kind)
        assert kind == "Onboarding" or request.parent.endswith("acmidm:index:Onboarding::OVO002067/loket")
    assert protected == expected


def test_outputs(declare: Declare) -> None:
    """What people want to know: the client-ID, scopes, keys with their end, products."""
    onboarding, _ = declare(CONNECTION)
    assert CONNECTION.keys is not None
    assert value(known(onboarding.connections)) == {
        "acmidm": {
            "organisation": "Stad Gent",
            "organisation_code": "OVO002067",
            "application": "loket",
            "client_id": "id-of-OVO002067/loket",
            "scopes": ["scope_a", "scope_b"],
            "keys": {"key-1": {"thumbprint": CONNECTION.keys["key-1"].thumbprint, "expires": "2030-01-01T00:00:00+00:00"}},
            "products": ["dosis", "notificaties"],
        }
    }
    assert onboarding.client_secrets == {}


def test_what_failed_to_be_made_has_no_output() -> None:
    """Neither the engine's mark nor an empty value is in its place."""
    loop_free = pulumi.Output.from_input({"made": "1"})
    assert value(known({"a": {"client_id": loop_free, "lost": _unknown()}, "b": _unknown()})) == {"a": {"client_id": {"made": "1"}}}


def _unknown() -> pulumi.Output[str]:
    """As the SDK gives the output of a resource that was not made."""

    async def nothing() -> str:
        return ""

    async def no() -> bool:
        return False

    return pulumi.Output(set(), nothing(), no(), no())


def test_keys_at_an_address_are_the_clients_and_no_others(declare: Declare) -> None:
    """The client has the address; its keys are left alone, and none can be given beside it."""
    published = dataclasses.replace(CONNECTION, keys=None, jwks_uri="https://keys.gent.example/jwks")
    _, recorder = declare(published)
    assert recorder.registered["OAuthClient OVO002067/loket"].inputs["jwks_uri"] == "https://keys.gent.example/jwks"
    assert "jwks" not in recorder.registered["ClientJwks OVO002067/loket"].inputs
    with pytest.raises(pulumi.RunError, match="give it no others"):
        declare(published, keys=[public_jwk(new_key("another"))])


def test_former_names_are_aliases(declare: Declare) -> None:
    """Of each part too: the engine gives a component's on to its children in the run alone that renames it, and one may fail in that."""
    secret = dataclasses.replace(
        CONNECTION, token_endpoint_auth_method=AuthMethod.CLIENT_SECRET_BASIC, keys={}, formerly=("OVO002067/oud", "0207451227/loket")
    )
    _, recorder = declare(secret)
    assert recorder.registered
    for place in recorder.registered:
        after = place.partition(" ")[2].removeprefix("OVO002067/loket")
        names = [alias.spec.name for alias in recorder.requests[place].aliases]
        assert names == [f"OVO002067/oud{after}", f"0207451227/loket{after}"], place


def test_secret_is_an_output_apart(declare: Declare) -> None:
    """The client gets it, the operator can hand it over, and the other outputs stay readable."""
    secret = dataclasses.replace(CONNECTION, token_endpoint_auth_method=AuthMethod.CLIENT_SECRET_BASIC, keys={})
    onboarding, recorder = declare(secret)
    assert "RandomPassword OVO002067/loket" in recorder.registered
    assert value(onboarding.client_secrets["acmidm"]) == "made-at-random"
    assert value(pulumi.Output.from_input(onboarding.client_secrets["acmidm"].is_secret())) is True
    outputs = known(onboarding.connections)
    assert value(pulumi.Output.from_input(outputs.is_secret())) is False
    assert "client_secret" not in value(outputs)["acmidm"]
