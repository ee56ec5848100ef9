"""Two states of a client, and what changes between them. Every source of a report goes through
here, so that they agree."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from acmidm.report.afzenders import changes_of_afzenders
from acmidm.report.connection import ConnectionChanges, client_name, in_order
from acmidm.report.contacts import Domains, to_check
from acmidm.report.kinds import NO_REASON, Change, FieldChange, Kind, Scale
from acmidm.report.retirement import retirement
from acmidm.words import evidence_in_words, shown
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.client import (
    JWKS_URI,
    OF_ATTRIBUTES,
    Authentication,
    Client,
    ClientKey,
    Clients,
    Fields,
    without_afzenders,
)
from acmidm_onboarding.values.keys import Key
from acmidm_onboarding.values.metadata import Owner
from acmidm_onboarding.values.plain import flat
from acmidm_onboarding.values.terms import AuthMethod, Environment, ExemptiblePolicy, Platform

SOON_DAYS = 30
"""How many days before its end a key ends soon, where nobody sets another number."""
_STRENGTH: Mapping[str, int] = {
    AuthMethod.PRIVATE_KEY_JWT: 2,
    AuthMethod.CLIENT_SECRET_BASIC: 1,
    AuthMethod.CLIENT_SECRET_POST: 0,
}
"""RFC 9700 §2.5 recommends asymmetric authentication; RFC 6749 §2.3.1 advises against secrets in
the body."""
_OF_OTHER_KINDS = frozenset({"software_id", "token_endpoint_auth_method", "enabled", JWKS_URI})
_MARKS = frozenset({"managed_by", "incarnation", "keys_declared"})


@dataclass(frozen=True)
class Comparison:
    """How to compare: what the catalogue has on each scope, from when a key counts as expiring, and
    who made the changes."""

    now: datetime
    scopes: Mapping[tuple[Platform, str], tuple[str, bool]] = field(default_factory=dict)
    """Per scope, as a platform calls it, its owner and whether its name is verified."""
    expiring_days: int | None = SOON_DAYS
    """None where a report has expiring keys elsewhere."""
    by_hand: bool = False
    former_secrets: Mapping[tuple[Environment, Platform], str] = field(default_factory=dict)
    """Until when the secret before a new one works."""
    domains: Domains = field(default_factory=dict)

    def between(
        self,
        before: Client | None,
        after: Client | None,
        *more: Change,
        changed: Collection[str] = (),
        missing: Collection[str] = (),
    ) -> ConnectionChanges | None:
        """Return the changes of one client, with ``more`` that its states do not show; None where
        there are none.

        A resource that is ``changed``, or ``missing`` in the state, is reported even where no other
        change is about it.
        """
        state = after or before
        if state is None:
            return None
        changes = [*self._changes(before, after), *more]
        is_whole = any(change.kind.row.scale is Scale.WHOLE for change in changes)
        shown = (
            {*changed, *missing}
            if is_whole
            else {change.part.partition("/")[0] for change in changes}
        )
        for kind, names in ((Kind.NOT_RECORDED, missing), (Kind.CHANGED_OTHERWISE, changed)):
            if left := sorted(set(names) - shown):
                changes.append(Change(kind=kind, subject=", ".join(left)))
        had = before.unneeded_exemptions if before else frozenset()
        unneeded = after.unneeded_exemptions - had if after else None
        if all(change.kind.row.scale is Scale.NOTE for change in changes) and not unneeded:
            return None
        return ConnectionChanges(
            **(
                client_name(state) | {"client_id": (before and before.client_id) or state.client_id}
            ),
            environment=state.environment,
            supplier=_supplier(before, after),
            changes=in_order(
                change.model_copy(update={"by_hand": self.by_hand}) for change in changes
            ),
        )

    def secret_renewed(self, state: Client) -> Change:
        """Return the change of a client that gets another secret, and until when the former one
        works."""
        return Change(
            kind=Kind.SECRET_RENEWED,
            note=self.former_secrets.get((state.environment, state.platform)),
        )

    def _changes(self, before: Client | None, after: Client | None) -> Iterator[Change]:
        if after is None:
            if before is not None:
                yield (
                    Change(kind=Kind.CLIENT_LET_GO)
                    if before.is_let_go and not self.by_hand
                    else Change(kind=Kind.CLIENT_REMOVED, fields=_lost(before))
                )
            return
        if after.adopts and (
            before is None
            or before.foreign
            or after.adopts not in (before.adopts, before.client_id)
        ):
            note = (
                None
                if before is None
                else _owner(before)
                if before.foreign
                else tr(
                    "which the engine refuses where this connection has a client already; see"
                    " docs/adoption.md"
                )
            )
            yield Change(kind=Kind.CLIENT_ADOPTED, subject=after.adopts, note=note)
        is_new = before is None
        if before is None:
            if not after.adopts:
                yield Change(kind=Kind.CLIENT_CREATED, note=_entry(after))
            before = Client(*after.client_key, scopes={}, keys=None if after.keys is None else {})
            if after.uses_keys and not after.keys and not after.adopts and not after.jwks_uri:
                yield Change(kind=Kind.KEY_AWAITED)
        else:
            yield from self._changes_of_client(before, after)
            yield from self._changes_of_marks(before, after)
            yield from self._changes_of_protection(before, after)
            yield from self._changes_of_mode(before, after)
            yield from self._changes_of_others(before, after)
            if before.proven != after.proven and not self.by_hand:
                yield Change(kind=Kind.EVIDENCE_CHANGED, note=evidence_in_words(after.proven))
        if not self.by_hand:
            state = (
                replace(before, retire=after.retire, keep=after.keep, is_first=after.is_first)
                if is_new
                else before
            )
            yield from (
                Change(kind=kind, **facts)
                for kind, facts in retirement(state, after, self.now.date())
            )
            contacts = to_check(before, after, self.domains) if after.is_first else ()
            yield from (
                Change(kind=Kind.CONTACT_TO_CHECK, subject=contact, note=why)
                for contact, why in contacts
            )
        yield from self._changes_of_attributes(before, after, is_new=is_new)
        yield from self._changes_of_address(before, after, is_new=is_new)
        yield from self._changes_of_terms(before, after)
        yield from self._changes_of_scopes(before, after)
        yield from self._changes_of_keys(before.known_keys or {}, after)
        yield from _taken_from_the_portal(before, after)
        if (
            before.known_keys
            and len(before.known_keys) == 1
            and after.signs_without_kid
            and len(after.keys or ()) > 1
        ):
            yield Change(kind=Kind.SECOND_KEY_WITHOUT_KID, subject=next(iter(before.known_keys)))
        yield from self._changes_of_products(before, after)

    def _changes_of_client(self, before: Client, after: Client) -> Iterator[Change]:
        renamed = before.key != after.key
        if renamed:
            yield Change(
                kind=Kind.CLIENT_RENAMED,
                fields=(FieldChange(field="key", old=before.key, new=after.key),),
            )
        if not before.fields or not after.fields:
            return
        if not renamed and not before.foreign:
            identity = field_changes(before.fields, after.fields, only="software_id")
            if identity:
                # In the same environment this is a rename that a failed run left half done.
                stays = self.by_hand or before.registered_for == after.registered_for
                yield Change(
                    kind=Kind.CLIENT_RENAMED if stays else Kind.CLIENT_REPLACED, fields=identity
                )
        if before.auth_method != after.auth_method:
            weaker = _STRENGTH.get(after.auth_method or "", -1) < _STRENGTH.get(
                before.auth_method or "", -1
            )
            kind = Kind.AUTHENTICATION_WEAKENED if weaker else Kind.AUTHENTICATION_CHANGED
            yield Change(
                kind=kind,
                fields=field_changes(
                    before.fields, after.fields, only="token_endpoint_auth_method"
                ),
            )
            waits = before.uses_secret and after.uses_keys and not after.jwks_uri
            if waits and not self.by_hand and not self._changes_over(before, after):
                yield Change(kind=Kind.SECRET_UNTIL_KEY)
        else:
            yield from self._changes_of_secret(before, after)
        if before.fields.get("enabled") != after.fields.get("enabled"):
            yield Change(
                kind=Kind.CLIENT_ENABLED if after.fields.get("enabled") else Kind.CLIENT_DISABLED
            )
        # A take-over implies another stack; a rename implies another application.
        hidden = (
            _OF_OTHER_KINDS
            | (set() if self.by_hand else _MARKS)
            | ({"application"} if renamed else set())
        )
        hidden |= {
            name
            for state in (before, after)
            for name in state.fields
            if name.startswith(OF_ATTRIBUTES)
        }
        described = field_changes(before.fields, after.fields, but=hidden)
        if described:
            yield Change(kind=Kind.CLIENT_UPDATED, fields=described)

    def _changes_over(self, before: Client, after: Client) -> bool:
        """Return whether a client that waits for a key has a usable one, as far as is known: then
        this run ends its secret."""
        keys = (before.known_keys or {}).values() if before.awaits_key else ()
        return any(
            (after.keys is None or key.thumbprint in after.thumbprints)
            and not key.has_ended(self.now)
            for key in keys
        )

    def _changes_of_marks(self, before: Client, after: Client) -> Iterator[Change]:
        for part in sorted(before.without_marks - after.without_marks):
            product = part.partition("/")[2]
            yield (
                Change(kind=Kind.PRODUCT_MARKED, subject=product)
                if product
                else Change(kind=Kind.CLIENT_MARKED)
            )

    def _changes_of_secret(self, before: Client, after: Client) -> Iterator[Change]:
        generations = {before.secret_generation, after.secret_generation}
        if None not in generations and len(generations) > 1:
            yield self.secret_renewed(after)
        elif (
            None not in (before.has_secret, after.has_secret)
            and before.has_secret is not after.has_secret
        ):
            # A client that awaits a key has lost no secret: it gets a new one, for the state has no
            # former one.
            is_restored = after.has_secret and not before.awaits_key
            yield Change(kind=Kind.SECRET_RESTORED) if is_restored else self.secret_renewed(after)

    def _changes_of_attributes(
        self, before: Client, after: Client, *, is_new: bool
    ) -> Iterator[Change]:
        if (
            (before.fields or is_new)
            and after.fields
            and (fields := field_changes(before.attributes, after.attributes))
        ):
            yield Change(kind=Kind.ATTRIBUTES_CHANGED, fields=fields)

    def _changes_of_address(
        self, before: Client, after: Client, *, is_new: bool
    ) -> Iterator[Change]:
        """Yield changes of where keys are published. Without another source of keys they stay where
        they were."""
        old, new = before.jwks_uri, after.jwks_uri
        if old == new or not after.fields or not (before.fields or is_new):
            return
        if new is not None:
            yield Change(
                kind=Kind.KEYS_AT_ADDRESS,
                subject=new,
                fields=(FieldChange(field=JWKS_URI, old=old, new=new),) if old else (),
            )
        elif self.by_hand or after.keys is not None:
            yield Change(kind=Kind.KEYS_OFF_ADDRESS, subject=old)

    def _changes_of_protection(self, before: Client, after: Client) -> Iterator[Change]:
        if before.protected is None or after.protected is None:
            return
        if before.protected is not after.protected:
            yield Change(
                kind=Kind.PROTECTION_RESTORED if after.protected else Kind.PROTECTION_LIFTED
            )
            return
        for product in sorted(before.protected_products ^ after.protected_products):
            if product in before.products and product in after.products:
                protected = product in after.protected_products
                yield Change(
                    kind=Kind.PRODUCT_PROTECTED if protected else Kind.PRODUCT_UNPROTECTED,
                    subject=product,
                )

    def _changes_of_others(self, before: Client, after: Client) -> Iterator[Change]:
        if None not in (before.others, after.others) and not before.foreign:
            for part, old, new in _differing(before.others or {}, after.others or {}):
                yield Change(
                    kind=Kind.OTHER_CHANGED,
                    subject=part,
                    fields=field_changes(old or {}, new or {}),
                )

    def _changes_of_terms(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield changes of what a form says of all its clients: the mandate of its supplier, and
        exemptions."""
        if not after.is_first:
            return
        if fields := field_changes(before.mandate, after.mandate):
            yield Change(kind=Kind.MANDATE_CHANGED, fields=fields)
        for policy, old, new in _differing(before.exemptions, after.exemptions):
            kind = Kind.EXEMPTION_GRANTED if old is None else Kind.EXEMPTION_CHANGED
            kind = Kind.EXEMPTION_REMOVED if new is None else kind
            reason = (
                (FieldChange(field="reason", old=old, new=new),)
                if kind is Kind.EXEMPTION_CHANGED
                else ()
            )
            yield Change(kind=kind, subject=policy, note=new, fields=reason)
        gate = ExemptiblePolicy.PROMOTION_GATE.value
        if (
            after.environment is Environment.PROD
            and after.exemptions.get(gate) == before.exemptions.get(gate) is not None
        ):
            yield Change(kind=Kind.EXEMPTION_STANDS, subject=gate, note=after.exemptions[gate])
        for policy in sorted(after.unneeded_exemptions):
            yield Change(kind=Kind.EXEMPTION_UNNEEDED, subject=policy)

    def _changes_of_mode(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield changes of who manages the keys, and whether enough keys are left; none of a client
        that is taken over."""
        if before.keys is None and after.keys is not None and not before.jwks_uri:
            yield Change(kind=Kind.KEYS_DECLARED)
        if not after.uses_keys or after.jwks_uri:
            return
        if after.keys is None:
            if before.jwks_uri and not self.by_hand:
                yield Change(
                    kind=Kind.KEYS_HANDED_OVER,
                    fields=(FieldChange(field=JWKS_URI, new=before.jwks_uri),),
                )
            elif before.keys and before.uses_keys and not before.foreign:
                gone = after.compromised | after.revoked.keys()
                stay = tuple(
                    FieldChange(field=kid, new=key.thumbprint or tr("not known"))
                    for kid, key in sorted(before.keys.items())
                    if key.thumbprint not in gone
                )
                yield Change(kind=Kind.KEYS_HANDED_OVER, fields=stay)
            elif before.keys is not None and not before.keys:
                yield Change(kind=Kind.KEY_AWAITED)
            return
        had = before.known_keys
        fewer = had is not None and len(after.keys) < len(had)
        thumbprints = [
            {kid: key.thumbprint or tr("not known") for kid, key in keys.items()}
            for keys in (had or {}, after.keys)
        ]
        if (
            all(thumbprints)
            and not self.by_hand
            and set(thumbprints[0].values()).isdisjoint(thumbprints[1].values())
        ):
            yield Change(kind=Kind.KEYS_REPLACED, fields=field_changes(*thumbprints))
        if not after.keys and (had is None or fewer or not before.uses_keys):
            yield Change(kind=Kind.CLIENT_WITHOUT_KEY)
        elif len(after.keys) == 1 and fewer:
            yield Change(kind=Kind.CLIENT_WITH_ONE_KEY, subject=next(iter(after.keys)))

    def _changes_of_scopes(self, before: Client, after: Client) -> Iterator[Change]:
        had, has = before.scopes, after.scopes
        if had is None or has is None:
            return
        for scope in sorted(had.keys() ^ has.keys()):
            kind, grant = (
                (Kind.SCOPE_GRANTED, has[scope])
                if scope in has
                else (Kind.SCOPE_WITHDRAWN, had[scope])
            )
            owner, verified = self.scopes.get((after.platform, scope), (None, None))
            yield Change(
                kind=kind,
                subject=scope,
                note=grant.reason,
                owner=owner,
                verified=verified,
                is_default=grant.default,
                until=grant.until,
            )
        for scope in sorted(had.keys() & has.keys()):
            old, new = had[scope], has[scope]
            if old.default is not new.default:
                yield Change(
                    kind=Kind.SCOPE_DEFAULT if new.default else Kind.SCOPE_ON_REQUEST, subject=scope
                )
            if not self.by_hand and old.reason and new.reason and old.reason != new.reason:
                reasons = (
                    None if reason == NO_REASON else reason for reason in (old.reason, new.reason)
                )
                restated = FieldChange(
                    field="reason", **dict(zip(("old", "new"), reasons, strict=True))
                )
                yield Change(kind=Kind.SCOPE_NOTE_CHANGED, subject=scope, fields=(restated,))
            if not self.by_hand and old.until != new.until:
                yield _end_moved(scope, old.until, new.until)

    def _changes_of_keys(
        self,
        before: Mapping[str, Key],
        client: Client,
    ) -> Iterator[Change]:
        after = client.keys
        if after is None:
            return
        for kid, old, new in _differing(before, after):
            if new is None and old.thumbprint in client.compromised:
                left = sorted(name for name, key in after.items() if not key.has_ended(self.now))
                note = (
                    tr("left: {keys}", keys=", ".join(left))
                    if left
                    else tr("the application can get no token until another key is there")
                )
                yield Change(
                    kind=Kind.KEY_COMPROMISED, subject=kid, thumbprint=old.thumbprint, note=note
                )
            elif new is None:
                supplier = client.revoked.get(old.thumbprint or "")
                yield Change(
                    kind=Kind.KEY_REMOVED,
                    subject=kid,
                    thumbprint=old.thumbprint,
                    note=tr(
                        "of {supplier}, whose mandate has ended: it leaves at once",
                        supplier=supplier,
                    )
                    if supplier
                    else None,
                )
            elif old is None:
                yield Change(kind=Kind.KEY_ADDED, **_facts(kid, new))
            else:
                same = old.thumbprint == new.thumbprint
                otherwise = field_changes(old.described, new.described) if same else ()
                yield Change(
                    kind=Kind.KEY_CHANGED,
                    old_thumbprint=None if same else old.thumbprint,
                    fields=otherwise,
                    **_facts(kid, new),
                )
        for kid, key in sorted(after.items()) if self.expiring_days is not None else ():
            if key.expires and key.expires <= self.now + timedelta(days=self.expiring_days or 0):
                kind = Kind.KEY_EXPIRED if key.has_ended(self.now) else Kind.KEY_EXPIRING
                yield Change(kind=kind, **_facts(kid, key))

    def _changes_of_products(self, before: Client, after: Client) -> Iterator[Change]:
        for product in sorted(before.products.keys() | after.products.keys()):
            old, new = before.products.get(product), after.products.get(product)
            kind = Kind.PRODUCT_CONFIGURED if old is None else Kind.PRODUCT_CHANGED
            kind = Kind.PRODUCT_REMOVED if new is None else kind
            yield from changes_of_afzenders(product, old or {}, new or {})
            fields = field_changes(*(flat(without_afzenders(side or {})) for side in (old, new)))
            if self.by_hand and kind is Kind.PRODUCT_CHANGED:
                fields += field_changes(
                    *(asdict(state.owners.get(product, Owner())) for state in (before, after))
                )
            if fields or kind is not Kind.PRODUCT_CHANGED:
                yield Change(kind=kind, subject=product, fields=fields)


def _supplier(before: Client | None, after: Client | None) -> str | None:
    """Return the supplier whose keys a client has and keeps."""
    sides = {side.mandate.get("supplier") if side else None for side in (before, after)}
    return sides.pop() if len(sides) == 1 else None


def _end_moved(scope: str, old: str | None, new: str | None) -> Change:
    """Return the change of a scope that a client has longer, or not as long; None is no end."""
    is_longer = new is None or (old is not None and new > old)
    moved = FieldChange(field="until", old=old, new=new)
    kind = Kind.SCOPE_RENEWED if is_longer else Kind.SCOPE_SHORTENED
    return Change(kind=kind, subject=scope, fields=(moved,))


def _facts(kid: str, key: Key) -> dict[str, Any]:
    return {"subject": kid, "thumbprint": key.thumbprint, "expires": key.expires}


def paired(before: Clients, after: Clients) -> Iterator[tuple[Client | None, Client | None]]:
    """Yield each client before and after, also where its key changes: ``formerly`` has the earlier
    ones."""
    earlier: dict[ClientKey, ClientKey] = {}
    for client_key, state in after.items():
        former = next(
            (
                old
                for key in state.formerly
                if (old := (key, *client_key[1:])) in before and old not in after
            ),
            None,
        )
        if client_key not in before and former is not None:
            earlier[client_key] = former
    for client_key in sorted(before.keys() | after.keys()):
        if client_key in after:
            yield before.get(earlier.get(client_key, client_key)), after[client_key]
        elif client_key not in earlier.values():
            yield before[client_key], None


def client_replaced(client: Client, client_id: str | None) -> Change:
    """Return the change of a client that gets another client-ID; None where nobody knows it yet."""
    another = FieldChange(field="client_id", old=client.client_id, new=client_id)
    return Change(kind=Kind.CLIENT_REPLACED, fields=(another,) if client_id else ())


def field_changes(
    before: Fields, after: Fields, *, only: str | None = None, but: Collection[str] = ()
) -> tuple[FieldChange, ...]:
    """Return the fields that differ, in the order of their names."""
    changes = []
    for name, *values in _differing(before, after):
        if name not in but and only in (None, name):
            old, new = (None if value is None else shown(value) for value in values)
            if old == new:  # values of two types can look the same: 10 and "10"
                old, new = (
                    json.dumps(value, ensure_ascii=False, sort_keys=True) for value in values
                )
            changes.append(FieldChange(field=name, old=old, new=new))
    return tuple(changes)


def _differing(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    """Yield each name whose value differs, in order, with the value before and after; None where a
    side has no such name."""
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def _entry(state: Client) -> str:
    """Return what somebody checks before a client is let in: whose it is, how it authenticates, and
    who hears of it."""
    sources = {
        Authentication.KEYS_OF_FORM: N_("{method} with keys in files"),
        Authentication.KEYS_OF_PORTAL: N_("{method} with keys from the portal"),
        Authentication.KEYS_AT_ADDRESS: N_("{method} with keys at {address}"),
    }
    how = translated(
        sources.get(state.authentication, N_("uses a client secret ({method})")),
        method=state.auth_method,
        address=state.jwks_uri,
    )
    return tr(
        "{code}; {how}; contacts {contacts}", code=state.code, how=how, contacts=_contacts(state)
    )


def _owner(state: Client) -> str:
    """Return who owned a client that is taken over, as far as its authority knows."""
    keys = ", ".join(
        f"{kid} {key.thumbprint or ''}".strip() for kid, key in sorted((state.keys or {}).items())
    )
    name = state.fields.get("client_name") or tr("without a name")
    return tr(
        "until now {name}; {code}; contacts {contacts}; keys {keys}",
        name=name,
        code=state.code,
        contacts=_contacts(state),
        keys=keys or tr("none"),
    )


def _contacts(state: Client) -> str:
    return shown(state.fields.get("contacts") or tr("none"))


def _lost(state: Client) -> tuple[FieldChange, ...]:
    had = {"scopes": state.scopes, "keys": state.keys, "products": state.products}
    return tuple(
        FieldChange(field=name, old=", ".join(sorted(values)))
        for name, values in had.items()
        if values
    )


def _taken_from_the_portal(before: Client, after: Client) -> Iterator[Change]:
    """Yield the keys that leave though keys are left to the portal: those that a former supplier
    has lent, as far as the state remembers."""
    if after.keys is not None:
        return
    names = {key.thumbprint: kid for kid, key in (before.known_keys or {}).items()}
    for thumbprint in sorted(before.lent.keys() & (after.compromised | after.revoked.keys())):
        supplier = after.revoked.get(thumbprint)
        yield Change(
            kind=Kind.KEY_REMOVED,
            subject=names.get(thumbprint, thumbprint),
            thumbprint=thumbprint if thumbprint in names else None,
            note=tr("of {supplier}, whose mandate has ended: it leaves at once", supplier=supplier)
            if supplier
            else tr("its supplier says that it is stolen: it leaves at once"),
        )
