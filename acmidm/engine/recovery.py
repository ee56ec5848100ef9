"""What a run of Pulumi that was cut off left behind, cleared so that the next one needs nobody: ``acmidm deploy``
begins with it.

- **Its lock**, in a backend of files: cleared where the process that took it no longer lives on this machine. Any other
  is left alone, and explained.
- **Half a file**: the engine replaces its state in one go, but writes a ``.attrs`` beside it that it cannot read when
  it is empty.
- **Its pending operations**: the engine does not know what became of them, and warns for ever of creates. Dropping them
  is safe, because every create of this project takes over what it finds, and because of what follows; a client that
  its authority cannot find by its key stays as one of which nobody knows whether it was made.
- **What it did but could not record**: a run has to look at the authority first. A tag on the stack says so from before
  anything is cleared until that look went well, whatever ends this command.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil
import typer

from acmidm.engine.pulumi import last_runs, set_tag, stack_tags, store_deployment
from acmidm.project import project_name
from acmidm_onboarding.authority_types import DEFAULT_AUTHORITY
from acmidm_onboarding.engine_resources import UNKNOWN, EngineResource, Resource, kind_of, mapping
from acmidm_onboarding.settings import NAMESPACE, config_key
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import Language, say, say_in
from acmidm_onboarding.values.problems import Failure

LOOK_TAG = "acmidm:look-first"
"""On a stack whose authorities have to be looked at first; whoever did that takes it away."""
_START_MARGIN = timedelta(seconds=2)  # a start is known from the boot, and that to the second


@dataclass(frozen=True)
class Recovered:
    """What is known of the last run on a stack on which another can begin."""

    look_first: bool
    revision: str | None = None
    """The commit that was checked out where all of the stack was brought up last."""


def recover(opened: Stack) -> Recovered:
    """Clear what a run that was cut off left behind.

    Raises:
        Failure: where that run may be alive.
        EngineError
    """
    stack = opened.name
    backend = backend_folder(os.environ.get("PULUMI_BACKEND_URL", ""))
    dead: list[Lock] = []
    for lock in _locks(stack, backend) if backend else ():
        if not lock.is_dead(socket.gethostname()):
            raise Failure(say("engine.locked", stack=stack, owner=lock.owner, since=lock.since), exit_code=1)
        dead.append(lock)
    if backend and dead:
        _mend(stack, backend)
    deployment: Mapping[str, Any] = opened.state.get("deployment") or {}
    pending = deployment.get("pending_operations")
    tagged = LOOK_TAG in stack_tags(stack)
    last = last_runs(stack)
    has_failed = bool(last) and last[0].get("result") != "succeeded"
    look_first = bool(tagged or dead or pending) or has_failed or _has_moved(opened, last)
    if look_first and not tagged:  # before anything is cleared
        set_tag(stack, LOOK_TAG, "true")
    for lock in dead:
        lock.clear()
        typer.echo(say("engine.lock_cleared", pid=lock.pid, stack=stack), err=True)
    if pending:
        kept = [*(deployment.get("resources") or ()), *_unknown(opened, pending)]
        store_deployment(
            stack, {**opened.state, "deployment": {**deployment, "resources": kept, "pending_operations": []}}
        )
        opened.changed()
    return Recovered(look_first, revision_of(last))


def _has_moved(opened: Stack, runs: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether an authority is of another type than at the last run: what it has may bear none of our marks."""
    config = mapping(runs[0].get("config")) if runs else {}
    for platform, settings in opened.settings.platforms.items():
        was = mapping(config.get(f"{NAMESPACE}:{config_key(platform, 'authority')}")).get("value")
        if config and (was or DEFAULT_AUTHORITY) != settings.authority:
            typer.echo(say("state.moved", platform=platform, authority=settings.authority), err=True)
            return True
    return False


def _unknown(opened: Stack, pending: Iterable[Mapping[str, Any]]) -> Iterator[EngineResource]:
    """Yield the clients that a run may have made, where their authority finds none by its key.

    They stay in the state, with a sentence in English for every later program, so that nobody makes them again.
    """
    for operation in pending:
        resource = mapping(operation.get("resource"))
        inputs = mapping(resource.get("inputs"))
        platform = opened.settings.platforms.get(inputs.get("platform", ""))
        if operation.get("type") != "creating" or kind_of(resource) != Resource.CLIENT or platform is None:
            continue
        if not platform.authority_type.finds_clients:
            names = {"name": inputs.get("client_name"), "key": inputs.get("software_id")}
            sentence = say_in(Language.EN, "state.unknown_client", **names)
            yield {**resource, "id": UNKNOWN, "outputs": {**inputs, UNKNOWN: sentence}}


def revision_of(runs: Iterable[Mapping[str, Any]]) -> str | None:
    """The commit that was checked out where all of a stack was brought up last."""
    environments = (run.get("environment") or {} for run in runs if run.get("kind") == "update")
    of_all = (environment for environment in environments if "pulumi.flag.target" not in environment)
    return next((environment.get("git.head") for environment in of_all), None)


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
        return say("engine.lock_owner", user=self.username, host=self.hostname, pid=self.pid)

    def is_dead(self, this_host: str) -> bool:
        """Whether its process ran on this machine and is gone, or another got its number; what cannot be known counts
        as alive."""
        if self.hostname != this_host:
            return False
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return True  # ended, and nobody has waited for it
            # An engine is never taken for another process: when the clock is set, what started before seems to have
            # started later.
            started = datetime.fromtimestamp(process.create_time(), UTC)
            return started > self.since + _START_MARGIN and not process.name().startswith("pulumi")
        except psutil.NoSuchProcess:
            return not _is_hidden(self.pid)
        except psutil.Error:
            return False

    def clear(self) -> None:
        """Removes this lock alone: ``pulumi cancel`` would take one along that was made meanwhile."""
        for file in (self.file, self.file.with_name(f"{self.file.name}.attrs")):
            file.unlink(missing_ok=True)


def backend_folder(backend: str) -> Path | None:
    """Where a backend of files has its own, None for another backend, whose locks the engine itself reports."""
    url = urlsplit(backend)
    return Path(unquote(url.netloc + url.path)).expanduser() / ".pulumi" if url.scheme == "file" else None


def _locks(stack: str, backend: Path) -> Iterator[Lock]:
    folder = backend / "locks" / "organization" / project_name() / _own_name(stack)
    for file in sorted(folder.glob("*.json")):
        try:
            lock = json.loads(file.read_text("utf-8"))
            yield Lock(
                file,
                int(lock["pid"]),
                lock["username"],
                lock["hostname"],
                datetime.fromisoformat(lock["timestamp"]).astimezone(),
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue  # gone meanwhile, or not a lock as we know it: the engine will say


def _mend(stack: str, backend: Path) -> None:
    """Removes what a write that was cut off left; the engine does without it."""
    project, stack = project_name(), _own_name(stack)
    for file in (backend / "stacks" / project).glob(f"{stack}.json.*tmp"):
        file.unlink()
    for folder, names in (
        ("stacks", f"{stack}.json*.attrs"),
        ("history", f"{stack}/*.attrs"),
        ("backups", f"{stack}/*.attrs"),
    ):
        for file in (backend / folder / project).glob(names):
            if file.stat().st_size == 0:
                file.unlink()


def _own_name(stack: str) -> str:
    """The name of a stack without its organisation and project."""
    return stack.rpartition("/")[2]


def _is_hidden(pid: int) -> bool:
    """Whether a process lives that psutil does not see: a machine may hide those of other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
