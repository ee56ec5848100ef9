"""When the keys of clients last got a token, where their authority tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from acmidm_onboarding.authorities.connected import Connected
from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.authorities.http.pace import REQUESTS_AT_ONCE
from acmidm_onboarding.authorities.port import KeyUse, KnowsUse
from acmidm_onboarding.values.terms import Platform

Uses = Mapping[str, KeyUse]
"""Per thumbprint; a key that got no token is left out."""


def last_uses(platforms: Connected, clients: Sequence[tuple[Platform, str]]) -> list[Uses | None]:
    """Return the uses of each client, by its platform and client-ID; None where its authority does
    not tell."""

    def uses_of(client: tuple[Platform, str]) -> Uses | None:
        platform, client_id = client
        authority = platforms[platform].authority if platform in platforms else None
        try:
            return authority.keys_in_use(client_id) if isinstance(authority, KnowsUse) else None
        except AuthorityError:  # an authority may hide its events from this operator
            return None

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        return list(pool.map(uses_of, clients))
