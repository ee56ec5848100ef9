"""One stack: what is desired of it, what its state has, what its authorities have. Each is read
once, and not before it is needed.

The forms, the state and the authorities are an object each, for whoever needs no more. What is
desired, and what people have to do, follows from all of them and is said here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from acmidm_onboarding.engine_resources import part_of
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.confirmation_files import read_confirmations
from acmidm_onboarding.recorded import AsRecorded, own_state, recorded, unreadable
from acmidm_onboarding.rules.confirmed import as_confirmed, is_corrected, may_not_go
from acmidm_onboarding.rules.desired import NO_GATE, Desired, desired
from acmidm_onboarding.rules.gate import TestStack
from acmidm_onboarding.rules.orders import Act, Order, Rules, orders
from acmidm_onboarding.rules.policies import Gate
from acmidm_onboarding.settings import Settings, full_key
from acmidm_onboarding.stack.authorities import Authorities
from acmidm_onboarding.stack.forms import SoundForms, StackForms
from acmidm_onboarding.stack.state import StackState
from acmidm_onboarding.stack_files import stack_file
from acmidm_onboarding.values.client import (
    Client,
    ClientKey,
    Records,
    by_client_key,
    is_recorded,
    joined_records,
    recorded_as,
)
from acmidm_onboarding.values.confirmation import Confirmation, Confirmations, confirmation_of
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.problems import Failure, first_listed
from acmidm_onboarding.values.terms import Platform


@dataclass(frozen=True, eq=False)
class Stack:
    """One stack at one moment. What a run or a person changes is in another one: see
    ``after_a_run``, ``confirmed_anew`` and ``with_clients_at_authorities``."""

    name: str
    """As the engine finds it."""
    now: datetime
    forms: StackForms
    state: StackState
    authorities: Authorities
    at_authorities: Records | None = None
    """Clients that count as if the state had them, at the gate, where they leave and where a
    mandate has ended; None where the authorities were not read."""

    def after_a_run(self) -> Stack:
        """Return the stack as a run has left it."""
        return replace(self, state=self.state.read_again())

    def confirmed_anew(self) -> Stack:
        """Return the stack as it is after somebody has confirmed something."""
        return replace(self)

    def with_clients_at_authorities(self, clients: Records) -> Stack:
        """Return the stack with what was found at the authorities, whatever the state has."""
        return replace(self, at_authorities=clients)

    @cached_property
    def staying(self) -> tuple[AsRecorded, ...]:
        """The connections that stay as they are recorded, because a form with a mistake may be
        about them.

        Raises:
            InvalidForms: where a mistake is in what all forms share.
            Failure: where the state cannot be read.
        """
        self.forms.require_shared()
        mistaken = self.forms.mistaken
        if mistaken is None:
            return ()
        onboardings = self.state.onboardings
        staying = list[AsRecorded]()
        for key in mistaken.staying(onboardings):
            endings = {}
            for client in self.state.recorded.clients.values():
                if client.key == key and client.platform not in self.forms.by_hand:
                    ending = mistaken.ending(client, onboardings.keys(), self.now.date())
                    endings[client.platform] = ending
            staying.append(AsRecorded(key, onboardings[key], endings))
        return tuple(staying)

    def without_client(self, declared: Iterable[Declaration]) -> Iterator[Client]:
        """Yield the records of clients that somebody removed, of which the state has other
        resources still. Not those that are ``declared``, nor those that a form with a mistake may
        be about.

        Raises:
            Failure: where the state cannot be read.
        """
        declared_names = set[str]()
        for form in declared:
            declared_names.update(form.resource_names)
        for name, parts in self.state.recorded.parts.items():
            if parts.client_id is not None or name in declared_names:
                continue
            if not self._may_stay(parts.key):
                yield parts

    def losing_protection(self, declared: Iterable[Declaration]) -> list[AsRecorded]:
        """Return the protected resources of clients that somebody removed (``without_client``), per
        connection with its component. The program declares them once without protection, so that
        the engine can remove them in the next run.

        Raises:
            Failure: where the state cannot be read.
        """
        platforms = defaultdict[str, set[Platform]](set)
        for parts in self.without_client(declared):
            platforms[parts.key].add(parts.platform)
        losing = []
        for key, (component, *below) in self.state.onboardings.items():
            protected = []
            for resource in below:
                part = part_of(resource)
                if resource.get("protect") and part and part[1] in platforms[key]:
                    protected.append(resource)
            if protected:
                losing.append(AsRecorded(key, [component, *protected], is_without_client=True))
        return losing

    @property
    def unmade(self) -> list[Declaration]:
        """The declared connections of which the state has no client, also where the gate would hold
        them back; without those that have left."""
        declared = self.desired_of(self.forms.connections, NO_GATE).declared
        return [form for form in declared if not self._is_recorded(form)]

    @cached_property
    def desired(self) -> Desired:
        """What is desired of all connections in the forms."""
        return self.desired_of(self.forms.connections, are_all=True)

    def desired_of(
        self, connections: Sequence[Declaration], gate: Gate | None = None, *, are_all: bool = False
    ) -> Desired:
        """Return what a run declares of some connections, and what it holds back, with the gate of
        the settings or else the ``gate`` that is given. Where an authority has no API, that is what
        people confirmed.

        ``are_all`` says that the stack has no other connections: then clients without a form count
        too, and forms with mistakes.
        """
        by_hand = self.forms.by_hand
        mistaken = self.forms.mistaken if are_all else None
        if mistaken and any(form.form.formerly for form in connections):
            waiting = mistaken.waiting(connections, self.state.onboardings)
            connections = [form for form in connections if form.key not in waiting]
        by_forms = self.desired_by_forms(connections, gate or self.forms.settings.gate)
        if not by_hand:
            return by_forms
        protect = self.forms.settings.protect_clients if are_all else None
        stays = mistaken.stays if mistaken else None
        return as_confirmed(
            by_forms,
            connections,
            self.confirmations,
            self.state.recorded.parts,
            self.state.keys_of,
            by_hand,
            self.now.date(),
            protect=protect,
            stays=stays,
        )

    def desired_by_forms(self, connections: Sequence[Declaration], gate: Gate) -> Desired:
        """Return what forms, leaving and ``gate`` want of some connections. A client that people
        confirmed and the state lacks counts as if the state had it: at the gate, where it leaves,
        and where a mandate has ended. Of one that the state has too, what is confirmed counts at
        the gate alone."""
        confirmed = dict[str, Client]()
        for client_key, confirmation in self.confirmations.items():
            client = confirmation.client(client_key)
            if client:
                confirmed[client.resource_name] = client
        return desired(
            connections,
            self.now,
            gate=gate,
            records=lambda: self.state.recorded.parts,
            tests=lambda: self.tests,
            at_authorities=joined_records(self.at_authorities or {}, confirmed),
        )

    @cached_property
    def tests(self) -> TestStack:
        """The stack of the setting ``promotionStack``, which has the connections on TNI, and its
        state; where that cannot be read, why."""
        name = self.forms.settings.promotion_stack
        organisation_and_project = self.name.rpartition("/")[0]
        full_name = name
        if organisation_and_project and "/" not in name:
            full_name = f"{organisation_and_project}/{name}"
        state = recorded(full_name)
        if state is None:
            return TestStack(name, {}, unreadable(full_name) or "")
        return TestStack(name, state.parts)

    @cached_property
    def confirmations(self) -> Confirmations:
        """What people confirmed of the platforms that they alone change, by the key that each
        client has in the state: its file may still have a former key. Raises InvalidForms."""
        platforms, confirmations = sorted(self.forms.by_hand), dict[ClientKey, Confirmation]()
        if not platforms:  # without such platforms, nothing needs the state
            return confirmations
        clients = self.state.recorded.clients.values()
        recorded_keys = {(client.client_id, client.platform): client.key for client in clients}
        folders = map(self.forms.confirmed_folder, platforms)
        for platform, confirmed in zip(platforms, read_confirmations(*folders), strict=True):
            for key_of_file, confirmation in confirmed.items():
                client = confirmation.content.client_id, platform
                key = recorded_keys.get(client, key_of_file)
                if key in confirmed:  # another file has that key
                    key = key_of_file
                client_key = key, platform, self.forms.settings.environment
                confirmations[client_key] = confirmation
        return confirmations

    @cached_property
    def order_rules(self) -> Rules:
        """The rules by which orders are made, of the present catalogue."""
        return self.order_rules_by(self.forms.catalogue)

    def order_rules_by(self, catalogue: Catalogue) -> Rules:
        """Return the rules by which orders are made, where a ``catalogue``, perhaps a former one,
        says who approves a scope."""

        def approved_by_owner(platform: Platform, scope: str) -> str | None:
            product = catalogue.product_granting(platform, scope)
            if product and product.coupling and product.coupling.approved_by_owner:
                return product.product
            return None

        settings = self.forms.settings
        return Rules(
            self.now,
            settings.key_overlap_days,
            settings.evidence_max_days,
            approved_by_owner,
            {platform: catalogue.assigned_by_provider(platform) for platform in self.forms.by_hand},
        )

    @cached_property
    def orders(self) -> tuple[Order, ...]:
        """What people have to do now, refused orders too: stolen keys first, all else in the order
        of the forms.

        A client without a form is ordered to go, unless a form with a mistake may be about it.

        Raises:
            InvalidForms: where a mistake is in what all forms share.
            InvalidSettings: where there is no form.
        """
        self.forms.require_shared()
        if self.forms.by_hand:
            self.forms.require_any_form()
        with_form, kept = set[ClientKey](), set[ClientKey]()
        for form in self.forms.connections:
            with_form.update(form.client_keys)
            if form.form.keep:
                kept.add(form.client_key)
        wanted = by_client_key(self.desired.wanted)
        ordered = list[Order]()
        for client_key, confirmation in self._confirmations_of(wanted).items():
            if self._may_stay(client_key[0]):
                continue
            record = self.state.recorded.clients.get(client_key)
            is_protected = self.forms.settings.protect_clients and client_key not in with_form
            if is_protected and may_not_go(confirmation, record):
                continue
            declared = wanted.get(client_key)
            ordered += orders(
                client_key,
                declared,
                confirmation,
                declared and recorded_as(declared, self.state.recorded.parts),
                self.order_rules,
                keeps=client_key in kept,
            )
        return tuple(sorted(ordered, key=lambda order: order.act is not Act.REMOVE_STOLEN_KEY))

    def _confirmations_of(
        self, wanted: Mapping[ClientKey, Declaration]
    ) -> Mapping[ClientKey, Confirmation | None]:
        """Return what is confirmed of each wanted client (None: nothing), under its present key;
        then each confirmation that is of none of these."""
        of_wanted = {key: confirmation_of(form, self.confirmations) for key, form in wanted.items()}
        files = {confirmation.file for confirmation in of_wanted.values() if confirmation}
        others = {key: each for key, each in self.confirmations.items() if each.file not in files}
        return {**of_wanted, **others}

    @property
    def unconfirmed(self) -> list[Client]:
        """The recorded clients of authorities without an API that no confirmation has: nobody knows
        whether they still exist."""
        confirmed = {confirmation.content.client_id for confirmation in self.confirmations.values()}
        confirmed |= {client.client_id for client, _ in self.corrected}
        clients = self.state.recorded.clients.values()
        by_hand = [client for client in clients if client.platform in self.forms.by_hand]
        return [client for client in by_hand if client.client_id not in confirmed]

    @cached_property
    def corrected(self) -> list[tuple[Client, str]]:
        """The recorded clients whose client-ID was confirmed wrongly, each with the right one, as
        people corrected it in its confirmation."""
        if not self.forms.by_hand:
            return []
        confirmations = dict(self.confirmations)
        for form in self.forms.connections:
            record = recorded_as(form, self.state.recorded.parts)
            confirmed = record and confirmation_of(form, self.confirmations)
            if record and confirmed:
                confirmations[record.client_key] = confirmed
        corrected = []
        for client_key, client in self.state.recorded.clients.items():
            confirmed = confirmations.get(client_key)
            if confirmed and is_corrected(confirmed, client):
                corrected.append((client, str(confirmed.content.client_id)))
        return corrected

    @property
    def relocations(self) -> Iterator[str]:
        """A sentence for each setting by which a run would work elsewhere than its state records:
        in another environment, or at another address of the same type of authority.

        Raises:
            Failure: where the settings or the state cannot be read.
        """
        settings, file = self.forms.settings, stack_file(self.name, Path())
        environment = self.state.last_settings.get(full_key("environment"))
        if environment and environment != settings.environment:
            yield (
                f"{file} says acmidm:environment {settings.environment}, and this stack is one of"
                f" {environment}: set it back to {environment}, and make another stack for"
                f" {settings.environment}"
            )
        recorded = {client.platform for client in self.state.recorded.clients.values()}
        for name in sorted((recorded & settings.platforms.keys()) - self.state.moved):
            address, now = self.state.last_address(name), str(settings.platforms[name].address)
            if address not in (None, now):
                yield (
                    f"{file} says that {name} is at {now}, and the clients of this stack are at"
                    f" {address}: correct the addresses of {name} in {file}"
                )

    def require_none_by_hand(self, declared: Sequence[Declaration]) -> None:
        """Raise Failure for ``declared`` connections whose client people may have made by hand, so
        that a run would make it twice: their platform has an API only since the last run, the state
        has no client of them, and their form adopts none."""
        unrecorded = []
        for form in declared:
            is_made_anew = form.platform in self.state.moved and not form.form.adopts
            if is_made_anew and not self._is_recorded(form):
                unrecorded.append(form.resource_name)
        if unrecorded:
            raise Failure(
                f"no client of {first_listed(unrecorded)} is recorded, and people may have made one"
                " by hand before the authority got an API: set acmidm:authority back to what it"
                " was, confirm each that is there with acmidm orders, run acmidm deploy, then"
                " change it again; or name its client-ID under adopt in the form",
                exit_code=1,
            )

    def _may_stay(self, key: str) -> bool:
        """Return whether the connection of a key may be declared by a form with a mistake, so that
        it stays as it is recorded."""
        return bool(self.forms.mistaken and self.forms.mistaken.stays(key))

    def _is_recorded(self, form: Declaration) -> bool:
        return is_recorded(recorded_as(form, self.state.recorded.parts))


def open_stack(
    name: str,
    settings: Callable[[], Settings],
    *,
    export: Callable[[str], Mapping[str, Any]] = own_state,
    history: Callable[[str], Sequence[Mapping[str, Any]]] = lambda _: (),
    with_secrets: Callable[[], Settings] | None = None,
    now: datetime | None = None,
    by_policies: bool = True,
    at_authorities: Records | None = None,
    declared: Sequence[Declaration] | None = None,
) -> Stack:
    """Return a stack of which nothing is read yet. ``settings`` reads its settings,
    ``with_secrets`` the same with the operator's secrets, ``export`` its state, ``history`` its
    last runs. With ``by_policies`` a form that the policies refuse counts as one with mistakes.
    ``declared`` is what the forms have, where a command has read them and found no mistake."""
    if declared is None:
        forms = StackForms(settings, by_policies=by_policies)
    else:
        forms = SoundForms(settings, declared)
    return Stack(
        name,
        now or datetime.now(UTC),
        forms,
        StackState(lambda: export(name), lambda: history(name), forms),
        Authorities(name, with_secrets or settings, forms),
        at_authorities,
    )
