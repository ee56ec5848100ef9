"""The wheel in an empty environment: the program of ``docs/library.md`` on the sandbox, then the
command line on its stack."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Collection, Mapping
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from acmidm_onboarding.installed import VERSION
from tests.support.engine import ROOT, Project
from tests.support.forms import PLAIN, write_form
from tests.support.portal import RunningPortal, new_key, public_jwk
from tests.support.ports import free_port
from tests.support.registry import Registry
from toolchain.make_repository import build_wheel

_PROGRAM = re.compile(r"## A connection in ten lines\n```python\n(.*?)```", re.DOTALL)


class Elsewhere(Project):
    """Another project, with an environment of its own in which nothing of this clone can be
    imported."""

    @property
    def bin(self) -> Path:
        return self.folder / ".venv" / "bin"

    def prepare(self, config: Mapping[str, object]) -> None:
        """The program of the page, its key, and its stack: without forms, and without a catalogue
        of its own."""
        found = _PROGRAM.search((ROOT / "docs" / "library.md").read_text())
        assert found
        assert len([line for line in found[1].splitlines() if line]) <= 10
        (self.folder / "__main__.py").write_text(found[1])
        (self.folder / "Pulumi.yaml").write_text(
            "name: elsewhere\nruntime: {name: python, options: {virtualenv: .venv}}\n"
        )
        (self.folder / "loket.jwk.json").write_text(json.dumps(public_jwk(new_key("loket-1"))))
        (self.folder / "state").mkdir()
        self.configure({"environment": self.stack, **config})
        self.succeed("stack", "init", self.stack)

    def make_environment(self) -> None:
        venv = self.folder / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        self._link("pip")  # by which the engine asks for the plugins that packages name
        engine = Path(shutil.which("pulumi", path=self.variables()["PATH"]) or "pulumi").parent
        path = os.pathsep.join([str(self.bin), str(engine), os.defpath])
        self.environment = {"PULUMI_PYTHON_CMD": str(self.bin / "python"), "PATH": path}

    def install(self, wheel: Path, *extras: str) -> None:
        """A wheel, and what it needs with these extras: links to this clone's packages, for pip
        takes half a minute to unpack them. It does that in test_repository.py."""
        if not self.site.joinpath("acmidm_onboarding").exists():
            pip = [sys.executable, "-m", "pip", "--python", str(self.bin / "python"), "install"]
            subprocess.run([*pip, "--quiet", "--no-deps", "--no-compile", str(wheel)], check=True)
        for name in needed(wheel, extras):
            self._link(name)

    @property
    def site(self) -> Path:
        """Where its packages are."""
        (site,) = self.bin.parent.glob("lib/python*/site-packages")
        return site

    def _link(self, name: str) -> None:
        package = distribution(name)
        for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            if not (self.site / top).exists():
                (self.site / top).symlink_to(str(package.locate_file(top)))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of its environment."""
        command = [str(self.bin / words[0]), *words[1:]]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables(),
            capture_output=True,
            text=True,
            check=False,
        )


def needed(wheel: Path, extras: Collection[str]) -> set[str]:
    """The names of all packages that a wheel needs with some extras, by what their metadata say."""
    (metadata,) = (one for one in zipfile.Path(wheel).iterdir() if one.name.endswith(".dist-info"))
    found: set[tuple[str, frozenset[str]]] = set()
    waiting: list[tuple[Distribution, Collection[str]]] = [(PathDistribution(metadata), extras)]
    while waiting:
        package, chosen = waiting.pop()
        for line in package.requires or ():
            requirement = Requirement(line)
            one = (requirement.name, frozenset(requirement.extras))
            if one not in found and is_needed(requirement, chosen):
                found.add(one)
                waiting.append((distribution(requirement.name), requirement.extras))
    return {name for name, _ in found}


def is_needed(requirement: Requirement, extras: Collection[str]) -> bool:
    """Whether a package needs another one here, with some of its extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, ""))


def _lacks(ended: subprocess.CompletedProcess[str], command: str) -> bool:
    """Return whether a command has said in one sentence that one of its packages is missing."""
    sentence = (
        rf"{command} needs the package \w+, which is not installed; run pip install"
        r" 'acmidm-onboarding\[[a-z,]+\]'\n"
    )
    return ended.returncode == 1 and bool(re.fullmatch(sentence, ended.stderr))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.mark.exhaustive
def test_the_sandbox_alone_gives_a_token(wheel: Path, tmp_path: Path) -> None:
    """With its extra and nothing else: by the three commands that it says."""
    project = Elsewhere(tmp_path / "alone")
    project.folder.mkdir()
    project.make_environment()
    project.install(wheel, "sandbox")
    assert project.run("python", "-c", "import typer").returncode == 1, "no command line is there"
    file = project.folder / "sandbox.yaml"
    example = (ROOT / "acmidm_sandbox" / "sandbox.yaml").read_text()
    file.write_text(example.replace("8511", str(free_port())))
    command = [project.bin / "acmidm-sandbox", file]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        assert process.stderr
        for line in process.stderr:
            if "Uvicorn running" in line:
                break
        os.set_blocking(process.stdout.fileno(), False)
        said = process.stdout.read().splitlines()
        commands = "\n".join(line for line in said if line.startswith("    "))
        shell = subprocess.run(["sh", "-ec", commands], capture_output=True, text=True, check=False)
        process.terminate()
    assert json.loads(shell.stdout)["scope"] == "dv_notificaties_import", shell.stderr


@pytest.mark.exhaustive
def test_another_project_uses_the_wheel(
    wheel: Path, portal: RunningPortal, registry: Registry, tmp_path: Path
) -> None:
    """Ten lines, with types, declare a client with its key; status and drift know it; a change by
    hand shows."""
    project = Elsewhere(tmp_path / "elsewhere")
    project.folder.mkdir()
    project.make_environment()
    project.install(wheel)
    project.connect(portal)

    assert project.run("python", "-c", "import fastapi").returncode == 1, (
        "the module alone has no web framework"
    )
    project.apply()
    project.in_sync()
    (client,) = registry.clients("loket")
    assert (client["software_id"], client["managed_by"]) == (
        "acmidm/tni/OVO002067/loket",
        "elsewhere/tni",
    )
    for command in ("acmidm", "acmidm-sandbox"):
        assert _lacks(project.run(command), command)

    types = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--python-executable",
        str(project.bin / "python"),
        "__main__.py",
    ]
    typed = subprocess.run(types, cwd=project.folder, capture_output=True, text=True, check=False)
    assert typed.returncode == 0, typed.stdout

    project.install(wheel, "cli")
    started = project.run("acmidm", "sandbox", "start", "--stack", "tni")
    assert _lacks(started, "this command")
    assert "loket" in project.run("acmidm", "status", "--stack", "tni").stdout
    assert project.run("acmidm", "drift", "--stack", "tni").returncode == 0
    write_form(project.forms)
    assert project.run("acmidm", "validate").stdout == "1 form, 1 connection: all valid\n"
    shutil.rmtree(project.forms)
    registry.set_scopes(client["client_id"], [])
    by_hand = project.run("acmidm", "drift", "--stack", "tni")
    assert (by_hand.returncode, PLAIN in by_hand.stdout) == (1, True)
    require_other_copies_refused(project)


def require_other_copies_refused(project: Elsewhere) -> None:
    """An older version than the state's, sources beside the program, a second version in the same
    environment: each is one sentence, and changes nothing."""
    site, program = project.site, project.folder / "acmidm_onboarding"
    package = site / "acmidm_onboarding"
    file = package / "installed.py"
    text, before = file.read_text(), resources_of(project)
    file.write_text(text.replace(f'VERSION = "{VERSION}"', 'VERSION = "0.0.9"'))
    refused = [
        (project.up(), f"version {VERSION} of acmidm-onboarding brought tni up, and this is")
    ]
    file.write_text(text)

    shutil.copytree(package, program)
    sentence = f"acmidm_onboarding {VERSION} is imported from {program}, while {VERSION} is"
    refused.append((project.up(), sentence))
    shutil.rmtree(program)

    (metadata,) = site.glob("acmidm_onboarding-*.dist-info")
    shutil.copytree(metadata, site / "acmidm_onboarding-0.0.9.dist-info")
    second = site / "acmidm_onboarding-0.0.9.dist-info" / "METADATA"
    second.write_text(second.read_text().replace(f"Version: {VERSION}", "Version: 0.0.9"))
    sentence = "more than one version of acmidm-onboarding is installed: 0.0.9 ("
    refused.append((project.up(), sentence))
    drift = project.run("acmidm", "drift", "--stack", "tni")
    assert (drift.returncode, drift.stderr.startswith(sentence)) == (2, True)

    for done, said in refused:
        assert done.code != 0
        (error,) = done.errors
        assert error.startswith(said)
    assert resources_of(project) == before


def resources_of(project: Project) -> list[Any]:
    """All but the stack, which the engine writes before a program begins."""
    deployment = json.loads(project.succeed("stack", "export").stdout)["deployment"]
    return [one for one in deployment["resources"] if one["type"] != "pulumi:pulumi:Stack"]
