"""The authority that has a portal and no API: people change it, and confirm in Git what they did.

``adapter`` is the port over these confirmations, and writes nothing. ``rules/orders.py`` orders
what people have to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from acmidm_onboarding.authorities.port import Authority, OpenApi
from acmidm_onboarding.authority_types import AuthorityType
from acmidm_onboarding.settings import PlatformSettings
from acmidm_onboarding.values.terms import Environment


class ByHandSettings(PlatformSettings):
    """The settings of a platform that people change at its portal."""

    confirmed_folder: Annotated[
        Path,
        Field(
            description=(
                "The folder of what people confirmed of the portal, as confirmed/STACK/acmidm."
            )
        ),
    ]
    operator_client_id: str = ""


def _connect(settings: ByHandSettings, _open_api: OpenApi, _assigned: frozenset[str]) -> Authority:
    from acmidm_onboarding.authorities.by_hand.adapter import ByHand

    return ByHand(settings.confirmed_folder)


BY_HAND = AuthorityType(
    name="by_hand",
    settings=ByHandSettings,
    connect=_connect,
    takes_keys_from_address=True,
    takes_secrets=False,
    lists_clients=False,
    has_platform_rules=True,
    confirmed_in=lambda settings: settings.confirmed_folder,
    portals={
        Environment.TNI: "https://beheerportaal-ti.vlaanderen.be",
        Environment.PROD: "https://beheerportaal.vlaanderen.be",
    },
)
