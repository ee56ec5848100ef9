"""Get the Keycloak server that `make keycloak` starts: from Maven Central into
`.local/keycloak-<version>`, ready for quick starts.

`KEYCLOAK_VERSION` in the environment chooses another version than the pinned one.
"""

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from toolchain.common import (
    LOCAL,
    Command,
    ToolchainError,
    in_pipeline,
    locked,
    main,
    run_long,
    say,
    version_in,
)

PINNED = "26.7.3"
# What these were when they were tried; of other versions, which no pipeline takes, Maven checks the
# repository's own checksum only.
SHA256 = {
    "26.7.3": "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f",
    "26.4.0": "1b6a11a2726ac8a8dc9c91d5fafe989a75ce4f1622d7f7b45c21d5bc16629c0a",
}
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
JAVA = (17, 0, 0)

# Options of the build: none may be repeated at a start, or Keycloak builds again. No health means
# no second port to listen on.
BUILD_OPTIONS = ("--db=dev-file", "--health-enabled=false", "--metrics-enabled=false")
# Alone, and not looking for others. In older versions an option of the build, in newer ones of the
# start: hence always there.
ENVIRONMENT = {"KC_CACHE": "local"}


def wanted_version() -> str:
    """Return the version of the environment, or the pinned one."""
    version = os.environ.get("KEYCLOAK_VERSION") or PINNED
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ToolchainError(f'KEYCLOAK_VERSION "{version}" is no version such as {PINNED}')
    return version


def distribution(version: str) -> Path:
    """Where a version is or will be."""
    return LOCAL / f"keycloak-{version}"


def why_not() -> str | None:
    """Return what this machine lacks to run Keycloak, as a sentence; None where it lacks
    nothing."""
    java = shutil.which("java")
    if not java:
        return (
            "Keycloak needs Java 17 or newer, and there is none on PATH: install a Java runtime"
            " (Debian, Ubuntu: default-jre-headless)"
        )
    printed = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = version_in(printed)
    if version is None or version < JAVA:
        return (
            "Keycloak needs Java 17 or newer, this is"
            f" {printed.partition(chr(10))[0] or 'something else'}: install a newer one"
        )
    if not stamp(wanted_version()).is_file() and not shutil.which("mvn"):
        return (
            "Maven gets Keycloak from Maven Central, and there is none on PATH: install it (Debian,"
            " Ubuntu: maven)"
        )
    return None


def stamp(version: str) -> Path:
    """The file that is written when all is done."""
    return distribution(version) / "ready"


def install() -> None:
    """Do nothing where it is there; else download, unpack and build it."""
    version = wanted_version()
    if stamp(version).is_file():
        return
    if lacking := why_not():
        raise ToolchainError(lacking)
    with locked("keycloak"):
        if stamp(version).is_file():
            return
        say(
            f"keycloak: getting {version} from Maven Central and preparing it: about a minute, once"
            " per clone"
        )
        folder = distribution(version)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        archive = _download(version, folder)
        _unpack(archive, folder)
        archive.unlink()
        command: Command = [folder / "bin" / "kc.sh", "build", *BUILD_OPTIONS]
        run_long("keycloak", command, env=ENVIRONMENT)
        stamp(version).touch()
        say("keycloak: done")


def _download(version: str, folder: Path) -> Path:
    artifact = f"org.keycloak:keycloak-quarkus-dist:{version}:zip"
    command: Command = [
        "mvn",
        "-B",
        "-C",
        MAVEN_COPY,
        f"-Dartifact={artifact}",
        f"-DoutputDirectory={folder}",
    ]
    run_long("keycloak", command)
    archive = folder / f"keycloak-quarkus-dist-{version}.zip"
    with archive.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != SHA256.get(version, "" if in_pipeline() else digest):
        raise ToolchainError(
            f"keycloak: {archive.name} is not the file that was tried, its SHA-256 is {digest}: do"
            " not use it"
        )
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    """Put the archive's one folder in place of `folder`, its scripts executable."""
    with zipfile.ZipFile(archive) as contents:
        contents.extractall(folder)
    (inner,) = (path for path in folder.iterdir() if path.is_dir())
    for path in inner.iterdir():
        path.rename(folder / path.name)
    inner.rmdir()
    for script in (folder / "bin").glob("*.sh"):
        script.chmod(0o755)


if __name__ == "__main__":
    main(install)
