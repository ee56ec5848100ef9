"""The JSON Schemas of products: which can be used, and checking by them in linear time, whatever
schema and form have in them."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from functools import cache, lru_cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import SchemaError as InvalidSchema
from jsonschema.validators import extend
from pydantic_core import SchemaError, SchemaValidator, core_schema

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import quoted

FORMATS = Draft202012Validator.FORMAT_CHECKER
_REFERENCES = ("$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor")
_DIALECT = Draft202012Validator.META_SCHEMA["$id"]


def usable_schema(value: dict[str, Any]) -> dict[str, Any]:
    """Return a product's schema as it is: a validator for the field of its catalogue file.

    Raises:
        ValueError: where it is no JSON Schema, or has what ``_refuse_unsupported`` refuses.
    """
    try:
        _require_usable(json.dumps(value))
    except InvalidSchema as error:
        raise ValueError(
            tr(
                "configuration is no JSON Schema: {message}; correct the schema",
                message=error.message[:200],
            )
        ) from error
    except (OverflowError, RecursionError) as error:
        # A regular expression of the schema that Python cannot compile.
        raise ValueError(
            tr("configuration is no JSON Schema that can be used; simplify its patterns")
        ) from error
    return value


@lru_cache(maxsize=64)
def _require_usable(text: str) -> None:
    """Refuse a schema, by its JSON text, that cannot be used. It is checked once per process: a
    review reads two catalogues, and most schemas are in both.

    Raises:
        InvalidSchema: where it is no JSON Schema.
        ValueError: where it has what ``_refuse_unsupported`` refuses.
    """
    schema = json.loads(text)
    Draft202012Validator.check_schema(schema)
    _refuse_unsupported(schema)


def _refuse_unsupported(schema: object) -> None:
    """Refuse what a valid schema may have anywhere in it and this project does not follow:
    references, other dialects, formats that nobody checks, patterns that may take for ever.

    Raises:
        ValueError: with a sentence for the author of the catalogue file.
    """
    if isinstance(schema, dict):
        for keyword, part in schema.items():
            if keyword == "pattern" and isinstance(part, str) and not is_pattern(part):
                raise ValueError(
                    tr(
                        "configuration has pattern {pattern}, which may take for ever; write one"
                        " without look-around",
                        pattern=quoted(part),
                    )
                )
            if keyword == "patternProperties" and isinstance(part, dict):
                raise ValueError(
                    tr(
                        'configuration uses "patternProperties"; write propertyNames and'
                        " additionalProperties instead"
                    )
                )
            if keyword in _REFERENCES and isinstance(part, str):
                raise ValueError(
                    tr(
                        'configuration uses "{keyword}"; write the schema out, each product in one'
                        " piece",
                        keyword=keyword,
                    )
                )
            if keyword == "$schema" and isinstance(part, str) and part.rstrip("#") != _DIALECT:
                raise ValueError(
                    tr(
                        "configuration is of another dialect of JSON Schema; write it in {dialect}",
                        dialect=_DIALECT,
                    )
                )
            if keyword == "format" and isinstance(part, str) and part not in FORMATS.checkers:
                raise ValueError(
                    tr(
                        "configuration uses format {format}, which is not checked here; use a"
                        " pattern instead",
                        format=quoted(part),
                    )
                )
            _refuse_unsupported(part)
    elif isinstance(schema, list):
        for part in schema:
            _refuse_unsupported(part)


def is_pattern(text: str) -> bool:
    """Return whether a regular expression can be matched in linear time: one without look-around
    and back references, of sensible size."""
    try:
        _compiled(text)
    except SchemaError:
        return False
    return True


@cache
def _compiled(pattern: str) -> SchemaValidator:
    """Compile a pattern by the engine that pydantic has: Python's own takes exponential time for
    some, such as ``^(a+)+$``."""
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))


def _pattern(
    _validator: Any, pattern: str, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    """Yield an error where a text does not match: the check of the keyword ``pattern``."""
    if isinstance(instance, str) and not _compiled(pattern).isinstance_python(instance):
        yield ValidationError("does not match")


def _unique_items(
    _validator: Any, wanted: bool, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    """Yield an error for a list that has a value twice: the check of the keyword ``uniqueItems``.
    The library's own compares each item with each."""
    if wanted and isinstance(instance, list) and len(set(map(_identity, instance))) < len(instance):
        yield ValidationError("has the same value twice")


def _identity(value: Any) -> Hashable:
    """Return what two values have in common if, and only if, JSON Schema calls them equal (§4.2.2):
    ``true`` is not 1, and 1.0 is."""
    if isinstance(value, dict):
        return frozenset((name, _identity(part)) for name, part in value.items())
    if isinstance(value, list):
        return tuple(map(_identity, value))
    return (isinstance(value, bool), value)


LinearValidator: type[Draft202012Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique_items}
)
