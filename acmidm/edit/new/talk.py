"""Each answer once: from an option, else from a question on a terminal, else it is missing. What is
wrong is found at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import TypeVar

import typer

from acmidm.edit.new.checks import chosen
from acmidm.words import plain
from acmidm_onboarding.texts import Language, Texts, say, texts
from acmidm_onboarding.values.problems import Failure, quoted

E = TypeVar("E", bound=StrEnum)
_METAVAR = re.compile(r"[ =][A-Z]+$")
Check = Callable[[str], Sequence[str]]
"""Returns what is wrong with an answer, a sentence each."""


class Talk:
    """Asks on a terminal, in the language of whoever answers, until an answer is right; elsewhere
    it notes all that is missing."""

    def __init__(
        self, *, on_terminal: bool, language: Language, columns: Mapping[str, str] | None = None
    ) -> None:
        """``columns`` are the names of the options whose answers are in a spreadsheet."""
        self.on_terminal, self._columns = on_terminal, columns or {}
        self.has_asked = False
        self.wrong: list[str] = []
        self.texts: Texts = texts("new", language)

    def speak(self, language: Language) -> None:
        """Go on in another language."""
        self.texts = texts("new", language)

    def answer(
        self,
        option: str,
        what: str,
        given: str | None,
        check: Check,
        question: str,
        *,
        proposed: str | None = None,
        otherwise: str | None = None,
    ) -> str | None:
        """Return one answer, None where it is wrong or missing.

        ``what`` says in English what belongs there. ``proposed`` is what a question proposes,
        ``otherwise`` what counts without one.
        """
        if given is not None:
            return None if self.refuse(option, check(given)) else given
        if self.on_terminal:
            return self._ask(question, check, proposed if proposed is not None else otherwise)
        if otherwise is None:
            self._miss(option, what)
        elif self.refuse(option, check(otherwise)):
            return None
        return otherwise

    def answers(
        self,
        option: str,
        what: str,
        given: Sequence[str],
        check: Check,
        question: str,
        *,
        proposed: str | None = None,
    ) -> tuple[str, ...]:
        """Return several answers, at least one; none where one is wrong or all are missing. On a
        terminal, commas are between them."""
        if not given and self.on_terminal:
            return separate(
                [self._ask(question, lambda text: _each(separate([text]), check), proposed)]
            )
        values = separate(given)
        if not values:
            self._miss(option, what)
        return (
            ()
            if self.refuse(option, [sentence for value in values for sentence in check(value)])
            else values
        )

    def choice(self, question: str, among: type[E], proposed: E) -> E:
        """Ask which of a few it is; without having asked anything else before, it is the proposed
        one."""
        return (
            among(self._ask(question, partial(chosen, tuple(among)), proposed.value))
            if self.has_asked
            else proposed
        )

    def tell(self, name: str, **values: object) -> None:
        """Say a text of the room on the terminal, before a question."""
        if self.on_terminal:
            typer.echo(plain(self.texts(name, **values), 2000))

    def require(self) -> None:
        """Raises Failure where something was missing or wrong."""
        if self.wrong:
            raise Failure("\n".join(dict.fromkeys(self.wrong)))

    def refuse(self, option: str, sentences: Sequence[str]) -> bool:
        """Note what is wrong with an option, and return whether there is anything."""
        self.wrong += [
            f"{self.named(_METAVAR.sub('', option))}: {sentence}" for sentence in sentences
        ]
        return bool(sentences)

    def named(self, option: str) -> str:
        """Return what the author of the answers calls an option."""
        return self._columns.get(_METAVAR.sub("", option), option)

    def _miss(self, option: str, what: str) -> None:
        self.wrong.append(say("edit.missing", option=self.named(option), what=what))

    def _ask(self, question: str, check: Check, proposed: str | None) -> str:
        """Ask until the answer is right; an end of the input or Ctrl-C ends the command, and
        nothing is written."""
        self.has_asked = True
        while True:
            answer = str(typer.prompt(plain(question, 2000), default=proposed)).strip()
            if not (wrong := check(answer)):
                return answer
            for sentence in wrong:
                typer.echo(plain(f"  {sentence}", 2000), err=True)


def separate(answers: Sequence[str]) -> tuple[str, ...]:
    """Return each value of answers that have commas between several, once."""
    return tuple(
        dict.fromkeys(
            part for answer in answers for part_ in answer.split(",") if (part := part_.strip())
        )
    )


def _each(values: Sequence[str], check: Check) -> list[str]:
    return [sentence for value in values or ("",) for sentence in check(value)]


def pairs(
    answers: Sequence[str], option: str, wrong: list[str]
) -> Mapping[tuple[str, str], Sequence[str]]:
    """Return the values of ``product.field=value`` by product and field; what is written otherwise
    is noted as wrong."""
    values: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        name, equals, value = answer.partition("=")
        product, dot, field = name.strip().partition(".")
        if not equals or not dot or not product or not field:
            wrong.append(say("edit.no_pair", option=option, name=quoted(name)))
            continue
        values.setdefault((product, field), []).append(value.strip())
    return values
