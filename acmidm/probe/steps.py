"""What a probe found: steps, each passed, wrong with its remedy, or not tried. No language: `telling` has the
sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from acmidm.words import plain
from acmidm_onboarding.texts import Texts

DISCOVERY = "discovery"


class Outcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    WRONG = "wrong"
    UNREACHED = "unreached"
    """Nobody answered: wrong, and nothing is known of the connection."""
    UNTRIED = "untried"


@dataclass(frozen=True)
class Said:
    """A text of room ``probe`` by its name, and the values of its blanks, which may be such texts too."""

    name: str
    values: Mapping[str, object] = field(default_factory=dict)

    def in_words(self, texts: Texts) -> str:
        """Return the text in a language."""
        return texts(
            self.name,
            **{
                name: value.in_words(texts) if isinstance(value, Said) else value for name, value in self.values.items()
            },
        )


@dataclass(frozen=True)
class Finding:
    """A mistake. ``id`` is its row in the table; ``text`` names its sentence and its remedy, where one mistake shows in
    several ways."""

    id: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def what(self) -> Said:
        return Said(f"{self.text}.what", self.values)

    @property
    def remedy(self) -> Said:
        return Said(f"{self.text}.remedy", self.values)


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
        return any(step.step == DISCOVERY and step.outcome is Outcome.UNREACHED for step in self.steps)


def finding(mistake: str, text: str = "", /, **values: object) -> Finding:
    """Return a mistake; without ``text`` its sentences have its own name."""
    return Finding(mistake, text or mistake, values)


def say(name: str, /, **values: object) -> Said:
    """Return a text with the values of its blanks."""
    return Said(name, values)


def passed(step: str, detail: Said | str = "", of: str = "") -> ProbeStep:
    return ProbeStep(step, Outcome.PASSED, detail, of)


def untried(step: str, why: Said, of: str = "") -> ProbeStep:
    return ProbeStep(step, Outcome.UNTRIED, why, of)


def wrong(step: str, *findings: Finding, of: str = "", server: str | None = None) -> ProbeStep:
    return ProbeStep(step, Outcome.WRONG, of=of, findings=findings, server=server)


def named(kid: str) -> str:
    """Quote the name of a key that is ours: it is no secret, though a thumbprint looks like one."""
    return f'"{plain(kid)}"'
