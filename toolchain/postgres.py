"""A PostgreSQL on loopback that keeps the state of this clone, as a team's keeps theirs: `make
postgres`."""

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from toolchain.common import LOCAL, TOOLCHAIN, ToolchainError, for_this_user, locked, main, say

FOLDER = LOCAL / "postgres"
URL = (TOOLCHAIN / "postgres.url").read_text().strip()
PORT = urlsplit(URL).port or 5432


def variables(folder: Path = FOLDER, url: str = URL) -> dict[str, str]:
    """Return the environment variables by which Pulumi keeps its state in this PostgreSQL. The
    password is in a file: `pulumi about` prints the whole URL."""
    return {"PULUMI_BACKEND_URL": url, "PGPASSFILE": str(_passfile(folder))}


def start(folder: Path = FOLDER, port: int = PORT) -> None:
    """Start the server, unless it runs on `port`, and return when it answers. The first start makes
    its data, and a password. Raises ToolchainError."""
    with locked("postgres"):
        if not _passfile(folder).exists():
            _make_server(folder)
        if port != _running_port(folder):
            options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
            _run(folder, "pg_ctl", "restart", "-D", "{}/data", "-l", "{}/log", "-o", options)
            say(
                f"postgres: it listens on port {port}; make up BACKEND=postgres keeps the state"
                " there"
            )


def stop(folder: Path = FOLDER) -> None:
    """Stop the server where it runs; its data stay. Raises ToolchainError."""
    if _running_port(folder):
        _run(folder, "pg_ctl", "stop", "-D", "{}/data", "-m", "fast")


def _make_server(folder: Path) -> None:
    """Make the data of a server, and the password of its user acmidm."""
    shutil.rmtree(folder, ignore_errors=True)  # of a start that was interrupted
    folder.mkdir(mode=0o700, parents=True)
    password, password_file = secrets.token_urlsafe(32), folder / "password"
    _write_private(password_file, password)
    if user := _user_of_server():
        shutil.chown(folder, user)
        shutil.chown(password_file, user)
    options = (
        "--pwfile={}/password",
        "--username=acmidm",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
    )
    _run(folder, "initdb", "-D", "{}/data", *options)
    password_file.unlink()
    # Last: `start` makes the server anew where this file is missing.
    _write_private(_passfile(folder), f"*:*:*:*:{password}\n")


def _running_port(folder: Path) -> int | None:
    """Return the port on which the server listens; None where it does not run."""
    try:
        _run(folder, "pg_ctl", "status", "-D", "{}/data")
        return int((folder / "data" / "postmaster.pid").read_text().splitlines()[3])
    except (ToolchainError, FileNotFoundError):
        return None


def _run(folder: Path, program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL. `{}` in an argument stands for the folder.

    PostgreSQL refuses to run as root: for root it runs as Debian's user `postgres`. That user may
    not pass through root's folders, and reaches this one by /proc/self/fd.

    Raises ToolchainError where it fails.
    """
    user, opened = _user_of_server(), os.open(folder, os.O_RDONLY)
    try:
        place = f"/proc/self/fd/{opened}" if user else str(folder)
        groups: list[str] | None = [] if user else None
        done = subprocess.run(
            [programs() / program, *(argument.format(place) for argument in arguments)],
            cwd="/",
            pass_fds=[opened],
            user=user,
            group=user,
            extra_groups=groups,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(opened)
    if done.returncode:
        reason = done.stderr.strip().rpartition("\n")[2]
        raise ToolchainError(
            f"postgres: {program} fails ({reason}); what the server said is in {folder}/log"
        )


def programs() -> Path:
    """Return the folder of initdb and pg_ctl, which Debian does not put on PATH. Raises
    ToolchainError where there is none."""
    of_debian = map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or max(of_debian, default="")
    if not initdb:
        raise ToolchainError(
            "postgres: there is no PostgreSQL here: install Debian's package postgresql"
        )
    return Path(initdb).parent


def _user_of_server() -> str | None:
    """Return the user as whom root runs the server; None where it runs as the caller."""
    return "postgres" if os.geteuid() == 0 else None


def _passfile(folder: Path) -> Path:
    return folder / "passfile"


def _write_private(file: Path, text: str) -> None:
    with open(file, "x", opener=for_this_user) as opened:
        opened.write(text)


if __name__ == "__main__":
    act = stop if sys.argv[1:] == ["stop"] else start
    main(act)
