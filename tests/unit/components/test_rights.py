"""The least rights of an operator at the embedded authority: one to look, two to write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from acmidm_onboarding.authorities.beheerportaal import Beheerportaal
from acmidm_onboarding.authorities.errors import NotAllowed
from tests.faults.between import metadata
from tests.support.fake_server import api_at
from tests.support.forms import SEND
from tests.support.portal import RunningPortal, new_key, public_jwk

READS = {"list", "read", "who is reserved"}
WRITES = {"register", "update", "scopes", "keys", "remove"}


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
    [(("management_read", "management_write"), READS | WRITES), (("management_read",), READS), (("management_write",), {"register"})],
    ids=["deploys", "looks", "writes unseen"],
)
def test_the_least_rights(portal: RunningPortal, application: str, rights: tuple[str, ...], may: set[str]) -> None:
    """Who deploys needs both, for nothing is written that was not read just before; who looks at drift needs the first alone."""
    wanted = metadata(application)
    client_id = authority(portal, "management_read", "management_write").register(wanted, None).client_id
    one = authority(portal, *rights)
    acts: dict[str, Callable[[], object]] = {
        "list": lambda: list(one.clients()),
        "read": lambda: one.snapshot(client_id),
        "who is reserved": lambda: one.reserved(client_id),
        "register": lambda: one.register(metadata(f"{application}-2"), None),
        "scopes": lambda: one.replace_scopes(client_id, None, {SEND: False}),
        "keys": lambda: one.replace_jwks(client_id, None, {"a": public_jwk(new_key("a"))}),
        "update": lambda: one.update(client_id, wanted, wanted.model_copy(update={"contacts": ("a@b.example",)}), None),
        "remove": lambda: one.remove(client_id, wanted.owner),
    }
    done = set()
    for name, act in acts.items():
        with suppress(NotAllowed):
            act()
            done.add(name)
    assert done == may
