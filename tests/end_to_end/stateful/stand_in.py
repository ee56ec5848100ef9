"""The engine's order without the engine: the real program and the real providers, in this process.

The program registers its resources at a monitor, as it does at the engine; this one calls each
provider as the engine of ``pulumi up --continue-on-error`` does, and keeps the state in memory.
What it does by the engine's own code (``pkg/resource/deploy`` of v3.274.1): ``check`` with the
inputs before, ``diff`` with the outputs before; a child is skipped where its parent failed; a
replacement, of what changed, is tainted or named by ``--replace``, is made at once, and the old one
removed at the end, or with ``delete_before_replace`` first, with what would be replaced because of
it; whatever the program no longer registers is removed at the end, children first, and nothing that
a failed removal needs; protection; aliases, a parent's among them. A refresh forgets what is
tainted, as that of the engine does with ``--run-program``.

It is not concurrent, has no plugins, no secrets and no targets by wildcard.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pickle
import runpy
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pulumi
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from pulumi.dynamic import Config, ConfigureRequest, ResourceProvider
from pulumi.runtime import mocks, rpc, settings, stack
from pulumi.runtime.proto import engine_pb2, resource_pb2

PROJECT = "acmidm"
STACK = "pulumi:pulumi:Stack"
Properties = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource as a state has it."""

    urn: str
    custom: bool
    inputs: Properties
    parent: str
    protect: bool
    depends_on: frozenset[str]
    by_property: Mapping[str, frozenset[str]]
    """Per input on what it depends."""
    replace_on_changes: bool = False
    id: str = ""
    outputs: Properties = field(default_factory=dict)
    delete: bool = False
    """Whether it was replaced, and has only to be removed."""
    pending_replacement: bool = False
    """Whether it was removed, and has only to be made again."""
    taint: bool = False

    @property
    def type(self) -> str:
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def needs(self) -> frozenset[str]:
        """What has to be there before it, and goes after it."""
        return self.depends_on | ({self.parent} - {""})

    @property
    def exported(self) -> dict[str, Any]:
        """As ``pulumi stack export`` has it."""
        found = {
            "urn": self.urn,
            "type": self.type,
            "custom": self.custom,
            "inputs": self.inputs,
            "outputs": self.outputs,
        }
        flags = {
            "id": self.id,
            "parent": self.parent,
            "protect": self.protect,
            "delete": self.delete,
            "taint": self.taint,
        }
        flags |= {"pendingReplacement": self.pending_replacement}
        return {
            **found,
            **{name: value for name, value in flags.items() if value},
            "dependencies": sorted(self.depends_on),
        }


@dataclass
class Ended:
    """How a command ended: what it did something to, or would, and, per resource, what went
    wrong."""

    steps: list[str] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    outputs: Properties = field(default_factory=dict)

    @property
    def well(self) -> bool:
        return not self.errors


class Bailed(Exception):
    """What ends a whole run at once."""


class Cut(NamedTuple):
    """A run that is cut off at its n-th write: before it, or when the authority has done it and the
    state has not.

    Of kind ``kill`` the run ends there; of kind ``lost answer`` it only hears nothing.
    """

    kind: str
    at: int
    after: bool = True


class StandIn:
    """One stack; ``config`` are its settings with their namespace, ``program`` its
    ``__main__.py``."""

    def __init__(
        self, program: Path, stack_name: str, config: Callable[[], Mapping[str, str]]
    ) -> None:
        self.program, self.stack_name, self._config = program, stack_name, config
        self.state: list[Resource] = []
        self.pending: list[Resource] = []
        """What a run was working on when it was killed."""

    def up(
        self,
        *,
        refresh: bool = False,
        targets: Iterable[str] = (),
        replacing: Iterable[str] = (),
        kill: Cut | None = None,
    ) -> Ended:
        return self._command(
            targets=frozenset(targets), replacing=frozenset(replacing), kill=kill
        ).up(refresh)

    def preview(self, *, refresh: bool = False) -> Ended:
        kept = self.state
        try:
            return _Command(self, dict(self._config()), dry_run=True).up(refresh)
        finally:
            self.state = kept

    def refresh(self, *, targets: Iterable[str] = ()) -> Ended:
        command = self._command(targets=frozenset(targets))
        command.refresh()
        return command.ended

    def taint(self, urn: str) -> None:
        """Do what ``pulumi state taint`` does."""
        self.state = [
            replace(one, taint=True) if one.urn == urn and not one.delete else one
            for one in self.state
        ]

    def rename(self, urn: str, name: str) -> None:
        """Do what ``pulumi state rename`` does."""
        names = {urn: f"{urn.rpartition('::')[0]}::{name}"}
        self.state = [
            replace(_renamed(one, names), urn=names.get(one.urn, one.urn)) for one in self.state
        ]

    def delete(self, urn: str) -> None:
        """Do what ``pulumi state delete --target-dependents --force`` does."""
        gone = self.with_dependents({urn})
        self.state = [one for one in self.state if one.urn not in gone]

    def with_dependents(self, urns: Iterable[str]) -> set[str]:
        found = set(urns)
        for one in self.state:  # what is needed comes first
            found |= {one.urn} if one.needs & found else set()
        return found

    def export(self) -> dict[str, Any]:
        """What ``pulumi stack export`` gives."""
        pending = [{"type": "updating", "resource": found.exported} for found in self.pending]
        return {
            "version": 3,
            "deployment": {
                "resources": [found.exported for found in self.state],
                "pending_operations": pending,
            },
        }

    def _command(self, **options: Any) -> _Command:
        self.pending = []
        return _Command(self, dict(self._config()), **options)


@dataclass
class _Command:
    """One run of the engine: a program's process, and a provider's."""

    on: StandIn
    config: Mapping[str, str]
    dry_run: bool = False
    targets: frozenset[str] = frozenset()
    replacing: frozenset[str] = frozenset()
    kill: Cut | None = None
    ended: Ended = field(default_factory=Ended)
    providers: dict[str, ResourceProvider] = field(default_factory=dict)
    olds: dict[str, Resource] = field(default_factory=dict)
    aliased: dict[str, str] = field(default_factory=dict)
    """By what it is called now, what a resource was called before."""
    seen: dict[str, Resource | None] = field(default_factory=dict)
    """What the program registered, in its order; None for what failed, or depends on it."""
    kept: dict[str, Resource] = field(default_factory=dict)
    """What failed and was there before: it stays as it was."""
    removed: set[str] = field(default_factory=set)
    """What was removed to be made again, because of what it depends on."""
    errored: set[str] = field(default_factory=set)
    """What met trouble itself; what depends on it is only skipped."""
    killed: bool = False
    writes: int = 0

    # Commands

    def up(self, refresh: bool) -> Ended:
        if refresh and not self.refresh():
            return self.ended
        self.olds = {found.urn: found for found in self.on.state if not found.delete}
        try:
            self._run_program()
            self._remove_what_is_left()
        except Bailed as error:
            if str(error) not in {said for _, said in self.ended.errors}:
                self.ended.errors.append(("", str(error)))
        self._settle()
        return self.ended

    def refresh(self) -> bool:
        """Read each resource again; whether all could be read."""
        found = []
        for old in self.on.state:
            if (
                not old.custom
                or old.pending_replacement
                or (self.targets and old.urn not in self.targets)
            ):
                found.append(old)
                continue
            try:
                read = self._provider(old.inputs).read(old.id, dict(old.outputs))
            except (
                Exception
            ) as error:  # whatever a provider raises, the engine goes on to the next resource
                self.ended.errors.append((old.urn, str(error)))
                found.append(old)
                continue
            if not read.id:
                continue
            mark = {"__provider": old.inputs["__provider"]}
            inputs = old.inputs if read.inputs is None else _travelled({**read.inputs, **mark})
            found.append(
                replace(
                    old,
                    id=read.id,
                    inputs=inputs,
                    outputs=_travelled({**(read.outs or {}), **mark}),
                    taint=False,
                )
            )
        self.on.state = found
        return self.ended.well

    # The program

    def _run_program(self) -> None:
        monitor = _Monitor(self)
        pulumi.runtime.set_all_config(dict(self.config))
        features = set(monitor.GetDeploymentInfo(None).supportedFeatures)  # type: ignore[no-untyped-call]
        settings.configure(
            mocks.MockSettings(  # type: ignore[no-untyped-call]
                monitor=monitor,
                monitor_features=features,
                engine=_Log(self.ended),
                project=PROJECT,
                stack=self.on.stack_name,
                dry_run=self.dry_run,
                organization="organization",
                callbacks=None,
            )
        )
        settings.set_root_resource(None)  # type: ignore[arg-type]
        # What else made outputs in this process: they wait in a loop that never runs again.
        settings.SETTINGS.outputs.clear()
        loop = asyncio.new_event_loop()
        # One thread, so that a sequence of steps is the same each time.
        loop.set_default_executor(ThreadPoolExecutor(1))
        asyncio.set_event_loop(loop)
        self.seen.clear()
        with patch.dict(os.environ, PULUMI_CONFIG=json.dumps(dict(self.config))):
            try:
                loop.run_until_complete(stack.run_in_stack(lambda: _run(self.on.program)))
            except SystemExit as error:
                if error.code:
                    raise Bailed("the program failed") from None
            finally:
                loop.run_until_complete(loop.shutdown_default_executor())
                loop.close()

    def register(self, request: Any) -> resource_pb2.RegisterResourceResponse:
        urn = _urn(self.on.stack_name, request.parent, request.type, request.name)
        old = self._old(urn, request)
        by_property = {
            name: frozenset(dependencies.urns)
            for name, dependencies in request.propertyDependencies.items()
        }
        new = Resource(
            urn=urn,
            custom=request.custom,
            inputs=_travelled(
                rpc.deserialize_properties(request.object, keep_unknowns=self.dry_run)
            ),
            parent=request.parent,
            protect=request.protect,
            depends_on=frozenset(request.dependencies).union(*by_property.values()),
            by_property=by_property,
            replace_on_changes=bool(request.replaceOnChanges),
        )
        if self.killed or any(self.seen.get(name, new) is None for name in new.needs):
            return self._failed(urn, old)
        if self.targets and urn not in self.targets:
            if old is None:
                return self._failed(urn, None)
            made = old  # as it is, with its earlier name and its protection
        else:
            try:
                made = self._step(old, new, is_deleted_first=request.deleteBeforeReplace)
            except Bailed:
                raise
            except _Killed:
                self.killed = True
                return self._failed(urn, old)
            except Exception as error:  # the engine reports whatever a provider raises, and goes on
                self.ended.errors.append((urn, str(error)))
                self.errored.add(urn)
                return self._failed(urn, old)
        self.seen[urn] = made
        values = asyncio.run(rpc.serialize_properties(made.outputs if made.custom else {}, {}))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=made.id, object=values)

    def _failed(self, urn: str, old: Resource | None) -> resource_pb2.RegisterResourceResponse:
        self.seen[urn] = None
        if old is not None:
            self.kept[urn] = self.olds[old.urn]
        return resource_pb2.RegisterResourceResponse(urn=urn, result=resource_pb2.Result.FAIL)

    def _old(self, urn: str, request: Any) -> Resource | None:
        for name in (urn, *self._aliases(request)):
            if name in self.olds:
                if name != urn:
                    self.aliased[urn] = name
                return self.olds[name]
        return None

    def _aliases(self, request: Any) -> Iterator[str]:
        for alias in request.aliases:
            yield _urn(
                self.on.stack_name,
                self.aliased.get(request.parent, request.parent),
                request.type,
                alias.spec.name,
            )
        if request.parent in self.aliased:
            parent, now = self.aliased[request.parent], request.parent.split("::")[3]
            name = (
                parent.split("::")[3] + request.name.removeprefix(now)
                if request.name.startswith(now)
                else request.name
            )
            yield _urn(self.on.stack_name, parent, request.type, name)

    def _step(self, old: Resource | None, new: Resource, *, is_deleted_first: bool) -> Resource:
        """Do to one resource what its registration asks for."""
        if not new.custom:
            return new
        provider = self._provider(new.inputs)
        anew = (
            old is None
            or old.taint
            or old.pending_replacement
            or new.urn in self.replacing
            or old.urn in self.removed
        )
        registered, new = (
            new,
            replace(
                new, inputs=self._checked(provider, {} if anew or old is None else old.inputs, new)
            ),
        )
        if old is None:
            return self._created(provider, new)
        if not anew:
            diff = provider.diff(old.id, dict(old.outputs), dict(new.inputs))
            changes = old.inputs != new.inputs if diff.changes is None else diff.changes
            if not changes:
                return replace(new, id=old.id, outputs=old.outputs)
            if not diff.replaces and not (new.replace_on_changes and diff.changes is None):
                return self._updated(provider, old, new)
            new = replace(new, inputs=self._checked(provider, {}, registered))
        if old.urn not in self.removed:
            self._require_replaceable(old.protect and new.protect, new.urn)
            if is_deleted_first and not old.pending_replacement:
                self._remove_first(old)
        made = self._created(provider, new)
        if not self.dry_run:
            self.on.state = [
                replace(one, delete=True) if one is old else one for one in self.on.state
            ]
        return made

    def _updated(self, provider: ResourceProvider, old: Resource, new: Resource) -> Resource:
        self.ended.steps.append(new.urn)
        if self.dry_run:
            return replace(new, id=old.id, outputs={**old.outputs, **new.inputs})
        updated = self._write(
            new, lambda: provider.update(old.id, dict(old.outputs), dict(new.inputs))
        )
        return replace(
            new,
            id=old.id,
            outputs=_travelled({**(updated.outs or {}), "__provider": new.inputs["__provider"]}),
        )

    def _remove_first(self, old: Resource) -> None:
        """Remove one that is to be replaced, and before it what would be replaced because of it."""
        chain = [old]
        for one in self.on.state:  # what is needed comes first
            names = {
                name
                for name, needed in one.by_property.items()
                if needed & {other.urn for other in chain}
            }
            is_old = self.olds.get(one.urn) is one and one.custom
            if not names or not is_old or one.pending_replacement:
                continue
            provider = self._provider(one.inputs)
            diff = provider.diff(
                one.id, dict(one.outputs), {**one.inputs, **dict.fromkeys(names, rpc.UNKNOWN)}
            )
            if diff.replaces or (one.replace_on_changes and diff.changes is None):
                self._require_replaceable(one.protect, one.urn)
                self.removed.add(one.urn)
                chain.append(one)
        for one in reversed(chain):
            self.ended.steps.append(one.urn)
            if not self.dry_run:
                self._write(
                    one,
                    lambda one=one: self._provider(one.inputs).delete(one.id, dict(one.outputs)),  # type: ignore[misc]
                )
                removed = self.olds[one.urn] = replace(one, pending_replacement=True)
                self.on.state = [removed if other is one else other for other in self.on.state]

    def _require_replaceable(self, protected: bool, urn: str) -> None:
        if protected:
            sentence = (
                f"unable to replace resource {urn!r}\nas it is currently marked for protection"
            )
            self.ended.errors.append((urn, sentence))
            if not self.dry_run:
                raise Bailed(sentence)

    def _checked(self, provider: ResourceProvider, before: Properties, new: Resource) -> Properties:
        checked = provider.check(dict(before), dict(new.inputs))
        if checked.failures:
            raise Bailed("; ".join(failure.reason for failure in checked.failures))
        travelled: dict[str, Any] = _travelled(
            {**checked.inputs, "__provider": new.inputs["__provider"]}
        )
        return travelled

    def _created(self, provider: ResourceProvider, new: Resource) -> Resource:
        self.ended.steps.append(new.urn)
        if self.dry_run:
            return replace(new, outputs=dict(new.inputs))
        made = self._write(new, lambda: provider.create(dict(new.inputs)))
        return replace(
            new,
            id=made.id,
            outputs=_travelled({**(made.outs or {}), "__provider": new.inputs["__provider"]}),
        )

    def _write(self, one: Resource, act: Callable[[], Any]) -> Any:
        """What a kill may come between."""
        self.writes += 1
        if self.kill is None or self.writes != self.kill.at:
            return act()
        if self.kill.after:
            act()
        self.on.pending = [one]
        raise _Killed

    # What the program no longer registers

    def _remove_what_is_left(self) -> None:
        if self.killed:
            return
        operated_on = {*self.seen, *self.aliased.values()}
        left = [one for one in self.on.state if one.delete or one.urn not in operated_on]
        if self.targets:
            left = [one for one in left if one.urn in self.on.with_dependents(self.targets)]
            if untargeted := [one.urn for one in left if one.urn not in self.targets]:
                raise Bailed(
                    f"{untargeted[0]!r} will be destroyed but was not specified in --target list"
                )
        needed = set[str]()
        for urn in self.errored & self.kept.keys():
            needed |= self._all_needed(self.kept[urn])
        for one in reversed(left):
            if one.urn in needed or self.killed:
                continue
            try:
                self._remove(one)
            except _Killed:
                self.killed = True
            except Exception as error:  # the engine reports whatever a provider raises, and goes on
                self.ended.errors.append((one.urn, str(error)))
                needed |= self._all_needed(one)

    def _remove(self, one: Resource) -> None:
        self.ended.steps.append(one.urn)
        if one.protect and not one.delete and not one.pending_replacement:
            raise Bailed(f"resource {one.urn!r} cannot be deleted\nbecause it is protected")
        if self.dry_run:
            return
        if one.custom and not one.pending_replacement:
            self._write(one, lambda: self._provider(one.inputs).delete(one.id, dict(one.outputs)))
        self.on.state = [other for other in self.on.state if other is not one]

    def _all_needed(self, one: Resource) -> set[str]:
        """What it needs, and what that needs."""
        known = {found.urn: found for found in self.on.state}
        found, coming = set[str](), set(one.needs)
        while coming:
            name = coming.pop()
            found.add(name)
            coming |= known[name].needs - found if name in known else set()
        return found

    def _settle(self) -> None:
        """Write down what is there now: what was registered in its order, and behind it what is
        left."""
        if self.dry_run:
            return
        now = [made or self.kept.get(urn) for urn, made in self.seen.items()]
        registered = [one for one in now if one is not None]
        gone = {
            old.urn
            for urn in self.seen
            for old in [self.olds.get(self.aliased.get(urn, urn))]
            if old is not None
        }
        left = [one for one in self.on.state if one.delete or one.urn not in gone]
        names = {
            old: urn
            for urn, old in self.aliased.items()
            if (made := self.seen.get(urn)) is not None and made.urn == urn
        }
        registered = [
            replace(one, outputs=self.ended.outputs) if one.type == STACK else one
            for one in registered
        ]
        self.on.state = _in_order([_renamed(one, names) for one in (*registered, *left)])

    # The provider's process

    def _provider(self, inputs: Mapping[str, Any]) -> ResourceProvider:
        name = inputs["__provider"]
        if name not in self.providers:
            provider = pickle.loads(base64.b64decode(name))  # noqa: S301  # what the SDK itself pickled
            provider.configure(ConfigureRequest(Config(dict(self.config), PROJECT)))
            vars(sys).pop("tracebacklimit", None)
            self.providers[name] = provider
        return self.providers[name]


class _Killed(BaseException):
    """The engine's process has ended."""


class _Monitor(mocks.MockMonitor):
    """What the SDK takes for the engine."""

    def __init__(self, command: _Command) -> None:
        super().__init__(_NoMocks())
        self._command = command

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        return self._command.register(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if request.urn.split("::")[2] == STACK:
            self._command.ended.outputs = MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class _Log(mocks.MockEngine):
    """What the program reports."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(None)
        self._ended = ended

    def Log(self, request: Any) -> None:  # noqa: N802
        if request.severity == engine_pb2.ERROR:
            self._ended.errors.append((request.urn, request.message))


class _NoMocks(mocks.Mocks):
    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:  # noqa: ARG002
        return {}, None

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise AssertionError(f"{args.name} was registered past the stand-in")


def _run(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


def _urn(stack_name: str, parent: str, type_: str, name: str) -> str:
    types = "" if not parent or parent.split("::")[2] == STACK else f"{parent.split('::')[2]}$"
    return f"urn:pulumi:{stack_name}::{PROJECT}::{types}{type_}::{name}"


def _travelled(value: Any) -> Any:
    """As a value is after its way between program, engine and provider: numbers are floating point,
    secrets are in the clear."""
    if isinstance(value, Mapping):
        if rpc._special_sig_key in value and "value" in value:
            return _travelled(value["value"])
        return {name: _travelled(part) for name, part in sorted(value.items()) if part is not None}
    if isinstance(value, list | tuple):
        return [_travelled(part) for part in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _renamed(one: Resource, names: Mapping[str, str]) -> Resource:
    def now(urn: str) -> str:
        return names.get(urn, urn)

    by_property = {name: frozenset(map(now, needed)) for name, needed in one.by_property.items()}
    return replace(
        one,
        parent=now(one.parent),
        depends_on=frozenset(map(now, one.depends_on)),
        by_property=by_property,
    )


def _in_order(state: list[Resource]) -> list[Resource]:
    """What is needed comes first."""
    needs: dict[str, set[str]] = {one.urn: set() for one in state}
    for one in state:
        needs[one.urn] |= one.needs & needs.keys()
    order = {urn: number for number, urn in enumerate(TopologicalSorter(needs).static_order())}
    return sorted(state, key=lambda one: order[one.urn])
