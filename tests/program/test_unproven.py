"""What a program says of connections that are not proven: each reason once, and what it cannot know
of them without the operator's rights."""

from __future__ import annotations

import pulumi
import pytest

from acmidm_onboarding import program as declared
from acmidm_onboarding import stack as stacks
from acmidm_onboarding.recorded import recorded_in
from acmidm_onboarding.rules.desired import Desired
from acmidm_onboarding.settings import read_settings
from acmidm_onboarding.stack import open_stack
from acmidm_onboarding.values.client import Records
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.terms import Environment
from tests.support.changed import changed
from tests.support.declared import declaration
from tests.support.repository import SETTINGS

CONNECTIONS = tuple(
    declaration(
        f"loket-{number}", environment=Environment.PROD, scopes={"scope": "requested"}, jwks=None
    )
    for number in range(5)
)
NOT_KNOWN = "which this state lacks, is not known here; run acmidm deploy --stack prod"

Said = list[tuple[str, str]]
"""What the program says: how, and the sentence."""


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    lines: Said = []
    for level in ("warn", "error"):
        monkeypatch.setattr(
            pulumi.log, level, lambda line, level=level: lines.append((level, line))
        )
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    monkeypatch.setattr(stacks, "recorded", lambda _: recorded_in({}))
    return lines


def desired_with(gate: str, *connections: Declaration, there: Records | None = None) -> Desired:
    """What a program desires of connections on production that neither it nor TNI has."""
    settings = read_settings({**SETTINGS, "promotionGate": gate}.get)
    stack = open_stack("prod", lambda: settings, export=lambda _: {}, at_authorities=there)
    return declared._desired(stack, connections)


@pytest.mark.parametrize(
    ("gate", "what"), [("enforce", "not declared"), ("warn", "declared unproven")]
)
def test_each_reason_is_said_once(
    said: Said, monkeypatch: pytest.MonkeyPatch, gate: str, what: str
) -> None:
    """A gate that only warns declares them all the same."""
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    wanted = desired_with(gate, *CONNECTIONS)
    assert wanted.declared == (CONNECTIONS if gate == "warn" else ())
    names = ", ".join(f"OVO002067/loket-{number} on prod" for number in range(3))
    reasons = [line for _, line in said if line.startswith(f"{what}: {names} and 2 more: ")]
    assert len(reasons) == len(set(reasons)) == 2
    assert "there is no evidence from TNI" in reasons[-1]


def test_a_preview_warns_of_what_a_run_cannot_know(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a run fails: the authority may have those clients."""
    for is_dry_run, level in ((True, "warn"), (False, "error")):
        monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda is_dry_run=is_dry_run: is_dry_run)
        said.clear()
        desired_with("enforce", *CONNECTIONS)
        assert [how for how, line in said if NOT_KNOWN in line] == [level]


def test_a_program_that_a_command_runs_says_none_of_it(said: Said) -> None:
    """The command has said it, and has asked the authorities."""
    desired_with("enforce", *CONNECTIONS, there={})
    assert said == []


def test_a_run_fails_where_what_has_ended_may_still_be_there(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A supplier whose mandate has ended, and what retires from a state that has nothing."""
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    first, second = CONNECTIONS[:2]
    ended = changed(first, mandate={"supplier": "leverancier", "until": "2020-12-31"})
    retired = changed(second, retire={"acmidm": "2020-12-31"})
    desired_with("off", ended, retired)
    (sentence,) = [line for how, line in said if how == "error"]
    assert f"{ended.key}, {retired.key}, {NOT_KNOWN}" in sentence


@pytest.mark.usefixtures("said")
def test_what_one_run_cannot_know_fails_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process may run programs for several stacks, or one twice."""
    found = []
    for root, connections in (("first", CONNECTIONS), ("second", ())):
        monkeypatch.setattr(pulumi.runtime, "get_root_resource", lambda root=root: root)
        desired_with("enforce", *connections)
        found.append(len(declared.unknown_clients()))
    assert found == [len(CONNECTIONS), 0]
