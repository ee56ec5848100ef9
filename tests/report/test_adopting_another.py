"""A form names a client under ``adopt`` whose connection has one already."""

from __future__ import annotations

from typing import Any

import pytest

from acmidm.report.three_views import ActualPlatform, ClientDrift, compare_clients
from acmidm_onboarding.recorded import Recorded
from acmidm_onboarding.values.terms import Platform
from tests.report.views import ID, real, stored, wanted
from tests.support.changed import changed
from tests.support.samples import COMPARISON

ANOTHER = "client-2"


def adopting(client_id: str, there: dict[Platform, ActualPlatform], **recorded: Any) -> ClientDrift:
    """The drift of a connection whose form names a client under ``adopt``."""
    declared = changed(wanted(), adopts=client_id)
    state = changed(stored(), **recorded)
    (drift,) = compare_clients(
        Recorded({state.resource_name: state}),
        {declared.client_key: declared},
        there,
        COMPARISON,
    )
    return drift


@pytest.mark.parametrize("recorded", [None, ANOTHER], ids=["made", "taken over"])
def test_the_client_that_it_has_is_no_change(recorded: str | None) -> None:
    """A form may name it, whether the run that made it was a take-over or not: no run refuses it,
    and none changes anything."""
    drift = adopting(ID, real(), adopts=recorded)
    assert (drift.pending, drift.parts_pending, drift.by_hand) == (None, set(), None)


def test_another_client_waits_until_the_form_is_corrected() -> None:
    """Each run refuses it, and with it all of the connection: so no repair tries one."""
    drift = adopting(ANOTHER, real(scopes=("vo_info", "dv_x")))
    assert drift.pending is not None
    assert [change.kind.value for change in drift.pending.changes] == ["client_adopted"]
    assert drift.parts_pending == {"OAuthClient"}
    assert drift.not_healed == drift.parts_by_hand == {"ClientScopes"}
    assert drift.healing == []


def test_a_client_that_somebody_removed_waits_for_it_too() -> None:
    drift = adopting(ANOTHER, real(exists=False))
    assert drift.pending is not None
    assert [change.kind.value for change in drift.pending.changes] == ["client_adopted"]
    assert drift.healing == []
