"""What the engine writes while it runs, with each error once.

The engine repeats an error three times per resource: twice while it goes on, and once below
``Diagnostics``. An authority that refuses the operator refuses each resource with the same
sentence. So an error shows below ``Diagnostics`` alone, with how many resources it is about and the
first of their names; a line before that says that its resource failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from acmidm_onboarding.values.problems import first_listed

ATTEMPTS = re.compile(r" \(tried .*?\)")
"""What a sentence about a request says of how often and for how long it was tried."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OF_A_RESOURCE = re.compile(r"^( .*?);? error: (.+)$")
"""A line about a resource that the engine is at, and the error of that resource."""
_HAS_FAILED = re.compile(r"\*\*\w+ failed\*\*")
_DIAGNOSTICS = "Diagnostics:"
_HEADING = re.compile(r"^  \S+ \((.+)\):$")
_MESSAGE = re.compile(r"^    (?:error|warning|info): ")
_PATH = re.compile(r"(https?://[^/\s]+)/\S*")
"""The path of an address may name a client, and the rest of a sentence says the same for all."""


@dataclass
class _Message:
    """A message below ``Diagnostics``, and the names of the resources that it is about, by their
    headings."""

    lines: list[str]
    resources: dict[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The engine's heading for one resource; for several their number and first names."""
        if len(self.resources) == 1:
            return next(iter(self.resources))
        names = list(self.resources.values())
        return f"  {len(names)} resources ({first_listed(names)}):"


def once(written: Iterable[str]) -> Iterator[str]:
    """Yield what to show of the lines that one command of the engine writes, as they come: each
    error once, below ``Diagnostics``. An error that never comes there is the last line."""
    errors: dict[str, str] = {}  # not shown yet, by what they have in common
    diagnostics: list[str] | None = None
    for written_line in written:
        line = written_line.removesuffix("\n")
        plain = _COLOUR.sub("", line)
        if diagnostics is not None and (not plain or plain.startswith(" ")):
            diagnostics.append(plain)
            continue
        if diagnostics is not None:  # the first line after the diagnostics
            yield from _shown(diagnostics, errors)
            diagnostics = None
        failed = _OF_A_RESOURCE.match(plain)
        if failed:
            errors.setdefault(_common(failed[2]), failed[2])
        if plain == _DIAGNOSTICS:
            diagnostics = []
        if not failed:
            yield line
        elif _HAS_FAILED.search(failed[1]):
            yield failed[1]
    yield from _shown(diagnostics or [], errors)
    yield from (f"error: {sentence}" for sentence in errors.values())


def _shown(diagnostics: Iterable[str], errors: dict[str, str]) -> Iterator[str]:
    """Yield the lines of the messages below ``Diagnostics``, each message once under the heading of
    its resources, and take these messages out of ``errors``."""
    heading = ""
    for message in _messages(diagnostics):
        errors.pop(_common(message.lines[0]), None)
        if message.heading != heading:
            yield message.heading
        heading = message.heading
        yield from (*message.lines, "")


def _messages(diagnostics: Iterable[str]) -> Iterable[_Message]:
    """Return the messages below ``Diagnostics``. Those that say the same about several resources
    become one message about all of these."""
    messages: list[tuple[str, _Message]] = []
    heading = ""
    for line in diagnostics:
        if _HEADING.match(line):
            heading = line
        elif _MESSAGE.match(line) or (line and not messages):
            messages.append((heading, _Message([line])))
        elif line:  # the message goes on
            messages[-1][1].lines.append(line)
    by_sentence: dict[str, _Message] = {}
    for heading, message in messages:
        first = by_sentence.setdefault(_common("\n".join(message.lines)), message)
        resource = _HEADING.match(heading)
        first.resources[heading] = resource[1] if resource else heading.strip()
    return by_sentence.values()


def _common(sentence: str) -> str:
    """Return what a sentence has in common with the same one about other resources: without paths,
    and without how often a request was tried."""
    bare = sentence.strip().removeprefix("error: ")
    return _PATH.sub(r"\1", ATTEMPTS.sub("", bare))
