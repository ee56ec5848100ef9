"""Writes new YAML files of forms, organisations, keys and mandates as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

SCHEMA = "# yaml-language-server: $schema=../../schema/{}.schema.json"
"""The first line of a file, by which an editor knows its schema."""
_PLAIN = re.compile(r"[^\W\d_][\w @./:+-]*")
"""A text that needs no quotes."""


class Quoted(str):
    """A text that is written in quotes, such as a KBO number, which YAML would read as a number."""

    __slots__ = ()


class ToFill:
    """A value that a person has to fill in: ``reason:`` with nothing behind it."""


class _Dumper(yaml.SafeDumper):
    """Writes lists of texts on one line, and double quotes only where a text needs them."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    """Write a text, in quotes where it needs them or is ``Quoted``."""
    style = None if type(value) is str and _PLAIN.fullmatch(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(value), style=style)


def _item(value: Any) -> Any:
    """Return an item of a list, ``Quoted`` where it has a colon, as a URI."""
    return Quoted(value) if isinstance(value, str) and ":" in value else value


def _list(dumper: yaml.SafeDumper, values: Sequence[Any]) -> yaml.Node:
    """Write a list on one line, or one with mappings over several."""
    items = list(map(_item, values))
    is_flow = not any(isinstance(item, Mapping) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=is_flow)


def _nothing(dumper: yaml.SafeDumper, _: ToFill) -> yaml.Node:
    """Write nothing behind a name."""
    return dumper.represent_scalar("tag:yaml.org,2002:null", "")


_Dumper.add_representer(str, _text)
_Dumper.add_representer(ToFill, _nothing)
_Dumper.add_representer(Quoted, _text)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(tuple, _list)


def lines_of(fields: Mapping[str, Any]) -> list[str]:
    """Return fields as lines of YAML, in their order."""
    return yaml.dump(
        dict(fields), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000
    ).splitlines()


def file_text(kind: str, fields: Mapping[str, Any], comment: str = "") -> str:
    """Return the text of a new file: the line by which an editor finds the schema of its kind, such
    as ``mandates``, a comment, and the fields."""
    lines = [SCHEMA.format(kind)]
    if comment:
        lines += ["#", f"# {comment}"]
    return "\n".join([*lines, *lines_of(fields), ""])
