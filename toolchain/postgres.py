"""A PostgreSQL on loopback that keeps the state of this clone, as a team's keeps theirs: `make
postgres`."""

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from toolchain.common import LOCAL, TOOLCHAIN, ToolchainError, locked, main, say

FOLDER = LOCAL / "postgres"
URL = (TOOLCHAIN / "postgres.url").read_text().strip()
PORT = urlsplit(URL).port or 5432


def variables(folder: Path = FOLDER, url: str = URL) -> dict[str, str]:
    """Return what leads the engine there. The password is in a file, for `pulumi about` prints the
    whole address."""
    return {"PULUMI_BACKEND_URL": url, "PGPASSFILE": str(_passfile(folder))}


def start(folder: Path = FOLDER, port: int = PORT) -> None:
    """Return once it answers on `port`. The first start makes its data, and a password."""
    with locked("postgres"):
        if not _passfile(folder).exists():
            _make_server(folder)
        if port != _port(folder):
            options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
            _run(folder, "pg_ctl", "restart", "-D", "{}/data", "-l", "{}/log", "-o", options)
            say(
                f"postgres: it listens on port {port}; make up BACKEND=postgres keeps the state"
                " there"
            )


def stop(folder: Path = FOLDER) -> None:
    """End it in good order; its data stay."""
    if _port(folder):
        _run(folder, "pg_ctl", "stop", "-D", "{}/data", "-m", "fast")


def _make_server(folder: Path) -> None:
    """Make the data of a server, and its password."""
    shutil.rmtree(folder, ignore_errors=True)  # of a start that was cut off
    folder.mkdir(mode=0o700, parents=True)
    password, given = secrets.token_urlsafe(32), folder / "password"
    _write_private(given, password)
    if user := _user():
        shutil.chown(folder, user)
        shutil.chown(given, user)
    words = (
        "--pwfile={}/password",
        "--username=acmidm",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
    )
    _run(folder, "initdb", "-D", "{}/data", *words)
    given.unlink()
    _write_private(_passfile(folder), f"*:*:*:*:{password}\n")  # last: it says that all is there


def _port(folder: Path) -> int | None:
    """Return where it listens; None where it does not run."""
    try:
        _run(folder, "pg_ctl", "status", "-D", "{}/data")
        return int((folder / "data" / "postmaster.pid").read_text().splitlines()[3])
    except (ToolchainError, FileNotFoundError):
        return None


def _run(folder: Path, program: str, *words: str) -> None:
    """Run a program of PostgreSQL, in whose words `{}` is the folder.

    It refuses to be root's: then it is that of Debian's own user, whom only /proc leads into a
    folder of root's.
    """
    user, opened = _user(), os.open(folder, os.O_RDONLY)
    try:
        place = f"/proc/self/fd/{opened}" if user else str(folder)
        groups: list[str] | None = [] if user else None
        done = subprocess.run(
            [programs() / program, *(word.format(place) for word in words)],
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
    """Return the folder of initdb and pg_ctl, which Debian puts on nobody's PATH."""
    found = shutil.which("initdb") or max(
        map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=""
    )
    if not found:
        raise ToolchainError(
            "postgres: there is no PostgreSQL here: install Debian's package postgresql"
        )
    return Path(found).parent


def _user() -> str | None:
    return "postgres" if os.geteuid() == 0 else None


def _passfile(folder: Path) -> Path:
    return folder / "passfile"


def _write_private(file: Path, text: str) -> None:
    with open(file, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as opened:
        opened.write(text)


if __name__ == "__main__":
    act = stop if sys.argv[1:] == ["stop"] else start
    main(act)
