"""The tools that some tests need and some machines lack, and the processes that they start.

Without its tool a test is not tried, and the last lines of the run say so. In CI it fails.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

_BRINGS = " brings it"
_OF_KEYCLOAK = frozenset({"keycloak_server", "administrator"})
_FIXTURES = _OF_KEYCLOAK | {"browser"}
"""The fixtures that start a tool, of tests outside ``end_to_end``."""
_SERVERS = frozenset({"beheerportaal", "keycloak"})
"""The authorities of ``tests/conformance`` that are servers; the others are in the test's own
process."""

_ENDED = "this test starts {process}; give it the mark tool, or call the code in this process"


def refuse_processes(running: Sequence[pytest.Item]) -> None:
    """From now on fail the running test where it starts a process, unless its mark allows that.

    Git's are allowed to all tests: the repository of forms is one of Git. No audit hook does this:
    one is called for each file that is opened, and each name that is looked up.
    """

    def refuse(process: str) -> None:
        if not all(map(_may_start_processes, running)):
            pytest.fail(_ENDED.format(process=process))

    def forking(fork: Callable[..., Any]) -> Callable[..., Any]:
        def started(*words: Any, **options: Any) -> Any:
            refuse("a fork")
            return fork(*words, **options)

        return started

    start = subprocess.Popen.__init__

    def started(popen: subprocess.Popen[Any], args: Any, *words: Any, **options: Any) -> None:
        first = args if isinstance(args, str | bytes | os.PathLike) else args[0]
        program = options.get("executable") or ("sh" if options.get("shell") else first)
        if (name := Path(os.fsdecode(program)).name) != "git":
            refuse(name)
        start(popen, args, *words, **options)

    subprocess.Popen.__init__ = started  # type: ignore[assignment, method-assign]
    for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp"):
        setattr(os, name, forking(getattr(os, name)))


def _may_start_processes(item: pytest.Item) -> bool:
    marks = {mark.name for mark in item.iter_markers()}
    return "end_to_end" in item.path.parts or not marks.isdisjoint(("tool", "exhaustive"))


def require(tool: str, command: str, *, is_here: bool) -> None:
    """Skip the test where a tool is not here; ``command`` is what brings it."""
    if is_here:
        return
    reason = f"{tool} is not here; {command}{_BRINGS}"
    if os.environ.get("CI"):
        pytest.fail(f"{reason} (CI tries all tests)", pytrace=False)
    pytest.skip(reason)


def is_needed(item: pytest.Item) -> bool:
    """Return whether a test starts a tool, or is about an authority that is a server."""
    return _has_any_of(item, _FIXTURES, _SERVERS)


def needs_keycloak(item: pytest.Item) -> bool:
    """Return whether a test is one on a real Keycloak, which CI runs, and ``make test ROOM=…``."""
    return _has_any_of(item, _OF_KEYCLOAK, frozenset({"keycloak"}))


def _has_any_of(item: pytest.Item, fixtures: frozenset[str], authorities: frozenset[str]) -> bool:
    """Return whether a test takes one of these fixtures, or one of these authorities is started for
    it."""
    if not isinstance(item, pytest.Function):
        return False
    if not fixtures.isdisjoint(item.fixturenames):
        return True
    return "start" in item.fixturenames and parameters_of(item).get("name") in authorities


def parameters_of(item: pytest.Function) -> Mapping[str, Any]:
    """Return the parameters of a test, by name."""
    found: Mapping[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    return found


def not_tried(skipped: Iterable[pytest.TestReport]) -> list[str]:
    """Return a sentence for each tool that tests were not tried without."""
    reasons = Counter(_reason(report) for report in skipped)
    return [
        f"not tried: {count} {'test' if count == 1 else 'tests'}, for {reason}"
        for reason, count in sorted(reasons.items())
        if reason.endswith(_BRINGS)
    ]


def _reason(report: pytest.TestReport) -> str:
    """What a test was skipped for: pytest gives the file, the line and that."""
    longrepr = report.longrepr
    return longrepr[2].removeprefix("Skipped: ") if isinstance(longrepr, tuple) else ""
