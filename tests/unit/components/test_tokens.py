"""The operator's access tokens: asked once, renewed in time, never shown."""

from __future__ import annotations

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from pydantic import SecretStr

from components.authorities import tokens
from components.authorities.errors import AuthorityError, NotAllowed
from components.authorities.http import Api
from components.authorities.retry import Retrying
from components.authorities.tokens import Credentials, OperatorTokens
from tests.unit.components.fake_server import FakeServer, Reply, Request, serving

KEY = ECKey.generate_key("P-256", {"kid": "operator", "use": "sig"})


class Issuer:
    """Discovery and a token endpoint that numbers its tokens."""

    def __init__(self, expires_in: float | None = 3600) -> None:
        self.expires_in = expires_in
        self.issued: list[Request] = []

    def __call__(self, request: Request) -> Reply:
        if request.path.endswith("/.well-known/openid-configuration"):
            origin = f"http://{request.headers['host']}"
            return Reply(200, {"issuer": f"{origin}/op", "token_endpoint": f"{origin}/op/token"})
        self.issued.append(request)
        lifetime = {} if self.expires_in is None else {"expires_in": self.expires_in}
        return Reply(200, {"access_token": f"token-{len(self.issued)}", "token_type": "Bearer", **lifetime})


def operator(server: FakeServer, **credentials: Any) -> OperatorTokens:
    if not credentials:
        credentials = {"private_key": SecretStr(json.dumps(KEY.as_dict(private=True)))}
    api = Api(f"{server.url}/op", None, timeout_seconds=5, retrying=Retrying(0))
    return OperatorTokens(f"{server.url}/op", Credentials(client_id="operator:1", **credentials), api)


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
    """Eight at once at the start, eight at once with the same refused token: one request each time."""
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


@pytest.mark.parametrize(("expires_in", "good_until"), [(3600, 3540), (100, 50), (None, 240), (0, 0)])
def test_renewed_before_it_ends(clock: list[float], expires_in: float | None, good_until: float) -> None:
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
    ("key", "algorithm"),
    [
        (ECKey.generate_key("P-256"), "ES256"),
        (ECKey.generate_key("P-384"), "ES384"),
        (ECKey.generate_key("P-521"), "ES512"),
        (RSAKey.generate_key(2048), "RS256"),
        (RSAKey.generate_key(2048, {"alg": "PS256"}), "PS256"),
        (OKPKey.generate_key("Ed25519"), "EdDSA"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_assertion_is_what_rfc_7523_asks(tmp_path: Path, key: Key, algorithm: str) -> None:
    """Signed with the operator's key, for the issuer, five minutes, its own ``jti`` each time; from a file too."""
    file = tmp_path / "key.json"
    file.write_text(json.dumps(key.as_dict(private=True)))
    issuer = Issuer(0)
    with serving(issuer) as server:
        own = operator(server, private_key_file=file)
        own.current()
        own.current()
        forms = [parse_qs(request.body.decode()) for request in issuer.issued]
    decoded = [jwt.decode(form["client_assertion"][0], key, algorithms=[algorithm]) for form in forms]
    for form, assertion in zip(forms, decoded, strict=True):
        assert form["grant_type"] == ["client_credentials"]
        assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
        claims = assertion.claims
        assert claims["iss"] == claims["sub"] == "operator:1"
        assert claims["aud"] == f"{server.url}/op"
        assert claims["exp"] - claims["iat"] == 300
        assert assertion.header["kid"]
    assert len({assertion.claims["jti"] for assertion in decoded}) == 2


def test_secret_goes_as_basic_authentication() -> None:
    """RFC 6749 §2.3.1: both halves are form-encoded first, so that a colon in the client-ID does no harm."""
    issuer = Issuer()
    with serving(issuer) as server:
        operator(server, client_secret=SecretStr("pass: word")).current()
    scheme, _, encoded = issuer.issued[0].headers["authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded) == b"operator%3A1:pass%3A%20word"
    assert b"pass" not in issuer.issued[0].body


def test_no_credentials_at_all() -> None:
    with serving(Issuer()) as server, pytest.raises(NotAllowed, match="neither a private key nor a secret; set acmidm:operatorPriv"):
        operator(server, client_secret=None).current()


PUBLIC = json.dumps(KEY.as_dict(private=False))


@pytest.mark.parametrize("text", [PUBLIC, "{", "[]", '"x"', '{"kty": "oct", "k": "very-private"}', '{"kty": "EC", "d": "very-private"}'])
def test_key_that_is_none(text: str) -> None:
    """A sentence that says which setting, and nothing of what stands there."""
    with serving(Issuer()) as server, pytest.raises(AuthorityError) as caught:
        operator(server, private_key=SecretStr(text)).current()
    assert "acmidm:operatorPrivateKey is no private JSON Web Key" in str(caught.value)
    assert "very-private" not in str(caught.value)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with serving(Issuer()) as server, pytest.raises(AuthorityError, match=r"absent\.json cannot be read: No such file"):
        operator(server, private_key_file=tmp_path / "absent.json").current()


def test_nothing_private_is_in_a_representation() -> None:
    credentials = Credentials(client_id="x", private_key=SecretStr("very-private"), client_secret=SecretStr("very-private"))
    assert "very-private" not in repr(credentials)
