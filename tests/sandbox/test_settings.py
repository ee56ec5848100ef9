"""The settings of an instance, and registering operators."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.opening import open_database
from acmidm_sandbox.beheerportaal.store.users import Operator, register_operator
from tests.support.portal import PRODUCTS, SCOPES, new_key, public_jwk

KEY = public_jwk(new_key())


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


@pytest.mark.parametrize(
    ("client_id", "public_jwk", "message"),
    [
        ("user:beheer", KEY, "audit trail"),
        ("operator", new_key().as_dict(private=True), "/keys/0/d is private or symmetric"),
        ("operator", {**KEY, "kid": ""}, "/keys/0/kid is missing"),
    ],
)
def test_an_operator_is_no_user_and_has_a_public_key(
    tmp_path: Path, client_id: str, public_jwk: dict[str, Any], message: str
) -> None:
    """Who did what stays clear in the trail; refused before anything is written."""
    with closing(open_database(tmp_path / "portal.db")) as database, database.write() as session:
        with pytest.raises(ValueError, match=message):
            register_operator(session, client_id, public_jwk=public_jwk)
        assert session.get(Operator, client_id) is None
