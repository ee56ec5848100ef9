"""Values by name, and which of them differ: the one way in which reports compare fields."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from acmidm.report.kinds import FieldChange
from acmidm.words import shown
from acmidm_onboarding.values.client import Fields

Entries = Mapping[str, Fields]
"""The scopes, products or keys of an environment, each with its fields: {"dosis": {"bron_uri":
"urn://gent/mijn-gent"}}."""


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


def changes_of_entries(before: Entries, after: Entries) -> tuple[FieldChange, ...]:
    """Return what differs of the entries in ``before``: each entry that ``after`` lacks, by its
    name, and each field, such as ``dosis.bron_uri``, of the others."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for name, fields in before.items():
        old[name] = "there"
        if name in after:
            new[name] = "there"
            old |= {f"{name}.{field}": value for field, value in fields.items()}
            new |= {f"{name}.{field}": value for field, value in after[name].items()}
    return field_changes(old, new)


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
