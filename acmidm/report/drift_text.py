"""The drift report for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from acmidm.report.drifting import Drift, ExpiringKey
from acmidm.report.text import console, print_connections
from acmidm.report.words import day, days, plain
from acmidm.terminal import counted

_UNMANAGED_SHOWN = 20


def print_drift(report: Drift) -> None:
    """What was changed by hand first, then what waits, then what is only to be known."""
    out = console()
    out.print(Text(report.headline, style="bold green" if report.in_sync else "bold red"))
    if report.healed is not None:
        told = "repaired" if report.healed else "not all of it could be repaired"
        out.print(Text(f"{told}: {counted(len(report.repaired), 'client')}", style="bold"))
        print_connections(out, report.repaired, undone=report.healed)
    for problem in report.problems:
        out.print(Text(f"refused  {problem}", style="red"))
    for title, connections in (("changed by hand", report.by_hand), ("declared, not applied yet", report.not_applied)):
        if connections:
            out.print(Text(f"\n{title}: {counted(len(connections), 'client')}", style="bold underline"))
            print_connections(out, connections)
    _print_keys(out, report)
    _print_unmanaged(out, report)
    for note in report.notes:
        out.print(Text(note, style="dim"))


def _print_keys(out: Console, report: Drift) -> None:
    if report.expiring:
        out.print(Text(f"\nkeys that end soon: {len(report.expiring)}", style="bold underline"))
    for key in report.expiring:
        out.print(Text(f"{expiry(key):<32}", style="red" if key.days_left < 0 else "yellow") + Text(_key(key)))


def _print_unmanaged(out: Console, report: Drift) -> None:
    if report.unmanaged:
        out.print(Text(f"\nclients that nobody declares: {len(report.unmanaged):,}", style="bold underline"))
    for client in report.unmanaged[:_UNMANAGED_SHOWN]:
        manager = f", made by {plain(client.made_by)}" if client.made_by else ""
        out.print(Text(f"{plain(client.client_name)}: {plain(client.client_id)} on {client.platform}{manager}"))
    if len(report.unmanaged) > _UNMANAGED_SHOWN:
        out.print(
            Text(
                f"and {len(report.unmanaged) - _UNMANAGED_SHOWN:,} more; all of them with acmidm unmanaged --stack {report.stack}",
                style="dim",
            )
        )


def expiry(key: ExpiringKey) -> str:
    """When a key ends, and how long that is from now."""
    if key.days_left < 0:
        return f"{day(key.expires)} expired"
    return f"{day(key.expires)}, {days(key.days_left)}"


def _key(key: ExpiringKey) -> str:
    return f"{plain(key.organisation)} · {plain(key.application)}: key {plain(key.kid)}, thumbprint {key.thumbprint}"
