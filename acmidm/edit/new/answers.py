"""The answers that a form is made of, given as options or in a row of a spreadsheet, and the
mistakes in them. The loader of forms reports wrong values; what is missing is noted here."""

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
"""The option that gives each field of ``Answers``."""
Values = Mapping[tuple[str, str], Sequence[str]]
"""Values of fields of products: {("dosis", "bron_uri"): ["urn://gent/mijn-gent"]}."""


@dataclass(frozen=True)
class Answers:
    """What options, or a row of a spreadsheet, say of a form and its organisation. None and an
    empty list mean that they do not say it."""

    organisation: str | None = None
    """The organisation's folder, a code or its name."""
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
    """Collects the sentences about what is missing or wrong in answers. The caller ends by
    ``require``, so that a person reads all at once."""

    def __init__(self, columns: Mapping[str, str] | None = None) -> None:
        """``columns`` names the column that takes the place of an option, where answers are in a
        spreadsheet: {"--contact": "column F (Contact)"}."""
        self._columns = columns or {}
        self.sentences: list[str] = []

    def note(self, *sentences: str) -> None:
        """Add sentences that are about several options, or none."""
        self.sentences += sentences

    def add(self, option: str, *sentences: str) -> None:
        """Add sentences about an option, each with the name of the option or its column before
        it."""
        self.sentences += [f"{self._named(option)}: {sentence}" for sentence in sentences]

    def miss(self, option: str, what: str) -> None:
        """Add that an option is missing. ``what`` says what to give."""
        self.add(option, tr("is missing; give {what}", what=what))

    def require(self) -> None:
        """Raises Failure with all sentences, a line each, where there are any."""
        if self.sentences:
            raise Failure("\n".join(dict.fromkeys(self.sentences)))

    def label(self, path: DocumentPath) -> str:
        """Return the option or column that gives the field at this path of a form, such as
        ("contacts", 0); empty where none does. ``Changes`` puts it before a sentence."""
        match path:
            case [*_, "products", product, str(name)] | [*_, "products", product, str(name), int()]:
                return self._named(f"--set {product}.{name}")
            case ["mandates", _, "applications", *_]:
                return self._named("--application")
            case [*_, ("products" | "scopes") as name, _] | [str(name), *_] if name in OPTIONS:
                return self._named(OPTIONS[name])
        return ""

    def _named(self, option: str) -> str:
        """Return the column for an option, written ``--scope`` or ``--scope NAME``; the option
        itself where there is no column."""
        return self._columns.get(_METAVAR.sub("", option), option)


def separate(answers: Iterable[str]) -> tuple[str, ...]:
    """Return the values in answers with commas, each once: ["a, b", "b"] is ("a", "b")."""
    parts = map(str.strip, ",".join(answers).split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


def about_choice(answer: str, choices: Sequence[str]) -> list[str]:
    """Return the sentence that an answer is none of the choices, in a list; empty where it is
    one."""
    if answer in choices:
        return []
    remedy = did_you_mean(answer, choices, tr("choose from {among}", among=listed(choices)))
    return [tr("{answer} is none of them; {remedy}", answer=quoted(answer), remedy=remedy)]


def field_values(answers: Sequence[str], mistakes: Mistakes) -> Values:
    """Return the values of ``--set product.field=value``, by product and field. An answer in
    another form is noted in ``mistakes``."""
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
    """Return the value that somebody typed for a field with this JSON Schema: a list of texts, a
    text, else a number, a boolean or the like, read as JSON. A text that is no JSON stays a text:
    the loader of forms reports it. Of several answers for one value the last counts."""
    kind = schema.get("type")
    if kind == "array":
        return list(separate(answers))
    answer = answers[-1]
    if kind == "string":
        return answer
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        return answer
