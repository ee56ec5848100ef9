"""What a form declares, without a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acmidm_onboarding.values.client import Grant, Secret, natural_key
from acmidm_onboarding.values.declaration import Declaration, client_name, connection_key
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.keys import PublicKeys, public_keys
from acmidm_onboarding.values.metadata import ClientMetadata, OrganisationMetadata
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import flat
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform
from tests.support.changed import Configurations, changed, configured

GENT = Organisation(name="Stad Gent", ovo="OVO002067", kbo="0207451227")


def declaration(
    application: str = "loket",
    environment: Environment = Environment.TNI,
    *,
    platform: Platform = Platform.ACMIDM,
    scopes: Mapping[str, str],
    jwks: Mapping[str, PublicJwk] | None,
    method: AuthMethod = AuthMethod.PRIVATE_KEY_JWT,
    jwks_uri: str | None = None,
    attributes: Mapping[str, str] | None = None,
    products: Configurations | None = None,
    **how: Any,
) -> Declaration:
    """Return a client of Stad Gent; ``scopes`` have their reasons."""
    key = connection_key(GENT.code, application)
    metadata = ClientMetadata(
        client_name=client_name(GENT.name, application),
        software_id=natural_key(platform, environment, key),
        organisation=OrganisationMetadata(name=GENT.name, ovo=GENT.ovo, kbo=GENT.kbo),
        application=application,
        grant_types=("client_credentials",),
        token_endpoint_auth_method=method.value,
        contacts=("a@stad-gent.example",),
        attributes=dict(attributes or {}),
        jwks_uri=jwks_uri,
    )
    values: dict[str, Any] = {
        "fields": flat(metadata.properties),
        "scopes": {scope: Grant(reason) for scope, reason in scopes.items()},
        "keys": PublicKeys(public_keys(jwks)),
        "secret": Secret(method is not AuthMethod.PRIVATE_KEY_JWT),
        "metadata": metadata,
        "declared_by": GENT,
        "products": configured(products or {}),
        "jwks": jwks,
    }
    made = Declaration(key=key, platform=platform, environment=environment, **values)
    return changed(made, **how)
