"""The JSON Schemas of products, checked in a time that is linear in what is checked, whatever schema and form have in them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from pydantic_core import SchemaError, SchemaValidator, core_schema


def is_pattern(text: str) -> bool:
    """Return whether a regular expression can be matched in linear time: one without look-around and back references, of sensible size."""
    try:
        _compiled(text)
    except SchemaError:
        return False
    return True


@cache
def _compiled(pattern: str) -> SchemaValidator:
    """Compile a pattern by the engine that pydantic has: Python's own takes exponential time for some, such as ``^(a+)+$``."""
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _compiled(pattern).isinstance_python(instance):
        yield ValidationError("does not match")


def _unique_items(_validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    """The library compares each item with each where their types differ."""
    if wanted and isinstance(instance, list) and len(set(map(_identity, instance))) < len(instance):
        yield ValidationError("has the same value twice")


def _identity(value: Any) -> Hashable:
    """Return what two values have in common if, and only if, JSON Schema calls them equal (§4.2.2): ``true`` is not 1, and 1.0 is."""
    if isinstance(value, dict):
        return frozenset((name, _identity(part)) for name, part in value.items())
    if isinstance(value, list):
        return tuple(map(_identity, value))
    return (isinstance(value, bool), value)


LinearValidator: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique_items}
)
