"""The settings of an instance."""

from typing import Any

import pytest
from pydantic import ValidationError

from acmidm_sandbox.beheerportaal.settings import PortalSettings
from tests.support.portal import PRODUCTS, SCOPES


def settings(**changes: Any) -> PortalSettings:
    right = {
        "environment": "tni",
        "platform": "acmidm",
        "port": 8511,
        "database": "portal.db",
        "scopes": SCOPES,
        "products": PRODUCTS,
    }
    return PortalSettings.model_validate({**right, **changes})


def test_the_addresses_follow_from_host_and_port() -> None:
    """Origin, issuer and token endpoint are one decision."""
    assert settings().issuer == "http://127.0.0.1:8511/op"
    assert settings(host="::1").token_endpoint == "http://[::1]:8511/op/v1/token"
    assert (
        settings(platform="geosecure").token_endpoint
        == "http://127.0.0.1:8511/authorization/ws/oauth/v2/token"
    )
    assert settings(host="localhost").origin == "http://localhost:8511"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"host": "0.0.0.0"}, "no loopback address"),  # noqa: S104 - what is refused
        ({"host": "192.0.2.1"}, "no loopback address"),
        ({"host": "portal.example"}, "host"),
        ({"port": 65536}, "port"),
        ({"platform": "keycloak"}, "platform"),
        ({"databse": "typo"}, "databse"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes: dict[str, Any], message: str) -> None:
    """Above all: the portal speaks plain HTTP, and listens on loopback only."""
    with pytest.raises(ValidationError, match=message):
        settings(**changes)
