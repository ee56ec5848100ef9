"""Building from the Go module proxy: what the modules here require, and the compiler they need."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from toolchain.common import ENGINE, TOOLCHAIN, Command, ToolchainError, run_long, version_in

# The first release that fetches a newer Go by itself, where a module's go.mod needs one.
FIRST_THAT_FETCHES_GO = (1, 21, 0)

# No C compiler, and nothing of a workspace around the clone.
BUILD_ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off"}


def required_version(module_folder: str, module: str) -> str:
    """Return the version of `module` (`go`: of Go itself) that toolchain/<module_folder>/go.mod
    requires, without `v`."""
    go_mod = (TOOLCHAIN / module_folder / "go.mod").read_text()
    match = re.search(rf"^\s*{re.escape(module)} v?(\S+)", go_mod, re.MULTILINE)
    if not match:
        raise ToolchainError(
            f"toolchain/{module_folder}/go.mod does not say which version of {module} it wants"
        )
    return match[1]


def require_compiler(module_folder: str, program: str) -> None:
    """Check that PATH has a Go that can build the module in toolchain/<module_folder>.

    Raises ToolchainError, whose sentence names the `program` that is to be built.
    """
    wanted = required_version(module_folder, "go")
    advice = f"install Go {wanted} or newer (its site is go.dev/dl) and try again"
    if not shutil.which("go"):
        raise ToolchainError(
            f"Go is needed to build {program}, and there is none on PATH: {advice}"
        )
    version = version_in(_go("env", "GOVERSION"))
    if version is None or version < FIRST_THAT_FETCHES_GO:
        raise ToolchainError(f"the Go on PATH is too old to build {program}: {advice}")
    try:
        # In the module's folder Go first fetches the release that its go.mod needs.
        _go("version", cwd=TOOLCHAIN / module_folder)
    except subprocess.CalledProcessError as error:
        raise ToolchainError(
            f"the Go on PATH cannot build {program} ({error.stderr.strip()}): {advice}"
        ) from None


def build(subject: str, module_folder: str, package: str, binary: str, set_version: str) -> Path:
    """Build a Go package into .local/engine/build/<binary>, and return that path; `subject` names
    the log. An interrupted build goes on from Go's own cache.

    `set_version` is the linker's `variable=value` that gives the binary its version.
    """
    output = ENGINE / "build" / binary
    linker_flags = f"-s -w -X {set_version}"
    command: Command = [
        "go",
        "build",
        "-mod=readonly",
        "-trimpath",
        "-ldflags",
        linker_flags,
        "-o",
        output,
        package,
    ]
    run_long(subject, command, cwd=TOOLCHAIN / module_folder, env=BUILD_ENVIRONMENT)
    return output


def module_directory(module_folder: str, module: str) -> Path:
    """Return where Go keeps the source of a module that a build has downloaded."""
    return Path(
        _go("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module, cwd=TOOLCHAIN / module_folder)
    )


def _go(*arguments: str, cwd: Path | None = None) -> str:
    environment = {**os.environ, **BUILD_ENVIRONMENT}
    command = ["go", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()
