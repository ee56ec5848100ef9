"""The recovery from a run of Pulumi that was cut off, with which ``acmidm deploy`` begins. What
that run left behind:

- **Its lock**: cleared where the process that took the lock no longer lives on this machine. Any
  other lock is left alone, and explained.
- **Half a file**: the engine replaces its state in one go, but also writes a ``.attrs`` file beside
  the state. The engine cannot read an empty one, so that such a file is removed.
- **Its pending operations**: the engine does not know what became of them, and warns of creates in
  every later run. To drop them is safe, because every create of this project takes over what it
  finds, and because of the next point.
- **What it did but could not record**: the next run has to read the authorities first. A tag on the
  stack says so, from before anything is cleared until that read succeeds, whatever ends this
  command.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil
import typer

from acmidm.engine.pulumi import (
    clear_locks,
    lock_owners,
    remove_tag,
    set_tag,
    stack_tags,
    store_deployment,
)
from acmidm.git import why_behind
from acmidm.project import project_name
from acmidm_onboarding.authority_types import DEFAULT_AUTHORITY, installed_authorities
from acmidm_onboarding.engine_resources import mapping
from acmidm_onboarding.settings import (
    config_key,
    full_key,
    is_map_in_words,
    present_key,
    read_settings,
)
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.stack.forms import StackForms
from acmidm_onboarding.values.problems import Failure, listed
from acmidm_onboarding.values.terms import Platform

LOOK_TAG = "acmidm:look-first"


class LookTag:
    """The tag ``acmidm:look-first`` of a stack whose authorities the next run has to read first.

    That run is in a ``with`` of this object. At its end the tag is removed where the run called
    ``recorded``. A run that was killed, interrupted or refused leaves the tag.
    """

    def __init__(self, stack: str, *, is_set: bool) -> None:
        self._stack, self.is_set, self._is_recorded = stack, is_set, False

    def set(self) -> None:
        """Put the tag on the stack, unless the stack has it."""
        if not self.is_set:
            set_tag(self._stack, LOOK_TAG, "true")
            self.is_set = True

    def recorded(self) -> None:
        """Note that the state has what the authorities have, so that nothing needs the tag."""
        self._is_recorded = True

    def __enter__(self) -> LookTag:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self.is_set and self._is_recorded:
            remove_tag(self._stack, LOOK_TAG)


# When a process started is known to the second, counted from the boot.
_START_MARGIN = timedelta(seconds=2)


def recover(opened: Stack) -> tuple[Stack, LookTag]:
    """Clear what a run that was cut off left behind: locks, half files, pending operations. A
    cleared lock is reported. Return the stack as it is then, and its tag, which is set where the
    next run has to read the authorities first.

    Raises:
        Failure: where that run may still be alive.
        EngineError
    """
    stack = opened.name
    backend = backend_folder(os.environ.get("PULUMI_BACKEND_URL", ""))
    dead_locks: list[Lock] = []
    for lock in _locks(stack, backend):
        if not lock.is_dead(socket.gethostname()):
            raise Failure(
                f"stack {stack} is locked by {lock.owner} since {lock.since:%Y-%m-%d %H:%M:%S %Z};"
                " wait until that run ends, or, when you are sure that it no longer lives, run"
                f" pulumi cancel --yes --stack {stack}",
                exit_code=1,
            )
        dead_locks.append(lock)
    if backend and dead_locks:
        _remove_half_files(stack, backend)
    deployment: Mapping[str, Any] = opened.state.document.get("deployment") or {}
    pending = deployment.get("pending_operations")
    tag = LookTag(stack, is_set=LOOK_TAG in stack_tags(stack))
    runs = opened.state.last_runs
    has_failed = bool(runs) and runs[0].get("result") != "succeeded"
    has_moved = _has_moved(opened, runs)  # before anything is cleared: it may raise
    if dead_locks or pending or has_failed or has_moved:
        tag.set()  # before anything is cleared
    _clear(stack, dead_locks)
    for lock in dead_locks:
        typer.echo(
            f"the run of process {lock.pid} was cut off: its lock on {stack} is cleared", err=True
        )
    if pending:
        store_deployment(
            stack, {**opened.state.document, "deployment": {**deployment, "pending_operations": []}}
        )
        opened = opened.after_a_run()
    return opened, tag


def _has_moved(opened: Stack, runs: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether an authority is of another type than at the last run, so that its clients may
    bear no marks; also where another version wrote that run's settings. Print each platform whose
    authority is of another type. ``runs`` are the last ones, newest first.

    Raises:
        Failure: where people confirmed a client of the authority before, and no run has recorded
            that client: a run would register it a second time.
    """
    settings = mapping(runs[0].get("config")) if runs else {}
    former_config: dict[str, object] = {}
    for key, setting in settings.items():
        value = mapping(setting).get("value")
        if not is_map_in_words(key, value):
            former_config[present_key(key)] = value

    def former_value(key: str) -> object:
        return former_config.get(full_key(key))

    platforms = opened.forms.settings.platforms if former_config else {}
    moved, by_hand = list[Platform](), set[Platform]()
    for name, platform in platforms.items():
        former = str(former_value(config_key(name, "authority")) or DEFAULT_AUTHORITY)
        if former == platform.authority:
            continue
        moved.append(name)
        former_type = installed_authorities().get(former)
        if former_type and former_type.is_by_hand:
            by_hand.add(name)
    if by_hand:
        former_forms = StackForms(lambda: read_settings(former_value), by_policies=False)
        _require_recorded(replace(opened, forms=former_forms), by_hand)
    for name in moved:
        typer.echo(
            f"{name} is managed at another type of authority than before,"
            f" {platforms[name].authority}: what that authority has is looked at first",
            err=True,
        )
    # Settings under former names are those of another version, which may have left anything.
    return bool(moved) or former_config.keys() != settings.keys()


def _require_recorded(former: Stack, platforms: Collection[Platform]) -> None:
    """Raise Failure where people confirmed a client of these platforms that the state lacks.
    ``former`` is the stack by its settings at the last run, when people alone changed these
    platforms."""
    recorded = {client.client_id for client in former.state.recorded.clients.values()}
    unrecorded = []
    for (key, platform, _), confirmation in former.confirmations.items():
        has_client = confirmation.is_there and platform in platforms
        if has_client and confirmation.content.client_id not in recorded:
            unrecorded.append(key)
    if unrecorded:
        unrecorded.sort()
        raise Failure(
            f"{listed(unrecorded)} is confirmed and not recorded yet, so that the new authority"
            " would make a client anew; set acmidm:authority back to what it was, run acmidm"
            " deploy, then change it again",
            exit_code=1,
        )


def revision_of(runs: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the commit from which the whole stack was last deployed; None if no run was from a Git
    checkout. A run that failed before its program declared anything does not count.

    ``runs`` are the last ones as ``pulumi stack history`` has them, newest first.
    """
    for run in runs:
        environment = mapping(run.get("environment"))
        is_whole = run.get("kind") == "update" and "pulumi.flag.target" not in environment
        if is_whole and "git.head" in environment and not _declared_nothing(run):
            return str(environment["git.head"])
    return None


def _declared_nothing(run: Mapping[str, Any]) -> bool:
    """Return whether a run failed before its program declared anything but the stack itself."""
    changes = mapping(run.get("resourceChanges"))
    return run.get("result") != "succeeded" and sum(changes.values()) <= 1


def why_not_permitted(stack: Stack) -> list[str]:
    """Return why a run of a stack could undo newer work or work elsewhere, a sentence for each
    reason: the checkout may lack the revision that was deployed last, or the settings name another
    environment or authority than the state records.

    Raises:
        Failure: where the settings, the state or the last runs cannot be read.
    """
    reasons = [*stack.relocations]
    revision = revision_of(stack.state.last_runs)
    behind = None if revision is None else why_behind(revision)
    if revision is not None and behind is not None:
        reasons.append(
            f"{stack.name} was last deployed from revision {revision[:10]}, and {behind}, then the"
            " same command again"
        )
    return reasons


@dataclass(frozen=True)
class Lock:
    """A lock on a stack as the engine writes it; ``file`` has it where the backend is a folder."""

    pid: int
    username: str
    hostname: str
    since: datetime
    file: Path | None = None

    @property
    def owner(self) -> str:
        return f"{self.username}@{self.hostname} (process {self.pid})"

    def is_dead(self, this_host: str) -> bool:
        """Return whether the process that took the lock ran on this machine and has ended, so that
        its number is free or another process has it. Where that cannot be known, the process counts
        as alive."""
        if self.hostname != this_host:
            return False
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return True  # ended, and nobody has waited for it
            # A process that started after the lock is another one. Not so a process named pulumi:
            # where the clock was set, it may seem to have started later than it did.
            started = datetime.fromtimestamp(process.create_time(), UTC)
            return started > self.since + _START_MARGIN and not process.name().startswith("pulumi")
        except psutil.NoSuchProcess:
            return not _is_hidden(self.pid)
        except psutil.Error:
            return False


def backend_folder(backend: str) -> Path | None:
    """Return the folder of the state's files where the URL of the backend is one of files
    (``file://…``); None for a backend that is a service or a database."""
    url = urlsplit(backend)
    if url.scheme != "file":
        return None
    return Path(unquote(url.netloc + url.path)).expanduser() / ".pulumi"


def _locks(stack: str, backend: Path | None) -> Iterator[Lock]:
    """Yield the locks on a stack: from the lock files where the state is in a ``backend`` folder,
    else as the engine reports them. A file that cannot be read as a lock is left out."""
    if backend is None:
        yield from (Lock(*owner) for owner in lock_owners(stack))
        return
    folder = backend / "locks" / "organization" / project_name() / _short_name(stack)
    for file in sorted(folder.glob("*.json")):
        try:
            lock = json.loads(file.read_text("utf-8"))
            since = datetime.fromisoformat(lock["timestamp"]).astimezone()
            yield Lock(int(lock["pid"]), lock["username"], lock["hostname"], since, file)
        except (OSError, ValueError, KeyError, TypeError):
            # gone meanwhile, or a lock of another form, which the engine itself will report
            continue


def _clear(stack: str, locks: list[Lock]) -> None:
    """Remove these locks, and none that was made meanwhile."""
    for lock in locks:
        if lock.file:
            lock.file.unlink(missing_ok=True)
            lock.file.with_name(f"{lock.file.name}.attrs").unlink(missing_ok=True)
    # Where locks are no files, the engine removes all: only while these are all that there are.
    if any(lock.file is None for lock in locks) and [*_locks(stack, None)] == locks:
        clear_locks(stack)


def _remove_half_files(stack: str, backend: Path) -> None:
    """Remove the temporary and the empty files that the engine left of a stack when it was cut off
    in a write; it needs none of them, and fails at an empty one."""
    project, stack = project_name(), _short_name(stack)
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


def _short_name(stack: str) -> str:
    """Return the name of a stack without its organisation and project."""
    return stack.rpartition("/")[2]


def _is_hidden(pid: int) -> bool:
    """Return whether a process lives that psutil did not find: a machine may hide the processes of
    other users. Signal 0 asks the kernel, and does nothing to the process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
