"""``acmidm recover``: what a run of Pulumi that was cut off left behind, so that the next one needs nobody.

- **Its lock**, in a backend of files: cleared where the process that took it no longer lives on this machine. Any other
  is left alone, and explained.
- **Half a file**: the engine replaces its state in one go, but writes a ``.attrs`` beside it that it cannot read when it is empty.
- **Its pending operations**: the engine does not know what became of them, and warns for ever of creates. Dropping them is
  safe, because every create of this project takes over what it finds, and because of what follows.
- **What it did but could not record**: the next run has to look at the authority first.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import psutil
import typer
import yaml

from acmidm.engine import EngineError, last_run, stack_deployment, store_deployment

EPILOG = """
**Examples**

- `acmidm recover --stack prod`

**Exit codes**: 0 nothing stands in the way any more; 1 another run holds the lock; 3 the engine cannot be reached.
"""

LOOK_FIRST = "--run-program"
"""With the program's settings, for those of the run that was cut off may have been wrong."""
_START_MARGIN = timedelta(seconds=2)  # a start is known from the boot, and that to the second


def recover(stack: Annotated[str, typer.Option(metavar="STACK", help="The stack, as in Pulumi.STACK.yaml.")] = "tni") -> None:
    """Clear what a run that was cut off left behind, and print the options of the `pulumi refresh` that has to come first, if any."""
    cleared = False
    backend = _folder(os.environ.get("PULUMI_BACKEND_URL", ""))
    for lock in _locks(stack, backend) if backend else ():
        if lock.is_dead(socket.gethostname()):
            lock.clear()
            cleared = True
            typer.echo(f"the run of process {lock.pid} was cut off: its lock on {stack} is cleared", err=True)
        else:
            typer.echo(
                f"stack {stack} is locked by {lock.owner} since {lock.since:%Y-%m-%d %H:%M:%S %Z}; wait until that run ends, "
                f"or when you are sure that it no longer lives: pulumi cancel --yes --stack {stack}",
                err=True,
            )
            raise typer.Exit(1)
    if backend and cleared:
        _mend(stack, backend)
    try:
        pending = _drop_pending_operations(stack)
        last = last_run(stack)
    except EngineError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(3) from None
    if cleared or pending or (last is not None and last.get("result") != "succeeded"):
        typer.echo(f"the last run on {stack} did not end well: the next one looks at the authority first", err=True)
        typer.echo(LOOK_FIRST)


@dataclass(frozen=True)
class Lock:
    """A lock on a stack as the engine writes it."""

    file: Path
    pid: int
    username: str
    hostname: str
    since: datetime

    @property
    def owner(self) -> str:
        return f"{self.username}@{self.hostname} (process {self.pid})"

    def is_dead(self, this_host: str) -> bool:
        """Whether its process ran on this machine and is gone; one that started later only has its number."""
        if self.hostname != this_host:
            return False
        started = _started(self.pid)
        return started is None or started > self.since + _START_MARGIN

    def clear(self) -> None:
        """Removes this lock alone: ``pulumi cancel`` would take one along that was made meanwhile."""
        for file in (self.file, self.file.with_name(f"{self.file.name}.attrs")):
            file.unlink(missing_ok=True)


def _folder(backend: str) -> Path | None:
    """Where a backend of files has its own, None for another backend: the engine itself tells of the locks there."""
    url = urlsplit(backend)
    return Path(unquote(url.netloc + url.path)).expanduser() / ".pulumi" if url.scheme == "file" else None


def _locks(stack: str, backend: Path) -> Iterator[Lock]:
    folder = backend / "locks" / "organization" / _project() / stack
    for file in sorted(folder.glob("*.json")):
        try:
            told = json.loads(file.read_text("utf-8"))
            yield Lock(file, int(told["pid"]), told["username"], told["hostname"], datetime.fromisoformat(told["timestamp"]).astimezone())
        except (OSError, ValueError, KeyError, TypeError):
            continue  # gone meanwhile, or not a lock as we know it: the engine will say


def _mend(stack: str, backend: Path) -> None:
    """Removes what a write that was cut off left; the engine does without it."""
    project = _project()
    for file in (backend / "stacks" / project).glob(f"{stack}.json.*tmp"):
        file.unlink()
    for folder, names in (("stacks", f"{stack}.json*.attrs"), ("history", f"{stack}/*.attrs"), ("backups", f"{stack}/*.attrs")):
        for file in (backend / folder / project).glob(names):
            if file.stat().st_size == 0:
                file.unlink()


def _project() -> str:
    """The name of the project in this folder."""
    with suppress(OSError, yaml.YAMLError, KeyError, TypeError):
        return str(yaml.safe_load(Path("Pulumi.yaml").read_text("utf-8"))["name"])
    return ""


def _started(pid: int) -> datetime | None:
    """When a process started, None where there is none; one that has ended and that nobody has waited for is none either."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return datetime.fromtimestamp(process.create_time(), UTC)
    except psutil.NoSuchProcess:
        return None


def _drop_pending_operations(stack: str) -> bool:
    """Whether there were any."""
    state = stack_deployment(stack)
    deployment: dict[str, Any] = state.get("deployment") or {}
    if not deployment.get("pending_operations"):
        return False
    store_deployment(stack, {**state, "deployment": {**deployment, "pending_operations": []}})
    return True
