"""One stack: what is desired of it, what its state has, what its authorities have. Each is read once, and not before it
is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from acmidm_onboarding.forms.loading import Onboardings, load_catalogue, read_onboardings
from acmidm_onboarding.recorded import Recorded, own_state, recorded, recorded_in, unreadable
from acmidm_onboarding.rules.desired import NO_GATE, Desired, desired
from acmidm_onboarding.rules.gate import TestStack
from acmidm_onboarding.rules.policies import Gate
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.values.client import ClientKey, Records, recorded_as
from acmidm_onboarding.values.declaration import Declaration

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import Connected

_BRIEFLY_SECONDS = 3.0


class Stack:
    """One stack at one moment.

    ``name`` is as the engine finds it. ``settings`` reads its settings, ``with_secrets`` the same with the operator's
    secrets, ``export`` its state. With ``by_policies`` a form that the policies refuse counts as one with mistakes, as
    it does for the program. What is ``there`` counts at the gate as if the state had it: None where nobody has asked
    the authorities.
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
        there: Records | None = None,
    ) -> None:
        self.name, self.now, self.there = name, now or datetime.now(UTC), there
        self._settings, self._with_secrets, self._export, self._by_policies = (
            settings,
            with_secrets or settings,
            export,
            by_policies,
        )

    @cached_property
    def settings(self) -> Settings:
        """Raises InvalidSettings."""
        return self._settings()

    @cached_property
    def forms(self) -> Onboardings:
        """The forms without a mistake, and the mistakes of the others."""
        settings = self.settings
        profiles, served = checks(settings) if self._by_policies else ({}, {})
        return read_onboardings([settings.forms_folder], settings.catalogue_folder, profiles, served)

    @cached_property
    def connections(self) -> list[Declaration]:
        """What the forms have in the stack's environment, whether it is declared now or not."""
        return self.forms.connections(self.settings.environment)

    @property
    def stolen(self) -> set[ClientKey]:
        """The clients of which a form says that a key is compromised."""
        return {one.place for one in self.connections if one.compromised}

    @property
    def unmade(self) -> list[Declaration]:
        """Those of them that the state does not have, such as what is held back; none that has left."""
        asked = self.desired_of(self.connections, NO_GATE).declared
        return [one for one in asked if (has := recorded_as(one, self.recorded.parts)) is None or not has.client_id]

    @cached_property
    def desired(self) -> Desired:
        return self.desired_of(self.connections)

    def desired_of(self, connections: Sequence[Declaration], gate: Gate | None = None) -> Desired:
        """What is desired of some connections; ``gate`` in the place of the one that is set."""
        wanted = gate or self.settings.gate
        return desired(
            connections,
            self.now,
            gate=wanted,
            records=lambda: self.recorded.parts,
            tests=lambda: self.tests,
            there=self.there or {},
        )

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
        found = recorded(self.full_name(name))
        return TestStack(name, found.parts if found else None, unreadable(self.full_name(name)) or "")

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
        # Here, for a program declares resources without it: importing HTTP takes a tenth of a second.
        from acmidm_onboarding.authorities.connected import connected

        return connected(settings, load_catalogue(settings.catalogue_folder))

    def full_name(self, other: str) -> str:
        """The name of another stack of the same project, by which the engine finds it from wherever it finds this
        one."""
        above = self.name.rpartition("/")[0]
        return other if "/" in other or not above else f"{above}/{other}"

    def found_there(self, there: Records) -> None:
        """Take it that this is at the authorities, whatever the state has."""
        self.there = there
        self.__dict__.pop("desired", None)

    def changed(self) -> None:
        """Forget what was read of the state: a run has written it."""
        for name in ("state", "recorded", "desired"):
            self.__dict__.pop(name, None)


def checks(settings: Settings) -> tuple[Mapping[Any, Any], Mapping[Any, Any]]:
    """By which profile policies check the stack's environment, and which platforms have an authority there."""
    authorities = {platform: (found.authority,) for platform, found in settings.platforms.items()}
    return {settings.environment: settings.profile}, {settings.environment: authorities}
