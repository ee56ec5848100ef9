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
    """Per environment and platform, the shortest time of its stacks; ``stacks`` are settings
    without their namespace."""
    shortest: dict[tuple[Environment, Platform], float] = {}
    for stack in stacks:
        if (name := stack.get("environment")) not in list(Environment):
            continue
        for platform in Platform:
            authority = str(stack.get(config_key(platform, "authority")) or DEFAULT_AUTHORITY)
            kind = installed_authorities().get(authority)
            keeps = kind is not None and kind.keeps_previous_secret
            days = overlap_days(stack) if keeps else 0
            platform_key = Environment(name), platform
            shortest[platform_key] = min(days, shortest.get(platform_key, days))
    return {platform_key: _until_when(days) for platform_key, days in shortest.items()}


def _until_when(days: float) -> str:
    if not days:
        return tr("the one before ends at once")
    return tr("the one before works for {lasting} beside it", lasting=lasting(days))
