"""What a probe found: steps, each passed, wrong with its remedy, or not tried. It is in no language
yet: ``telling`` reports it in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from acmidm_onboarding.texts import N_, Language
from acmidm_onboarding.values.problems import on_one_line

DISCOVERY = "discovery"
_LONGEST_NAME = 200
_ENVIRONMENTS = {"tni": N_("TNI"), "prod": N_("production")}


@dataclass(frozen=True)
class Wording:
    """A sentence, and the values of its blanks, which may be such sentences too."""

    sentence: str
    values: Mapping[str, object] = field(default_factory=dict)

    def in_words(self, language: Language) -> str:
        """Return the sentence in a language."""
        values = {name: in_words(value, language) for name, value in self.values.items()}
        return language.translated(self.sentence, **values)


def in_words(value: object, language: Language) -> object:
    """Return a Wording as a sentence in a language; any other value as it is."""
    return value.in_words(language) if isinstance(value, Wording) else value


@dataclass(frozen=True)
class Finding:
    """A mistake: one sentence, and what to do. ``id`` names the mistake for programs, as
    "aud:endpoint"; several sentences may have the same."""

    id: str
    sentence: str
    remedy_sentence: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def what(self) -> Wording:
        return Wording(self.sentence, self.values)

    @property
    def remedy(self) -> Wording:
        return Wording(self.remedy_sentence, self.values)


def finding(mistake: str, what: str, remedy: str, /, **values: object) -> Finding:
    """Return a mistake with the values of the blanks of its sentences."""
    return Finding(mistake, what, remedy, values)


def wording(sentence: str, /, **values: object) -> Wording:
    """Return a sentence with the values of its blanks."""
    return Wording(sentence, values)


def environment(name: str) -> Wording:
    """Return what people call an environment."""
    return Wording(_ENVIRONMENTS[name])


def quoted_kid(kid: str) -> str:
    """Return the ``kid`` of a key between quotes, cut where it is long. It shows as it is: it is no
    secret, though a thumbprint looks like one."""
    return f'"{on_one_line(kid[:_LONGEST_NAME])}"'


class ProbeOutcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    WRONG = "wrong"
    UNREACHED = "unreached"
    """Nobody answered: wrong, and nothing is known of the connection."""
    UNTRIED = "untried"


@dataclass(frozen=True)
class ProbeStep:
    """What became of one step, such as "token". Where it is about a scope or a product, ``of`` is
    the name of that."""

    step: str
    outcome: ProbeOutcome
    detail: Wording | str = ""
    """What passed, or why it was not tried."""
    of: str = ""
    findings: tuple[Finding, ...] = ()
    server: str | None = None
    """The words in which the server explains its refusal."""


@dataclass(frozen=True)
class Probe:
    """What became of a whole probe."""

    title: Wording
    steps: tuple[ProbeStep, ...]
    recorded: str | None = None
    """The file of evidence that was written."""

    @property
    def wrong(self) -> int:
        """How many steps are wrong, or got no answer."""
        bad_ends = (ProbeOutcome.WRONG, ProbeOutcome.UNREACHED)
        return sum(step.outcome in bad_ends for step in self.steps)

    @property
    def is_unreached(self) -> bool:
        """Whether the issuer did not answer: without it no other step is tried."""
        unreached = [step.step for step in self.steps if step.outcome is ProbeOutcome.UNREACHED]
        return DISCOVERY in unreached

    @property
    def outcome(self) -> ProbeOutcome:
        """How the whole ended: unreached where the issuer did not answer."""
        if self.is_unreached:
            return ProbeOutcome.UNREACHED
        return ProbeOutcome.WRONG if self.wrong else ProbeOutcome.PASSED


def passed(step: str, detail: Wording | str = "", of: str = "") -> ProbeStep:
    return ProbeStep(step, ProbeOutcome.PASSED, detail, of)


def untried(step: str, why: Wording, of: str = "") -> ProbeStep:
    return ProbeStep(step, ProbeOutcome.UNTRIED, why, of)


def wrong(step: str, *findings: Finding, of: str = "", server: str | None = None) -> ProbeStep:
    return ProbeStep(step, ProbeOutcome.WRONG, of=of, findings=findings, server=server)
