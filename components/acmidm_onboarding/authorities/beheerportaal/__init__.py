"""The adapter for the management API of ADR 4, which the embedded authority speaks: ``adapter``,
and its documents, ``wire``."""

from __future__ import annotations

from acmidm_onboarding.authorities.http.settings import HttpSettings
from acmidm_onboarding.authorities.port import Authority, OpenApi
from acmidm_onboarding.authority_types import AuthorityType
from acmidm_onboarding.values.terms import Environment


def _connect(settings: HttpSettings, open_api: OpenApi, assigned: frozenset[str]) -> Authority:
    from acmidm_onboarding.authorities.beheerportaal.adapter import Beheerportaal

    return Beheerportaal(open_api(settings.management_url), settings.operator_client_id, assigned)


BEHEERPORTAAL = AuthorityType(
    name="beheerportaal",
    settings=HttpSettings,
    connect=_connect,
    keeps_previous_secret=True,
    keeps_writers_apart=True,
    has_platform_rules=True,
    portals={  # of ACM/IDM: the public manual of the Beheerportaal
        Environment.TNI: "https://beheerportaal-ti.vlaanderen.be",
        Environment.PROD: "https://beheerportaal.vlaanderen.be",
    },
)
