"""Make `.venv` what the lock file and pyproject.toml say: `make venv`."""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

from toolchain.common import ROOT, VENV, ToolchainError, locked, main, run_long, say

LOCK_FILE = ROOT / "requirements-dev.txt"
PROJECT = ROOT / "pyproject.toml"
PIP: list[str | Path] = [
    VENV / "bin" / "python",
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
]
# Wheels alone: what builds a package from its source would be fetched without a hash. No
# dependencies: all of them are in the file, and an older pip looks for the newest of one that
# another wants with an extra, has no hash for it, and gives up.
LOCKED: list[str | Path] = [
    *PIP,
    "--require-hashes",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--requirement",
    LOCK_FILE,
]

# Written last, each with the digest of what it was made from: without them it counts as half made.
PACKAGES_STAMP = VENV / ".packages"
PROJECT_STAMP = VENV / ".project"


def install() -> None:
    """Do what is missing, which on most days is nothing."""
    # A virtual environment works for one Python and in one place only.
    packages = _digest(LOCK_FILE, ROOT, sys.version)
    project = _digest(PROJECT)
    if _stamped(PACKAGES_STAMP, packages) and _stamped(PROJECT_STAMP, project):
        return
    with locked("venv"):
        if not _stamped(PACKAGES_STAMP, packages):
            _install_packages()
            PACKAGES_STAMP.write_text(packages)
        if not _stamped(PROJECT_STAMP, project):
            run_long("venv", [*PIP, "--no-deps", "--no-build-isolation", "--editable", ROOT])
            PROJECT_STAMP.write_text(project)


def _install_packages() -> None:
    if not importlib.util.find_spec("ensurepip"):
        raise ToolchainError(
            "this Python cannot make virtual environments: on Debian and Ubuntu, apt install"
            " python3-venv"
        )
    say("venv: installing the Python packages into .venv, under a minute, once per clone")
    # Anew each time: what a lock file no longer names must not stay importable.
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    run_long("venv", LOCKED)
    say("venv: done")


def _digest(*parts: Path | str) -> str:
    """Of the content of files, the name of folders, and text."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(
            part.read_bytes() if isinstance(part, Path) and part.is_file() else str(part).encode()
        )
    return digest.hexdigest()


def _stamped(stamp: Path, digest: str) -> bool:
    # The interpreter is a link to one outside the clone, which may have been removed since.
    return (VENV / "bin" / "python").exists() and stamp.is_file() and stamp.read_text() == digest


if __name__ == "__main__":
    main(install)
