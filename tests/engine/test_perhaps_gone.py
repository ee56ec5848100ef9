"""A client that its authority may have no more hides none of the others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from acmidm.desk.facts import _Answers
from acmidm.engine.stacks import uploaded_keys
from acmidm_onboarding.authorities.errors import PerhapsGone
from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.portal import metadata
from tests.support.unanswered_stack import stack


@pytest.fixture
def opened() -> Stack:
    """A stack whose authority says so of one client."""

    def read(client_id: str) -> RegisteredClient:
        if client_id == "a":
            raise PerhapsGone("nobody can tell whether client a is gone")
        return RegisteredClient(client_id, metadata())

    made = stack()
    made.authorities.__dict__["platforms_briefly"] = {
        Platform.ACMIDM: SimpleNamespace(clients=SimpleNamespace(get=read), authority=None)
    }
    return made


CLIENTS = [
    Client(f"OVO002067/{name}", Platform.ACMIDM, Environment.TNI, client_id=name)
    for name in ("a", "b")
]


def test_the_keys_of_others_are_read(opened: Stack) -> None:
    assert list(uploaded_keys(opened.authorities, CLIENTS)) == [CLIENTS[1].client_key]


def test_the_facts_of_others_are_known(opened: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(_Answers(opened.authorities, CLIENTS).registered) == [CLIENTS[1].client_key]
    assert "nobody can tell" in capsys.readouterr().err
