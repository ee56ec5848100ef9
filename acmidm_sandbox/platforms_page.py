"""The tables of ``docs/platforms.md``: what each platform accepts of a token request, with its source."""

from __future__ import annotations

import re
from pathlib import Path

from acmidm_sandbox.beheerportaal.oauth.rules import RULES

PLATFORMS = Path("docs/platforms.md")

_TABLE = re.compile(r"(<!-- rules: (\w+) -->\n).*?(<!-- end of rules -->)", re.DOTALL)
_HEAD = """\
| where | rule | what | | known as | source | who does otherwise: accepted, and noted in the log |
|---|---|---|---|---|---|---|
"""


def platforms(text: str) -> str:
    """The page with its tables as the rules are now."""
    return _TABLE.sub(lambda found: f"{found[1]}{_table(found[2])}{found[3]}", text)


def _table(platform: str) -> str:
    rows = [(rule, rule.rulings[platform]) for rule in RULES if platform in rule.rulings]
    return _HEAD + "".join(
        f"| {rule.part} | {rule.name} | {rule.text} | {ruling.demand} | {ruling.basis} | {ruling.source} |"
        f" {ruling.tolerated} |\n"
        for rule, ruling in rows
    )
