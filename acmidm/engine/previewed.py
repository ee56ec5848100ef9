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
    inputs_of,
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
        """What an ``up`` would do with each resource, ``{"op": "update", "urn": …, …}``; ``same``
        for nothing."""
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
        """Return whether an ``up`` would leave each resource, and the providers' settings, as the
        state has them.

        A preview does not show what the program exports: that an ``up`` exports it anew is no
        change here. It does not show either what waits to be removed since it was replaced: that an
        ``up`` removes it is one.
        """
        if not self.steps or not all(map(_is_same, self.steps)):
            return False
        waits_for_removal = any(resource.get("delete") for resource in resources_in(self.state))
        return not waits_for_removal and self._has_recorded_settings()

    def may_record_at_the_end(self) -> bool:
        """Return whether the engine may write the state once, at the end of the run: whatever a
        killed run made without a record, the next one finds again. That is so for all resources of
        this project, but not for a secret that a client in use is about to get."""
        for resource in self.resources:
            type_name = resource["urn"].split("::")[2].rpartition("$")[2]
            if not _FOUND_AGAIN.fullmatch(type_name):
                return False
        return not self._renews_a_secret()

    def _has_recorded_settings(self) -> bool:
        """Return whether the providers in the state have the settings of this preview, as far as
        they are not encrypted there. Without an ``up`` they would keep former ones, by which
        ``pulumi refresh`` and ``destroy`` go to an authority: these read no file."""
        settings = {}
        for name, value in mapping(self.document.get("config")).items():
            is_lasting = name != f"{NAMESPACE}:{HANDED}"  # which names another file in each run
            if is_own(name) and is_lasting:
                settings[name] = value
        for resource in filter(is_provider, resources_in(self.state)):
            inputs = inputs_of(resource)
            for name, value in settings.items():
                is_encrypted = isinstance(inputs.get(name), Mapping)
                if not is_encrypted and inputs.get(name) != value:
                    return False
        return True

    def _renews_a_secret(self) -> bool:
        """Return whether a client that exists gets another secret: the state must have the secret
        before the authority does, or a killed run loses it."""
        renewed = set()
        for step in self.steps:
            if is_password(step) and step.get("op") in ("create", "replace"):
                renewed.add(name_of(step))
        return any(step.get("op") == "update" and name_of(step) in renewed for step in self.steps)


def keys_by_urn(resources: Sequence[EngineResource]) -> dict[str, str]:
    """Return the key of the connection that a resource or step belongs to, by URN; those of no
    connection are left out."""
    return {resource["urn"]: client_of(resource)[0] for resource in resources if part_of(resource)}


def _is_same(step: Mapping[str, Any]) -> bool:
    """Return whether a step changes nothing of a resource, not even its protection."""
    if step.get("op") != "same":
        return False
    old, new = mapping(step.get("oldState")), mapping(step.get("newState"))
    return all(old.get(name) == new.get(name) for name in _WITHOUT_A_STEP)
