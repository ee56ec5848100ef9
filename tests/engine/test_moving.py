"""Connections go from one state to another: what the engine's own check of a state looks at,
without the engine."""

from __future__ import annotations

from typing import Any

from acmidm.engine.moving import State, with_connections, without_connections
from acmidm_onboarding.engine_resources import resources_in

GOES, STAYS = "OVO002067/loket", "OVO002067/ander"
NAMES = ("tni-a", "tni-b")
SECRET = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "plaintext": '"s"',
}


def urn(stack: str, kind: str, name: str) -> str:
    return f"urn:pulumi:{stack}::acmidm::{kind}::{name}"


def dynamic(kind: str) -> str:
    return f"pulumi-python:dynamic/acmidm:{kind}"


def state(stack: str, *keys: str) -> dict[str, Any]:
    """As the engine exports it: a component, a client with another one that is about to go, and the
    hand-over."""
    root, provider = (
        urn(stack, "pulumi:pulumi:Stack", f"acmidm-{stack}"),
        urn(stack, "pulumi:providers:p", "default"),
    )
    provided = {"provider": f"{provider}::id-of-{stack}"}
    resources: list[dict[str, Any]] = [{"urn": root, "outputs": {"connections": {}}}]
    clients = []
    for key in keys:
        component = urn(stack, "acmidm:index:Onboarding", key)
        client = urn(stack, f"acmidm:index:Onboarding${dynamic('OAuthClient')}", key)
        scopes = urn(stack, f"acmidm:index:Onboarding${dynamic('ClientScopes')}", key)
        clients.append(client)
        resources.append({"urn": component, "parent": root})
        if len(clients) == 1:  # the engine has it behind the first component
            resources.append(
                {
                    "urn": provider,
                    "id": f"id-of-{stack}",
                    "inputs": {"acmidm:issuer": "x", "version": "1"},
                }
            )
        common = {"parent": component, **provided}
        resources += [
            {
                "urn": client,
                "id": f"client of {key}",
                "outputs": {"registration": SECRET},
                **common,
            },
            {"urn": client, "id": "a former one", "delete": True, "outputs": {}, **common},
            {
                "urn": scopes,
                "dependencies": [client],
                "propertyDependencies": {"client_id": [client]},
                **common,
            },
        ]
    full_name = f"organization/acmidm/{stack}"
    hand_over = {"stack": full_name, "connections": {key: {} for key in keys}}
    records = {f"acmidm client of {key}": {"message_id": stack} for key in keys}
    mails: dict[str, Any] = {
        "urn": urn(stack, dynamic("HandOver"), "mails"),
        "id": full_name,
        "parent": root,
        **provided,
    }
    mails |= {"inputs": hand_over, "outputs": {**hand_over, "records": records}}
    resources.append(
        {**mails, "dependencies": clients, "propertyDependencies": {"connections": clients}}
    )
    return {
        "version": 3,
        "deployment": {"manifest": {"time": stack}, "resources": resources if keys else []},
    }


def is_whole(moved: State, stack: str) -> None:
    """Whatever a resource refers to is in the same state, before it, and once."""
    seen: dict[str, Any] = {}
    for resource in resources_in(moved):
        of_properties = resource.get("propertyDependencies", {}).values()
        dependencies = [
            *resource.get("dependencies", ()),
            *(name for names in of_properties for name in names),
        ]
        provider, _, number = resource.get("provider", "").rpartition("::")
        for name in (*dependencies, *filter(None, (resource.get("parent"), provider))):
            assert name in seen, resource
        assert not provider or seen[provider] == number
        assert resource["urn"].startswith(f"urn:pulumi:{stack}::acmidm::")
        assert resource.get("delete") or resource["urn"] not in seen
        seen[resource["urn"]] = resource.get("id")


def named(moved: State) -> list[str]:
    return sorted(resource["urn"].split("::", 2)[2] for resource in resources_in(moved))


def test_both_states_are_whole() -> None:
    """Between the two as well, and whether the destination had anything or not."""
    source = state("tni-a", GOES, STAYS)
    for there in ((), ("OVO000001/loket",)):
        destination = state("tni-b", *there)
        moved = with_connections(destination, source, {GOES}, NAMES)
        is_whole(moved, "tni-b")
        assert with_connections(moved, source, {GOES}, NAMES) == moved, "cut off, and once more"
        left = without_connections(source, {GOES})
        is_whole(left, "tni-a")
        assert named(left) == named(state("tni-a", STAYS))
        assert [name.replace("tni-b", "tni-a") for name in named(moved)] == named(
            state("tni-a", GOES, *there)
        )
        assert moved["deployment"]["manifest"] == {"time": "tni-b"}


def test_a_run_in_between_changes_nothing() -> None:
    """The destination's hand-over may depend on what arrives: it stays behind that."""
    moved = with_connections(state("tni-b", STAYS, GOES), state("tni-a", GOES), {GOES}, NAMES)
    is_whole(moved, "tni-b")
    assert named(moved) == named(state("tni-b", STAYS, GOES))


def test_a_destination_without_a_hand_over_gives_it_the_provider_of_its_own() -> None:
    """As after a first run in which a client failed."""
    destination = state("tni-b", STAYS)
    destination["deployment"]["resources"].pop()
    is_whole(with_connections(destination, state("tni-a", GOES), {GOES}, NAMES), "tni-b")


def test_what_goes_along() -> None:
    """A secret, what waits for its removal, and what its organisation was mailed; no setting of the
    other stack."""
    moved = with_connections(state("tni-b"), state("tni-a", GOES, STAYS), {GOES}, NAMES)
    resources = {resource["urn"].rpartition(":")[0]: resource for resource in resources_in(moved)}
    clients = [resource for resource in resources_in(moved) if "OAuthClient" in resource["urn"]]
    assert [client["outputs"] for client in clients] == [{"registration": SECRET}, {}]
    (provider,) = [resource for name, resource in resources.items() if "providers" in name]
    assert provider["inputs"] == {"version": "1"}
    (mails,) = [resource for name, resource in resources.items() if "HandOver" in name]
    full_name = "organization/acmidm/tni-b"
    assert mails["id"] == full_name
    assert mails["outputs"] == {
        "stack": full_name,
        "connections": {},
        "records": {f"acmidm client of {GOES}": {"message_id": "tni-a"}},
    }
