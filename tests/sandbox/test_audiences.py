"""For which API an access token is, and what the product APIs say to one that is for another."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from tests.support.forms import DOSIS
from tests.support.introspection import introspect
from tests.support.messages import DOSSIER, connected
from tests.support.portal import API_IDS, RunningPortal, new_key, register_client

RESOURCE = "https://api.example/dosis"
FOR_DOSIS, FOR_NOTIFICATIES = API_IDS["dosis"], API_IDS["notificaties"]
BOTH = [FOR_NOTIFICATIES, FOR_DOSIS]
OWN = "the client's own"


@pytest.fixture(scope="module")
def callers(portal: RunningPortal, geosecure: RunningPortal) -> list[tuple[str, ECKey]]:
    """A client of each platform with its key, which no test changes."""
    made = []
    for platform in (portal, geosecure):
        key = new_key()
        with platform.operator() as operator:
            made.append((connected(operator, key), key))
    return made


@pytest.mark.parametrize(
    ("parameters", "at_acmidm", "at_geosecure"),
    [
        ({}, OWN, BOTH),
        ({"scope": "dv_dosis_schrijven"}, OWN, FOR_DOSIS),
        ({"scope": "vo_info"}, OWN, []),
        ({"audience": FOR_DOSIS}, FOR_DOSIS, FOR_DOSIS),
        ({"audience": API_IDS["magda"]}, API_IDS["magda"], API_IDS["magda"]),
        ({"resource": RESOURCE}, FOR_DOSIS, FOR_DOSIS),
        ({"audience": "unknown", "resource": RESOURCE}, FOR_DOSIS, FOR_DOSIS),
        ({"audience": FOR_NOTIFICATIES, "resource": RESOURCE}, FOR_NOTIFICATIES, FOR_NOTIFICATIES),
        ({"audience": "unknown"}, OWN, BOTH),
        ({"resource": f"{RESOURCE}/"}, OWN, BOTH),
    ],
)
def test_for_whom_a_token_is(
    portal: RunningPortal,
    geosecure: RunningPortal,
    callers: list[tuple[str, ECKey]],
    parameters: dict[str, str],
    at_acmidm: Any,
    at_geosecure: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As ACM/IDM documents it; on GeoSecure for the APIs of its scopes. What is of no API leaves a
    line in the log."""
    caplog.set_level(logging.INFO, "acmidm_sandbox")
    wanted = (portal, at_acmidm), (geosecure, at_geosecure)
    for (platform, aud), (client_id, key) in zip(wanted, callers, strict=True):
        token = platform.client_token(key, client_id, **parameters)
        assert introspect(platform, token).json()["aud"] == (client_id if aud == OWN else aud)
        noted = f"client {client_id}, rule unknown audience: " in caplog.text
        assert noted == (
            aud in (OWN, BOTH) and not parameters.keys().isdisjoint(("audience", "resource"))
        )


def test_a_product_takes_tokens_for_its_own_api_alone(
    portal: RunningPortal, operator: httpx.Client
) -> None:
    """401 with the parameter that helps, also for another product's API, and before scopes; an
    operator's is for the management API."""
    key = new_key()
    client_id, without_scope = (
        connected(operator, key, dosis=DOSIS),
        str(register_client(operator, keys=[key])["client_id"]),
    )
    cases = (
        (client_id, None, client_id),
        (client_id, "notificaties", FOR_NOTIFICATIES),
        (without_scope, None, without_scope),
    )
    for caller, product, for_whom in cases:
        with portal.operator(portal.client_token(key, caller, product)) as client:
            refused = client.post("/api/v2/dosis/dossiers", json=DOSSIER)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
        assert (
            f"is for {for_whom}, and not for this one; add audience={FOR_DOSIS} to the token"
            " request" in refused.text
        )
    with portal.operator(portal.client_token(key, client_id, "dosis")) as client:
        assert client.post("/api/v2/dosis/dossiers", json=DOSSIER).is_success
    assert introspect(portal, portal.operator_token()).json()["aud"] == portal.origin


def test_geosecure_says_what_a_token_is_worth(
    geosecure: RunningPortal, portal: RunningPortal
) -> None:
    """Its own endpoint, with numbers as texts; ACM/IDM has none."""
    key = new_key()
    with geosecure.operator() as operator:
        client_id = connected(operator, key)
    path = "/authorization/ws/oauth/v2/authorization/verify"
    with geosecure.operator(
        geosecure.client_token(key, client_id, scope="dv_dosis_schrijven")
    ) as client:
        found = client.get(path).raise_for_status().json()
    assert 35_000 < int(found.pop("expires_in")) <= 36_000
    assert found == {"audience": FOR_DOSIS, "scope": "dv_dosis_schrijven"}
    with geosecure.operator("nonsense") as client:
        assert client.get(path).status_code == 401
    assert httpx.get(f"{portal.origin}{path}").status_code == 404
