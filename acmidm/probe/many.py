"""A probe of every connection of a supplier, with one key: a few at a time, each with its own
client-ID."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import BaseModel, ConfigDict

from acmidm.private_key import PrivateKey
from acmidm.probe.findings import Probe, ProbeOutcome, finding, wrong
from acmidm.probe.inputs import ProbeInputs
from acmidm.probe.telling import OUTCOMES, ProbeReport, report_in
from acmidm.words import WHOLE, plain
from acmidm_onboarding.authorities.http.pace import REQUESTS_AT_ONCE
from acmidm_onboarding.texts import N_, Language


class ListedProbe(BaseModel):
    """The probe of one connection."""

    model_config = ConfigDict(frozen=True)

    form: str
    client_id: str | None
    outcome: ProbeOutcome
    probe: ProbeReport

    @property
    def cause(self) -> str:
        """The first thing that is wrong with it, and what to do."""
        for step in self.probe.steps:
            if step.findings:
                found = step.findings[0]
                return f"{step.title}: {found.what}; {found.remedy}"
        return ""


class Probes(BaseModel):
    """The probes of all connections of a supplier, in the order of their forms."""

    model_config = ConfigDict(frozen=True)

    wrong: int
    connections: tuple[ListedProbe, ...]

    @property
    def is_unreached(self) -> bool:
        """Whether the issuer answered none of those that are wrong."""
        return all(probe.outcome is not ProbeOutcome.WRONG for probe in self.connections)


def probe_all(
    inputs: Sequence[ProbeInputs], key: PrivateKey, kid: str | None, language: Language, **how: bool
) -> Probes:
    """Try each connection; ``how`` is that of ``ProbeInputs.tried``. Raises Failure, OSError."""

    def probe_of(given: ProbeInputs) -> ListedProbe:
        """Return the probe of a connection: that it has no client yet, else what a try found."""
        if given.context.client_id is None:
            made = Probe(
                given.title,
                (
                    wrong(
                        "client-id",
                        finding(
                            "client:none",
                            N_("the state has no client of this connection yet"),
                            N_("wait until the run that makes it, acmidm deploy, is done"),
                        ),
                    ),
                ),
            )
        else:
            made = given.tried(key, kid, **how)
        return ListedProbe(
            form=given.loaded.name,
            client_id=given.context.client_id,
            outcome=made.outcome,
            probe=report_in(made, language),
        )

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        listed = tuple(pool.map(probe_of, inputs))
    number = sum(probe.outcome is not ProbeOutcome.PASSED for probe in listed)
    return Probes(wrong=number, connections=listed)


def table(probes: Probes, language: Language) -> Iterator[str]:
    """Yield a line for each connection: its form, its client-ID, how it ended and why; then how
    many are wrong."""
    listed = probes.connections
    rows: list[tuple[str, str, str, str]] = []
    for probe in listed:
        outcome = language.translated(OUTCOMES[probe.outcome])
        rows.append((probe.form, plain(probe.client_id or "-"), outcome, probe.cause))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for *cells, cause in rows:
        padded = map(str.ljust, cells, widths)
        yield plain("  ".join((*padded, cause)).rstrip(), WHOLE)
    yield language.ntr(
        "{count} connection, {wrong} wrong",
        "{count} connections, {wrong} wrong",
        len(listed),
        wrong=probes.wrong,
    )
    if recorded := sum(listed_probe.probe.recorded is not None for listed_probe in listed):
        yield language.ntr(
            "evidence of {count} connection is recorded: commit it beside the form",
            "evidence of {count} connections is recorded: commit it beside the forms",
            recorded,
        )
