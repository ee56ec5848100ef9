"""Keys at an address in reports: who is the client then is a danger, and nobody is told that the
portal has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from acmidm.desk.status import listed
from acmidm.desk.views import Status
from acmidm.report.three_views import drifted
from acmidm_onboarding.recorded import Recorded
from acmidm_onboarding.values.client import Client
from tests.report.views import ID, OWNERS, real, stored
from tests.support.rendering import print_report
from tests.support.samples import COMPARISON, NOW, client

FIRST, SECOND = "https://keys.gent.example/jwks", "https://sleutels.gent.example/jwks"


def at(address: str | None, **how: Any) -> Client:
    """A client whose keys are at an address, or in the portal."""
    return client(keys=None, fields={"jwks_uri": address} if address else {}, owners=OWNERS, **how)


AT = "takes its keys from {}, and whoever writes there is the client"
OFF = f"no longer takes its keys from {FIRST}"
PORTAL = (
    "leaves its keys to its organisation, in the portal; no change there is seen any more, and"
    " these stay valid"
)


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        (client(), at(FIRST), [AT.format(FIRST)]),
        (at(FIRST), at(SECOND), [f"{AT.format(SECOND)}: jwks_uri {FIRST} → {SECOND}"]),
        (at(None), at(FIRST), [AT.format(FIRST)]),
        (
            at(FIRST),
            client(),
            [
                "gains key a with thumbprint thumbprint-of-a",
                "gains key b with thumbprint thumbprint-of-b",
                OFF,
            ],
        ),
        (at(FIRST), at(None), [PORTAL]),
        (at(FIRST), at(FIRST, scopes={}), ["loses scope vo_info"]),
    ],
    ids=[
        "instead of keys",
        "another address",
        "instead of the portal",
        "keys again",
        "the portal again",
        "unchanged",
    ],
)
def test_what_becomes_of_the_keys_is_told(
    before: Client, after: Client, sentences: list[str]
) -> None:
    found = COMPARISON.between(before, after)
    assert found is not None
    assert [change.text for change in found.changes] == sentences
    dangerous = (bool(after.jwks_uri) and before.jwks_uri != after.jwks_uri) or sentences == [
        PORTAL
    ]
    assert (found.worst.severity == "danger") is dangerous


def test_from_a_secret_to_an_address_is_a_danger_and_waits_for_nothing() -> None:
    """Nobody looks at what is there, so that the secret ends at once."""
    method = "token_endpoint_auth_method"
    secret = client(keys=None, fields={method: "client_secret_basic"}, owners=OWNERS)
    found = COMPARISON.between(secret, at(FIRST))
    assert found is not None
    kinds = {change.kind.value for change in found.changes}
    assert "keys_at_address" in kinds
    assert "secret_until_key" not in kinds
    assert found.worst.severity == "danger"


def test_a_new_client_says_so_too() -> None:
    """And waits for no key in the portal."""
    found = COMPARISON.between(None, at(FIRST))
    assert found is not None
    kinds = [change.kind.value for change in found.changes]
    assert "keys_at_address" in kinds
    assert "key_awaited" not in kinds
    assert any(f"private_key_jwt with keys at {FIRST}" in change.text for change in found.changes)


@pytest.mark.parametrize("address", [FIRST, SECOND, None], ids=["as declared", "another", "none"])
def test_an_address_that_was_changed_by_hand_is_drift(address: str | None) -> None:
    declared = replace(at(FIRST), owners=OWNERS)
    recorded = replace(stored(keys=None), fields=declared.fields)
    [one] = drifted(
        recorded_as(recorded),
        {declared.client_key: declared},
        real(metadata={"jwks_uri": address}, keys=()),
        COMPARISON,
    )
    assert one.pending is None
    if address == FIRST:
        assert one.by_hand is None
        return
    assert one.by_hand is not None
    [change] = one.by_hand.changes
    assert change.severity == "danger"
    assert change.text == (
        f"was made to take its keys from {SECOND}: jwks_uri {FIRST} → {SECOND}"
        if address
        else f"was made to take its keys no longer from {FIRST}"
    )
    assert one.healing == [recorded.record.urns["OAuthClient"]]


def test_an_address_in_the_portal_of_one_that_looks_after_its_own_keys_is_none() -> None:
    """As any other change of keys that are left to the portal; a form that then has an address
    waits to be applied."""
    recorded = stored(keys=None)
    found = real(metadata={"jwks_uri": SECOND}, jwks={"jwks_uri": {"jwks_uri": SECOND}})
    [one] = drifted(recorded_as(recorded), {recorded.client_key: recorded}, found, COMPARISON)
    assert (one.by_hand, one.pending) == (None, None)
    declared = replace(at(FIRST), owners=OWNERS)
    [one] = drifted(recorded_as(recorded), {declared.client_key: declared}, found, COMPARISON)
    assert one.by_hand is None
    assert one.pending is not None
    assert [change.text for change in one.pending.changes] == [AT.format(FIRST)]


def recorded_as(state: Client) -> Recorded:
    return Recorded({state.resource_name: state})


def test_the_list_of_connections_has_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    one = listed("prod", replace(at(FIRST), client_id=ID), NOW)
    assert not one.keys_in_portal
    assert FIRST in one.words
    status = Status(checked_at=NOW, stacks=("prod",), connections=(one,))
    print_report(status)
    assert f"at {FIRST}" in capsys.readouterr().out.replace("\n", "")
