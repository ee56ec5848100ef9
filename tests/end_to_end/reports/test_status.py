"""The list of connections over all stacks, with the real engine and two authorities."""

from __future__ import annotations

import csv
import shutil

from tests.support.engine import Outcome, Project
from tests.support.forms import write_form
from tests.support.portal import RunningPortal
from tests.support.two_stacks import Both, with_production


def test_all_stacks_unless_one_is_named(both: Both, portal: RunningPortal) -> None:
    """Also who lacks production, on whichever stack; a stack that was never made has nothing. One
    that cannot be read is said, and the others are shown, unless what it has decides."""
    both.tni.connect(portal)
    both.prod.configure({"promotionGate": "off"})
    whole, alone = with_production(both.tni, "beide"), write_form(both.tni.forms, "gent/alleen-tni")
    both.tni.apply()
    both.prod.apply()
    shutil.copy(both.tni.folder / "Pulumi.tni.yaml", both.tni.folder / "Pulumi.elsewhere.yaml")
    on_test, on_production, lacking = (
        (whole.application, "tni"),
        (whole.application, "prod"),
        (alone.application, "tni"),
    )

    assert rows(status(both.tni)) == {on_test, on_production, lacking}
    assert rows(status(both.tni, "--stack", "prod")) == {on_production}
    for more in ((), ("--stack", "tni")):
        assert rows(status(both.tni, "--without", "prod", *more)) == {lacking}
    on_tni = ("--stack", "tni", "--waiting-for")
    assert rows(status(both.tni, *on_tni, "us")) == {on_test, lacking}
    assert rows(status(both.tni, *on_tni, "organisation")) == set()
    board = status(both.tni, "--board", *on_tni, "us", "--without", "prod")
    assert rows(board) == {lacking}
    [waiting] = csv.DictReader(board.stdout.splitlines())
    assert (waiting["step"], waiting["waits_for"]) == (
        "3. Client-ID bezorgen",
        "Digitaal Vlaanderen",
    )
    assert status(both.tni, "--stack", "elsewhere", code=2).stdout == ""

    (state,) = both.prod.folder.glob("state/.pulumi/stacks/*/prod.json")
    state.write_text("{")
    unread = status(both.tni, code=3)
    assert rows(unread) == {on_test, lacking}
    assert unread.stderr.startswith("warning: pulumi stack")
    assert status(both.tni, "--without", "prod", code=3).stdout == ""


def status(project: Project, *words: str, code: int = 0) -> Outcome:
    outcome = project.acmidm("status", "--output", "csv", *words)
    assert outcome.code == code, outcome.output
    return outcome


def rows(outcome: Outcome) -> set[tuple[str, str]]:
    """Each application, with its stack."""
    return {
        (row["application"], row["stack"]) for row in csv.DictReader(outcome.stdout.splitlines())
    }
