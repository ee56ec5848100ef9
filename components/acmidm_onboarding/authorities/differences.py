"""What someone else did to a document, in the words of an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.metadata import ProductDocument

_CHANGES = {
    "added": N_("added {names}"),
    "removed": N_("removed {names}"),
    "changed": N_("changed {names}"),
}


def difference(known: object, current: object, wanted: object) -> str:
    """Describe what was added, removed and changed since ``known``, then what is declared and what
    is there now.

    Settings and keys are described by their names alone: a person compares their values in a
    preview.
    """
    before = _entries(known)
    now = _entries(current)
    changed = {name for name in now.keys() & before.keys() if now[name] != before[name]}
    actions = {
        "added": now.keys() - before.keys(),
        "removed": before.keys() - now.keys(),
        "changed": changed,
    }
    changes: list[str] = []
    for action, names in actions.items():
        if names:
            listed = ", ".join(sorted(names))
            changes.append(translated(_CHANGES[action], names=listed))
    # Of metadata the names are always the same ones.
    shown = changed if isinstance(current, BaseModel) else None
    return tr(
        "{changes} (declared: {declared}; found: {found})",
        changes="; ".join(changes),
        declared=_listed(wanted, shown),
        found=_listed(current, shown),
    )


def _entries(value: object) -> Mapping[str, Any]:
    """Return the parts of a value by their names. Raises TypeError for a value of a type that has
    none."""
    match value:
        case None:
            return {}
        case Mapping():
            return value
        case frozenset() | set():
            return dict.fromkeys(value)
        case BaseModel():
            return dict(_fields(value))
        case ProductDocument():
            return {**value.configuration, **value.owner.marks}
    raise TypeError(f"{type(value).__name__} has no names to compare")


def _fields(model: BaseModel) -> Iterator[tuple[str, Any]]:
    """Yield each field by its name; those of a model inside it as ``organisation.name``."""
    for name, value in model:
        if isinstance(value, BaseModel):
            for part, inner in _fields(value):
                yield f"{name}.{part}", inner
        else:
            yield name, value


def _listed(value: object, shown: set[str] | None) -> str:
    entries = _entries(value)
    if shown is None:
        return ", ".join(sorted(entries)) or tr("nothing")
    return ", ".join(f"{name} {_plain(entries[name])}" for name in sorted(shown))


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(value) or tr("empty")
    return str(value)
