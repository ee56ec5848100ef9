"""What the files of a stack say: its settings, its forms and the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.rules.mistaken import Mistaken
from acmidm_onboarding.settings import InvalidSettings, Settings
from acmidm_onboarding.values.client import ClientKey, by_client_key
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Platform


class StackForms:
    """The settings and the forms of a stack, each read once, and not before it is needed.

    With ``by_policies`` a form that the policies refuse counts as one with mistakes, as it does for
    the program.
    """

    def __init__(self, settings: Callable[[], Settings], *, by_policies: bool) -> None:
        self._settings, self._by_policies = settings, by_policies

    @cached_property
    def settings(self) -> Settings:
        """Raises InvalidSettings."""
        return self._settings()

    @cached_property
    def onboardings(self) -> Onboardings:
        """The forms without a mistake, and the mistakes of the other forms."""
        settings = self.settings
        profiles, served = checks(settings) if self._by_policies else ({}, {})
        return read_onboardings(
            [settings.forms_folder], settings.catalogue_folder, profiles, served
        )

    @cached_property
    def connections(self) -> list[Declaration]:
        """The connections that forms without a mistake have in the stack's environment, whether a
        run declares them now or not."""
        return self.onboardings.connections(self.settings.environment)

    @property
    def for_program(self) -> Sequence[Declaration] | None:
        """The connections, for a command that hands them to the program; None where the program has
        to read the forms itself: one has a mistake, which it reports, or there is no connection."""
        try:
            return None if self.onboardings.problems else self.connections or None
        except Failure:
            return None

    @cached_property
    def by_client_key(self) -> dict[ClientKey, Declaration]:
        """These connections, each by the key of its client."""
        return by_client_key(self.connections)

    @cached_property
    def mistaken(self) -> Mistaken | None:
        """What is readable of the forms with mistakes, and so which connections stay as they are
        recorded; None where no form has a mistake."""
        if not self.onboardings.problems:
            return None
        return self.onboardings.mistaken(self.settings.forms_folder)

    @property
    def stolen(self) -> set[ClientKey]:
        """The clients of which a form says that a key is compromised."""
        return {form.client_key for form in self.connections if form.keys.compromised}

    @cached_property
    def catalogue(self) -> Catalogue:
        """Raises InvalidForms."""
        return load_catalogue(self.settings.catalogue_folder)

    @cached_property
    def by_hand(self) -> frozenset[Platform]:
        """The platforms that people alone change."""
        platforms = self.settings.platforms.items()
        return frozenset(name for name, platform in platforms if platform.authority_type.is_by_hand)

    def confirmed_folder(self, platform: Platform) -> Path:
        """Return the folder of confirmations for a platform that people alone change. Raises
        TypeError for any other platform."""
        settings = self.settings.platforms[platform]
        confirmed_in: Callable[[Any], Path] | None = settings.authority_type.confirmed_in
        if confirmed_in is None:
            raise TypeError(f"{platform} has an API")
        return confirmed_in(settings)

    def require_shared(self) -> None:
        """Raise InvalidForms for a mistake in what all forms share, such as the catalogue."""
        self.onboardings.require_shared(self.settings.forms_folder)

    @property
    def are_none(self) -> bool:
        """Whether there is no form, with or without a mistake."""
        return not self.onboardings.forms and not self.onboardings.problems

    def require_any_form(self) -> None:
        """Raise InvalidSettings for a folder without forms, perhaps the wrong one: to declare
        nothing would remove everything."""
        if self.are_none:
            raise InvalidSettings(
                f"there is no form (*.yaml) in {self.settings.forms_folder}; correct"
                " acmidm:formsFolder, or remove all that the stack has with pulumi destroy"
            )


class SoundForms(StackForms):
    """Forms in which a command found no mistake. The program, which is handed what they declare,
    does not read them again."""

    are_none = False
    mistaken = None

    def __init__(self, settings: Callable[[], Settings], declared: Sequence[Declaration]) -> None:
        super().__init__(settings, by_policies=True)
        self.connections = [*declared]

    def require_shared(self) -> None:
        """Refuse nothing: the catalogue has no mistake either."""


def checks(settings: Settings) -> tuple[Mapping[Any, Any], Mapping[Any, Any]]:
    """Return by which profile the policies check the stack's environment, and which types of
    authority its platforms have: ``{"prod": "fapi2"}, {"prod": {"acmidm": ("keycloak",)}}``."""
    types = {name: (platform.authority,) for name, platform in settings.platforms.items()}
    return {settings.environment: settings.profile}, {settings.environment: types}
