"""What endpoints and pages get from the running portal."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from joserfc.jwk import RSAKey

from acmidm_sandbox.beheerportaal.oauth.authorization import PortalAuthorizationServer
from acmidm_sandbox.beheerportaal.oauth.external import ExternalTokenValidator
from acmidm_sandbox.beheerportaal.oauth.tokens import AccessTokens, signing_key
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.database import Database
from acmidm_sandbox.beheerportaal.store.opening import open_database


@dataclass(frozen=True, slots=True)
class Portal:
    """A running portal: its settings, its database, and what issues and accepts access tokens."""

    settings: PortalSettings
    database: Database
    key: RSAKey
    authorization: PortalAuthorizationServer
    access_tokens: AccessTokens | ExternalTokenValidator

    @classmethod
    def open(cls, settings: PortalSettings) -> "Portal":
        """Open the database; make it and the signing key at the first start. With an
        `external_issuer` that issuer's access tokens are accepted. Raises UnusableDatabase."""
        database = open_database(settings.database)
        key = signing_key(database)
        issued = AccessTokens(settings, key, database)
        accepted: AccessTokens | ExternalTokenValidator = issued
        if settings.external_issuer is not None:
            accepted = ExternalTokenValidator(settings.external_issuer, settings.origin)
        return cls(
            settings=settings,
            database=database,
            key=key,
            authorization=PortalAuthorizationServer(issued),
            access_tokens=accepted,
        )


async def _portal(request: Request) -> Portal:
    portal: Portal = request.app.state.portal
    return portal


async def _client_id(request: Request) -> str:
    client_id: str = request.state.client_id
    return client_id


CurrentPortal = Annotated[Portal, Depends(_portal)]
# The client_id of the access token that `TokenRoute` has checked.
Caller = Annotated[str, Depends(_client_id)]
