"""The operator's access tokens: requested once, renewed in time, never shown."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey
from pydantic import SecretStr

from acmidm_onboarding.authorities.errors import (
    AuthorityError,
    NotAllowed,
    Rejected,
    Unintelligible,
)
from acmidm_onboarding.authorities.http import tokens
from acmidm_onboarding.authorities.http.tokens import Credentials, OperatorTokens
from acmidm_onboarding.values.terms import Platform
from tests.support.answers import replies
from tests.support.fake_server import FakeServer, Reply, Request, api_at, serving
from tests.support.rsa_keys import rsa_key

KEY = ECKey.generate_key("P-256", {"kid": "operator", "use": "sig"})


class Issuer:
    """Discovery and a token endpoint that numbers its tokens; ``changes`` are members of the first,
    ``{}`` in them is the origin."""

    def __init__(self, expires_in: float | None = 3600, **changes: str) -> None:
        self.expires_in = expires_in
        self.changes = changes
        self.issued: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        if request.path.endswith("/.well-known/openid-configuration"):
            origin = f"http://{request.headers['host']}"
            document = {"issuer": "{}/op", "token_endpoint": "{}/op/token", **self.changes}
            return Reply(
                200, {name: value.replace("{}", origin) for name, value in document.items()}
            )
        self.issued.append(request)
        lifetime = {} if self.expires_in is None else {"expires_in": self.expires_in}
        return Reply(
            200, {"access_token": f"token-{len(self.issued)}", "token_type": "Bearer", **lifetime}
        )


def operator(server: FakeServer, **credentials: Any) -> OperatorTokens:
    if not credentials:
        credentials = {"private_key": SecretStr(json.dumps(KEY.as_dict(private=True)))}
    return OperatorTokens(
        f"{server.url}/op",
        Credentials(client_id="operator:1", **credentials),
        api_at(f"{server.url}/op"),
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of the tokens, to be set."""
    now = [1000.0]

    class Clock:
        monotonic = staticmethod(lambda: now[0])
        time = staticmethod(time.time)

    monkeypatch.setattr(tokens, "time", Clock)
    return now


def test_many_threads_ask_for_one_token() -> None:
    """Eight at once at the start, eight at once with the same refused token: one request each
    time."""
    issuer = Issuer()
    with serving(issuer) as server, ThreadPoolExecutor(8) as pool:
        own, start = operator(server), threading.Barrier(8)

        def first(_: int) -> str:
            start.wait()
            return own.current()

        def again(_: int) -> str:
            start.wait()
            return own.renewed("token-1")

        assert set(pool.map(first, range(8))) == {"token-1"}
        assert set(pool.map(again, range(8))) == {"token-2"}
        assert len(issuer.issued) == 2
        assert sum("well-known" in request.path for request in server.requests) == 1


@pytest.mark.parametrize(
    ("expires_in", "good_until"), [(3600, 3540), (100, 50), (None, 240), (0, 0)]
)
def test_renewed_before_it_ends(
    clock: list[float], expires_in: float | None, good_until: float
) -> None:
    """A minute early; one that lives shorter than that at half its life."""
    issuer = Issuer(expires_in)
    with serving(issuer) as server:
        own = operator(server)
        own.current()
        if good_until:
            clock[0] += good_until - 1
            assert own.current() == "token-1"
            clock[0] += 2
        assert own.current() == "token-2"


@pytest.mark.parametrize(
    ("audience", "expected"), [(None, "/op"), ("issuer", "/op"), ("token_endpoint", "/op/token")]
)
def test_the_audience_of_an_assertion(audience: str | None, expected: str) -> None:
    """RFC 7523 §3 lets it be the issuer or the token endpoint, as the issuer writes it: what a
    server wants is a setting."""
    issuer = Issuer()
    with serving(issuer) as server:
        key = SecretStr(json.dumps(KEY.as_dict(private=True)))
        operator(server, private_key=key, audience=audience).current()
        assertion = parse_qs(issuer.issued[0].body.decode())["client_assertion"][0]
        claims = jwt.decode(assertion, KEY, algorithms=["ES256"]).claims
        assert claims["aud"] == f"{server.url}{expected}"


@pytest.mark.parametrize(
    ("make", "algorithm"),
    [
        (partial(ECKey.generate_key, "P-256"), "ES256"),
        (partial(ECKey.generate_key, "P-384"), "ES384"),
        (partial(ECKey.generate_key, "P-521"), "ES512"),
        (partial(rsa_key, "of tokens"), "RS256"),
        (partial(rsa_key, "of tokens", alg="PS256"), "PS256"),
        (partial(OKPKey.generate_key, "Ed25519"), "EdDSA"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_assertion_is_what_rfc_7523_asks(
    tmp_path: Path, make: Callable[[], Key], algorithm: str
) -> None:
    """Signed with the operator's key, for the issuer, five minutes, its own ``jti`` each time; from
    a file too."""
    file, key = tmp_path / "key.json", make()
    file.write_text(json.dumps(key.as_dict(private=True)))
    issuer = Issuer(0)
    with serving(issuer) as server:
        own = operator(server, private_key_file=file)
        own.current()
        own.current()
        forms = [parse_qs(request.body.decode()) for request in issuer.issued]
    decoded = [
        jwt.decode(form["client_assertion"][0], key, algorithms=[algorithm]) for form in forms
    ]
    for form, assertion in zip(forms, decoded, strict=True):
        assert form["grant_type"] == ["client_credentials"]
        assert form["client_assertion_type"] == [
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ]
        claims = assertion.claims
        assert claims["iss"] == claims["sub"] == "operator:1"
        assert claims["aud"] == f"{server.url}/op"
        assert claims["exp"] - claims["iat"] == 300
        assert assertion.header["kid"]
    assert len({assertion.claims["jti"] for assertion in decoded}) == 2


@pytest.mark.parametrize(
    "issuer", ["{}/elsewhere", "https://issuer.example/op", "{}", "{}/op?a=b", "https://[::1", ""]
)
def test_issuer_of_another_name_gets_nothing(issuer: str) -> None:
    """It would make itself the audience of an assertion, and use that at the real one (OpenID
    Connect Discovery §4.3)."""
    script = Issuer(issuer=issuer)
    with serving(script) as server, pytest.raises(AuthorityError) as caught:
        operator(server).current()
    assert script.issued == []
    assert "so that no credentials are sent; set acmidm:issuer to" in str(
        caught.value
    ) or isinstance(caught.value, Unintelligible)


@pytest.mark.parametrize(
    "change", [("/op", "/op/"), ("http://", "HTTP://")], ids=["slash", "capitals"]
)
def test_issuer_may_spell_its_name_otherwise(change: tuple[str, str]) -> None:
    """A slash or capitals are no other name; the audience is as the issuer has it."""
    script = Issuer()
    with serving(script) as server:
        name = f"{server.url}/op".replace(*change)
        script.changes["issuer"] = name
        operator(server).current()
    (assertion,) = parse_qs(script.issued[0].body.decode())["client_assertion"]
    assert jwt.decode(assertion, KEY, algorithms=["ES256"]).claims["aud"] == name


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://issuer.example/token",
        "http://127.0.0.1:9/token",
        "https://127.0.0.1/token",
        "http://127.0.0.1.example/token",
        "http://localhost/token",
        "http://[::1",
        "token",
        "ftp://127.0.0.1/",
    ],
)
def test_token_endpoint_elsewhere_gets_nothing(endpoint: str) -> None:
    """Scheme, host and port are those of the issuer, whose host is trusted: an assertion or a
    secret goes nowhere else."""
    script = Issuer(token_endpoint=endpoint)
    with serving(script) as server, pytest.raises((Rejected, Unintelligible)) as caught:
        operator(server, client_secret=SecretStr("secret")).current()
    assert script.issued == []
    assert "is not where the issuer is, so that no credentials are sent" in str(
        caught.value
    ) or "(at token_endpoint)" in str(caught.value)


def test_a_redirect_takes_no_credentials_along() -> None:
    """The token request is not sent again to where the server points; nor is one with a token, as
    test_http.py shows."""
    elsewhere = Issuer()
    with serving(elsewhere) as other:

        def redirecting(request: Request) -> Reply:
            if request.path.endswith("/.well-known/openid-configuration"):
                return Issuer()(request)
            return Reply(307, headers={"location": f"{other.url}/op/token"})

        with (
            serving(redirecting) as server,
            pytest.raises(Rejected, match="the server redirects, which is never followed"),
        ):
            operator(server, client_secret=SecretStr("secret")).current()
        assert other.requests == []


@pytest.mark.parametrize(
    "members",
    [
        *({"access_token": token} for token in ("é", "", "a b", "a\n")),
        *({"expires_in": seconds} for seconds in (float("nan"), float("inf"))),
    ],
    ids=str,
)
def test_token_that_no_header_can_hold_or_that_never_ends(members: dict[str, Any]) -> None:
    """One that lives NaN seconds would never be renewed."""

    class Strange(Issuer):
        def __call__(self, request: Request) -> Reply:
            reply = super().__call__(request)
            return reply if "issuer" in reply.body else Reply(200, {**reply.body, **members})

    with serving(Strange()) as server, pytest.raises(Unintelligible, match=next(iter(members))):
        operator(server).current()


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_only_our_own_errors_come_out(data: st.DataObject) -> None:
    """Whatever discovery and token endpoint answer, here both the same; what is accepted as a token
    fits into a header."""
    with serving(lambda _: reply) as server:
        right = {
            "issuer": f"{server.url}/op",
            "token_endpoint": f"{server.url}/op/token",
            "access_token": "token",
            "expires_in": 60,
        }
        reply = data.draw(replies(right))
        try:
            said = operator(server, client_secret=SecretStr("secret")).current()
        except AuthorityError as error:
            said = str(error)
            assert len(said.splitlines()) == 1
            assert said.isprintable()
        else:
            assert httpx.Headers({"authorization": f"Bearer {said}"}).raw


def test_secret_goes_as_basic_authentication() -> None:
    """RFC 6749 §2.3.1: both halves are form-encoded first, so that a colon in the client-ID does no
    harm."""
    issuer = Issuer()
    with serving(issuer) as server:
        operator(server, client_secret=SecretStr("pass: word")).current()
    scheme, _, encoded = issuer.issued[0].headers["authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded) == b"operator%3A1:pass%3A%20word"
    assert b"pass" not in issuer.issued[0].body


@pytest.mark.parametrize(
    ("platform", "named"),
    [
        (Platform.ACMIDM, "acmidm:operatorPrivateKeyFile, or ACMIDM_OPERATOR_CLIENT_SECRET"),
        (
            Platform.GEOSECURE,
            "geosecure:operatorPrivateKeyFile, or GEOSECURE_OPERATOR_CLIENT_SECRET",
        ),
    ],
)
def test_no_credentials_at_all(platform: Platform, named: str) -> None:
    """The settings of the platform that lacks them, by their names."""
    with (
        serving(Issuer()) as server,
        pytest.raises(
            NotAllowed, match=f"neither a private key nor a secret; set {named} in the env"
        ),
    ):
        operator(server, client_secret=None, platform=platform).current()


PUBLIC = json.dumps(KEY.as_dict(private=False))


@pytest.mark.parametrize(
    "text",
    [
        PUBLIC,
        "{",
        "[]",
        '"x"',
        '{"kty": "oct", "k": "very-private"}',
        '{"kty": "EC", "d": "very-private"}',
    ],
)
def test_key_that_is_none(text: str) -> None:
    """A sentence that says which setting, and nothing of what stands there."""
    with serving(Issuer()) as server, pytest.raises(AuthorityError) as caught:
        operator(server, private_key=SecretStr(text)).current()
    assert "acmidm:operatorPrivateKey is no private JSON Web Key" in str(caught.value)
    assert "very-private" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        partial(ECKey.generate_key, "secp256k1"),
        partial(OKPKey.generate_key, "Ed448"),
        partial(OKPKey.generate_key, "X25519"),
        partial(rsa_key, "of tokens", alg="RSA-OAEP-256"),
        partial(rsa_key, "of tokens", alg="HS256"),
        partial(rsa_key, "of tokens", use="enc"),
        partial(ECKey.generate_key, "P-256", {"alg": "RS256"}),
        partial(ECKey.generate_key, "P-256", {"key_ops": ["deriveKey"]}),
    ],
    ids=[
        "secp256k1",
        "Ed448",
        "X25519",
        "alg of encryption",
        "alg of secrets",
        "use of encryption",
        "alg of another type",
        "key_ops",
    ],
)
def test_key_that_signs_nothing(make: Callable[[], Key]) -> None:
    """A sentence in place of what the library says, before anything is sent."""
    script = Issuer()
    with (
        serving(script) as server,
        pytest.raises(
            AuthorityError, match="acmidm:operatorPrivateKey signs no assertion; give a key of"
        ),
    ):
        operator(server, private_key=SecretStr(json.dumps(make().as_dict(private=True)))).current()
    assert script.issued == []


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    said = (
        r"absent\.json cannot be read: No such file or directory; check"
        r" ACMIDM_OPERATOR_PRIVATE_KEY_FILE in the environment, or else"
        r" acmidm:operatorPrivateKeyFile$"
    )
    with serving(Issuer()) as server, pytest.raises(AuthorityError, match=said):
        operator(server, private_key_file=tmp_path / "absent.json").current()


def test_nothing_private_is_in_a_representation() -> None:
    credentials = Credentials(
        client_id="x",
        private_key=SecretStr("very-private"),
        client_secret=SecretStr("very-private"),
    )
    assert "very-private" not in repr(credentials)
