"""What is wrong with a product's configuration in a form, by the product's JSON Schema, in
sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError

from acmidm_onboarding.forms.documents import YamlDocument
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.identifiers import is_visible
from acmidm_onboarding.values.problems import (
    DocumentPath,
    Problem,
    did_you_mean,
    either,
    listed,
    quoted,
)

_LARGEST_INTEGER = 2**53 - 1
_MOST_LEVELS = 12
"""Fewer than an authority reads of a document."""

_TYPES = {
    "string": N_("a text; numbers need quotes"),
    "array": N_("a list"),
    "object": N_("a mapping"),
    "boolean": N_("true or false"),
    "integer": N_("a whole number"),
}
"""The types of JSON."""
_ENDINGS = {
    "minItems": N_("has too few items"),
    "maxItems": N_("has too many items"),
    "uniqueItems": N_("has the same value twice"),
    "minLength": N_("is too short"),
    "maxLength": N_("is too long"),
    "format": N_("does not have the required form"),
    "minimum": N_("is too small"),
    "maximum": N_("is too large"),
    "minProperties": N_("has too few fields"),
    "maxProperties": N_("has too many fields"),
    "contains": N_("lacks an item that it needs"),
    "not": N_("is not allowed by the product"),
    "anyOf": N_("is none of the possible choices"),
    "oneOf": N_("is none of the possible choices, or more than one at once"),
}
"""What is wrong, by the keyword of the schema."""


def problems_of_configuration(
    document: YamlDocument,
    path: DocumentPath,
    product: str,
    validator: Draft202012Validator,
    configuration: Mapping[str, Any],
) -> Iterator[Problem]:
    """Yield every mistake in a product's configuration, which a form has at ``path``: what the
    product's schema refuses, each with the schema's description of what belongs there; and what no
    product may have, such as a line break or a number that JSON does not carry exactly."""
    for error in validator.iter_errors(dict(configuration)):
        yield from _Mistake(document, path, product, validator.schema, error).problems()
    for below, value in _plain_values(configuration):
        if not all(is_visible(part) for part in (*below, value) if isinstance(part, str)):
            what = tr(
                "{place} contains a line break, a control or invisible character, or a space at an"
                " end",
                place=_label(product, below),
            )
            yield document.problem((*path, *below), what, tr("write it on one line"))
        elif len(below) > _MOST_LEVELS:
            yield document.problem(
                (*path, *below),
                tr(
                    "{product} is nested more than {most} levels deep",
                    product=product,
                    most=_MOST_LEVELS,
                ),
                tr("write it flatter"),
            )
        elif isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
            what = tr(
                "{place} is larger than JSON carries exactly (RFC 8259 §6)",
                place=_label(product, below),
            )
            yield document.problem(
                (*path, *below),
                what,
                tr("write at most {largest}, or a text in quotes", largest=_LARGEST_INTEGER),
            )


class _Mistake:
    """One error that the validator found: a keyword of the schema, such as ``required``, that the
    value at a place in the configuration does not satisfy."""

    def __init__(
        self,
        document: YamlDocument,
        path: DocumentPath,
        product: str,
        schema: Any,
        error: ValidationError,
    ) -> None:
        self._document = document
        self._path = path
        self._product = product
        self._schema = schema
        self._place: DocumentPath = tuple(error.absolute_path)
        self._keyword = str(error.validator)
        self._wanted = cast(Any, error.validator_value)
        """What the schema has for the keyword, such as the names that are required."""
        self._value = cast(Any, error.instance)

    def problems(self) -> Iterator[Problem]:
        """Yield the error as mistakes of the form, one for each field that it is about."""
        match self._keyword:
            case "additionalProperties":
                yield from self._unknown_fields()
            case "required":
                yield from self._missing_fields()
            case "dependentRequired":
                yield from self._missing_companions()
            case _:
                what = f"{_label(self._product, self._place)} {self._ending()}"
                yield self._problem(what, self._remedy())

    def _unknown_fields(self) -> Iterator[Problem]:
        """Yield each field that the schema does not have here."""
        names = sorted(_schema_at(self._schema, self._place).get("properties", {}))
        for name in sorted(str(name) for name in self._value if name not in names):
            what = tr(
                "{place}: unknown field {name}",
                place=_label(self._product, self._place),
                name=quoted(name),
            )
            remedy = did_you_mean(name, names, tr("known here: {known}", known=listed(names)))
            yield self._problem(what, remedy, name, at_key=True)

    def _missing_fields(self) -> Iterator[Problem]:
        for name in self._wanted:
            if name not in self._value:
                what = tr(
                    "{place}: {name} is missing",
                    place=_label(self._product, self._place),
                    name=quoted(name),
                )
                yield self._problem(what, self._expected(name), name)

    def _missing_companions(self) -> Iterator[Problem]:
        """Yield each field that has to be there because another is. The schema has per field those
        that go with it: {"merk_code": ["channels"]}."""
        for given in self._wanted:
            if given not in self._value:
                continue
            for name in self._wanted[given]:
                if name not in self._value:
                    what = tr(
                        "{place}: {name} is missing, which goes with {given}",
                        place=_label(self._product, self._place),
                        name=quoted(name),
                        given=quoted(given),
                    )
                    yield self._problem(what, self._expected(name), given, at_key=True)

    def _problem(self, what: str, remedy: str, *below: str, at_key: bool = False) -> Problem:
        """Return a mistake at the value, or at the field ``below`` it."""
        return self._document.problem(
            (*self._path, *self._place, *below), what, remedy, at_key=at_key
        )

    def _ending(self) -> str:
        """Return what is wrong with a value, as the end of a sentence that begins with its
        place."""
        keyword, value = self._keyword, self._value
        if keyword == "type":
            wanted = self._wanted if isinstance(self._wanted, list) else [self._wanted]
            return tr("is not {wanted}", wanted=either(map(_type_name, map(str, wanted))))
        if keyword in ("enum", "const") and isinstance(value, str):
            return tr("is {value}, which is not known", value=quoted(value))
        if keyword in ("enum", "const"):
            return tr("is not known")
        if keyword == "pattern":
            return tr("is {value}, which does not have the required form", value=quoted(value))
        if keyword in _ENDINGS:
            return translated(_ENDINGS[keyword])
        return tr("does not satisfy {keyword} of the product's schema", keyword=keyword)

    def _remedy(self) -> str:
        """Return what to do: the nearest of the allowed values for a misspelt one, else what the
        schema says of the value."""
        if self._keyword == "enum" and isinstance(self._value, str):
            return did_you_mean(self._value, map(str, self._wanted), self._expected())
        return self._expected()

    def _expected(self, *below: str) -> str:
        """Return what to write, as the schema describes the value, or the field ``below`` it."""
        description = _schema_at(self._schema, (*self._place, *below)).get("description")
        if description:
            return tr("give {description}", description=description)
        return tr("see the product's schema in the catalogue")


def _type_name(name: str) -> str:
    return translated(_TYPES[name]) if name in _TYPES else name


def _schema_at(schema: Any, path: DocumentPath) -> Mapping[str, Any]:
    """Return the schema of the value at ``path`` within a configuration; an empty one where
    ``properties`` and ``items`` do not lead there."""
    for step in path:
        if isinstance(step, str):
            schema = schema.get("properties", {}).get(step)
        else:
            schema = schema.get("items")
        if not isinstance(schema, dict):
            return {}
    return schema if isinstance(schema, dict) else {}


def _label(product: str, path: DocumentPath) -> str:
    """Name the value at ``path`` as a person would: ``notificaties, product_ids, item 1``."""
    return ", ".join([product, *map(_step, path)])


def _step(step: int | str) -> str:
    return tr("item {number}", number=step + 1) if isinstance(step, int) else step


def _plain_values(value: object, path: DocumentPath = ()) -> Iterator[tuple[DocumentPath, object]]:
    """Yield the path of each value that is no mapping and no list, and the value."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _plain_values(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _plain_values(part, (*path, index))
    else:
        yield path, value
