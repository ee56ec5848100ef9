"""When so many clients go at once that somebody must allow it."""

from __future__ import annotations

import pytest

from acmidm_onboarding.rules.mass_change import is_mass_change, undeclared
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.changed import changed
from tests.support.declared import declaration


@pytest.mark.parametrize(
    ("gone", "clients", "is_one"),
    [(3, 10, False), (4, 10, True), (9, 9, False), (300, 1000, False), (301, 1000, True)],
)
def test_more_than_thirty_percent_of_ten_or_more(gone: int, clients: int, is_one: bool) -> None:
    assert is_mass_change(gone, clients) is is_one


def test_what_is_renamed_is_declared_still() -> None:
    """And what has no client, as a part that a failed rename left, does not go."""
    records = {
        name: Client(name, Platform.ACMIDM, Environment.TNI, client_id=client_id)
        for name, client_id in {
            "OVO002067/oud": "a",
            "OVO002067/weg": "b",
            "OVO002067/deel": None,
        }.items()
    }
    form = declaration("nieuw", scopes={}, jwks=None)
    assert undeclared([changed(form, formerly=("OVO002067/oud",))], records) == ["OVO002067/weg"]
    assert undeclared([form], records) == ["OVO002067/oud", "OVO002067/weg"]
