"""Install the resource plugin `random`, which forms with a client secret need: `make
random-plugin`, and `acmidm deploy`."""

import os
import re
import shutil
import subprocess

from toolchain import environment, go
from toolchain.common import ENGINE, PULUMI_HOME, TOOLCHAIN, ToolchainError, locked, main, say
from toolchain.install_engine import fetch_installer


def install() -> None:
    """Download the plugin, or build it where its site can't be reached; nothing where it is there.

    Raises ToolchainError.
    """
    version = _wanted_version()
    plugin = PULUMI_HOME / "plugins" / f"resource-random-v{version}" / "pulumi-resource-random"
    if plugin.is_file():
        return
    with locked("random-plugin"):
        (ENGINE / "build").mkdir(parents=True, exist_ok=True)
        # Pulumi tries a site that does not answer for minutes. The installer comes from the same
        # site: fetching it shows in seconds whether it answers.
        if fetch_installer(ENGINE / "build" / "install.sh") and _pulumi_installs(version):
            return
        go.require_compiler("random", "the random plugin")
        say(
            f"random-plugin: building {version} from the Go module proxy: about 2 minutes on 2"
            " cores, once per clone"
        )
        binary = go.build(
            "random-plugin", "random", ".", "pulumi-resource-random", f"main.version={version}"
        )
        if not _pulumi_installs(version, "--file", str(binary)):
            raise ToolchainError(
                "random-plugin: `pulumi plugin install` refused the plugin that was built"
            )
        binary.unlink()
        say("random-plugin: done")


def _wanted_version() -> str:
    """Return the version of the Python package pulumi-random, which needs the plugin of the same
    version. Raises ToolchainError."""
    pins = TOOLCHAIN / "python" / "pins.in"
    match = re.search(r"^pulumi-random==(\S+)", pins.read_text(), re.MULTILINE)
    if not match:
        raise ToolchainError(f"{pins.name} does not say which version of pulumi-random it wants")
    return match[1]


def _pulumi_installs(version: str, *flags: str) -> bool:
    """Run `pulumi plugin install` for the plugin, with further `flags`. Return whether it worked.

    Raises ToolchainError where there is no engine yet.
    """
    variables = environment.variables()
    pulumi = shutil.which("pulumi", path=variables["PATH"])
    if not pulumi:
        raise ToolchainError(
            "random-plugin: there is no Pulumi engine yet: run `make engine` first"
        )
    command = [pulumi, "plugin", "install", "resource", "random", f"v{version}", *flags]
    result = subprocess.run(
        command, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, check=False
    )
    return result.returncode == 0


if __name__ == "__main__":
    main(install)
