"""Two states of a client, and what changes between them. Every source of a report goes through
here, so that they agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from acmidm.report.connection import ConnectionChanges, changes_in_order, client_name
from acmidm.report.contacts import Domains, contacts_to_check
from acmidm.report.fields import differ, differing, field_changes
from acmidm.report.kinds import NO_REASON, Change, FieldChange, Kind, Scale
from acmidm.report.retirement import retirement
from acmidm.words import evidence_in_words, shown
from acmidm_onboarding.engine_resources import kind_of_part
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.client import (
    JWKS_URI,
    OF_ATTRIBUTES,
    Authentication,
    Client,
    ClientKey,
    Clients,
    FormTerms,
    Grant,
)
from acmidm_onboarding.values.keys import Key, PublicKeys, not_ended
from acmidm_onboarding.values.metadata import ProductDocument
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
_AUTHENTICATED = {
    Authentication.SECRET: N_("uses a client secret ({method})"),
    Authentication.KEYS_OF_FORM: N_("{method} with keys in files"),
    Authentication.KEYS_OF_PORTAL: N_("{method} with keys from the portal"),
    Authentication.KEYS_AT_ADDRESS: N_("{method} with keys at {address}"),
}
_OF_OTHER_KINDS = frozenset({"software_id", "token_endpoint_auth_method", "enabled", JWKS_URI})
"""Fields of a client whose changes are of a kind for themselves."""
_MARKS = frozenset({"managed_by", "incarnation", "keys_declared"})
"""Fields that a run writes, not a form."""


@dataclass(frozen=True)
class Comparison:
    """How to compare two views of a client: what the catalogue has on each scope, from when a key
    counts as expiring, and whether the changes were made by hand."""

    now: datetime
    scopes: Mapping[tuple[Platform, str], tuple[str, bool]] = field(default_factory=dict)
    """Per scope, as a platform calls it, its owner and whether its name is verified."""
    expiring_days: int | None = SOON_DAYS
    """None where a report has expiring keys elsewhere."""
    by_hand: bool = False
    """Whether somebody made the changes at the authority, so that forms say nothing of them."""
    former_secrets: Mapping[tuple[Environment, Platform], str] = field(default_factory=dict)
    """Until when the secret before a new one works."""
    domains: Domains = field(default_factory=dict)

    def between(
        self,
        before: Client | None,
        after: Client | None,
        *extra: Change,
        changed: Iterable[str] = (),
        missing: Iterable[str] = (),
    ) -> ConnectionChanges | None:
        """Return the changes from one view of a client to another, and the ``extra`` ones that no
        view shows; None where nothing changes, or there is no client.

        ``changed`` are the resources of the client that the engine changes, by their types, and
        ``missing`` those that the state lacks. One that no other change is about is reported by its
        type alone, such as ``ClientScopes``.
        """
        client = after or before
        if client is None:
            return None
        changes = [*self._changes(before, after), *extra]
        scales = {change.kind.row.scale for change in changes}
        if Scale.WHOLE not in scales:
            shown = {kind_of_part(change.part) for change in changes}
            for kind, types in ((Kind.NOT_RECORDED, missing), (Kind.CHANGED_OTHERWISE, changed)):
                if not_shown := sorted(set(types) - shown):
                    changes.append(Change(kind=kind, subject=", ".join(not_shown)))
                    scales.add(kind.row.scale)
        if scales <= {Scale.NOTE} and not _has_new_unneeded_exemption(before, after):
            return None
        changes = [change.model_copy(update={"by_hand": self.by_hand}) for change in changes]
        name = client_name(client)
        if before is not None and before.client_id:
            name["client_id"] = before.client_id
        return ConnectionChanges(
            **name,
            supplier=_supplier_of_both(before, after),
            changes=changes_in_order(changes),
        )

    def secret_renewed(self, client: Client) -> Change:
        """Return the change of a client that gets another secret, and until when the former one
        works."""
        return Change(
            kind=Kind.SECRET_RENEWED,
            note=self.former_secrets.get((client.environment, client.platform)),
        )

    def _changes(self, before: Client | None, after: Client | None) -> Iterator[Change]:
        """Yield all that changes from one view of a client to the other. ``before`` is None of a
        client that is made, ``after`` of one that is removed or let go."""
        if after is None:
            if before is not None:
                yield self._removal(before)
            return
        if after.form.adopts and _is_taken_over(before, after.form.adopts):
            yield _adoption(before, after.form.adopts)
        is_new = before is None
        if before is None:
            yield from _creation(after)
            before = _before_creation(after)
        else:
            yield from self._changes_of_client(before, after)
            yield from self._changes_of_marks(before, after)
            yield from self._changes_of_protection(before, after)
            yield from self._changes_of_key_management(before, after)
            yield from self._changes_of_other_resources(before, after)
            yield from self._changes_of_evidence(before, after)
        yield from self._changes_by_form(before, after)
        if after.fields and (is_new or before.fields):
            yield from self._changes_of_attributes(before, after)
            yield from self._changes_of_keys_address(before, after)
        yield from self._changes_of_terms(before, after)
        yield from self._changes_of_scopes(before, after)
        yield from self._changes_of_keys(before.keys.known or {}, after)
        yield from _lent_keys_removed(before, after)
        known = list(before.keys.known or ())
        # With one key an authority needs no kid to find it.
        if len(known) == 1 and after.keys.signs_without_kid and len(after.keys.declared or ()) > 1:
            yield Change(kind=Kind.SECOND_KEY_WITHOUT_KID, subject=known[0])
        yield from self._changes_of_products(before, after)

    def _changes_of_evidence(self, before: Client, after: Client) -> Iterator[Change]:
        if before.keys.proven != after.keys.proven and not self.by_hand:
            yield Change(kind=Kind.EVIDENCE_CHANGED, note=evidence_in_words(after.keys.proven))

    def _changes_by_form(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield what a form alone announces or names, and nobody changes by hand: days on which
        something leaves, and new contacts."""
        if self.by_hand:
            return
        yield from retirement(before, after, self.now.date())
        if after.form.is_first:
            for contact, why in contacts_to_check(before, after, self.domains):
                yield Change(kind=Kind.CONTACT_TO_CHECK, subject=contact, note=why)

    def _removal(self, client: Client) -> Change:
        if client.leaving.is_let_go and not self.by_hand:
            return Change(kind=Kind.CLIENT_LET_GO)
        return Change(kind=Kind.CLIENT_REMOVED, fields=_lost_with_client(client))

    def _changes_of_client(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield a rename or another identity, then the changes of how the client authenticates, of
        whether it is enabled, and of its fields that no other change is about."""
        renamed = before.key != after.key
        if renamed:
            yield Change(
                kind=Kind.CLIENT_RENAMED,
                fields=(FieldChange(field="key", old=before.key, new=after.key),),
            )
        if not before.fields or not after.fields:
            return
        if not renamed and not before.record.is_taken_over:
            identity = field_changes(before.fields, after.fields, only="software_id")
            if identity:
                # In the same environment a failed run has left a rename half done.
                stays = self.by_hand or before.registered_for == after.registered_for
                kind = Kind.CLIENT_RENAMED if stays else Kind.CLIENT_REPLACED
                yield Change(kind=kind, fields=identity)
        yield from self._changes_of_authentication(before, after)
        if before.fields.get("enabled") != after.fields.get("enabled"):
            is_enabled = after.fields.get("enabled")
            kind = Kind.CLIENT_ENABLED if is_enabled else Kind.CLIENT_DISABLED
            yield Change(kind=kind)
        described = field_changes(
            before.fields, after.fields, but=self._shown_elsewhere(before, after)
        )
        if described:
            yield Change(kind=Kind.CLIENT_UPDATED, fields=described)

    def _changes_of_authentication(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield another method, and another secret where the client had one and keeps having
        one."""
        if before.auth_method == after.auth_method:
            yield from self._changes_of_secret(before, after)
            return
        kind = Kind.AUTHENTICATION_CHANGED
        if _strength(after) < _strength(before):
            kind = Kind.AUTHENTICATION_WEAKENED
        method = field_changes(before.fields, after.fields, only="token_endpoint_auth_method")
        yield Change(kind=kind, fields=method)
        if before.uses_secret and after.uses_secret:
            yield from self._changes_of_secret(before, after)
        needs_key = before.uses_secret and after.uses_keys and not after.jwks_uri
        if needs_key and not self.by_hand and not self._has_awaited_key(before, after):
            yield Change(kind=Kind.SECRET_UNTIL_KEY)

    def _shown_elsewhere(self, before: Client, after: Client) -> set[str]:
        """Return the fields that other changes are about, or that change with them: a take-over
        implies another stack, a rename another application."""
        hidden = set(_OF_OTHER_KINDS)
        if not self.by_hand:
            hidden |= _MARKS
        if before.key != after.key:
            hidden.add("application")
        names = before.fields.keys() | after.fields.keys()
        return hidden | {name for name in names if name.startswith(OF_ATTRIBUTES)}

    def _has_awaited_key(self, before: Client, after: Client) -> bool:
        """Return whether the key for which a client keeps its secret is known to be there and
        usable: then this run ends the secret."""
        if not before.secret.awaits_key or not before.keys.known:
            return False
        usable = not_ended(before.keys.known, self.now)
        if after.keys.declared is None:
            return bool(usable)
        return not after.keys.thumbprints.isdisjoint(PublicKeys(usable).thumbprints)

    def _changes_of_marks(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield each part that gets this stack's mark back: ``OAuthClient``, or the configuration
        of a product, ``ProductConfiguration/dosis``."""
        for part in sorted(before.record.marked_otherwise - after.record.marked_otherwise):
            product = part.partition("/")[2]
            if product:
                yield Change(kind=Kind.PRODUCT_MARKED, subject=product)
            else:
                yield Change(kind=Kind.CLIENT_MARKED)

    def _changes_of_secret(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield that a client gets a new secret, or the declared one again where somebody has set
        another."""
        if differ(before.secret.generation, after.secret.generation):
            yield self.secret_renewed(after)
        elif differ(before.secret.is_there, after.secret.is_there):
            # The state has no former secret of a client that awaits a key or is taken over: it gets
            # a new one.
            is_known = not (before.secret.awaits_key or before.record.is_taken_over)
            if after.secret.is_there and is_known:
                yield Change(kind=Kind.SECRET_RESTORED)
            else:
                yield self.secret_renewed(after)

    def _changes_of_attributes(self, before: Client, after: Client) -> Iterator[Change]:
        fields = field_changes(before.attributes, after.attributes)
        if fields:
            yield Change(kind=Kind.ATTRIBUTES_CHANGED, fields=fields)

    def _changes_of_keys_address(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield that a client takes its keys from an address, ``jwks_uri``, or no more. A form that
        names neither an address nor keys leaves the former address as it is."""
        old, new = before.jwks_uri, after.jwks_uri
        if old == new:
            return
        if new is not None:
            moved = (FieldChange(field=JWKS_URI, old=old, new=new),) if old else ()
            yield Change(kind=Kind.KEYS_AT_ADDRESS, subject=new, fields=moved)
        elif self.by_hand or after.keys.declared is not None:
            yield Change(kind=Kind.KEYS_OFF_ADDRESS, subject=old)

    def _changes_of_protection(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield that a client, or else one of its products, is protected against removal, or no
        more."""
        old, new = before.leaving.protected, after.leaving.protected
        if old is None or new is None:  # not known
            return
        if before.is_protected is not after.is_protected:
            kind = Kind.PROTECTION_RESTORED if after.is_protected else Kind.PROTECTION_LIFTED
            yield Change(kind=kind)
            return
        for product in sorted(old ^ new):
            # Of one that is made or removed it goes without saying.
            if product in before.products and product in after.products:
                is_protected = product in new
                kind = Kind.PRODUCT_PROTECTED if is_protected else Kind.PRODUCT_UNPROTECTED
                yield Change(kind=kind, subject=product)

    def _changes_of_other_resources(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield a change of each resource of a client that is neither client, scopes, keys nor
        product."""
        former, present = before.record.others, after.record.others
        if former is None or present is None or before.record.is_taken_over:
            return
        for part, old, new in differing(former, present):
            fields = field_changes(old or {}, new or {})
            yield Change(kind=Kind.OTHER_CHANGED, subject=part, fields=fields)

    def _changes_of_terms(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield changes of what a form says of all its clients, with its first client alone: the
        mandate of its supplier, and exemptions from policies."""
        if not after.form.is_first:
            return
        mandate = field_changes(before.form.mandate, after.form.mandate)
        if mandate:
            yield Change(kind=Kind.MANDATE_CHANGED, fields=mandate)
        for policy, old, new in differing(before.form.exemptions, after.form.exemptions):
            if old is None:
                yield Change(kind=Kind.EXEMPTION_GRANTED, subject=policy, note=new)
            elif new is None:
                yield Change(kind=Kind.EXEMPTION_REMOVED, subject=policy)
            else:
                reason = FieldChange(field="reason", old=old, new=new)
                kind = Kind.EXEMPTION_CHANGED
                yield Change(kind=kind, subject=policy, note=new, fields=(reason,))
        gate = ExemptiblePolicy.PROMOTION_GATE.value
        exempted = after.form.exemptions.get(gate)
        is_on_production = after.environment is Environment.PROD
        if is_on_production and exempted and exempted == before.form.exemptions.get(gate):
            yield Change(kind=Kind.EXEMPTION_STANDS, subject=gate, note=exempted)
        for policy in sorted(after.form.unneeded_exemptions):
            yield Change(kind=Kind.EXEMPTION_UNNEEDED, subject=policy)

    def _changes_of_key_management(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield whether form or portal has the keys from now on; and of keys in a form, whether all
        are replaced, or at most one stays."""
        if before.keys.declared is None and after.keys.declared is not None and not before.jwks_uri:
            yield Change(kind=Kind.KEYS_DECLARED)
        if not after.uses_keys or after.jwks_uri:
            return
        if after.keys.declared is None:
            yield from self._keys_handed_over(before, after)
        else:
            yield from self._keys_replaced_or_few(before, after.keys.declared)

    def _keys_handed_over(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield that an address or a form had the keys which the organisation manages at the portal
        from now on; or, where the form had none, that a key is awaited there."""
        if before.jwks_uri and not self.by_hand:
            address = FieldChange(field=JWKS_URI, new=before.jwks_uri)
            yield Change(kind=Kind.KEYS_HANDED_OVER, fields=(address,))
        elif before.keys.declared and before.uses_keys and not before.record.is_taken_over:
            gone, had = after.keys.gone_at_once, _thumbprints_in_words(before.keys.declared)
            stay = {kid: thumbprint for kid, thumbprint in had.items() if thumbprint not in gone}
            yield Change(kind=Kind.KEYS_HANDED_OVER, fields=field_changes({}, stay))
        elif before.keys.declared is not None and not before.keys.declared:
            yield Change(kind=Kind.KEY_AWAITED)

    def _keys_replaced_or_few(self, before: Client, keys: Mapping[str, Key]) -> Iterator[Change]:
        """Yield that other keys take the place of all that a client had, and that it has fewer keys
        from now on: none, or one. ``keys`` are those that it has afterwards, by ``kid``."""
        had = before.keys.known
        are_fewer = had is not None and len(keys) < len(had)
        if had and keys and not self.by_hand:
            old, new = _thumbprints_in_words(had), _thumbprints_in_words(keys)
            if set(old.values()).isdisjoint(new.values()):
                yield Change(kind=Kind.KEYS_REPLACED, fields=field_changes(old, new))
        if not keys and (had is None or are_fewer or not before.uses_keys):
            yield Change(kind=Kind.CLIENT_WITHOUT_KEY)
        elif len(keys) == 1 and are_fewer:
            yield Change(kind=Kind.CLIENT_WITH_ONE_KEY, subject=next(iter(keys)))

    def _changes_of_scopes(self, before: Client, after: Client) -> Iterator[Change]:
        former, present = before.scopes, after.scopes
        if former is None or present is None:  # not known
            return
        for scope, old, new in differing(former, present):
            if old is None:
                yield self._change_of_scope(Kind.SCOPE_GRANTED, after.platform, scope, new)
            elif new is None:
                yield self._change_of_scope(Kind.SCOPE_WITHDRAWN, after.platform, scope, old)
            else:
                yield from self._changes_of_grant(scope, old, new)

    def _change_of_scope(self, kind: Kind, platform: Platform, scope: str, grant: Grant) -> Change:
        """Return a scope that is granted or withdrawn, with its owner as the catalogue has it."""
        owner, verified = self.scopes.get((platform, scope), (None, None))
        return Change(
            kind=kind,
            subject=scope,
            note=grant.reason,
            owner=owner,
            verified=verified,
            is_default=grant.default,
            until=grant.until,
        )

    def _changes_of_grant(self, scope: str, old: Grant, new: Grant) -> Iterator[Change]:
        """Yield what is new of a scope that a client had and keeps: whether each token has it by
        default, why it has it, and until when. Authorities do not have the last two."""
        if old.default is not new.default:
            kind = Kind.SCOPE_DEFAULT if new.default else Kind.SCOPE_ON_REQUEST
            yield Change(kind=kind, subject=scope)
        if self.by_hand:
            return
        if old.reason and new.reason and old.reason != new.reason:
            restated = FieldChange(field="reason", old=_stated_reason(old), new=_stated_reason(new))
            yield Change(kind=Kind.SCOPE_NOTE_CHANGED, subject=scope, fields=(restated,))
        if old.until != new.until:
            yield _end_moved(scope, old.until, new.until)

    def _changes_of_keys(
        self,
        before: Mapping[str, Key],
        client: Client,
    ) -> Iterator[Change]:
        """Yield each key that leaves, comes or changes, then each that has ended or ends soon; none
        where the portal has the keys. ``before`` are those of the ``client`` by then, by
        ``kid``."""
        after = client.keys.declared
        if after is None:
            return
        for kid, old, new in differing(before, after):
            if new is None:
                yield self._key_removed(kid, old, client)
            elif old is None:
                yield Change(kind=Kind.KEY_ADDED, **_facts_of_key(kid, new))
            elif old.thumbprint == new.thumbprint:
                fields = field_changes(old.described, new.described)
                yield Change(kind=Kind.KEY_CHANGED, fields=fields, **_facts_of_key(kid, new))
            else:
                former = old.thumbprint
                yield Change(
                    kind=Kind.KEY_CHANGED, old_thumbprint=former, **_facts_of_key(kid, new)
                )
        if self.expiring_days is None:
            return
        soon = self.now + timedelta(days=self.expiring_days)
        for kid, key in sorted(after.items()):
            if key.expires and key.expires <= soon:
                kind = Kind.KEY_EXPIRED if key.has_ended(self.now) else Kind.KEY_EXPIRING
                yield Change(kind=kind, **_facts_of_key(kid, key))

    def _key_removed(self, kid: str, key: Key, client: Client) -> Change:
        """Return that a client loses a key: a compromised one, with the keys that still work; one
        of a supplier whose mandate has ended; or any other."""
        thumbprint, kind, note = key.thumbprint, Kind.KEY_REMOVED, None
        supplier = client.keys.revoked.get(thumbprint or "")
        if thumbprint in client.keys.compromised:
            kind, note = Kind.KEY_COMPROMISED, self._usable_in_words(client.keys.declared or {})
        elif supplier:
            note = _mandate_ended(supplier)
        return Change(kind=kind, subject=kid, thumbprint=thumbprint, note=note)

    def _usable_in_words(self, keys: Mapping[str, Key]) -> str:
        """Return the keys with which tokens can still be requested, or that none is left."""
        names = sorted(not_ended(keys, self.now))
        if names:
            return tr("left: {keys}", keys=", ".join(names))
        return tr("the application can get no token until another key is there")

    def _changes_of_products(self, before: Client, after: Client) -> Iterator[Change]:
        """Yield each product that gets a configuration, loses it, or has it changed; by hand also
        in whose it is. For whom it sends (``afzenders``) is a change for itself."""
        for product in sorted(before.products.keys() | after.products.keys()):
            old, new = before.product(product), after.product(product)
            yield from _changes_of_afzenders(product, old, new)
            fields = field_changes(flat(old.without_afzenders), flat(new.without_afzenders))
            if product not in after.products:
                yield Change(kind=Kind.PRODUCT_REMOVED, subject=product, fields=fields)
                continue
            if product not in before.products:
                yield Change(kind=Kind.PRODUCT_CONFIGURED, subject=product, fields=fields)
                continue
            if self.by_hand:
                fields += field_changes(asdict(old.owner), asdict(new.owner))
            if fields:
                yield Change(kind=Kind.PRODUCT_CHANGED, subject=product, fields=fields)


def _changes_of_afzenders(
    product: str, old: ProductDocument, new: ProductDocument
) -> Iterator[Change]:
    """Yield at most two changes of a product: for which organisations a client sends now, and for
    which no more. Each has the organisations by name, with their codes."""
    former, present = old.afzenders, new.afzenders
    gained, lost = list[FieldChange](), list[FieldChange]()
    for code, name in sorted({**former, **present}.items(), key=itemgetter(1, 0)):
        if code not in former:
            gained.append(FieldChange(field=name, new=code))
        elif code not in present:
            lost.append(FieldChange(field=name, old=code))
    for kind, fields in ((Kind.SENDS_FOR_MORE, gained), (Kind.SENDS_FOR_FEWER, lost)):
        if fields:
            yield Change(kind=kind, subject=product, note=f"{len(fields):,}", fields=tuple(fields))


def _supplier_of_both(before: Client | None, after: Client | None) -> str | None:
    """Return the folder of the supplier whose keys a client has before and after; None where that
    is none, or not the same."""
    if before is None or after is None:
        return None
    supplier = after.form.mandate.get("supplier")
    return supplier if supplier == before.form.mandate.get("supplier") else None


def _has_new_unneeded_exemption(before: Client | None, after: Client | None) -> bool:
    """Return whether a form has got an exemption that none of its environments needs."""
    had = before.form.unneeded_exemptions if before else frozenset()
    return after is not None and not after.form.unneeded_exemptions <= had


def _is_taken_over(before: Client | None, client_id: str) -> bool:
    """Return whether a form takes over a client with this change, and has not done so before."""
    if before is None or before.record.is_taken_over:
        return True
    return client_id not in (before.form.adopts, before.client_id)


def _adoption(before: Client | None, client_id: str) -> Change:
    """Return the change of a client that a form takes over, with a note: whose it was until now; or
    that the engine refuses this, where the connection has a client already."""
    note = None
    if before is not None and before.record.is_taken_over:
        note = _former_owner_in_words(before)
    elif before is not None:
        note = tr(
            "which the engine refuses where this connection has a client already; see"
            " docs/adoption.md"
        )
    return Change(kind=Kind.CLIENT_ADOPTED, subject=client_id, note=note)


def _creation(client: Client) -> Iterator[Change]:
    """Yield that a client is made, and whether it waits for a key; nothing of one that is taken
    over."""
    if client.form.adopts:
        return
    yield Change(kind=Kind.CLIENT_CREATED, note=_new_client_in_words(client))
    if client.uses_keys and not client.keys.declared and not client.jwks_uri:
        yield Change(kind=Kind.KEY_AWAITED)


def _before_creation(client: Client) -> Client:
    """Return the view that a client which is made is compared with: without scopes, keys and
    products, so that each counts as new; with the terms that are no change in a new form."""
    terms = client.form
    form = FormTerms(retire=terms.retire, keep=terms.keep, is_first=terms.is_first)
    keys = PublicKeys(None if client.keys.declared is None else {})
    return Client(*client.client_key, scopes={}, keys=keys, form=form)


def _strength(client: Client) -> int:
    return _STRENGTH.get(client.auth_method or "", -1)


def _thumbprints_in_words(keys: Mapping[str, Key]) -> dict[str, str]:
    return {kid: key.thumbprint or tr("not known") for kid, key in keys.items()}


def _stated_reason(grant: Grant) -> str | None:
    """Return the reason that a form gives for a scope; None where it gives none."""
    return None if grant.reason == NO_REASON else grant.reason


def _end_moved(scope: str, old: str | None, new: str | None) -> Change:
    """Return the change of a scope that a client has longer, or not as long; None is no end. Both
    are days as ``2027-03-31``, which are in order as texts too."""
    is_longer = new is None or (old is not None and new > old)
    moved = FieldChange(field="until", old=old, new=new)
    kind = Kind.SCOPE_RENEWED if is_longer else Kind.SCOPE_SHORTENED
    return Change(kind=kind, subject=scope, fields=(moved,))


def _facts_of_key(kid: str, key: Key) -> dict[str, Any]:
    """Return the fields of a ``Change`` that say which key it is about."""
    return {"subject": kid, "thumbprint": key.thumbprint, "expires": key.expires}


def paired(before: Clients, after: Clients) -> Iterator[tuple[Client | None, Client | None]]:
    """Yield each client before and after: None before one that is new, and after one that goes. A
    client whose key changes is one pair, by the earlier keys that its form has as ``formerly``."""
    former_keys: dict[ClientKey, ClientKey] = {}
    for client_key, client in after.items():
        if client_key in before:
            continue
        gone = [old for old in client.client_keys if old in before and old not in after]
        if gone:
            former_keys[client_key] = gone[0]
    for client_key in sorted(before.keys() | after.keys()):
        if client_key in after:
            yield before.get(former_keys.get(client_key, client_key)), after[client_key]
        elif client_key not in former_keys.values():
            yield before[client_key], None


def known_client_id(recorded: Client | None, declared: Client | None) -> str | None:
    """Return the client-ID by which an authority is asked for a client: the recorded one, else that
    of the client that its form takes over; None where there is neither.

    A declared client that people confirmed has a client-ID too, and is not taken over by it.
    """
    client_id = recorded.client_id if recorded else None
    if declared and not client_id:
        return declared.form.adopts
    return client_id


def client_replaced(client: Client, client_id: str | None) -> Change:
    """Return the change of a client that gets another client-ID, with both where the new one,
    ``client_id``, is known already."""
    if not client_id:
        return Change(kind=Kind.CLIENT_REPLACED)
    another = FieldChange(field="client_id", old=client.client_id, new=client_id)
    return Change(kind=Kind.CLIENT_REPLACED, fields=(another,))


def _new_client_in_words(client: Client) -> str:
    """Return what a reviewer checks of a new client: its organisation's code, how it
    authenticates, and its contacts."""
    how = translated(
        _AUTHENTICATED[client.authentication],
        method=client.auth_method,
        address=client.jwks_uri,
    )
    return tr(
        "{code}; {how}; contacts {contacts}",
        code=client.code,
        how=how,
        contacts=_contacts_in_words(client),
    )


def _former_owner_in_words(client: Client) -> str:
    """Return who owned a client that is taken over, as far as its authority knows."""
    named = sorted((client.keys.declared or {}).items())
    keys = ", ".join(f"{kid} {key.thumbprint or ''}".strip() for kid, key in named)
    name = client.fields.get("client_name") or tr("without a name")
    return tr(
        "until now {name}; {code}; contacts {contacts}; keys {keys}",
        name=name,
        code=client.code,
        contacts=_contacts_in_words(client),
        keys=keys or tr("none"),
    )


def _contacts_in_words(client: Client) -> str:
    return shown(client.fields.get("contacts") or tr("none"))


def _lost_with_client(client: Client) -> tuple[FieldChange, ...]:
    """Return the names of the scopes, keys and products that go with a client, as the former values
    of fields ``scopes``, ``keys`` and ``products``."""
    had = {"scopes": client.scopes, "keys": client.keys.declared, "products": client.products}
    lost: list[FieldChange] = []
    for name, values in had.items():
        if values:
            lost.append(FieldChange(field=name, old=", ".join(sorted(values))))
    return tuple(lost)


def _lent_keys_removed(before: Client, after: Client) -> Iterator[Change]:
    """Yield the keys that a run removes though the portal has the keys: those that a supplier has
    lent by a mandate, as the state remembers, and that are stolen or whose mandate has ended."""
    if after.keys.declared is not None:
        return
    names = {key.thumbprint: kid for kid, key in (before.keys.known or {}).items()}
    for thumbprint in sorted(before.keys.lent.keys() & after.keys.gone_at_once):
        supplier = after.keys.revoked.get(thumbprint)
        note = tr("its supplier says that it is stolen: it leaves at once")
        if supplier:
            note = _mandate_ended(supplier)
        yield Change(
            kind=Kind.KEY_REMOVED,
            subject=names.get(thumbprint, thumbprint),
            thumbprint=thumbprint if thumbprint in names else None,
            note=note,
        )


def _mandate_ended(supplier: str) -> str:
    return tr("of {supplier}, whose mandate has ended: it leaves at once", supplier=supplier)
