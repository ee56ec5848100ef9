"""The text of a form, or of an organisation, that nobody has written before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

SCHEMA = "# yaml-language-server: $schema=../../schema/{}.schema.json"
"""The first line of a file, by which an editor knows its schema."""
_PLAIN = re.compile(r"[^\W\d_][\w @./:+-]*")


class Quoted(str):
    """A text that stays in quotes, so that nobody takes it for a number."""

    __slots__ = ()


class ToFill:
    """A text that a person still has to write: nothing is behind its name."""


class _Dumper(yaml.SafeDumper):
    """Writes as the other forms are written: lists and what is empty on one line, double quotes,
    and only where needed."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = None if type(value) is str and _PLAIN.fullmatch(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style=style)


def _item(value: Any) -> Any:
    """Return a value of a list: a text with a colon in it has quotes in a form."""
    return Quoted(value) if isinstance(value, str) and ":" in value else value


def _list(dumper: yaml.SafeDumper, values: Sequence[Any]) -> yaml.Node:
    items = list(map(_item, values))
    is_flow = not any(isinstance(item, Mapping) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=is_flow)


def _empty(dumper: yaml.SafeDumper, _: ToFill) -> yaml.Node:
    """Represent a value that somebody still fills in by nothing behind its key."""
    return dumper.represent_scalar("tag:yaml.org,2002:null", "")


_Dumper.add_representer(str, _text)
_Dumper.add_representer(ToFill, _empty)
_Dumper.add_representer(Quoted, _text)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(tuple, _list)


def lines_of(fields: Mapping[str, Any]) -> list[str]:
    """Return fields as lines of a form."""
    return yaml.dump(
        dict(fields), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000
    ).splitlines()


def file_text(kind: str, fields: Mapping[str, Any], comment: str = "") -> str:
    """Return the text of a file whose schema is that of a kind, such as ``mandates``."""
    lines = [SCHEMA.format(kind)]
    if comment:
        lines += ["#", f"# {comment}"]
    return "\n".join([*lines, *lines_of(fields), ""])
