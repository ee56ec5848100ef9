"""A probe as the organisation reads it, in its language. Programs go by ``id``, ``step``, ``of`` and ``outcome``, which
have none."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from acmidm.probe.steps import Outcome, Probe, ProbeStep, Said
from acmidm.words import WHOLE, plain
from acmidm_onboarding.texts import Language, Texts, texts


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class ToldFinding(_Told):
    """A mistake: one sentence, and what to do."""

    id: str
    what: str
    remedy: str


class ToldStep(_Told):
    """One step. ``title`` is what people read for ``step`` and ``of``."""

    step: str
    of: str | None
    title: str
    outcome: Outcome
    said: str | None
    findings: tuple[ToldFinding, ...]
    server: str | None


class ToldProbe(_Told):
    """The whole report."""

    language: Language
    title: str
    wrong: int
    steps: tuple[ToldStep, ...]
    recorded: str | None


def words_in(language: Language) -> Texts:
    """Return what a probe says."""
    return texts("probe", language)


def told(probe: Probe, language: Language) -> ToldProbe:
    """Return a report in a language."""
    words = words_in(language)
    steps = tuple(_step(step, words) for step in probe.steps)
    return ToldProbe(
        language=language, title=probe.title.told(words), wrong=probe.wrong, steps=steps, recorded=probe.recorded
    )


def _step(step: ProbeStep, words: Texts) -> ToldStep:
    return ToldStep(
        step=step.step,
        of=step.of or None,
        title=words(f"step.{step.step}", of=step.of),
        outcome=step.outcome,
        said=(step.said.told(words) if isinstance(step.said, Said) else step.said) or None,
        findings=tuple(
            ToldFinding(id=one.id, what=one.what.told(words), remedy=one.remedy.told(words)) for one in step.findings
        ),
        server=step.server,
    )


def lines(report: ToldProbe) -> Iterator[str]:
    """Yield a report for a terminal or a log, where no text of others does anything."""
    words = words_in(report.language)
    outcomes = {outcome: words(f"outcome.{outcome}") for outcome in Outcome}
    width = max(map(len, outcomes.values())) + 1
    yield plain(
        f"{report.title}: {words.counted('found', report.wrong) if report.wrong else words('found.none')}", WHOLE
    )
    for step in report.steps:
        said = f": {step.said}" if step.said else ""
        yield plain(f"  {outcomes[step.outcome]:<{width}}{step.title}{said}", WHOLE)
        for finding in step.findings:
            yield plain(f"  {'':<{width}}  {finding.what}; {finding.remedy}", WHOLE)
        if step.server:
            yield plain(f"  {'':<{width}}  {words('server', said=step.server)}", WHOLE)
    if report.recorded:
        yield plain(words("recorded", file=report.recorded), WHOLE)
