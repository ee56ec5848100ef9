"""Stands for ``python`` where the engine starts one: has it forked from a process that has imported all it needs, and waits for it.

Run by itself, and by the standard library alone: to start is all that it is for.
"""

import marshal
import os
import signal
import socket
import sys

KNOWN = ("pulumi.dynamic", "pip")
SCRIPT = "pulumi-language-python-exec"


def main(server: str, words: list[str]) -> int:
    known = any(word in KNOWN or os.path.basename(word) == SCRIPT for word in words[:3])  # noqa: PTH119 - pathlib takes as long as all the rest
    # Another path to import from is another process: what was imported before would hide what is there.
    if not known or "PYTHONPATH" in os.environ:
        os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - no shell is wanted
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(server)
        request = marshal.dumps((os.getcwd(), words, dict(os.environ)))  # noqa: PTH109
        socket.send_fds(connection, [len(request).to_bytes(4, "big")], [0, 1, 2])
        connection.sendall(request)
        pid = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: os.kill(pid, number))
        return int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
