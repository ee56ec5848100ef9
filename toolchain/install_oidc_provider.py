"""Get the oidc-provider that `make oidc-provider` starts: from npm into
`.local/oidc-provider-<version>`, as the lock file pins it, with the program beside it that starts
it."""

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from toolchain.common import LOCAL, ROOT, ToolchainError, locked, main, run_long, say, version_in

SOURCE = ROOT / "acmidm_sandbox" / "oidc_provider"
NODE = (20, 12, 0)
_LOCK = "package-lock.json"


def why_not() -> str | None:
    """Return what this machine lacks to run it, as a sentence; None where it lacks nothing."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "npm gets oidc-provider, and there is none on PATH: install Node.js with npm"
    if (sys.platform, platform.machine()) == ("linux", "x86_64"):
        return None  # npm also gets a Node.js of its own
    printed = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, check=False
    ).stdout
    if (version_in(printed) or NODE) < NODE:
        return (
            f"oidc-provider needs Node.js 20.12 or newer, this is {printed.strip()}: install a"
            " newer one"
        )
    return None


def version() -> str:
    """Return the version that is pinned."""
    match = re.search(r'"oidc-provider": "([^"]+)"', (SOURCE / "package.json").read_text())
    return match[1] if match else "unknown"


def install() -> Path:
    """Return the folder with the program; get what it needs first where that is not there as the
    lock file has it."""
    if lacking := why_not():
        raise ToolchainError(lacking)
    with locked("oidc-provider"):
        folder = LOCAL / f"oidc-provider-{version()}"
        folder.mkdir(exist_ok=True)
        done, wanted = folder / "node_modules" / _LOCK, (SOURCE / _LOCK).read_bytes()
        is_there = done.exists() and done.read_bytes() == wanted
        for file in (*SOURCE.glob("*.mjs"), *SOURCE.glob("*.json")):
            shutil.copy(file, folder)
        if not is_there:
            say(f"oidc-provider: getting {version()} from npm: a few seconds, once per clone")
            run_long(
                "oidc-provider",
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=folder,
            )
            shutil.copy(SOURCE / _LOCK, done)
    return folder


if __name__ == "__main__":
    main(lambda: say(f"oidc-provider: {install()}"))
