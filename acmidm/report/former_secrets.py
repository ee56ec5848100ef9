"""Until when the secret before a new one works, in the words of a review: as the settings of the
stacks and their authorities have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from acmidm_onboarding.authority_types import DEFAULT_AUTHORITY, installed_authorities
from acmidm_onboarding.rules.rotation import lasting
from acmidm_onboarding.settings import config_key
from acmidm_onboarding.stack_files import overlap_days
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.terms import Environment, Platform


def former_secrets(stacks: Iterable[Mapping[str, Any]]) -> dict[tuple[Environment, Platform], str]:
    """Return how long a former secret works, in words, per environment and platform: the shortest
    time of its ``stacks``, which are settings such as {"environment": "tni", "authority": …}."""
    shortest: dict[tuple[Environment, Platform], float] = {}
    for stack in stacks:
        if (name := stack.get("environment")) not in list(Environment):
            continue
        for platform in Platform:
            name_of_type = str(stack.get(config_key(platform, "authority")) or DEFAULT_AUTHORITY)
            authority_type = installed_authorities().get(name_of_type)
            keeps = authority_type is not None and authority_type.keeps_previous_secret
            days = overlap_days(stack) if keeps else 0
            place = Environment(name), platform
            shortest[place] = min(days, shortest.get(place, days))
    return {place: _how_long_in_words(days) for place, days in shortest.items()}


def _how_long_in_words(days: float) -> str:
    if not days:
        return tr("the one before ends at once")
    return tr("the one before works for {lasting} beside it", lasting=lasting(days))
