"""Checks documents by the JSON Schemas of the products' files."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from pydantic_core import to_json

from acmidm_sandbox.beheerportaal.problems import pointer
from acmidm_sandbox.beheerportaal.untrusted import visible

MOST_COUNTED = 2_500  # mistakes: to find each costs time, and who sends them may be hostile
LONGEST_VALUE = 80 * 1024  # bytes (wiki 7209091106, 7217348621)

# What is said of a keyword of JSON Schema; never the value that was sent.
_SENTENCES = {
    "minLength": "string should have at least {value} character{s}",
    "maxLength": "string should have at most {value} character{s}",
    "pattern": "string should match pattern '{value}'",
    "minItems": "list should have at least {value} item{s} after validation, not {length}",
}
_TYPES = {"array": "list", "object": "dictionary"}
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(T.*)?", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*", re.ASCII)

Mistakes = Iterator[ValidationError]


def mistakes_in_document(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], document: Any
) -> list[dict[str, str]]:
    """Return what is wrong with a document, in the order of its schema, which may refer to one of
    `schemas`: of each value the first mistake.

    A member that is written otherwise, as `x-also-written` says, gets the schema's name in
    `document` itself.
    """
    found: dict[str, str] = {}
    validator = _Validator({**schema, "components": {"schemas": schemas}})
    for error in islice(validator.iter_errors(document), MOST_COUNTED):
        found.setdefault(pointer(error.absolute_path), _sentence(error))
    return [{"pointer": where, "detail": detail} for where, detail in found.items()]


def _sentence(error: Any) -> str:
    """Return what jsonschema reports, as the products say it after the name of the member."""
    keyword, value = error.validator, error.validator_value
    if keyword in _SENTENCES:
        plural = "" if value == 1 else "s"
        return _SENTENCES[keyword].format(value=value, s=plural, length=len(error.instance))
    if keyword == "type":
        kind = value if isinstance(value, str) else value[0]
        sentence = f"input should be a valid {_TYPES.get(kind, kind)}"
        if "properties" in error.schema:
            sentence += " or object to extract fields from"
        return sentence
    return str(error.message) if keyword in _KEYWORDS else f"does not satisfy {keyword}"


def _members(validator: Any, members: Mapping[str, Any], value: Any, schema: Any) -> Mistakes:
    """Check the keyword `properties`, and `required` beside it, in one order. A member that is
    written otherwise gets its name, in `value` itself."""
    if not isinstance(value, dict):
        return
    required = schema.get("required", ())
    for name in dict.fromkeys((*members, *required)):
        member, written = members.get(name, {}), name
        if name not in value and member.get("x-also-written") in value:
            written = member["x-also-written"]
            value[name] = value.pop(written)
        if name in value:
            yield from validator.descend(value[name], member, path=written)
        elif name in required:
            yield ValidationError("field required", path=[name])


def _format(_: Any, name: str, value: Any, __: Any) -> Mistakes:
    """Check the keyword `format` of a text: a name of `_FORMATS`."""
    if not isinstance(value, str) or name not in _FORMATS:
        return
    try:
        _FORMATS[name](value)
    except ValueError as error:
        yield ValidationError(str(error))


def _key_values(validator: Any, categories: Mapping[str, Any], value: Any, schema: Any) -> Mistakes:
    """Check the keyword `x-key-values`: by category, which keys `SleutelWaardeParen` has. Of a
    category that is not public, only the length of values is checked."""
    member = "SleutelWaardeParen"
    if not isinstance(value, dict):
        return
    pairs = value.get(member) or []
    if not validator.evolve(schema=schema["properties"][member]).is_valid(pairs):
        return
    for number, pair in enumerate(pairs):
        if len(to_json(pair.get("Waarde"))) > LONGEST_VALUE:
            detail = f"it is longer than {LONGEST_VALUE} bytes; shorten it"
            yield ValidationError(detail, path=[member, number, "Waarde"])
    category = value.get("Categorie")
    if not isinstance(category, str) or category not in categories:
        return
    keys = categories[category]
    used = [*keys["required"], *keys["optional"], *keys["filled_in"]]
    for number, pair in enumerate(pairs):
        key = pair["Sleutel"]
        if key not in used:
            detail = f"the category {category} does not use this key; leave the pair out"
            yield ValidationError(detail, path=[member, number, "Sleutel"])
        elif key in keys["required"] and pair.get("Waarde") in (None, ""):
            detail = f"the category {category} needs a value for {key}"
            yield ValidationError(detail, path=[member, number, "Waarde"])
    present = [pair["Sleutel"] for pair in pairs]
    if absent := [key for key in keys["required"] if key not in present]:
        detail = f"the category {category} also needs {', '.join(absent)}"
        yield ValidationError(detail, path=[member])


def day_of(text: str) -> date:
    """Return the day of a date, or of a date and time.

    Raises:
        ValueError
    """
    match = _DAY.fullmatch(text)
    with suppress(ValueError):
        if match:
            return date.fromisoformat(match[1])
    raise ValueError('begins with no date; write it as in "2026-12-31"')


def _moment_of(text: str) -> datetime:
    with suppress(ValueError):
        if _DATE_TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    raise ValueError('is no date and time; write it as in "2026-11-26T09:30:00"')


_FORMATS: dict[str, Any] = {"day": day_of, "local-date-time": _moment_of, "visible": visible}
_KEYWORDS: dict[str, Any] = {
    "properties": _members,
    "required": lambda *_: (),  # `properties` reports it
    "format": _format,
    "x-key-values": _key_values,
}
_Validator: Any = extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]
