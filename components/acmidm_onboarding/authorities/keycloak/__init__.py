"""The adapter for Keycloak's Admin REST API: ``adapter`` is the port, the other files are what it
needs, a subject each."""

from __future__ import annotations

from acmidm_onboarding.authorities.http.settings import HttpSettings
from acmidm_onboarding.authorities.port import Authority, OpenApi
from acmidm_onboarding.authority_types import AuthorityType


def _connect(settings: HttpSettings, open_api: OpenApi, assigned: frozenset[str]) -> Authority:
    from acmidm_onboarding.authorities.keycloak.adapter import Keycloak

    return Keycloak(open_api(settings.management_url), settings.operator_client_id, assigned)


KEYCLOAK = AuthorityType(
    name="keycloak",
    settings=HttpSettings,
    connect=_connect,
    takes_keys_from_address=True,
    takes_parts=True,
    keeps_previous_secret=False,  # docs/authorities.md has what was tried
)
