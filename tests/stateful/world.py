"""A stack, a portal and the model beside them: every rule that the machine has, and what must be true after each.

A rule that makes no sense now does nothing, and is not counted.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, product
from typing import Any

from tests.stateful.model import (
    CLIENT,
    IN_PORTAL,
    KEYS,
    PARTS,
    PRODUCTS,
    SCOPES,
    STRANGER,
    UNKNOWN_SCOPE,
    Model,
    Outage,
    Owned,
    Place,
    Value,
)
from tests.stateful.seen import ASSIGNED, CONFIGURATIONS, SECOND_SCOPE, describing, left_behind, put_configuration, seen
from tests.stateful.speeds import WELL, Cut, Speed
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.portal import new_key, public_jwk, register_client
from tests.support.registry import Registry

BY_HAND = "dv_ar_adres_beheer"
SCOPE_OF = {"dosis": DOSSIERS, "notificaties": SEND}
NOBODYS_ID = "00000000-0000-4000-8000-000000000000"
CODES = {"gent": ("OVO002067", "OVO002068"), "aalst": ("OVO002002", "OVO002003")}
KEY_FILES = {folder: {kid: public_jwk(new_key(kid)) for kid in ("first", "second")} for folder in CODES}
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
    organisations: dict[str, Organisation] = field(default_factory=lambda: {name: Organisation(codes[0]) for name, codes in CODES.items()})
    made: int = 0

    def __post_init__(self) -> None:
        # One that is not for this environment, so that there is always a form.
        write_form(self.speed.forms, "later/loket", environment="prod", keys=(), application="loket")
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
        return self._change(pick, lambda one: replace(one, contact="second" if one.contact == "first" else "first"))

    def toggle_scope(self, pick: int) -> bool:
        return self._change(pick, lambda one: replace(one, scopes=one.scopes ^ {SECOND_SCOPE}))

    def toggle_unknown_scope(self, pick: int) -> bool:
        """The authority refuses it."""
        return self._change(pick, lambda one: replace(one, scopes=one.scopes ^ {UNKNOWN_SCOPE}))

    def toggle_key(self, pick: int) -> bool:
        return self._change(pick, lambda one: replace(one, keys=(one.keys or frozenset({"first"})) ^ {"second"}))

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
            lambda one: replace(one, products=tuple((name, "10245" if value == "10244" else "10244") for name, value in one.products)),
        )

    def another_application(self, pick: int, application: str, formerly: bool) -> bool:
        return self._change(
            pick,
            lambda one: (
                replace(one, application=application, formerly=one.application if formerly else None)
                if application != one.application
                else one
            ),
        )

    def another_code(self, folder: str, formerly: bool) -> bool:
        before = self.organisations[folder]
        code = next(code for code in CODES[folder] if code != before.code)
        return self._edit(self.forms, {**self.organisations, folder: Organisation(code, before.code if formerly else None)})

    def forget_formerly(self) -> bool:
        forms = [replace(one, formerly=None) for one in self.forms]
        return self._edit(forms, {folder: replace(one, formerly=None) for folder, one in self.organisations.items()})

    def adopt(self, folder: str, application: str, pick: int) -> bool:
        """A form for a client that somebody made by hand, or that is another's."""
        clients = self._clients()
        self.made += 1
        client_id = clients[pick % len(clients)] if clients else NOBODYS_ID
        return self._edit((*self.forms, Wanted(folder, f"{application}-{self.made}", application, adopt=client_id)))

    def adopt_mistyped(self, pick: int) -> bool:
        return self._change(pick, lambda one: one if self._has_client(one) else replace(one, adopt=NOBODYS_ID))

    def stop_adopting(self) -> bool:
        return self._edit([replace(one, adopt=None) for one in self.forms])

    def toggle_protection(self) -> bool:
        self.model.protects = not self.model.protects
        self.speed.protect(self.model.protects)
        return True

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
        if isinstance(before, Owned):
            self.registry.set_configuration(name, client_id, {**CONFIGURATIONS[name], "product_ids": [value]})
            self.model.real[client_id, name] = before._replace(value=value)
        else:
            put_configuration(self.registry, name, client_id, value)
            self.model.real[client_id, name] = Owned(value, None)
        return True

    def product_of_a_stranger(self, pick: int, name: str) -> bool:
        """Another stack configures a product of a client."""
        client_id = self._client(pick)
        if client_id is None or (client_id, name) in self.model.real:
            return False
        put_configuration(self.registry, name, client_id, "10246", STRANGER)
        self.model.real[client_id, name] = Owned("10246", STRANGER)
        return True

    def remove_product_by_hand(self, pick: int, name: str) -> bool:
        client_id = self._client(pick)
        if client_id is None or self.model.real.pop((client_id, name), None) is None:
            return False
        self.registry.remove_configuration(name, client_id)
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
        put_configuration(self.registry, "dosis", client_id, "10246")
        self.model.real[client_id, CLIENT] = Owned(_address("someone"), None)
        self.model.real[client_id, SCOPES] = frozenset({PLAIN, BY_HAND})
        self.model.real[client_id, KEYS] = frozenset()
        self.model.real[client_id, "dosis"] = Owned("10246", None)
        return True

    # Commands

    def up(self, refresh: bool = False, outage: Outage = WELL) -> bool:
        ran = self.speed.up(refresh=refresh, outage=outage)
        self.model.cut_off = set()
        there = self._status()
        expected = set[str]()
        if not refresh or self.model.refresh(outage):
            expected = self.model.up(outage, there)
        self._compare(there)
        assert "" not in ran.troubled, f"a trouble that is everybody's: {ran.troubled}"
        if not outage.apis:
            assert ran.troubled.keys() == expected, f"trouble with {ran.troubled}, and expected with {expected}"
            if not expected:
                self._nothing_is_left()
        return True

    def up_cut_off(self, cut: Cut, refresh: bool) -> bool:
        """What a run does that ends anywhere is what it would have done, or nothing."""
        before = copy.deepcopy(self.model)
        self.speed.up(refresh=refresh, cut=cut)
        there = self._status()
        if refresh:
            before.refresh(WELL)
        whole = copy.deepcopy(before)
        whole.up(WELL, there)
        for place in before.real.keys() | there.real.keys():
            value = there.real.get(place)
            owner = there.real.get((place[0], CLIENT))
            is_new = (place[0], CLIENT) not in before.real and isinstance(owner, Owned) and owner.owner in self.model.declared
            assert value in (before.real.get(place), whole.real.get(place)) or (is_new and value in (None, frozenset())), (
                f"{place} was {before.real.get(place)}, should be {whole.real.get(place)}, and is {value}"
            )
        for place in before.recorded.keys() | there.recorded.keys():
            known = there.recorded.get(place)
            assert known in (before.recorded.get(place), whole.recorded.get(place)), f"{place} is recorded as {known}"
        self.model.recorded, self.model.real, self.model.cut_off = there.recorded, there.real, there.cut_off
        return True

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

    def _look(self, heal: bool, outage: Outage) -> bool:
        model, words = self.model, ("--heal",) if heal else ()
        done = self.speed.acmidm("drift", "--stack", "tni", "-o", "json", *words, outage=outage)
        there = seen(self.speed.export(), self.registry)
        has_product = any(part in PRODUCTS for part in (*(part for _, part in model.recorded), *chain(*model.declared.values())))
        if "management" in outage.apis or ("products" in outage.apis and has_product):
            assert done.code == 3, done.output
            self._compare(there)
            return True
        assert done.code in (0, 1), done.output
        report = json.loads(done.stdout)
        if heal:
            repaired, left = model.heal(there)
            named = _named(report.get("repaired", ()))
            assert named == repaired, f"it repairs {named}, and not just {repaired}"
            unnamed = {place for place in left if not any(_names(problem, place) for problem in report.get("problems", ()))}
            assert not unnamed, f"{unnamed} is left, and not among {report.get('problems')}"
        self._compare(there)
        by_hand, waiting = model.drift()
        named, found = _named(report["by_hand"]), _named(report["not_applied"])
        assert named == by_hand, f"by hand is {by_hand}, and it names {named}"
        new = {key for key, part in found if part is None}
        shown = {place for place in waiting if place[0] not in new} | {(key, None) for key, _ in waiting if key in new}
        assert found == shown, f"{waiting} wait, and it names {found}"
        assert done.code == bool(by_hand | waiting)
        return True

    def preview(self, refresh: bool) -> bool:
        """What a preview shows is what the run would do."""
        ran = self.speed.preview(refresh=refresh)
        model = copy.deepcopy(self.model)
        if refresh:
            model.refresh(WELL)
        pending = self._pending(model)
        # Where an adoption is refused the program fails, and the engine shows no removals; a client whose parts are protected is
        # not even tried.
        kept = {
            (key, part)
            for key, part in pending & model.recorded.keys()
            if (ran.troubled and part not in model.declared.get(key, {})) or (part == CLIENT and model.recorded[key, part].protected)
        }
        assert pending - kept <= ran.steps <= pending, f"it shows {sorted(ran.steps)}, and {sorted(pending)} would change"
        self._compare()
        return True

    def _nothing_is_left(self) -> None:
        """A run without trouble leaves nothing to a second one."""
        exported = self.speed.export()
        assert not left_behind(exported), f"left behind: {left_behind(exported)}"
        again = self.speed.preview()
        assert not again.steps, f"a second run would change {sorted(again.steps)}"
        assert not again.troubled, f"a second run meets {again.troubled}"

    def _pending(self, model: Model) -> set[Place]:
        left = set(model.recorded)
        changed = set[Place]()
        for key, wanted in model.declared.items():
            client = model.recorded.get(model.place(key, CLIENT))
            for part, value in wanted.items():
                place = model.place(key, part)
                left.discard(place)
                known = model.recorded.get(place)
                if known is None or known.value != value or client is None or known.client_id != client.client_id:
                    changed.add((key, part))
        return changed | left

    # What they share

    def _status(self) -> Model:
        """The maps of the real thing; the service desk's list has each recorded client with its scopes."""
        there = seen(self.speed.export(), self.registry)
        done = self.speed.acmidm("status", "--stack", "tni", "-o", "json")
        assert done.code == 0, done.output
        listed = {one["client_id"]: len(one["scopes"]) for one in json.loads(done.stdout)["connections"]}
        # By their client: after a rename that failed in part, its scopes have its earlier name.
        scopes = {known.client_id: len(known.value) for (_, part), known in there.recorded.items() if part == SCOPES}  # type: ignore[arg-type]
        assert listed == {known.client_id: scopes.get(known.client_id, 0) for (_, part), known in there.recorded.items() if part == CLIENT}
        return there

    def _compare(self, there: Model | None = None) -> None:
        """The model's maps are those of the real thing."""
        there = there or seen(self.speed.export(), self.registry)
        assert _shown(there.real) == _shown(self.model.real), _difference("real", self.model.real, there.real)
        assert _shown(there.recorded) == _shown(self.model.recorded), _difference("recorded", self.model.recorded, there.recorded)

    def _form(self, pick: int) -> Wanted | None:
        return self.forms[pick % len(self.forms)] if self.forms else None

    def _client(self, pick: int) -> str | None:
        clients = self._clients()
        return clients[pick % len(clients)] if clients else None

    def _clients(self) -> list[str]:
        """In an order that is the same each time: IDs are made at random."""

        def seen_as(client_id: str) -> list[str]:
            values = [self.model.real.get((client_id, part)) for part in PARTS]
            return [str(sorted(value) if isinstance(value, frozenset) else value) for value in values]

        return sorted((client_id for client_id, part in self.model.real if part == CLIENT), key=seen_as)

    def _has_client(self, one: Wanted) -> bool:
        return self.model.place(f"{self.organisations[one.folder].code}/{one.application}", CLIENT) in self.model.recorded

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
            answer = self.registry.http.get(path).raise_for_status()
            there = {key["kid"]: key for key in answer.json()["keys"]}
            body = {"keys": [there.get(kid, SLIPPED_IN) for kid in sorted(value)]}
            self.registry.http.put(path, json=body, headers={"If-Match": answer.headers["ETag"]}).raise_for_status()
        self.model.real[client_id, part] = value
        return True

    def _change(self, pick: int, change: Callable[[Wanted], Wanted]) -> bool:
        one = self._form(pick)
        if one is None or change(one) == one:
            return False
        return self._edit([change(one) if other is one else other for other in self.forms])

    def _edit(self, forms: Iterable[Wanted], organisations: dict[str, Organisation] | None = None) -> bool:
        """Write other forms, where they may be written so."""
        forms, organisations = tuple(forms), organisations or self.organisations
        declared = [f"{organisations[one.folder].code}/{one.application}" for one in forms]
        formerly = {key: _former(one, organisations[one.folder]) for key, one in zip(declared, forms, strict=True)}
        former = [name for names in formerly.values() for name in names]
        adopted = [one.adopt for one in forms if one.adopt]
        for names in (declared, former, adopted):
            if len(set(names)) < len(names):
                return False
        if not set(former).isdisjoint(declared) or (forms, organisations) == (self.forms, self.organisations):
            return False
        self.forms, self.organisations = forms, organisations
        self.model.formerly = formerly
        self.model.adopt = {key: one.adopt for key, one in zip(declared, forms, strict=True) if one.adopt}
        self.model.declared = {key: _parts(key, one) for key, one in zip(declared, forms, strict=True)}
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
            products={name: {**CONFIGURATIONS[name], "product_ids": [value]} for name, value in one.products},
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
            (form.path.parent / f"{one.application}-{kid}.jwk.json").write_text(json.dumps(KEY_FILES[one.folder][kid]))
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


_WHOLE = ("client_created", "client_adopted", "client_replaced", "client_renamed", "changed_otherwise", "not_recorded")


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


def _names(problem: str, place: Place) -> bool:
    """Whether a sentence says of a part that it is left as it is."""
    return problem.startswith(f"{place[0]}: ") and _RESOURCES.get(place[1], place[1]) in problem


def _shown(found: dict[Place, Any]) -> dict[Place, Any]:
    return {place: value for place, value in found.items() if value is not None}


def _difference(name: str, expected: dict[Place, Any], found: dict[Place, Any]) -> str:
    places = sorted(place for place in expected.keys() | found.keys() if expected.get(place) != found.get(place))
    return "\n".join(f"{name} {place}: expected {expected.get(place)}, found {found.get(place)}" for place in places)
