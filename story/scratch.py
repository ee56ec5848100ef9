"""A scratch Git repository with this project in it, and the commands that people and pipelines run
there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from acmidm_onboarding.values.problems import Failure
from toolchain import environment
from toolchain.common import VENV

PROJECT = Path(__file__).parents[1]
_FILES = ("Pulumi.yaml", "__main__.py", "catalogue")
_COMMAND_SECONDS = 300


class CommandFailed(Failure):
    """A command that ended with another exit code than expected, with all that it printed."""


@dataclass
class Scratch:
    """A Git repository in a folder, with this project's program and catalogue, and a state of
    Pulumi's in it."""

    folder: Path
    files: tuple[str, ...] = ()
    """Further files and folders of the project, to be copied into it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables beside those that lead Pulumi to a state of its own."""

    def lay_out(self) -> None:
        """Make the repository anew, with no form and no commit."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "state").mkdir(parents=True)
        for name in (*_FILES, *self.files):
            source, target = PROJECT / name, self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, target)
        (self.folder / ".venv").symlink_to(VENV)
        self.run("git", "init", "--quiet", "--initial-branch", "main")
        self.run("git", "config", "user.name", "team")
        self.run("git", "config", "user.email", "team@stad.example")
        (self.folder / ".git" / "info" / "exclude").write_text(
            ".venv\n.local\nstate\n__pycache__\n"
        )

    def configure(self, stack: str, settings: Mapping[str, object]) -> None:
        """Make a stack with these settings, as ``{"managementUrl": …}``: write its file, and
        initialise it."""
        config = {f"acmidm:{key}": value for key, value in settings.items()}
        (self.folder / f"Pulumi.{stack}.yaml").write_text(
            yaml.safe_dump({"config": config}, sort_keys=False)
        )
        self.run("pulumi", "stack", "init", stack)

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of each command: the clone's tools, and a state inside the repository."""
        of_scratch = {
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "of-the-story",
            "NO_COLOR": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        return {**os.environ, **environment.variables(), **of_scratch, **self.environment}

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command, and return what it prints. Raises CommandFailed where its exit code is not
        ``code``."""
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        if done.returncode != code:
            raise CommandFailed(
                f"{' '.join(words)} ended with {done.returncode}, not"
                f" {code}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout
