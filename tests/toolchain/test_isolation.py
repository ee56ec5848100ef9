"""Tests see nothing of the stacks of this clone, nor of the shell of whoever runs them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from acmidm_onboarding import recorded
from tests.support.engine import ROOT
from tests.support.isolation import isolated

pytestmark = pytest.mark.tool


def test_no_stack_of_the_clone_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where the engine runs in the clone: no stack was brought up here."""
    monkeypatch.chdir(ROOT)
    done = subprocess.run(
        ["pulumi", "stack", "ls", "--json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
    assert recorded.is_missing("tni")


def test_nothing_of_a_shell_is_seen(tmp_path: Path) -> None:
    """Neither where its state is, nor how commands are to work in it."""
    shell = {
        "HOME": "/home/someone",
        "PULUMI_BACKEND_URL": "file:///elsewhere",
        "PULUMI_STACK": "prod",
        "ACMIDM_DRIFT_ASSIGNEES": "elsewhere",
        "ACMIDM_LANGUAGE": "nl",
        "ACMIDM_TRUSTED_HOSTS": "elsewhere.example",
        "BACKEND": "postgres",
        "STACK": "prod",
    }
    environment = isolated(shell, tmp_path)
    assert environment["HOME"] == "/home/someone"
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path / 'state'}"
    assert "elsewhere" not in str(environment)
    assert not environment.keys() & shell.keys() - {"HOME", "PULUMI_BACKEND_URL"}
