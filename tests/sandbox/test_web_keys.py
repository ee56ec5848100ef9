"""Uploading and removing keys without a browser's help: what the server itself refuses, keeps and
tells."""

import json
import logging
import uuid
from functools import cache
from typing import Any

import httpx
import pytest
from joserfc.jwk import OctKey
from jwcrypto.jwk import JWK

from story.person import PortalVisitor, client_path
from tests.sandbox.web import person
from tests.support.portal import (
    RunningPortal,
    new_key,
    public_jwk,
    put_current,
    register_client,
)
from tests.support.rsa_keys import rsa_key

PEM = "-----BEGIN PRIVATE KEY-----\nbm90LWEta2V5LWJ1dC1hLXNlY3JldA==\n-----END PRIVATE KEY-----"


@pytest.fixture(scope="module")
def somebody(portal: RunningPortal) -> PortalVisitor:
    return person(portal, f"beheer-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def client_id(operator: httpx.Client) -> str:
    return str(register_client(operator)["client_id"])


def keys_of(operator: httpx.Client, client_id: str) -> list[dict[str, object]]:
    keys: list[dict[str, object]] = operator.get(f"/management/v1/clients/{client_id}/jwks").json()[
        "keys"
    ]
    return keys


def trail_of(operator: httpx.Client, client_id: str) -> list[dict[str, object]]:
    items: list[dict[str, object]] = operator.get(
        "/management/v1/audit", params={"client_id": client_id}
    ).json()["items"]
    return items


@pytest.mark.parametrize("times", [{"exp": 1_600_000_000}, {"nbf": 4_000_000_000}])
def test_a_key_that_does_not_count_now_is_refused(
    operator: httpx.Client, somebody: PortalVisitor, client_id: str, times: dict[str, int]
) -> None:
    """It was said that the application can sign with it at once, and no token came."""
    answer = somebody.upload(client_id, json.dumps({**public_jwk(new_key("key-0")), **times}))
    assert answer.status_code == 422
    assert "Deze sleutel telt nu niet" in answer.text
    assert keys_of(operator, client_id) == []


def test_an_uploaded_key_gives_a_token_and_is_in_the_trail(
    portal: RunningPortal, operator: httpx.Client, somebody: PortalVisitor, client_id: str
) -> None:
    """As text or as a file, one or a set; the trail names who did it."""
    first, second, third = (new_key(f"key-{number}") for number in range(3))
    assert (
        somebody.upload(client_id, json.dumps(public_jwk(first)))
        .headers["location"]
        .endswith("?gedaan=key_added")
    )
    path = client_path(client_id)
    file = {
        "file": (
            "keys.jwk.json",
            b"\xef\xbb\xbf"
            + json.dumps({"keys": [public_jwk(second), public_jwk(third)]}).encode(),
        )
    }
    assert (
        somebody.http.post(f"{path}/sleutels", data=somebody.fields(path), files=file).status_code
        == 303
    )
    assert keys_of(operator, client_id) == [public_jwk(key) for key in (first, second, third)]
    assert "<time" not in somebody.http.get(path).text
    for key in (first, second):
        assert portal.client_token(key, client_id)
    assert somebody.http.get(path).text.count("<time") == 2
    assert portal.client_token(third, client_id)
    trail = trail_of(operator, client_id)
    assert [entry["actor"] for entry in trail[:2]] == [f"user:{somebody.name}"] * 2
    assert first.thumbprint() in somebody.http.get(path).text


@pytest.mark.parametrize(
    ("language", "sentence"), [("nl", "noemt de sleutels zelf"), ("en", "names the keys itself")]
)
def test_keys_that_a_form_names_are_changed_there(
    operator: httpx.Client, somebody: PortalVisitor, language: str, sentence: str
) -> None:
    """The page says so and offers no upload, and one that is sent all the same is refused; the keys
    can be seen, and removed."""
    client_id = str(register_client(operator, keys_declared=True)["client_id"])
    put_current(
        operator,
        f"/management/v1/clients/{client_id}/jwks",
        {"keys": [public_jwk(new_key("of-form"))]},
    ).raise_for_status()
    page = somebody.http.get(client_path(client_id, language)).text
    assert sentence in page
    assert "of-form" in page
    assert "<textarea" not in page
    refused = somebody.http.post(
        f"{client_path(client_id, language)}/sleutels",
        data={"jwk": json.dumps(public_jwk(new_key("beside")))},
    )
    assert refused.status_code == 422
    assert sentence in refused.text.partition("<h1>")[0]
    assert [key["kid"] for key in keys_of(operator, client_id)] == ["of-form"]
    removal = f"{client_path(client_id)}/sleutels/verwijderen"
    sent = {"kid": "of-form", "laatste": "ja"}
    assert somebody.http.post(removal, data=sent).status_code == 303
    assert keys_of(operator, client_id) == []


@pytest.mark.parametrize(
    "kind",
    [{"kty": "RSA", "size": 2048}, {"kty": "EC", "crv": "P-256"}, {"kty": "OKP", "crv": "Ed25519"}],
    ids=str,
)
def test_a_public_key_in_pem_is_taken(
    operator: httpx.Client, somebody: PortalVisitor, client_id: str, kind: dict[str, Any]
) -> None:
    """As openssl writes it; its kid is its thumbprint. With anything behind it, it is refused
    whole."""
    key = JWK.generate(**kind)
    pem = key.export_to_pem().decode()
    other = JWK.generate(kty="EC", crv="P-256").export_to_pem().decode()
    assert "BEGIN PUBLIC KEY" in somebody.upload(client_id, pem + other).text
    assert keys_of(operator, client_id) == []
    assert somebody.upload(client_id, pem).status_code == 303
    assert keys_of(operator, client_id) == [
        {**key.export_public(as_dict=True), "kid": key.thumbprint()}
    ]
    assert "Deze kid is al" in somebody.upload(client_id, pem).text


@cache
def private_keys() -> dict[str, tuple[str, str]]:
    """Texts that hold a secret, and the secret."""
    key = new_key()
    members = key.as_dict(private=True)
    secret = str(members["d"])
    rsa = rsa_key("of somebody", kid="rsa").as_dict(private=True)
    oct_key = OctKey.generate_key(256).as_dict(private=True)
    twice = json.dumps(public_jwk(key))[:-1] + f', "d": "{secret}", "d": null}}'
    return {
        "elliptic": (json.dumps(members), secret),
        "rsa": (json.dumps(rsa), str(rsa["d"])),
        "symmetric": (json.dumps(oct_key), str(oct_key["k"])),
        "in a set": (json.dumps({"keys": [public_jwk(new_key("other")), members]}), secret),
        "deep inside": (json.dumps({**public_jwk(key), "backup": {"jwk": members}}), secret),
        "a member twice": (twice, secret),
        "broken": (json.dumps(members)[:-1], secret),
        "pem": (PEM, "bm90LWEta2V5LWJ1dC1hLXNlY3JldA=="),
        "keys named twice": (
            (
                f'{{"keys": [{json.dumps(members)}], "keys":'
                f" [{json.dumps({**public_jwk(key), 'kid': ''})}]}}"
            ),
            secret,
        ),
        "as a string": (json.dumps(json.dumps(members)), secret),
        "in a member of another name": (
            json.dumps({**public_jwk(key), "kid": "", "D": secret}),
            secret,
        ),
        "behind a public key": (
            JWK.generate(kty="EC", crv="secp256k1").export_to_pem().decode() + secret,
            secret,
        ),
    }


@pytest.mark.parametrize("kind", list(private_keys()))
def test_a_private_key_is_refused_and_never_repeated(
    portal: RunningPortal,
    operator: httpx.Client,
    somebody: PortalVisitor,
    client_id: str,
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither in the answer nor in the log, the trail or the database: as text and as a file."""
    caplog.set_level(logging.INFO)
    text, secret = private_keys()[kind]
    path = client_path(client_id)
    for data, files in (({"jwk": text}, None), ({}, {"file": ("key.json", text.encode())})):
        answer = somebody.http.post(
            f"{path}/sleutels", data={**somebody.fields(path), **data}, files=files
        )
        assert answer.status_code == 422
        assert 'href="#jwk"' in answer.text
        assert secret not in answer.text
    assert keys_of(operator, client_id) == []
    assert len(trail_of(operator, client_id)) == 1
    assert f"{path}/sleutels 422" in caplog.text
    assert secret not in caplog.text
    assert not any(
        secret.encode() in file.read_bytes()
        for file in portal.settings.database.parent.glob("portal.db*")
    )


@pytest.mark.parametrize(
    ("change", "nl", "en"),
    [
        ({"kid": None}, "kid ontbreekt", "kid is missing"),
        ({"kid": "present"}, "Deze kid is al", "has this kid already"),
        ({"alg": "RS256"}, "alg past niet", "alg does not fit"),
        ({"crv": "secp256k1"}, "kromme", "curve"),
        ({"x": "AA"}, "vormen geen geldige", "do not make a valid"),
    ],
)
def test_mistakes_are_told_in_both_languages(
    operator: httpx.Client,
    somebody: PortalVisitor,
    client_id: str,
    change: dict[str, object],
    nl: str,
    en: str,
) -> None:
    """Each in a sentence of its own."""
    put_current(
        operator,
        f"/management/v1/clients/{client_id}/jwks",
        {"keys": [public_jwk(new_key("present"))]},
    ).raise_for_status()
    jwk = {
        name: value
        for name, value in {**public_jwk(new_key("new")), **change}.items()
        if value is not None
    }
    for language, words in (("nl", nl), ("en", en)):
        path = client_path(client_id, language)
        answer = somebody.http.post(
            f"{path}/sleutels", data={**somebody.fields(path), "jwk": json.dumps(jwk)}
        )
        assert answer.status_code == 422
        assert words in answer.text
    assert len(keys_of(operator, client_id)) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "geen sleutel gegeven"),
        ("nonsense", "geen JSON Web Key en geen"),
        ("[]", "geen JSON Web Key"),
        ('{"keys": []}', "geen JSON Web Key"),
        (" " * 10 + '"' + "x" * 40_000 + '"', "langer dan 32 kB"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA", "PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA", "PEM"),
        (JWK.generate(kty="EC", crv="secp256k1").export_to_pem().decode(), "kromme"),
        (JWK.generate(kty="EC", crv="BP-256").export_to_pem().decode(), "PEM"),
        (
            json.dumps({"keys": [public_jwk(new_key(f"k{number}")) for number in range(6)]}),
            "hoogstens 5",
        ),
        (str(JWK.generate(kty="RSA", size=1024, kid="small").export_public()), "1024 bits"),
    ],
)
def test_what_is_no_key_is_refused(
    operator: httpx.Client, somebody: PortalVisitor, client_id: str, text: str, words: str
) -> None:
    """In a sentence, whatever it is."""
    answer = somebody.upload(client_id, text)
    assert answer.status_code == 422
    assert words in answer.text
    assert keys_of(operator, client_id) == []


def test_the_same_key_twice_is_refused(
    operator: httpx.Client, somebody: PortalVisitor, client_id: str
) -> None:
    """Under another kid it is still the same key."""
    key = public_jwk(new_key("one"))
    somebody.upload(client_id, json.dumps(key))
    assert "is er al" in somebody.upload(client_id, json.dumps({**key, "kid": "two"})).text
    assert keys_of(operator, client_id) == [key]


def test_two_people_do_not_overwrite_each_other(
    portal: RunningPortal, operator: httpx.Client, somebody: PortalVisitor, client_id: str
) -> None:
    """A key that another one added while the page was open stays."""
    other = person(portal, f"{somebody.name}-2")
    other.fields(client_path(client_id))
    for who, kid in ((somebody, "first"), (other, "second")):
        assert who.upload(client_id, json.dumps(public_jwk(new_key(kid)))).status_code == 303
    assert [key["kid"] for key in keys_of(operator, client_id)] == ["first", "second"]


def test_the_last_key_goes_only_when_it_is_confirmed(
    operator: httpx.Client, somebody: PortalVisitor, client_id: str
) -> None:
    """Any other key goes at once; both are in the trail."""
    for kid in ("a/b?c=d&e", "last"):
        somebody.upload(client_id, json.dumps(public_jwk(new_key(kid))))
    place = f"{client_path(client_id)}/sleutels/verwijderen"
    assert somebody.http.post(place, data={"kid": "a/b?c=d&e"}).status_code == 303
    assert [key["kid"] for key in keys_of(operator, client_id)] == ["last"]
    refused = somebody.http.post(place, data={"kid": "last"})
    assert refused.status_code == 422
    assert 'href="#laatste"' in refused.text
    assert len(keys_of(operator, client_id)) == 1
    assert somebody.http.post(place, data={"kid": "last", "laatste": "ja"}).status_code == 303
    assert keys_of(operator, client_id) == []
    assert [entry["actor"] for entry in trail_of(operator, client_id)[:4]] == [
        f"user:{somebody.name}"
    ] * 4
