"""Cases that share one stack of the real engine: a command costs per run, hardly per connection.

Each case is a script of its own, with forms of its own. It yields the command that it waits for,
and goes on with what that gave, once all cases wait::

    @together
    def test_a_scope_is_granted(at: OneStack) -> Script:
        form = write_form(at.forms, "gent/loket")
        yield at.up
        form.request()["scopes"][PLAIN] = {}
        form.save()
        shown = yield at.looking_preview
        assert own(shown, form) == {f"ClientScopes {form.key}": ("update", [f"scopes.{PLAIN}"])}
        yield at.up
        assert PLAIN in at.registry.client(form.application)["scopes"]

A case that has nothing to do in a round waits for its command all the same: that keeps it in step.
Whether anything is left to do a case asks last, by ``at.settled``: that runs once for all of them.
So cases also test that connections don't touch each other. Each reports by its own name, and a case
that is run alone (``-k``) has the stack for itself.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from tests.support.command_line import CommandLine
from tests.support.engine import Outcome, Project, changing, details
from tests.support.forms import FormFile
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.tools import parameters_of

Command = Callable[[], Any]
Script = Generator[Command, Any, None]
Shown = dict[str, tuple[str, list[str]]]
"""Per resource, what a preview does with it and the properties that change."""


@dataclass
class OneStack:
    """A project with one stack, and the commands that its cases wait for.

    A module whose cases need more has a subclass. Its fixture ``at`` is made once for the module.
    """

    project: Project
    registry: Registry
    portal: RunningPortal
    ended: dict[str, BaseException | None] = field(default_factory=dict)
    """How each case ended, by its name."""

    writes: ClassVar[Collection[str]] = ("up", "deploy", "refresh")
    """The commands that change something; all others read, and run before these."""
    slow_reads: ClassVar[Collection[str]] = ("looking_preview", "diff", "review")
    """Those that run the engine, once no case waits for another read: so more cases share them."""
    last_reads: ClassVar[Collection[str]] = ("settled",)
    """Reads that run once no case waits for anything else: so all cases share one."""
    phases: ClassVar[Sequence[str]] = ()
    """Commands of which each runs once no case waits for an earlier one: cases then need not wait
    for the same commands."""

    @classmethod
    def connected(
        cls,
        folders: pytest.TempPathFactory,
        portal: RunningPortal,
        registry: Registry,
        **config: object,
    ) -> Self:
        """Make a stack that is connected to the portal, with these settings."""
        project = Project(folders.mktemp("stack"))
        project.connect(portal, **config)
        return cls(project, registry, portal)

    @property
    def forms(self) -> Path:
        """The folder of forms."""
        return self.project.forms

    def up(self) -> Outcome:
        """``pulumi up``, however it ends."""
        return self.project.up()

    def deploy(self) -> Outcome:
        """``acmidm deploy``, however it ends."""
        return self.project.recover()

    def refresh(self) -> Outcome:
        return self.project.pulumi("refresh", "--yes", "--suppress-progress")

    def looking_preview(self) -> Shown:
        """What a run would change after a look at the authorities."""
        # The code is that of all cases: one of them may be refused.
        shown = self.project.pulumi("preview", "--json", "--refresh")
        return details(changing(json.loads(shown.stdout)["steps"]))

    def settled(self) -> Shown:
        """The same once all cases are done."""
        return self.looking_preview()

    def diff(self) -> str:
        """The preview's text as people read it."""
        return self.project.preview("--diff").output

    def review(self) -> dict[str, Any]:
        """The review of the stack, as JSON."""
        return self._json("review")

    def drift(self) -> dict[str, Any]:
        return self._json("drift")

    def status(self) -> dict[str, Any]:
        return self._json("status")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        return self.project.outputs()

    def resources(self) -> dict[str, dict[str, Any]]:
        """The state's resources of clients."""
        return self.project.resources()

    def _json(self, command: str) -> dict[str, Any]:
        words = (command, "--stack", self.project.stack, "--output", "json")
        shown = CommandLine(self.project).run(*words)
        found: dict[str, Any] = json.loads(shown.stdout)
        return found


def own(shown: Mapping[str, Any], *forms: FormFile) -> dict[str, Any]:
    """What is shown of these forms' resources."""
    return {
        place: known
        for place, known in shown.items()
        if any(is_of(place.partition(" ")[2], form) for form in forms)
    }


def is_of(name: str, form: FormFile) -> bool:
    """Whether a resource with this name is a form's."""
    return name == form.key or name.startswith(f"{form.key}/")


def about(form: FormFile, sentences: Iterable[str]) -> list[str]:
    """The sentences that name a form, its application or its key."""
    return [said for said in sentences if form.name in said or form.application in said]


def kinds(review: Mapping[str, Any], form: FormFile) -> list[str]:
    """The kinds of change in the engine's review of a form."""
    return [change["kind"] for change in change_list(review, form)]


def change_list(
    report: Mapping[str, Any], form: FormFile, part: str = "connections"
) -> list[dict[str, Any]]:
    """The changes of a form's client in a part of a report's JSON, in their order."""
    return [
        change
        for one in report[part]
        if one["application"] == form.application
        for change in one["changes"]
    ]


def differing(drift: Mapping[str, Any], form: FormFile) -> list[str]:
    """The parts of a drift report in which something of a form differs."""
    return [
        part
        for part in ("by_hand", "not_applied", "left_behind")
        if any(form.application in json.dumps(found) for found in drift[part])
    ]


def together(script: Callable[..., Script]) -> Callable[..., None]:
    """Make a test of a script. It may be parametrised; ``at`` is its only fixture."""

    @wraps(script)
    def test(at: OneStack, request: pytest.FixtureRequest, **_: object) -> None:
        if request.node.nodeid not in at.ended:
            _run_all(at, {item.nodeid: _begun(item, at) for item in _cases(request)})
        ended = at.ended[request.node.nodeid]
        if ended is not None:
            raise ended

    vars(test)["script"] = script
    signature = inspect.signature(script)
    more = inspect.Parameter("request", inspect.Parameter.KEYWORD_ONLY)
    vars(test)["__signature__"] = signature.replace(
        parameters=[*signature.parameters.values(), more]
    )
    return test


def _cases(request: pytest.FixtureRequest) -> list[pytest.Function]:
    """The cases of the same module that are run, on the same stack where ``at`` has several."""
    return [
        item
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.module is request.node.module
        and "script" in vars(item.obj)
        and parameters_of(item).get("at") == parameters_of(request.node).get("at")
    ]


def _begun(item: pytest.Function, at: OneStack) -> Script:
    own = {name: value for name, value in parameters_of(item).items() if name != "at"}
    script: Script = vars(item.obj)["script"](at, **own)
    return script


def _run_all(at: OneStack, scripts: Mapping[str, Script]) -> None:
    """Run the cases to their ends, all in step; a case that fails stops, and no other with it."""
    waiting: dict[str, Command] = {}

    def go_on(name: str, gave: Any) -> None:
        command = _next(at, name, scripts[name], gave)
        if command is not None:
            waiting[name] = command

    for name in scripts:
        go_on(name, None)
    while waiting:
        command = _first(at, waiting.values())
        gave: Any = None
        try:
            gave = command()
        except Exception as failed:  # reported by each case that waits for it
            gave = failed
        for name in [name for name, wanted in waiting.items() if wanted == command]:
            del waiting[name]
            go_on(name, gave)


def _next(at: OneStack, name: str, script: Script, gave: Any) -> Command | None:
    """Let a case go on, and return what it waits for next."""
    try:
        return script.throw(gave) if isinstance(gave, Exception) else script.send(gave)
    except StopIteration:
        at.ended[name] = None
    except BaseException as failed:  # the case's test raises it
        at.ended[name] = failed
    return None


def _first(at: OneStack, commands: Iterable[Command]) -> Command:
    """Return what runs next: whatever only reads, the fast reads first; else what all wait for; and
    at the end the last reads."""
    wanted = {command.__name__: command for command in commands}
    wanted = {name: one for name, one in wanted.items() if name not in at.last_reads} or wanted
    reads = [name for name in wanted if name not in (*at.writes, *at.phases)]
    if reads:
        return wanted[min(reads, key=lambda name: name in at.slow_reads)]
    if phases := [name for name in at.phases if name in wanted]:
        return wanted[phases[0]]
    assert len(wanted) == 1, f"cases that share a stack wait for different commands: {set(wanted)}"
    return next(iter(wanted.values()))
