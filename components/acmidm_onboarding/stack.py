"""One stack: what is desired of it, what its state has, what its authorities have. Each is read
once, and not before it is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acmidm_onboarding.authority_types import installed_authorities
from acmidm_onboarding.engine_resources import (
    Resource,
    is_provider,
    mapping,
    part_of,
    resources_in,
)
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.confirmation_files import read_confirmations
from acmidm_onboarding.forms.loading import load_catalogue, read_onboardings
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.recorded import (
    AsRecorded,
    Recorded,
    onboardings_in,
    own_state,
    recorded,
    recorded_in,
    unreadable,
)
from acmidm_onboarding.rules.confirmed import as_confirmed, is_corrected, may_not_go
from acmidm_onboarding.rules.desired import NO_GATE, Desired, desired
from acmidm_onboarding.rules.gate import TestStack
from acmidm_onboarding.rules.mistaken import Mistaken
from acmidm_onboarding.rules.orders import Act, Order, Rules, orders
from acmidm_onboarding.rules.policies import Gate
from acmidm_onboarding.settings import InvalidSettings, Settings, config_key, full_key
from acmidm_onboarding.values.client import (
    Client,
    ClientKey,
    Records,
    is_recorded,
    joined,
    recorded_as,
)
from acmidm_onboarding.values.confirmation import Confirmation, Confirmations, confirmation_of
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import PublicJwk, readable_jwks
from acmidm_onboarding.values.problems import Failure, first_listed
from acmidm_onboarding.values.terms import Platform

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import Connected

_BRIEFLY_SECONDS = 3.0


class Stack:
    """One stack at one moment.

    ``name`` is as the engine finds it. ``settings`` reads its settings, ``with_secrets`` the same
    with the operator's secrets, ``export`` its state. With ``by_policies`` a form that the policies
    refuse counts as one with mistakes, as it does for the program. Clients ``at_authorities`` count
    at the gate as if the state had them; None where the authorities were not read.
    """

    def __init__(
        self,
        name: str,
        settings: Callable[[], Settings],
        *,
        export: Callable[[str], Mapping[str, Any]] = own_state,
        with_secrets: Callable[[], Settings] | None = None,
        now: datetime | None = None,
        by_policies: bool = True,
        at_authorities: Records | None = None,
    ) -> None:
        self.name, self.now, self.at_authorities = name, now or datetime.now(UTC), at_authorities
        self._settings, self._with_secrets, self._by_policies = (
            settings,
            with_secrets or settings,
            by_policies,
        )
        self._export = export

    @cached_property
    def settings(self) -> Settings:
        """Raises InvalidSettings."""
        return self._settings()

    @cached_property
    def forms(self) -> Onboardings:
        """The forms without a mistake, and the mistakes of the others."""
        settings = self.settings
        profiles, served = checks(settings) if self._by_policies else ({}, {})
        return read_onboardings(
            [settings.forms_folder], settings.catalogue_folder, profiles, served
        )

    @cached_property
    def connections(self) -> list[Declaration]:
        """What the forms have in the stack's environment, whether it is declared now or not."""
        return self.forms.connections(self.settings.environment)

    @cached_property
    def mistaken(self) -> Mistaken | None:
        """What is known beside the mistakes in forms; None where there are none."""
        return self.forms.mistaken(self.settings.forms_folder) if self.forms.problems else None

    @cached_property
    def staying(self) -> tuple[AsRecorded, ...]:
        """The connections that stay as they are recorded, because a form with a mistake may be
        about them.

        Raises:
            InvalidForms: where a mistake is in what all forms share.
            Failure: where the state cannot be read.
        """
        self.forms.require_shared(self.settings.forms_folder)
        mistaken = self.mistaken
        if mistaken is None:
            return ()
        recorded, clients = onboardings_in(self.state), self.recorded.clients.values()
        day = self.now.date()
        return tuple(
            AsRecorded(
                key,
                recorded[key],
                {
                    client.platform: mistaken.ending(client, recorded.keys(), day)
                    for client in clients
                    if client.key == key and client.platform not in self.by_hand
                },
            )
            for key in mistaken.staying(recorded)
        )

    def without_client(self, declared: Iterable[Declaration]) -> list[Client]:
        """Return what the state has of clients that somebody removed, as far as nothing is
        ``declared`` of it, and no form with a mistake may be about it.

        Raises:
            Failure: where the state cannot be read.
        """
        names = {name for form in declared for name in form.resource_names}
        return [
            parts
            for name, parts in self.recorded.parts.items()
            if parts.client_id is None
            and name not in names
            and not (self.mistaken and self.mistaken.stays(parts.key))
        ]

    def losing_protection(self, declared: Iterable[Declaration]) -> list[AsRecorded]:
        """Return what of that is protected: the engine removes it once a run has declared it
        without protection.

        Raises:
            Failure: where the state cannot be read.
        """
        platforms = defaultdict[str, set[Platform]](set)
        for parts in self.without_client(declared):
            platforms[parts.key].add(parts.platform)
        losing = []
        for key, (component, *below) in onboardings_in(self.state).items():
            protected = []
            for resource in below:
                part = part_of(resource)
                if resource.get("protect") and part and part[1] in platforms[key]:
                    protected.append(resource)
            if protected:
                losing.append(AsRecorded(key, [component, *protected], is_without_client=True))
        return losing

    @property
    def stolen(self) -> set[ClientKey]:
        """The clients of which a form says that a key is compromised."""
        return {form.client_key for form in self.connections if form.key_facts.compromised}

    @property
    def unmade(self) -> list[Declaration]:
        """The connections that the state does not have, such as those held back, without those that
        have left."""
        asked = self.desired_of(self.connections, NO_GATE).declared
        return [form for form in asked if not is_recorded(recorded_as(form, self.recorded.parts))]

    @cached_property
    def desired(self) -> Desired:
        return self.desired_of(self.connections, are_all=True)

    def desired_of(
        self, connections: Sequence[Declaration], gate: Gate | None = None, *, are_all: bool = False
    ) -> Desired:
        """Return what is desired of some connections, by ``gate`` where given; ``are_all`` says
        that the stack has no others."""
        if are_all and self.mistaken and any(form.form.formerly for form in connections):
            waiting = self.mistaken.waiting(connections, onboardings_in(self.state))
            connections = [form for form in connections if form.key not in waiting]
        by_forms = self.desired_by_forms(connections, gate or self.settings.gate)
        if not self.by_hand:
            return by_forms
        return as_confirmed(
            by_forms,
            connections,
            self.confirmations,
            self.recorded.parts,
            self._recorded_keys,
            self.by_hand,
            self.now.date(),
            protect=self.settings.protect_clients if are_all else None,
            stays=self.mistaken.stays if are_all and self.mistaken else None,
        )

    def desired_by_forms(self, connections: Sequence[Declaration], gate: Gate) -> Desired:
        """Return what forms, leaving and ``gate`` want of some connections, whatever people
        confirmed of them."""
        clients = (
            confirmation.client(client_key)
            for client_key, confirmation in self.confirmations.items()
        )
        confirmed = {client.resource_name: client for client in clients if client}
        return desired(
            connections,
            self.now,
            gate=gate,
            records=lambda: self.recorded.parts,
            tests=lambda: self.tests,
            at_authorities=joined(self.at_authorities or {}, confirmed),
        )

    @cached_property
    def by_hand(self) -> frozenset[Platform]:
        """The platforms that people alone change."""
        platforms = self.settings.platforms.items()
        return frozenset(name for name, platform in platforms if platform.authority_type.is_by_hand)

    def confirmed_folder(self, platform: Platform) -> Path:
        """Return the folder of what people confirmed of one of those platforms."""
        settings = self.settings.platforms[platform]
        confirmed_in: Callable[[Any], Path] | None = settings.authority_type.confirmed_in
        if confirmed_in is None:
            raise TypeError(f"{platform} has an API")
        return confirmed_in(settings)

    @cached_property
    def confirmations(self) -> Confirmations:
        """What people confirmed of those platforms, by the names that their clients have in the
        state. Raises InvalidForms."""
        platforms, confirmations = sorted(self.by_hand), dict[ClientKey, Confirmation]()
        if not platforms:  # without such platforms, nothing needs the state
            return confirmations
        recorded = {
            (client.client_id, client.platform): client.key
            for client in self.recorded.clients.values()
        }
        for platform, confirmed in zip(
            platforms, read_confirmations(*map(self.confirmed_folder, platforms)), strict=True
        ):
            for key, confirmation in confirmed.items():
                # Its file has the former key.
                renamed = recorded.get((confirmation.said.client_id, platform), key)
                client_key = (
                    key if renamed in confirmed else renamed,
                    platform,
                    self.settings.environment,
                )
                confirmations[client_key] = confirmation
        return confirmations

    @property
    def catalogue(self) -> Catalogue:
        """Raises InvalidForms."""
        return load_catalogue(self.settings.catalogue_folder)

    @cached_property
    def order_rules(self) -> Rules:
        return self.order_rules_by(self.catalogue)

    def order_rules_by(self, catalogue: Catalogue) -> Rules:
        """Return what decides about orders, where a catalogue says who grants and names what."""

        def approved_by_owner(platform: Platform, scope: str) -> str | None:
            product = catalogue.product_granting(platform, scope)
            return (
                product.product
                if product and product.coupling and product.coupling.approved_by_owner
                else None
            )

        assigned = {platform: catalogue.assigned_by_provider(platform) for platform in self.by_hand}
        days = self.settings.key_overlap_days, self.settings.evidence_max_days
        return Rules(self.now, *days, approved_by_owner, assigned)

    def require_any_form(self) -> None:
        """Refuse a folder without forms, perhaps the wrong one: to declare nothing would remove
        everything. Raises InvalidSettings."""
        if not self.forms.forms and not self.forms.problems:
            raise InvalidSettings(
                f"there is no form (*.yaml) in {self.settings.forms_folder}; correct"
                " acmidm:formsFolder, or remove all that the stack has with pulumi destroy"
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
        self.forms.require_shared(self.settings.forms_folder)
        if self.by_hand:
            self.require_any_form()
        wanted, records = (
            {form.client_key: form for form in self.desired.wanted},
            self.recorded.clients,
        )
        forms = self.connections
        formed = {
            (key, form.platform, form.environment)
            for form in forms
            for key in (form.key, *form.form.formerly)
        }
        confirmed = {
            client_key: confirmation_of(form, self.confirmations)
            for client_key, form in wanted.items()
        }
        used = {confirmation.file for confirmation in confirmed.values() if confirmation}
        confirmed |= {
            key: other for key, other in self.confirmations.items() if other.file not in used
        }
        kept = {form.client_key for form in forms if form.form.keep}
        ordered: list[Order] = []
        for client_key, confirmation in confirmed.items():
            if self.mistaken and self.mistaken.stays(client_key[0]):
                continue
            refuses = self.settings.protect_clients and client_key not in formed
            if not (refuses and may_not_go(confirmation, records.get(client_key))):
                form = wanted.get(client_key)
                record = form and recorded_as(form, self.recorded.parts)
                keeps = client_key in kept
                ordered += orders(
                    client_key, form, confirmation, record, self.order_rules, keeps=keeps
                )
        return tuple(sorted(ordered, key=lambda order: order.act is not Act.REMOVE_STOLEN_KEY))

    @property
    def unconfirmed(self) -> list[Client]:
        """The clients of the state whose confirmation is missing: nobody knows whether they are
        there."""
        recorded = (
            client for client in self.recorded.clients.values() if client.platform in self.by_hand
        )
        confirmed = {confirmation.said.client_id for confirmation in self.confirmations.values()}
        confirmed |= {client.client_id for client, _ in self.corrected}
        return [client for client in recorded if client.client_id not in confirmed]

    @cached_property
    def moved(self) -> frozenset[Platform]:
        """The platforms that people alone changed at the last run, and that have an API now."""
        providers = (
            mapping(resource.get("inputs"))
            for resource in resources_in(self.state)
            if is_provider(resource)
        )
        before = {
            name: installed_authorities().get(
                str(inputs.get(full_key(config_key(name, "authority"))))
            )
            for inputs in providers
            for name in self.settings.platforms
        }
        return (
            frozenset(name for name, was in before.items() if was and was.is_by_hand) - self.by_hand
        )

    def require_none_by_hand(self, declared: Sequence[Declaration]) -> None:
        """Refuse to make a client that somebody may have made by hand: of a platform that has an
        API since the last run, each is recorded, or taken over.

        Raises:
            Failure: with the connections of which no client is recorded.
        """
        if unknown := [
            form.resource_name
            for form in declared
            if form.platform in self.moved
            and not form.form.adopts
            and not is_recorded(recorded_as(form, self.recorded.parts))
        ]:
            raise Failure(
                f"no client of {first_listed(unknown)} is recorded, and people may have made one"
                " by hand before the authority got an API: set acmidm:authority back to what it"
                " was, confirm each that is there with acmidm orders, run acmidm deploy, then"
                " change it again; or name its client-ID under adopt in the form",
                exit_code=1,
            )

    @property
    def corrected(self) -> list[tuple[Client, str]]:
        """The clients of the state whose client-ID was confirmed wrongly, each with the right
        one."""
        if not self.by_hand:
            return []
        forms = {}
        for form in self.connections:
            recorded = recorded_as(form, self.recorded.parts)
            if recorded:
                forms[recorded.client_key] = confirmation_of(form, self.confirmations)
        found = (
            (client, forms.get(client_key) or self.confirmations.get(client_key))
            for client_key, client in self.recorded.clients.items()
        )
        return [
            (client, str(confirmed.said.client_id))
            for client, confirmed in found
            if confirmed and is_corrected(confirmed, client)
        ]

    def _recorded_keys(self, client: Client) -> Mapping[str, PublicJwk] | None:
        """Return the public keys that the state has of a client, per ``kid``; None where it has
        none of its own."""
        urn = client.record.urns.get(Resource.KEYS)
        resources = (
            resource for resource in resources_in(self.state) if urn and resource.get("urn") == urn
        )
        jwks = mapping(next(resources, {}).get("inputs")).get("jwks")
        return None if jwks is None else readable_jwks(mapping(jwks))

    @cached_property
    def state(self) -> Mapping[str, Any]:
        """The export of the state. Raises Failure."""
        return self._export(self.name)

    @cached_property
    def recorded(self) -> Recorded:
        """What the state has. Raises Failure."""
        return recorded_in(self.state, self.settings.environment)

    @cached_property
    def tests(self) -> TestStack:
        """The stack that has the connections on TNI."""
        name = self.settings.promotion_stack
        full_name = self.full_name(name)
        state = recorded(full_name)
        if state is None:
            return TestStack(name, {}, unreadable(full_name) or "")
        return TestStack(name, state.parts)

    @cached_property
    def platforms(self) -> Connected:
        """Each platform's authority and product APIs; nothing is sent yet. Raises Failure."""
        return self._connected(self._with_secrets())

    @cached_property
    def platforms_briefly(self) -> Connected:
        """The same with less patience than the settings have. Raises Failure."""
        settings = self._with_secrets()
        patience = min(settings.retry_deadline_seconds, _BRIEFLY_SECONDS)
        return self._connected(settings.model_copy(update={"retry_deadline_seconds": patience}))

    def _connected(self, settings: Settings) -> Connected:
        # Imported here: a program needs no HTTP, which takes a tenth of a second to import.
        from acmidm_onboarding.authorities.connected import connected

        return connected(settings, self.catalogue)

    def full_name(self, other: str) -> str:
        """Return the name of another stack of the same project, by which the engine finds it from
        wherever it finds this one."""
        above = self.name.rpartition("/")[0]
        return other if "/" in other or not above else f"{above}/{other}"

    def found_there(self, clients: Records) -> None:
        """Set which clients are at the authorities, whatever the state has."""
        self.at_authorities = clients
        self.__dict__.pop("desired", None)

    def confirmed(self) -> None:
        """Forget what was read of the confirmations: somebody has confirmed something."""
        for name in ("confirmations", "desired", "orders"):
            self.__dict__.pop(name, None)

    def changed(self) -> None:
        """Forget what was read of the state: a run has written it."""
        read = ("state", "recorded", "confirmations", "desired", "staying", "orders", "moved")
        for name in read:
            self.__dict__.pop(name, None)


def checks(settings: Settings) -> tuple[Mapping[Any, Any], Mapping[Any, Any]]:
    """By which profile policies check the stack's environment, and which platforms have an
    authority there."""
    kinds = {
        platform: (platform_settings.authority,)
        for platform, platform_settings in settings.platforms.items()
    }
    return {settings.environment: settings.profile}, {settings.environment: kinds}
