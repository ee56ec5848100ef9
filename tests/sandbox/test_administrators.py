"""How many people may manage an organisation's clients."""

from __future__ import annotations

import httpx

from tests.support.people import add_user, remove_user, set_right
from tests.support.portal import RunningPortal

_PATH = "/management/v1/organisations/{}/administrators"


def test_only_those_with_the_right_count(portal: RunningPortal, operator: httpx.Client) -> None:
    """By OVO code or KBO number, from the moment on that the right is granted; no name is given
    away."""
    users, ovo, kbo = portal.settings.database, "OVO019999", "0406798006"

    def counts() -> list[int]:
        return [
            operator.get(_PATH.format(code)).raise_for_status().json()["count"]
            for code in (ovo, kbo)
        ]

    add_user(users, "zonder-recht", [ovo, kbo], api_beheerder=False)
    assert counts() == [0, 0]
    set_right(users, "zonder-recht", api_beheerder=True)
    add_user(users, "alleen-kbo", [kbo], api_beheerder=True)
    answer = operator.get(_PATH.format(ovo))
    assert counts() == [1, 2]
    assert answer.json() == {"count": 1}
    for name in ("zonder-recht", "alleen-kbo"):
        remove_user(users, name)
    assert counts() == [0, 0]


def test_a_number_that_departments_share_is_nobodys(
    portal: RunningPortal, operator: httpx.Client
) -> None:
    """Who acts for one department says nothing of another."""
    add_user(
        portal.settings.database, "departement", ["OVO019998", "0316.380.841"], api_beheerder=True
    )
    assert operator.get(_PATH.format("0316380841")).json() == {"count": 0}
    remove_user(portal.settings.database, "departement")
