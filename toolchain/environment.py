"""The environment in which Pulumi works on this clone, and on nothing else: `make env`, `make
shell`."""

import os
import shlex
import sys
from pathlib import Path

from toolchain import postgres
from toolchain.common import ENGINE, LOCAL, PULUMI_HOME, VENV, open_private

# No secret: the stacks of this clone only have authorities on loopback, and the salt is committed
# in Pulumi.<stack>.yaml, where Pulumi would write a new one. A stack on a real backend gets a
# secrets provider: `pulumi stack change-secrets-provider`.
SANDBOX_PASSPHRASE = "sandbox"


def variables() -> dict[str, str]:
    """Return the environment variables by which Pulumi works on this clone, to be added to the
    caller's. Make the folder of its state, which Pulumi does not make."""
    state = LOCAL / "state"
    for folder in (LOCAL, state):
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    clone_folders = [str(VENV / "bin"), str(ENGINE / "bin")]
    # Absolute: a relative address would be taken from the current folder, not from the project's.
    backend = {
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": SANDBOX_PASSPHRASE,
    }
    if os.environ.get("BACKEND") == "postgres":  # make up BACKEND=postgres
        backend |= postgres.variables()
    caller_folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    other_folders = [folder for folder in caller_folders if folder not in clone_folders]
    return {
        "PATH": os.pathsep.join(clone_folders + other_folders),
        # For the older language host, which knows no virtual environments and takes the first
        # python3 on PATH.
        "PULUMI_PYTHON_CMD": str(VENV / "bin" / "python"),
        "PULUMI_HOME": str(PULUMI_HOME),
        **backend,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The one plugin there is gets installed by `make random-plugin`; looking for others costs
        # 2.5 s a command.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def exports() -> str:
    """Return the variables as lines for `eval` in a shell."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables().items())


def open_shell() -> None:
    """Replace this process by the user's shell with the environment set."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    command = [shell]
    if Path(shell).name == "bash":
        # After the user's own start-up file, which may put another python first on PATH.
        start_up = LOCAL / "bashrc"
        with open_private(start_up.name, "w") as file:
            file.write(f'[ ! -f ~/.bashrc ] || . ~/.bashrc\n{exports()}PS1="(acmidm) $PS1"\n')
        command += ["--rcfile", str(start_up)]
    os.execvpe(shell, command, {**os.environ, **variables()})  # noqa: S606 - a shell is wanted


if __name__ == "__main__":
    if sys.argv[1:] == ["shell"]:
        open_shell()
    sys.stdout.write(exports())
