"""A Pulumi project in a scratch folder, driven by the real command line with a backend of files."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, ClassVar

from acmidm.engine.pulumi import STATE_AT_THE_END
from acmidm_onboarding import engine_resources
from acmidm_onboarding.settings import config_key, full_key
from acmidm_onboarding.values.terms import Platform
from tests.support.forms import FormFile
from tests.support.offered import catalogue_folder
from tests.support.portal import OPERATOR, RunningPortal
from tests.support.vault import PROVIDER, quick
from tests.support.warm_server import warm_environment
from tests.support.yaml_files import read_yaml, write_yaml

ROOT = Path(__file__).parents[2]
COMMAND_SECONDS = 300
_EXCEPTION = re.compile(r"^[A-Z]\w+: ")
_STACK = "pulumi:pulumi:Stack"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that a secret has in a state; its other members are the ciphertext."""
SIGNS_OF_A_TRACEBACK = ("Traceback", 'File "', "The above exception", "During handling")


def settings_of(portal: RunningPortal, platform: Platform = Platform.ACMIDM) -> dict[str, object]:
    """The settings of a platform that lead to a portal, all but the operator's key."""
    values = {
        "managementUrl": f"{portal.origin}/management/v1",
        "issuer": portal.issuer,
        "productsUrl": f"{portal.origin}/products/v1",
        "operatorClientId": OPERATOR,
    }
    return {config_key(platform, key): value for key, value in values.items()}


@dataclass
class Outcome:
    """How a command ended; ``output`` is all it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def errors(self) -> list[str]:
        """The sentences that the user sees, each once, without the name of the exception's
        class."""
        lines = (line.strip() for line in self.output.splitlines())
        said = (line.removeprefix("error: ") for line in lines if line.startswith("error: "))
        return sorted({_EXCEPTION.sub("", sentence) for sentence in said} - {"update failed"})


@dataclass
class Project:
    """The project's own ``Pulumi.yaml`` and ``__main__.py`` with forms, settings and state in
    ``folder``.

    No command may show a traceback or one of ``secrets``: that is looked at after each.
    """

    folder: Path
    stack: str = "tni"
    environment: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    seconds: int = COMMAND_SECONDS
    """What one command may take."""
    below: str = "."
    """Where in ``folder`` commands run."""
    state_at_the_end: ClassVar[bool] = True
    """Whether runs of ``pulumi`` write the state once too, as those of ``acmidm deploy`` do: with
    20 connections the engine takes a third of the time."""

    @property
    def forms(self) -> Path:
        return self.folder / "onboardings"

    def prepare(self, config: Mapping[str, object]) -> None:
        """Lays the project out and makes its stack; ``config`` are settings without their
        namespace."""
        self.forms.mkdir(parents=True, exist_ok=True)
        for file in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(ROOT / file, self.folder)
        if not (self.folder / ".venv").exists():
            self.start_python(warm_environment())
        state, file = _new_stack(self.stack)
        shutil.copytree(state, self.folder / "state", dirs_exist_ok=True)
        (self.folder / f"Pulumi.{self.stack}.yaml").write_text(file)
        self.configure(
            {
                "environment": self.stack,
                "catalogueFolder": str(catalogue_folder()),
                "keyOverlapDays": 0,
                **config,
            }
        )

    def start_python(self, environment: Path = ROOT / ".venv") -> None:
        """From which virtual environment the engine starts each Python: as its own children, but
        where tests fork them."""
        (self.folder / ".venv").unlink(missing_ok=True)
        (self.folder / ".venv").symlink_to(environment)

    def connect(self, portal: RunningPortal, **config: object) -> None:
        """Prepares the project for a portal, with its operator's key in a file."""
        key = json.dumps(portal.operator_key.as_dict(private=True))
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"operator-{self.stack}.jwk.json"
        file.write_text(key)
        self.secrets.append(str(portal.operator_key.as_dict(private=True)["d"]))
        self.prepare({**settings_of(portal), "operatorPrivateKeyFile": str(file), **config})

    def configure(self, config: Mapping[str, object]) -> None:
        """Sets settings of the stack, in the clear."""
        file = self.folder / f"Pulumi.{self.stack}.yaml"
        document: dict[str, Any] = read_yaml(file) if file.exists() else {}
        document.setdefault("config", {}).update(
            {full_key(key): value for key, value in config.items()}
        )
        write_yaml(file, document)

    def variables(self) -> dict[str, str]:
        own = {
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "of-tests",
            **quick(),
            "PULUMI_STACK": self.stack,
            "PULUMI_PYTHON_CMD": str(self.folder / ".venv" / "bin" / "python"),
            "NO_COLOR": "1",
            **(STATE_AT_THE_END if self.state_at_the_end else {}),
        }
        return {**os.environ, **own, **self.environment}

    def pulumi(self, *words: str) -> Outcome:
        """Runs the command line to its end, without asking anything."""
        outcome = self._run(words)
        self.require_nothing_shown(f"pulumi {' '.join(words)}", outcome)
        return outcome

    def succeed(self, *words: str) -> Outcome:
        """Runs a command that must succeed."""
        outcome = self.pulumi(*words)
        assert outcome.code == 0, outcome.output
        return outcome

    def up(self, *words: str) -> Outcome:
        return self.pulumi(
            "up", "--yes", "--skip-preview", "--continue-on-error", "--suppress-progress", *words
        )

    def apply(self, *words: str) -> Outcome:
        """``up``, which must succeed."""
        outcome = self.up(*words)
        assert outcome.code == 0, outcome.output
        return outcome

    def recover(self, *words: str) -> Outcome:
        """What ``make up`` runs, with nobody at the screen."""
        return self.acmidm("deploy", "--stack", self.stack, *words)

    def acmidm(self, *words: str) -> Outcome:
        """Runs this project's own command line to its end, as people and pipelines run it."""
        outcome = self._finished([str(warm_environment() / "bin" / "acmidm"), *words])
        self.require_nothing_shown(f"acmidm {' '.join(words)}", outcome)
        return outcome

    def preview(self, *words: str) -> Outcome:
        return self.pulumi("preview", "--suppress-progress", *words)

    def steps(self, *words: str) -> list[dict[str, Any]]:
        """The steps of a preview that change something, those of components and of the stack left
        out."""
        return changing(json.loads(self.succeed("preview", "--json", *words).stdout)["steps"])

    def in_sync(self) -> None:
        """Neither the forms nor the authority differ from the state."""
        outcome = self.preview("--refresh", "--expect-no-changes", "--diff")
        assert outcome.code == 0, outcome.output

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, each secret as ``[secret]``."""
        resources = self.stored().get("resources") or ()
        stack: dict[str, Any] = next((one for one in resources if one["type"] == _STACK), {})
        return dict(_without_secrets(stack.get("outputs", {})))

    def client_id(self, form: FormFile) -> str:
        """That of a form's client at ACM/IDM."""
        return str(self.outputs()["connections"][form.key]["acmidm"]["client_id"])

    def stored(self) -> dict[str, Any]:
        """The state as its file has it, secrets encrypted: also while a lock is on it."""
        name = self.stack.rpartition("/")[2]
        file = self.folder / "state" / ".pulumi" / "stacks" / "acmidm" / f"{name}.json"
        return dict(json.loads(file.read_text())["checkpoint"].get("latest") or {})

    def exported(self) -> str:
        """The same as ``pulumi stack export`` writes it, which takes a tenth of a second."""
        return json.dumps({"version": 3, "deployment": self.stored()}, indent=4)

    def change_state(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Changes what the state has, in place, as no run of this version left it."""
        state = json.loads(self.exported())
        change(state["deployment"])
        file = self.folder / "state.json"
        file.write_text(json.dumps(state))
        self.succeed("stack", "import", "--file", str(file))

    def lose(self, form: FormFile) -> None:
        """Takes all of a form out of the state, as an older backup that was put back."""

        def forget(deployment: dict[str, Any]) -> None:
            lost = {one["urn"] for one in deployment["resources"] if form.key in one["urn"]}
            deployment["resources"] = [
                one for one in deployment["resources"] if one["urn"] not in lost
            ]
            for one in deployment["resources"]:
                known = one.get("dependencies", [])
                one["dependencies"] = [urn for urn in known if urn not in lost]
                for name, urns in one.get("propertyDependencies", {}).items():
                    one["propertyDependencies"][name] = [u for u in urns or () if u not in lost]

        self.change_state(forget)

    def resources(self) -> dict[str, dict[str, Any]]:
        """The state's resources of clients, as ``OAuthClient OVO002067/loket``."""
        resources = self.stored().get("resources") or []
        return {place_of(found["urn"]): found for found in resources if is_of_client(found)}

    def shown_with_secrets(self) -> str:
        """The outputs in the clear, the one command that may show secrets."""
        return self._run(("stack", "output", "--json", "--show-secrets")).stdout

    def require_nothing_shown(self, command: str, outcome: Outcome) -> None:
        """A command shows neither a traceback nor a secret."""
        shown = [sign for sign in SIGNS_OF_A_TRACEBACK if sign in outcome.output]
        assert not shown, f"{command} shows a traceback:\n{outcome.output}"
        assert not any(secret in outcome.output for secret in self.secrets), (
            f"{command} shows a secret"
        )

    def _run(self, words: Iterable[str]) -> Outcome:
        return self._finished(["pulumi", *words, "--non-interactive"])

    def _finished(self, command: list[str]) -> Outcome:
        done = subprocess.run(
            command,
            cwd=self.folder / self.below,
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.seconds,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)


def _without_secrets(value: object) -> Any:
    if isinstance(value, dict):
        if _SIGNATURE in value:
            return "[secret]"
        return {name: _without_secrets(one) for name, one in value.items()}
    return [_without_secrets(one) for one in value] if isinstance(value, list) else value


@cache
def _new_stack(stack: str) -> tuple[Path, str]:
    """The state of a stack that has nothing yet, and its file, which has its key: made once for all
    tests of a process."""
    with TemporaryDirectory() as folder:
        project = Project(Path(folder), stack)
        (project.folder / "state").mkdir()
        shutil.copy(ROOT / "Pulumi.yaml", project.folder)
        project.succeed(
            "stack", "init", stack, *(("--secrets-provider", PROVIDER) if quick() else ())
        )
        kept = Path(mkdtemp(prefix="acmidm-stack-"))
        atexit.register(shutil.rmtree, kept)
        shutil.copytree(project.folder / "state", kept, dirs_exist_ok=True)
        return kept, (project.folder / f"Pulumi.{stack}.yaml").read_text()


def changing(steps: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those steps of a preview that change something of a client."""
    return [step for step in steps if step["op"] not in ("same", "refresh") and is_of_client(step)]


def details(steps: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, list[str]]]:
    """Per resource, what a preview does with it and the properties that change in it."""
    return {
        place_of(step["urn"]): (step["op"], sorted(step.get("detailedDiff") or {}))
        for step in steps
    }


def detail_lines(outcome: Outcome, sign: str) -> list[str]:
    """The lines of a ``preview --diff`` that a resource's properties have with this sign (``+``,
    ``-``, ``~``), outputs left out."""
    # A refreshing preview shows what it found first; what it would do about it follows.
    resources = (
        outcome.stdout.rpartition("pulumi:pulumi:Stack: (")[2]
        .partition("--outputs:--")[0]
        .partition("\nResources:")[0]
    )
    marked = (
        re.sub(r"\s+", " ", line.strip()).replace(" :", ":") for line in resources.splitlines()
    )
    return [
        line for line in marked if line.startswith(f"{sign} ") and not line.endswith((")", "{"))
    ]


def is_of_client(resource: Mapping[str, Any]) -> bool:
    """Whether a resource, or the step with one, is of a client: none of the stack, and no
    component."""
    beside = ("", engine_resources.Resource.ONBOARDING, engine_resources.HAND_OVER)
    return (
        engine_resources.is_password(resource) or engine_resources.kind_of(resource) not in beside
    )


def kind_of(urn: str) -> str:
    """The last word of a resource's type."""
    return urn.split("::")[2].rpartition("$")[2].rpartition(":")[2]


def place_of(urn: str) -> str:
    """A resource by its kind and name, as tests name it."""
    return f"{kind_of(urn)} {urn.split('::')[3]}"
