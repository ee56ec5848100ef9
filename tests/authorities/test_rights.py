"""The least rights of an operator at the embedded authority: one to look, two to write."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from acmidm_onboarding.authorities.beheerportaal.adapter import Beheerportaal
from tests.support.fake_server import api_at
from tests.support.portal import RunningPortal, metadata
from tests.support.rights import READS, WRITES, allowed


@dataclass
class OneToken:
    """Access tokens of an operator with some rights."""

    token: str

    def current(self) -> str:
        return self.token

    def renewed(self, refused: str) -> str:
        return refused


def authority(portal: RunningPortal, *rights: str) -> Beheerportaal:
    tokens = OneToken(portal.new_operator_token("-".join(["with", *rights]), rights))
    return Beheerportaal(api_at(f"{portal.origin}/management/v1", tokens), "operator", frozenset())


@pytest.mark.parametrize(
    ("rights", "may"),
    [
        (("management_read", "management_write"), READS | WRITES),
        (("management_read",), READS),
        (("management_write",), {"register"}),
    ],
    ids=["deploys", "looks", "writes unseen"],
)
def test_the_least_rights(portal: RunningPortal, rights: tuple[str, ...], may: set[str]) -> None:
    """Who deploys needs both, for nothing is written that was not read just before; who looks at
    drift needs the first alone."""
    wanted, by_hand = metadata(), metadata(software_id=None, managed_by=None)
    everything = authority(portal, "management_read", "management_write")
    client_id, of_nobody = (
        everything.register(one, None, {}, {}).client_id for one in (wanted, by_hand)
    )
    assert allowed(authority(portal, *rights), client_id, wanted, of_nobody) == may
