"""Each command of the README and of ``docs/cli.md``, as it is written, in a clone with ports of its own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import ROOT, SIGNS_OF_A_TRACEBACK

PAGES = ("README.md", "docs/cli.md")
LEFT_OUT = {
    "make test": "this test would run itself",
    "make test-exhaustive": "this test would run itself",
    "pulumi up --continue-on-error": "it asks somebody at a terminal",
}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_PORT = re.compile(r"127\.0\.0\.1:(\d+)")


def scripts(page: str) -> Iterator[list[str]]:
    """The commands of each block: all lines of one that is of the shell, those after a prompt in one that shows output too."""
    for language, text in _BLOCK.findall(page):
        if language == "sh":
            lines = [re.sub(r"\s+#.*", "", line) for line in text.splitlines()]
        else:
            lines = [f'eval "$(make -s env)" && {line[2:]}' for line in text.splitlines() if line.startswith("$ ")]
        yield [line for line in lines if line and line not in LEFT_OUT]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """With the tools that this one has, its own Python packages apart, which `make up` installs."""
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    subprocess.run(["git", "update-ref", "refs/remotes/origin/main", "HEAD"], cwd=folder, check=True)
    (folder / ".local" / "pulumi").mkdir(parents=True)
    for tools in (".local/engine", ".local/pulumi/plugins"):
        if (ROOT / tools).exists():
            (folder / tools).symlink_to(ROOT / tools)
    done = run(folder, f"make ports OFFSET={free_offset()}")
    assert done.returncode == 0, done.stderr
    yield folder
    run(folder, "make down")
    shutil.rmtree(folder)


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A script of bash that stops at the first error, with nobody to answer and nothing of this clone or of `make` around it."""
    path = [entry for entry in os.environ["PATH"].split(os.pathsep) if not Path(entry).is_relative_to(ROOT)]
    environment = {name: os.environ[name] for name in ("HOME", "LANG", "KEYCLOAK_VERSION") if name in os.environ}
    return subprocess.run(
        ["bash", "-ec", script],
        cwd=folder,
        env={**environment, "PATH": os.pathsep.join(path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def free_offset() -> int:
    """How far the committed ports have to move to be free."""
    ports = {int(port) for file in ROOT.glob("Pulumi.*.yaml") for port in _PORT.findall(file.read_text())}
    return next(offset for offset in range(200, 20_000, 200) if all(is_free(port + offset) for port in ports))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.exhaustive
def test_each_command_works_as_written(clone: Path) -> None:
    """On the stacks of its `make up`, in the order of the pages; none shows a traceback."""
    done = []
    for page in PAGES:
        for script in filter(None, scripts((clone / page).read_text())):
            outcome = run(clone, "\n".join(script))
            assert outcome.returncode == 0, f"{page}: {script}\n{outcome.stdout}{outcome.stderr}"
            assert not any(sign in outcome.stdout + outcome.stderr for sign in SIGNS_OF_A_TRACEBACK), outcome.stderr
            done += script
    assert {"make up", "make up STACK=prod", "make demo", "pulumi preview --refresh --diff"} <= set(done)
    assert any("acmidm review --base origin/main" in command for command in done)
