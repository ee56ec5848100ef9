"""What a preview says about the ``up`` that would follow it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acmidm_onboarding.command_inputs import HANDED
from acmidm_onboarding.engine_resources import (
    EngineResource,
    client_of,
    is_password,
    is_provider,
    mapping,
    name_of,
    part_of,
    resources_in,
)
from acmidm_onboarding.settings import NAMESPACE, is_own
from acmidm_onboarding.values.problems import on_one_line

_FOUND_AGAIN = re.compile(
    r"pulumi:.+|acmidm:index:\w+|pulumi-python:dynamic/acmidm:\w+"
    r"|random:index/randomPassword:RandomPassword"
)
"""The types of resources that a killed run may leave without a trace in the state: the next run
takes them over, or makes another secret."""
_WITHOUT_A_STEP = ("urn", "parent", "protect", "retainOnDelete")
"""What the engine changes in a state without a step that shows it."""


@dataclass(frozen=True)
class Preview:
    """The JSON of a preview with all that stays the same, and the export of the state that it
    starts from."""

    document: Mapping[str, Any]
    state: Mapping[str, Any]

    @property
    def steps(self) -> Sequence[Mapping[str, Any]]:
        return self.document.get("steps") or ()

    @property
    def resources(self) -> list[EngineResource]:
        """All resources that a run could be about: as recorded, and as steps."""
        return [*resources_in(self.state), *self.steps]

    def warnings(self) -> Iterator[str]:
        """Yield the warnings that an ``up`` would show, a sentence each."""
        for diagnostic in self.document.get("diagnostics") or ():
            if diagnostic.get("severity") == "warning":
                yield on_one_line(diagnostic["message"].strip().removeprefix("warning: "))

    def planned(self) -> dict[str, str]:
        """Return the key of the connection by the URN of each resource that a run would change."""
        return keys_by_urn([step for step in self.steps if step.get("op") != "same"])

    def changes_nothing(self) -> bool:
        """Return whether an ``up`` would leave each resource as the state has it.

        A preview does not show what the program exports, which an ``up`` exports anew. It does not
        show either what waits to be removed since it was replaced, which an ``up`` removes.
        """
        if not self.steps or not all(map(_is_same, self.steps)):
            return False
        waits_for_removal = any(resource.get("delete") for resource in resources_in(self.state))
        return not waits_for_removal and self._has_recorded_settings()

    def may_record_at_the_end(self) -> bool:
        """Return whether the state may be written once, at the end of the run: the next run finds
        again whatever a killed one made."""
        for resource in self.resources:
            type_name = resource["urn"].split("::")[2].rpartition("$")[2]
            if not _FOUND_AGAIN.fullmatch(type_name):
                return False
        return not self._renews_a_secret()

    def _has_recorded_settings(self) -> bool:
        """Return whether the state has the settings of this preview, as far as they are not
        encrypted there: ``pulumi refresh`` and ``destroy`` read no file, and would go to an
        authority's former address."""
        settings = {}
        for name, value in mapping(self.document.get("config")).items():
            is_kept = is_own(name) and name != f"{NAMESPACE}:{HANDED}"
            if is_kept:
                settings[name] = value
        for resource in filter(is_provider, resources_in(self.state)):
            inputs = mapping(resource.get("inputs"))
            for name, value in settings.items():
                is_encrypted = isinstance(inputs.get(name), Mapping)
                if not is_encrypted and inputs.get(name) != value:
                    return False
        return True

    def _renews_a_secret(self) -> bool:
        """Return whether a client in use gets another secret: the state must have that before an
        authority does, or it is lost."""
        renewed = set()
        for step in self.steps:
            if is_password(step) and step.get("op") in ("create", "replace"):
                renewed.add(name_of(step))
        return any(step.get("op") == "update" and name_of(step) in renewed for step in self.steps)


def keys_by_urn(resources: Sequence[EngineResource]) -> dict[str, str]:
    """Return the key of each resource's connection, among resources or steps, without those of no
    connection."""
    return {resource["urn"]: client_of(resource)[0] for resource in resources if part_of(resource)}


def _is_same(step: Mapping[str, Any]) -> bool:
    if step.get("op") != "same":
        return False
    old, new = mapping(step.get("oldState")), mapping(step.get("newState"))
    return all(old.get(name) == new.get(name) for name in _WITHOUT_A_STEP)
