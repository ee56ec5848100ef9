"""Building from the Go module proxy: what the modules here require, and the compiler they need."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from toolchain.common import ENGINE, TOOLCHAIN, Command, ToolchainError, run_long, version_in

# Since this release Go fetches a newer one by itself where a module needs it.
FETCHES_ITSELF = (1, 21, 0)

# No C compiler, and nothing of a workspace around the clone.
BUILD_ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off"}


def required(module_folder: str, module: str) -> str:
    """Return the version of `module` (`go`: of Go itself) that the go.mod in `module_folder`
    requires, without `v`."""
    go_mod = (TOOLCHAIN / module_folder / "go.mod").read_text()
    match = re.search(rf"^\s*{re.escape(module)} v?(\S+)", go_mod, re.MULTILINE)
    if not match:
        raise ToolchainError(
            f"toolchain/{module_folder}/go.mod does not say which version of {module} it wants"
        )
    return match[1]


def check_compiler(module_folder: str, wanted_for: str) -> None:
    """Raise ToolchainError where there is no Go that can build the module in `module_folder`."""
    wanted = required(module_folder, "go")
    advice = f"install Go {wanted} or newer (its site is go.dev/dl) and try again"
    if not shutil.which("go"):
        raise ToolchainError(
            f"Go is needed to build {wanted_for}, and there is none on PATH: {advice}"
        )
    if (version := version_in(_go("env", "GOVERSION"))) is None or version < FETCHES_ITSELF:
        raise ToolchainError(f"the Go on PATH is too old to build {wanted_for}: {advice}")
    try:
        _go("version", cwd=TOOLCHAIN / module_folder)
    except subprocess.CalledProcessError as error:
        raise ToolchainError(
            f"the Go on PATH cannot build {wanted_for} ({error.stderr.strip()}): {advice}"
        ) from None


def build(subject: str, module_folder: str, package: str, binary: str, set_version: str) -> Path:
    """Build a binary and return where it is; an interrupted build goes on from Go's own cache.

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
