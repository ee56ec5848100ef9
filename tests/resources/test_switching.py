"""Secrets and keys of a client as its provider changes them, on a real portal: which one works
after each run."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from acmidm_onboarding.resources.oauth_client import OAuthClientProvider
from tests.resources.world import World, adopting, client_inputs, outs
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry

SECRET = {"token_endpoint_auth_method": "client_secret_post"}
FIRST, LOST, SECOND = (
    "the first secret, of gold",
    "a secret that nobody got",
    "the second secret, of ink",
)


def works(portal: RunningPortal, client_id: str, secret: str) -> bool:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return httpx.post(portal.token_endpoint, data=form, timeout=10).status_code == 200


def checked(
    provider: OAuthClientProvider, olds: dict[str, Any], news: dict[str, Any]
) -> dict[str, Any]:
    return dict(provider.check(olds, news).inputs or {})


def test_a_secret_that_nobody_got_ends_and_not_the_one_in_use(
    guarded: World, portal: RunningPortal, application: str
) -> None:
    """A run was killed after it had set one, and before the state knew it: the next one makes a
    third."""
    provider = guarded.provider(OAuthClientProvider)
    inputs = client_inputs(application, **SECRET, client_secret=FIRST)
    state = provider.create(inputs)
    provider.update(state.id, outs(state), {**inputs, "client_secret": LOST})
    for known in (outs(state), outs(provider.read(state.id, outs(state)))):
        after = provider.update(state.id, known, {**inputs, "client_secret": SECOND})
        assert [works(portal, state.id, secret) for secret in (FIRST, LOST, SECOND)] == [
            True,
            False,
            True,
        ]
    provider.update(state.id, outs(after), {**inputs, "client_secret": LOST})
    assert [works(portal, state.id, secret) for secret in (FIRST, LOST, SECOND)] == [
        False,
        True,
        True,
    ]


def test_without_an_overlap_the_secret_of_before_ends_at_once(
    world: World, portal: RunningPortal, application: str
) -> None:
    provider = world.provider(OAuthClientProvider)
    inputs = client_inputs(application, **SECRET, client_secret=FIRST)
    state = provider.create(inputs)
    provider.update(state.id, outs(state), {**inputs, "client_secret": SECOND})
    assert [works(portal, state.id, secret) for secret in (FIRST, SECOND)] == [False, True]


def test_a_secret_that_was_set_by_hand_has_no_overlap(
    guarded: World, portal: RunningPortal, registry: Registry, application: str
) -> None:
    """It may be anybody's: the declared one takes its place at once."""
    provider = guarded.provider(OAuthClientProvider)
    inputs = client_inputs(application, **SECRET, client_secret=FIRST)
    state = provider.create(inputs)
    registry.change(state.id, client_secret=LOST)
    found = outs(provider.read(state.id, outs(state)))
    assert "client_secret" not in found
    provider.update(state.id, found, inputs)
    assert [works(portal, state.id, secret) for secret in (FIRST, LOST)] == [True, False]


KEY, OTHER = new_key("declared"), new_key("other")
ENDED = ECKey.import_key(dict[str, Any](KEY.as_dict(private=True), exp=int(time.time()) - 60))
THUMBPRINT, OTHERS = str(KEY.thumbprint()), str(OTHER.thumbprint())
TO_KEYS = {"token_endpoint_auth_method": "private_key_jwt"}


@pytest.mark.parametrize(
    ("awaited", "there", "waits"),
    [
        ([THUMBPRINT], [], True),
        ([THUMBPRINT], [KEY], False),
        ([THUMBPRINT, OTHERS], [OTHER], False),
        ([THUMBPRINT], [OTHER], True),
        (None, [OTHER], False),
        (None, [], True),
        (None, [ENDED], True),
    ],
    ids=[
        "none there",
        "its key",
        "one of its keys",
        "a key that somebody slipped in",
        "uploaded",
        "not uploaded",
        "ended",
    ],
)
def test_which_key_is_waited_for(
    world: World,
    portal: RunningPortal,
    registry: Registry,
    application: str,
    awaited: list[str] | None,
    there: list[Any],
    waits: bool,
) -> None:
    """One of those that the form declares; where it leaves them to the portal, any."""
    provider = world.provider(OAuthClientProvider)
    before = client_inputs(application, **SECRET, client_secret=FIRST)
    state = provider.create(before)
    registry.set_keys(state.id, there)
    after = checked(
        provider,
        before,
        client_inputs(application, **TO_KEYS, **({"awaited_keys": awaited} if awaited else {})),
    )
    found = outs(provider.update(state.id, outs(state), after))
    assert works(portal, state.id, FIRST) is waits
    assert found["token_endpoint_auth_method"] == (
        "client_secret_post" if waits else "private_key_jwt"
    )
    assert provider.diff(state.id, found, after).changes is (True if waits else None), (
        "the next run looks again"
    )


def test_the_awaited_keys_are_an_input_of_those_alone_that_come_from_a_secret(
    world: World, application: str
) -> None:
    """A client that had keys before there was such an input stays as it is; one that is done has no
    change with each of its keys."""
    provider = world.provider(OAuthClientProvider)
    keyed = client_inputs(application, **TO_KEYS)
    wanted = {**keyed, "awaited_keys": [THUMBPRINT]}
    assert checked(provider, {}, wanted) == checked(provider, keyed, wanted) == keyed
    inputs = checked(provider, client_inputs(application, **SECRET), wanted)
    assert inputs == wanted
    rotated = checked(provider, inputs, {**keyed, "awaited_keys": [OTHERS]})
    done = {**inputs, "client_id": "x"}
    assert provider.diff("x", done, rotated).changes is False
    assert provider.diff("x", done, {**rotated, "contacts": []}).changes is None
    assert provider.diff("x", {**done, "awaits_key": True, **SECRET}, rotated).changes is True


def test_a_client_that_is_taken_over_keeps_its_secret_until_its_key_works(
    world: World, portal: RunningPortal, registry: Registry, application: str
) -> None:
    """It was made by hand, with a secret, and its form has keys: those are written after the
    client."""
    provider = world.provider(OAuthClientProvider)
    made = provider.create(client_inputs(application, **SECRET, client_secret=FIRST))
    registry.change(made.id, managed_by=None, software_id=None)
    wanted = checked(
        provider,
        {},
        adopting(made.id, client_inputs(application, **TO_KEYS, awaited_keys=[THUMBPRINT])),
    )
    assert wanted["awaited_keys"] == [THUMBPRINT]
    taken = provider.create(wanted)
    assert works(portal, made.id, FIRST)
    registry.set_keys(made.id, [KEY])
    provider.update(made.id, outs(taken), wanted)
    assert portal.client_token(KEY, made.id)
