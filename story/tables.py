"""``make schema``: the tables in ``docs/`` that are made from the code, written anew."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from typing import Any

from acmidm.report.kinds import Kind, Severity
from acmidm_onboarding.authority_types import AuthorityType, installed_authorities
from acmidm_sandbox.beheerportaal.oauth.checks import RULES, Rule
from story.scratch import PROJECT

_TABLE = re.compile(r"(<!-- Made from [^\n]*-->\n).*?(<!-- End of the table -->)", re.DOTALL)
_OURS = "acmidm_onboarding"


def kinds() -> Iterator[str]:
    """Yield the table of the kinds of change: a line for each severity and who decides."""
    yield "| severity | who decides | kinds |\n|---|---|---|"
    for severity in Severity:
        names: dict[str, list[str]] = {}
        for kind in Kind:
            if kind.severity is severity:
                names.setdefault(_who(kind), []).append(f"`{kind}`")
        for who, kinds_of in sorted(names.items()):
            yield f"| {severity} | {who} | {' '.join(kinds_of)} |"


def _who(kind: Kind) -> str:
    """Return who decides a kind of change. Where its row has a function in place of names, that
    depends on what changes."""
    decides = kind.row.decides
    return "by what changes" if callable(decides) else " and ".join(decides)


def abilities() -> Iterator[str]:
    """Yield the table of what each type of authority can do: a column for each of this project's,
    a line for each ability. Types that another package brings are not in it."""
    types = list(filter(_is_ours, installed_authorities().values()))
    yield f"| | {' | '.join(f'`{kind.name}`' for kind in types)} |"
    yield f"|---|{'---|' * len(types)}"
    for field in fields(AuthorityType):
        if field.type == "bool":
            yield _ability(f"`{field.name}`", (bool(getattr(kind, field.name)) for kind in types))
    yield _ability("has an API", (not kind.is_by_hand for kind in types))


def _is_ours(kind: AuthorityType[Any]) -> bool:
    return kind.settings.__module__.partition(".")[0] == _OURS


def rules() -> Iterator[str]:
    """Yield the table of the rules of a token request, with each platform's demand and how that is
    known."""
    yield "| rule | what | ACM/IDM | GeoSecure |\n|---|---|---|---|"
    for name, rule in RULES.items():
        rulings = " | ".join(_ruling(rule, platform) for platform in ("acmidm", "geosecure"))
        yield f"| {name} | {rule.text} | {rulings} |"


def _ability(name: str, each_type: Iterable[bool]) -> str:
    cells = ["yes" if can else "no" for can in each_type]
    return f"| {name} | {' | '.join(cells)} |"


def _ruling(rule: Rule, platform: str) -> str:
    """Return a cell: ``required, documented, tolerated``; empty where the platform has no such
    rule."""
    ruling = rule.rulings.get(platform)
    if ruling is None:
        return ""
    sentence = f"{ruling.demand}, {ruling.basis}"
    return f"{sentence}, tolerated" if ruling.tolerated else sentence


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "docs/cli.md": kinds,
    "docs/authorities.md": abilities,
    "docs/integrators.md": rules,
}


def with_table(text: str, rows: Iterable[str]) -> str:
    """Return the text of a page, its table between the two comments replaced by these lines."""
    table = "\n".join(["", *rows, ""])
    return _TABLE.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def main() -> None:
    """Write each page of `PAGES` whose table has changed, and name it on the screen."""
    for page, rows in PAGES.items():
        file = PROJECT / page
        text = file.read_text(encoding="utf-8")
        made = with_table(text, rows())
        if made != text:
            file.write_text(made, encoding="utf-8")
            sys.stdout.write(f"{page} written\n")


if __name__ == "__main__":
    main()
