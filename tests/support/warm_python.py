"""Stands for ``python`` where the engine starts one: has it forked from a process that has imported
all it needs, and waits for it.

Run by itself, and by the standard library alone: to start is all that it is for.
"""

# Not socket, signal, contextlib and pathlib: to import those takes as long as all the rest.
import _signal  # type: ignore[import-not-found]
import _socket
import marshal
import os
import sys

MODULES, SCRIPTS = (
    ("pulumi.dynamic", "acmidm_sandbox", "acmidm_sandbox.beheerportaal.mail"),
    ("pulumi-language-python-exec", "acmidm"),
)
ASKED = (["--version"], ["-m", "pip", "list", "-v", "--format", "json"])
"""What the language host asks before each program; the answers are in files beside the server's
socket, each made by whoever needs it first."""


def answer(words: list[str], file: str) -> str:
    """Return what Python says to these words, which takes a second, from a file that is made
    once."""
    if not os.path.exists(file):  # noqa: PTH110
        import subprocess

        said = subprocess.run([sys.executable, *words], stdout=subprocess.PIPE, check=True).stdout
        mine = f"{file}.{os.getpid()}"
        with open(mine, "wb") as stream:  # noqa: PTH123
            stream.write(said)
        os.replace(mine, file)  # noqa: PTH105
    with open(file) as stream:  # noqa: PTH123
        return stream.read()


def main(server: str, words: list[str]) -> int:
    if words in ASKED:
        print(answer(words, f"{server}.{ASKED.index(words)}"), end="")  # noqa: T201
        return 0
    known = any(word in MODULES or os.path.basename(word) in SCRIPTS for word in words[:3])  # noqa: PTH119
    # Another path to import from is another process: what was imported before would hide what is
    # there.
    if not known or "PYTHONPATH" in os.environ:
        os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - no shell is wanted
    connection = _socket.socket(_socket.AF_UNIX)
    connection.connect(server)
    mask = os.umask(0)
    os.umask(mask)
    request = marshal.dumps((os.getcwd(), words, dict(os.environ), mask))  # noqa: PTH109
    standard_files = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    connection.sendmsg(
        [len(request).to_bytes(4, "big")],
        [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, standard_files)],
    )
    connection.sendall(request)
    pid = int.from_bytes(connection.recv(4, _socket.MSG_WAITALL), "big")

    def pass_on(number: int, _frame: object) -> None:
        try:  # noqa: SIM105
            os.kill(pid, number)
        except ProcessLookupError:
            pass  # it has just ended

    for number in (_signal.SIGINT, _signal.SIGTERM):
        _signal.signal(number, pass_on)
    return int.from_bytes(connection.recv(4, _socket.MSG_WAITALL), "big")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
