"""A stack, a portal and the model beside them: every rule that the machine has, and what must be
true after each.

A rule that makes no sense now does nothing, and is not counted.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, product
from typing import Any

from tests.end_to_end.stateful.model import (
    BELOW,
    CLIENT,
    IN_PORTAL,
    KEYS,
    PARTS,
    PRODUCTS,
    SCOPES,
    STRANGER,
    UNKNOWN_SCOPE,
    ClientKey,
    Model,
    Outage,
    Owned,
    Recorded,
    Value,
)
from tests.end_to_end.stateful.seen import (
    ASSIGNED,
    CONFIGURATIONS,
    SECOND_SCOPE,
    copy_database,
    describing,
    place_of,
    seen,
)
from tests.end_to_end.stateful.speeds import WELL, Speed, program
from tests.end_to_end.stateful.stand_in import Cut
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.portal import new_key, public_jwk, put_current, register_client
from tests.support.registry import Registry

BY_HAND = "dv_ar_adres_beheer"
SCOPE_OF = {"dosis": DOSSIERS, "notificaties": SEND}
NOBODYS_ID = "00000000-0000-4000-8000-000000000000"
CODES = {"gent": ("OVO002067", "OVO002068"), "aalst": ("OVO002002", "OVO002003")}
KEY_FILES = {
    folder: {kid: public_jwk(new_key(kid)) for kid in ("first", "second")} for folder in CODES
}
ELSEWHERE = "-elsewhere"
SLIPPED_IN = public_jwk(new_key("slipped-in"))


@dataclass(frozen=True)
class Wanted:
    """A form, as its rules change it."""

    folder: str
    file: str
    application: str
    contact: str = "first"
    scopes: frozenset[str] = frozenset({PLAIN})
    keys: frozenset[str] | None = frozenset({"first"})
    products: tuple[tuple[str, str], ...] = ()
    formerly: str | None = None
    adopt: str | None = None


_ELSEWHERE = {"software_id": "acmidm/tni/OVO000001/anders", "managed_by": "elsewhere/tni"}
"""The marks of another stack."""


@dataclass(frozen=True)
class Organisation:
    code: str
    formerly: str | None = None


@dataclass
class World:
    speed: Speed
    registry: Registry
    model: Model = field(default_factory=Model)
    forms: tuple[Wanted, ...] = ()
    organisations: dict[str, Organisation] = field(
        default_factory=lambda: {name: Organisation(codes[0]) for name, codes in CODES.items()}
    )
    made: int = 0
    saved: tuple[Any, dict[ClientKey, Recorded], list[tuple[ClientKey, Recorded]]] | None = None
    """An earlier state: as the engine has it, and as the model has."""
    kept: tuple[dict[ClientKey, Value], dict[ClientKey, str | None]] | None = None
    """An earlier database of the authority, as the model has it."""

    def __post_init__(self) -> None:
        self.new = self.speed.saved()
        # One that is not for this environment, so that there is always a form.
        write_form(
            self.speed.forms, "later/loket", environment="prod", keys=(), application="loket"
        )
        self._compare()

    # Edits of forms

    def new_form(self, folder: str, application: str) -> bool:
        self.made += 1
        return self._edit((*self.forms, Wanted(folder, f"{application}-{self.made}", application)))

    def remove_form(self, pick: int) -> bool:
        one = self._form(pick)
        return one is not None and self._edit([other for other in self.forms if other != one])

    def rename_file(self, pick: int) -> bool:
        self.made += 1
        return self._change(pick, lambda one: replace(one, file=f"{one.application}-{self.made}"))

    def change_contact(self, pick: int) -> bool:
        return self._change(
            pick, lambda one: replace(one, contact="second" if one.contact == "first" else "first")
        )

    def toggle_scope(self, pick: int) -> bool:
        return self._change(pick, lambda one: replace(one, scopes=one.scopes ^ {SECOND_SCOPE}))

    def toggle_unknown_scope(self, pick: int) -> bool:
        """The authority refuses it."""
        return self._change(pick, lambda one: replace(one, scopes=one.scopes ^ {UNKNOWN_SCOPE}))

    def toggle_key(self, pick: int) -> bool:
        return self._change(
            pick, lambda one: replace(one, keys=(one.keys or frozenset({"first"})) ^ {"second"})
        )

    def leave_keys_to_portal(self, pick: int) -> bool:
        return self._change(pick, lambda one: replace(one, keys=None))

    def toggle_product(self, pick: int, name: str) -> bool:
        def change(one: Wanted) -> Wanted:
            has = dict(one.products)
            if has.pop(name, None) is None:
                has[name] = "10244"
            return replace(one, products=tuple(sorted(has.items())))

        return self._change(pick, change)

    def change_product(self, pick: int) -> bool:
        return self._change(
            pick,
            lambda one: replace(
                one,
                products=tuple(
                    (name, "10245" if value == "10244" else "10244") for name, value in one.products
                ),
            ),
        )

    def another_application(self, pick: int, application: str, formerly: bool) -> bool:
        return self._change(
            pick,
            lambda one: (
                replace(
                    one, application=application, formerly=one.application if formerly else None
                )
                if application != one.application
                else one
            ),
        )

    def another_code(self, folder: str, formerly: bool) -> bool:
        before = self.organisations[folder]
        code = next(code for code in CODES[folder] if code != before.code)
        return self._edit(
            self.forms,
            {**self.organisations, folder: Organisation(code, before.code if formerly else None)},
        )

    def forget_formerly(self) -> bool:
        forms = [replace(one, formerly=None) for one in self.forms]
        return self._edit(
            forms,
            {folder: replace(one, formerly=None) for folder, one in self.organisations.items()},
        )

    def adopt(self, folder: str, application: str, pick: int) -> bool:
        """A form for a client that somebody made by hand, or that is another's."""
        clients = self._clients()
        self.made += 1
        client_id = clients[pick % len(clients)] if clients else NOBODYS_ID
        return self._edit(
            (
                *self.forms,
                Wanted(folder, f"{application}-{self.made}", application, adopt=client_id),
            )
        )

    def adopt_mistyped(self, pick: int) -> bool:
        return self._change(
            pick, lambda one: one if self._has_client(one) else replace(one, adopt=NOBODYS_ID)
        )

    def stop_adopting(self) -> bool:
        return self._edit([replace(one, adopt=None) for one in self.forms])

    def toggle_protection(self) -> bool:
        self.model.protects = not self.model.protects
        self.speed.protect(self.model.protects)
        return True

    # What a user types, and writes into the program

    def toggle_below(self) -> bool:
        """The program declares its connections below a component of its own, or no longer."""
        self.model.below = not self.model.below
        return self._program()

    def toggle_replace_on_changes(self) -> bool:
        self.model.replaces_changed = not self.model.replaces_changed
        return self._program()

    def toggle_delete_before_replace(self) -> bool:
        self.model.removes_first = not self.model.removes_first
        return self._program()

    def _program(self) -> bool:
        options = {
            "replace_on_changes=['*']": self.model.replaces_changed,
            "delete_before_replace=True": self.model.removes_first,
        }
        self.speed.program(
            program(*(option for option, has in options.items() if has), below=self.model.below)
        )
        return True

    def taint(self, pick: int, part: str) -> bool:
        """``pulumi state taint`` of a client, or of a product."""
        place = self._recorded(pick, part)
        if place is None or self.model.recorded[place].tainted:
            return False
        self.speed.edit_state("taint", self._urn(place))
        self.model.recorded[place] = self.model.recorded[place]._replace(tainted=True)
        self._compare()
        return True

    def rename_in_state(self, pick: int) -> bool:
        """``pulumi state rename`` of a client."""
        place = self._recorded(pick, CLIENT)
        if place is None or place[0].removesuffix(BELOW).endswith(ELSEWHERE):
            return False
        key = place[0].removesuffix(BELOW)
        other = f"{key}{ELSEWHERE}{place[0].removeprefix(key)}"
        if (other, CLIENT) in self.model.recorded or any(
            one == place for one, _ in self.model.condemned
        ):
            return False
        self.speed.edit_state("rename", self._urn(place), f"{key}{ELSEWHERE}")
        self.model.recorded[other, CLIENT] = self.model.recorded.pop(place)
        self._compare()
        return True

    def delete_in_state(self, pick: int, part: str) -> bool:
        """``pulumi state delete`` of a client, with what depends on it, or of a product."""
        place = self._recorded(pick, part)
        if place is None or any(one == place for one, _ in self.model.condemned):
            return False
        client_id = self.model.recorded[place].client_id
        self.speed.edit_state("delete", self._urn(place))
        there = seen(self.speed.export(), self.registry)
        for other in [
            other
            for other, one in self.model.recorded.items()
            if part == CLIENT and one.client_id == client_id
        ]:
            if other not in there.recorded:
                # After a rename in the state, what depends on it is not all that is inside.
                del self.model.recorded[other]
        self.model.recorded.pop(place, None)
        self.model.condemned = self.model.condemned_in(there)
        self._compare(there)
        return True

    def save_state(self) -> bool:
        """``pulumi stack export`` into a file."""
        self.saved = self.speed.saved(), dict(self.model.recorded), list(self.model.condemned)
        return bool(self.model.recorded)

    def restore_state(self) -> bool:
        """``pulumi stack import`` of that file."""
        if self.saved is None or not self.saved[1] or self.saved[1] == self.model.recorded:
            return False
        self.speed.restore(self.saved[0])
        self.model.recorded, self.model.condemned, self.model.cut_off = (
            dict(self.saved[1]),
            list(self.saved[2]),
            set(),
        )
        self._compare()
        return True

    def lose_state(self) -> bool:
        """The state is lost: the stack begins anew."""
        if not self.model.recorded:
            return False
        self.speed.restore(self.new)
        self.model.recorded, self.model.condemned, self.model.cut_off = {}, [], set()
        self._compare()
        return True

    def _recorded(self, pick: int, part: str) -> ClientKey | None:
        places = sorted(place for place in self.model.recorded if place[1] == part)
        return places[pick % len(places)] if places else None

    def _urn(self, place: ClientKey) -> str:
        resources = self.speed.export()["deployment"]["resources"]
        return next(
            str(one["urn"])
            for one in resources
            if place_of(one["urn"]) == place and not one.get("delete")
        )

    # Changes by hand

    def grant_by_hand(self, pick: int) -> bool:
        return self._by_hand(pick, SCOPES, lambda value: value ^ {BY_HAND})

    def withdraw_by_hand(self, pick: int) -> bool:
        return self._by_hand(pick, SCOPES, lambda value: value - {PLAIN})

    def key_by_hand(self, pick: int) -> bool:
        return self._by_hand(pick, KEYS, lambda value: value ^ {"slipped-in"})

    def contact_by_hand(self, pick: int) -> bool:
        client_id = self._client(pick)
        if client_id is None:
            return False
        owner = self.model.real[client_id, CLIENT].owner  # type: ignore[union-attr]
        self.registry.change(client_id, **describing(_address("someone")))
        self.model.real[client_id, CLIENT] = Owned(_address("someone"), owner)
        return True

    def product_by_hand(self, pick: int, name: str, value: str) -> bool:
        """Somebody adds a product's configuration, or changes it."""
        client_id = self._client(pick)
        if client_id is None:
            return False
        before = self.model.real.get((client_id, name))
        self._configure(client_id, name, value)
        self.model.real[client_id, name] = (
            before._replace(value=value) if isinstance(before, Owned) else Owned(value, None)
        )
        return True

    def product_of_a_stranger(self, pick: int, name: str) -> bool:
        """Another stack configures a product of a client."""
        client_id = self._client(pick)
        if client_id is None or (client_id, name) in self.model.real:
            return False
        self._configure(
            client_id,
            name,
            "10246",
            **_ELSEWHERE,
        )
        self.model.real[client_id, name] = Owned("10246", STRANGER)
        return True

    def _configure(self, client_id: str, name: str, value: str, **owner: str) -> None:
        self.registry.set_configuration(
            name, client_id, {**CONFIGURATIONS[name], "product_ids": [value]}, **owner
        )

    def remove_product_by_hand(self, pick: int, name: str) -> bool:
        client_id = self._client(pick)
        if client_id is None or self.model.real.pop((client_id, name), None) is None:
            return False
        self.registry.remove_configuration(name, client_id)
        self.model.marks.pop((client_id, name), None)
        return True

    def remove_client_by_hand(self, pick: int) -> bool:
        """Its products are in another API, and stay."""
        client_id = self._client(pick)
        if client_id is None:
            return False
        self.registry.remove(client_id)
        for part in (CLIENT, SCOPES, KEYS):
            del self.model.real[client_id, part]
        return True

    def empty_owner(self, pick: int, part: str) -> bool:
        """Somebody takes the key and the stack from a client, or from a product's configuration."""
        return self._give(pick, part, None, {"software_id": None, "managed_by": None})

    def owner_elsewhere(self, pick: int, part: str) -> bool:
        """Another stack takes over a client, or a product's configuration."""
        return self._give(pick, part, STRANGER, _ELSEWHERE)

    def _give(
        self, pick: int, part: str, owner: str | None, marks: Mapping[str, str | None]
    ) -> bool:
        client_id = self._client(pick)
        before = self.model.real.get((client_id or "", part))
        if client_id is None or not isinstance(before, Owned) or before.owner in (None, STRANGER):
            return False
        if part == CLIENT:
            self.registry.change(client_id, **marks)
        else:
            document = self.registry.product_document(part, client_id) or {}
            self.registry.set_configuration(part, client_id, document["configuration"], **marks)
        self.model.real[client_id, part] = before._replace(owner=owner)
        return True

    def save_authority(self) -> bool:
        """Somebody makes a backup of the authority's database."""
        self.kept = dict(self.model.real), dict(self.model.marks)
        copy_database(self.speed.portal.settings.database, self.speed.forms.parent / "authority.db")
        return bool(self.model.real)

    def restore_authority(self) -> bool:
        """Somebody restores that backup."""
        if (
            self.kept is None
            or not self.kept[0]
            or self.kept == (self.model.real, self.model.marks)
        ):
            return False
        self.model.real, self.model.marks = dict(self.kept[0]), dict(self.kept[1])
        copy_database(self.speed.forms.parent / "authority.db", self.speed.portal.settings.database)
        self._compare()
        return True

    def make_by_hand(self, application: str) -> bool:
        """A client without an owner, with a scope, and a product that is configured."""
        document = register_client(
            self.registry.http,
            scopes=[PLAIN, BY_HAND],
            software_id=None,
            managed_by=None,
            application=application,
            **describing(_address("someone")),
        )
        client_id = str(document["client_id"])
        self.model.codes[client_id] = str(document["organisation"]["ovo"])
        self._configure(client_id, "dosis", "10246")
        self.model.real[client_id, CLIENT] = Owned(_address("someone"), None)
        self.model.real[client_id, SCOPES] = frozenset({PLAIN, BY_HAND})
        self.model.real[client_id, KEYS] = frozenset()
        self.model.real[client_id, "dosis"] = Owned("10246", None)
        return True

    # Commands

    def up_replacing(self, pick: int, part: str, refresh: bool = False) -> bool:
        """``pulumi up --replace`` of a client, or of a product."""
        place = self._recorded(pick, part)
        return place is not None and self.up(refresh, replacing=place)

    def up(
        self, refresh: bool = False, outage: Outage = WELL, replacing: ClientKey | None = None
    ) -> bool:
        before = copy.deepcopy(self.model)
        ran = self.speed.up(
            refresh=refresh, outage=outage, replacing=self._urn(replacing) if replacing else None
        )
        self.model.cut_off = set()
        there = self._status()
        expected = set[str]()
        self._no_client_is_lost(before, there)
        if not refresh or self.model.refresh(outage):
            before = copy.deepcopy(self.model)
            expected = self.model.up(outage, there, [replacing] if replacing else [])
        if self.model.bailed:
            assert ran.troubled, "what is protected is replaced"
            self._in_part(there, before, self.model)
            return True
        self._compare(there)
        assert "" not in ran.troubled, f"a trouble that is everybody's: {ran.troubled}"
        if not outage.apis:
            # One that was renamed in the state is not tried where what depends on it has met
            # trouble.
            found, expected = (
                {name.removesuffix(ELSEWHERE) for name in names}
                for names in (ran.troubled, expected)
            )
            assert found == expected, f"trouble with {ran.troubled}, and expected with {expected}"
            if not expected:
                self._nothing_is_left()
        return True

    def up_cut_off(self, cut: Cut, refresh: bool) -> bool:
        """What a run does that ends anywhere is what it would have done, or nothing."""
        before = copy.deepcopy(self.model)
        self.speed.up(refresh=refresh, cut=cut)
        there = self._status()
        self._no_client_is_lost(before, there)
        if refresh:
            before.refresh(WELL)
        whole = copy.deepcopy(before)
        whole.up(WELL, there)
        self._in_part(there, before, whole)
        return True

    def _no_client_is_lost(self, before: Model, there: Model) -> None:
        """The client of what a form declares stays, and there is no second one; unless the program
        removes what it replaces first."""
        now = {
            client_id: value.owner
            for (client_id, part), value in there.real.items()
            if part == CLIENT and isinstance(value, Owned)
        }
        for key in () if before.removes_first else before.declared:
            had = {
                client_id
                for (client_id, part), value in before.real.items()
                if part == CLIENT and _is_of(before, key, value)
            }
            known = before.recorded.get(before.place(key, CLIENT))
            lost = (
                had
                | (
                    {known.client_id}
                    if known and (known.client_id, CLIENT) in before.real
                    else set()
                )
            ) - now.keys()
            assert not lost, f"{key} loses its client {lost}"
            assert (
                not had or {client_id for client_id, owner in now.items() if owner == key} <= had
            ), f"{key} gets a second client"

    def _in_part(self, there: Model, before: Model, *after: Model) -> None:
        """Each part is as it was before a run, or as after one that does it; the model goes on from
        there."""
        whole = after[-1]
        for place in before.real.keys() | there.real.keys():
            value = there.real.get(place)
            owner = there.real.get((place[0], CLIENT))
            is_new = (
                (place[0], CLIENT) not in before.real
                and isinstance(owner, Owned)
                and owner.owner in self.model.declared
            )
            assert value in (before.real.get(place), whole.real.get(place)) or (
                is_new and value in (None, frozenset())
            ), (
                f"{place} was {before.real.get(place)}, should be {whole.real.get(place)}, and is"
                f" {value}"
            )
        for place in before.recorded.keys() | there.recorded.keys():
            known = there.recorded.get(place)
            expected = [one.recorded.get(place) for one in (before, *after)] + (
                [None] if whole.removes_first else []
            )
            assert known in expected, (
                f"{place} is recorded as {known}, and should be one of {expected}"
            )
        self.model.recorded, self.model.condemned, self.model.cut_off = (
            there.recorded,
            there.condemned,
            there.cut_off,
        )
        self.model.real, self.model.marks = there.real, there.marks

    def refresh(self, outage: Outage = WELL) -> bool:
        ran = self.speed.refresh(outage)
        self.model.cut_off = set()
        well = self.model.refresh(outage)
        self._compare()
        assert well == (not ran.troubled), f"{ran.troubled}"
        return True

    def drift(self, outage: Outage = WELL) -> bool:
        """What was changed by hand is named, and what waits."""
        return self._look(False, outage)

    def heal(self, outage: Outage = WELL) -> bool:
        """Just what is by hand and waits nowhere is repaired; what is left is named."""
        return self._look(True, outage)

    def _all_clients_are_lost(self) -> bool:
        recorded = {known.client_id for known in self.model.recorded.values()}
        exist = ((client_id, CLIENT) in self.model.real for client_id in recorded)
        return bool(recorded) and not any(exist)

    def _look(self, heal: bool, outage: Outage) -> bool:
        model, words = self.model, ("--heal",) if heal else ()
        if heal and (model.removes_first or model.replaces_changed):
            # It repairs a client, and what is inside goes with the one before, or is looked at for
            # the one before.
            return False
        if heal and self._all_clients_are_lost():
            return False  # it refuses: the authority may be another one
        before = copy.deepcopy(model)
        done = self.speed.acmidm("drift", "--stack", "tni", "-o", "json", *words, outage=outage)
        there = seen(self.speed.export(), self.registry)
        has_product = any(
            part in PRODUCTS
            for part in (*(part for _, part in model.recorded), *chain(*model.declared.values()))
        )
        if "management" in outage.apis or ("products" in outage.apis and has_product):
            assert done.code == 3, done.output
            self._compare(there)
            return True
        assert done.code in (0, 1), done.output
        report = json.loads(done.stdout)
        self._no_client_is_lost(before, there)
        if self._is_between():
            if heal:
                read = copy.deepcopy(model)
                read.refresh()
                whole = copy.deepcopy(read)
                whole.up(WELL, there)
                self._in_part(there, before, read, whole)
            self._compare(there)
            return True
        if heal:
            repaired, left = model.heal(there)
            named = _named(report.get("repaired", ()))
            assert named == repaired, f"it repairs {named}, and not just {repaired}"
            unnamed = {
                place
                for place in left
                if not any(_names(problem, place) for problem in report.get("problems", ()))
            }
            assert not unnamed, f"{unnamed} is left, and not among {report.get('problems')}"
        self._compare(there)
        by_hand, waiting = model.drift()
        named, found = _named(report["by_hand"]), _named(report["not_applied"])
        assert named == by_hand, f"by hand is {by_hand}, and it names {named}"
        new = {key for key, part in found if part is None}
        shown = {place for place in waiting if place[0] not in new} | {
            (key, None) for key, _ in waiting if key in new
        }
        assert found == shown, f"{waiting} wait, and it names {found}"
        orphans = model.orphans()
        # A client stands for its products too; where they alone are left behind, it is named
        # because of them.
        left = {
            (one["client_id"], product)
            for one in report["left_behind"]
            for product in (CLIENT, *one.get("products", ()))
        }
        assert left == orphans | {(client_id, CLIENT) for client_id, _ in orphans}, (
            f"{orphans} is left behind, and it names {left}"
        )
        assert done.code == bool(by_hand | waiting | orphans)
        return True

    def _is_between(self) -> bool:
        """Whether the state has a connection under another name than the program, or twice."""
        names = {name for name, _ in self.model.recorded}
        other = any(
            name.endswith(BELOW) is not self.model.below
            or name.removesuffix(BELOW).endswith(ELSEWHERE)
            for name in names
        )
        return other or bool(self.model.condemned)

    def preview(self, refresh: bool) -> bool:
        """What a preview shows is what the run would do."""
        ran = self.speed.preview(refresh=refresh)
        model = copy.deepcopy(self.model)
        if refresh:
            model.refresh(WELL)
        pending = self._pending(model)
        # The client-ID of one that is made anew is not known yet, and seems to change.
        anew = {place[0] for place in pending if place[1] == CLIENT and self._is_made(model, place)}
        maybe = {(name, part) for name in anew for part in PARTS}
        # Whether a form declares its keys is said of the client too.
        in_portal = {
            model.name(key) for key, wanted in model.declared.items() if wanted[KEYS] == IN_PORTAL
        } | {name for (name, _), known in model.recorded.items() if known.value == IN_PORTAL}
        maybe |= {(name, CLIENT) for name, part in pending if part == KEYS and name in in_portal}
        # Where an adoption is refused the program fails, and the engine shows no removals; a client
        # whose parts are protected is not even tried.
        declared = {
            model.place(key, part) for key, wanted in model.declared.items() for part in wanted
        }
        kept = {
            place
            for place in pending & model.recorded.keys()
            if (ran.troubled and place not in declared)
            or (place[1] == CLIENT and model.recorded[place].protected)
        }
        assert pending - kept <= ran.steps <= pending | maybe, (
            f"it shows {sorted(ran.steps)}, and {sorted(pending)} would change"
        )
        self._compare()
        return True

    def _nothing_is_left(self) -> None:
        """A run without trouble leaves nothing to a second one."""
        assert not self.model.condemned, f"left behind: {self.model.condemned}"
        again = self.speed.preview()
        assert not again.steps, f"a second run would change {sorted(again.steps)}"
        assert not again.troubled, f"a second run meets {again.troubled}"

    def _pending(self, model: Model) -> set[ClientKey]:
        left = set(model.recorded)
        changed = {place for place, _ in model.condemned}
        for key, wanted in model.declared.items():
            client = model.recorded.get(model.place(key, CLIENT))
            for part, value in wanted.items():
                place = model.place(key, part)
                left.discard(place)
                known = model.recorded.get(place)
                is_other = (
                    known is None
                    or client is None
                    or known.client_id != client.client_id
                    or known.tainted
                    or known.other
                )
                if is_other or known.value != value:  # type: ignore[union-attr]
                    changed.add((model.name(key), part))
        return changed | left

    def _is_made(self, model: Model, place: ClientKey) -> bool:
        known = model.recorded.get(place)
        return known is None or known.tainted or model.replaces_changed

    # What they share

    def _status(self) -> Model:
        """The maps of the real thing; the service desk's list has each recorded client with its
        scopes."""
        there = seen(self.speed.export(), self.registry)
        done = self.speed.acmidm("status", "--stack", "tni", "-o", "json")
        assert done.code == 0, done.output
        listed = dict[str, int]()
        for one in json.loads(done.stdout)["connections"]:
            # A client is there twice where a rename ended in part.
            listed[one["client_id"]] = max(listed.get(one["client_id"], 0), len(one["scopes"]))
        # By their client: after a rename that failed in part, its scopes have its earlier name.
        scopes = {
            known.client_id: len(known.value)  # type: ignore[arg-type]
            for (_, part), known in there.recorded.items()
            if part == SCOPES
        }
        expected = {
            known.client_id: scopes.get(known.client_id, 0)
            for (_, part), known in there.recorded.items()
            if part == CLIENT
        }
        # scopes that were removed first, and not made again yet, are still those that the client
        # has
        if self.model.removes_first:
            expected |= {
                client_id: listed.get(client_id, 0) for client_id in expected.keys() - scopes.keys()
            }
        assert listed == expected, f"the service desk sees {listed}, and not {expected}"
        return there

    def _compare(self, there: Model | None = None) -> None:
        """The model's maps are those of the real thing."""
        there = there or seen(self.speed.export(), self.registry)
        self.model.codes = there.codes
        assert _shown(there.real) == _shown(self.model.real), _difference(
            "real", self.model.real, there.real
        )
        assert _shown(there.recorded) == _shown(self.model.recorded), _difference(
            "recorded", self.model.recorded, there.recorded
        )
        self.model.marks = {place: self.model.marks.get(place) for place in there.marks}
        assert there.marks == self.model.marks, _difference("mark", self.model.marks, there.marks)
        assert {place for place, _ in there.condemned} == {
            place for place, _ in self.model.condemned
        }, f"left are {there.condemned}"

    def _form(self, pick: int) -> Wanted | None:
        return self.forms[pick % len(self.forms)] if self.forms else None

    def _client(self, pick: int) -> str | None:
        clients = self._clients()
        return clients[pick % len(clients)] if clients else None

    def _clients(self) -> list[str]:
        """In an order that is the same each time: IDs are made at random."""

        def seen_as(client_id: str) -> list[str]:
            values = [self.model.real.get((client_id, part)) for part in PARTS]
            return [
                str(sorted(value) if isinstance(value, frozenset) else value) for value in values
            ]

        return sorted(
            (client_id for client_id, part in self.model.real if part == CLIENT), key=seen_as
        )

    def _has_client(self, one: Wanted) -> bool:
        return (
            self.model.place(f"{self.organisations[one.folder].code}/{one.application}", CLIENT)
            in self.model.recorded
        )

    def _by_hand(self, pick: int, part: str, change: Callable[[Any], frozenset[str]]) -> bool:
        client_id = self._client(pick)
        if client_id is None:
            return False
        value = change(self.model.real[client_id, part])
        if value == self.model.real[client_id, part]:
            return False
        if part == SCOPES:
            self.registry.set_scopes(client_id, [*value, ASSIGNED], value & {SECOND_SCOPE})
        else:
            path = f"/management/v1/clients/{client_id}/jwks"
            there = {
                key["kid"]: key
                for key in self.registry.http.get(path).raise_for_status().json()["keys"]
            }
            keys = [there.get(kid, SLIPPED_IN) for kid in sorted(value)]
            put_current(self.registry.http, path, {"keys": keys}).raise_for_status()
        self.model.real[client_id, part] = value
        return True

    def _change(self, pick: int, change: Callable[[Wanted], Wanted]) -> bool:
        one = self._form(pick)
        if one is None or change(one) == one:
            return False
        return self._edit([change(one) if other is one else other for other in self.forms])

    def _edit(
        self, forms: Iterable[Wanted], organisations: dict[str, Organisation] | None = None
    ) -> bool:
        """Write other forms, where they may be written so."""
        forms, organisations = tuple(forms), organisations or self.organisations
        declared = [f"{organisations[one.folder].code}/{one.application}" for one in forms]
        formerly = {
            key: _former(one, organisations[one.folder])
            for key, one in zip(declared, forms, strict=True)
        }
        former = [name for names in formerly.values() for name in names]
        adopted = [one.adopt for one in forms if one.adopt]
        for names in (declared, former, adopted):
            if len(set(names)) < len(names):
                return False
        if not set(former).isdisjoint(declared) or (forms, organisations) == (
            self.forms,
            self.organisations,
        ):
            return False
        self.forms, self.organisations = forms, organisations
        self.model.formerly = formerly
        self.model.adopt = {
            key: one.adopt for key, one in zip(declared, forms, strict=True) if one.adopt
        }
        self.model.declared = {
            key: _parts(key, one) for key, one in zip(declared, forms, strict=True)
        }
        for file in self.speed.forms.glob("*/*.yaml"):
            if file.parent.name in CODES:
                file.unlink()
        for one in forms:
            self._write(one)
        return True

    def _write(self, one: Wanted) -> None:
        known = self.organisations[one.folder]
        organisation: dict[str, Any] = {"name": one.folder.title(), "ovo": known.code}
        if known.formerly:
            organisation["formerly"] = known.formerly
        form = write_form(
            self.speed.forms,
            f"{one.folder}/{one.file}",
            scopes=sorted({*one.scopes, *(SCOPE_OF[name] for name, _ in one.products)}),
            products={
                name: {**CONFIGURATIONS[name], "product_ids": [value]}
                for name, value in one.products
            },
            keys=(),
            organisation=organisation,
            application=one.application,
            contacts=[_address(one.contact)],
        )
        _finish(form, one)


def _finish(form: FormFile, one: Wanted) -> None:
    """What a test's form doesn't have by itself."""
    form.request()["attributes"] = describing(_address(one.contact))["attributes"]
    form.request()["scopes"] |= {scope: {"default": True} for scope in one.scopes & {SECOND_SCOPE}}
    if one.formerly:
        form.document["formerly"] = one.formerly
    if one.adopt:
        form.request()["adopt"] = {"acmidm": one.adopt}
    if one.keys is not None:
        form.request()["jwks"] = [f"{one.application}-{kid}.jwk.json" for kid in sorted(one.keys)]
        for kid in one.keys:
            (form.path.parent / f"{one.application}-{kid}.jwk.json").write_text(
                json.dumps(KEY_FILES[one.folder][kid])
            )
    form.save()


def _parts(key: str, one: Wanted) -> dict[str, Value]:
    scopes = {*one.scopes, *(SCOPE_OF[name] for name, _ in one.products)}
    parts: dict[str, Value] = {
        CLIENT: Owned(_address(one.contact), key),
        SCOPES: frozenset(scopes),
        KEYS: IN_PORTAL if one.keys is None else one.keys,
    }
    return parts | {name: Owned(value, key) for name, value in one.products}


def _former(one: Wanted, organisation: Organisation) -> tuple[str, ...]:
    codes = [organisation.code, *([organisation.formerly] if organisation.formerly else [])]
    names = [one.application, *([one.formerly] if one.formerly else [])]
    return tuple(f"{code}/{name}" for code, name in product(codes, names))[1:]


def _address(name: str) -> str:
    return f"{name}@stad.example"


def _is_of(model: Model, key: str, value: Value) -> bool:
    return isinstance(value, Owned) and value.owner in (key, *model.formerly.get(key, ()))


_WHOLE = (
    "client_created",
    "client_adopted",
    "client_replaced",
    "client_renamed",
    "changed_otherwise",
    "not_recorded",
)


def _named(connections: Iterable[Mapping[str, Any]]) -> set[tuple[str, str | None]]:
    """The parts that a report names; None is all that a client has."""
    found = {(one["key"], _part(change)) for one in connections for change in one["changes"]}
    return {(key, part) for key, part in found if part is None or (key, None) not in found}


def _part(change: Mapping[str, Any]) -> str | None:
    kind, by_hand = change["kind"], change["by_hand"]
    if (kind in _WHOLE or kind == "client_removed") and not by_hand:
        return None
    if kind.startswith("product"):
        return str(change["subject"])
    return KEYS if "key" in kind else SCOPES if kind.startswith("scope") else CLIENT


_RESOURCES = {CLIENT: "OAuthClient", SCOPES: "ClientScopes", KEYS: "ClientJwks"}


def _names(problem: str, place: ClientKey) -> bool:
    """Whether a sentence says of a part that it is left as it is."""
    return problem.startswith(f"{place[0]}: ") and _RESOURCES.get(place[1], place[1]) in problem


def _shown(found: dict[ClientKey, Any]) -> dict[ClientKey, Any]:
    return {place: value for place, value in found.items() if value is not None}


def _difference(name: str, expected: dict[ClientKey, Any], found: dict[ClientKey, Any]) -> str:
    places = sorted(
        place for place in expected.keys() | found.keys() if expected.get(place) != found.get(place)
    )
    return "\n".join(
        f"{name} {place}: expected {expected.get(place)}, found {found.get(place)}"
        for place in places
    )
