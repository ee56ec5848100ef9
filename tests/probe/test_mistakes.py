"""The table of mistakes: each row found in an assertion or a request that is never sent, with
nothing of it repeated."""

from __future__ import annotations

import base64
import functools
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, RSAKey

from acmidm.probe import mistakes
from acmidm.probe.checks import Context
from acmidm.probe.findings import Finding
from acmidm.probe.mistakes import (
    ASSERTION_TYPE,
    MISTAKES,
    ended_seconds_ago,
    mistakes_in,
)
from acmidm.probe.sent import parse_request
from acmidm_onboarding.settings.platform import AssertionAudience
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.jwk import public_jwk
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform
from acmidm_sandbox.beheerportaal import limits
from tests.support.connection import Connection
from tests.support.portal import new_key, sign_assertion
from tests.support.portal import public_jwk as public_half
from tests.support.rsa_keys import rsa_key

NOW = int(time.time())
CLIENT = "8abae908-3b66-41e8-bf7d-262d136515b4"
ISSUER = "https://authenticatie-ti.vlaanderen.be/op"
ENDPOINT = f"{ISSUER}/v1/token"
SECRET = "Zk9wq2Jh7Lm4Xv8T"


@functools.cache
def key(kid: str = "key-1") -> ECKey:
    return new_key(kid)


@functools.cache
def rsa() -> RSAKey:
    return rsa_key("of the probe", kid="key-1")


def context(*keys: ECKey, **changes: Any) -> Context:
    """ACM/IDM with one key of the form."""
    found = {str(one.kid): public_jwk(public_half(one)) for one in keys or (key(),)}
    right: dict[str, Any] = {
        "platform": Platform.ACMIDM,
        "environment": Environment.TNI,
        "issuer": ISSUER,
        "token_endpoint": ENDPOINT,
        "now": NOW,
        "client_id": CLIENT,
        "api_of": {"api-of-dosis": "dosis"},
        "keys": found,
        "scopes": {"dv_dosis_schrijven": "dosis", "vo_info": "vo"},
    }
    return Context(**{**right, **changes})


def geosecure(**changes: Any) -> Context:
    return context(
        **{
            "platform": Platform.GEOSECURE,
            "client_id": None,
            "scopes": {"DosisImport": "dosis"},
            "renamed": {"dv_dosis_schrijven": "DosisImport"},
            **changes,
        }
    )


def assertion(signer: Any = None, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """A good one, but for what is given; None leaves a claim out."""
    right = {"iat": NOW, "exp": NOW + 300, **claims}
    return sign_assertion(signer or key(), CLIENT, ISSUER, claims=right, header=header)


def on_geosecure(header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    return assertion(header=header, **{"iss": "40001", "sub": "40001", "aud": ENDPOINT, **claims})


def request(jwt: str | None = None, **fields: Any) -> str:
    """The body of a good token request, but for what is given; None leaves a field out."""
    right = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt or assertion(),
        "scope": "dv_dosis_schrijven",
        "audience": "api-of-dosis",
        **fields,
    }
    return urlencode([(name, value) for name, value in right.items() if value is not None])


def sentences(found: Iterable[Finding], language: Language = Language.NL) -> str:
    return " ".join(
        f"{one.what.in_words(language)}; {one.remedy.in_words(language)}" for one in found
    )


def unsigned() -> str:
    _, claims, _ = assertion().split(".")
    return ".".join(["eyJhbGciOiJub25lIn0", claims, ""])


def with_a_secret() -> str:
    return sign_assertion(
        OctKey.import_key("a secret of some length, for tests"),
        CLIENT,
        ISSUER,
        header={"alg": "HS256", "kid": "key-1"},
    )


def expired_key() -> Context:
    return context(keys={"key-1": public_jwk({**public_half(key()), "exp": NOW - 1})})


ROWS: dict[str, tuple[Callable[[], str], Callable[[], Context]]] = {
    "twice:": (lambda: f"{request()}&scope=vo_info", context),
    "grant:": (lambda: request(grant_type=None), context),
    "type:": (
        lambda: request(client_assertion_type="urn:ietf:params:oauth:grant-type:jwt-bearer"),
        context,
    ),
    "method:secret": (lambda: request(client_secret=SECRET), context),
    "alg:none": (unsigned, context),
    "alg:mac": (with_a_secret, context),
    "alg:unfitting": (lambda: assertion(rsa(), {"alg": "RS256", "kid": "key-1"}), context),
    "kid:several": (lambda: assertion(header={"kid": None}), lambda: context(key(), key("key-2"))),
    "kid:geosecure": (lambda: on_geosecure({"kid": None}), geosecure),
    "kid:text": (
        lambda: "eyJhbGciOiJFUzI1NiIsImtpZCI6MX0." + assertion().partition(".")[2],
        context,
    ),
    "kid:unknown": (lambda: assertion(key("old")), context),
    "key:ended": (assertion, expired_key),
    "signature:wrong": (lambda: assertion(key("other"), {"kid": "key-1"}), context),
    "signature:none": (
        lambda: assertion(key("other"), {"kid": None}),
        lambda: context(key(), key("key-2")),
    ),
    "client:missing": (lambda: assertion(sub=None, iss=None), context),
    "client:api": (lambda: assertion(sub="api-of-dosis", iss="api-of-dosis"), context),
    "client:numeric": (lambda: assertion(sub="40001", iss="40001"), context),
    "client:uuid": (lambda: on_geosecure(iss=CLIENT, sub=CLIENT), geosecure),
    "client:another": (
        lambda: assertion(sub=str(uuid.UUID(int=1)), iss=str(uuid.UUID(int=1))),
        context,
    ),
    "iss:": (lambda: assertion(iss="another"), context),
    "client_id:": (lambda: request(client_id="another"), context),
    "aud:missing": (lambda: assertion(aud=None), context),
    "aud:several": (lambda: assertion(aud=[ISSUER, ENDPOINT]), context),
    "aud:endpoint": (lambda: assertion(aud=ENDPOINT), context),
    "aud:issuer": (lambda: on_geosecure(aud=ISSUER), geosecure),
    "aud:other way": (
        lambda: assertion(aud=ISSUER),
        lambda: context(assertion_audience=AssertionAudience.TOKEN_ENDPOINT),
    ),
    "aud:misspelt": (lambda: on_geosecure(aud=f"{ENDPOINT}/"), geosecure),
    "aud:another": (lambda: assertion(aud="https://authenticatie.vlaanderen.be/op"), context),
    "iat:missing": (lambda: assertion(iat=None), context),
    "iat:text": (lambda: assertion(iat=str(NOW)), context),
    "iat:milliseconds": (lambda: assertion(iat=NOW * 1000, exp=NOW * 1000 + 300), context),
    "iat:future": (lambda: assertion(iat=NOW + 90, exp=NOW + 390), context),
    "exp:missing": (lambda: assertion(exp=None), context),
    "exp:text": (lambda: assertion(exp=str(NOW)), context),
    "exp:milliseconds": (lambda: assertion(iat=NOW * 1000, exp=NOW * 1000 + 300), context),
    "exp:long": (lambda: assertion(exp=NOW + 601), context),
    "exp:before": (lambda: assertion(exp=NOW), context),
    "nbf:text": (lambda: assertion(nbf=str(NOW)), context),
    "nbf:future": (lambda: assertion(nbf=NOW + 90), context),
    "jti:missing": (lambda: assertion(jti=None), context),
    "jti:text": (lambda: assertion(jti=7), context),
    "jti:guid": (lambda: on_geosecure(jti="1"), geosecure),
    "scope:list": (lambda: request(scope="dv_dosis_schrijven,vo_info"), context),
    "scope:renamed": (
        lambda: request(on_geosecure(), scope="dv_dosis_schrijven", audience=None),
        geosecure,
    ),
    "scope:unknown": (lambda: request(scope="dv_magda"), context),
    "audience:own": (lambda: request(audience=CLIENT), context),
    "audience:another": (lambda: request(audience="api-of-notificaties"), context),
    "audience:missing": (lambda: request(audience=None), context),
}


def test_each_mistake_is_found() -> None:
    """Every row of the table, in what somebody's code makes; and its sentence has the remedy."""
    unfound = []
    for row in [mistake.id for mistake in MISTAKES]:
        made, its_context = ROWS[row]
        text = made()
        found = mistakes_in(parse_request(text), its_context())
        if row not in [finding.id for finding in found]:
            unfound.append(row)
        said = sentences(found)
        assert "{" not in said, row
        assert SECRET not in said, row
        assert not any(part in said for part in text.split(".")[-2:] if len(part) > 20), row
    assert unfound == []


@pytest.mark.parametrize(
    ("made", "context"), [(assertion, context), (request, context), (on_geosecure, geosecure)]
)
def test_what_is_right_has_none(made: Callable[[], str], context: Callable[[], Context]) -> None:
    assert mistakes_in(parse_request(made()), context()) == []


@pytest.mark.parametrize("aud", [ISSUER, ENDPOINT])
def test_a_server_without_the_habits_of_a_platform(aud: str) -> None:
    """Keycloak takes the issuer and the token endpoint, and any client-ID."""
    sent = parse_request(assertion(aud=aud, sub="40001", iss="40001"))
    assert mistakes_in(sent, context(has_platform_rules=False, client_id=None)) == []


@pytest.mark.parametrize("has_platform_rules", [True, False])
@pytest.mark.parametrize(
    ("audience", "right", "wrong"),
    [("token_endpoint", ENDPOINT, ISSUER), ("issuer", ISSUER, ENDPOINT)],
)
def test_the_audience_that_a_stack_sets(
    audience: AssertionAudience, right: str, wrong: str, has_platform_rules: bool
) -> None:
    """It goes before the habit of a platform, on both, and is wanted as it is set."""
    for made, of_platform in ((assertion, context), (on_geosecure, geosecure)):
        known = of_platform(
            has_platform_rules=has_platform_rules,
            client_id=None,
            issuer=ISSUER,
            token_endpoint=ENDPOINT,
            assertion_audience=AssertionAudience(audience),
        )
        assert mistakes_in(parse_request(made(aud=right)), known) == []
        found = [finding.id for finding in mistakes_in(parse_request(made(aud=wrong)), known)]
        assert found == ["aud:other way"]


def test_without_a_network_the_endpoint_that_a_stack_wants_is_known_by_its_spelling() -> None:
    known = context(token_endpoint=None, assertion_audience=AssertionAudience.TOKEN_ENDPOINT)
    assert mistakes_in(parse_request(assertion(aud=ENDPOINT)), known) == []


def test_without_a_network_the_token_endpoint_is_known_by_its_spelling() -> None:
    """Nothing is requested to check an assertion."""
    found = mistakes_in(parse_request(assertion(aud=ENDPOINT)), context(token_endpoint=None))
    assert [finding.id for finding in found] == ["aud:endpoint"]


def test_one_mistake_of_a_kind_is_said() -> None:
    """The first in the table: an aud with a capital is not also another one."""
    found = mistakes_in(parse_request(on_geosecure(aud=ENDPOINT.upper())), geosecure())
    assert [finding.id for finding in found] == ["aud:misspelt"]


def test_an_assertion_that_was_written_down() -> None:
    """It ended since: no mistake, but said."""
    sent = parse_request(assertion(iat=NOW - 1000, exp=NOW - 700))
    assert mistakes_in(sent, context()) == []
    assert ended_seconds_ago(sent, context()) == 700


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda part: (
        st.lists(part, max_size=2) | st.dictionaries(st.text(max_size=3), part, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ"]), JSON),
    st.dictionaries(st.sampled_from(["iss", "sub", "aud", "iat", "exp", "nbf", "jti"]), JSON),
    st.sampled_from([context, geosecure]),
)
def test_whatever_somebody_wrote(
    header: dict[str, Any], claims: dict[str, Any], context: Callable[..., Context]
) -> None:
    """No JSON makes it fall over."""
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in (header, claims)
    ]
    sent = parse_request(".".join([*parts, "x"]))
    assert sentences(mistakes_in(sent, context()))
    assert sentences(mistakes_in(sent, context(token_endpoint=None)))
    ended_seconds_ago(sent, context())


def test_a_kid_that_is_a_thumbprint_is_shown(connection: Connection) -> None:
    """Without it nobody could name the key."""
    kid = connection.key.thumbprint()
    found = mistakes_in(
        parse_request(assertion(key("old"))),
        context(keys={kid: public_jwk(public_half(connection.key))}),
    )
    assert kid in sentences(found[:1])
    (own,) = mistakes_in(
        parse_request(assertion(key("old"), {"kid": key("old").thumbprint()})), context()
    )
    assert f'kid "{key("old").thumbprint()}" is geen sleutel uit het formulier' in sentences([own])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no JWT"),
        ("a.b.c", "is no JWT"),
        ("e30.W10.x", "no objects"),
        ("e30.e30.x" * 8000, "larger than"),
        (
            f"grant_type=client_credentials&client_secret={SECRET}",
            "has a client secret and no assertion",
        ),
        ("grant_type=client_credentials", "has no client_assertion"),
        ("client_assertion=%FF.a.b", "no form-encoded body"),
        ("&".join(f"a{number}=1" for number in range(60)), "no form-encoded body"),
        ("e30." + "W1tb" * 5000 + ".x", "is no JWT"),
    ],
)
def test_what_is_no_assertion(text: str, said: str) -> None:
    """One sentence, and nothing of it."""
    with pytest.raises(Failure) as refused:
        parse_request(text)
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)


def test_the_command_checks_a_request_without_sending_it(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Its servers are those of the stack's file, and not asked: the same where nobody answers."""
    caplog.set_level(logging.INFO, "acmidm_sandbox")
    right = sign_assertion(connection.key, connection.client_id, connection.portal.issuer)
    wrong = sign_assertion(
        connection.key,
        connection.client_id,
        connection.portal.token_endpoint,
        claims={"exp": int(time.time()) + 3600},
    )
    file = Path("request.txt")
    for text, code, found in ((right, 0, []), (wrong, 1, ["aud:endpoint", "exp:long"])):
        file.write_text(f"{text}\n")
        caplog.clear()
        done = connection.probe("--assertion", str(file), key=False)
        assert (done.code, done.found) == (code, found)
        assert caplog.text == ""
        assert not any(part in done.output for part in text.split("."))
    file.write_text(f"client_assertion={wrong}&client_secret={SECRET}")
    assert SECRET not in connection.run("--assertion", str(file), key=False).output
    assert (
        json.loads(connection.probe("--assertion", str(file), key=False).output)["steps"][0]["step"]
        == "given request"
    )


def test_probe_and_authority_have_the_same_limits() -> None:
    assert (mistakes.LONGEST_LIFETIME_SECONDS, mistakes.SKEW_SECONDS) == (
        limits.LONGEST_LIFETIME_SECONDS,
        limits.CLOCK_SKEW_SECONDS,
    )


@pytest.mark.parametrize("whole", [request, lambda jwt: jwt], ids=["request", "assertion"])
def test_the_desk_checks_what_a_caller_mails(
    connection: Connection, whole: Callable[[str], str]
) -> None:
    """From standard input, folded as a mail folds it, in the language of the organisation; whose
    it is need not be given."""
    made = sign_assertion(
        connection.key,
        connection.client_id,
        connection.portal.token_endpoint,
        header={"kid": "old"},
    )
    sent = whole(made)
    mailed = "\r\n".join(sent[start : start + 72] for start in range(0, len(sent), 72))
    done = connection.run("--assertion", "-", client_id="", key=False, typed=mailed)
    assert done.code == 1
    assert 'kid "old" is geen sleutel uit het formulier' in done.output
    assert "aud is het token-endpoint, zoals GeoSecure het wil" in done.output
    right = sign_assertion(connection.key, connection.client_id, connection.portal.issuer)
    folded = f"{right[:80]}\n{right[80:]}\n"
    assert connection.run("--assertion", "-", key=False, typed=folded).code == 0
