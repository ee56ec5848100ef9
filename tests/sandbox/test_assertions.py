"""Client authentication with private_key_jwt: what is accepted, and every refusal."""

import base64
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc.jwk import ECKey, Key, OKPKey

from tests.support.portal import (
    RunningPortal,
    new_key,
    public_jwk,
    put_current,
    register_client,
    sign_assertion,
)
from tests.support.rsa_keys import rsa_key


@dataclass(frozen=True)
class Registered:
    """A client with one registered key."""

    client_id: str
    key: ECKey


@pytest.fixture(scope="module")
def client(portal: RunningPortal) -> Iterator[Registered]:
    key = new_key("registered")
    with portal.operator() as operator:
        yield Registered(
            register_client(operator, scopes=["dv_magda"], keys=[key])["client_id"], key
        )


def refusal(portal: RunningPortal, assertion: str, **parameters: str) -> str:
    """The description of a refusal, which must be in the form of RFC 6749 §5.2."""
    answer = portal.request_token(assertion, **parameters)
    assert answer.status_code == 401, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert answer.json()["error"] == "invalid_client"
    description = str(answer.json()["error_description"])
    assert description.isascii()
    assert not set(description) & {'"', "\\"}
    return description


RSA = rsa_key("of a client")


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (RSA, "RS256"),
        (RSA, "PS256"),
        (RSA, "RS384"),
        (RSA, "RS512"),
        (RSA, "PS384"),
        (RSA, "PS512"),
        (ECKey.generate_key("P-256"), "ES256"),
        (ECKey.generate_key("P-384"), "ES384"),
        (ECKey.generate_key("P-521"), "ES512"),
        (OKPKey.generate_key("Ed25519"), "EdDSA"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_each_algorithm_works_with_its_kind_of_key(
    portal: RunningPortal, key: Key, alg: str
) -> None:
    """All algorithms that the metadata lists are accepted."""
    with portal.operator() as operator:
        client_id = register_client(operator)["client_id"]
        put_current(
            operator,
            f"/management/v1/clients/{client_id}/jwks",
            {"keys": [{**public_jwk(key), "kid": "k"}]},
        ).raise_for_status()
    answer = portal.request_token(
        sign_assertion(key, client_id, portal.issuer, header={"alg": alg, "kid": "k"})
    )
    assert answer.status_code == 200, answer.text


SOON, LATER = time.time() + 60, time.time() + 10**7

WRONG_CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "sub a list": ({"sub": ["x"]}, "sub is missing in the assertion, or no string"),
    "iat in milliseconds": ({"iat": int(SOON * 1000)}, "iat seems to be in milliseconds"),
    "exp in milliseconds": (
        {"exp": int(SOON * 1000)},
        "exp seems to be in milliseconds; a NumericDate is in seconds",
    ),
    "exp of no time at all": ({"exp": 10**30}, "exp is no number of seconds"),
    "exp a text": ({"exp": "soon"}, "exp is no number"),
    "exp a truth": ({"exp": True}, "exp is no number"),
    "exp infinite": ({"exp": float("inf")}, "exp is no number"),
    "exp no number": ({"exp": float("nan")}, "exp is no number"),
    "jti empty": ({"jti": ""}, "jti is no string"),
    "jti long": ({"jti": "x" * 300}, "jti is no string"),
}


@pytest.mark.parametrize("name", WRONG_CLAIMS)
def test_a_wrong_claim_is_refused_by_its_name(
    portal: RunningPortal, client: Registered, name: str
) -> None:
    """RFC 7523 §3: the odd ones; that each rule is named when it is broken is shown by
    `test_rules.py`."""
    claims, sentence = WRONG_CLAIMS[name]
    assert sentence in refusal(
        portal, sign_assertion(client.key, client.client_id, portal.issuer, claims=claims)
    )


def test_an_audience_in_a_list_of_one_is_good(portal: RunningPortal, client: Registered) -> None:
    """RFC 7519 §4.1.3 allows the list."""
    one = sign_assertion(
        client.key, client.client_id, portal.issuer, claims={"aud": [portal.issuer]}
    )
    assert portal.request_token(one).status_code == 200


def test_an_assertion_works_once(portal: RunningPortal, client: Registered) -> None:
    """The jti of one that gave a token is refused in a new assertion too, but not with another
    client."""
    jti = str(uuid.uuid4())
    assertion = sign_assertion(client.key, client.client_id, portal.issuer, claims={"jti": jti})
    assert portal.request_token(assertion).status_code == 200
    again = sign_assertion(client.key, client.client_id, portal.issuer, claims={"jti": jti})
    assert "jti was used before" in refusal(portal, again)
    with portal.operator() as operator:
        other = register_client(operator, keys=[client.key])["client_id"]
    assert (
        portal.request_token(
            sign_assertion(client.key, other, portal.issuer, claims={"jti": jti})
        ).status_code
        == 200
    )


def test_a_wrong_signature_is_refused(portal: RunningPortal, client: Registered) -> None:
    """The kid is right, the private key is not; nor is a signature whose assertion was changed.
    What is refused uses up no jti: else anyone could burn that of another with a worthless
    signature."""
    forged = sign_assertion(
        new_key("registered"), client.client_id, portal.issuer, claims={"jti": "burnt"}
    )
    assert "signature is wrong: it was not made with the private key of kid registered" in refusal(
        portal, forged
    )
    head, payload, signature = sign_assertion(client.key, client.client_id, portal.issuer).split(
        "."
    )
    claims = {**json.loads(base64.urlsafe_b64decode(payload + "==")), "jti": "another"}
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert "signature is wrong" in refusal(portal, f"{head}.{changed}.{signature}")
    assert (
        portal.request_token(
            sign_assertion(client.key, client.client_id, portal.issuer, claims={"jti": "burnt"})
        ).status_code
        == 200
    )


def test_what_proves_nothing_is_refused(portal: RunningPortal, client: Registered) -> None:
    """An unsigned assertion, in whatever spelling; and the classic confusion: the public key, which
    everyone knows, as a MAC's secret."""
    _, payload, _ = sign_assertion(client.key, client.client_id, portal.issuer).split(".")
    pem, jwk = client.key.as_pem(private=False), json.dumps(public_jwk(client.key)).encode()
    for alg, secret in (
        ("none", b""),
        ("None", b""),
        ("NONE", b""),
        ("HS256", pem),
        ("HS256", jwk),
    ):
        head = (
            base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": "registered"}).encode())
            .decode()
            .rstrip("=")
        )
        # By hand: the libraries refuse to make it.
        mac = hmac.digest(secret, f"{head}.{payload}".encode(), "sha256") if secret else b""
        signature = base64.urlsafe_b64encode(mac).decode().rstrip("=")
        assert f"alg {alg} is not accepted" in refusal(portal, f"{head}.{payload}.{signature}")


@pytest.mark.parametrize(
    "assertion",
    [
        "",
        "x",
        "a.b",
        "a.b.c",
        "e30.e30.",
        "W10.W10.W10",
        base64.b64encode(b"[" * 9000).decode().rstrip("=") + ".e30.x",
        "é.é.é",
    ],
)
def test_what_is_no_jwt_is_refused(portal: RunningPortal, assertion: str) -> None:
    """Never a 500, whatever comes."""
    assert "assertion" in refusal(portal, assertion)
