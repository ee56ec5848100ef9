"""A Git repository of forms, for reviews of a change in it."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm_onboarding.settings import full_key
from tests.support.engine import ROOT
from tests.support.forms import PLAIN, FormFile, read_form, write_form
from tests.support.yaml_files import write_yaml

EVIL = "https://evil.example"
SETTINGS = {
    "environment": "prod",
    "managementUrl": "https://beheer.example/management/v1",
    "issuer": "https://op.example/op",
    "productsUrl": "https://beheer.example/products/v1",
    "operatorClientId": "onboarding",
    "protectClients": "true",
}


def git(folder: Path, *words: str) -> str:
    identity = (
        "-c",
        "user.name=tests",
        "-c",
        "user.email=tests@example.org",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "maintenance.auto=false",  # a process that finds nothing to do, after each commit
    )
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


class Repository:
    """A repository of forms on ``main``, and a change of it on ``change``."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(_new_repository(), folder, dirs_exist_ok=True)
        self.folder = folder
        self.form = read_form(folder / "onboardings", "gent/loket")

    def git(self, *words: str) -> str:
        return git(self.folder, *words)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=x")

    def merge(self) -> None:
        """Make ``main`` what is here now, and the change none yet."""
        self.commit()
        self.git("branch", "--quiet", "--force", "main", "change")

    def write(self, name: str, **how: Any) -> FormFile:
        return _write(self.folder, name, **how)

    def set(self, stack: str, **changes: object) -> None:
        """Writes the file of a stack; a setting that is None is left out."""
        _set(self.folder, stack, **changes)

    def replace(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text()
        assert old in text
        (self.folder / file).write_text(text.replace(old, new, 1))

    def add(self, file: str, text: str = "x\n") -> None:
        (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / file).write_text(text)

    def run(self, *words: str, code: int = 0) -> Result:
        """``acmidm`` in this process, without an engine."""
        result = CliRunner().invoke(app, words)
        assert result.exit_code == code, result.output
        return result

    def review(self, *words: str, code: int = 0) -> Result:
        self.commit()
        return self.run("review", "--base", "main", "--head", "change", *words, code=code)

    def report(self, code: int = 0) -> dict[str, Any]:
        """The review as data."""
        return dict(json.loads(self.review("--output", "json", code=code).stdout))

    def other_changes(self) -> list[str]:
        """The sentences of what changes beside the clients."""
        return [change["text"] for change in self.report()["other_changes"]]

    def of_clients(self, code: int = 0) -> dict[str, dict[str, dict[str, Any]]]:
        """The changes of each client, by its application and their kind."""
        return {
            one["application"]: {change["kind"]: change for change in one["changes"]}
            for one in self.report(code)["connections"]
        }

    def of_client(self, application: str) -> dict[str, dict[str, Any]]:
        """The changes of a client, by kind."""
        return self.of_clients()[application]


@cache
def _new_repository() -> Path:
    """One that nobody has changed yet: made once for all tests of a process."""
    folder = Path(mkdtemp(prefix="acmidm-repository-"))
    atexit.register(shutil.rmtree, folder)
    shutil.copytree(ROOT / "catalogue", folder / "catalogue")
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    _set(folder, "prod")
    _set(folder, "tni", environment="tni", protectClients="false")
    _write(folder, "loket")
    git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=x")
    git(folder, "switch", "--quiet", "--create", "change")
    git(folder, "repack", "-a", "-d", "--quiet")  # each test copies it: one file for all objects
    return folder


def _write(folder: Path, name: str, **how: Any) -> FormFile:
    return write_form(
        folder / "onboardings",
        f"gent/{name}",
        **{"application": name, "scopes": (PLAIN,), "environment": "prod", **how},
    )


def _set(folder: Path, stack: str, **changes: object) -> None:
    values = {
        full_key(name): value
        for name, value in {**SETTINGS, **changes}.items()
        if value is not None
    }
    write_yaml(folder / f"Pulumi.{stack}.yaml", {"encryptionsalt": "v1:abc", "config": values})


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(tmp_path)
    return Repository(tmp_path)
