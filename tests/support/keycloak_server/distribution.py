"""The program of a Keycloak server: got from Maven Central once, checked, and built for quick
starts.

``KEYCLOAK_VERSION`` in the environment chooses another version than the pinned one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PINNED = "26.7.3"
# What these were when they were tried; of other versions, which no pipeline takes, Maven checks the
# repository's own checksum only.
SHA256 = {
    "26.7.3": "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f",
    "26.4.0": "1b6a11a2726ac8a8dc9c91d5fafe989a75ce4f1622d7f7b45c21d5bc16629c0a",
}
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
OLDEST_JAVA = 17

# Options of the build: none may be repeated at a start, or Keycloak builds again. No health means
# no second port to listen on.
BUILD_OPTIONS = ("--db=dev-file", "--health-enabled=false", "--metrics-enabled=false")
# Alone, and not looking for others. In older versions an option of the build, in newer ones of the
# start: hence always there.
ENVIRONMENT = {"KC_CACHE": "local"}


class CannotGet(Exception):
    """Why this machine has no Keycloak, and what to do, as one sentence."""


def wanted_version() -> str:
    """Return the version of the environment, or the pinned one. Raises CannotGet."""
    version = os.environ.get("KEYCLOAK_VERSION") or PINNED
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise CannotGet(f'KEYCLOAK_VERSION "{version}" is no version such as {PINNED}')
    return version


@dataclass(frozen=True)
class Distribution:
    """A version of Keycloak that is, or will be, in ``keycloak-<version>`` below ``parent``."""

    parent: Path
    version: str

    @property
    def folder(self) -> Path:
        return self.parent / f"keycloak-{self.version}"

    @property
    def is_ready(self) -> bool:
        return self._stamp.is_file()

    def why_not(self) -> str | None:
        """Return what this machine lacks to run it, as a sentence; None where it lacks nothing."""
        java = shutil.which("java")
        if not java:
            return (
                "Keycloak needs Java 17 or newer, and there is none on PATH: install a Java runtime"
                " (Debian, Ubuntu: default-jre-headless)"
            )
        asked = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
        version = re.search(r'version "(\d+)', asked.stderr)
        if version is None or int(version[1]) < OLDEST_JAVA:
            found = asked.stderr.partition("\n")[0] or "something else"
            return f"Keycloak needs Java 17 or newer, this is {found}: install a newer one"
        if not self.is_ready and not shutil.which("mvn"):
            return (
                "Maven gets Keycloak from Maven Central, and there is none on PATH: install it"
                " (Debian, Ubuntu: maven)"
            )
        return None

    def install(self) -> None:
        """Download, unpack and build it, which takes a minute; do nothing where it is ready. Raises
        CannotGet."""
        if self.is_ready:
            return
        if lacking := self.why_not():
            raise CannotGet(lacking)
        self.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.parent / "keycloak.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # whoever waits here finds it ready
            if not self.is_ready:
                self._make()

    @property
    def _stamp(self) -> Path:
        """The file that is written when all is done."""
        return self.folder / "ready"

    def _make(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        archive = self._download()
        self._unpack(archive)
        archive.unlink()
        self._run([self.folder / "bin" / "kc.sh", "build", *BUILD_OPTIONS])
        self._stamp.touch()

    def _download(self) -> Path:
        artifact = f"org.keycloak:keycloak-quarkus-dist:{self.version}:zip"
        command = [
            "mvn",
            "-B",
            "-C",
            MAVEN_COPY,
            f"-Dartifact={artifact}",
            f"-DoutputDirectory={self.folder}",
        ]
        self._run(command)
        archive = self.folder / f"keycloak-quarkus-dist-{self.version}.zip"
        with archive.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        untried = "" if os.environ.get("CI") else digest
        if digest != SHA256.get(self.version, untried):
            raise CannotGet(
                f"{archive.name} is not the file that was tried, its SHA-256 is {digest}: do not"
                " use it"
            )
        return archive

    def _unpack(self, archive: Path) -> None:
        """Put the archive's one folder in place of this one, its scripts executable."""
        with zipfile.ZipFile(archive) as contents:
            contents.extractall(self.folder)
        (inner,) = (path for path in self.folder.iterdir() if path.is_dir())
        for path in inner.iterdir():
            path.rename(self.folder / path.name)
        inner.rmdir()
        for script in (self.folder / "bin").glob("*.sh"):
            script.chmod(0o755)

    def _run(self, command: Sequence[str | Path]) -> None:
        log = self.parent / "keycloak.log"
        with log.open("wb") as output:
            done = subprocess.run(
                command,
                env={**os.environ, **ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            lines = log.read_text(errors="replace").splitlines()
            raise CannotGet(
                f"{Path(command[0]).name} failed ({lines[-1] if lines else 'it said nothing'}); all"
                f" of its output is in {log}"
            )
