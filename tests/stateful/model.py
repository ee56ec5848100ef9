"""The model: three small maps, and what each command does to them. Written from the issue's text and ``design.md``, not from the code.

``declared``: what the forms have, per connection and part. ``recorded``: what the stack knows, per connection and part. ``real``: what
the authorities have, per client and part. A connection is its key, ``<code>/<application>``. Its parts are the client itself, its
scopes, its keys, and each product's configuration. The client and the products bear an owner; None is the owner of what was made
by hand.

Where the text leaves a choice, a part may end in several ways, the preferred one first. ``seen`` has the maps of the real thing, which
decide among those; what is not among them shows when the maps are compared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

CLIENT, SCOPES, KEYS = "client", "scopes", "keys"
PRODUCTS = ("dosis", "notificaties")
PARTS = (CLIENT, SCOPES, KEYS, *PRODUCTS)
UNKNOWN_SCOPE = "dv_wr_geschetsteweg_beheer"
"""One that the catalogue has and the authority refuses, for it doesn't know it."""
IN_PORTAL = "in the portal"
"""The declared keys of a form without ``jwks``."""
STRANGER = "another stack"


AS_FOUND = " as found"
"""Behind a recorded scope that a refresh found: its form's reason for it is not recorded."""


class Owned(NamedTuple):
    """A client's or a product's value, and whose it is: a connection's key, STRANGER, or None."""

    value: str
    owner: str | None


Value = Owned | frozenset[str] | str | None
"""None: not there."""
Place = tuple[str, str]
"""A connection or a client, and a part of it."""


class Recorded(NamedTuple):
    """What the stack knows of a part."""

    client_id: str
    value: Value
    protected: bool = False


class Way(Enum):
    """How a part may end."""

    DONE = auto()
    """It is as declared, and recorded so; or it is gone, and forgotten."""
    SAME = auto()
    """Nothing is written, and what is declared is recorded."""
    REFUSED = auto()
    """Nothing has changed, and the run says so."""


@dataclass(frozen=True)
class Outage:
    """An API that does nothing during a command: ``down`` gives no answer, ``wrong address`` 404 to everything."""

    kind: str = "none"
    apis: frozenset[str] = frozenset()

    def of(self, part: str) -> bool:
        return ("products" if part in PRODUCTS else "management") in self.apis


@dataclass
class Model:
    declared: dict[str, dict[str, Value]] = field(default_factory=dict)
    adopt: dict[str, str] = field(default_factory=dict)
    """Per connection the client that its form takes over."""
    formerly: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Per connection its earlier keys."""
    recorded: dict[Place, Recorded] = field(default_factory=dict)
    real: dict[Place, Value] = field(default_factory=dict)
    cut_off: set[Place] = field(default_factory=set)
    """Where a run was killed: what differs there is not known to be by hand."""
    protects: bool = False

    def place(self, key: str, part: str) -> Place:
        """Where the stack has a part of a connection: under its key, else under an earlier one."""
        names = (key, *self.formerly.get(key, ()))
        return next(((name, part) for name in names if (name, part) in self.recorded), (key, part))

    def drift(self) -> tuple[set[Place], set[Place]]:
        """The parts that somebody changed by hand, and those where something declared waits.

        By hand is what is neither recorded nor declared; what waits is neither recorded nor real. A client that somebody removed
        stands for all its parts.
        """
        by_hand, waiting = set[Place](), set[Place]()
        for then, key in self._pairs():
            wanted = self.declared.get(key or "", {})
            if then is None:
                waiting |= {(key or "", part) for part in wanted}
                continue
            client = self.recorded[then, CLIENT]
            is_gone = key is not None and (client.client_id, CLIENT) not in self.real
            waits, protects = set[str](), set[str]()
            for part in PARTS:
                known = self.recorded.get(self.place(key, part) if key else (then, part))
                real = self.real.get((client.client_id, part))
                changed, differs = _settled(part, known, wanted.get(part), real, (then, part) in self.cut_off)
                moves = known is not None and part in wanted and known.client_id != client.client_id
                waits |= {part} if differs or moves else set()
                by_hand |= {(then, part)} if changed and not moves and not is_gone else set()
                # A client's protection stands for that of its products.
                if known and part in wanted and part not in (SCOPES, KEYS) and self._protects(known):
                    protects |= {part} if part == CLIENT or not self._protects(client) else set()
            by_hand |= {(then, CLIENT)} if is_gone else set()
            # One that is gone is not protected, and made anew with its protection.
            waiting |= {(key or then, part) for part in waits | (protects if waits or not is_gone else set())}
        return by_hand, waiting

    def _protects(self, known: Recorded) -> bool:
        """Whether its protection changes."""
        return known.protected is not self.protects

    def _pairs(self) -> Iterator[tuple[str | None, str | None]]:
        """Each connection by the name under which its client is recorded, and by its own; None where it has none."""
        left = {key for key, part in self.recorded if part == CLIENT}
        for key in self.declared:
            then, _ = self.place(key, CLIENT)
            yield (then if then in left else None), key
            left.discard(then)
        yield from ((key, None) for key in left)

    def heal(self, seen: Model) -> tuple[set[Place], set[Place]]:
        """What was changed by hand is repaired, where nothing waits in the same part. The parts that are, and those that are left."""
        by_hand, waiting = self.drift()
        repaired = set[Place]()
        for then, key in self._pairs():
            if then is None or key is None or not any(name == then for name, _ in by_hand):
                continue
            client = self.recorded[then, CLIENT]
            is_gone = (client.client_id, CLIENT) not in self.real
            waits = {part for name, part in waiting if name == key}
            hand = {part for name, part in by_hand if name == then}
            # A name or a protection that changes is of all parts of a connection, and a client is made anew with all of them.
            whole = then != key or (waits if is_gone else self._protects(client))
            healing = set() if whole else (set(self.declared[key]) if is_gone else hand - waits)
            repaired |= {(then, part) for part in hand & healing}
            self.refresh(Outage(), {self.place(key, part) for part in healing})
            self._declare(key, {part: value for part, value in self.declared[key].items() if part in healing}, Outage(), seen)
        return repaired, by_hand - repaired

    # Commands

    def refresh(self, outage: Outage, only: Collection[Place] | None = None) -> bool:
        """The stack learns what is real; an authority without a sure answer changes nothing. Whether all gave one."""
        for place, known in list(self.recorded.items()):
            part, client_is_there = place[1], (known.client_id, CLIENT) in self.real
            if outage.of(part) or (only is not None and place not in only):
                continue
            real = self.real.get((known.client_id, part)) if client_is_there or part in PRODUCTS else None
            if client_is_there and known.value == IN_PORTAL:
                real = IN_PORTAL
            if part == SCOPES and isinstance(real, frozenset):
                had = _set(known.value)
                real = frozenset(scope if scope in had else scope + AS_FOUND for scope in real)
            _put(self.recorded, place, known._replace(value=real) if real is not None else None)
        return not any(outage.of(part) for _, part in self.recorded)

    def up(self, outage: Outage, seen: Model) -> set[str]:
        """What the forms have becomes real and recorded, and what they no longer have goes. The connections that meet trouble."""
        troubled = set[str]()
        left = set(self.recorded)
        for key, wanted in self.declared.items():
            left -= {self.place(key, part) for part in wanted}
            if not self._declare(key, wanted, outage, seen):
                troubled.add(key)
        for key in sorted({key for key, _ in left}):
            if not self._remove(key, [part for part in PARTS if (key, part) in left], outage):
                troubled.add(key)
        return troubled

    def _declare(self, key: str, wanted: Mapping[str, Value], outage: Outage, seen: Model) -> bool:
        """One connection as its form has it; whether it met no trouble. Where its client does, nothing else of it is touched."""
        is_new = self.place(key, CLIENT) not in self.recorded
        client_id = self._client(key, seen) if is_new else self.recorded[self.place(key, CLIENT)].client_id
        if self.adopt.get(key, client_id) != client_id:
            return False  # it has a client already
        adopted = self.adopt.get(key) == client_id  # what is made later too, as long as the form names it: a preview has shown it
        if CLIENT in wanted and not self._become(key, CLIENT, client_id, wanted[CLIENT], adopted, outage, seen):
            return False
        well = [self._become(key, part, client_id, wanted[part], adopted, outage, seen) for part in wanted if part != CLIENT]
        return all(well)

    def _client(self, key: str, seen: Model) -> str:
        """The client of a connection that has none: the one that its form names, else the one that bears its key, else a new one."""
        if key in self.adopt:
            return self.adopt[key]
        of_this_key = [client_id for client_id, owner in _owners(self.real) if owner == key]
        made = [client_id for client_id, owner in _owners(seen.real) if owner == key]
        return next(iter(of_this_key or made), "")

    def _become(self, key: str, part: str, client_id: str, wanted: Value, adopted: bool, outage: Outage, seen: Model) -> bool:
        """One part as it is declared; whether it met no trouble."""
        place, now = self.place(key, part), (client_id, part)
        known, real = self.recorded.get(place), self.real.get(now)
        if known is not None and known.client_id == client_id:
            ways = _ways_to_update(wanted, known.value, real)
        else:
            ways = _ways_to_create(key, part, wanted, real, adopted)
        if Way.DONE in ways and (outage.of(part) or (isinstance(wanted, frozenset) and UNKNOWN_SCOPE in wanted)):
            ways = [Way.REFUSED]
        if Way.DONE in ways and part != CLIENT and (client_id, CLIENT) not in self.real:
            ways = [Way.DONE, Way.REFUSED]  # somebody removed the client, and no refresh has seen that
        then = seen.recorded.get((key, part))
        was_done = then is not None and (then.client_id, then.value) == (client_id, wanted)
        way = ways[0] if was_done else ways[-1]
        if way is Way.REFUSED:
            return False
        if known is not None:
            del self.recorded[place]
            if known.client_id != client_id:  # it has another client now, as somebody removed the one before
                self._take_away(known.client_id, part, known.value)
        self.recorded[key, part] = Recorded(client_id, wanted, self.protects)
        if way is Way.DONE:
            self.real[now] = wanted
        if part == CLIENT and now in self.real:
            for inside in (SCOPES, KEYS):
                self.real.setdefault((client_id, inside), frozenset())
        return True

    def _remove(self, key: str, parts: list[str], outage: Outage) -> bool:
        """What no form has any more goes, if it still bears its key; whether it met no trouble.

        A client goes last, once both APIs have said what they have of it. Until then what is inside stays recorded too, but for what
        is not protected where the client is: a run failed when it should have protected that.
        """
        known = {part: self.recorded[key, part] for part in parts}
        stays = {part for part in parts if known[part].protected or (outage.of(part) and part in PRODUCTS)}
        stays |= {part for part in (SCOPES, KEYS) if part in parts and outage.apis}
        stays |= {CLIENT} & set(parts) if stays or outage.apis else set()
        for part in reversed(parts):
            if part not in stays:
                del self.recorded[key, part]
                if part in (CLIENT, *PRODUCTS):
                    self._take_away(known[part].client_id, part, known[part].value)
        return not stays

    def _take_away(self, client_id: str, part: str, known: Value) -> None:
        """A client goes with all that is inside it, and with the products that bear its key: those also where it is gone already."""
        assert isinstance(known, Owned)
        for other in PARTS if part == CLIENT else (part,):
            one = self.real.get((client_id, other if other in PRODUCTS else CLIENT))
            if isinstance(one, Owned) and one.owner == known.owner and other != CLIENT:
                self.real.pop((client_id, other), None)
        one = self.real.get((client_id, part))
        if isinstance(one, Owned) and one.owner == known.owner:
            del self.real[client_id, part]


def _ways_to_update(wanted: Value, known: Value, real: Value) -> list[Way]:
    """What is neither as the stack knows it nor as it should be was changed by hand, and no preview has shown that."""
    if wanted in (known, IN_PORTAL):
        return [Way.SAME]
    known = _plain(known)
    if known == IN_PORTAL or real in (known, wanted):
        return [Way.DONE]
    same = isinstance(real, Owned) and isinstance(wanted, Owned) and isinstance(known, Owned)
    if real is None or (same and real.owner in (wanted.owner, known.owner) and real.value in (wanted.value, known.value)):  # type: ignore[union-attr]
        return [Way.DONE, Way.REFUSED]
    return [Way.REFUSED]


def _ways_to_create(key: str, part: str, wanted: Value, real: Value, adopted: bool) -> list[Way]:
    """What bears this key is of an earlier run; what bears none is taken over where the form names its client."""
    if wanted == IN_PORTAL:
        return [Way.SAME]
    if not isinstance(wanted, Owned):
        return [Way.DONE]
    owner = real.owner if isinstance(real, Owned) else key
    if part == CLIENT and adopted and real is None:
        return [Way.REFUSED]
    if owner == key or (owner is None and adopted):
        return [Way.DONE]
    if isinstance(real, Owned) and owner is None and real.value == wanted.value:
        return [Way.DONE, Way.REFUSED]
    return [Way.REFUSED]


def _settled(part: str, known: Recorded | None, wanted: Value, real: Value, cut_off: bool) -> tuple[bool, bool]:
    """Whether a part was changed by hand, and whether what is declared waits: field by field, scope by scope, key by key."""
    if known is None:
        return False, wanted is not None
    then = _plain(known.value)
    if part == KEYS and IN_PORTAL in (then, wanted):
        return then != IN_PORTAL and real != then, wanted != then
    sides = [_fields(side, {} if part in (CLIENT, SCOPES, KEYS) else None) for side in (real if cut_off else then, wanted, real)]
    if not all(isinstance(side, dict) for side in sides):
        old, new, now = sides
        return now not in (old, new), new not in (old, now)
    names = {name for side in sides for name in side or ()}
    unreasoned = part == SCOPES and not _set(wanted) <= _set(known.value)
    each = [[(side or {}).get(name) for side in sides] for name in names]
    return any(now not in (old, new) for old, new, now in each), unreasoned or any(new not in (old, now) for old, new, now in each)


def _plain(value: Value) -> Value:
    return frozenset(name.removesuffix(AS_FOUND) for name in value) if isinstance(value, frozenset) else value


def _set(value: Value) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def _fields(value: Value, nothing: dict[str, object] | None) -> dict[str, object] | None:
    if value is None:
        return nothing
    return value._asdict() if isinstance(value, Owned) else dict.fromkeys(value, True)


def _owners(real: Mapping[Place, Value]) -> Iterator[tuple[str, str | None]]:
    return ((client_id, value.owner) for (client_id, part), value in real.items() if part == CLIENT and isinstance(value, Owned))


def _put(recorded: dict[Place, Recorded], place: Place, value: Recorded | None) -> None:
    if value is None:
        recorded.pop(place, None)
    else:
        recorded[place] = value
