"""A YAML file as plain data with the place of each value, so that every mistake has its line and
column."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.marks import has_mark
from acmidm_onboarding.values.problems import DocumentPath, Problem, Refusal, quoted
from acmidm_onboarding.values.secrecy import is_private_jwk, is_private_key_or_token

MAXIMUM_BYTES = 65_536
_MOST_PROBLEMS = 100
"""Mistakes of one kind that are reported of a file: nobody reads more, and each is a search for
what was meant."""
_MAXIMUM_DEPTH = 30
_PLAIN_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
_PLAIN_FRACTION = re.compile(r"-?[0-9]+\.[0-9]+", re.ASCII)
"""``1.10`` is no number but a version, or a text: as a number it would be 1.1."""
_HIDDEN_BREAK = re.compile("[\x85\u2028\u2029]")
"""YAML 1.1 §4.2: a line break each, which Git and editors show as a character, or not at all."""
_BEGINS_CONFLICT = re.compile("^<{7} ", re.MULTILINE)
_ENDS_CONFLICT = re.compile("^>{7} ", re.MULTILINE)
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

_CORE = "tag:yaml.org,2002:"
_TAGS = {"map", "seq", "str", "null", "bool", "int", "float", "timestamp", "merge", "value"}
"""The tags that PyYAML gives to values without one. Any other was written by the author."""

Mark = tuple[int, int]
"""Line and column, from 1."""


@dataclass
class YamlDocument:
    """One file. ``problems`` are its mistakes as YAML; ``data`` is what could be read, all of it if
    ``whole``."""

    file: Path
    data: object = None
    problems: list[Problem] = field(default_factory=list)
    whole: bool = True
    _values: dict[DocumentPath, Mark] = field(default_factory=dict)
    _keys: dict[DocumentPath, Mark] = field(default_factory=dict)

    def problem(
        self,
        path: DocumentPath,
        what: str,
        remedy: str,
        *,
        at_key: bool = False,
        also: Path | None = None,
    ) -> Problem:
        """Return a mistake at the value of ``path``, or with ``at_key`` at its key; of what the
        file does not have, at the nearest value above it. ``also`` is a second file that may be
        the wrong one of the two: both are then left out."""
        place = self._place(path, at_key=at_key)
        return Problem(self.file, *place, what, remedy, also, path=path)

    def _place(self, path: DocumentPath, *, at_key: bool) -> Mark:
        """Return the place of a mistake at ``path``, as ``problem`` says; that of the file's
        beginning for an empty file."""
        for length in range(len(path), -1, -1):
            above = path[:length]
            if at_key and above in self._keys:
                return self._keys[above]
            if above in self._values:
                return self._values[above]
        return (1, 1)

    def first_problems(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        """Yield the first 100 of some mistakes, and one that says that there are more. The others
        are not computed."""
        rest = iter(problems)
        yield from islice(rest, _MOST_PROBLEMS)
        if next(rest, None) is not None:
            yield self.problem(
                (),
                tr("there are more than {most} mistakes in this file", most=_MOST_PROBLEMS),
                tr("correct the first ones, then look again"),
            )

    def key_paths(self) -> Iterator[DocumentPath]:
        """Yield the path of each key of each mapping in the document."""
        yield from self._keys

    def contains(self, path: DocumentPath) -> bool:
        """Return whether there is a value at ``path``."""
        return path in self._values

    def at(self, path: DocumentPath) -> Any:
        """Return the value at ``path``, which exists."""
        value: Any = self.data
        for part in path:
            value = value[part]
        return value

    def rename(self, path: DocumentPath, name: str) -> bool:
        """Give the key at ``path`` another name in ``data``; what is below it keeps its lines and
        columns. Return False, and change nothing, where its mapping has ``name`` already."""
        *above, wrong = path
        mapping = self.at((*above,))
        if name in mapping:
            return False
        old_paths = _paths(mapping[wrong], path)
        new_paths = _paths(mapping[wrong], (*above, name))
        for old, new in zip(old_paths, new_paths, strict=True):
            for marks in (self._values, self._keys):
                if old in marks:
                    marks[new] = marks.pop(old)
        renamed = {name if key == wrong else key: value for key, value in mapping.items()}
        mapping.clear()  # changed in place: ``data`` has this very mapping
        mapping.update(renamed)
        return True

    def _report(self, mark: Mark, what: str, remedy: str, *, whole: bool = False) -> None:
        """Add a mistake to ``problems``, as long as these are few enough to show. Without
        ``whole`` a part of the document could not be read for it: no rule about fields then
        checks the document."""
        self.whole &= whole
        if len(self.problems) <= _MOST_PROBLEMS:  # one more says that there is a rest
            places = (*self._keys.items(), *self._values.items())
            path = next((path for path, place in places if place == mark), ())
            problem = Problem(self.file, *mark, what, remedy, path=path)
            self.problems = list(self.first_problems([*self.problems, problem]))


def read_bytes(file: Path) -> bytes:
    """Return the content of a file of at most 64 KiB.

    Raises:
        Unreadable: where the file is larger, or cannot be read.
    """
    return _bounded(read_beginning(file))


def read_beginning(file: Path) -> bytes:
    """Return the content of a file, cut off after 64 KiB and one byte, by which the caller sees
    that it is too large.

    Raises:
        Unreadable: where there is no such file, or it may not be read.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise Unreadable(tr("is a folder or a device, not a file"), tr("name a file"))
        with file.open("rb") as stream:
            return stream.read(MAXIMUM_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file system allows
        reason = getattr(error, "strerror", None) or tr("no file can have this name")
        raise unreadable(reason) from error


def read_text(file: Path) -> str:
    """Return the text of a file. Raises Unreadable as ``read_bytes`` and ``text_of`` do."""
    return text_of(read_bytes(file))


def text_of(content: bytes) -> str:
    """Return the text of a file by its ``content``.

    Raises:
        Unreadable: where that is larger than 64 KiB, not UTF-8, or has an invisible line break.
    """
    try:
        # Without the byte order mark that Windows editors write.
        text = _bounded(content).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(tr("is not UTF-8 text"), tr("save it as UTF-8")) from error
    if hidden := _HIDDEN_BREAK.search(text):
        line = text.count("\n", 0, hidden.start()) + 1
        raise Unreadable(
            tr(
                "has U+{hidden:04X} in line {line}, where YAML begins a line and no diff shows one",
                hidden=ord(hidden[0]),
                line=line,
            ),
            tr("take it out"),
        )
    return text


def _bounded(content: bytes) -> bytes:
    """Return the content of a file as it is. Raises Unreadable where it is larger than 64 KiB."""
    if len(content) > MAXIMUM_BYTES:
        raise Unreadable(
            tr("is larger than {most} bytes", most=MAXIMUM_BYTES),
            tr("keep one form, key or product per file"),
        )
    return content


class Unreadable(Exception):
    """A file that cannot be read; ``what`` and ``remedy`` are the two halves of the sentence about
    it."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(f"{what}; {remedy}")


def unreadable(reason: str) -> Unreadable:
    """Return the exception for a file that cannot be read; ``reason`` is that of the operating
    system, such as ``Permission denied``."""
    return Unreadable(
        tr("cannot be read: {reason}", reason=reason), tr("check its name and its rights")
    )


def read_document(shown_as: Path, read: Callable[[], str]) -> YamlDocument:
    """Read a YAML file, which messages name ``shown_as``; ``read`` returns its text, or raises
    Unreadable. What is wrong is among the document's ``problems``, never raised."""
    document = YamlDocument(shown_as)
    text = ""
    try:
        text = read()
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except Unreadable as error:
        document._report((1, 1), tr("the file {what}", what=error.what), error.remedy)
    except yaml.MarkedYAMLError as error:
        if line := line_of_conflict(text):
            document._report((line, 1), *refusal_of_conflict())
            return document
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        document._report(at, _not_yaml(reason), _remedy(reason, text, at[0]))
    except yaml.YAMLError as error:
        reason = getattr(error, "reason", tr("it contains a character that YAML does not allow"))
        document._report((1, 1), _not_yaml(reason), tr("save the file as plain UTF-8 text"))
    else:
        if node is None:
            document._report(
                (1, 1), tr("the file is empty"), tr("fill in the form, or remove the file")
            )
        else:
            document.data = _Reader(document).value(node, ())
    return document


def line_of_conflict(text: str) -> int | None:
    """Return the line, from 1, of the ``<<<<<<<`` with which Git marks an unresolved merge; None
    for a text without one."""
    begins, ends = _BEGINS_CONFLICT.search(text), _ENDS_CONFLICT.search(text)
    return text.count("\n", 0, begins.start()) + 1 if begins and ends else None


def refusal_of_conflict() -> Refusal:
    """Return what is wrong with a file that has Git's marks of an unresolved merge in it."""
    return (
        tr("a merge left its conflict here"),
        tr(
            "keep one of the two sides, and remove the lines that begin with <<<<<<<, ======= and"
            " >>>>>>>"
        ),
    )


def _not_yaml(reason: str) -> str:
    return tr("this is not YAML: {reason}", reason=reason)


def _remedy(reason: str, text: str, line: int) -> str:
    """Return what to do about a ``reason`` in PyYAML's words, for ``line`` of the text, from 1."""
    if "another document" in reason:
        return tr("keep one form or product per file, without a line ---")
    if "cannot start any token" in reason and "\t" in text.splitlines()[line - 1]:
        return tr("use spaces there, not tabs")
    return tr("correct the line, or the indentation above it")


def _paths(value: object, path: DocumentPath) -> Iterator[DocumentPath]:
    """Yield the path of a value, and those of all values in it."""
    yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _paths(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*path, index))


class _Reader:
    """Turns YAML nodes into the ``data`` of a document, notes the place of each value and key, and
    reports to the document what is wrong with them."""

    def __init__(self, document: YamlDocument) -> None:
        self._document = document
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, path: DocumentPath) -> object:
        """Return the data of a node; None for an alias, and for what is nested too deeply, which
        are reported."""
        if id(node) in self._seen:
            # The node has the position of its anchor, and the alias has none: its key, or the list
            # around it, is shown.
            at = self._document._place(path, at_key=True)
            self._document._report(
                at, tr("YAML aliases (*name) are not read here"), tr("write the value out")
            )
            return None
        self._seen.add(id(node))
        mark = _mark(node)
        self._document._values[path] = mark
        if not node.tag.startswith(_CORE) or node.tag.removeprefix(_CORE) not in _TAGS:
            self._document._report(
                mark,
                tr("the tag {tag} means nothing here", tag=quoted(node.tag)),
                tr("remove it, and write the value as it is"),
                whole=True,
            )
        if isinstance(node, yaml.ScalarNode):
            self._report_secret_or_mark(str(node.value), mark)
            return _scalar(node)
        if len(path) > _MAXIMUM_DEPTH:
            self._document._report(
                mark,
                tr("this is nested more than {most} levels deep", most=_MAXIMUM_DEPTH),
                tr("write it flatter"),
            )
            return None
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _mapping(self, node: yaml.Node, path: DocumentPath) -> dict[str, object]:
        """Return the values of a mapping by their keys, and note the place of each key. A key that
        is no scalar or is there twice is reported and left out; a private key (JSON Web Key) is
        reported."""
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            mark = _mark(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self._document._report(
                    mark,
                    tr("a key is a list or a mapping"),
                    tr("write a plain name before the colon"),
                )
                continue
            key = str(key_node.value)
            self._report_secret_or_mark(key, mark)
            if key in values:
                self._document._report(
                    mark,
                    tr("key {key} is there twice", key=quoted(key)),
                    tr("keep one of the two"),
                    whole=True,
                )
                continue
            self._document._keys[(*path, key)] = mark
            values[key] = self.value(value_node, (*path, key))
        if is_private_jwk(values):
            what = tr("this is a private key")
            self._document._report(_mark(node), what, _remedy_of_shared_key(), whole=True)
        return values

    def _report_secret_or_mark(self, text: str, mark: Mark) -> None:
        """Report a key or a value that has a private key, a token or a mark of the engine in it,
        which no field may have."""
        if is_private_key_or_token(text):
            what = tr("this is a private key or a token")
            self._document._report(mark, what, _remedy_of_shared_key(), whole=True)
        if has_mark(text):
            self._document._report(
                mark,
                tr("this is a mark of the Pulumi engine, not a text"),
                tr("write something else"),
                whole=True,
            )


def _remedy_of_shared_key() -> str:
    return tr("take it out and have another made, as this one has been shared")


def _mark(node: yaml.Node) -> Mark:
    return (node.start_mark.line + 1, node.start_mark.column + 1)


def _scalar(node: yaml.ScalarNode) -> Hashable:
    """Return the value of a scalar: None, a boolean, or a number that is written in its one plain
    way. Everything else stays text, such as 0207451227 (octal in YAML 1.1), 2026-01-01 and 1.10."""
    text = str(node.value)
    match node.tag:
        case "tag:yaml.org,2002:null":
            return None
        case "tag:yaml.org,2002:bool":
            return _BOOLEANS.get(text.lower(), text)
        case "tag:yaml.org,2002:int" if _PLAIN_INTEGER.fullmatch(text):
            return int(text)
        case "tag:yaml.org,2002:float" if (
            _PLAIN_FRACTION.fullmatch(text) and repr(float(text)) == text
        ):
            return float(text)
    return text
