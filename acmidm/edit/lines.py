"""Edit a form as a person would: the lines that change change, and comments, order and all other
lines stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from difflib import SequenceMatcher
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark, YAMLError
from ruamel.yaml.tokens import CommentToken

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import Failure

_WIDE = 1_000_000
"""Columns: no line is broken."""

_INDENTS = ({"mapping": 2, "sequence": 4, "offset": 2}, {"mapping": 2, "sequence": 2, "offset": 0})
"""A form has the hyphens of a list further in than its name, or below it."""
_HYPHEN_BELOW = re.compile(r"^( *)[^\s#-].*\n(?: *(?:#.*)?\n)*\1- ", re.MULTILINE)

Edit = Callable[[Any], None]
"""What changes a form's document, a mapping, in place."""


def edited(text: str, edit: Edit) -> str:
    """Return the text of a valid form after an edit. Lines that it does not concern are as they
    were, to the character.

    Raises:
        Failure: where the text is written in a way that the editor would not read as it is meant.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    ending = "\r\n" if "\r\n" in text else "\n"
    if text.count(ending) != text.count("\n"):
        raise Failure(
            tr(
                "some lines of this form end as on Windows and others do not; save it with one"
                " kind of line ending first"
            )
        )
    text = text.removeprefix(mark).replace(ending, "\n")
    lines = StringIO(text).readlines()  # unlike splitlines, it knows one ending alone
    written: list[list[str]] = []
    # The form's own way first: where nothing of a list stays, both mean the same.
    indents = _INDENTS[::-1] if _HYPHEN_BELOW.search(text) else _INDENTS
    for indent in indents:
        yaml = _editor(text, indent)
        try:
            document = yaml.load(text)
            before = _written(yaml, document)
            edit(document)
            after = _written(yaml, document)
            written.append(after)
        except YAMLError as error:
            raise Failure(
                tr(
                    "this form is written in a way that cannot be edited here; write the line"
                    " yourself"
                )
            ) from error
        changed = _with_changes(lines, before, after)
        if changed and _means(yaml, "".join(changed), document):
            break
    else:
        changed = written[0]
    return mark + "".join(changed).replace("\n", ending)


def _with_changes(lines: list[str], before: list[str], after: list[str]) -> list[str] | None:
    """Return the lines of a form with what an edit changes in those of the editor; None where it
    breaks lines elsewhere than the form."""
    if len(before) != len(lines):
        return None
    changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    changed: list[str] = []
    for kind, start, end, from_, to in changes:
        if kind == "equal":
            changed += lines[start:end]
        else:
            changed += after[from_:to]
    return changed


def _means(yaml: YAML, text: str, document: object) -> bool:
    try:
        return bool(yaml.load(text) == document)
    except YAMLError:
        return False


def put_first(mapping: Any, name: str, value: Any) -> None:
    """Give a mapping of a document one more name, before the others."""
    if isinstance(mapping, CommentedMap):
        mapping.insert(0, name, value)
    else:
        mapping[name] = value


def put_last(items: Any, new_items: Iterable[Any]) -> None:
    """Give a list of a document more items, before the comments and empty lines that are below
    it."""
    below = ""
    if isinstance(items, CommentedSeq) and not items.fa.flow_style():
        below = _taken_from((items, len(items) - 1, 0))
    items.extend(new_items)
    _put_behind((items, len(items) - 1, 0), below)


def put_below(mapping: Any, name: str, value: Any) -> None:
    """Put a value into a mapping of a document: in the place of the one that is there, or of a new
    name after the others. The comments and empty lines below the mapping stay below it."""
    below = _taken_from(_last_of(mapping))
    mapping[name] = value
    _put_behind(_last_of(mapping), below)


def put_request(environments: Any, name: str, parts: Mapping[str, Mapping[str, Any]]) -> None:
    """Give an environment of a document scopes, products or attributes: new ones below those that
    it has, of each other the fields that differ."""
    if not (request := environments.get(name)):
        if name in environments:
            environments[name] = parts
        else:
            put_below(environments, name, parts)
        return
    for part, entries in parts.items():
        if not request.get(part):
            request.pop(part, None)
            put_below(request, part, entries)
            continue
        for entry, wanted in entries.items():
            there = request[part].get(entry)
            # A product that is {} gets its fields on that line; a scope gets them below it.
            is_missing = there is None or (part == "products" and not there)
            if is_missing or not isinstance(wanted, Mapping):
                _put_differing(request[part], {entry: wanted})
            else:
                _put_differing(there, wanted)


def _put_differing(mapping: Any, wanted: Mapping[str, Any]) -> None:
    """Put into a mapping of a document each value that it lacks or has otherwise."""
    for name, value in wanted.items():
        if name not in mapping or mapping[name] != value:
            put_below(mapping, name, value)


def take_out(mapping: Any, name: str) -> None:
    """Take a name out of a mapping of a document, and leave the comments and empty lines that are
    below it."""
    names = list(mapping)
    before = names[names.index(name) - 1] if name != names[0] else None
    if before is None or mapping.fa.flow_style():
        del mapping[name]
        return
    below = _taken_from(_last_of(mapping[name]) or (mapping, name, 2))
    del mapping[name]
    place = _last_of(mapping[before]) or (mapping, before, 2)
    _put_behind(place, _taken_from(place) + below)


_Place = tuple[Any, Any, int]
"""Where the editor keeps what is behind and below a value: its owner, name or index, and slot."""


def _last_of(node: Any) -> _Place | None:
    """Return the place of the last value of a document's part."""
    place: _Place | None = None
    while isinstance(node, CommentedMap | CommentedSeq) and node and not node.fa.flow_style():
        if isinstance(node, CommentedMap):
            last, slot = next(reversed(node)), 2
        else:
            last, slot = len(node) - 1, 0
        place = node, last, slot
        node = node[last]
    return place


def _taken_from(place: _Place | None) -> str:
    """Take what is below a value, whose own comment stays, and return it."""
    if place is None:
        return ""
    holder, last, slot = place
    token = (holder.ca.items.get(last) or [None] * 4)[slot]
    if token is None:
        return ""
    comment, _, below = token.value.partition("\n")
    if below and comment:
        token.value = f"{comment}\n"
    elif below:
        del holder.ca.items[last]
    return str(below)


def _put_behind(place: _Place | None, below: str) -> None:
    """Put something below a value, whose own comment stays."""
    if place is not None and below:
        holder, last, slot = place
        token = (holder.ca.items.get(last) or [None] * 4)[slot]
        if token:
            token.value = token.value.rstrip("\n") + f"\n{below}"
        else:
            holder.ca.items[last] = [None] * 4
            holder.ca.items[last][slot] = CommentToken(f"\n{below}", CommentMark(0), None)


def on_one_line(items: Iterable[Any]) -> CommentedSeq:
    """Return a list that is written as ``[one, another]``."""
    written = CommentedSeq(items)
    written.fa.set_flow_style()
    return written


def copied(value: Any) -> Any:
    """Return a copy of a part of a document, without comments. What is on one line stays so, and so
    is what is new."""
    copy: CommentedMap | CommentedSeq
    if isinstance(value, Mapping):
        copy = CommentedMap({name: copied(part) for name, part in value.items()})
    elif isinstance(value, list):
        copy = CommentedSeq(map(copied, value))
    elif isinstance(value, date):  # the same one twice is written as an alias, which no form has
        return date(value.year, value.month, value.day)
    else:
        return CommentedMap() if value is None else value
    if not isinstance(value, CommentedMap | CommentedSeq) or value.fa.flow_style():
        copy.fa.set_flow_style()
    return copy


def _editor(text: str, indent: Mapping[str, int]) -> YAML:
    """Return what reads and writes a document with its quotation marks, its indents and, where it
    begins with one, its ``---``."""
    yaml = YAML()  # round trip
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    yaml.explicit_start = text.startswith("---") or "\n---" in text
    yaml.indent(**indent)
    return yaml


def _written(yaml: YAML, document: object) -> list[str]:
    stream = StringIO()
    yaml.dump(document, stream)
    return StringIO(stream.getvalue()).readlines()
