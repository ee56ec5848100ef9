"""The promotion report for a terminal and as Markdown."""

from __future__ import annotations

from rich.text import Text

from acmidm.report.escape import code, markdown
from acmidm.report.fit import DIFFERENCES, LIMIT, Part, fitted, row_rank
from acmidm.report.markdown import left_out
from acmidm.report.promotion import Check, Difference, Promotion, Side
from acmidm.report.text import console, print_indented
from acmidm.report.words import WHOLE, plain


def print_promotion(report: Promotion) -> None:
    """What differs, then what is checked."""
    out = console()
    out.print(Text(f"{plain(report.organisation)} · {plain(report.application)}: {_summary(report)}", style="bold"))
    for title, differences in _grouped(report):
        out.print(Text(f"\n{title}", style="bold underline"))
        for one in differences:
            out.print(Text(f"  {one.what:<12}{plain(one.name)}{_values(one)}{' (offered there only)' if one.expected else ''}"))
    out.print(Text(f"\nready for production: {'yes' if report.ready else 'not yet'}", style="bold underline"))
    for check in report.checks:
        mark, style = _mark(check)
        print_indented(out, Text(f"  {mark:<6}", style=style), Text(check.text))
    out.print(Text(f"\n{_same(report)}", style="dim"))


def promotion_as_markdown(report: Promotion, limit: int = LIMIT) -> str:
    """The same, for a pull request, at most ``limit`` characters."""
    parts = [Part(f"### {markdown(report.organisation)} · {markdown(report.application)}: {_summary(report)}\n\n")]
    for title, differences in _grouped(report):
        parts.append(Part(f"#### {title[0].upper()}{title[1:]}\n\n"))
        for one in differences:
            values = "" if one.side is not Side.BOTH else f": {code(one.tni or 'nothing')} → {code(one.prod or 'nothing')}"
            told = f"- {one.what} {code(one.name)}{values}{' (offered there only)' if one.expected else ''}\n"
            parts.append(Part(told, row_rank(len(parts)), DIFFERENCES))
        parts.append(Part("\n"))
    parts.append(Part(f"#### Ready for production: {'yes' if report.ready else 'not yet'}\n\n"))
    for check in report.checks:
        condition = "" if check.required else " (no condition)"
        parts.append(Part(f"- [{'x' if check.passed else ' '}] {markdown(check.text, WHOLE)}{condition}\n"))
    parts.append(Part(f"\n{markdown(_same(report))}\n"))
    return fitted(parts, lambda missing: left_out(missing, "the same command with `--output text`", "the last ones"), limit)


def _mark(check: Check) -> tuple[str, str]:
    if check.passed:
        return "ok", "green"
    return ("TO DO", "bold red") if check.required else ("note", "yellow")


def _summary(report: Promotion) -> str:
    if not report.unexpected:
        return "production is as TNI" + (", but for what is offered there only" if report.differences else "")
    count = {side: sum(one.side is side and not one.expected for one in _told(report)) for side in Side}
    absent = next((one for one in report.differences if one.what == "environment"), None)
    if absent:
        here, there = ("production", "TNI") if absent.side is Side.TNI_ONLY else ("TNI", "production")
        lacks = f", and lacks {count[absent.side]} of what {there} has" if count[absent.side] else ""
        return f"{here} is not asked for yet{lacks}"
    said = [f"production lacks {count[Side.TNI_ONLY]} of what TNI has"] if count[Side.TNI_ONLY] else []
    said += [f"TNI lacks {count[Side.PROD_ONLY]} of what production has"] if count[Side.PROD_ONLY] else []
    said += [f"{count[Side.BOTH]} set differently"] if count[Side.BOTH] else []
    return ", ".join(said)


def _grouped(report: Promotion) -> list[tuple[str, list[Difference]]]:
    titles = {
        Side.TNI_ONLY: "on TNI, not on production",
        Side.PROD_ONLY: "on production, not on TNI",
        Side.BOTH: "set differently, TNI → production",
    }
    grouped = [(title, [one for one in _told(report) if one.side is side]) for side, title in titles.items()]
    return [(title, found) for title, found in grouped if found]


def _told(report: Promotion) -> list[Difference]:
    """The differences but for an environment that is not there at all: that is told by itself, and is none of what the other has."""
    return [one for one in report.differences if one.what != "environment"]


def _values(one: Difference) -> str:
    return "" if one.side is not Side.BOTH else f": {plain(one.tni or 'nothing')} → {plain(one.prod or 'nothing')}"


def _same(report: Promotion) -> str:
    return (
        f"On both: platforms {', '.join(report.platforms)}; {report.token_endpoint_auth_method}. "
        f"Keys: {_number(report.keys.tni)} on TNI, {_number(report.keys.prod)} on production."
    )


def _number(keys: int | None) -> str:
    return "in the portal" if keys is None else str(keys)
