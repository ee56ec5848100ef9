"""The connections of a stack to its authorities."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from acmidm_onboarding.settings import Settings
from acmidm_onboarding.stack.forms import StackForms

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import Connected

_BRIEFLY_SECONDS = 3.0


class Authorities:
    """Each platform's authority and product APIs. Nothing is sent before somebody uses them.

    ``stack`` is the name of their stack, ``settings`` reads its settings with the operator's
    secrets.
    """

    def __init__(self, stack: str, settings: Callable[[], Settings], forms: StackForms) -> None:
        self.stack, self._read_settings, self._forms = stack, settings, forms

    @cached_property
    def platforms(self) -> Connected:
        """The connections, by platform; a request is retried as long as the settings have it.
        Raises Failure where the settings cannot be read."""
        return self._connected(self._settings)

    @cached_property
    def platforms_briefly(self) -> Connected:
        """The same for what can do without an answer: a request is retried for 3 s at most."""
        deadline = min(self._settings.retry_deadline_seconds, _BRIEFLY_SECONDS)
        return self._connected(
            self._settings.model_copy(update={"retry_deadline_seconds": deadline})
        )

    @cached_property
    def _settings(self) -> Settings:
        return self._read_settings()

    def _connected(self, settings: Settings) -> Connected:
        # Imported here: a program needs no HTTP, which takes a tenth of a second to import.
        from acmidm_onboarding.authorities.connected import connected

        return connected(settings, self._forms.catalogue)
