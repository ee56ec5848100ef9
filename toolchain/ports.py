"""Move this clone's sandbox to other ports, so that it runs beside another clone's: `make ports
OFFSET=100`."""

import re
import subprocess
import sys
from pathlib import Path

from toolchain.common import ROOT, TOOLCHAIN, ToolchainError, main, say

_ADDRESS = re.compile(r"(?<=//127\.0\.0\.1:)\d+")
HIGHEST = 65535


def move(offset: int) -> None:
    """Write into each stack's file, into what the examples read and into the address of PostgreSQL
    the ports of the last commit, ``offset`` higher; 0 puts them back.

    Raises:
        ToolchainError: where somebody added or removed such an address since the last commit, or a
            port would be too low or too high. Then no file is written.
    """
    files = [*sorted(ROOT.glob("Pulumi.*.yaml")), *sorted((ROOT / "examples").glob("*.env"))]
    files.append(TOOLCHAIN / "postgres.url")
    texts = {file: _with_ports_of_commit(file, offset) for file in files}
    for file, text in texts.items():
        file.write_text(text)
    ports: set[int] = set()
    for text in texts.values():
        ports.update(map(int, _ADDRESS.findall(text)))
    say(
        f"ports: this clone's sandbox has {', '.join(map(str, sorted(ports)))}; make ports"
        " OFFSET=0 puts the committed ones back"
    )


def _with_ports_of_commit(file: Path, offset: int) -> str:
    """Return the text of a file with the ports of the last commit, ``offset`` higher, and with all
    other changes since then. Raises ToolchainError."""
    text, committed = file.read_text(), _text_at_commit(file)
    if len(_ADDRESS.findall(committed)) != len(_ADDRESS.findall(text)):
        raise ToolchainError(
            f"{file.name} has other addresses of 127.0.0.1 than at the last commit: change its"
            " ports by hand"
        )
    new_ports = iter(_ADDRESS.findall(with_higher_ports(committed, offset, file.name)))
    return _ADDRESS.sub(lambda _: next(new_ports), text)


def with_higher_ports(text: str, offset: int, file_name: str) -> str:
    """Return a text with each port of an address on 127.0.0.1 ``offset`` higher. Raises
    ToolchainError, which names the file, where one would be no port."""
    if not all(0 < int(port) + offset <= HIGHEST for port in _ADDRESS.findall(text)):
        raise ToolchainError(
            f"with OFFSET={offset} ports of {file_name} would lie outside 1 to {HIGHEST}: give"
            " another"
        )
    return _ADDRESS.sub(lambda port: str(int(port[0]) + offset), text)


def _text_at_commit(file: Path) -> str:
    """Return the text of a file at the last commit. Raises ToolchainError."""
    shown = subprocess.run(
        ["git", "show", f"HEAD:./{file.relative_to(ROOT).as_posix()}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode != 0:
        raise ToolchainError(
            f"{file.name} is not in the last commit of a Git repository: change its ports by hand"
        )
    return shown.stdout


def _read_offset() -> int:
    try:
        return int(sys.argv[1])
    except (IndexError, ValueError):
        raise ToolchainError("give a whole number, as in make ports OFFSET=100") from None


if __name__ == "__main__":
    main(lambda: move(_read_offset()))
