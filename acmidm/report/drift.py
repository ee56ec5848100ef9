"""Declared, recorded and real, field by field: what somebody changed by hand, and what is declared but was not applied yet.

Per field, *by hand* is what is real and neither recorded nor declared; *pending* is what is declared and either not recorded or not
real, unless somebody has done it by hand already. A resource that is not in the state is pending as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from acmidm.report.client import ClientState, Fields, Place, States, product_part, snapshot_state
from acmidm.report.compare import Comparison, client_name, paired
from acmidm.report.kinds import Kind, Resource
from acmidm.report.model import Change, ClientName, ConnectionChanges, Part, connections_in_order, counted_kinds, phrases
from acmidm.report.plan import Recorded
from acmidm.report.words import WHOLE, day, days, number, plain
from components.authorities.port import ClientSnapshot, ProductDocument, RecordedChange
from components.model.form import Environment, Platform
from components.model.policies import POLICIES, Planned, Profile, Situation

_ABSENT = object()
_OWNER = "@owner"
"""The name of the owner among the fields of a product's configuration."""
_NOT_DECLARED = "granted outside this project"
"""What a refresh writes as the reason for a scope that somebody granted by hand."""


class ExpiringKey(ClientName):
    """A key of a declared client that ends soon, or has ended."""

    kid: str
    thumbprint: str | None = None
    expires: datetime
    days_left: int

    @property
    def ends(self) -> str:
        """When it ends, and how long that is from now."""
        return f"{day(self.expires)} expired" if self.days_left < 0 else f"{day(self.expires)}, {days(self.days_left)}"


class UndeclaredClient(Part):
    """A client at an authority that nobody declares."""

    platform: Platform
    client_id: str
    client_name: str
    organisation: str
    application: str
    made_by: str | None = None


class Drift(Part):
    """One stack: declared against real."""

    stack: str
    environment: Environment
    headline: str
    checked_at: datetime
    in_sync: bool
    clients: int
    by_hand: tuple[ConnectionChanges, ...]
    not_applied: tuple[ConnectionChanges, ...]
    expiring: tuple[ExpiringKey, ...] = ()
    undeclared: tuple[UndeclaredClient, ...] = ()
    counts: dict[Kind, int]
    healed: bool | None = None
    repaired: tuple[ConnectionChanges, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Real:
    """What the authority of one platform has: its clients, and per product their configurations."""

    clients: Mapping[str, ClientSnapshot]
    products: Mapping[str, Mapping[str, ProductDocument]]
    assigned: frozenset[str] = frozenset()
    """The scopes that providers of APIs assign by themselves."""

    def configured(self, client_id: str, products: Iterable[str]) -> dict[str, ProductDocument]:
        """Those of ``products`` that are configured for a client, also where it is gone itself."""
        return {product: document for product in products if (document := self.products.get(product, {}).get(client_id))}

    def state(self, place: Place, client_id: str, known: ClientState, products: Iterable[str]) -> ClientState | None:
        """A client and its ``products``. A scope that its provider assigned is left out, unless the client is ``known`` to have it."""
        snapshot, found = self.clients.get(client_id), self.configured(client_id, products)
        assigned = self.assigned - (known.scopes or {}).keys()
        return None if snapshot is None else snapshot_state(place, snapshot, found, assigned)


@dataclass
class ClientDrift:
    """One client: its changes, and the parts of it, resource by resource, in which they are."""

    recorded: ClientState | None
    declared: ClientState | None
    real: ClientState | None = None
    configured: frozenset[str] = frozenset()
    """The products that are configured for it, also where it is gone itself."""
    by_hand: ConnectionChanges | None = None
    pending: ConnectionChanges | None = None
    parts_by_hand: set[str] = field(default_factory=set)
    parts_pending: set[str] = field(default_factory=set)

    @property
    def urns(self) -> Mapping[str, str]:
        return self.recorded.urns if self.recorded else {}

    @property
    def healing(self) -> list[str]:
        """The URNs of the resources that repair what was changed by hand, and nothing else."""
        return [urn for part, urn in self.urns.items() if part in self.parts_by_hand - self.left]

    @property
    def healed(self) -> ConnectionChanges | None:
        """The changes by hand that ``healing`` repairs."""
        kept = [change for change in self.by_hand.changes if not self._is_left(change)] if self.by_hand else []
        return self.by_hand.with_changes(kept) if self.by_hand and kept else None

    def _is_left(self, change: Change) -> bool:
        resource = change.kind.row.resource
        return (product_part(change.subject or "") if resource is Resource.PRODUCT else resource) in self.left

    @property
    def left(self) -> set[str]:
        """The parts that --heal leaves as they are, for a change by hand and a pending one meet in them."""
        if self.real is None and self.parts_pending:
            return self.parts_by_hand  # a client is made anew with all its parts, or not at all
        if self._moves or any("*" in urn for urn in self.urns.values()):
            return self.parts_by_hand  # in a target * is a wildcard
        return self.parts_by_hand & self.parts_pending

    @property
    def _moves(self) -> bool:
        """Whether an ``up`` changes something of all its resources: their names, or their protection."""
        one, other = self.recorded, self.declared
        return one is not None and other is not None and (one.key != other.key or one.protected is not other.protected)


def drifted(recorded: Recorded, declared: States | None, real: Mapping[Platform, Real], comparison: Comparison) -> list[ClientDrift]:
    """Compare every client of a stack. ``declared`` is None where no forms declare them: then nothing is pending."""
    found = []
    for old, new in paired(recorded.states, recorded.states if declared is None else declared):
        one = ClientDrift(old, new)
        found.append(one)
        known = old or new
        client_id = (old and old.client_id) or (new and new.adopts)
        platform = real.get(known.platform) if known else None
        if known and client_id and platform:
            products = {product for side in (old, new) if side for product in side.products}
            one.real = platform.state(known.place, client_id, known, products)
            one.configured = frozenset(platform.configured(client_id, products))
        _Sides(one, comparison, recorded.cut_off).compare()
    return found + [ClientDrift(None, None, pending=comparison.between(state, None)) for state in recorded.leaving]


class _Sides:
    """Compares one client, part by part and field by field."""

    def __init__(self, client: ClientDrift, comparison: Comparison, cut_off: Collection[str]) -> None:
        self._client = client
        self._comparison, self._by_hand = comparison, replace(comparison, by_hand=True)
        self._cut_off = cut_off

    def compare(self) -> None:
        recorded, declared, real = self._client.recorded, self._client.declared, self._client.real
        if recorded is None and declared is not None:
            before = replace(real, foreign=True) if real else None
            self._pend(set(_parts(declared)), before, declared)
        elif recorded is not None and real is None:
            self._without_client(recorded, declared)
        elif recorded is not None and real is not None:
            self._by_part(recorded, declared, real)

    def _without_client(self, recorded: ClientState, declared: ClientState | None) -> None:
        """Somebody removed it. Where its form went too, what is left of it are configurations of products."""
        if declared is None:
            left = {product: fields for product, fields in recorded.products.items() if product in self._client.configured}
            before = replace(recorded, products=left)
            self._pend({product_part(product) for product in left}, before, replace(before, products={}))
            return
        self._client.by_hand = self._by_hand.between(recorded, None)
        then, wanted = _parts(recorded), _parts(declared)
        gone = {product_part(product) for product in recorded.products.keys() - self._client.configured} - wanted.keys()
        self._client.parts_by_hand = recorded.urns.keys() - gone
        differing = {part for part in then.keys() | wanted.keys() if then.get(part) != wanted.get(part) or part not in recorded.urns} - gone
        if differing or recorded.key != declared.key:
            self._pend(differing, recorded, declared)

    def _by_part(self, recorded: ClientState, declared: ClientState | None, real: ClientState) -> None:
        then, wanted, now = (_parts(side) if side else {} for side in (recorded, declared, real))
        expected, basis, pending = {}, {}, set()
        for part in then.keys() | wanted.keys():
            unwanted: Fields | None = None if declared or part.startswith(Resource.PRODUCT) else {}
            one = self._settled(part, recorded, then.get(part), wanted.get(part, unwanted), now.get(part))
            expected[part], basis[part] = one.expected, one.basis
            self._client.parts_by_hand |= {part} if one.by_hand else set()
            pending |= {part} if one.pending else set()
        rotated = bool(recorded.has_secret) and recorded.secret_updated_at not in (None, real.secret_updated_at)
        self._client.parts_by_hand |= {Resource.CLIENT} if rotated else set()
        in_portal = recorded.keys is None
        before = _with_parts(recorded, {**expected, Resource.KEYS: None} if in_portal else expected)
        after = _with_parts(before, {part: None if in_portal and part == Resource.KEYS else now.get(part) for part in expected})
        after = replace(after, has_secret=recorded.has_secret and not rotated)
        self._client.by_hand = self._by_hand.between(before, after)
        if declared is None:
            gone = {product_part(product) for product in recorded.products.keys() - self._client.configured}
            self._pend(recorded.urns.keys() - gone, recorded, None)
            return
        notes = recorded.scopes if Resource.SCOPES in recorded.urns else dict.fromkeys(basis[Resource.SCOPES])
        scopes = {scope: (notes or {}).get(scope, _NOT_DECLARED) for scope in basis[Resource.SCOPES]}
        if any(scopes[scope] != declared.scopes.get(scope) for scope in scopes.keys() & (declared.scopes or {}).keys() if declared.scopes):
            pending.add(Resource.SCOPES)
        base = _with_parts(recorded, {**basis, Resource.KEYS: None} if in_portal else basis)
        base = replace(base, scopes=scopes, uploaded=real.keys if in_portal else None)
        if recorded.has_secret is not declared.has_secret:
            pending.add(Resource.CLIENT)
        self._pend(pending, base, declared)

    def _settled(self, part: str, recorded: ClientState, then: Any, wanted: Any, now: Any) -> _Settled:
        if part not in recorded.urns:  # its create failed, or never ran
            product = part.startswith(Resource.PRODUCT)
            is_wanted = wanted is not None and self._client.declared is not recorded
            return _Settled(now, None if product else now, by_hand=False, pending=is_wanted)
        if recorded.urns[part] in self._cut_off:
            then = now  # the run that was cut off may have written it already
        if part != Resource.KEYS:
            return _settled(then, wanted, now)
        if then is None:  # left to the portal
            return _Settled(None, None, by_hand=False, pending=wanted is not None)
        if wanted is None:
            return replace(_settled(then, then, now), basis=now, pending=True)
        return _settled(then, wanted, now)

    def _pend(self, parts: Set[str], before: ClientState | None, after: ClientState | None) -> None:
        missing = {part for part in parts if part not in self._client.urns} if self._client.recorded else set()
        kinds = [{part.partition("/")[0] for part in some} for some in (parts - missing, missing)]
        self._client.parts_pending = set(parts)
        self._client.pending = self._comparison.between(before, after, changed=kinds[0], missing=kinds[1])


@dataclass(frozen=True)
class _Settled:
    """A part by its three sides: as it would be without anybody's hand, and as it is apart from that."""

    expected: Any
    basis: Any
    by_hand: bool
    pending: bool


def _settled(then: Any, wanted: Any, now: Any) -> _Settled:
    """Settle a value, or two levels of fields each by itself."""
    if all(isinstance(side, Mapping) for side in (then, wanted, now)):
        names = then.keys() | wanted.keys() | now.keys()
        fields = {name: _settled(*(side.get(name, _ABSENT) for side in (then, wanted, now))) for name in names}
        return _Settled(
            {name: one.expected for name, one in fields.items() if one.expected is not _ABSENT},
            {name: one.basis for name, one in fields.items() if one.basis is not _ABSENT},
            any(one.by_hand for one in fields.values()),
            any(one.pending for one in fields.values()),
        )
    return _Settled(
        expected=now if now in (then, wanted) else then,
        basis=now if now == then else wanted if wanted in (then, now) else then,
        by_hand=now not in (then, wanted),
        pending=wanted not in (then, now),
    )


def _parts(state: ClientState) -> dict[str, Any]:
    """The values of a client by the resource that they are in. None: keys that are left to the portal."""
    products = {product_part(name): {**fields, _OWNER: state.owners.get(name)} for name, fields in state.products.items()}
    scopes = dict.fromkeys(state.scopes or (), True)
    return {Resource.CLIENT: state.fields, Resource.SCOPES: scopes, Resource.KEYS: state.keys, **products}


def _with_parts(state: ClientState, parts: Mapping[str, Any]) -> ClientState:
    """A client with other values."""
    products = {part.partition("/")[2]: dict(fields) for part, fields in parts.items() if "/" in part and fields is not None}
    owners = {name: fields.pop(_OWNER, None) or (None, None) for name, fields in products.items()}
    return replace(
        state,
        fields=parts[Resource.CLIENT],
        scopes=dict.fromkeys(parts[Resource.SCOPES]),
        keys=parts[Resource.KEYS],
        products=products,
        owners=owners,
    )


def expiring_keys(clients: Iterable[ClientDrift], now: datetime, days: int) -> tuple[ExpiringKey, ...]:
    """The keys that end within ``days``, those in the portal too, the first to end first."""
    found = [
        ExpiringKey(
            **client_name(known),
            kid=kid,
            thumbprint=key.thumbprint,
            expires=key.expires,
            days_left=(key.expires - now).days,
        )
        for client in clients
        if (known := client.recorded or client.declared)
        for kid, key in ((client.real or known).keys or {}).items()
        if key.expires and (key.expires - now).days <= days
    ]
    return tuple(sorted(found, key=lambda key: (key.expires, key.key, key.kid)))


def undeclared(
    clients: Iterable[ClientDrift], leaving: Iterable[ClientState], real: Mapping[Platform, Real]
) -> tuple[UndeclaredClient, ...]:
    """The clients that neither forms declare nor the state has; one that the state alone has is about to be removed."""
    known = {(state.platform, state.client_id) for state in leaving}
    awaited: set[str] = set()
    for client in clients:
        if client.recorded:
            known.add((client.recorded.platform, client.recorded.client_id))
        if client.declared and client.declared.adopts:
            known.add((client.declared.platform, client.declared.adopts))
        if client.declared and not client.recorded:  # perhaps made by a run that was cut off
            awaited.add(str(client.declared.fields.get("software_id")))
    return tuple(
        UndeclaredClient(
            platform=platform,
            client_id=client_id,
            client_name=metadata.client_name,
            organisation=metadata.organisation.name,
            application=metadata.application,
            made_by=metadata.managed_by,
        )
        for platform, authority in real.items()
        for client_id, snapshot in authority.clients.items()
        for metadata in [snapshot.client.metadata]
        if (platform, client_id) not in known and metadata.software_id not in awaited
    )


def key_warnings(clients: Iterable[ClientDrift], real: Mapping[Platform, Real], profile: Profile, now: datetime) -> tuple[str, ...]:
    """What the policies find in keys that organisations uploaded: no form has them, so that nothing else checks them."""
    found = []
    for client in clients:
        state = client.declared
        snapshot = real[state.platform].clients.get(client.real.client_id or "") if state and client.real and state.keys is None else None
        if state is None or snapshot is None:
            continue
        planned, situation = Planned(keys=snapshot.jwks), Situation(state.environment, profile, now)
        found += [
            plain(f"{state.key}: {finding.what}, uploaded in the portal; {finding.remedy}", WHOLE)
            for policy in POLICIES
            if policy.id not in state.exemptions
            for finding in policy.violations(planned, situation)
        ]
    return tuple(found)


def attributed(connection: ConnectionChanges, trail: Iterable[RecordedChange]) -> ConnectionChanges:
    """The changes of a client with who made each. ``trail`` is newest first; the newest entry that made the difference counts."""
    entries = list(trail)

    def with_author(change: Change) -> Change:
        made = change.kind.row.made
        found = next((entry for entry in entries if made and made(entry, change)), None)
        return change.model_copy(update={"changed_by": found.actor, "changed_at": found.at}) if found else change

    return connection.with_changes(map(with_author, connection.changes))


def drift_of(stack: str, environment: Environment, clients: Sequence[ClientDrift], now: datetime, **more: Any) -> Drift:
    """The report; ``more`` are its fields that other sources fill."""
    by_hand = connections_in_order(client.by_hand for client in clients if client.by_hand)
    pending = connections_in_order(client.pending for client in clients if client.pending)
    recorded = sum(client.recorded is not None for client in clients)
    said = [f"By hand on {stack}: {phrases(by_hand)}"] if by_hand else []
    said += [f"{number(len(pending), 'client has|clients have')} changes on {stack} that are not applied yet"] if pending else []
    if not said:
        all_of_them = {0: "no client is declared, and there is none", 1: "its 1 client is as declared"}
        said = [f"{stack} is in sync: {all_of_them.get(recorded, f'all {recorded:,} clients are as declared')}"]
    keys: Sequence[ExpiringKey] = more.get("expiring", ())
    expired = sum(key.days_left < 0 for key in keys)
    counts = ((expired, "key has expired|keys have expired"), (len(keys) - expired, "key ends soon|keys end soon"))
    said += [", ".join(number(count, words) for count, words in counts if count)] if keys else []
    return Drift(
        stack=stack,
        environment=environment,
        headline="; ".join(said),
        checked_at=now,
        in_sync=not by_hand and not pending,
        clients=recorded,
        by_hand=by_hand,
        not_applied=pending,
        counts=counted_kinds(by_hand),
        **more,
    )
