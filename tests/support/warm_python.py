"""Stands for ``python`` where the engine starts one: has it forked from a process that has imported all it needs, and waits for it.

Run by itself, and by the standard library alone: to start is all that it is for.
"""

import contextlib
import marshal
import os
import signal
import socket
import sys

MODULES, SCRIPTS = ("pulumi.dynamic", "beheerportaal.server"), ("pulumi-language-python-exec", "acmidm")
PACKAGES = ["-m", "pip", "list", "-v", "--format", "json"]
"""What the language host asks of pip before each program; the answer is in a file beside the server's socket."""


def main(server: str, words: list[str]) -> int:
    # Without pathlib, whose import takes as long as all the rest.
    if words == PACKAGES:
        with open(f"{server}.packages") as packages:  # noqa: PTH123
            print(packages.read())  # noqa: T201
        return 0
    known = any(word in MODULES or os.path.basename(word) in SCRIPTS for word in words[:3])  # noqa: PTH119
    # Another path to import from is another process: what was imported before would hide what is there.
    if not known or "PYTHONPATH" in os.environ:
        os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - no shell is wanted
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(server)
        mask = os.umask(0)
        os.umask(mask)
        request = marshal.dumps((os.getcwd(), words, dict(os.environ), mask))  # noqa: PTH109
        socket.send_fds(connection, [len(request).to_bytes(4, "big")], [0, 1, 2])
        connection.sendall(request)
        pid = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")

        def pass_on(number: int, _frame: object) -> None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, number)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, pass_on)
        return int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
