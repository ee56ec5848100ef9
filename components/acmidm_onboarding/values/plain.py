"""Values as they are compared, wherever they come from: a form, a state, an authority."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


def normalised(value: Any) -> Any:
    """Return a value with whole numbers as integers, which the engine sends as floating point, and
    tuples as lists."""
    if isinstance(value, Mapping):
        return {name: normalised(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return list(map(normalised, value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def flat(value: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return ``{"test": {"url": …}}`` as ``{"test.url": …}``, so that a change shows at the field
    that changes.

    A name with a dot is quoted, so that no two fields get the same name.
    """
    fields: dict[str, Any] = {}
    for key, part in value.items():
        name = json.dumps(key, ensure_ascii=False) if "." in key or key.startswith('"') else key
        if isinstance(part, Mapping) and part:
            fields |= flat(part, f"{above}{name}.")
        else:
            fields[f"{above}{name}"] = normalised(part)
    return fields


def without(values: Mapping[K, V], names: Container[K]) -> dict[K, V]:
    """Return values but for those of some names."""
    return {name: value for name, value in values.items() if name not in names}


def filled(values: Mapping[K, V | None]) -> dict[K, V]:
    """Return the values that are not empty."""
    return {name: value for name, value in values.items() if value}


def only(values: Mapping[K, V], names: Iterable[K]) -> dict[K, V]:
    """Return the values of some names, in the order of the names, as far as there are any."""
    return {name: values[name] for name in names if name in values}
