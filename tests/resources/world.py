"""Providers on a real portal, called directly: configured as the engine would, without the
engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from joserfc.jwk import ECKey
from pulumi.dynamic import Config, ConfigureRequest, CreateResult, ReadResult, UpdateResult
from pulumi.runtime.rpc import UNKNOWN as UNKNOWN

from acmidm_onboarding.resources.base import AuthorityProvider
from acmidm_onboarding.settings import full_key
from tests.support.engine import settings_of
from tests.support.forms import NOTIFICATIES
from tests.support.offered import catalogue_folder
from tests.support.portal import RunningPortal, public_jwk

Provider = TypeVar("Provider", bound=AuthorityProvider)

MANAGED_BY = "acmidm/tni"


@dataclass
class World:
    """Settings that lead to a portal."""

    config: Mapping[str, str]

    def provider(self, kind: type[Provider]) -> Provider:
        provider = kind()
        provider.configure(ConfigureRequest(Config(dict(self.config), "acmidm")))
        return provider


def world_of(portal: RunningPortal, folder: Path) -> World:
    key = folder / "operator.jwk.json"
    key.write_text(json.dumps(portal.operator_key.as_dict(private=True)))
    settings: dict[str, object] = {"environment": "tni", "keyOverlapDays": 0}
    settings |= {
        "catalogueFolder": str(catalogue_folder()),
        "operatorPrivateKeyFile": str(key),
        **settings_of(portal),
    }
    return World({full_key(name): str(value) for name, value in settings.items()})


def adopting(client_id: str, inputs: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Inputs with the wish of a form of Stad Gent to take a client over; ``changes`` override what
    the program gives with it."""
    wanted = {
        "client_id": client_id,
        "software_id": inputs["software_id"],
        "managed_by": MANAGED_BY,
        "form": "gent/loket",
    }
    of_gent = {
        "codes": ["OVO002067", "0207451227", "OVO000067"],
        "shared_codes": [],
        "is_named": False,
    }
    return {**inputs, "adopt": {**wanted, **of_gent, **changes}}


def outs(result: CreateResult | ReadResult | UpdateResult) -> dict[str, Any]:
    """The outputs that a provider gave."""
    assert result.outs is not None
    return dict(result.outs)


def client_inputs(application: str, **changes: Any) -> dict[str, Any]:
    """The inputs of an ``OAuthClient``, as the engine hands them to a provider."""
    return {
        "client_name": f"Stad Gent - {application}",
        "software_id": f"acmidm/tni/OVO002067/{application}",
        "managed_by": MANAGED_BY,
        "organisation": {"name": "Stad Gent", "ovo": "OVO002067", "kbo": "0207451227"},
        "application": application,
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "contacts": ["api-beheer@stad-gent.example"],
        "enabled": True,
        "platform": "acmidm",
        **changes,
    }


def keys(
    client_id: str,
    *declared: ECKey,
    proven: ECKey | None = None,
    days_old: int = 1,
    refused: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """What the program gives."""
    rotation: Any = {
        "form": "gent/loket",
        "stack": "tni",
        "compromised": [],
        "evidence_refused": refused,
        "proof_options": "--send-test-message --record",
    }
    jwks = {key.kid: public_jwk(key) for key in declared}
    inputs = {
        "platform": "acmidm",
        "client_id": client_id,
        "jwks": jwks,
        "rotation": rotation,
        **changes,
    }
    if proven:
        proven_at = f"{datetime.now(UTC) - timedelta(days=days_old):%Y-%m-%dT%H:%M:%SZ}"
        inputs["proven"] = {
            "thumbprint": proven.thumbprint(),
            "issuer": "https://issuer",
            "proven_at": proven_at,
        }
    return inputs


def product_of(client_id: str, **changes: Any) -> dict[str, Any]:
    configuration = {**NOTIFICATIES, **changes}
    return {
        "platform": "acmidm",
        "product": "notificaties",
        "client_id": client_id,
        "software_id": "acmidm/tni/OVO002067/loket",
        "managed_by": MANAGED_BY,
        "configuration": configuration,
    }
