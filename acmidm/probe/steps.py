"""What a probe found: steps, each passed, wrong with its remedy, or not tried."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field

from acmidm.words import WHOLE, counted, plain


class Outcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    WRONG = "wrong"
    UNREACHED = "unreached"
    """Nobody answered: wrong, and nothing is known of the connection."""
    UNTRIED = "untried"


class Finding(BaseModel):
    """A mistake: ``id`` is its row in the table, then one sentence and what to do."""

    model_config = ConfigDict(frozen=True)

    id: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


class Step(BaseModel):
    """One step, or what was made of one scope or product."""

    model_config = ConfigDict(frozen=True)

    step: str
    outcome: Outcome
    said: str = ""
    """What passed, or why it was not tried."""
    findings: tuple[Finding, ...] = ()
    server: str | None = None
    """What the server said, in its own words."""


class Probe(BaseModel):
    """The whole report."""

    model_config = ConfigDict(frozen=True)

    title: str
    steps: tuple[Step, ...]
    recorded: str | None = None
    """The file of evidence that was written."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def wrong(self) -> int:
        return sum(step.outcome in (Outcome.WRONG, Outcome.UNREACHED) for step in self.steps)

    @property
    def is_unreached(self) -> bool:
        """Whether nobody answered at all."""
        outcomes = {step.outcome for step in self.steps}
        return Outcome.UNREACHED in outcomes and Outcome.WRONG not in outcomes

    def lines(self) -> Iterator[str]:
        """The report for a terminal or a log, where no text of others does anything."""
        found = f"{counted(self.wrong, 'step')} wrong" if self.wrong else "nothing wrong"
        yield plain(f"{self.title}: {found}", WHOLE)
        for step in self.steps:
            said = f": {step.said}" if step.said else ""
            yield plain(f"  {step.outcome:<10} {step.step}{said}", WHOLE)
            for finding in step.findings:
                yield plain(f"             {finding}", WHOLE)
            if step.server:
                yield plain(f"             the server's own words: {step.server}", WHOLE)
        if self.recorded:
            yield plain(f"recorded in {self.recorded}: commit it beside the form", WHOLE)


def passed(step: str, said: str = "") -> Step:
    return Step(step=step, outcome=Outcome.PASSED, said=said)


def untried(step: str, why: str) -> Step:
    return Step(step=step, outcome=Outcome.UNTRIED, said=why)


def wrong(step: str, *findings: Finding, server: str | None = None) -> Step:
    return Step(step=step, outcome=Outcome.WRONG, findings=findings, server=server)


def named(kid: str) -> str:
    """Quote the name of a key that is ours: it is no secret, though a thumbprint looks like one."""
    return f'"{plain(kid)}"'
