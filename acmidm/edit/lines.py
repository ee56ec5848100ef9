"""Edit a form as a person would: the lines that change change, and comments, order and all other
lines stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
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

_INDENT = re.compile(r"^[^\s#-].*:[ ]*(?:#.*)?\n(?: *(?:#.*)?\n)*( +)[^\s#-]", re.MULTILINE)
"""Matches the first name below one at the margin: the group is its indent."""
_HYPHEN_BELOW = re.compile(r"^( *)[^\s#-].*\n(?: *(?:#.*)?\n)*\1- ", re.MULTILINE)

Edit = Callable[[Any], None]
"""Changes a document in place: the mapping that ruamel reads a form as, with its comments."""


def edited(text: str, edit: Edit) -> str:
    """Return the text of a valid form after ``edit``. Lines that the edit does not change stay as
    they were, to the character; but a form that breaks a line where the editor does not is written
    anew as a whole.

    Raises:
        Failure: where the editor cannot read the text, or line endings are mixed.
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
    plain_text = text.removeprefix(mark).replace(ending, "\n")
    try:
        lines = _edited_lines(plain_text, edit)
    except YAMLError as error:
        raise Failure(
            tr("this form is written in a way that cannot be edited here; write the line yourself")
        ) from error
    return mark + "".join(lines).replace("\n", ending)


def _indents(text: str) -> Iterator[Mapping[str, int]]:
    """Yield the indents with which a form may be written, as ruamel names them: names as far in as
    somewhere in the form; the hyphens of a list as far, or two columns, or below its name. The
    form's own way is the first: where nothing of a list stays, all mean the same."""
    widths = list(dict.fromkeys(map(len, _INDENT.findall(text)))) or [2]
    for width in widths:
        offsets = list(dict.fromkeys([width, 2, 0]))
        if _HYPHEN_BELOW.search(text):
            offsets.reverse()
        for offset in offsets:
            yield {"mapping": width, "sequence": offset + 2, "offset": offset}


def _edited_lines(text: str, edit: Edit) -> list[str]:
    """Return the lines of a form after ``edit``, for the first indents that keep the lines that do
    not change. Where none does, return all lines as the editor writes them. Raises YAMLError."""
    lines = StringIO(text).readlines()  # unlike splitlines, it knows one ending alone
    written_anew: list[list[str]] = []
    for indent in _indents(text):
        yaml = _editor(text, indent)
        document = yaml.load(text)
        before = _written(yaml, document)
        edit(document)
        after = _written(yaml, document)
        written_anew.append(after)
        if len(before) != len(lines):  # the form breaks a line where the editor does not
            continue
        changed = _with_changes(lines, before, after)
        if _means(yaml, "".join(changed), document):
            return changed
    return written_anew[0]


def _with_changes(lines: list[str], before: list[str], after: list[str]) -> list[str]:
    """Return the lines of a form with what differs between ``before`` and ``after``, the editor's
    lines without and with the edit. The line of a number is the same in ``lines`` and
    ``before``."""
    changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    changed: list[str] = []
    for kind, start, end, from_, to in changes:
        if kind == "equal":
            changed += lines[start:end]
        else:
            changed += after[from_:to]
    return changed


def _means(yaml: YAML, text: str, document: object) -> bool:
    """Return whether a text is read as this document."""
    try:
        return bool(yaml.load(text) == document)
    except YAMLError:
        return False


def put_last(items: Any, new_items: Iterable[Any]) -> None:
    """Append items to a list of a document, above the comments and empty lines that follow the
    list."""
    below = ""
    if isinstance(items, CommentedSeq) and not items.fa.flow_style():
        below = _taken_from((items, len(items) - 1, 0))
    items.extend(new_items)
    _put_behind((items, len(items) - 1, 0), below)


def put_below(mapping: Any, name: str, value: Any) -> None:
    """Set ``name`` in a mapping of a document, as its last name where it is new. The comments and
    empty lines below what was there stay below the new value."""
    below = ""
    if mapping and not mapping.fa.flow_style():
        below = _taken_from(_end_of(mapping, name if name in mapping else list(mapping)[-1]))
    mapping[name] = value
    _put_behind(_end_of(mapping, name), below)


def put_request(environments: Any, name: str, parts: Mapping[str, Mapping[str, Any]]) -> None:
    """Give an environment of a form's document scopes, products and attributes, ``parts``:
    {"products": {"dosis": {"bron_uri": "urn:a"}}}. What it has already gets the fields that
    differ; all else that it has stays."""
    request = environments.get(name)
    if not request:
        if name in environments:  # as in "prod:", with nothing behind it
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
            current = request[part].get(entry)
            # A product that is {} gets its fields on that line; a scope gets them below it.
            is_missing = current is None or (part == "products" and not current)
            if is_missing or not isinstance(wanted, Mapping):
                _put_differing(request[part], {entry: wanted})
            else:
                _put_differing(current, wanted)


def _put_differing(mapping: Any, wanted: Mapping[str, Any]) -> None:
    """Set each name of a mapping of a document that has another value, or none."""
    for name, value in wanted.items():
        if name not in mapping or mapping[name] != value:
            put_below(mapping, name, value)


def take_out(parent: Any, part: str, entry: Any) -> None:
    """Remove an entry from a part of a document, the name of a mapping or the index of a list, as
    ``take_out(request, "jwks", 0)``. The comments and empty lines above and below it stay."""
    holder = parent[part]
    if holder.fa.flow_style():
        del holder[entry]
        return
    entries = list(holder) if isinstance(holder, CommentedMap) else list(range(len(holder)))
    position = entries.index(entry)
    around = _taken_from_above(holder, entry) + _taken_from(_end_of(holder, entry))
    del holder[entry]
    if position:
        before = _end_of(holder, entries[position - 1])
        _put_behind(before, _taken_from(before) + around)
    elif holder:
        _put_above(holder, next(iter(holder)) if isinstance(holder, CommentedMap) else 0, around)
    else:
        holder.fa.set_flow_style()  # else the comments would be between the name and the {}
        _put_behind((parent, part, 2), around)


_Place = tuple[Any, Any, int]
"""Where ruamel keeps the comment behind a value and all lines below it: in ``ca.items`` of a
mapping or list, by the value's name or index, in a slot (2 of a mapping, 0 of a list)."""


def _end_of(holder: Any, entry: Any) -> _Place:
    """Return the place of the last line of the value behind a name of a mapping, or at an index of
    a list."""
    place: _Place = holder, entry, 2 if isinstance(holder, CommentedMap) else 0
    node = holder[entry]
    while isinstance(node, CommentedMap | CommentedSeq) and node and not node.fa.flow_style():
        if isinstance(node, CommentedMap):
            last, slot = next(reversed(node)), 2
        else:
            last, slot = len(node) - 1, 0
        place = node, last, slot
        node = node[last]
    return place


def _taken_from(place: _Place) -> str:
    """Remove the lines below a value, and return them; the comment behind the value stays."""
    holder, last, slot = place
    token = (holder.ca.items.get(last) or [None] * 4)[slot]
    if token is None:
        return ""
    comment, _, below = token.value.partition("\n")
    if below and comment:
        token.value = f"{comment}\n"
    elif below:
        holder.ca.items[last][slot] = None
    return str(below)


def _taken_from_above(holder: Any, entry: Any) -> str:
    """Remove the lines that ruamel keeps above an entry of a mapping or list, and return them. Most
    comments there are below the entry before it."""
    comments = holder.ca.items.get(entry) or [None] * 4
    tokens, comments[1] = comments[1] or [], None
    return "".join(" " * token.start_mark.column + token.value for token in tokens)


def _put_behind(place: _Place, below: str) -> None:
    """Put lines below a value and the comment behind it; nothing where ``below`` is empty."""
    if not below:
        return
    holder, last, slot = place
    token = (holder.ca.items.get(last) or [None] * 4)[slot]
    if token:
        token.value = token.value.rstrip("\n") + f"\n{below}"
    else:
        comments = holder.ca.items.setdefault(last, [None] * 4)
        comments[slot] = CommentToken(f"\n{below}", CommentMark(0), None)


def _put_above(holder: Any, entry: Any, lines: str) -> None:
    """Put comments and empty lines above an entry of a mapping or list, and above those that it
    has there."""
    if not lines:
        return
    tokens = []
    for line in StringIO(lines + _taken_from_above(holder, entry)):
        text = line.lstrip(" ")
        tokens.append(CommentToken(text, CommentMark(len(line) - len(text)), None))
    comments = holder.ca.items.setdefault(entry, [None] * 4)
    comments[1] = tokens


def on_one_line(items: Iterable[Any]) -> CommentedSeq:
    """Return a list for a document that is written as ``[a.jwk.json, b.jwk.json]``."""
    written = CommentedSeq(items)
    written.fa.set_flow_style()
    return written


def copied(value: Any) -> Any:
    """Return a copy of a part of a document, without comments. It is written on one line, but where
    the original is part of a document and on several."""
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
    """Return a document as the editor writes it, line by line."""
    stream = StringIO()
    yaml.dump(document, stream)
    return StringIO(stream.getvalue()).readlines()
