"""The two speeds at which the machine runs: the providers in this process, and the real engine."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.engine import pulumi as engine
from acmidm_onboarding import recorded
from acmidm_onboarding.resources import base
from acmidm_onboarding.settings import full_key
from tests.end_to_end.stateful.model import ClientKey, Outage
from tests.end_to_end.stateful.seen import ABOVE, place_of
from tests.end_to_end.stateful.stand_in import Cut, Ended, StandIn
from tests.support import faults
from tests.support.engine import ROOT, Outcome, Project, settings_of
from tests.support.fault_proxy import FaultProxy
from tests.support.offered import catalogue_folder
from tests.support.portal import RunningPortal

PLAIN = "Onboarding(key, args)"
OPTIONS = """
def _with_options(args):
    if "acmidm:" in args.type_:
        return pulumi.ResourceTransformationResult(args.props,
            pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(%s)))


pulumi.runtime.register_stack_transformation(_with_options)
"""
WRITES = ("POST|PUT|DELETE", "/(management|products)/v1/")
NOT_FOUND = json.dumps({"title": "Not Found", "status": 404}).encode()
WELL = Outage()


@dataclass
class Ran:
    """How a command ended."""

    troubled: dict[str, list[str]] = field(default_factory=dict)
    """Per connection what went wrong; what concerns none is under the empty name."""
    steps: set[ClientKey] = field(default_factory=set)
    """The parts that it did something to, or would."""


def program(*options: str, below: bool = False) -> str:
    """The project's own program, with what a user may add to it: options of its resources, and a
    component above its own."""
    text, mark = (ROOT / "__main__.py").read_text(), "settings = read_settings()\n"
    assert PLAIN in text, text
    assert mark in text, text
    if below:
        text = text.replace(
            mark, f'{mark}above = pulumi.ComponentResource("{ABOVE}", "platform")\n'
        )
        text = text.replace(
            PLAIN, "Onboarding(key, args, opts=pulumi.ResourceOptions(parent=above))"
        )
    return text.replace(mark, mark + OPTIONS % ", ".join(options)) if options else text


@contextmanager
def with_faults(
    proxy: FaultProxy, outage: Outage = WELL, lost_at: int | None = None
) -> Iterator[None]:
    """Let the APIs of an outage fail; with ``lost_at`` the answer to the n-th write is lost."""
    fault = faults.cut_before if outage.kind == "down" else faults.answer(404, NOT_FOUND)
    for api in outage.apis:
        proxy.rule(".*", f"^/{api}/v1/", fault, times=None)
    if lost_at is not None:
        proxy.rule(*WRITES, faults.cut_after, first=lost_at)
    try:
        yield
    finally:
        proxy.heal()


class InProcess:
    """The stand-in for the engine."""

    state: ClassVar[Mapping[str, Any]] = {}
    """What the program and its providers read of it, as it was when the command began."""

    def __init__(self, portal: RunningPortal, proxy: FaultProxy, folder: Path) -> None:
        self.portal, self._proxy = portal, proxy
        self._folder, self.forms = folder, folder / "onboardings"
        shutil.copy(ROOT / "Pulumi.yaml", folder)
        shutil.copy(ROOT / "__main__.py", folder)
        key = folder / "operator.jwk.json"
        key.write_text(json.dumps(portal.operator_key.as_dict(private=True)))
        self._settings: dict[str, object] = {
            "environment": "tni",
            "catalogueFolder": catalogue_folder(),
            "formsFolder": self.forms,
            "operatorPrivateKeyFile": key,
            "retryDeadlineSeconds": 0,
            "keyOverlapDays": 0,
            "protectClients": "false",
            **settings_of(portal),
            **proxy.settings,
        }
        self._stack = StandIn(folder / "__main__.py", "tni", self._config)

    def up(
        self,
        *,
        refresh: bool = False,
        outage: Outage = WELL,
        cut: Cut | None = None,
        replacing: str | None = None,
    ) -> Ran:
        urns = [replacing] if replacing else []
        if cut is not None and cut.kind == "lost answer":
            with with_faults(self._proxy, lost_at=cut.at):
                return _ran(self._stack.up(refresh=refresh, replacing=urns))
        with with_faults(self._proxy, outage):
            return _ran(self._stack.up(refresh=refresh, replacing=urns, kill=cut))

    def preview(self, *, refresh: bool = False) -> Ran:
        return _ran(self._stack.preview(refresh=refresh))

    def refresh(self, outage: Outage = WELL) -> Ran:
        with with_faults(self._proxy, outage):
            return _ran(self._stack.refresh())

    def protect(self, protects: bool) -> None:
        self._settings["protectClients"] = str(protects).lower()

    def program(self, text: str) -> None:
        (self._folder / "__main__.py").write_text(text)

    def export(self) -> dict[str, Any]:
        return self._stack.export()

    def edit_state(self, what: str, urn: str, *words: str) -> None:
        getattr(self._stack, what)(urn, *words)

    def saved(self) -> Any:
        return self._stack.state

    def restore(self, saved: Any) -> None:
        self._stack.state, self._stack.pending = saved, []

    def acmidm(self, *words: str, outage: Outage = WELL) -> Outcome:
        """The real command, with the stand-in for the engine under it."""
        (self._folder / "Pulumi.tni.yaml").write_text(json.dumps({"config": dict(self._config())}))
        with (
            contextlib.chdir(self._folder),
            patch.multiple(
                engine,
                stack_deployment=lambda _: self.export(),
                last_runs=lambda _: [],
                up=self._heal,
            ),
            with_faults(self._proxy, outage),
        ):
            done = CliRunner().invoke(app, words, catch_exceptions=False)
        return Outcome(done.exit_code, done.stdout, done.stderr)

    def _heal(
        self, _: str, urns: list[str], __: object
    ) -> tuple[bool, tuple[str, ...], frozenset[str]]:
        """What ``engine.up`` does with the real one."""
        ended = self._stack.refresh(targets=urns)
        if ended.well:
            ended = self._stack.up(targets=urns)
        return ended.well, *engine.problems_in(
            [{"severity": "error", "urn": urn or "", "message": said} for urn, said in ended.errors]
        )

    def _config(self) -> Mapping[str, str]:
        # each command has processes of its own for its program and providers, which read the state
        # once
        base._connections.clear()
        recorded.recorded.cache_clear()
        InProcess.state = self.export()
        return {full_key(name): str(value) for name, value in self._settings.items()}


def _ran(ended: Ended) -> Ran:
    ran = Ran(steps={place for urn in ended.steps if (place := place_of(urn))})
    for urn, sentence in ended.errors:
        kind, _, name = (urn or "").rpartition("::")
        ran.troubled.setdefault(_connection_of(kind, name), []).append(sentence)
    return ran


def _connection_of(kind: str, name: str) -> str:
    """Whose trouble that of a resource is, by its type and name: nobody's in particular where it is
    none of the module's."""
    return "/".join(name.split("/")[:2]) if "acmidm:" in kind.rpartition("$")[2] else ""


class Engine:
    """The real one."""

    _OF = re.compile(r"^  (\S+) \((\S+)\):$")

    def __init__(self, portal: RunningPortal, proxy: FaultProxy, folder: Path) -> None:
        self.portal, self._proxy, self.project = portal, proxy, Project(folder)
        self.forms = self.project.forms
        self.project.connect(portal, **proxy.settings, retryDeadlineSeconds=0, protectClients=False)

    def up(
        self,
        *,
        refresh: bool = False,
        outage: Outage = WELL,
        cut: Cut | None = None,
        replacing: str | None = None,
    ) -> Ran:
        words = ["--replace", replacing] if replacing else []
        with with_faults(self._proxy, outage, None if cut is None else cut.at):
            return self._up(refresh, words)

    def _up(self, refresh: bool, words: list[str]) -> Ran:
        """The program runs for the refresh too, so that it has the settings of now; in one command
        with ``up`` the engine may hang."""
        ran = self._refreshed() if refresh else Ran()
        return ran if ran.troubled else self._ran(self.project.up(*words).stdout)

    def _refreshed(self) -> Ran:
        return self._ran(
            self.project.pulumi(
                "refresh", "--run-program", "--yes", "--skip-preview", "--suppress-progress"
            ).stdout
        )

    def preview(self, *, refresh: bool = False) -> Ran:
        outcome = self.project.preview(
            "--json", *(("--refresh", "--run-program") if refresh else ())
        )
        steps = json.loads(outcome.stdout)["steps"]
        return Ran(
            steps={
                place
                for one in steps
                if one["op"] not in ("same", "refresh") and (place := place_of(one["urn"]))
            }
        )

    def refresh(self, outage: Outage = WELL) -> Ran:
        with with_faults(self._proxy, outage):
            return self._refreshed()

    def protect(self, protects: bool) -> None:
        self.project.configure({"protectClients": protects})

    def program(self, text: str) -> None:
        (self.project.folder / "__main__.py").write_text(text)

    def export(self) -> dict[str, Any]:
        return dict(json.loads(self.project.exported()))

    def edit_state(self, what: str, urn: str, *words: str) -> None:
        flags = ("--target-dependents", "--force") if what == "delete" else ()
        self.project.succeed("state", what, urn, *words, *flags, "--yes")

    def saved(self) -> Any:
        return self.export()["deployment"]

    def restore(self, saved: Any) -> None:
        nothing: dict[str, Any] = {"resources": [], "pending_operations": []}
        self.project.change_state(lambda deployment: deployment.update({**nothing, **saved}))

    def acmidm(self, *words: str, outage: Outage = WELL) -> Outcome:
        with with_faults(self._proxy, outage):
            return self.project.acmidm(*words)

    def _ran(self, output: str) -> Ran:
        ran, key = Ran(), ""
        for line in output.partition("Diagnostics:")[2].splitlines():
            if found := self._OF.match(line):
                key = _connection_of(found[1], found[2])
            elif line.strip().startswith("error: ") and "update failed" not in line:
                ran.troubled.setdefault(key, []).append(line.strip().removeprefix("error: "))
        return ran


Speed = InProcess | Engine
"""A stack on a portal, with forms in a folder."""
