"""A mistake in a file, for the person who wrote it: where, what, what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from acmidm_onboarding.texts import Language, spoken, tr
from acmidm_onboarding.values.secrecy import without_keys_and_tokens

_LONGEST_QUOTE = 80
_LONGEST_SEARCHED = 100
"""Characters of the longest name for which a nearest one is sought: the search takes time as their
square."""
_COMMAND = re.compile(r"##(?=(?:vso)?\[)|^(\s*):(?=:)", re.IGNORECASE)
"""The begin of a command in a log: to Azure Pipelines anywhere in a line, to GitHub at the start of
it."""

DocumentPath = tuple[str | int, ...]
"""Where a value stands in a document: the keys and list indexes that lead to it."""
Refusal = tuple[str, str]
"""What is wrong with something, and what to do about it: the two halves of a sentence."""


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake. ``line`` and ``column`` count from 1."""

    file: Path
    line: int
    column: int
    what: str
    remedy: str
    also: Path | None = field(default=None, compare=False)
    """The second file, where two contradict each other."""
    is_other_right: bool = field(default=False, compare=False)
    """Whether that second file is known to be right, so that no form is left out for it."""
    path: DocumentPath = field(default=(), compare=False)
    """Which field of the file it is about, where it is about one."""

    def __post_init__(self) -> None:
        """Take out keys and tokens, for the rules that repeat a name without quoting it."""
        for name in ("what", "remedy"):
            object.__setattr__(self, name, without_keys_and_tokens(getattr(self, name)))

    @property
    def shown_file(self) -> str:
        """The file as a message names it: a secret that was pasted as its name is not repeated."""
        if self.file.is_absolute():
            return self.file.as_posix()
        return "/".join(map(without_keys_and_tokens, self.file.parts))

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, without the place."""
        return f"{self.what}; {self.remedy}"

    @property
    def wrong_files(self) -> tuple[Path, ...]:
        """The files that may be wrong: both, where nobody knows which of the two is."""
        return (self.file,) if self.also is None or self.is_other_right else (self.file, self.also)

    def __str__(self) -> str:
        return on_one_line(f"{self.shown_file}:{self.line}:{self.column}: {self.sentence}")


class Failure(Exception):
    """Why something cannot be done, a sentence for a person: the root of all that this project
    raises for people.

    ``exit_code`` is that of the command that it ends: 1 the command did not succeed, 2 wrong use,
    forms or settings, 3 a server cannot be reached.
    """

    exit_code = 2

    def __init__(self, sentence: str, *, exit_code: int | None = None) -> None:
        super().__init__(sentence)
        if exit_code is not None:
            self.exit_code = exit_code


class Unusable(Exception):
    """Why what was read cannot be used: a clause for a sentence about it."""


class InvalidForms(Failure):
    """Forms or catalogue have mistakes; its text is all of them, a line each, in the order of the
    files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def quoted(text: str) -> str:
    """Quote a text in a message, shortened to what is needed to recognise it, without keys and
    tokens."""
    text = on_one_line(text)
    return f'"{text}"' if len(text) <= _LONGEST_QUOTE else f'"{text[: _LONGEST_QUOTE - 1]}…"'


def nearest(wrong: str, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant; None where none is near."""
    if len(wrong) > _LONGEST_SEARCHED:
        return None
    return next(iter(difflib.get_close_matches(wrong, list(names), n=1, cutoff=0.6)), None)


def did_you_mean(wrong: str, names: Iterable[str], otherwise: str) -> str:
    """Return the remedy for a name that does not exist: the nearest of ``names``, else
    ``otherwise``."""
    meant = nearest(wrong, names)
    return tr('did you mean "{meant}"?', meant=meant) if meant else otherwise


def listed(names: Iterable[str]) -> str:
    """List names in a sentence: ``a, b, c``, or ``none``."""
    return ", ".join(sorted(names)) or tr("none")


def either(names: Iterable[str]) -> str:
    """List alternatives in a sentence: ``a or b``."""
    return f" {tr('or')} ".join(names)


def both(names: Iterable[str]) -> str:
    """List what goes together in a sentence: ``a and b``."""
    return f" {tr('and')} ".join(names)


def first_listed(names: Sequence[str], language: Language | None = None) -> str:
    """List the first three names in a sentence, and how many more there are: ``a, b, c and 4
    more``. ``language`` is that of the sentence; None: that of whoever runs the command."""
    language = language or spoken()
    if not names:
        return language.tr("none")
    first = listed(names[:3])
    if len(names) <= 3:
        return first
    return language.tr("{first} and {count:,} more", first=first, count=len(names) - 3)


def on_one_line(text: str) -> str:
    """Escape line breaks and control characters, so that a name in a form can fake no message and
    no command; hide keys and tokens."""
    return spelled_out(_COMMAND.sub(_broken, without_keys_and_tokens(text)))


def spelled_out(text: str) -> str:
    """Escape line breaks, control characters and whatever else is not seen."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(char: str) -> str:
    return char if char.isprintable() else ascii(char)[1:-1]


def _broken(command: re.Match[str]) -> str:
    return "# #" if command[1] is None else f"{command[1]}: "
