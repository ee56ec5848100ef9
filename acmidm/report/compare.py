"""Two states of a client, and what changes between them. Every source of a report goes through here, so that they agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from acmidm.report.changes import Change, ConnectionChanges, FieldChange, Stays, in_order
from acmidm.report.kinds import SOON_DAYS, Kind
from acmidm.report.state import NO_REASON, ClientState, Key, shown
from acmidm.report.words import sentence
from components.model.catalogue import Catalogue
from components.model.form import Environment, Platform

Place = tuple[str, Platform, Environment]
States = Mapping[Place, ClientState]


@dataclass(frozen=True)
class Comparison:
    """How to compare: what the catalogue knows of each scope, from when a key counts as expiring, and who made the changes."""

    now: datetime
    scopes: Mapping[tuple[Platform, str], tuple[str, bool]] = field(default_factory=dict)
    """Per scope, as a platform calls it, its owner and whether its name is verified."""
    expiring_days: int | None = SOON_DAYS
    """None where a report tells of expiring keys elsewhere."""
    by_hand: bool = False

    def between(self, before: ClientState | None, after: ClientState | None) -> ConnectionChanges | None:
        """The changes of one client, None where there are none."""
        state = after or before
        if state is None:
            return None
        changes = in_order(self._changes(before, after))
        if all(change.kind in _OF_NOTE for change in changes) and not _newly_unneeded(before, after):
            return None
        return _connection(state, changes, client_id=(before and before.client_id) or state.client_id, stays=_stays(before, after))

    def alone(self, state: ClientState, kind: Kind, subject: str | None = None) -> ConnectionChanges:
        """A client with one change, which its states do not tell."""
        return _connection(state, (self._change(kind, subject=subject),), client_id=state.client_id)

    def all_between(self, before: States, after: States) -> list[ConnectionChanges]:
        """The changes of all clients."""
        compared = (self.between(old, new) for old, new in paired(before, after))
        return [changes for changes in compared if changes]

    def _changes(self, before: ClientState | None, after: ClientState | None) -> Iterator[Change]:
        if after is None:
            if before is not None:
                yield self._change(Kind.CLIENT_REMOVED, fields=_lost(before))
            return
        if after.adopts and (before is None or before.foreign):
            yield self._change(Kind.CLIENT_ADOPTED, subject=after.adopts)
        if before is None:
            if not after.adopts:
                yield self._change(Kind.CLIENT_CREATED)
            before = ClientState(after.form, after.platform, after.environment, scopes={}, keys={}, keys_in_portal=after.keys_in_portal)
            if after.uses_keys and (after.keys_in_portal or after.keys == {}):
                yield self._change(Kind.KEY_AWAITED)
        else:
            yield from self._changes_of_client(before, after)
            yield from self._few_keys(before, after)
        yield from self._changes_of_exemptions(before, after)
        yield from self._changes_of_scopes(after.platform, before.scopes, after.scopes)
        yield from self._changes_of_mode(before, after)
        yield from self._changes_of_keys({} if before.keys_in_portal else before.keys, after.keys)
        yield from self._changes_of_products(before.products, after.products)

    def _changes_of_client(self, before: ClientState, after: ClientState) -> Iterator[Change]:
        if before.form != after.form:
            yield self._change(Kind.CLIENT_MOVED, fields=(FieldChange(field="form", old=before.form, new=after.form),))
        if before.software_id != after.software_id and not before.foreign:
            yield self._change(Kind.CLIENT_REPLACED, fields=_identity(before, after))
        if before.auth_method and after.auth_method and before.auth_method != after.auth_method:
            weaker = after.auth_strength < before.auth_strength
            kind = Kind.AUTHENTICATION_WEAKENED if weaker else Kind.AUTHENTICATION_CHANGED
            method = FieldChange(field="token_endpoint_auth_method", old=before.auth_method, new=after.auth_method)
            yield self._change(kind, fields=(method,))
        elif None not in (before.has_secret, after.has_secret) and before.has_secret is not after.has_secret:
            yield self._change(Kind.SECRET_RESTORED if after.has_secret else Kind.SECRET_RENEWED)
        if before.enabled is not after.enabled:
            yield self._change(Kind.CLIENT_ENABLED if after.enabled else Kind.CLIENT_DISABLED)
        if before.protected is not None and after.protected is not None and before.protected is not after.protected:
            yield self._change(Kind.PROTECTION_RESTORED if after.protected else Kind.PROTECTION_LIFTED)
        if before.details is not None and after.details is not None and (before.software_id == after.software_id or before.foreign):
            fields = field_changes(before.details, after.details)
            if before.form != after.form or before.foreign:  # that another resource manages the client is what moving means
                fields = tuple(field for field in fields if field.field != "managed_by")
            if fields:
                yield self._change(Kind.CLIENT_UPDATED, fields=fields)

    def _changes_of_exemptions(self, before: ClientState, after: ClientState) -> Iterator[Change]:
        for policy in sorted(before.exemptions.keys() | after.exemptions.keys()):
            old, new = before.exemptions.get(policy), after.exemptions.get(policy)
            if new is None:
                yield self._change(Kind.EXEMPTION_REMOVED, subject=policy)
            elif old is None:
                yield self._change(Kind.EXEMPTION_GRANTED, subject=policy, note=new)
            elif old != new:
                reason = FieldChange(field="reason", old=old, new=new)
                yield self._change(Kind.EXEMPTION_CHANGED, subject=policy, note=new, fields=(reason,))
        for policy in sorted(after.unneeded_exemptions):
            yield self._change(Kind.EXEMPTION_UNNEEDED, subject=policy)

    def _changes_of_mode(self, before: ClientState, after: ClientState) -> Iterator[Change]:
        """Who manages the keys: of a client that uses none, and of one that is taken over, there is nothing to say."""
        if before.keys_in_portal is after.keys_in_portal or before.foreign or not after.uses_keys:
            return
        yield self._change(Kind.KEYS_HANDED_OVER if after.keys_in_portal else Kind.KEYS_DECLARED)
        if after.keys_in_portal and before.keys == {}:
            yield self._change(Kind.KEY_AWAITED)

    def _few_keys(self, before: ClientState, after: ClientState) -> Iterator[Change]:
        if after.uses_keys and before.keys_in_portal and after.keys == {}:
            yield self._change(Kind.CLIENT_WITHOUT_KEY)  # those that the organisation uploaded go, however many they are
        if not after.uses_keys or before.keys is None or after.keys is None:
            return
        fewer = len(after.keys) < len(before.keys)
        if not after.keys and (fewer or not before.uses_keys):
            yield self._change(Kind.CLIENT_WITHOUT_KEY)
        elif len(after.keys) == 1 and fewer:
            yield self._change(Kind.CLIENT_WITH_ONE_KEY, subject=next(iter(after.keys)))

    def _changes_of_scopes(
        self, platform: Platform, before: Mapping[str, str | None] | None, after: Mapping[str, str | None] | None
    ) -> Iterator[Change]:
        if before is None or after is None:
            return
        for scope in sorted(before.keys() ^ after.keys()):
            kind = Kind.SCOPE_GRANTED if scope in after else Kind.SCOPE_WITHDRAWN
            owner, verified = self.scopes.get((platform, scope), (None, None))
            yield self._change(kind, subject=scope, note=after.get(scope, before.get(scope)), owner=owner, verified=verified)
        for scope in sorted(before.keys() & after.keys()):
            old, new = before[scope], after[scope]
            if None not in (old, new) and old != new and not self.by_hand:
                old, new = (None if note == NO_REASON else note for note in (old, new))
                yield self._change(Kind.SCOPE_NOTE_CHANGED, subject=scope, fields=(FieldChange(field="reason", old=old, new=new),))

    def _changes_of_keys(self, before: Mapping[str, Key] | None, after: Mapping[str, Key] | None) -> Iterator[Change]:
        if before is None or after is None:
            return
        for kid in sorted(before.keys() | after.keys()):
            old, new = before.get(kid), after.get(kid)
            if new is None:
                yield self._change(Kind.KEY_REMOVED, subject=kid, thumbprint=old and old.thumbprint)
                continue
            facts: dict[str, Any] = {"subject": kid, "thumbprint": new.thumbprint, "expires": new.expires}
            if old is None:
                yield self._change(Kind.KEY_ADDED, **facts)
            elif old != new:
                same = old.thumbprint == new.thumbprint
                otherwise = field_changes(old.told(), new.told()) if same else ()
                yield self._change(Kind.KEY_CHANGED, old_thumbprint=None if same else old.thumbprint, fields=otherwise, **facts)
            if self.expiring_days is not None and new.expires and new.expires <= self.now + timedelta(days=self.expiring_days):
                yield self._change(Kind.KEY_EXPIRED if new.expires <= self.now else Kind.KEY_EXPIRING, **facts)

    def _changes_of_products(
        self, before: Mapping[str, Mapping[str, Any] | None], after: Mapping[str, Mapping[str, Any] | None]
    ) -> Iterator[Change]:
        for product in sorted(before.keys() | after.keys()):
            old, new = before.get(product), after.get(product)
            if product not in before:
                yield self._change(Kind.PRODUCT_CONFIGURED, subject=product, fields=_changed_values({}, new or {}))
            elif product not in after:
                yield self._change(Kind.PRODUCT_REMOVED, subject=product, fields=_changed_values(old or {}, {}))
            elif old is not None and new is not None and old != new:
                yield self._change(Kind.PRODUCT_CHANGED, subject=product, fields=_changed_values(old, new))

    def _change(self, kind: Kind, **facts: Any) -> Change:
        severity = kind.severity_by_hand if self.by_hand else kind.severity
        change = Change(kind=kind, severity=severity, text="", by_hand=self.by_hand, **facts)
        return change.model_copy(update={"text": sentence(change)})


def _connection(state: ClientState, changes: tuple[Change, ...], **more: Any) -> ConnectionChanges:
    return ConnectionChanges(
        environment=state.environment,
        organisation=state.organisation,
        organisation_code=state.organisation_code,
        application=state.application,
        platform=state.platform,
        form=state.form,
        changes=changes,
        **more,
    )


_OF_NOTE = frozenset({Kind.KEY_EXPIRING, Kind.KEY_EXPIRED, Kind.EXEMPTION_UNNEEDED})
"""Kinds that are no change by themselves: told of clients that do change, for the engine shows no others."""


def _newly_unneeded(before: ClientState | None, after: ClientState | None) -> bool:
    had = before.unneeded_exemptions if before else frozenset()
    return bool(after and after.unneeded_exemptions - had)


def scope_facts(catalogue: Catalogue) -> dict[tuple[Platform, str], tuple[str, bool]]:
    """Per scope, as each platform calls it, its owner and whether its name is verified."""
    return {
        (platform, named): (catalogue.product_of[name].owner, scope.verified)
        for name, scope in catalogue.scopes.items()
        for platform in Platform
        if (named := catalogue.name_on(platform, name))
    }


def paired(before: States, after: States) -> Iterator[tuple[ClientState | None, ClientState | None]]:
    """Each client with itself: by its form, or, where the form was renamed, by its natural key."""
    gone = {state.software_id: place for place, state in before.items() if place not in after and state.software_id}
    moved = {gone[state.software_id]: place for place, state in after.items() if place not in before and state.software_id in gone}
    for place in sorted(before.keys() | after.keys()):
        if place in moved:
            yield before[place], after[moved[place]]
        elif place not in moved.values():
            yield before.get(place), after.get(place)


def field_changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FieldChange, ...]:
    """The fields that differ, in the order of their names."""
    names: Iterable[str] = sorted(before.keys() | after.keys())
    return tuple(
        FieldChange(field=name, old=before.get(name), new=after.get(name)) for name in names if before.get(name) != after.get(name)
    )


def _changed_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    return field_changes(flat(before), flat(after))


def flat(value: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """``{"test": {"url": …}}`` as ``{"test.url": …}``, so that a change is told at the field that changes."""
    fields: dict[str, str] = {}
    for name, part in value.items():
        if isinstance(part, Mapping) and part:
            fields |= flat(part, f"{above}{name}.")
        else:
            fields[f"{above}{name}"] = shown(part)
    return fields


def _identity(before: ClientState, after: ClientState) -> tuple[FieldChange, ...]:
    parts = ("organisation_code", "application")
    old, new = ({name: str(getattr(state, name)) for name in parts} for state in (before, after))
    return field_changes(old, new) or (FieldChange(field="software_id", old=before.software_id, new=after.software_id),)


def _lost(state: ClientState) -> tuple[FieldChange, ...]:
    had = {"scopes": state.scopes, "keys": state.keys, "products": state.products}
    return tuple(FieldChange(field=name, old=", ".join(sorted(values))) for name, values in had.items() if values)


def _stays(before: ClientState | None, after: ClientState | None) -> Stays:
    if before is None or after is None:
        return Stays()
    keys = [kid for kid in _both(before.keys, after.keys) if (before.keys or {})[kid] == (after.keys or {})[kid]]
    products = [name for name in _both(before.products, after.products) if before.products[name] == after.products[name]]
    return Stays(scopes=tuple(_both(before.scopes, after.scopes)), keys=tuple(keys), products=tuple(products))


def _both(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
    return sorted((before or {}).keys() & (after or {}).keys())
