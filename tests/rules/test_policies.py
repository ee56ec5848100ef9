"""Each policy as a pure function: what it refuses and what it lets pass, by profile; and each has a
page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.rules.policies import LIMITS, POLICIES, Profile, Situation
from acmidm_onboarding.values.terms import Environment, ExemptiblePolicy
from tests.support.workspace import private_key, public_key

PAGE = Path(__file__).parents[2] / "docs" / "policies.md"
NOW = datetime(2026, 11, 25, tzinfo=UTC)
EC: dict[str, Any] = {**public_key("ec", kty="EC", crv="P-256"), "alg": "ES256"}
RSA = public_key("rsa")


def days(number: int) -> float:
    return (NOW + timedelta(days=number)).timestamp()


Planned = dict[str, Any]


def with_key(key: dict[str, Any]) -> Planned:
    return {"keys": {"k": key}}


def keys(**members: Any) -> Planned:
    return with_key({**EC, "exp": days(30), **members})


def found(
    planned: Planned, *, profile: str = "acmidm", environment: str = "prod"
) -> dict[str, str]:
    """Per policy that is violated the sentence about it."""
    situation = Situation(Environment(environment), Profile(profile), NOW, **planned)
    return {
        policy.id: f"{one.what}; {one.remedy}"
        for policy in POLICIES
        for one in policy.violations(situation)
    }


SHORT = 'key "k" is an RSA key of {} bits; make one of at least 2048'
LASTS = 'key "k" is valid until {}; profile {} allows {} days: give it an exp of {} at the latest'
SECRET = "the client authenticates with {} on {}; use private_key_jwt"
SHARED = (
    'key "k" contains private members; make a new pair, as this one has been shared, and give its'
    " public half"
)
REFUSED: dict[str, tuple[Planned, str, str, str]] = {
    "a private key": (
        keys(**private_key("ec", kty="EC", crv="P-256")),
        "acmidm tni",
        "private-key",
        SHARED,
    ),
    "a symmetric key": (
        with_key({"kty": "oct", "k": "c2VjcmV0"}),
        "acmidm tni",
        "private-key",
        SHARED,
    ),
    "a short RSA key": (
        with_key(public_key("small", size=1024)),
        "acmidm tni",
        "short-rsa-key",
        SHORT.format(1024),
    ),
    "an RSA key without modulus": (
        with_key({"kty": "RSA"}),
        "acmidm tni",
        "short-rsa-key",
        SHORT.format(0),
    ),
    "RS256 with FAPI 2": (
        with_key({**RSA, "alg": "RS256", "exp": days(30)}),
        *(
            "fapi2 tni",
            "key-algorithm",
            'key "k" signs with RS256; profile fapi2 requires ES256 or Ed25519 or EdDSA or PS256',
        ),
    ),
    "an RSA key without alg with FAPI 2": (
        with_key({**RSA, "exp": days(30)}),
        *(
            "fapi2 tni",
            "key-algorithm",
            (
                'key "k" has no alg, and may sign with any algorithm of its type; profile fapi2'
                " requires PS256"
            ),
        ),
    ),
    "a key of three years": (
        keys(exp=days(1095)),
        "acmidm tni",
        "key-lifetime",
        LASTS.format("2029-11-24", "acmidm", 730, "2028-11-24"),
    ),
    "a key of two years with FAPI 2": (
        keys(exp=days(730)),
        "fapi2 tni",
        "key-lifetime",
        LASTS.format("2028-11-24", "fapi2", 365, "2027-11-25"),
    ),
    "a key without exp with FAPI 2": (
        with_key(EC),
        *(
            "fapi2 tni",
            "key-lifetime",
            'key "k" has no exp; profile fapi2 requires one: give the key an end',
        ),
    ),
    "a secret on prod": (
        {"auth_method": "client_secret_basic"},
        "acmidm prod",
        "client-secret",
        SECRET.format("client_secret_basic", "prod"),
    ),
    "a secret on TNI with FAPI 2": (
        {"auth_method": "client_secret_post"},
        "fapi2 tni",
        "client-secret",
        SECRET.format("client_secret_post", "tni"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_and_what_to_do(case: str) -> None:
    planned, where, policy, sentence = REFUSED[case]
    profile, environment = where.split()
    assert found(planned, profile=profile, environment=environment) == {policy: sentence}


ALLOWED = {
    "nothing told": ({}, "fapi2", "prod"),
    "RS256 as ACM/IDM does": (with_key({**RSA, "alg": "RS256"}), "acmidm", "prod"),
    "a key without exp": (with_key(EC), "acmidm", "prod"),
    "a key of exactly two years": (keys(exp=days(730)), "acmidm", "prod"),
    "PS256 with FAPI 2": (
        with_key({**RSA, "alg": "PS256", "exp": days(365)}),
        "fapi2",
        "prod",
    ),
    "a curve without alg with FAPI 2": (
        with_key({**public_key("ec", kty="EC", crv="P-256"), "exp": days(1)}),
        "fapi2",
        "prod",
    ),
    "a secret on TNI": ({"auth_method": "client_secret_basic"}, "acmidm", "tni"),
    "a key as authentication": ({"auth_method": "private_key_jwt"}, "fapi2", "prod"),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_passes(case: str) -> None:
    planned, profile, environment = ALLOWED[case]
    assert found(planned, profile=profile, environment=environment) == {}


def test_every_policy_is_tried() -> None:
    assert {policy.id for policy in POLICIES} == {policy for _, _, policy, _ in REFUSED.values()}


def test_every_policy_has_its_page_and_every_page_its_policy() -> None:
    """The title on the page is the policy's; the limits that the page tells are those of the
    code."""
    text = PAGE.read_text()
    sections = dict(re.findall(r"^## ([a-z0-9-]+)\n+\*\*(.+?)\.\*\*", text, re.MULTILINE))
    assert sections == {policy.id: policy.title for policy in POLICIES}
    for profile in Profile:
        assert re.search(rf"{LIMITS[profile].longest_key_days} days", text)


def test_exemptions_are_for_policies_that_exist() -> None:
    """And from the gate to production, which is no policy."""
    exemptible = set(ExemptiblePolicy) - {ExemptiblePolicy.PROMOTION_GATE}
    assert exemptible < {policy.id for policy in POLICIES}
