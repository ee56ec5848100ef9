"""Make `.venv` what the lock file and pyproject.toml say: `make venv`."""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

from toolchain.common import ROOT, VENV, ToolchainError, locked, main, run_long, say

LOCK_FILE = ROOT / "requirements-dev.txt"
PROJECT = ROOT / "pyproject.toml"
DUTCH = ROOT / "components" / "acmidm_onboarding" / "texts" / "nl.po"
COMPILED = DUTCH.with_suffix(".mo")
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
# Wheels alone: what builds a package from its source would be fetched without a hash. No
# dependencies: all of them are in the file, and an older pip looks for the newest of one that
# another wants with an extra, has no hash for it, and gives up.
LOCKED = (*PIP, "--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement")


def install() -> None:
    """Install in `.venv` what is missing there; most often that is nothing."""
    install_into(VENV, LOCK_FILE, "venv")


def install_into(folder: Path, lock_file: Path, name: str) -> None:
    """Install in a virtual environment what is missing: the packages of a lock file, this project,
    the compiled translations. ``name`` is that of its lock and its log.

    Raises ToolchainError.
    """
    # A stamp is a file that is written when a step is done, with the digest of what it was done
    # from. Where the digest differs now, the step is done again.
    packages_stamp, project_stamp = folder / ".packages", folder / ".project"
    packages = digest_of_packages(lock_file)
    project = _digest(PROJECT)
    is_done = _has_stamp(packages_stamp, packages) and _has_stamp(project_stamp, project)
    if is_done and _is_compiled():
        return
    with locked(name):
        if not _has_stamp(packages_stamp, packages):
            _install_packages(folder, lock_file, name)
            packages_stamp.write_text(packages)
        if not _has_stamp(project_stamp, project):
            editable = ("--no-deps", "--no-build-isolation", "--editable", ROOT)
            run_long(name, [_python(folder), *PIP, *editable])
            project_stamp.write_text(project)
        if not _is_compiled():
            compiling = (_python(folder), "-m", "toolchain.translations")
            subprocess.run(compiling, check=True, cwd=ROOT)


def _install_packages(folder: Path, lock_file: Path, name: str) -> None:
    """Make a virtual environment anew, with the packages of a lock file. Raises ToolchainError."""
    if not importlib.util.find_spec("ensurepip"):
        raise ToolchainError(
            "this Python cannot make virtual environments: on Debian and Ubuntu, apt install"
            " python3-venv"
        )
    where = folder.relative_to(ROOT)
    say(f"{name}: installing the Python packages into {where}, under a minute, once per clone")
    # Anew each time: what a lock file no longer names must not stay importable.
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    run_long(name, [_python(folder), *LOCKED, lock_file])
    say(f"{name}: done")


def digest_of_packages(lock_file: Path, clone: Path = ROOT) -> str:
    """Return the content of a clone's `.venv/.packages` when `.venv` has the packages of a lock
    file. A virtual environment works for one Python and in one place only: both are in it."""
    return _digest(lock_file, clone, sys.version)


def _is_compiled() -> bool:
    """Return whether nl.mo is newer than nl.po, from which it is made."""
    return COMPILED.is_file() and COMPILED.stat().st_mtime > DUTCH.stat().st_mtime


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _digest(*parts: Path | str) -> str:
    """Return one digest over the content of the files, the names of the folders, and the texts."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path) and part.is_file():
            digest.update(part.read_bytes())
        else:
            digest.update(str(part).encode())
    return digest.hexdigest()


def _has_stamp(stamp: Path, digest: str) -> bool:
    # The environment's Python is a link to one outside the clone, which may have been removed.
    return _python(stamp.parent).exists() and stamp.is_file() and stamp.read_text() == digest


if __name__ == "__main__":
    main(install)
