"""The portal as GeoSecure, and what each platform says to the other's clients."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from joserfc.jwk import ECKey

from acmidm_sandbox.beheerportaal.api.clients import (
    FIRST_NUMERIC_CLIENT_ID,
    FIRST_NUMERIC_TEST_CLIENT_ID,
)
from tests.support.portal import OPERATOR, RunningPortal, new_key, register_client, sign_assertion


@dataclass(frozen=True)
class Registered:
    """A client of both platforms, under another client_id on each."""

    acmidm: str
    geosecure: str
    key: ECKey


@pytest.fixture(scope="module")
def client(portal: RunningPortal, geosecure: RunningPortal) -> Iterator[Registered]:
    key = new_key()
    with portal.operator() as acmidm, geosecure.operator() as other:
        yield Registered(
            register_client(acmidm, keys=[key])["client_id"],
            register_client(other, keys=[key])["client_id"],
            key,
        )


def refusal(portal: RunningPortal, assertion: str) -> str:
    answer = portal.request_token(assertion)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    return str(answer.json()["error_description"])


def test_client_ids_are_numbers_that_never_come_back(geosecure: RunningPortal) -> None:
    """A sequence, of other numbers on TNI than in production: a removed client's is not given to
    another."""
    with geosecure.operator() as operator:
        first = register_client(operator)["client_id"]
        assert first.isdecimal()
        assert FIRST_NUMERIC_TEST_CLIENT_ID <= int(first) < FIRST_NUMERIC_CLIENT_ID
        operator.delete(
            f"/management/v1/clients/{first}", headers={"If-Match": "*"}
        ).raise_for_status()
        assert int(register_client(operator)["client_id"]) > int(first)


def test_the_other_platforms_client_id_is_recognised(
    portal: RunningPortal, geosecure: RunningPortal, client: Registered
) -> None:
    """The frequent mistake: a client_id works on its own platform only, and the error says exactly
    that."""
    uuid_here = refusal(geosecure, sign_assertion(client.key, client.acmidm, geosecure.audience))
    assert "is a UUID, the kind that ACM/IDM gives out; this is GeoSecure" in uuid_here
    number_here = refusal(portal, sign_assertion(client.key, client.geosecure, portal.audience))
    assert "is numeric, the kind that GeoSecure gives out; this is ACM/IDM" in number_here
    assert "there is no client" in refusal(
        portal, sign_assertion(client.key, str(uuid.uuid4()), portal.audience)
    )


def test_the_other_platforms_audience_is_recognised(
    portal: RunningPortal, geosecure: RunningPortal, client: Registered
) -> None:
    """The other frequent mistake; on GeoSecure it is the token endpoint, in lower case."""
    capitals = sign_assertion(
        client.key, client.geosecure, geosecure.token_endpoint.replace("token", "Token")
    )
    assert "aud must be in lower case and without trailing slash" in refusal(geosecure, capitals)
    issuer = refusal(geosecure, sign_assertion(client.key, client.geosecure, geosecure.issuer))
    assert "aud is the issuer, as ACM/IDM wants it; this is GeoSecure" in issuer
    for aud in (portal.token_endpoint, f"{portal.token_endpoint.upper()}/"):
        endpoint = refusal(portal, sign_assertion(client.key, client.acmidm, aud))
        assert "aud is the token endpoint, as GeoSecure wants it; this is ACM/IDM" in endpoint


def test_milliseconds_are_recognised_in_a_text_too(
    geosecure: RunningPortal, client: Registered
) -> None:
    """Its sample has exp and iat as texts, which the sandbox therefore reads."""
    late = sign_assertion(
        client.key,
        client.geosecure,
        geosecure.audience,
        claims={"exp": f"{int(time.time()) + 60}000"},
    )
    assert "exp seems to be in milliseconds" in refusal(geosecure, late)


def test_operators_authenticate_alike_on_both_platforms(
    portal: RunningPortal, geosecure: RunningPortal
) -> None:
    """They belong to the portal, so the platform's habits are not theirs: the issuer and the token
    endpoint are both good."""
    for running in (portal, geosecure):
        for aud in (running.issuer, running.token_endpoint):
            answer = running.request_token(
                sign_assertion(running.operator_key, OPERATOR, aud, header={"kid": None})
            )
            assert answer.status_code == 200, answer.text
