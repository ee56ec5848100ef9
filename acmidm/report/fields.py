"""Values by name, and which of them differ: the one way in which reports compare fields."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from acmidm.report.kinds import FieldChange
from acmidm.words import shown
from acmidm_onboarding.values.client import Fields


def field_changes(
    before: Fields, after: Fields, *, only: str | None = None, but: Collection[str] = ()
) -> tuple[FieldChange, ...]:
    """Return the fields that differ, in the order of their names: ``only`` this one, or all ``but``
    these."""
    changes = []
    for name, old, new in differing(before, after):
        if name in but or only not in (None, name):
            continue
        change = FieldChange(field=name, old=_shown(old), new=_shown(new))
        if change.old == change.new:  # values of two types can look the same: 10 and "10"
            change = FieldChange(field=name, old=_as_json(old), new=_as_json(new))
        changes.append(change)
    return tuple(changes)


def _shown(value: Any) -> str | None:
    return None if value is None else shown(value)


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def differing(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Yield each name whose value differs, in order, with the value before and after; None where a
    side has no such name."""
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def differ(old: object, new: object) -> bool:
    """Return whether two facts differ that are both known: None is not known."""
    return old is not None and new is not None and old != new
