"""One client declared, recorded and real, field by field: what somebody changed by hand, and what
waits to be applied.

Per field, *by hand* is what is real and neither recorded nor declared; *pending* is what is
declared and either not recorded or not real, unless somebody has done it by hand already. A
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
_OF_A_RUN = ("incarnation", "keys_declared")
"""The fields of a client that no form has."""
_OWNER = "@owner"
"""The name of the owner among the fields of a product's configuration."""


@dataclass(frozen=True)
class Real:
    """What the authority of one platform has: its clients, and per product their configurations."""

    clients: Mapping[str, RegisteredClient]
    products: Mapping[str, Mapping[str, ProductDocument]]
    assigned: frozenset[str] = frozenset()
    """The scopes that providers of APIs assign by themselves."""
    unread: Collection[str] = ()
    """The clients of which nobody can tell whether they are gone."""
    unkept: Collection[str] = ()
    """What the authority does not keep of a client's metadata: of that nobody knows anything else
    than is recorded."""
    marks_products: bool = True
    """Whether a product's configuration says whose it is."""

    def client_and_products(
        self, expected: Client, client_id: str, products: Iterable[str]
    ) -> tuple[Client | None, frozenset[str]]:
        """Return a client as its authority has it, None where it is gone, and those of ``products``
        that are configured for it, even then.

        A scope that its provider assigned is left out, unless the ``expected`` client has it. What
        the authority does not keep is as in ``expected``.
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
        client = _without_address(self._with_unkept(client, expected), expected)
        return client, frozenset(configured)

    def _with_unkept(self, state: Client, expected: Client) -> Client:
        """Return a client with the fields and owners that its authority does not keep, as they are
        expected."""

        def is_kept(name: str) -> bool:
            return name.partition(".")[0] not in self.unkept

        kept = {name: value for name, value in state.fields.items() if is_kept(name)}
        unkept = {name: value for name, value in expected.fields.items() if not is_kept(name)}
        products = dict(state.products)
        if not self.marks_products:
            for name in products.keys() & expected.products.keys():
                products[name] = replace(products[name], owner=expected.products[name].owner)
        return replace(state, fields={**unkept, **kept}, products=products)


def _without_address(state: Client, expected: Client) -> Client:
    """Return a client without the address of its keys: among its keys where an address is expected,
    else among its fields."""
    if expected.jwks_uri:
        keys = without(state.keys.declared or {}, {JWKS_URI})
        return replace(state, keys=replace(state.keys, declared=keys))
    return replace(state, fields=without(state.fields, {JWKS_URI}))


@dataclass
class ClientDrift:
    """One client: its changes, and the parts of it, resource by resource, in which they are."""

    recorded: Client | None
    declared: Client | None
    real: Client | None = None
    registered: RegisteredClient | None = None
    """The same as its authority has it, with all members of its keys."""
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
        """One that is recorded, as it was before somebody changed it by hand."""
        if self.recorded is None:
            raise ValueError("the state does not have it")
        return self.recorded

    @property
    def after(self) -> Client:
        """One that is at its authority, as it is there now."""
        if self.real is None:
            raise ValueError("its authority does not have it")
        return self.real

    def key_members(self, kid: str) -> dict[str, Any]:
        """Return all members of a key that its authority has."""
        return dict(self.registered.jwks[kid]) if self.registered else {}

    @property
    def urns(self) -> Mapping[str, str]:
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
    def gone(self) -> set[str]:
        """The parts that are recorded and whose configuration somebody took away."""
        if self.recorded is None:
            return set()
        return set(map(product_part, self.recorded.products.keys() - self.configured))

    @property
    def healing(self) -> list[str]:
        """The URNs of the resources that repair what was changed by hand, and nothing else; of a
        new client all, and what tells its ID."""
        urns = [
            urn for part, urn in self.urns.items() if part in self.parts_by_hand - self.not_healed
        ]
        if not urns or self.recorded is None or self.real is not None:
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
        """The parts that --heal leaves as they are, for a change by hand and a pending one meet in
        them."""
        if self.no_run_heals or self.adopts_another or self._goes_as_a_whole:
            return self.parts_by_hand
        return self.parts_by_hand & self.parts_pending

    @property
    def _goes_as_a_whole(self) -> bool:
        """Whether no part of the client can be brought up without the others."""
        recorded, declared = self.recorded, self.declared
        if self.real is None and self.parts_pending:
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
        if recorded is None or self.real is None:
            return False
        return recorded.is_protected is not declared.is_protected


def _is_named_by(urn: str, key: str) -> bool:
    """Return whether a resource has its name from a key."""
    return f"{urn.rpartition('::')[2]}/".startswith(f"{key}/")


def drifted(
    recorded: Recorded,
    declared: Clients | None,
    real: Mapping[Platform, Real],
    comparison: Comparison,
) -> list[ClientDrift]:
    """Compare every client of a stack. ``declared`` is None where no forms declare them: then
    nothing is pending."""
    forms = recorded.clients if declared is None else declared
    drifts = []
    for old, form in paired(recorded.clients, forms):
        drift = ClientDrift(old, _with_incarnations(form, old))
        _set_actual(drift, real)
        if old is None:
            _compare_unrecorded(drift, comparison)
        elif drift.real is None:
            _compare_removed(drift, old, comparison)
        else:
            _compare_parts(drift, old, drift.real, comparison, recorded.cut_off)
        drifts.append(drift)
    for state in recorded.leaving:
        pending = comparison.between(state, None)
        drifts.append(ClientDrift(None, None, pending=pending))
    return drifts


def _set_actual(drift: ClientDrift, real: Mapping[Platform, Real]) -> None:
    """Set what its authority has of a client, where it could be read."""
    sides = list(filter(None, (drift.recorded, drift.declared)))
    expected = sides[0]
    client_id = known_client_id(drift.recorded, drift.declared)
    if client_id is None or expected.platform not in real:
        return
    there = real[expected.platform]
    products = set(chain(*(side.products for side in sides)))
    drift.real, drift.configured = there.client_and_products(expected, client_id, products)
    drift.registered = there.clients.get(client_id)


def with_unordered(
    drifts: Iterable[ClientDrift], ordered: Iterable[ClientDrift], by_hand: Collection[Platform]
) -> list[ClientDrift]:
    """Return clients as they are confirmed; those on platforms ``by_hand`` with the changes that
    nobody ordered.

    ``ordered`` compares the clients with what is wanted of them.
    """
    wanted = {drift.recorded.client_key: drift for drift in ordered if drift.recorded}

    clients: list[ClientDrift] = []
    for drift in drifts:
        against_wanted = None
        if drift.recorded and drift.recorded.platform in by_hand:
            against_wanted = wanted.get(drift.recorded.client_key)
        if against_wanted is not None:
            drift = replace(
                drift,
                by_hand=against_wanted.by_hand,
                parts_by_hand=against_wanted.parts_by_hand,
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


def with_another_id(recorded: Client, client_id: str) -> ClientDrift:
    """Return the drift of a client whose client-ID was confirmed wrongly, and is corrected."""
    change = client_replaced(recorded, client_id)
    pending = ConnectionChanges(**client_name(recorded), changes=(change,))
    return ClientDrift(recorded, recorded, pending=pending, no_run_heals=True)


def _with_incarnations(declared: Client | None, recorded: Client | None) -> Client | None:
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
    """Set what is pending of a client that the state lacks: all of it; a client that is there
    already is taken over."""
    before = client.real
    if before is not None:
        before = replace(before, record=replace(before.record, is_taken_over=True))
    client.parts_pending = set(_values_by_part(client.declared))
    client.pending = comparison.between(before, client.declared)


def _compare_removed(client: ClientDrift, recorded: Client, comparison: Comparison) -> None:
    """Set the changes of a client that somebody removed. Where its form is gone too, only
    configurations of products may be left."""
    declared = client.declared
    if declared is None:
        gone_too = recorded.products.keys() - client.configured
        there = without(recorded.products, gone_too)
        before, after = replace(recorded, products=there), replace(recorded, products={})
        _set_pending(client, map(product_part, there), before, after, comparison)
        return
    client.by_hand = replace(comparison, by_hand=True).between(recorded, None)
    then, wanted = _values_by_part(recorded), _values_by_part(declared)
    gone = client.gone - wanted.keys()
    client.parts_by_hand = client.urns.keys() & then.keys() - gone
    parts = then.keys() | wanted.keys()
    differing = {part for part in parts if then.get(part) != wanted.get(part)}
    differing |= parts - client.urns.keys()
    differing -= gone
    if differing or client.adopts_another or recorded.key != declared.key:
        _set_pending(client, differing, recorded, declared, comparison)


@dataclass(frozen=True)
class _Part:
    """One part of a client: what it ``was`` after the last run, what its form ``wants``, and what
    its authority has (``actual``)."""

    name: str
    was: Any
    wants: Any
    actual: Any
    is_missing: bool = False
    """Whether the state lacks it: its create failed, or never ran."""

    @property
    def is_left_to_the_portal(self) -> bool:
        return self.name == Resource.KEYS and self.wants is None and not self.is_missing

    @cached_property
    def expected(self) -> Any:
        """The part without changes by hand."""
        wanted = self.was if self.is_left_to_the_portal else self.wants
        return _without_unshared(self.actual, self.was, wanted)

    @cached_property
    def basis(self) -> Any:
        """The part before what is pending."""
        if self.is_missing:
            return None if "/" in self.name else self.actual
        if self.is_left_to_the_portal:
            return self.actual
        return _without_unshared(self.wants, self.was, self.actual)

    @property
    def is_by_hand(self) -> bool:
        return bool(self.expected != self.actual)

    @property
    def is_pending(self) -> bool:
        if self.is_missing:
            return self.wants is not None
        return bool(self.basis != self.wants)


def _compare_parts(
    client: ClientDrift,
    recorded: Client,
    real: Client,
    comparison: Comparison,
    cut_off: Collection[str],
) -> None:
    """Set the changes by hand, and those that are pending, part by part."""
    declared = client.declared
    if recorded.keys.declared is None:  # left to the portal
        keys = replace(real.keys, declared=None, uploaded=real.keys.declared)
        real = replace(real, keys=keys)
    then, wanted, now = _values_by_part(recorded), _values_by_part(declared), _values_by_part(real)
    expected, basis, pending = {}, {}, set()
    for part in then.keys() | wanted.keys():
        views = _Part(part, then.get(part), wanted.get(part), now.get(part))
        urn = client.urns.get(part)
        if declared is None and "/" not in part:
            views = replace(views, wants={})
        if urn is None or urn in cut_off:
            # A run that was cut off may have written the part already.
            views = replace(views, was=views.actual, is_missing=urn is None)
        expected[part], basis[part] = views.expected, views.basis
        if views.is_by_hand:
            client.parts_by_hand.add(part)
        if views.is_pending and not (views.is_missing and declared is recorded):
            pending.add(part)
    is_rotated = _is_rotated(recorded, real)
    if is_rotated:
        client.parts_by_hand.add(Resource.CLIENT)
    before = _with_parts(recorded, expected)
    after = replace(
        _with_parts(before, {part: now.get(part) for part in expected}),
        secret=replace(recorded.secret, is_there=recorded.secret.is_there and not is_rotated),
    )
    client.by_hand = replace(comparison, by_hand=True).between(before, after)
    if declared is None:
        _set_pending(
            client,
            client.urns.keys() & then.keys() - client.gone,
            recorded,
            None,
            comparison,
        )
        return
    scopes = _grants_of(recorded, basis[Resource.SCOPES] or {})
    pending |= _restated(replace(recorded, scopes=scopes), declared)
    before = _with_parts(recorded, basis)
    before = replace(
        before,
        scopes=scopes,
        keys=replace(before.keys, uploaded=real.keys.uploaded),
        record=replace(recorded.record, marked_otherwise=frozenset()),
    )
    _set_pending(client, pending, before, declared, comparison)


def _is_rotated(recorded: Client, real: Client) -> bool:
    """Return whether somebody set another secret than the last run."""
    updated_at = recorded.secret.updated_at
    has_secret = bool(recorded.secret.is_there) and updated_at is not None
    return has_secret and updated_at != real.secret.updated_at


def _grants_of(recorded: Client, defaults: Mapping[str, bool]) -> dict[str, Grant]:
    """Return scopes with what the state has of each; ``defaults`` says of each whether every token
    has it."""
    had = recorded.granted
    reason = NOT_DECLARED if Resource.SCOPES in recorded.record.urns else None
    granted: dict[str, Grant] = {}
    for scope, is_default in defaults.items():
        grant = had.get(scope, Grant(reason))
        granted[scope] = replace(grant, default=is_default)
    return granted


def _restated(recorded: Client, declared: Client) -> set[str]:
    """Return the parts of which the declaration says something else that no authority has: a reason
    or end of a scope, another secret, evidence."""
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
    """Set the pending changes of a client that the state has."""
    client.parts_pending, urns = set(parts), client.urns.keys()
    client.pending = comparison.between(
        before,
        after,
        changed=map(kind_of_part, client.parts_pending & urns),
        missing=map(kind_of_part, client.parts_pending - urns),
    )
    if client.adopts_another:
        client.parts_pending.add(Resource.CLIENT)


def _without_unshared(new: Any, was: Any, compared: Any) -> Any:
    """Return ``new``, with each value that neither ``was`` nor ``compared`` has put back to what it
    ``was``. Fields, and the members of a key, count one by one; one that is absent counts too."""
    sides = (new, was, compared)
    if not all(isinstance(side, Mapping) for side in sides):
        return new if new in (was, compared) else was
    fields: dict[str, Any] = {}
    for name in {*new, *was, *compared}:
        value = _without_unshared(*(side.get(name, _ABSENT) for side in sides))
        if value is not _ABSENT:
            fields[name] = value
    return fields


def _values_by_part(state: Client | None) -> dict[str, Any]:
    """Return the values of a client by the resource that they are in. None: keys that are left to
    the portal."""
    if state is None:
        return {}
    parts: dict[str, Any] = {
        Resource.CLIENT: state.fields,
        Resource.SCOPES: {scope: grant.default for scope, grant in state.granted.items()},
        Resource.KEYS: state.keys.declared,
    }
    for name, product in state.products.items():
        parts[product_part(name)] = {**flat(product.configuration), _OWNER: product.owner}
    return parts


def _with_parts(state: Client, parts: Mapping[str, Any]) -> Client:
    """Return a client with other values."""
    products: dict[str, ProductDocument] = {}
    for part, values in parts.items():
        _, is_product, name = part.partition("/")
        if is_product and values is not None:
            owner = values.get(_OWNER) or Owner()
            products[name] = ProductDocument(without(values, {_OWNER}), owner)
    return replace(
        state,
        fields=parts[Resource.CLIENT],
        scopes=grants(parts[Resource.SCOPES]),
        keys=replace(state.keys, declared=parts[Resource.KEYS]),
        products=products,
    )
