"""One client declared, recorded and actual, field by field: what somebody changed by hand, and what
waits to be applied.

Per field, *by hand* is what is actual and neither recorded nor declared; *pending* is what is
declared and either not recorded or not actual, unless somebody has done it by hand already. A
resource that is not in the state is pending as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any

from acmidm.report.compare import Comparison, client_replaced, known_client_id, paired
from acmidm.report.connection import ConnectionChanges, client_name
from acmidm.report.fields import differ
from acmidm.report.kinds import Change, Kind
from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.engine_resources import Resource, kind_of_part, product_part
from acmidm_onboarding.recorded import Recorded
from acmidm_onboarding.values.client import JWKS_URI, NOT_DECLARED, Client, Clients, Grant, grants
from acmidm_onboarding.values.metadata import Owner, ProductDocument
from acmidm_onboarding.values.plain import flat, only, without
from acmidm_onboarding.values.terms import Platform

_ABSENT = object()
"""What a view has under a name that it lacks; None is a value."""
_OF_A_RUN = ("incarnation", "keys_declared")
"""The fields of a client that no form has."""
_OWNER = "@owner"
"""The name of the owner among the fields of a product's configuration."""


@dataclass(frozen=True)
class ActualPlatform:
    """What the authority of one platform has: its clients by client-ID, and their configurations by
    product and client-ID."""

    clients: Mapping[str, RegisteredClient]
    products: Mapping[str, Mapping[str, ProductDocument]]
    assigned: frozenset[str] = frozenset()
    """The scopes that providers of APIs assign by themselves."""
    unread: Collection[str] = ()
    """The client-IDs of which nobody can tell whether they are gone."""
    unkept: Collection[str] = ()
    """The fields of a client's metadata that the authority does not keep: of those the recorded
    value is all that is known."""
    marks_products: bool = True
    """Whether a product's configuration says whose it is."""

    def client_and_products(
        self, expected: Client, client_id: str, products: Iterable[str]
    ) -> tuple[Client | None, frozenset[str]]:
        """Return a client as its authority has it, None where it is gone; and those of ``products``
        that are configured for it, which they may be even then.

        ``expected`` is the recorded client, or the declared one of a client that the state lacks.
        What the authority does not keep is as in ``expected``. A scope that its provider assigned
        by itself counts only where ``expected`` has it.
        """
        configured: dict[str, ProductDocument] = {}
        for product in products:
            document = self.products.get(product, {}).get(client_id)
            if document:
                configured[product] = document
        registered = self.clients.get(client_id)
        if registered is None:
            return None, frozenset(configured)
        assigned = self.assigned - expected.granted.keys()
        client = registered.as_client(expected.client_key, configured, assigned)
        client = _with_address_once(self._with_unkept(client, expected), expected)
        return client, frozenset(configured)

    def _with_unkept(self, client: Client, expected: Client) -> Client:
        """Return a client with what its authority does not keep, fields and the owners of product
        configurations, from the ``expected`` one."""

        def is_kept(name: str) -> bool:
            return name.partition(".")[0] not in self.unkept

        kept = {name: value for name, value in client.fields.items() if is_kept(name)}
        unkept = {name: value for name, value in expected.fields.items() if not is_kept(name)}
        products = dict(client.products)
        if not self.marks_products:
            for name in products.keys() & expected.products.keys():
                products[name] = replace(products[name], owner=expected.products[name].owner)
        return replace(client, fields={**unkept, **kept}, products=products)


def _with_address_once(client: Client, expected: Client) -> Client:
    """Return a client that has the address of its keys, ``jwks_uri``, in one place, where an
    authority has it in two: among its fields if the ``expected`` one has an address, else among its
    keys."""
    if expected.jwks_uri:
        keys = without(client.keys.declared or {}, {JWKS_URI})
        return replace(client, keys=replace(client.keys, declared=keys))
    return replace(client, fields=without(client.fields, {JWKS_URI}))


@dataclass
class ClientDrift:
    """One client in its three views, what was changed by hand and what waits to be applied; and the
    parts of it in which these changes are, ``ClientScopes`` or ``ProductConfiguration/dosis``."""

    recorded: Client | None
    declared: Client | None
    actual: Client | None = None
    """None where it is gone, or was not read, as where nobody knows its client-ID."""
    registered: RegisteredClient | None = None
    """The actual client as its authority has it, with all members of its keys."""
    configured: frozenset[str] = frozenset()
    """The products that are configured for it, also where it is gone itself."""
    by_hand: ConnectionChanges | None = None
    pending: ConnectionChanges | None = None
    parts_by_hand: set[str] = field(default_factory=set)
    parts_pending: set[str] = field(default_factory=set)
    no_run_heals: bool = False
    """Whether no run puts back what was changed: people alone can, or its form has a mistake."""

    @property
    def before(self) -> Client:
        """The recorded client: as it was before somebody changed it by hand."""
        if self.recorded is None:
            raise ValueError("the state does not have it")
        return self.recorded

    @property
    def after(self) -> Client:
        """The actual client: as it is after somebody changed it by hand."""
        if self.actual is None:
            raise ValueError("its authority does not have it")
        return self.actual

    def key_members(self, kid: str) -> dict[str, Any]:
        """Return all members of a key that its authority has."""
        return dict(self.registered.jwks[kid]) if self.registered else {}

    @property
    def urns(self) -> Mapping[str, str]:
        """The URNs of its recorded resources, by part."""
        return self.recorded.record.urns if self.recorded else {}

    @property
    def adopts_another(self) -> bool:
        """Whether the form takes over another client than the connection has: each run refuses all
        that belongs to it."""
        recorded, declared = self.recorded, self.declared
        if recorded is None or declared is None or declared.form.adopts is None:
            return False
        return declared.form.adopts not in (recorded.form.adopts, recorded.client_id)

    @property
    def removed_products(self) -> set[str]:
        """The parts of recorded products whose configuration somebody removed."""
        if self.recorded is None:
            return set()
        return set(map(product_part, self.recorded.products.keys() - self.configured))

    @property
    def healing(self) -> list[str]:
        """The URNs of the resources that a run has to bring up so that it repairs what was changed
        by hand, and nothing else. Where the client is made anew, those that depend on its client-ID
        are among them: resources of other types, and the hand-over."""
        urns = [
            urn for part, urn in self.urns.items() if part in self.parts_by_hand - self.not_healed
        ]
        if not urns or self.recorded is None or self.actual is not None:
            return urns
        urns += [self.urns[part] for part in self.recorded.record.others or {}]
        if self.recorded.record.handed_over:
            urns.append(self.recorded.record.handed_over.urn)
        return urns

    @property
    def healed(self) -> ConnectionChanges | None:
        """The changes by hand that ``healing`` repairs."""
        if self.by_hand is None:
            return None
        kept = [change for change in self.by_hand.changes if change.part not in self.not_healed]
        return self.by_hand.with_changes(kept) if kept else None

    @property
    def not_healed(self) -> set[str]:
        """The parts with a change by hand that ``drift --heal`` leaves as they are: a run of them
        would also apply a pending change, or be refused."""
        if self.no_run_heals or self.adopts_another or self._goes_as_a_whole:
            return self.parts_by_hand
        return self.parts_by_hand & self.parts_pending

    @property
    def _goes_as_a_whole(self) -> bool:
        """Whether no run can bring up one part of the client without the others."""
        recorded, declared = self.recorded, self.declared
        if self.actual is None and self.parts_pending:
            return True  # what somebody removed is made anew with all its parts, or not at all
        if any("*" in urn for urn in self.urns.values()):
            return True  # the engine reads * in a target as a wildcard
        if declared is None:
            return False
        # A resource that is not renamed yet is no target, neither by its present name nor by the
        # declared one.
        if not all(_is_named_by(urn, declared.key) for urn in self.urns.values()):
            return True
        # All resources of a client change protection at once; a client that is made anew gets it
        # with the rest.
        if recorded is None or self.actual is None:
            return False
        return recorded.is_protected is not declared.is_protected


def _is_named_by(urn: str, key: str) -> bool:
    """Return whether a resource is named ``OVO002067/loket``, or begins with ``OVO002067/loket/``,
    where that is the key."""
    return f"{urn.rpartition('::')[2]}/".startswith(f"{key}/")


def compare_clients(
    recorded: Recorded,
    declared: Clients | None,
    actual: Mapping[Platform, ActualPlatform],
    comparison: Comparison,
) -> list[ClientDrift]:
    """Compare every client of a stack. ``declared`` is None where no forms declare them: then
    nothing is pending."""
    forms = recorded.clients if declared is None else declared
    drifts = []
    for old, form in paired(recorded.clients, forms):
        drift = ClientDrift(old, _with_fields_of_run(form, old))
        _set_actual(drift, actual)
        if old is None:
            _compare_unrecorded(drift, comparison)
        elif drift.actual is None:
            _compare_removed(drift, old, comparison)
        else:
            _compare_parts(drift, old, drift.actual, comparison, recorded.cut_off)
        drifts.append(drift)
    for client in recorded.leaving:
        pending = comparison.between(client, None)
        drifts.append(ClientDrift(None, None, pending=pending))
    return drifts


def _set_actual(drift: ClientDrift, actual: Mapping[Platform, ActualPlatform]) -> None:
    """Set what its authority has of a client, where its client-ID is known and its platform could
    be read."""
    views = list(filter(None, (drift.recorded, drift.declared)))
    expected = views[0]
    client_id = known_client_id(drift.recorded, drift.declared)
    if client_id is None or expected.platform not in actual:
        return
    platform = actual[expected.platform]
    products = set(chain(*(view.products for view in views)))
    drift.actual, drift.configured = platform.client_and_products(expected, client_id, products)
    drift.registered = platform.clients.get(client_id)


def with_unordered_changes(
    drifts: Iterable[ClientDrift],
    from_ordered: Iterable[ClientDrift],
    by_hand: Collection[Platform],
) -> list[ClientDrift]:
    """Return ``drifts``, of which a client on a platform ``by_hand`` has only the changes by hand
    that nobody ordered.

    People make the ordered changes there by hand too. ``drifts`` compare the clients with what is
    confirmed of them, ``from_ordered`` with what they become once all orders are carried out.
    """
    ordered = {drift.recorded.client_key: drift for drift in from_ordered if drift.recorded}
    clients: list[ClientDrift] = []
    for drift in drifts:
        unordered = None
        if drift.recorded and drift.recorded.platform in by_hand:
            unordered = ordered.get(drift.recorded.client_key)
        if unordered is not None:
            drift = replace(
                drift,
                by_hand=unordered.by_hand,
                parts_by_hand=unordered.parts_by_hand,
                no_run_heals=True,
            )
        clients.append(drift)
    return clients


def without_confirmation(recorded: Client) -> ClientDrift:
    """Return the drift of a client whose confirmation is missing, so that nobody knows whether it
    is there."""
    change = Change(kind=Kind.CONFIRMATION_MISSING, by_hand=True)
    by_hand = ConnectionChanges(**client_name(recorded), changes=(change,))
    return ClientDrift(recorded, recorded, by_hand=by_hand, no_run_heals=True)


def with_corrected_id(recorded: Client, client_id: str) -> ClientDrift:
    """Return the drift of a client whose client-ID was confirmed wrongly, and is corrected to this
    one."""
    change = client_replaced(recorded, client_id)
    pending = ConnectionChanges(**client_name(recorded), changes=(change,))
    return ClientDrift(recorded, recorded, pending=pending, no_run_heals=True)


def _with_fields_of_run(declared: Client | None, recorded: Client | None) -> Client | None:
    """Return a declared client with what no form has and a run wrote: the incarnations of a client
    and of its configurations, and ``keys_declared``. Unchanged where no client is recorded."""
    if declared is None or recorded is None or declared is recorded:
        return declared
    products: dict[str, ProductDocument] = {}
    for name, product in declared.products.items():
        incarnation = recorded.products.get(name, product).owner.incarnation
        products[name] = replace(product, owner=replace(product.owner, incarnation=incarnation))
    fields = {**declared.fields, **only(recorded.fields, _OF_A_RUN)}
    return replace(declared, fields=fields, products=products)


def _compare_unrecorded(client: ClientDrift, comparison: Comparison) -> None:
    """Set what is pending of a client that the state lacks: all of it. A client that its authority
    has already is taken over."""
    before = client.actual
    if before is not None:
        before = replace(before, record=replace(before.record, is_taken_over=True))
    client.parts_pending = set(_values_by_part(client.declared))
    client.pending = comparison.between(before, client.declared)


def _compare_removed(client: ClientDrift, recorded: Client, comparison: Comparison) -> None:
    """Set the changes of a client that somebody removed at its authority.

    Where its form is gone too, only configurations of products may remain there, and a run removes
    them. Else the whole client was changed by hand, and what its form changes is pending besides.
    """
    declared = client.declared
    if declared is None:
        gone_too = recorded.products.keys() - client.configured
        remaining = without(recorded.products, gone_too)
        before, after = replace(recorded, products=remaining), replace(recorded, products={})
        _set_pending(client, map(product_part, remaining), before, after, comparison)
        return
    client.by_hand = replace(comparison, by_hand=True).between(recorded, None)
    recorded_values, wanted = _values_by_part(recorded), _values_by_part(declared)
    # Removed by hand, and the form has no such product either: nothing to do.
    settled = client.removed_products - wanted.keys()
    client.parts_by_hand = client.urns.keys() & recorded_values.keys() - settled
    parts = recorded_values.keys() | wanted.keys()
    differing = {part for part in parts if recorded_values.get(part) != wanted.get(part)}
    differing |= parts - client.urns.keys()
    differing -= settled
    if differing or client.adopts_another or recorded.key != declared.key:
        _set_pending(client, differing, recorded, declared, comparison)


@dataclass(frozen=True)
class _Part:
    """One part of a client in its three views, as ``_values_by_part`` has it; None where a view has
    no such part."""

    name: str
    recorded: Any
    """What the last run left."""
    declared: Any
    actual: Any
    is_missing: bool = False
    """Whether the state lacks it: its create failed, or never ran."""

    @property
    def is_left_to_the_portal(self) -> bool:
        return self.name == Resource.KEYS and self.declared is None and not self.is_missing

    @cached_property
    def without_changes_by_hand(self) -> Any:
        """The part as it would be at its authority had nobody changed it by hand."""
        declared = self.recorded if self.is_left_to_the_portal else self.declared
        return _without_unshared(self.actual, self.recorded, declared)

    @cached_property
    def before_pending(self) -> Any:
        """The part as it is before the pending changes of it are applied."""
        if self.is_missing:
            is_product = "/" in self.name  # of a product that is made again all is pending
            return None if is_product else self.actual
        if self.is_left_to_the_portal:
            return self.actual
        return _without_unshared(self.declared, self.recorded, self.actual)

    @property
    def is_by_hand(self) -> bool:
        return bool(self.without_changes_by_hand != self.actual)

    @property
    def is_pending(self) -> bool:
        if self.is_missing:
            return self.declared is not None
        return bool(self.before_pending != self.declared)


def _compare_parts(
    client: ClientDrift,
    recorded: Client,
    actual: Client,
    comparison: Comparison,
    cut_off: Collection[str],
) -> None:
    """Set the changes by hand and the pending ones of a client that all three views have, or whose
    form is gone; each part by itself. ``cut_off`` are the URNs that the last run was writing when
    it was killed."""
    declared = client.declared
    if recorded.keys.declared is None:  # left to the portal
        keys = replace(actual.keys, declared=None, uploaded=actual.keys.declared)
        actual = replace(actual, keys=keys)
    recorded_values, wanted = _values_by_part(recorded), _values_by_part(declared)
    actual_values = _values_by_part(actual)
    without_by_hand, before_pending, pending = {}, {}, set()
    for name in recorded_values.keys() | wanted.keys():
        part = _Part(name, recorded_values.get(name), wanted.get(name), actual_values.get(name))
        urn = client.urns.get(name)
        if declared is None and "/" not in name:  # client, scopes and keys go with the form
            part = replace(part, declared={})
        if urn is None or urn in cut_off:
            # A run that was cut off may have written the part already.
            part = replace(part, recorded=part.actual, is_missing=urn is None)
        without_by_hand[name] = part.without_changes_by_hand
        before_pending[name] = part.before_pending
        if part.is_by_hand:
            client.parts_by_hand.add(name)
        if part.is_pending and not (part.is_missing and declared is recorded):
            pending.add(name)
    is_rotated = _has_another_secret(recorded, actual)
    if is_rotated:
        client.parts_by_hand.add(Resource.CLIENT)
    before = _with_values_by_part(recorded, without_by_hand)
    after = replace(
        _with_values_by_part(before, {name: actual_values.get(name) for name in without_by_hand}),
        secret=replace(recorded.secret, is_there=recorded.secret.is_there and not is_rotated),
    )
    client.by_hand = replace(comparison, by_hand=True).between(before, after)
    if declared is None:
        removed = client.urns.keys() & recorded_values.keys() - client.removed_products
        _set_pending(client, removed, recorded, None, comparison)
        return
    scopes = _recorded_grants(recorded, before_pending[Resource.SCOPES] or {})
    pending |= _parts_restated(replace(recorded, scopes=scopes), declared)
    before = _with_values_by_part(recorded, before_pending)
    before = replace(
        before,
        scopes=scopes,
        keys=replace(before.keys, uploaded=actual.keys.uploaded),
        # Another stack's mark is a change by hand already.
        record=replace(recorded.record, marked_otherwise=frozenset()),
    )
    _set_pending(client, pending, before, declared, comparison)


def _has_another_secret(recorded: Client, actual: Client) -> bool:
    """Return whether somebody set another secret than the last run: at another moment."""
    updated_at = recorded.secret.updated_at
    has_secret = bool(recorded.secret.is_there) and updated_at is not None
    return has_secret and updated_at != actual.secret.updated_at


def _recorded_grants(recorded: Client, defaults: Mapping[str, bool]) -> dict[str, Grant]:
    """Return a grant for each scope, with the reason and end that the state has of it.
    ``defaults`` says of each scope whether every token has it: {"dv_dosis_schrijven": True}."""
    had = recorded.granted
    reason = NOT_DECLARED if Resource.SCOPES in recorded.record.urns else None
    granted: dict[str, Grant] = {}
    for scope, is_default in defaults.items():
        grant = had.get(scope, Grant(reason))
        granted[scope] = replace(grant, default=is_default)
    return granted


def _parts_restated(recorded: Client, declared: Client) -> set[str]:
    """Return the parts with a pending change that no value at an authority shows: a reason or end
    of a scope, another generation of the secret, evidence of a key."""
    parts: set[str] = set()
    had, wanted = recorded.granted, declared.granted
    for scope in had.keys() & wanted.keys():
        old, new = had[scope], wanted[scope]
        if (old.reason, old.until) != (new.reason, new.until):
            parts.add(Resource.SCOPES)
    if _gets_another_secret(recorded, declared):
        parts.add(Resource.CLIENT)
    if recorded.keys.proven != declared.keys.proven:
        parts.add(Resource.KEYS)
    return parts


def _gets_another_secret(recorded: Client, declared: Client) -> bool:
    if recorded.secret.is_there is not declared.secret.is_there:
        return True
    return differ(recorded.secret.generation, declared.secret.generation)


def _set_pending(
    client: ClientDrift,
    parts: Iterable[str],
    before: Client,
    after: Client | None,
    comparison: Comparison,
) -> None:
    """Set what is pending of a client that the state has, in these ``parts`` of it. One of which
    neither view shows a change is reported by its type."""
    client.parts_pending, urns = set(parts), client.urns.keys()
    client.pending = comparison.between(
        before,
        after,
        changed=map(kind_of_part, client.parts_pending & urns),
        missing=map(kind_of_part, client.parts_pending - urns),
    )
    if client.adopts_another:
        client.parts_pending.add(Resource.CLIENT)


def _without_unshared(values: Any, recorded: Any, compared: Any) -> Any:
    """Return ``values``, of which each that is neither recorded nor in ``compared`` is as recorded:
    {"a": 1} where {"a": 2}, {"a": 1} and {"a": 3} are given.

    Fields, and the members of a key, count one by one; that one is absent counts as a value too.
    """
    sides = (values, recorded, compared)
    if not all(isinstance(side, Mapping) for side in sides):
        return values if values in (recorded, compared) else recorded
    fields: dict[str, Any] = {}
    for name in {*values, *recorded, *compared}:
        value = _without_unshared(*(side.get(name, _ABSENT) for side in sides))
        if value is not _ABSENT:
            fields[name] = value
    return fields


def _values_by_part(client: Client | None) -> dict[str, Any]:
    """Return the values of a client by the resource that they are in::

        {"OAuthClient": {"client_name": …}, "ClientScopes": {"dv_dosis_schrijven": True},
         "ClientJwks": {"kid": Key}, "ProductConfiguration/dosis": {"bron_uri": …, "@owner": …}}

    The keys are None where they are left to the portal.
    """
    if client is None:
        return {}
    parts: dict[str, Any] = {
        Resource.CLIENT: client.fields,
        Resource.SCOPES: {scope: grant.default for scope, grant in client.granted.items()},
        Resource.KEYS: client.keys.declared,
    }
    for name, product in client.products.items():
        parts[product_part(name)] = {**flat(product.configuration), _OWNER: product.owner}
    return parts


def _with_values_by_part(client: Client, parts: Mapping[str, Any]) -> Client:
    """Return a client with these values instead of its own; a product with None is left out. The
    inverse of ``_values_by_part``."""
    products: dict[str, ProductDocument] = {}
    for part, values in parts.items():
        _, is_product, name = part.partition("/")
        if is_product and values is not None:
            owner = values.get(_OWNER) or Owner()
            products[name] = ProductDocument(without(values, {_OWNER}), owner)
    return replace(
        client,
        fields=parts[Resource.CLIENT],
        scopes=grants(parts[Resource.SCOPES]),
        keys=replace(client.keys, declared=parts[Resource.KEYS]),
        products=products,
    )
