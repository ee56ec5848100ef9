"""A clone of this repository with a sandbox on ports of its own, and the commands of a page as
people run them in it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

from tests.support.engine import ROOT
from tests.support.offered import SHARED
from toolchain.common import VENV
from toolchain.install_venv import LOCK_FILE, digest_of_packages

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_PORT = re.compile(r"127\.0\.0\.1:(\d+)")


def scripts(page: str) -> Iterator[list[str]]:
    """The commands of each block: all lines of one that is of the shell, those after a prompt in
    one that shows output too."""
    for language, text in _BLOCK.findall(page):
        if language == "sh":
            lines = [re.sub(r"\s+#.*", "", line) for line in text.splitlines()]
        else:
            lines = [
                f'eval "$(make -s env)" && {line[2:]}'
                for line in text.splitlines()
                if line.startswith("$ ")
            ]
        if lines := [line for line in lines if line]:
            yield lines


@contextmanager
def cloned(folder: Path) -> Iterator[None]:
    """A clone in `folder` with the tools and the packages that this one has; `make up` installs the
    clone's own package into them. A clone without any is what CI begins with."""
    with free_offset() as offset:
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        (folder / ".local" / "pulumi").mkdir(parents=True)
        for tools in (".local/engine", ".local/pulumi/plugins"):
            if (ROOT / tools).exists():
                (folder / tools).symlink_to(ROOT / tools)
        copy_packages(folder)
        author = "-c user.name=a -c user.email=a@b.example"
        done = run(
            folder,
            f"make ports OFFSET={offset}; git {author} commit --quiet --all --message=Ports;"
            " git update-ref refs/remotes/origin/main HEAD",
        )
        assert done.returncode == 0, done.stderr
        try:
            yield
        finally:
            run(folder, "make down")
            shutil.rmtree(folder)


def copy_packages(clone: Path) -> None:
    venv = clone / ".venv"
    shutil.copytree(VENV, venv, symlinks=True)
    (venv / ".packages").write_text(digest_of_packages(LOCK_FILE, clone))
    (venv / ".project").unlink()  # it was this clone's package


_TRUST = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""Where a machine says whose certificates its package registries have: without these no tool
reaches them."""


def run(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A script of bash that stops at the first error, with nobody to answer and nothing of this
    clone or of `make` around it."""
    shared = os.environ[SHARED]
    path = [
        entry
        for entry in os.environ["PATH"].split(os.pathsep)
        if not Path(entry).is_relative_to(ROOT) and not Path(entry).is_relative_to(shared)
    ]
    environment = {
        name: os.environ[name]
        for name in ("HOME", "LANG", "KEYCLOAK_VERSION", *_TRUST)
        if name in os.environ
    }
    return subprocess.run(
        ["bash", "-ec", script],
        cwd=folder,
        env={**environment, "PATH": os.pathsep.join(path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def free_offset() -> Iterator[int]:
    """How far the committed ports have to move to be free; nobody else's clone gets the same one
    meanwhile."""
    files = [*ROOT.glob("Pulumi.*.yaml"), ROOT / "toolchain" / "postgres.url"]
    ports = {int(port) for file in files for port in _PORT.findall(file.read_text())}
    for offset in range(200, 20_000, 200):
        with (Path(gettempdir()) / f"acmidm-ports-{offset}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if all(_is_free(port + offset) for port in ports):
                yield offset
                return
    raise RuntimeError("no ports are free for a clone")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
