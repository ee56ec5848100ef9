"""A real object store that speaks S3, whose buckets are folders: built from the Go module proxy, as
the engine is."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.keycloak import free_port
from toolchain import go
from toolchain.common import ENGINE, locked

MODULE = "github.com/versity/versitygw"
BUCKET = "states"
START_SECONDS = 30


@dataclass
class RunningStore:
    """A server whose buckets are in ``folder``."""

    folder: Path
    program: Path
    port: int = field(default_factory=free_port)
    password: str = "the object store's own secret key"
    _process: subprocess.Popen[bytes] | None = None

    def variables(self, name: str) -> dict[str, str]:
        """What leads the engine to a place of its own in the bucket."""
        where = f"endpoint=127.0.0.1:{self.port}&disableSSL=true&s3ForcePathStyle=true"
        return {
            "PULUMI_BACKEND_URL": f"s3://{BUCKET}/{name}?{where}",
            "AWS_ACCESS_KEY_ID": "acmidm",
            "AWS_SECRET_ACCESS_KEY": self.password,
            "AWS_REGION": "us-east-1",
        }

    def put(self, name: str, key: str, content: bytes) -> None:
        file = self._bucket / name / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def back_up(self, folder: Path) -> None:
        shutil.copytree(self._bucket, folder)

    def restore(self, folder: Path) -> None:
        shutil.rmtree(self._bucket)
        shutil.copytree(folder, self._bucket)

    def start(self) -> None:
        self._bucket.mkdir(parents=True, exist_ok=True)
        keys = ("--access", "acmidm", "--secret", self.password)
        where = ("--port", f"127.0.0.1:{self.port}", "--quiet")
        self._process = subprocess.Popen(
            [self.program, *keys, *where, "posix", self.folder],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = START_SECONDS * 20
        for _ in range(deadline):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        raise AssertionError("the object store does not answer")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def _bucket(self) -> Path:
        return self.folder / BUCKET


@contextmanager
def running_store(folder: Path) -> Iterator[RunningStore]:
    """A server that ends with the block. The test is skipped without Go, and fails where that is
    CI's."""
    if not shutil.which("go") and not os.environ.get("CI"):
        pytest.skip("the object store is built by Go, and there is none on PATH")
    with locked("object_store"):
        (ENGINE / "build").mkdir(parents=True, exist_ok=True)
        version = f"main.Version={go.required('object_store', MODULE)}"
        program = go.build(
            "object_store", "object_store", f"{MODULE}/cmd/versitygw", "versitygw", version
        )
    store = RunningStore(folder, program)
    store.start()
    try:
        yield store
    finally:
        store.kill()
