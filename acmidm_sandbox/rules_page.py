"""The table of ``docs/integrators.md``: what each platform accepts of a token request, and how that
is known."""

from __future__ import annotations

import re
from pathlib import Path

from acmidm_sandbox.beheerportaal.oauth.rules import RULES, Rule

INTEGRATORS = Path("docs/integrators.md")

_TABLE = re.compile(r"(<!-- rules -->\n).*?(<!-- end of rules -->)", re.DOTALL)
_HEAD = "| rule | what | ACM/IDM | GeoSecure |\n|---|---|---|---|\n"


def with_rules(text: str) -> str:
    """Return the page with its table as the rules are now."""
    return _TABLE.sub(lambda match: f"{match[1]}{_HEAD}{''.join(map(_row, RULES))}{match[2]}", text)


def _row(rule: Rule) -> str:
    rulings = " | ".join(_ruling(rule, platform) for platform in ("acmidm", "geosecure"))
    return f"| {rule.name} | {rule.text} | {rulings} |\n"


def _ruling(rule: Rule, platform: str) -> str:
    if (ruling := rule.rulings.get(platform)) is None:
        return ""
    return f"{ruling.demand}, {ruling.basis}{', tolerated' if ruling.tolerated else ''}"
