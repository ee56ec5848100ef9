"""Connections to government APIs as Pulumi resources: what another Pulumi project imports.

``read_settings`` gives the settings of the stack; ``load_onboardings`` the connections of its
forms, ``connections_of`` those of an application that is written in the program; ``Onboarding``
declares them, of ``OnboardingArgs``; ``hand_over`` mails their organisations. See
``docs/library.md``.

Imports go one way: ``onboarding`` → ``resources`` → ``authorities`` → ``forms`` → ``values``. Forms
and values know neither Pulumi nor HTTP, and ``settings`` alone reads stack configuration.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acmidm_onboarding.onboarding import Onboarding, OnboardingArgs, hand_over
    from acmidm_onboarding.program import connections_of, load_onboardings, read_settings
    from acmidm_onboarding.values.declaration import Declaration

__all__ = [
    "Declaration",
    "Onboarding",
    "OnboardingArgs",
    "connections_of",
    "hand_over",
    "load_onboardings",
    "read_settings",
]

_PLACES = {
    "Declaration": "values.declaration",
    "Onboarding": "onboarding",
    "OnboardingArgs": "onboarding",
    "hand_over": "onboarding",
}


def __getattr__(name: str) -> Any:
    """Import what is public when it is first used: whoever wants forms and values alone need not
    wait for Pulumi."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES.get(name, 'program')}"), name)
