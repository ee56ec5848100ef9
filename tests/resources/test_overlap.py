"""What ``check`` makes of a client's keys: since when each is declared, and why one may not leave
yet; on a real portal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from acmidm_onboarding.authorities.errors import ChangedMeanwhile
from acmidm_onboarding.resources.client_jwks import ClientJwksProvider
from acmidm_onboarding.values.terms import Platform
from tests.resources.world import UNKNOWN, World, adopting, client_inputs, keys, outs
from tests.support.portal import new_key, public_jwk, register_client
from tests.support.registry import Registry

OLD, NEW = new_key("old"), new_key("new")


def recorded(client_id: str, *declared: ECKey, **days: float) -> dict[str, Any]:
    """The inputs in a state; ``days`` since when a key is declared, by its kid, ``0`` for all
    others."""
    since = {
        key.thumbprint(): (
            f"{datetime.now(UTC) - timedelta(days=days.get(str(key.kid), 0)):%Y-%m-%dT%H:%M:%SZ}"
        )
        for key in declared
    }
    return {
        "platform": "acmidm",
        "client_id": client_id,
        "jwks": {key.kid: public_jwk(key) for key in declared},
        "since": since,
    }


def before_the_guard(client_id: str, *declared: ECKey) -> dict[str, Any]:
    return {
        name: value for name, value in recorded(client_id, *declared).items() if name != "since"
    }


def checked(world: World, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    found = world.provider(ClientJwksProvider).check(before, after)
    assert found.failures == []
    assert found.inputs is not None
    assert "rotation" not in found.inputs, (
        "what a form says of keys that were stolen is in no state"
    )
    return dict(found.inputs)


def test_since_is_when_a_key_was_first_declared(guarded: World) -> None:
    made = checked(guarded, {}, keys("c", OLD))
    assert datetime.now(UTC) - datetime.fromisoformat(made["since"][OLD.thumbprint()]) < timedelta(
        minutes=1
    )
    before = recorded("c", OLD, old=30)
    after = checked(guarded, before, keys("c", OLD, NEW))
    assert after["since"][OLD.thumbprint()] == before["since"][OLD.thumbprint()]
    assert after["since"][NEW.thumbprint()] > before["since"][OLD.thumbprint()]
    assert after.get("refused") is None


@pytest.mark.parametrize("days", [0, 14])
def test_nothing_changes_by_itself(world: World, days: int) -> None:
    """A state of before the guard, one of after it, evidence that appears, a guard that is switched
    on or off."""
    switched = World({**world.config, "acmidm:keyOverlapDays": str(days)})
    for before in (
        before_the_guard("c", OLD, NEW),
        recorded("c", OLD, NEW, old=30, new=2),
        before_the_guard("c"),
    ):
        declared = [key for key in (OLD, NEW) if before["jwks"]]
        for proven in (None, NEW):
            after = checked(switched, before, keys("c", *declared, proven=proven))
            assert {**after, "proven": None} == {**before, "proven": None}
    for left_to_portal in (keys("c", jwks=None), keys("c", jwks=None, rotation=None)):
        assert (
            checked(switched, {"platform": "acmidm", "client_id": "c"}, left_to_portal).get("since")
            is None
        )


def test_a_key_of_before_the_guard_has_been_there_for_as_long_as_it_takes(guarded: World) -> None:
    after = checked(guarded, before_the_guard("c", OLD, NEW), keys("c", NEW, proven=NEW))
    assert (after.get("refused"), after["since"]) == (None, {NEW.thumbprint(): "earlier"})


def test_keys_that_are_not_known_yet_are_left_to_the_run(guarded: World) -> None:
    """Where another resource makes them, a preview has a mark in their place."""
    before = recorded("c", OLD, old=30)
    assert checked(guarded, before, keys("c", jwks=UNKNOWN)) == {**before, "jwks": UNKNOWN}
    assert "since" not in checked(guarded, {}, keys(UNKNOWN, jwks=UNKNOWN))


def test_a_key_leaves_beside_one_that_is_proven_and_asks_nobody(guarded: World) -> None:
    nobody = World(
        {
            **guarded.config,
            "acmidm:managementUrl": "http://127.0.0.1:1/management/v1",
            "acmidm:retryDeadlineSeconds": "0",
        }
    )
    before = recorded("c", OLD, NEW, old=30, new=15)
    assert checked(nobody, before, keys("c", NEW, proven=NEW)).get("refused") is None
    refused = checked(nobody, before, keys("c", NEW))["refused"]
    assert (
        'gent/loket: key "old" may leave once key "new" is proven (whether it is in use cannot be'
        " known: " in refused
    )
    assert (
        "prove the one that stays with acmidm probe onboardings/gent/loket.yaml --stack tni"
        " --client-id c --private-key FILE --send-test-message --record" in refused
    )


def test_a_key_that_is_gone_needs_no_successor(
    guarded: World, registry: Registry, client_id: str
) -> None:
    """As in a state that was restored, from before it left."""
    before = recorded(client_id, OLD, NEW, old=30, new=2)
    registry.set_keys(client_id, [NEW])
    after = checked(guarded, before, keys(client_id, NEW))
    assert (after.get("refused"), after["jwks"].keys()) == (None, {"new"})


def test_what_is_there_keeps_its_name_and_a_new_key_waits_for_room(
    guarded: World, registry: Registry, client_id: str
) -> None:
    """Five keys are the most that a client may have: a stolen one goes all the same."""
    held = [OLD, NEW, *(new_key(f"held-{number}") for number in range(3))]
    registry.set_keys(client_id, held)
    before = recorded(client_id, *held, old=30, new=2)
    stolen = {**keys("c")["rotation"], "compromised": [OLD.thumbprint()]}
    added = [new_key(f"added-{number}") for number in range(3)]
    after = checked(guarded, before, keys(client_id, NEW, *added, rotation=stolen))
    assert "may leave" in after["refused"]
    assert after["jwks"].keys() == {"new", "held-0", "held-1", "held-2", "added-0"}

    renamed = {"new": {**public_jwk(OLD), "kid": "new"}}
    registry.set_keys(client_id, [OLD, NEW])
    swapped = checked(
        guarded, recorded(client_id, OLD, NEW, old=30, new=2), keys(client_id, jwks=renamed)
    )
    assert {key["n" if "n" in key else "x"] for key in swapped["jwks"].values()} == {
        public_jwk(key)["x"] for key in (OLD, NEW)
    }


@pytest.mark.parametrize("changed", [{"exp": 1_700_000_000}, {"kid": "otherwise"}])
def test_a_key_that_ends_now_or_is_called_otherwise_leaves_as_any_other(
    guarded: World, registry: Registry, client_id: str, changed: dict[str, Any]
) -> None:
    """Whoever signs with it is refused from then on: where no other key is ready, it stays as it
    is."""
    registry.set_keys(client_id, [OLD, NEW])
    key = {**public_jwk(OLD), **changed}
    alone = checked(
        guarded, recorded(client_id, OLD, old=30), keys(client_id, jwks={key["kid"]: key})
    )
    assert 'key "old" cannot leave' in alone["refused"]
    assert alone["jwks"] == {"old": public_jwk(OLD)}
    beside = keys(client_id, jwks={key["kid"]: key, "new": public_jwk(NEW)}, proven=NEW)
    assert (
        checked(guarded, recorded(client_id, OLD, NEW, old=30, new=15), beside)["jwks"]
        == beside["jwks"]
    )


def test_keys_that_were_left_to_the_portal_in_between_are_as_old_as_they_were(
    guarded: World, registry: Registry, client_id: str
) -> None:
    """One that was uploaded there has been there for as long as it takes: nobody recorded it."""
    registry.set_keys(client_id, [OLD, NEW])
    left = checked(
        guarded, recorded(client_id, OLD, NEW, old=30, new=2), keys(client_id, jwks=None)
    )
    early = checked(guarded, left, keys(client_id, NEW, proven=NEW))
    assert 'key "old" may leave from' in early["refused"]
    uploaded = new_key("uploaded")
    registry.set_keys(client_id, [OLD, uploaded])
    guarded.provider(ClientJwksProvider)._platforms[Platform.ACMIDM].clients.forget(client_id)
    assert checked(guarded, left, keys(client_id, uploaded, proven=uploaded)).get("refused") is None


def test_a_stolen_key_goes_whoever_else_writes_the_same_keys(
    world: World, registry: Registry, client_id: str
) -> None:
    """Who stole it may upload another each time: that one is no change of ours, and is seen by the
    next look for drift."""
    provider = world.provider(ClientJwksProvider)
    before = recorded(client_id, OLD, NEW)
    registry.set_keys(client_id, [OLD, NEW, new_key("slipped")])
    stolen = keys(
        client_id, NEW, rotation={**keys("c")["rotation"], "compromised": [OLD.thumbprint()]}
    )
    with pytest.raises(ChangedMeanwhile):
        provider.update(client_id, before, checked(world, before, stolen))
    there = registry.http.get(f"/management/v1/clients/{client_id}/jwks").json()["keys"]
    assert {key["kid"] for key in there} == {"new", "slipped"}


def test_evidence_that_counts_as_none_is_named(
    guarded: World, registry: Registry, client_id: str
) -> None:
    registry.set_keys(client_id, [OLD, NEW])
    before = recorded(client_id, OLD, NEW, old=30, new=15)
    aged = checked(guarded, before, keys(client_id, NEW, proven=NEW, days_old=91))["refused"]
    assert "(its evidence is older than 90 days; its authority has not seen it in use)" in aged
    forged = checked(guarded, before, keys(client_id, NEW, refused="its signature does not hold"))[
        "refused"
    ]
    assert (
        "(its evidence counts as none: its signature does not hold; its authority has not seen it"
        " in use)" in forged
    )


def test_what_is_no_rotation_is_not_guarded(guarded: World, world: World) -> None:
    """A client with a secret, a client that is replaced, a guard that is off, a compromised key,
    one that was slipped in."""
    before = recorded("c", OLD, old=30)
    assert checked(guarded, before, keys("c", rotation=None)).get("refused") is None
    assert checked(guarded, before, keys(UNKNOWN, NEW)).get("refused") is None
    assert checked(world, before, keys("c", NEW)).get("refused") is None
    stolen = {"form": "gent/loket", "stack": "tni", "compromised": [OLD.thumbprint()]}
    assert checked(guarded, before, keys("c", rotation=stolen)).get("refused") is None
    slipped_in = {**before, "jwks": {**before["jwks"], "new": public_jwk(NEW)}}
    assert checked(guarded, slipped_in, keys("c", OLD)).get("refused") is None


@pytest.mark.parametrize("state", [recorded, before_the_guard])
def test_a_refresh_makes_no_key_a_declared_one(
    guarded: World, registry: Registry, client_id: str, state: Any
) -> None:
    """What was slipped in goes at once; what was taken away and comes back is new."""
    slipped_in = new_key("slipped-in")
    registry.set_keys(client_id, [OLD, slipped_in])
    before = state(client_id, OLD, NEW)
    read = guarded.provider(ClientJwksProvider).read(client_id, before)
    assert read.inputs is not None
    assert read.inputs["jwks"].keys() == {"old", "slipped-in"}
    assert read.inputs["since"].keys() == {OLD.thumbprint()}
    after = checked(guarded, dict(read.inputs), keys(client_id, OLD, NEW))
    assert after.get("refused") is None
    assert datetime.now(UTC) - datetime.fromisoformat(after["since"][NEW.thumbprint()]) < timedelta(
        minutes=1
    )
    in_the_form_too = checked(guarded, dict(read.inputs), keys(client_id, OLD, slipped_in))
    assert in_the_form_too["since"].keys() == {
        OLD.thumbprint(),
        slipped_in.thumbprint(),
    }, "what a run that was cut off wrote, too"
    registry.set_keys(client_id, [OLD, NEW])
    next_run = World({**guarded.config, "acmidm:requestTimeoutSeconds": "11"})
    assert outs(next_run.provider(ClientJwksProvider).read(client_id, before)) == before


def test_keys_in_the_portal_are_guarded_once_a_form_has_keys(
    guarded: World, registry: Registry, client_id: str
) -> None:
    registry.set_keys(client_id, [OLD])
    uploaded = {"platform": "acmidm", "client_id": client_id}
    assert (
        'key "old" cannot leave'
        in checked(guarded, uploaded, keys(client_id, NEW, proven=NEW))["refused"]
    )
    assert checked(guarded, uploaded, keys(client_id, OLD, NEW)).get("refused") is None


def test_so_are_those_of_a_client_that_is_taken_over(
    guarded: World, registry: Registry, application: str
) -> None:
    document = register_client(
        registry.http, keys=[OLD], software_id=None, managed_by=None, application=application
    )
    client_id = str(document["client_id"])

    def taking_over(*declared: ECKey) -> dict[str, Any]:
        wish = adopting(client_id, client_inputs(application))["adopt"]
        return checked(guarded, {}, keys(client_id, *declared, adopt=wish))

    assert 'key "old" cannot leave' in taking_over(NEW)["refused"]
    assert taking_over(OLD, NEW).get("refused") is None
