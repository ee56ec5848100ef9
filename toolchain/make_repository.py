"""Make a repository of forms that uses this project as a package: `make repository
FOLDER=../aansluitingen`.

This clone's own sample is copied, so that nothing of it exists twice; what only such a repository
has lies in `examples/onboarding-repository`. The wheel goes with it, and requirements.txt names it
by its hash.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from toolchain.common import ROOT, VENV, Command, ToolchainError, main, say
from toolchain.ports import with_higher_ports

TEMPLATE = ROOT / "examples" / "onboarding-repository"
SAMPLE = (
    "__main__.py",
    "Pulumi.yaml",
    "Pulumi.tni.yaml",
    "Pulumi.prod.yaml",
    "people.yaml",
    "catalogue",
    "onboardings/stad-gent",
)
EXTRAS = "cli,sandbox"
HEAD = """\
# Made by make repository of acmidm. Each package is a wheel with its hash; ours lies in wheels/.
# pip install --no-deps -r requirements.txt
--only-binary :all:
--find-links wheels
"""


def make(folder: Path, offset: int) -> None:
    """Make the repository in a folder that is empty or not there yet, with the ports of its sandbox
    ``offset`` higher than this clone's.

    Raises:
        ToolchainError: where the folder has something in it, or is in this clone; where a command
            fails, or a port would be too high.
    """
    folder = folder.resolve()
    if folder.is_relative_to(ROOT):
        raise ToolchainError(f"{folder} is in this clone: give a folder beside it")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ToolchainError(f"{folder} is there already: give a folder that is not")
    shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True)
    # As committed: what somebody tries in this clone is no part of the sample.
    with tempfile.TemporaryDirectory(prefix="acmidm-sample-") as scratch:
        archive = Path(scratch) / "sample.tar"
        _run(["git", "archive", "--output", archive, "HEAD", "--", *SAMPLE])
        with tarfile.open(archive) as sample:
            sample.extractall(folder, filter="data")
    for stack in folder.glob("Pulumi.*.yaml"):
        stack.write_text(with_higher_ports(stack.read_text(), offset, stack.name))
    wheels = folder / "wheels"
    wheels.mkdir()
    wheel = build_wheel(wheels)
    (folder / "requirements.txt").write_text(_requirements(wheel))
    _run([VENV / "bin" / "acmidm", "schema"], cwd=folder)
    say(f"repository: made in {folder}; go on there, with its README.md")


def build_wheel(folder: Path) -> Path:
    """Build the wheel of what is checked out, and return where it is.

    From a copy of the files that Git knows, for a build leaves traces in its folder. The same files
    give the same wheel.
    """
    with tempfile.TemporaryDirectory(prefix="acmidm-wheel-") as scratch:
        for name in _run(["git", "ls-files", "-z"]).split("\0"):
            if name and (ROOT / name).is_file():
                copy = Path(scratch) / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, copy)
        pip: Command = [VENV / "bin" / "python", "-m", "pip", "wheel", "--quiet"]
        options: Command = ["--no-deps", "--no-build-isolation", "--wheel-dir", folder]
        # 1 January 1980, the first day that a zip file knows.
        _run([*pip, *options, scratch], SOURCE_DATE_EPOCH="315532800")
    (wheel,) = folder.glob("acmidm_onboarding-*.whl")
    return wheel


def _requirements(wheel: Path) -> str:
    """Return the text of the repository's requirements.txt: this package, by the hash of its wheel,
    then those of this clone's requirements.txt."""
    version = wheel.name.split("-")[1]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    ours = f"acmidm-onboarding[{EXTRAS}]=={version} \\\n    --hash=sha256:{digest}\n"
    locked = (ROOT / "requirements.txt").read_text()
    return HEAD + ours + re.sub(r"^ *#.*\n", "", locked, flags=re.MULTILINE)


def _run(command: Command, cwd: Path = ROOT, **environment: str) -> str:
    """Run a command, and return its output. Raises ToolchainError where it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolchainError(f"{Path(command[0]).name} failed: {done.stdout}{done.stderr}")
    return done.stdout


def _read_arguments() -> tuple[Path, int]:
    """Return FOLDER, and OFFSET or 100, of make's command line. Raises ToolchainError."""
    folder, offset = sys.argv[1:]
    if not folder:
        raise ToolchainError("give a folder, as in make repository FOLDER=../aansluitingen")
    try:
        return Path(folder).expanduser(), int(offset or 100)
    except ValueError:
        raise ToolchainError("give a whole number, as in OFFSET=100") from None


if __name__ == "__main__":
    main(lambda: make(*_read_arguments()))
