"""A probe as the organisation reads it, in its language. Programs go by ``id``, ``step``, ``of``
and ``outcome``, which have none."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from acmidm.probe.findings import Probe, ProbeOutcome, ProbeStep, in_words
from acmidm.words import WHOLE, plain
from acmidm_onboarding.texts import N_, Language


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class FindingReport(_Shown):
    """A mistake in a language: one sentence, and what to do."""

    id: str
    what: str
    remedy: str


class StepReport(_Shown):
    """One step. ``title`` is what people read for ``step`` and ``of``."""

    step: str
    of: str | None
    title: str
    outcome: ProbeOutcome
    said: str | None
    findings: tuple[FindingReport, ...]
    server: str | None


class ProbeReport(_Shown):
    """A probe in a language, as people and programs read it."""

    language: Language
    title: str
    wrong: int
    steps: tuple[StepReport, ...]
    recorded: str | None


def report_in(probe: Probe, language: Language) -> ProbeReport:
    """Return the report of a probe in a language."""
    steps = tuple(_step_report(step, language) for step in probe.steps)
    return ProbeReport(
        language=language,
        title=probe.title.in_words(language),
        wrong=probe.wrong,
        steps=steps,
        recorded=probe.recorded,
    )


_STEP = {
    "client-id": N_("client-ID"),
    "key": N_("key"),
    "discovery": N_("discovery"),
    "clock": N_("clock"),
    "assertion": N_("assertion"),
    "token": N_("token for {of}"),
    "product": N_("product {of}"),
    "given assertion": N_("the assertion"),
    "given request": N_("the token request"),
    "time": N_("its time"),
    "evidence": N_("evidence"),
}


def _step_report(step: ProbeStep, language: Language) -> StepReport:
    """Return a step with its sentences in a language."""
    findings: list[FindingReport] = []
    for finding in step.findings:
        what, remedy = finding.what.in_words(language), finding.remedy.in_words(language)
        findings.append(FindingReport(id=finding.id, what=what, remedy=remedy))
    return StepReport(
        step=step.step,
        of=step.of or None,
        title=language.translated(_STEP[step.step], of=step.of),
        outcome=step.outcome,
        said=str(in_words(step.detail, language)) or None,
        findings=tuple(findings),
        server=step.server,
    )


OUTCOMES = {
    "passed": N_("passed"),
    "wrong": N_("wrong"),
    "unreached": N_("unreached"),
    "untried": N_("untried"),
}
"""How a step, or the whole, ended."""


def lines(report: ProbeReport) -> Iterator[str]:
    """Yield the lines of a report: its title with how many steps are wrong, then each step with its
    mistakes and the server's words. What others wrote does nothing to a terminal or a log."""
    language = report.language
    outcomes = {outcome: language.translated(OUTCOMES[outcome]) for outcome in ProbeOutcome}
    width = max(map(len, outcomes.values())) + 1
    how_many = language.tr("nothing wrong")
    if report.wrong:
        how_many = language.ntr("{count} step wrong", "{count} steps wrong", report.wrong)
    yield plain(f"{report.title}: {how_many}", WHOLE)
    for step in report.steps:
        detail = f": {step.said}" if step.said else ""
        yield plain(f"  {outcomes[step.outcome]:<{width}}{step.title}{detail}", WHOLE)
        for finding in step.findings:
            yield plain(f"  {'':<{width}}  {finding.what}; {finding.remedy}", WHOLE)
        if step.server:
            words = language.tr("the server's own words: {said}", said=step.server)
            yield plain(f"  {'':<{width}}  {words}", WHOLE)
    if report.recorded:
        yield plain(
            language.tr("recorded in {file}: commit it beside the form", file=report.recorded),
            WHOLE,
        )
