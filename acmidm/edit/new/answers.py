"""The answers that a form is made of, and what is missing or wrong with them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.problems import Failure, quoted

_METAVAR = re.compile(r"[ =][A-Z]+$")
Check = Callable[[str], Sequence[str]]
"""Returns what is wrong with an answer, a sentence each."""


Values = Mapping[tuple[str, str], Sequence[str]]
"""What options say, by product and field."""


@dataclass(frozen=True)
class Answers:
    """What options, or a row, say of a form and its organisation; what they leave out is
    missing."""

    organisation: str | None = None
    """Its folder, a code or its name."""
    name: str | None = None
    ovo: str | None = None
    kbo: str | None = None
    owners: Sequence[str] = ()
    language: Language | None = None
    application: str | None = None
    contacts: Sequence[str] = ()
    products: Sequence[str] = ()
    scopes: Sequence[str] = ()
    values: Values = field(default_factory=dict)
    supplier: str | None = None
    """The folder of the supplier whose keys the form has."""


class Checker:
    """Checks each answer once. ``wrong`` has a sentence for each that is missing or wrong."""

    def __init__(self, columns: Mapping[str, str] | None = None) -> None:
        """``columns`` are the names of the options whose answers are in a spreadsheet."""
        self._columns = columns or {}
        self.wrong: list[str] = []

    def answer(self, option: str, what: str, given: str | None, check: Check) -> str | None:
        """Return one answer, None where it is wrong or missing. ``what`` says what belongs
        there."""
        if given is None:
            self.miss(option, what)
            return None
        return None if self.refuse(option, check(given)) else given

    def answers(
        self, option: str, what: str, given: Sequence[str], check: Check
    ) -> tuple[str, ...]:
        """Return several answers, at least one; none where one is wrong or all are missing."""
        values = separate(given)
        if not values:
            self.miss(option, what)
        wrong = [sentence for value in values for sentence in check(value)]
        return () if self.refuse(option, wrong) else values

    def require(self) -> None:
        """Raises Failure where something was missing or wrong."""
        if self.wrong:
            raise Failure("\n".join(dict.fromkeys(self.wrong)))

    def refuse(self, option: str, sentences: Sequence[str]) -> bool:
        """Note what is wrong with an option, and return whether there is anything."""
        name = self.named(_METAVAR.sub("", option))
        self.wrong += [f"{name}: {sentence}" for sentence in sentences]
        return bool(sentences)

    def named(self, option: str) -> str:
        """Return what the author of the answers calls an option."""
        return self._columns.get(_METAVAR.sub("", option), option)

    def miss(self, option: str, what: str) -> None:
        """Note that an answer is missing."""
        self.wrong.append(
            tr("{option}: is missing; give {what}", option=self.named(option), what=what)
        )


def separate(answers: Sequence[str]) -> tuple[str, ...]:
    """Return each value of answers that have commas between several, once."""
    parts = [part.strip() for answer in answers for part in answer.split(",")]
    return tuple(dict.fromkeys(filter(None, parts)))


def pairs(answers: Sequence[str], option: str, wrong: list[str]) -> Values:
    """Return the values of ``product.field=value`` by product and field; what is written otherwise
    is noted as wrong."""
    values: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        name, equals, value = answer.partition("=")
        product, dot, field = name.strip().partition(".")
        if not equals or not dot or not product or not field:
            wrong.append(
                tr(
                    "{option}: {name} is not PRODUCT.FIELD=VALUE; write one such as"
                    " notificaties.merk_code=stad-gent",
                    option=option,
                    name=quoted(name),
                )
            )
            continue
        values.setdefault((product, field), []).append(value.strip())
    return values


def parsed(schema: Mapping[str, Any], answers: Sequence[str]) -> object:
    """Return the value of a field as its schema has it, out of what somebody typed: a text, a list
    of texts, else what JSON reads."""
    kinds = schema.get("type")
    if kinds == "array":
        return list(separate(answers))
    answer = answers[-1]
    if kinds == "string":
        return answer
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        return answer
