"""What someone else did to a document, in the words of an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


def between(known: object, found: object, wanted: object) -> str:
    """Say what was added, removed and changed since ``known``, then what is declared and what is there.

    Names only where the values are settings or keys: a person compares those in a preview.
    """
    before, now = _entries(known), _entries(found)
    actions = {
        "added": now.keys() - before.keys(),
        "removed": before.keys() - now.keys(),
        "changed": {name for name in now.keys() & before.keys() if now[name] != before[name]},
    }
    done = "; ".join(f"{action} {', '.join(sorted(names))}" for action, names in actions.items() if names)
    # Of metadata the names are always the same ones.
    shown = actions["changed"] if isinstance(found, BaseModel) else None
    return f"{done} (declared: {_listed(wanted, shown)}; found: {_listed(found, shown)})"


def _entries(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, frozenset | set):
        return dict.fromkeys(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no names to compare")


def _listed(value: object, shown: set[str] | None) -> str:
    entries = _entries(value)
    if shown is None:
        return ", ".join(sorted(entries)) or "nothing"
    return ", ".join(f"{name} {_plain(entries[name])}" for name in sorted(shown))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {part}" for name, part in value.items() if part is not None)
    return " ".join(value) or "empty" if isinstance(value, list | tuple) else str(value)
