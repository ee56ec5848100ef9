"""The answers that a form is made of, out of options or out of a row, and the form that they come
to. What is wrong with an answer is for the loader to say; only what is missing is noted here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.problems import (
    DocumentPath,
    Failure,
    did_you_mean,
    listed,
    quoted,
)

_METAVAR = re.compile(r"[ =][A-Z]+$")
OPTIONS = {
    "name": "--name",
    "ovo": "--ovo",
    "kbo": "--kbo",
    "owners": "--owner",
    "application": "--application",
    "contacts": "--contact",
    "scopes": "--scope",
    "products": "--product",
}
"""Which option each field of a form or an organisation stands for."""
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


class Mistakes:
    """What is missing or wrong in answers, a sentence each, by the option that it is about."""

    def __init__(self, columns: Mapping[str, str] | None = None) -> None:
        """``columns`` are the names of the options whose answers are in a spreadsheet."""
        self._columns = columns or {}
        self.sentences: list[str] = []

    def note(self, *sentences: str) -> None:
        """Note what is wrong with no option by itself."""
        self.sentences += sentences

    def add(self, option: str, *sentences: str) -> None:
        """Note what is wrong with an option."""
        self.sentences += [f"{self._named(option)}: {sentence}" for sentence in sentences]

    def miss(self, option: str, what: str) -> None:
        """Note that an answer is missing. ``what`` says what belongs there."""
        self.add(option, tr("is missing; give {what}", what=what))

    def require(self) -> None:
        """Raises Failure where something was missing or wrong."""
        if self.sentences:
            raise Failure("\n".join(dict.fromkeys(self.sentences)))

    def label(self, path: DocumentPath) -> str:
        """Return what the author of the answers calls a field of a form; empty where it is none of
        theirs."""
        match path:
            case [*_, "products", product, str(name)] | [*_, "products", product, str(name), int()]:
                return self._named(f"--set {product}.{name}")
            case ["mandates", _, "applications", *_]:
                return self._named("--application")
            case [*_, ("products" | "scopes") as name, _] | [str(name), *_] if name in OPTIONS:
                return self._named(OPTIONS[name])
        return ""

    def _named(self, option: str) -> str:
        return self._columns.get(_METAVAR.sub("", option), option)


def separate(answers: Iterable[str]) -> tuple[str, ...]:
    """Return each value of answers that have commas between several, once."""
    parts = map(str.strip, ",".join(answers).split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


def not_among(among: Sequence[str], answer: str) -> list[str]:
    """Return a sentence why an answer is none of those ``among`` which it has to be; nothing where
    it is one."""
    if answer in among:
        return []
    remedy = did_you_mean(answer, among, tr("choose from {among}", among=listed(among)))
    return [tr("{answer} is none of them; {remedy}", answer=quoted(answer), remedy=remedy)]


def field_values(answers: Sequence[str], mistakes: Mistakes) -> Values:
    """Return the values of ``product.field=value`` by product and field; what is written otherwise
    is noted as wrong."""
    values: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        name, equals, value = answer.partition("=")
        product, dot, field = name.strip().partition(".")
        if equals and dot and product and field:
            values.setdefault((product, field), []).append(value.strip())
            continue
        sentence = tr(
            "{name} is not PRODUCT.FIELD=VALUE; write one such as notificaties.merk_code=stad-gent",
            name=quoted(name),
        )
        mistakes.add("--set", sentence)
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
