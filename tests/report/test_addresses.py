"""Keys at an address in drift and list: nobody is told that the portal has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acmidm.desk.status import row_of
from acmidm.desk.views import Status
from acmidm.report.three_views import compare_clients
from acmidm_onboarding.recorded import Recorded
from acmidm_onboarding.values.client import Client
from tests.report.views import AT, FIRST, ID, SECOND, at, real, stored
from tests.support.rendering import print_report
from tests.support.samples import COMPARISON, NOW


@pytest.mark.parametrize("address", [FIRST, SECOND, None], ids=["as declared", "another", "none"])
def test_an_address_that_was_changed_by_hand_is_drift(address: str | None) -> None:
    declared = at(FIRST)
    recorded = replace(stored(keys=None), fields=declared.fields)
    [one] = compare_clients(
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
    [one] = compare_clients(
        recorded_as(recorded), {recorded.client_key: recorded}, found, COMPARISON
    )
    assert (one.by_hand, one.pending) == (None, None)
    declared = at(FIRST)
    [one] = compare_clients(
        recorded_as(recorded), {declared.client_key: declared}, found, COMPARISON
    )
    assert one.by_hand is None
    assert one.pending is not None
    assert [change.text for change in one.pending.changes] == [AT.format(FIRST)]


def recorded_as(state: Client) -> Recorded:
    return Recorded({state.resource_name: state})


def test_the_list_of_connections_has_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    one = row_of("prod", replace(at(FIRST), client_id=ID), NOW)
    assert not one.keys_in_portal
    assert FIRST in one.words
    status = Status(checked_at=NOW, stacks=("prod",), connections=(one,))
    print_report(status)
    assert f"at {FIRST}" in capsys.readouterr().out.replace("\n", "")
