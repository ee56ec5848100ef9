"""Find or make a Pulumi engine for this clone: `make engine`.

The first of these that works: the one installed in this clone before, a usable one on PATH, the
official installer, a build from the Go module proxy. A pipeline never runs the installer: nothing
says what it is, while the build has its go.sum.
"""

import os
import shutil
import subprocess
from pathlib import Path

from toolchain import environment, go
from toolchain.common import (
    ENGINE,
    Command,
    ToolchainError,
    in_pipeline,
    locked,
    main,
    run_long,
    say,
    version_in,
)

VERSION = go.required_version("engine", "github.com/pulumi/pulumi/pkg/v3")
HOST_VERSION = go.required_version("python_host", "github.com/pulumi/pulumi/sdk/v3")
# The first that keeps tags of stacks in a backend of files or PostgreSQL, which
# acmidm/engine/recovery.py needs.
OLDEST_USABLE = (3, 211, 0)
SET_VERSION = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"

BIN = ENGINE / "bin"
# A file with the versions of what was installed, written last: without it the engine is installed
# anew.
STAMP = ENGINE / "versions"
STAMP_TEXT = f"{VERSION} {HOST_VERSION}"

INSTALLER = "https://get.pulumi.com/install.sh"
CONNECT_SECONDS = "4"


def install() -> None:
    """Make sure that the PATH of `environment.variables` has an engine that can be used."""
    if _is_installed():
        return
    if _is_usable_on_path():
        # An engine that was installed here before would come first on PATH.
        shutil.rmtree(BIN, ignore_errors=True)
        return
    with locked("engine"):
        if _is_installed():  # by the process that had the lock
            return
        (ENGINE / "build").mkdir(parents=True, exist_ok=True)
        BIN.mkdir(exist_ok=True)
        if not _install_official():
            _build_from_source()
        STAMP.write_text(STAMP_TEXT)
        say(f"engine: Pulumi {VERSION} is in .local/engine/bin")


def _is_installed() -> bool:
    return STAMP.is_file() and STAMP.read_text() == STAMP_TEXT


def _is_usable_on_path() -> bool:
    """Return whether the user's PATH has an engine, not this clone's, with its Python host, that
    is new enough."""
    pulumi = shutil.which("pulumi")
    if not pulumi or Path(pulumi).parent == BIN or not shutil.which("pulumi-language-python"):
        return False
    version = _version_of(Path(pulumi))
    return version is not None and version >= OLDEST_USABLE


def _version_of(pulumi: Path) -> tuple[int, int, int] | None:
    """Return the version of an engine; None where it does not run."""
    # With the clone's environment, for even this command writes a log into PULUMI_HOME.
    answer = subprocess.run(
        [pulumi, "version"],
        env={**os.environ, **environment.variables()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return version_in(answer.stdout) if answer.returncode == 0 else None


def fetch_installer(script: Path) -> bool:
    """Write Pulumi's official installation script to the file `script`. Return whether that worked:
    False in a pipeline, without curl, and where the site does not answer within seconds."""
    if in_pipeline() or not shutil.which("curl"):
        return False
    limits = ["--connect-timeout", CONNECT_SECONDS, "--max-time", "30"]
    source = ["--fail", "--silent", "--location", "--proto", "=https", INSTALLER]
    command: Command = ["curl", *limits, *source, "--output", script]
    return subprocess.run(command, check=False).returncode == 0


def _install_official() -> bool:
    """Install the engine with the official installer. Return whether that worked; in a pipeline it
    is not tried."""
    script = ENGINE / "build" / "install.sh"
    if not fetch_installer(script):
        if not in_pipeline():
            say("engine: the official Pulumi installer cannot be reached from here")
        return False
    say(f"engine: downloading Pulumi {VERSION} with the official installer, once per clone")
    # Nothing of it may end up in the user's home or shell profile.
    root = ENGINE / "build" / "official"
    command: Command = [
        "sh",
        script,
        "--version",
        VERSION,
        "--install-root",
        root,
        "--no-edit-path",
    ]
    try:
        run_long("engine", command)
    except ToolchainError:
        say("engine: the official installer failed, building instead")
        return False
    for file in (root / "bin").iterdir():
        file.replace(BIN / file.name)
    return _version_of(BIN / "pulumi") is not None


def _build_from_source() -> None:
    """Build the engine and its Python host from the Go module proxy, and install both in BIN.

    Raises ToolchainError.
    """
    go.require_compiler("engine", "the Pulumi engine")
    say(
        f"engine: building the Pulumi engine {VERSION} from the Go module proxy: about 4 minutes on"
        " 2 cores, once per clone"
    )
    cli = go.build(
        "engine",
        "engine",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        "pulumi",
        f"{SET_VERSION}=v{VERSION}",
    )
    host = go.build(
        "engine",
        "python_host",
        "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
        "pulumi-language-python",
        f"{SET_VERSION}=v{HOST_VERSION}",
    )
    # Two scripts that the host starts. A copy from Go's cache would be read-only.
    sdk = go.module_directory("engine", "github.com/pulumi/pulumi/sdk/v3") / "python"
    for script in (
        sdk / "cmd" / "pulumi-language-python-exec",
        sdk / "dist" / "pulumi-resource-pulumi-python",
    ):
        copy = Path(shutil.copyfile(script, ENGINE / "build" / script.name))
        copy.chmod(0o755)
        copy.replace(BIN / copy.name)
    for binary in (host, cli):
        # A rename, so that a half-written binary is never found on PATH.
        binary.replace(BIN / binary.name)


if __name__ == "__main__":
    main(install)
