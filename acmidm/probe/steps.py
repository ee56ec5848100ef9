"""What a probe found: steps, each passed, wrong with its remedy, or not tried. In no language yet:
`telling` reports it in one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from acmidm.probe.findings import Finding, Said

DISCOVERY = "discovery"


class Outcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    WRONG = "wrong"
    UNREACHED = "unreached"
    """Nobody answered: wrong, and nothing is known of the connection."""
    UNTRIED = "untried"


@dataclass(frozen=True)
class ProbeStep:
    """One step, or what was made of one scope or product: ``of`` names that."""

    step: str
    outcome: Outcome
    said: Said | str = ""
    """What passed, or why it was not tried."""
    of: str = ""
    findings: tuple[Finding, ...] = ()
    server: str | None = None
    """What the server said, in its own words."""


@dataclass(frozen=True)
class Probe:
    """The whole report."""

    title: Said
    steps: tuple[ProbeStep, ...]
    recorded: str | None = None
    """The file of evidence that was written."""

    @property
    def wrong(self) -> int:
        return sum(step.outcome in (Outcome.WRONG, Outcome.UNREACHED) for step in self.steps)

    @property
    def is_unreached(self) -> bool:
        """Whether the issuer did not answer: without it no other step is tried."""
        return any(
            step.step == DISCOVERY and step.outcome is Outcome.UNREACHED for step in self.steps
        )

    @property
    def outcome(self) -> Outcome:
        """How the whole ended."""
        if self.is_unreached:
            return Outcome.UNREACHED
        return Outcome.WRONG if self.wrong else Outcome.PASSED


def passed(step: str, detail: Said | str = "", of: str = "") -> ProbeStep:
    return ProbeStep(step, Outcome.PASSED, detail, of)


def untried(step: str, why: Said, of: str = "") -> ProbeStep:
    return ProbeStep(step, Outcome.UNTRIED, why, of)


def wrong(step: str, *findings: Finding, of: str = "", server: str | None = None) -> ProbeStep:
    return ProbeStep(step, Outcome.WRONG, of=of, findings=findings, server=server)
