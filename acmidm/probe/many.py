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
        """The first mistake that was found, and what to do; empty where there is none."""
        for step in self.probe.steps:
            if step.findings:
                found = step.findings[0]
                return f"{step.title}: {found.what}; {found.remedy}"
        return ""


class Probes(BaseModel):
    """The probes of all connections of a supplier, in the order of their forms."""

    model_config = ConfigDict(frozen=True)

    wrong: int
    """How many connections are wrong, or got no answer."""
    connections: tuple[ListedProbe, ...]

    @property
    def is_unreached(self) -> bool:
        """Whether the issuer answered none of those that are wrong."""
        return all(probe.outcome is not ProbeOutcome.WRONG for probe in self.connections)


def probe_all(
    inputs: Sequence[ProbeInputs], key: PrivateKey, kid: str | None, language: Language, **how: bool
) -> Probes:
    """Try each connection, and return the reports in a language. ``how`` are the flags of
    ``ProbeInputs.try_connection``. Raises Failure, and OSError."""

    def probe_of(connection: ProbeInputs) -> ListedProbe:
        """Return the report of one connection. One that has no client yet is wrong, and not
        tried."""
        if connection.context.client_id is None:
            probed = Probe(
                connection.title,
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
            probed = connection.try_connection(key, kid, **how)
        return ListedProbe(
            form=connection.loaded.name,
            client_id=connection.context.client_id,
            outcome=probed.outcome,
            probe=report_in(probed, language),
        )

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        listed = tuple(pool.map(probe_of, inputs))
    number = sum(probe.outcome is not ProbeOutcome.PASSED for probe in listed)
    return Probes(wrong=number, connections=listed)


def table(probes: Probes, language: Language) -> Iterator[str]:
    """Yield the lines of a table: for each connection its form, its client-ID, how its probe ended
    and why; then how many are wrong, and of how many evidence was recorded."""
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
