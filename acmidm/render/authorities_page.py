"""The table of authorities against what they can do, in the page about them: made from the
installed types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from acmidm_onboarding.authority_types import AuthorityType

AUTHORITIES = Path("docs/authorities.md")
_MARK = "<!-- Written by acmidm schema, from the types of authority: change those. -->\n"
_OURS = "acmidm_onboarding"


def authorities_page(text: str, types: Iterable[AuthorityType[Any]]) -> str:
    """Return the page with its table as the types of this project are now; those of others are in
    no page of ours."""
    ours = [kind for kind in types if kind.settings.__module__.partition(".")[0] == _OURS]
    names = [field.name for field in fields(AuthorityType) if field.type == "bool"]
    rows = [f"| | {' | '.join(f'`{kind.name}`' for kind in ours)} |", f"|---|{'---|' * len(ours)}"]
    rows += [_row(f"`{name}`", (bool(getattr(kind, name)) for kind in ours)) for name in names]
    rows.append(_row("has an API", (not kind.is_by_hand for kind in ours)))
    return "\n".join((text.partition(_MARK)[0] + _MARK, "## What each can do", "", *rows, ""))


def _row(name: str, each: Iterable[bool]) -> str:
    return f"| {name} | {' | '.join('yes' if can else 'no' for can in each)} |"
