"""What the state of a stack has, as the engine exports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from acmidm_onboarding.authority_types import installed_authorities
from acmidm_onboarding.engine_resources import (
    EngineResource,
    Resource,
    inputs_of,
    is_provider,
    mapping,
    resources_in,
)
from acmidm_onboarding.recorded import Recorded, onboardings_in, recorded_in, version_of
from acmidm_onboarding.settings import (
    SECRET_KEYS,
    PlatformSettings,
    config_key,
    full_key,
    plain_key,
    settings_by_type,
    values_of_platform,
)
from acmidm_onboarding.stack.forms import StackForms
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.jwk import PublicJwk, readable_jwks
from acmidm_onboarding.values.terms import Platform


class StackState:
    """The state of a stack at one moment, which ``export`` reads once, and not before it is needed;
    ``history`` reads what the engine keeps of its last runs. A run writes another state: see
    ``read_again``.

    Whatever is read here raises Failure where the state cannot be read.
    """

    def __init__(
        self,
        export: Callable[[], Mapping[str, Any]],
        history: Callable[[], Sequence[Mapping[str, Any]]],
        forms: StackForms,
    ) -> None:
        self._export, self._history, self._forms = export, history, forms

    def read_again(self) -> StackState:
        """Return the state as it will be read after a run."""
        return StackState(self._export, self._history, self._forms)

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """The export."""
        return self._export()

    @cached_property
    def last_runs(self) -> Sequence[Mapping[str, Any]]:
        """The last runs that came to an end, newest first. They are read after the state: a run
        that ends later makes another state of it."""
        _ = self.document
        return self._history()

    @cached_property
    def version(self) -> str:
        """A digest of the state's resources, which tells it from an earlier one."""
        return version_of(self.document)

    @cached_property
    def recorded(self) -> Recorded:
        """The clients."""
        return recorded_in(self.document, self._forms.settings.environment)

    @cached_property
    def onboardings(self) -> Mapping[str, list[EngineResource]]:
        """The component of each key with all that is below it."""
        return onboardings_in(self.document)

    @cached_property
    def last_settings(self) -> Mapping[str, object]:
        """The settings of the last run, as its providers have them in the state: {"acmidm:issuer":
        "https://…"}; empty before the first run. Secrets are encrypted."""
        settings: Mapping[str, object] = {}
        for resource in filter(is_provider, resources_in(self.document)):
            settings = inputs_of(resource)
        return settings

    def last_address(self, platform: Platform) -> str | None:
        """Return the address at which the last run managed the clients of a platform; None if the
        state does not have it, or in an unreadable way."""

        def last_setting(key: str) -> object:
            return None if plain_key(key) in SECRET_KEYS else self.last_settings.get(full_key(key))

        try:
            settings = settings_by_type(values_of_platform(platform, last_setting, {}))
        except ValidationError:
            return None
        return str(settings.address) if isinstance(settings, PlatformSettings) else None

    @cached_property
    def moved(self) -> frozenset[Platform]:
        """The platforms that people alone changed at the last run, and that have an API now."""
        installed, former_by_hand = installed_authorities(), set()
        for name in self._forms.settings.platforms:
            former_type = str(self.last_settings.get(full_key(config_key(name, "authority"))))
            if former_type in installed and installed[former_type].is_by_hand:
                former_by_hand.add(name)
        return frozenset(former_by_hand - self._forms.by_hand)

    def keys_of(self, client: Client) -> Mapping[str, PublicJwk] | None:
        """Return the public keys that the state has of a client, per ``kid``; None where it has
        none of its own."""
        urn = client.record.urns.get(Resource.KEYS)
        for resource in resources_in(self.document):
            if urn and resource.get("urn") == urn:
                jwks = inputs_of(resource).get("jwks")
                return None if jwks is None else readable_jwks(mapping(jwks))
        return None
