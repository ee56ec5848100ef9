"""What someone else did to a document, in the words of an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any


def told(known: object, found: object, wanted: object) -> str:
    """What was added, removed and changed since ``known``, then what is declared and what is there.

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
    shown = actions["changed"] if is_dataclass(found) else None
    return f"{done} (declared: {_listed(wanted, shown)}; found: {_listed(found, shown)})"


def _entries(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, frozenset | set):
        return dict.fromkeys(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} has no names to compare")


def _listed(value: object, shown: set[str] | None) -> str:
    entries = _entries(value)
    if shown is None:
        return ", ".join(sorted(entries)) or "nothing"
    return ", ".join(f"{name} {_plain(entries[name])}" for name in sorted(shown))


def _plain(value: Any) -> str:
    return " ".join(value) or "empty" if isinstance(value, list | tuple) else str(value)
