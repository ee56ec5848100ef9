"""The Pulumi engine as these commands use it: the ``pulumi`` on PATH, and what it says as data."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any

from components.model.problems import Failure


class EngineError(Failure):
    """What kept the engine from answering, as one sentence."""

    exit_code = 3


class UnknownStack(EngineError):
    """A stack that does not exist."""

    exit_code = 2


def stack_outputs(stack: str) -> dict[str, Any]:
    """The outputs of a stack, secrets masked. Raises EngineError."""
    return dict(_json("stack", "output", "--json", "--stack", stack))


def stack_config(stack: str) -> dict[str, Any]:
    """The configuration of a stack, per key ``{"value": …}``, secrets in the clear: for the operator's credentials. Raises EngineError."""
    return dict(_json("config", "--json", "--show-secrets", "--stack", stack))


def stack_deployment(stack: str) -> dict[str, Any]:
    """The state of a stack as the engine exports it, secrets encrypted. Raises EngineError."""
    return dict(_json("stack", "export", "--stack", stack))


def store_deployment(stack: str, state: dict[str, Any]) -> None:
    """Puts a changed export in the place of the state. Raises EngineError."""
    _run("stack", "import", "--stack", stack, given=json.dumps(state))


def stack_tags(stack: str) -> dict[str, str]:
    """The tags of a stack. Raises EngineError."""
    return dict(_json("stack", "tag", "list", "--json", "--stack", stack))


def set_tag(stack: str, name: str, value: str) -> None:
    """Puts a tag on a stack, which a lock does not forbid. Raises EngineError."""
    _run("stack", "tag", "set", name, value, "--stack", stack)


def last_run(stack: str) -> dict[str, Any] | None:
    """What the engine keeps of the last run that came to an end, None before the first. Raises EngineError."""
    runs = _json("stack", "history", "--json", "--page-size", "1", "--stack", stack)
    return dict(runs[0]) if runs else None


def preview(stack: str, *, refresh: bool = False) -> dict[str, Any]:
    """The JSON of a preview, also of one that failed: its diagnostics say why. Nothing is written.

    With ``refresh`` the authorities are asked first, under the program's settings rather than those of the last run.
    Raises EngineError, UnknownStack.
    """
    return _document("preview", *(("--refresh", "--run-program") if refresh else ()), "--json", "--stack", stack)


def up(stack: str, urns: Iterable[str]) -> tuple[bool, str]:
    """Brings only ``urns`` up, after asking the authorities about them: whether it went well, and what the engine said."""
    targets = [word for urn in urns for word in ("--target", urn)]
    # Two commands: with up --refresh --run-program --continue-on-error the engine (3.274) waits for ever for the refresh of
    # what depends on a client that could not be updated.
    done = _done("refresh", "--run-program", *targets, *_UNATTENDED, "--stack", stack)
    if done.returncode == 0:
        done = _done("up", "--continue-on-error", *targets, *_UNATTENDED, "--stack", stack)
    return done.returncode == 0, done.stdout + done.stderr


_UNATTENDED = ("--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress")


def _document(*words: str) -> dict[str, Any]:
    """The JSON document that a command writes, whatever its exit code."""
    done = _done(*words)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _error(done, words)
    return document


def _json(*words: str) -> Any:
    return json.loads(_run(*words) or "{}")


def _run(*words: str, given: str | None = None) -> str:
    done = _done(*words, given=given)
    if done.returncode != 0:
        raise _error(done, words)
    return done.stdout


def _error(done: subprocess.CompletedProcess[str], words: Sequence[str]) -> EngineError:
    said = done.stderr.strip().removeprefix("error: ")
    kind = UnknownStack if said.startswith("no stack named") else EngineError
    return kind(f"pulumi {' '.join(words[:2])}: {said or 'failed without a word'}")


def _done(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["pulumi", *words, "--non-interactive"], input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise EngineError("pulumi is not on PATH; open a shell with make shell, or install it") from None
