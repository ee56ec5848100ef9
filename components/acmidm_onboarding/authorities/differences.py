"""What someone else did to a document, in the words of an error."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
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
    """Return what another writer did to a document since ``known``, then what is declared and what
    was found: ``added dv_x; removed dv_y (declared: dv_y; found: dv_x)``.

    Settings and keys are named without their values, which a preview shows; changed metadata is
    shown with its values.
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
    # All metadata have the same names, so that only values tell them apart.
    listed_of = partial(_values_of, names=changed) if isinstance(current, BaseModel) else _names_of
    return tr(
        "{changes} (declared: {declared}; found: {found})",
        changes="; ".join(changes),
        declared=listed_of(wanted),
        found=listed_of(current),
    )


def _entries(value: object) -> Mapping[str, Any]:
    """Return what can differ in a document, by name: scopes, keys by ``kid``, metadata by field, or
    settings and marks of a product. None, for a document that is not there, has nothing."""
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
    """Yield each field of metadata with its value; those of a model inside it as
    ``organisation.name``."""
    for name, value in model:
        if isinstance(value, BaseModel):
            for part, inner in _fields(value):
                yield f"{name}.{part}", inner
        else:
            yield name, value


def _names_of(value: object) -> str:
    return ", ".join(sorted(_entries(value))) or tr("nothing")


def _values_of(metadata: object, names: Collection[str]) -> str:
    """Return some fields of metadata, as ``enabled False, contacts a@b.example``."""
    entries = _entries(metadata)
    return ", ".join(f"{name} {_in_words(entries[name])}" for name in sorted(names))


def _in_words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(value) or tr("empty")
    return str(value)
