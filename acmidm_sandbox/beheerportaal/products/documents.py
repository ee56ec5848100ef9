"""Checks documents by the JSON Schemas of the products' files (`<product>.yaml`), which have two
keywords of their own: `x-also-written`, another name of a member, and `x-key-values`."""

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
from acmidm_sandbox.beheerportaal.untrusted import require_visible

MOST_COUNTED = 2_500  # mistakes: to find each costs time, and who sends them may be hostile
LONGEST_VALUE = 80 * 1024  # bytes (wiki 7209091106, 7217348621)

# What the products answer where a keyword of JSON Schema is broken, without the value.
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
    """Return what is wrong with a document, as `[{"pointer": "/Id", "detail": "field required"}]`:
    of each value the first mistake, in the order of the schema, which may refer to `schemas`.

    Changes the document: a member under its name in `x-also-written` gets the schema's name.
    """
    details: dict[str, str] = {}
    validator = _Validator({**schema, "components": {"schemas": schemas}})
    for error in islice(validator.iter_errors(document), MOST_COUNTED):
        details.setdefault(pointer(error.absolute_path), _sentence(error))
    return [{"pointer": place, "detail": detail} for place, detail in details.items()]


def _sentence(error: Any) -> str:
    """Return an error of jsonschema's in the products' words, which go on after the name of the
    member. Of a keyword of jsonschema's that has no such words, only its name."""
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
    """Check the keywords `properties` and `required` of a schema, member by member. A member under
    its name in `x-also-written` gets the schema's name in `value`; mistakes have the name that was
    sent."""
    if not isinstance(value, dict):
        return
    required = schema.get("required", ())
    for name in dict.fromkeys((*members, *required)):
        member, sent_name = members.get(name, {}), name
        if name not in value and member.get("x-also-written") in value:
            sent_name = member["x-also-written"]
            value[name] = value.pop(sent_name)
        if name in value:
            yield from validator.descend(value[name], member, path=sent_name)
        elif name in required:
            yield ValidationError("field required", path=[name])


def _format(_: Any, name: str, value: Any, __: Any) -> Mistakes:
    """Check a text by the keyword `format`, where `_FORMATS` has its name."""
    if not isinstance(value, str) or name not in _FORMATS:
        return
    try:
        _FORMATS[name](value)
    except ValueError as error:
        yield ValidationError(str(error))


def _key_values(validator: Any, categories: Mapping[str, Any], value: Any, schema: Any) -> Mistakes:
    """Check the pairs of a notification's `SleutelWaardeParen` by the keyword `x-key-values`:
    {category: {"required": [key, …], "optional": […], "filled_in": […]}}. Of a category that is
    not in it, only the length of values is checked: not all are public."""
    member = "SleutelWaardeParen"
    if not isinstance(value, dict):
        return
    pairs = value.get(member) or []
    if not validator.evolve(schema=schema["properties"][member]).is_valid(pairs):
        return  # `properties` reports it
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
    """Return the day of a date, or of a date and time. Raises ValueError."""
    match = _DAY.fullmatch(text)
    with suppress(ValueError):
        if match:
            return date.fromisoformat(match[1])
    raise ValueError('begins with no date; write it as in "2026-12-31"')


def _moment_of(text: str) -> datetime:
    """Return a date and time. Raises ValueError."""
    with suppress(ValueError):
        if _DATE_TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    raise ValueError('is no date and time; write it as in "2026-11-26T09:30:00"')


_FORMATS: dict[str, Any] = {
    "day": day_of,
    "local-date-time": _moment_of,
    "visible": require_visible,
}
_KEYWORDS: dict[str, Any] = {
    "properties": _members,
    "required": lambda *_: (),  # `properties` reports it
    "format": _format,
    "x-key-values": _key_values,
}
_Validator: Any = extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]
