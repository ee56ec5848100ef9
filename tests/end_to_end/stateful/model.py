"""The model: three small maps, and what each command does to them. Written from the issue's text
and ``design.md``, not from the code.

``declared``: what the forms have, per connection and part. ``recorded``: what the stack knows, per
connection and part. ``real``: what the authorities have, per client and part. A connection is its
key, ``<code>/<application>``. Its parts are the client itself, its scopes, its keys, and each
product's configuration. The client and the products bear an owner; None is the owner of what was
made by hand. They bear a mark too, which each create makes anew: only what bears its own does a
resource remove.

Where the text leaves a choice, a part may end in several ways, the preferred one first. ``seen``
has the maps of the real thing, which decide among those; what is not among them shows when the maps
are compared.
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


BELOW = " below"
"""Behind the key of what is recorded below a component of the user's own."""
AS_FOUND = " as found"
"""Behind a recorded scope that a refresh found: its form's reason for it is not recorded."""


class Owned(NamedTuple):
    """A client's or a product's value, and whose it is: a connection's key, STRANGER, or None."""

    value: str
    owner: str | None


Value = Owned | frozenset[str] | str | None
"""None: not there."""
ClientKey = tuple[str, str]
"""A connection or a client, and a part of it."""


class Recorded(NamedTuple):
    """What the stack knows of a part."""

    client_id: str
    value: Value
    protected: bool = False
    mark: str | None = None
    other: tuple[str | None, str | None] | None = None
    """The owner and the mark that a refresh found in the place of its own."""
    tainted: bool = False

    @property
    def found(self) -> Value:
        """The value with the owner that a refresh found."""
        return (
            self.value._replace(owner=self.other[0])
            if self.other and isinstance(self.value, Owned)
            else self.value
        )


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
    """An API that does nothing during a command: ``down`` gives no answer, ``wrong address`` 404 to
    everything."""

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
    recorded: dict[ClientKey, Recorded] = field(default_factory=dict)
    real: dict[ClientKey, Value] = field(default_factory=dict)
    marks: dict[ClientKey, str | None] = field(default_factory=dict)
    """Per client and part what is real bears."""
    codes: dict[str, str] = field(default_factory=dict)
    """Per real client its organisation's."""
    condemned: list[tuple[ClientKey, Recorded]] = field(default_factory=list)
    """What was replaced, and has only to be removed."""
    cut_off: set[ClientKey] = field(default_factory=set)
    """Where a run was killed: what differs there is not known to be by hand."""
    protects: bool = False
    below: bool = False
    """Whether the program declares its connections below a component of its own."""
    replaces_changed: bool = False
    """Whether the program replaces what changes."""
    removes_first: bool = False
    """Whether what is replaced is removed before it is made again."""
    replacing: frozenset[ClientKey] = frozenset()
    """What the command names to be replaced."""
    not_made: set[ClientKey] = field(default_factory=set)
    """The keys and clients of what the command could not make; with a product where it is of
    one."""
    kept: set[tuple[ClientKey, str | None]] = field(default_factory=set)
    """What the command goes on with, each by its client, part and mark."""
    not_changed: set[str] = field(default_factory=set)
    """The clients of what the command could not change: the engine may keep what that depended on,
    under whatever name."""
    bailed: bool = False
    """Whether the command ended at once, for it would replace what is protected."""

    def name(self, key: str) -> str:
        """Under which name the program declares a connection."""
        return f"{key}{BELOW}" if self.below else key

    def place(self, key: str, part: str) -> ClientKey:
        """Where the stack has a part of a connection: under its key, else under an earlier one."""
        names = [self.name(one) for one in (key, *self.formerly.get(key, ()))]
        return next(
            ((name, part) for name in names if (name, part) in self.recorded), (names[0], part)
        )

    def orphans(self) -> set[ClientKey]:
        """What bears a key of this stack, is in no state, and will not be taken over: clients, and
        products."""
        known, coming = (
            {(one.client_id, part) for (_, part), one in self.recorded.items()},
            set[str](),
        )
        for key, wanted in self.declared.items():
            client = self.recorded.get(self.place(key, CLIENT))
            known |= (
                {(client.client_id, part) for part in wanted}
                if client
                else {(self.adopt.get(key, ""), CLIENT)}
            )
            coming |= set() if client else {key, *self.formerly.get(key, ())}
        return {
            place
            for place, one in self.real.items()
            if isinstance(one, Owned) and one.owner not in (None, STRANGER, *coming)
        } - known

    def drift(self) -> tuple[set[ClientKey], set[ClientKey]]:
        """The parts that somebody changed by hand, and those where something declared waits.

        By hand is what is neither recorded nor declared; what waits is neither recorded nor real. A
        client that somebody removed stands for all its parts.
        """
        by_hand, waiting = set[ClientKey](), set[ClientKey]()
        for then, key in self._pairs():
            wanted = self.declared.get(key or "", {})
            if then is None:
                waiting |= {(key or "", part) for part in wanted}
                continue
            client = self.recorded[then, CLIENT]
            is_gone = key is not None and (client.client_id, CLIENT) not in self.real
            waits = {CLIENT} if self._adopts_another(key, client) else set[str]()
            protects = set[str]()
            for part in PARTS:
                known = self.recorded.get(self.place(key, part) if key else (then, part))
                real = self.real.get((client.client_id, part))
                changed, differs = _settled(
                    part, known, wanted.get(part), real, (then, part) in self.cut_off
                )
                # Whose it is, a refresh does not take over: another mark is by hand for as long as
                # it is there.
                changed |= (
                    known is not None
                    and isinstance(real, Owned)
                    and self.marks.get((client.client_id, part)) != known.mark
                )
                # What is inside one that is gone is made anew, also where somebody and the form
                # took the same away.
                differs |= (
                    known is not None
                    and is_gone
                    and part in (SCOPES, KEYS)
                    and _plain(known.value) != wanted.get(part)
                )
                moves = known is not None and part in wanted and known.client_id != client.client_id
                waits |= {part} if differs or moves else set()
                by_hand |= {(then, part)} if changed and not moves and not is_gone else set()
                # A client's protection stands for that of its products.
                if (
                    known
                    and part in wanted
                    and part not in (SCOPES, KEYS)
                    and self._protects(known)
                ):
                    protects |= {part} if part == CLIENT or not self._protects(client) else set()
            by_hand |= {(then, CLIENT)} if is_gone else set()
            # One that is gone is not protected, and made anew with its protection.
            waiting |= {
                (key or then, part)
                for part in waits | (protects if waits or not is_gone else set())
            }
        return {_plainly(place) for place in by_hand}, {_plainly(place) for place in waiting}

    def _adopts_another(self, key: str | None, client: Recorded) -> bool:
        """Whether a form takes over another client than its connection has, which is refused."""
        return self.adopt.get(key or "", client.client_id) != client.client_id

    def _protects(self, known: Recorded) -> bool:
        """Whether its protection changes."""
        return known.protected is not self.protects

    def _pairs(self) -> Iterator[tuple[str | None, str | None]]:
        """Each connection by the name under which its client is recorded, and by its own; None
        where it has none."""
        left = {key for key, part in self.recorded if part == CLIENT}
        for key in self.declared:
            then, _ = self.place(key, CLIENT)
            yield (then if then in left else None), key
            left.discard(then)
        yield from ((key, None) for key in left)

    def heal(self, seen: Model) -> tuple[set[ClientKey], set[ClientKey]]:
        """What was changed by hand is repaired, where nothing waits in the same part. The parts
        that are, and those that are left."""
        by_hand, waiting = self.drift()
        repaired = set[ClientKey]()
        for then, key in self._pairs():
            if (
                then is None
                or key is None
                or not any(name == then.removesuffix(BELOW) for name, _ in by_hand)
            ):
                continue
            client = self.recorded[then, CLIENT]
            is_gone = (client.client_id, CLIENT) not in self.real
            waits = {part for name, part in waiting if name == key}
            hand = {part for name, part in by_hand if name == then.removesuffix(BELOW)}
            # A name or a protection that changes is of all parts of a connection, and a client is
            # made anew with all of them.
            whole = then != self.name(key) or (waits if is_gone else self._protects(client))
            whole = whole or self._adopts_another(key, client)
            healing = set() if whole else (set(self.declared[key]) if is_gone else hand - waits)
            repaired |= {_plainly((then, part)) for part in hand & healing}
            self.refresh(Outage(), {self.place(key, part) for part in healing})
            self._declare(
                key,
                {part: value for part, value in self.declared[key].items() if part in healing},
                Outage(),
                seen,
            )
        self._remove_condemned(seen)
        return repaired, by_hand - repaired

    # Commands

    def refresh(self, outage: Outage = Outage(), only: Collection[ClientKey] | None = None) -> bool:
        """The stack learns what is real, and forgets what is tainted; whether all authorities gave
        a sure answer.

        One without changes nothing.
        """
        for place, known in list(self.recorded.items()):
            part, client_is_there = place[1], (known.client_id, CLIENT) in self.real
            if outage.of(part) or (only is not None and place not in only):
                continue
            real = (
                self.real.get((known.client_id, part))
                if client_is_there or part in PRODUCTS
                else None
            )
            if client_is_there and known.value == IN_PORTAL:
                real = IN_PORTAL
            if part == SCOPES and isinstance(real, frozenset):
                had = _set(known.value)
                real = frozenset(scope if scope in had else scope + AS_FOUND for scope in real)
            other = None
            if isinstance(real, Owned) and isinstance(known.value, Owned):
                bears, own = (
                    (real.owner, self.marks.get((known.client_id, part))),
                    (known.value.owner, known.mark),
                )
                real, other = real._replace(owner=own[0]), bears if bears != own else None
            _put(
                self.recorded,
                place,
                known._replace(value=real, other=other, tainted=False)
                if real is not None
                else None,
            )
        self.condemned = [
            (place, known)
            for place, known in self.condemned
            if outage.of(place[1])
            or (known.client_id, place[1] if place[1] in PRODUCTS else CLIENT) in self.real
        ]
        return not any(outage.of(part) for _, part in self.recorded)

    def up(self, outage: Outage, seen: Model, replacing: Collection[ClientKey] = ()) -> set[str]:
        """What the forms have becomes real and recorded, and what they no longer have goes. The
        connections that meet trouble."""
        self.replacing, self.bailed, self.not_made, self.kept, self.not_changed = (
            frozenset(replacing),
            False,
            set(),
            set(),
            set(),
        )
        troubled = set[str]()
        left = set(self.recorded)
        for key, wanted in self.declared.items():
            left -= {self.place(key, part) for part in wanted}
            if not self._declare(key, wanted, outage, seen):
                troubled.add(key)
        for key in sorted({key for key, _ in left}):
            if not self._remove(key, [part for part in PARTS if (key, part) in left], outage, seen):
                troubled.add(key.removesuffix(BELOW))
        self._remove_condemned(seen)
        troubled |= {
            place[0].removesuffix(BELOW)
            for place, known in self.condemned
            if self._is_not_made(place[1], known)
        }
        self.replacing = frozenset()
        return troubled

    def _remove_condemned(self, seen: Model) -> None:
        """What was replaced goes, where no trouble holds that up."""
        left = self.condemned_in(seen)
        for place, known in self.condemned:
            if (place, known) not in left:
                self._take_away(place[1], known)
        self.condemned = left

    def condemned_in(self, seen: Model) -> list[tuple[ClientKey, Recorded]]:
        """What has only to be removed, and is there still; a refresh may have found other values of
        it."""
        left = {(place, known.client_id, known.mark) for place, known in seen.condemned}
        return [
            (place, known)
            for place, known in self.condemned
            if (place, known.client_id, known.mark) in left
        ]

    def _declare(self, key: str, wanted: Mapping[str, Value], outage: Outage, seen: Model) -> bool:
        """One connection as its form has it; whether it met no trouble. Where its client does,
        nothing else of it is touched."""
        is_new = self.place(key, CLIENT) not in self.recorded
        client_id = (
            self._client(key, seen) if is_new else self.recorded[self.place(key, CLIENT)].client_id
        )
        if self.adopt.get(key, client_id) != client_id:  # it has a client already
            self.kept |= (
                {((client_id, CLIENT), known.mark)}
                if (known := self.recorded.get(self.place(key, CLIENT))) and known.mark
                else set()
            )
            return False
        codes = {None, *(name.partition("/")[0] for name in (key, *self.formerly.get(key, ())))}
        # What is made later too, as long as the form names it: a preview has shown it. Another
        # organisation's is refused.
        adopted = self.adopt.get(key) == client_id and self.codes.get(client_id) in codes
        if CLIENT in wanted:
            if not self._become(key, CLIENT, client_id, wanted[CLIENT], adopted, outage, seen):
                return False
            client_id = self.recorded[self.name(key), CLIENT].client_id
        well = [
            self._become(key, part, client_id, wanted[part], adopted, outage, seen)
            for part in wanted
            if part != CLIENT
        ]
        return all(well)

    def _client(self, key: str, seen: Model) -> str:
        """The client of a connection that has none: the one that its form names, else the one that
        bears its key, else a new one."""
        made = [
            client_id
            for client_id, owner in _owners(seen.real)
            if owner == key and (client_id, CLIENT) not in self.real
        ]
        return self.adopt.get(key) or self._found(key) or next(iter(made), "")

    def _found(self, key: str) -> str | None:
        """The client that bears the key of a connection, else the one that bears an earlier one."""
        of = {owner: client_id for client_id, owner in _owners(self.real)}
        return next((of[name] for name in (key, *self.formerly.get(key, ())) if name in of), None)

    def _become(
        self,
        key: str,
        part: str,
        client_id: str,
        wanted: Value,
        adopted: bool,
        outage: Outage,
        seen: Model,
    ) -> bool:
        """One part as it is declared; whether it met no trouble."""
        place = self.place(key, part)
        known = self.recorded.get(place)
        replaced = known is not None and self._replaces(key, place, known, client_id, wanted)
        if known is not None and replaced:
            if not self._gives_way(place, known, outage):
                return False
            known = self.recorded.get(place)
            client_id = self._client(key, seen) if part == CLIENT else client_id
        now, goes_on = (client_id, part), None if replaced else known
        self.kept |= {((known.client_id, part), known.mark)} if known and known.mark else set()
        way = self._way(key, now, goes_on, wanted, adopted, outage, seen)
        if way is Way.REFUSED:
            of = part if part in PRODUCTS else CLIENT
            self.not_made |= (
                set()
                if goes_on
                else {(name, of) for name in (key, *self.formerly.get(key, ()), client_id) if name}
            )
            self.not_changed |= {client_id} if goes_on else set()
            return False
        if known is not None:
            del self.recorded[place]
            self.condemned += [(place, known)] if replaced else []
        mark = goes_on.mark if goes_on else seen.marks.get(now)
        self.recorded[self.name(key), part] = Recorded(client_id, wanted, self.protects, mark)
        if way is Way.DONE:
            self.real[now] = wanted
            self.marks |= {now: mark} if isinstance(wanted, Owned) else {}
        for inside in (SCOPES, KEYS) if part == CLIENT and now in self.real else ():
            self.real.setdefault((client_id, inside), frozenset())
        return True

    def _way(
        self,
        key: str,
        now: ClientKey,
        known: Recorded | None,
        wanted: Value,
        adopted: bool,
        outage: Outage,
        seen: Model,
    ) -> Way:
        """How a part ends that is ``known``, or is made."""
        client_id, part = now
        real = self.real.get(now)
        if known is not None:
            ways = _ways_to_update(wanted, known, real)
        else:
            ways = _ways_to_create((key, *self.formerly.get(key, ())), part, wanted, real, adopted)
        if Way.DONE in ways and (
            outage.of(part) or (isinstance(wanted, frozenset) and UNKNOWN_SCOPE in wanted)
        ):
            ways = [Way.REFUSED]
        if Way.DONE in ways and part != CLIENT and (client_id, CLIENT) not in self.real:
            # Somebody removed the client, and no refresh has seen that.
            ways = [
                Way.DONE,
                Way.REFUSED,
            ]
        then = seen.recorded.get((self.name(key), part))
        was_done = then is not None and (then.client_id, then.value, then.tainted) == (
            client_id,
            wanted,
            False,
        )
        return ways[0] if was_done else ways[-1]

    def _replaces(
        self, key: str, place: ClientKey, known: Recorded, client_id: str, wanted: Value
    ) -> bool:
        """Whether one that is recorded is made anew: as it is named, or changes where each change
        does that, or has another client now."""
        changes = known.value != wanted or known.other is not None
        is_named = known.tainted or (self.name(key), place[1]) in self.replacing
        return is_named or (changes and self.replaces_changed) or known.client_id != client_id

    def _gives_way(self, place: ClientKey, known: Recorded, outage: Outage) -> bool:
        """Whether one may be replaced. Where what is replaced is removed first, it goes, and before
        a client all that is inside.

        What is protected ends the whole command.
        """
        inside = {
            other: one
            for other, one in self.recorded.items()
            if place[1] == CLIENT and one.client_id == known.client_id and other != place
        }
        if (known.protected and self.protects) or (
            self.removes_first and any(one.protected for one in inside.values())
        ):
            self.bailed = True
            return False
        if not self.removes_first or outage.apis:
            return not self.removes_first
        for other, one in (*inside.items(), (place, known)):
            del self.recorded[other]
            self._take_away(other[1], one)
        return True

    def _remove(self, key: str, parts: list[str], outage: Outage, seen: Model) -> bool:
        """What no form has any more goes, if it still bears its key, and nothing failed to take its
        place; whether it met no trouble.

        A client goes last, once both APIs have said what they have of it. Until then what is inside
        stays recorded too, but for what is not protected where the client is: a run failed when it
        should have protected that.
        """
        known = {part: self.recorded[key, part] for part in parts}
        stays = {
            part
            for part in parts
            if known[part].protected or (outage.of(part) and part in PRODUCTS)
        }
        stays |= {part for part in parts if self._is_not_made(part, known[part])}
        stays |= {
            part
            for part in parts
            if known[part].client_id in self.not_changed and (key, part) in seen.recorded
        }
        # What the engine's state does not protect the provider of a protecting stack does.
        stays |= {part for part in parts if self.protects and self._would_go(key, part)}
        # The record of what was told of a client stays with it, and keeps the scopes that it
        # depends on.
        held = {name for name, of in self.not_made if of == CLIENT}
        is_held = SCOPES in parts and not held.isdisjoint(
            {known[SCOPES].client_id, key.removesuffix(BELOW)}
        )
        stays |= {SCOPES} if is_held and (key, SCOPES) in seen.recorded else set()
        stays |= {part for part in (SCOPES, KEYS) if part in parts and outage.apis}
        stays |= {CLIENT} & set(parts) if stays or outage.apis else set()
        for part in reversed(parts):
            if part not in stays:
                del self.recorded[key, part]
                self._take_away(part, known[part])
        return not stays

    def _would_go(self, key: str, part: str) -> bool:
        """Whether an authority or the stack would lose something by a removal."""
        known = self.recorded[key, part]
        if part not in (SCOPES, KEYS):
            there, own = (known.client_id, part), known.value
            if part in PRODUCTS and (known.client_id, CLIENT) not in self.real:
                return False  # of a client that somebody removed it is of use to nobody
            if {mark for place, mark in self.kept if place == there} - {known.mark}:
                return False
            one = self.real.get(there)
            marks = known.mark if isinstance(own, Owned) else None
            return marks is not None and isinstance(one, Owned) and self.marks.get(there) == marks
        client = self.real.get((known.client_id, CLIENT))
        return (
            isinstance(client, Owned)
            and client.owner not in (None, STRANGER)
            and not any(
                place != (key, part) and (place[1], one.client_id) == (part, known.client_id)
                for place, one in self.recorded.items()
            )
        )

    def _is_not_made(self, part: str, known: Recorded) -> bool:
        """Whether what was to go on with a client or a product could not be made."""
        if not isinstance(known.value, Owned):
            return False
        return any(
            (name, of) in self.not_made
            for name in (known.value.owner or "", known.client_id)
            for of in {CLIENT, part}
        )

    def _take_away(self, part: str, known: Recorded) -> None:
        """What bears its own mark goes; a client with all that is inside it, and with the products
        that bear its key.

        Those go also where it is gone already. What is inside a client goes only with it.
        """
        own, place = known.value, (known.client_id, part)
        if not isinstance(own, Owned) or {mark for there, mark in self.kept if there == place} - {
            known.mark
        }:
            return
        one = self.real.get(place)
        if one is not None and (
            not isinstance(one, Owned)
            or (one.owner, self.marks.get(place)) != (own.owner, known.mark)
        ):
            return
        self.real.pop(place, None)
        for other in PARTS if part == CLIENT else ():
            beside = self.real.get((known.client_id, other))
            if not isinstance(beside, Owned) or beside.owner == own.owner:
                self.real.pop((known.client_id, other), None)


def _ways_to_update(wanted: Value, recorded: Recorded, real: Value) -> list[Way]:
    """What is neither as the stack knows it nor as it should be was changed by hand, and no preview
    has shown that.

    That nobody is its owner any more is no other owner.
    """
    if wanted == IN_PORTAL or (wanted == recorded.value and recorded.other is None):
        return [Way.SAME]
    known = _plain(recorded.found)
    if known == IN_PORTAL or real in (known, wanted):
        return [Way.DONE]
    same = (
        isinstance(real, Owned)
        and isinstance(wanted, Owned)
        and isinstance(known, Owned)
        and real.owner in (wanted.owner, known.owner, None)
        and real.value in (wanted.value, known.value)
    )
    if real is None or same:
        return [Way.DONE, Way.REFUSED]
    return [Way.REFUSED]


def _ways_to_create(
    keys: Collection[str], part: str, wanted: Value, real: Value, adopted: bool
) -> list[Way]:
    """What bears this key, or an earlier one, is of an earlier run; what bears none is taken over
    where the form names its client."""
    if wanted == IN_PORTAL:
        return [Way.SAME]
    if not isinstance(wanted, Owned):
        return [Way.DONE]
    owner = real.owner if isinstance(real, Owned) else wanted.owner
    if part == CLIENT and adopted and real is None:
        return [Way.REFUSED]
    if owner in keys or (owner is None and adopted):
        return [Way.DONE]
    if isinstance(real, Owned) and owner is None and real.value == wanted.value:
        return [Way.DONE, Way.REFUSED]
    return [Way.REFUSED]


def _settled(
    part: str, known: Recorded | None, wanted: Value, real: Value, cut_off: bool
) -> tuple[bool, bool]:
    """Whether a part was changed by hand, and whether what is declared waits: field by field, scope
    by scope, key by key."""
    if known is None:
        return False, wanted is not None
    then = _plain(known.value)
    if part == KEYS and IN_PORTAL in (then, wanted):
        return then != IN_PORTAL and real != then, wanted != then
    sides = [
        _fields(side, {} if part in (CLIENT, SCOPES, KEYS) else None)
        for side in (real if cut_off else then, wanted, real)
    ]
    if not all(isinstance(side, dict) for side in sides):
        old, new, now = sides
        return now not in (old, new), new not in (old, now)
    names = {name for side in sides for name in side or ()}
    unreasoned = part == SCOPES and not _set(wanted) <= _set(known.value)
    each = [[(side or {}).get(name) for side in sides] for name in names]
    return any(now not in (old, new) for old, new, now in each), unreasoned or any(
        new not in (old, now) for old, new, now in each
    )


def _plainly(place: ClientKey) -> ClientKey:
    return place[0].removesuffix(BELOW), place[1]


def _plain(value: Value) -> Value:
    return (
        frozenset(name.removesuffix(AS_FOUND) for name in value)
        if isinstance(value, frozenset)
        else value
    )


def _set(value: Value) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()


def _fields(value: Value, nothing: dict[str, object] | None) -> dict[str, object] | None:
    if value is None:
        return nothing
    return value._asdict() if isinstance(value, Owned) else dict.fromkeys(value, True)


def _owners(real: Mapping[ClientKey, Value]) -> Iterator[tuple[str, str | None]]:
    return (
        (client_id, value.owner)
        for (client_id, part), value in real.items()
        if part == CLIENT and isinstance(value, Owned)
    )


def _put(recorded: dict[ClientKey, Recorded], place: ClientKey, value: Recorded | None) -> None:
    if value is None:
        recorded.pop(place, None)
    else:
        recorded[place] = value
