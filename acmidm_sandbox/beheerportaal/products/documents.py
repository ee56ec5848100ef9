"""Checks documents by the JSON Schemas of the products' files."""

import re
from collections.abc import Iterator, Mapping
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


def find_mistakes(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], document: Any
) -> list[dict[str, str]]:
    """Return what is wrong with a document, in the order of its schema, which may refer to one of
    `schemas`: of each value the first mistake."""
    found: dict[str, str] = {}
    validator = _Validator({**schema, "components": {"schemas": schemas}})
    for error in islice(validator.iter_errors(document), MOST_COUNTED):
        found.setdefault(pointer(error.absolute_path), _sentence(error))
    return [{"pointer": where, "detail": detail} for where, detail in found.items()]


def rename_members(schema: Mapping[str, Any], document: dict[str, Any]) -> None:
    """Give members that are written otherwise the names that the schema has."""
    for name, member in schema.get("properties", {}).items():
        written = member.get("x-also-written")
        if name not in document and written in document:
            document[name] = document.pop(written)
        if isinstance(document.get(name), dict):
            rename_members(member, document[name])


def _sentence(error: ValidationError) -> str:
    keyword = str(error.validator)
    value: Any = error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    if keyword in _SENTENCES:
        length, s = len(instance), "" if value == 1 else "s"
        return _SENTENCES[keyword].format(value=value, length=length, s=s)
    if keyword == "type":
        kind = value if isinstance(value, str) else value[0]
        more = " or object to extract fields from" if "properties" in schema else ""
        return f"input should be a valid {_TYPES.get(kind, kind)}{more}"
    return error.message if keyword in _KEYWORDS else f"does not satisfy {keyword}"


def _members(validator: Any, members: Mapping[str, Any], value: Any, schema: Any) -> Mistakes:
    """Keyword `properties`, and that of `required` which it names; a member may be written
    otherwise."""
    if not isinstance(value, dict):
        return
    for name, member in members.items():
        written = name if name in value else member.get("x-also-written")
        if written in value:
            yield from validator.descend(value[written], member, path=written, schema_path=name)
        elif name in schema.get("required", ()):
            yield ValidationError("field required", path=[name])


def _required(_: Any, names: list[str], value: Any, schema: Any) -> Mistakes:
    """Keyword `required`, of what `properties` does not name."""
    for name in names if isinstance(value, dict) else ():
        if name not in value and name not in schema.get("properties", {}):
            yield ValidationError("field required", path=[name])


def _format(_: Any, name: str, value: Any, __: Any) -> Mistakes:
    """Keyword `format`, of texts."""
    try:
        if isinstance(value, str):
            _FORMATS.get(name, str)(value)
    except ValueError as error:
        yield ValidationError(str(error))


def _key_values(validator: Any, categories: Mapping[str, Any], value: Any, schema: Any) -> Mistakes:
    """Keyword `x-key-values`: by category, which keys `SleutelWaardeParen` has. Of a category that
    is not public, only the length of values is checked."""
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
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        raise ValueError('begins with no date; write it as in "2026-12-31"') from None


def _moment_of(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text if _DATE_TIME.fullmatch(text) else "")
    except ValueError:
        raise ValueError('is no date and time; write it as in "2026-11-26T09:30:00"') from None


_FORMATS: dict[str, Any] = {"day": day_of, "local-date-time": _moment_of, "visible": visible}
_KEYWORDS: dict[str, Any] = {
    "properties": _members,
    "required": _required,
    "format": _format,
    "x-key-values": _key_values,
}
_Validator: Any = extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]
