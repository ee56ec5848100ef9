"""A stack of the real engine, and all that ``acmidm`` reports of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tests.support.command_line import CommandLine
from tests.support.engine import changing, details
from tests.support.forms import FormFile
from tests.support.together import OneStack, Shown

NOWHERE = "http://127.0.0.1:9/management/v1"
"""A portal that cannot be reached."""


@dataclass
class Reported(OneStack):
    """Cases share its reports too."""

    warned: str = ""
    """What the last review warned of."""

    writes: ClassVar[Collection[str]] = (*OneStack.writes, "heal")
    slow_reads: ClassVar[Collection[str]] = (
        *OneStack.slow_reads,
        "review_of_a_plan",
        "review_without_the_portal",
    )

    @property
    def plan(self) -> Path:
        """A preview that somebody made."""
        return self.project.folder / "plan.json"

    @property
    def acmidm(self) -> CommandLine:
        return CommandLine(self.project)

    def review(self) -> dict[str, Any]:
        """The review of the stack, what it warns of is in ``warned``."""
        return self._review("--stack", "tni")

    def review_of_a_plan(self) -> dict[str, Any]:
        """The review of a preview that somebody made after a look at the authorities, and in which
        they replace the secrets of applications that begin with ``anew``."""
        passwords = [
            one["urn"]
            for place, one in self.project.resources().items()
            if place.startswith("RandomPassword") and "/anew-" in place
        ]
        replacing = [word for urn in passwords for word in ("--replace", urn)]
        plan = self.project.pulumi("preview", "--refresh", "--json", "--show-sames", *replacing)
        self.plan.write_text(plan.stdout)
        return self._review("--plan", self.plan.name)

    def planned(self) -> Shown:
        """What the same preview does."""
        return details(changing(json.loads(self.plan.read_text())["steps"]))

    def review_of_changes_alone(self) -> dict[str, Any]:
        """The review of the same preview as the engine shows it without ``--show-sames``."""
        plan = json.loads(self.plan.read_text())
        plan["steps"] = [step for step in plan["steps"] if step["op"] != "same"]
        self.plan.write_text(json.dumps(plan))
        return self._review("--plan", self.plan.name)

    def review_without_the_portal(self) -> dict[str, Any]:
        with self.without_the_portal():
            return self.review()

    @contextmanager
    def without_the_portal(self) -> Iterator[None]:
        """The stack's settings lead nowhere meanwhile."""
        self.project.configure({"managementUrl": NOWHERE})
        yield
        self.project.configure({"managementUrl": f"{self.portal.origin}/management/v1"})

    def heal(self) -> dict[str, Any]:
        """What ``drift --heal`` repairs, and the look afterwards. The code is that of all cases."""
        outcome = self.acmidm.run("drift", "--heal", "--stack", "tni", "--output", "json")
        return dict(json.loads(outcome.stdout))

    def strict_drift(self) -> dict[str, Any]:
        """Drift that counts keys which end within 50 days."""
        return self.acmidm.json("drift", "--days", "50", "--strict", "--stack", "tni", code=1)

    def listed(self, form: FormFile, *words: str) -> dict[str, Any] | None:
        """A form's client in the list."""
        found = self.acmidm.json("status", *words, "--stack", "tni")["connections"]
        return next((one for one in found if one["application"] == form.application), None)

    def client(self, form: FormFile) -> dict[str, Any]:
        return self.registry.client(form.application)

    def _review(self, *words: str) -> dict[str, Any]:
        outcome = self.acmidm.run("review", *words, "--output", "json")
        self.warned = outcome.stderr
        return dict(json.loads(outcome.stdout))
