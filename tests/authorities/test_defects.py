"""The defects that ``make defects`` puts into adapters can be put in, and the suite finds them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conformance.defects import DEFECTS, changed_code
from tests.support.engine import ROOT
from tests.support.third_party import PACKAGE

ALL = [defect for defects in DEFECTS.values() for defect in defects]


def test_each_is_in_its_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter that changes takes its defects along."""
    monkeypatch.syspath_prepend(PACKAGE)
    for defect in ALL:
        changed_code(defect)
    for defects in DEFECTS.values():
        assert len({defect.what for defect in defects}) == len(defects)
    assert len(ALL) >= 100


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.tool
def test_what_breaks_a_promise_is_found_and_what_breaks_none_is_not() -> None:
    """Each alone: after one is taken out, the adapter is sound again."""
    program = (
        "from tests.conformance.defects import *\n"
        "first, *_ = DEFECTS['dictionary']\n"
        "none = Defect('breaks none', DICTIONARY, 'Somebody else', 'Anybody')\n"
        "sys.exit(count('dictionary', [first, none]))"
    )
    done = run("-c", program)
    assert done.stdout.strip().splitlines() == [
        "no defect: nothing",
        "reserves nobody: test_the_operators_own_client_is_no_connections",
        "breaks none: nothing",
    ], done.stderr
    assert done.returncode == 1


@pytest.mark.exhaustive
@pytest.mark.parametrize("authority", ["dictionary", "by_hand"])
def test_all_are_found(authority: str) -> None:
    """Of the portal and Keycloak ``make defects`` counts them: that takes many minutes."""
    done = run("-m", "tests.conformance.defects", authority)
    assert done.returncode == 0, done.stdout + done.stderr
