"""The drift report as the text of an issue."""

from __future__ import annotations

from collections.abc import Iterator

from acmidm.report.drift_text import expiry
from acmidm.report.drifting import Drift
from acmidm.report.escape import code, markdown
from acmidm.report.fit import KEYS, LIMIT, UNMANAGED, Part, fitted, key_rank, unmanaged_rank
from acmidm.report.markdown import details, left_out, refusals, table
from acmidm.report.words import WHOLE
from acmidm.terminal import counted

_LISTED = 100


def drift_as_markdown(report: Drift, limit: int = LIMIT) -> str:
    """A drift report as the body of an issue, at most ``limit`` characters."""
    parts = [Part(f"### {report.headline}\n\n")]
    if report.healed is not None:
        told = "Repaired" if report.healed else "Not all of it could be repaired"
        parts += [Part(f"{told}:\n\n"), *table(report.repaired, undone=report.healed)]
    parts += refusals(report.problems)
    if report.by_hand:
        parts += [Part("#### Changed by hand\n\n"), *table(report.by_hand)]
    if report.not_applied:
        parts += [Part("#### Declared, not applied yet\n\n"), *table(report.not_applied, len(report.by_hand))]
    parts += details((*report.by_hand, *report.not_applied))
    parts += _keys(report)
    parts += _unmanaged(report)
    if report.by_hand:
        parts.append(Part(f"\nRepair what was changed by hand: `acmidm drift --stack {report.stack} --heal`, or change the forms.\n"))
    parts += [Part(f"\n{markdown(note, WHOLE)}\n") for note in report.notes]
    parts.append(Part(f"\n{counted(report.clients, 'client')}, checked at {report.checked_at:%Y-%m-%d %H:%M} UTC\n"))
    return fitted(parts, lambda missing: left_out(missing, f"`acmidm drift --stack {report.stack}`"), limit)


def _keys(report: Drift) -> Iterator[Part]:
    if not report.expiring:
        return
    yield Part("\n#### Keys that end soon\n\n| ends | client | key | thumbprint |\n|---|---|---|---|\n", around=KEYS)
    for place, key in enumerate(report.expiring[:_LISTED]):
        client = f"**{markdown(key.organisation)}** · {markdown(key.application)}"
        yield Part(f"| {expiry(key)} | {client} | {code(key.kid)} | {code(key.thumbprint or '?')} |\n", key_rank(place), KEYS)
    if len(report.expiring) > _LISTED:
        yield Part(f"\nand {len(report.expiring) - _LISTED:,} more\n")


def _unmanaged(report: Drift) -> Iterator[Part]:
    if not report.unmanaged:
        return
    yield Part(f"\n<details><summary>Clients that nobody declares: {len(report.unmanaged):,}</summary>\n\n")
    for place, client in enumerate(report.unmanaged[:_LISTED]):
        manager = f", made by {code(client.made_by)}" if client.made_by else ""
        told = f"- {markdown(client.client_name)}: {code(client.client_id)} on {client.platform}{manager}\n"
        yield Part(told, unmanaged_rank(place), UNMANAGED)
    if len(report.unmanaged) > _LISTED:
        yield Part(f"- and {len(report.unmanaged) - _LISTED:,} more\n")
    yield Part("\n</details>\n")
