"""The Pulumi engine as these commands use it: the ``pulumi`` on PATH, whose answers become data."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import IO, Any

import typer

from acmidm.engine import progress
from acmidm.engine.shown import ATTEMPTS, once
from acmidm_onboarding.command_inputs import handing
from acmidm_onboarding.recorded import UnreadableState, state_in
from acmidm_onboarding.stack_files import no_such_stack, stack_file
from acmidm_onboarding.values.client import Records
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.problems import Failure, on_one_line

_CLASS = re.compile(r"^(?:\w+\.)*[A-Z]\w+: ")
"""The exception's class, which the engine puts before a sentence."""
_SAYS_NOTHING = (
    "preview failed",
    "update failed",
    "an unhandled error occurred",
    "Resource monitor has terminated",
)
_PROTECTED = re.compile(r"unable to replace|cannot be deleted\s+because it is protected")
_EXITED = "program exited with non-zero exit code"
_STOPPED = re.compile(f"Preview failed|Resource monitor has terminated|{_PROTECTED.pattern}")
"""What the engine says where it ends a program, which fails then too."""
_OF_SEVERAL = re.compile(r"error: \d+ errors occurred:\s+1\) ")
_URN = re.compile(r"urn:pulumi:[^\s\"]+")
_LOCK = re.compile(r": created by (.+)@(\S+) \(pid (\d+)\) at (\S+)$", re.MULTILINE)


class EngineError(Failure):
    """The engine did not do what was requested: why, as one sentence."""

    exit_code = 3


class UnknownStack(EngineError):
    """A stack that does not exist."""

    exit_code = 2


def stack_config(stack: str) -> dict[str, Any]:
    """Return the configuration of a stack with secrets in the clear, for the operator's
    credentials: ``{"acmidm:issuer": {"value": …}}``. Raises EngineError."""
    return dict(_json("config", "--json", "--show-secrets", "--stack", stack))


def stack_deployment(stack: str) -> dict[str, Any]:
    """Return the state of a stack as the engine exports it, secrets encrypted. Raises
    EngineError."""
    exported = _run("stack", "export", "--stack", stack)
    try:
        return dict(state_in(exported))
    except UnreadableState as error:
        raise EngineError(f"pulumi stack export: {error}") from None


def decrypted_deployment(stack: str) -> dict[str, Any]:
    """Return the state of a stack with secrets in the clear, for whoever can decrypt them. Raises
    EngineError."""
    return dict(_json("stack", "export", "--show-secrets", "--stack", stack))


def store_deployment(stack: str, state: Mapping[str, Any]) -> None:
    """Replace the state of a stack by a changed export. Raises EngineError."""
    _run("stack", "import", "--stack", stack, given=json.dumps(state))


def stack_tags(stack: str) -> dict[str, str]:
    """Return the tags of a stack, by name. Raises EngineError."""
    return dict(_json("stack", "tag", "list", "--json", "--stack", stack))


def remove_tag(stack: str, name: str) -> None:
    """Take a tag from a stack, if it still has it. Raises EngineError."""
    try:
        _run("stack", "tag", "rm", name, "--stack", stack)
    except EngineError:
        # On PostgreSQL the engine (3.274) fails where another run took the tag.
        if name in stack_tags(stack):
            raise


def set_tag(stack: str, name: str, value: str) -> None:
    """Put a tag on a stack, also on a locked one. Raises EngineError."""
    _run("stack", "tag", "set", name, value, "--stack", stack)


def lock_owners(stack: str) -> list[tuple[int, str, str, datetime]]:
    """Return who has locked a stack, as (process, user, machine, since when) of each lock; none in
    a backend without locks."""
    # No command lists them. A rename of the stack to its present name needs the lock: the engine
    # refuses it, and names whoever has a lock already.
    done = _finished("stack", "rename", stack, "--stack", stack)
    owners = []
    for user, host, pid, since in _LOCK.findall(done.stderr):
        owners.append((int(pid), user, host, datetime.fromisoformat(since).astimezone()))
    return owners


def clear_locks(stack: str) -> None:
    """Remove all locks on a stack. Raises EngineError."""
    _run("cancel", "--yes", "--stack", stack)


def last_runs(stack: str) -> list[dict[str, Any]]:
    """Return the last fifty runs that came to an end, newest first, as ``pulumi stack history`` has
    them: ``[{"kind": "update", "result": "succeeded", …}]``. Raises EngineError."""
    # A repair of drift is two runs, and neither says which revision was deployed.
    runs = _json("stack", "history", "--json", "--page-size", "50", "--stack", stack)
    return [dict(run) for run in runs]


def preview(
    stack: str,
    at_authorities: Records | None,
    declared: Sequence[Declaration] | None,
    state: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the JSON of a preview, also of a failed one, whose diagnostics have the reason.
    Nothing is written. ``state`` is the stack's, as it was exported.

    ``at_authorities`` are the clients that the program counts as if the state had them, and
    ``declared`` is what the forms have, unless the program has to read them. The program is handed
    a file also without these: by that it knows that a command started it, reports what it refuses
    and goes on to its end, so that the engine shows what it would remove.

    Raises:
        EngineError
        UnknownStack
    """
    with handing(stack, at_authorities or {}, declared=declared, state=state) as handed:
        return _document("preview", "--json", "--show-sames", *handed, "--stack", stack)


def run(
    stack: str,
    *words: str,
    at_authorities: Records | None,
    declared: Sequence[Declaration] | None,
    state_version: str | None = None,
    planned: Mapping[str, str] | None = None,
    state_at_the_end: bool = False,
) -> int:
    """Run a command of the engine, such as ``"up", "--yes"``, on a stack, with its output on the
    screen, each error once, and nobody to answer questions. Return its exit code.

    ``at_authorities`` are the clients that the program counts as if the state had them, and
    ``declared`` is what the forms have, unless the program has to read them. With a
    ``state_version`` the program refuses any other state. ``planned`` has the connection of each
    resource that will change, by URN: now and then it is shown how many are done. With
    ``state_at_the_end`` the engine writes the state once, which is safe where a create finds what a
    killed run has made.

    Raises:
        EngineError: where there is no engine.
        Failure: where the command was interrupted.
    """
    environment = STATE_AT_THE_END if state_at_the_end else {}
    clients = at_authorities or {}
    with (
        handing(stack, clients, declared=declared, state_version=state_version) as handed,
        progress.showing(stack, planned or {}) as events,
    ):
        words = (*words, "--stack", stack, *handed, *events)
        if sys.stdout.isatty() and "NO_COLOR" not in os.environ:  # the engine sees no terminal
            words = (*words, "--color", "always")
        return _finished(*words, is_shown=True, environment=environment).returncode


def up(
    stack: str, urns: Iterable[str], there: Records
) -> tuple[bool, tuple[str, ...], frozenset[str]]:
    """Bring up the resources with these ``urns`` alone, after a refresh of them. Return whether
    that succeeded, the engine's errors as sentences, and the keys of the protected connections that
    it would have to remove.

    ``there`` is what the state had of these clients: the refresh may forget one that somebody
    removed, and the program goes on to declare it.

    Raises:
        EngineError: where a URN is a pattern, which the engine would take for any number of
        resources.
    """
    urns = list(urns)
    if patterns := [urn for urn in urns if "*" in urn]:
        raise EngineError(
            on_one_line(
                f"{patterns[0]} is no single resource, so that nothing is brought up; see who"
                " wrote this name into the state"
            )
        )
    targets: list[str] = []
    for urn in urns:
        targets += ("--target", urn)
    # Two commands: with up --refresh --run-program --continue-on-error the engine (3.274) waits for
    # ever for the refresh of what depends on a client that could not be updated.
    with handing(stack, there) as handed:
        arguments = (*targets, *handed, *_UNATTENDED, "--stack", stack)
        finished = _finished("refresh", "--run-program", *arguments, environment=STATE_AT_THE_END)
        if finished.returncode == 0:
            finished = _finished(
                "up", "--continue-on-error", *arguments, environment=STATE_AT_THE_END
            )
    printed = _OF_SEVERAL.sub("error: ", finished.stdout + finished.stderr)
    lines = [line.strip() for line in printed.splitlines()]
    errors = [line for line in lines if line.startswith("error: ")]
    problems = problems_in([{"severity": "error", "message": line} for line in errors])
    return finished.returncode == 0, *problems


def problems_in(diagnostics: object) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the errors among the engine's ``diagnostics``, a list of ``{"severity": "error",
    "message": …}``, as sentences without the names of exceptions; and the keys of the protected
    connections that it would have to remove."""
    sentences: dict[str, str] = {}
    protected: set[str] = set()
    for diagnostic in _errors_in(diagnostics):
        message = str(diagnostic.get("message", "")).strip()
        if _PROTECTED.search(message):
            urn = str(diagnostic.get("urn") or "".join(_URN.findall(message)[:1]))
            resource_name = urn.rpartition("::")[2]
            protected.add("/".join(resource_name.split("/")[:2]))
            continue
        last_paragraph = message.split("\n\n")[-1].strip()
        sentence = last_paragraph.removeprefix("error: ").removeprefix("Preview failed: ")
        sentence = _CLASS.sub("", sentence)
        if sentence and not sentence.startswith(_SAYS_NOTHING):
            sentences.setdefault(ATTEMPTS.sub("", sentence), on_one_line(sentence))
    return tuple(sentences.values()), frozenset(protected)


def ended_by_itself(diagnostics: object) -> bool:
    """Return whether the program failed by itself, before it had declared all: then the preview
    shows no reliable part of it. False where the engine ended the program."""
    messages = [str(error.get("message", "")) for error in _errors_in(diagnostics)]
    has_exited = any(_EXITED in message for message in messages)
    return has_exited and not any(map(_STOPPED.search, messages))


def _errors_in(diagnostics: object) -> Iterator[Mapping[str, Any]]:
    """Yield the errors among the diagnostics of a command; none where it has no list of them."""
    if not isinstance(diagnostics, list):
        return
    for diagnostic in diagnostics:
        if isinstance(diagnostic, Mapping) and diagnostic.get("severity") == "error":
            yield diagnostic


STATE_AT_THE_END = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""What has the engine write the state at the end of a run. By itself the engine writes the whole
state after each step, which costs the square of the number of connections;
``PULUMI_SKIP_CHECKPOINTS=false`` in the environment goes back.
"""
_NO_LOGIN = "PULUMI_ACCESS_TOKEN must be set"
"""What the engine says where nobody logged in: an account at Pulumi's service is one of the ways.
"""
_UNATTENDED = ("--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress")


def _document(*words: str) -> dict[str, Any]:
    """Return the JSON object that a command writes, whatever its exit code. Raises EngineError
    where it writes none."""
    finished = _finished(*words, environment=STATE_AT_THE_END)  # which reads faster too
    try:
        document = json.loads(finished.stdout)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _error(finished, words)
    return document


def _json(*words: str) -> Any:
    """Return what a command writes as JSON; {} where it writes nothing. Raises EngineError."""
    return json.loads(_run(*words) or "{}")


def _run(*words: str, given: str | None = None) -> str:
    """Return what a command writes, with ``given`` as its input. Raises EngineError where it
    fails."""
    finished = _finished(*words, given=given)
    if finished.returncode != 0:
        raise _error(finished, words)
    return finished.stdout


def _error(finished: subprocess.CompletedProcess[str], words: Sequence[str]) -> EngineError:
    """Return the exception for a command that failed, with the engine's reason; with what to do
    where it has no login, and as UnknownStack where it does not know the stack."""
    reason = finished.stderr.strip().removeprefix("error: ")
    if reason.startswith(_NO_LOGIN):
        return EngineError(
            "pulumi has no login here; run pulumi login ADDRESS with the address of the state, set"
            " PULUMI_BACKEND_URL to it in a pipeline, or open a shell with make shell in a clone"
            " of acmidm"
        )
    if reason.startswith("no stack named"):
        return _unknown_stack(words[words.index("--stack") + 1])
    command = " ".join(("pulumi", *words[:2]))
    return EngineError(f"{command}: {reason or 'failed without a word'}")


def _unknown_stack(stack: str) -> UnknownStack:
    """Return the exception for a stack that the engine does not know: where it has a settings file,
    how to make it; else which names there are, and which is nearest."""
    if stack_file(stack, Path()).exists():
        return UnknownStack(
            on_one_line(
                f"no run has made stack {stack} yet; run pulumi stack select --create {stack},"
                f" then acmidm deploy --stack {stack}, or pulumi login ADDRESS where its state is"
                " elsewhere"
            )
        )
    return UnknownStack(no_such_stack(stack, Path()))


def _finished(
    *words: str,
    environment: Mapping[str, str] | None = None,
    given: str | None = None,
    is_shown: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a command of the engine to its end, and return it with its exit code and output;
    ``is_shown`` writes the output to the screen instead. ``given`` is its input. What this process
    has in its environment takes precedence over ``environment``.

    Raises:
        EngineError: where there is no engine.
        Failure: after the engine's end, where a signal came meanwhile that ends a process.
    """
    command = ["pulumi", *words, "--non-interactive"]
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    errors_to = None if is_shown else subprocess.PIPE
    with _passing_interrupts_on() as interrupts:
        try:
            # In another session, so that it gets a terminal's Ctrl-C from this process alone: at
            # a second one the engine breaks off.
            process = subprocess.Popen(
                command,
                env={**(environment or {}), **os.environ, **progress.ENVIRONMENT},
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=errors_to,
                encoding="utf-8",
                errors="backslashreplace",
                start_new_session=True,
            )
        except FileNotFoundError:
            raise EngineError(
                "pulumi is not on PATH; install it, or open a shell with make shell in a clone of"
                " acmidm"
            ) from None
        interrupts.pass_on_to(process)
        if is_shown and process.stdout is not None:
            _show(process.stdout)
        written, errors = process.communicate(given)
    if interrupts.number is not None:
        raise Failure(
            "interrupted: nothing more is started; run the same command again to go on",
            exit_code=128 + interrupts.number,
        )
    return subprocess.CompletedProcess(command, process.returncode, written or "", errors or "")


def _show(written: IO[str]) -> None:
    """Show what the engine writes, each error once. Where the screen cannot be written, read on all
    the same: an engine whose output nobody reads waits for ever."""
    try:
        for line in once(written):
            typer.echo(line)
    finally:
        for _ in written:
            pass


class _Interrupts:
    """A handler of the signals that end this process. It passes each on to the engine as a Ctrl-C,
    so that the engine ends in good order, and keeps the number of the last one; None before."""

    number: int | None = None
    _process: subprocess.Popen[str] | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def pass_on_to(self, process: subprocess.Popen[str]) -> None:
        """Pass signals on to this process, also one that came before it started."""
        self._process = process
        if self.number is not None:
            process.send_signal(signal.SIGINT)


@contextmanager
def _passing_interrupts_on() -> Iterator[_Interrupts]:
    """Handle the signals that end a process in the block, and restore the former handlers after it.
    In another thread than the main one, which alone handles signals, nothing is handled.

    SIGINT is handled also where it was ignored at the start, as in a background job of a script: an
    engine that inherits an ignored SIGINT takes 5 s more for each command, and cannot be
    interrupted.
    """
    interrupts = _Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    former_handlers = {signal.SIGINT: signal.signal(signal.SIGINT, interrupts)}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            former_handlers[number] = signal.signal(number, interrupts)
    try:
        yield interrupts
    finally:
        for number, handler in former_handlers.items():
            signal.signal(number, handler)
