"""Who changed a client, when and how: the entries of an authority's audit trail, in the words of every other report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from acmidm.report.compare import ClientName, Comparison, client_name, field_changes
from acmidm.report.kinds import Change, Kind, Part
from acmidm.words import day, plain
from acmidm_onboarding.authorities.port import RecordedChange
from acmidm_onboarding.texts import say, say_counted
from acmidm_onboarding.values.client import Client, Grant, fields_in
from acmidm_onboarding.values.keys import keys_of
from acmidm_onboarding.values.terms import Environment

_SECRET = "client_secret_updated_at"


class Entry(ClientName):
    """One line of a trail: who did what to one client."""

    stack: str
    environment: Environment
    at: datetime
    actor: str
    changes: tuple[Change, ...]

    @property
    def when(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} UTC"


class History(Part):
    """The changes since a moment, newest first."""

    stacks: tuple[str, ...]
    since: datetime
    search: str = ""
    clients: int
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        facts = {
            "since": day(self.since),
            "clients": say_counted("report.clients", self.clients),
            "stacks": f" {say('status.and')} ".join(self.stacks),
        }
        count = len(self.entries)
        title = say_counted("history.title", count, **facts) if count else say("history.title.none", **facts)
        return say("status.holding", title=title, search=plain(self.search)) if self.search else title


def entry_of(stack: str, client: Client, recorded: RecordedChange) -> Entry | None:
    """The entry of one recorded change; None where the documents before and after do not differ in anything that
    reports have."""
    comparison = Comparison(recorded.at, expiring_days=None)
    before = None if recorded.action == "client.created" else _state(client, recorded, recorded.before)
    after = None if recorded.action == "client.removed" else _state(client, recorded, recorded.after)
    found = comparison.between(before, after)
    changes = found.changes if found else ()
    if not changes and before and after and (fields := field_changes(before.fields, after.fields)):
        # Which stack manages it, which a review has in another way.
        changes = (Change(kind=Kind.CLIENT_UPDATED, fields=fields),)
    if not changes:
        return None
    named = {**client_name(client), "client_id": client.client_id}
    return Entry(
        **named, stack=stack, environment=client.environment, at=recorded.at, actor=recorded.actor, changes=changes
    )


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Newest first."""
    return tuple(sorted(entries, key=lambda one: one.at, reverse=True))


def _state(client: Client, recorded: RecordedChange, document: Mapping[str, Any] | None) -> Client:
    """A client as far as one document of the trail has it; why it has a scope is known of what it has now."""
    found, place, known = document or {}, client.place, client.scopes or {}
    scopes = {
        scope: replace(known.get(scope, Grant()), default=scope in _texts(found, "default"))
        for scope in _texts(found, "scopes")
    }
    match recorded.action.partition(".")[0]:
        case "scopes":
            return Client(*place, scopes=scopes)
        case "jwks":
            return Client(*place, keys=_keys(found))
        case "product":
            configuration = found.get("configuration")
            product = _product(recorded.document)
            return Client(*place, products={product: configuration} if isinstance(configuration, Mapping) else {})
    renewed = {(recorded.before or {}).get(_SECRET), (recorded.after or {}).get(_SECRET)}
    is_renewed = len(renewed) > 1 and None not in renewed
    is_whole = recorded.action in ("client.created", "client.removed")
    return Client(
        *place,
        fields=fields_in(found),
        has_secret=document is recorded.before if is_renewed else None,
        scopes=scopes if is_whole else None,
        keys=_keys(found.get("jwks") or {}) if is_whole else None,
    )


def _product(path: str) -> str:
    """``dosis`` of ``/products/v1/dosis/configurations/…``."""
    product, marker, _ = path.partition("/configurations/")
    return product.rpartition("/")[2] if marker else path


def _keys(document: Mapping[str, Any]) -> dict[str, Any]:
    named = (key for key in document.get("keys") or () if isinstance(key, Mapping))
    return keys_of({kid: key for key in named if isinstance(kid := key.get("kid"), str)})


def _texts(document: Mapping[str, Any], name: str) -> list[str]:
    value = document.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
