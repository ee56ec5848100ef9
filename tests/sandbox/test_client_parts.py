"""The scopes and the keys of a client."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from tests.support.portal import new_key, public_jwk, put_current, register_client
from tests.support.rsa_keys import rsa_key

KEY = public_jwk(new_key())


def path_of(operator: httpx.Client, part: str, **client: Any) -> str:
    return f"/management/v1/clients/{register_client(operator, **client)['client_id']}/{part}"


def test_the_set_of_scopes_is_replaced_whole(operator: httpx.Client) -> None:
    """What is not in the PUT is withdrawn; order and repetition mean nothing."""
    path = path_of(operator, "scopes", scopes=["dv_magda"])
    replaced = put_current(
        operator,
        path,
        {"scopes": ["dv_notificaties_import", "dv_dosis_schrijven", "dv_dosis_schrijven"]},
    )
    assert replaced.json() == {
        "scopes": ["dv_dosis_schrijven", "dv_notificaties_import", "vo_info"],
        "default": [],
    }
    assert operator.get(path).json() == replaced.json()


def test_scopes_of_the_provider_are_there_from_the_start_and_stay(operator: httpx.Client) -> None:
    """What the API's provider assigns by itself comes with the client, and no PUT withdraws it."""
    path = path_of(operator, "scopes")
    assert operator.get(path).json() == {"scopes": ["vo_info"], "default": []}
    unchanged = put_current(operator, path, {"scopes": []})
    assert unchanged.json() == {"scopes": ["vo_info"], "default": []}
    assert unchanged.headers["ETag"] == '"1"'


def test_default_scopes_are_some_of_the_scopes(operator: httpx.Client) -> None:
    """Replaced with them, whole; of one that the provider assigns it stays as it is, where a PUT
    does not name it."""
    path = path_of(operator, "scopes")
    both = put_current(
        operator,
        path,
        {"scopes": ["dv_magda", "vo_info"], "default": ["vo_info", "dv_magda", "vo_info"]},
    )
    assert both.json() == {"scopes": ["dv_magda", "vo_info"], "default": ["dv_magda", "vo_info"]}
    assert put_current(operator, path, {"scopes": ["dv_magda"]}).json() == {
        "scopes": ["dv_magda", "vo_info"],
        "default": ["vo_info"],
    }
    assert put_current(operator, path, {"scopes": ["vo_info"]}).json() == {
        "scopes": ["vo_info"],
        "default": [],
    }
    refused = put_current(
        operator, path, {"scopes": ["dv_magda"], "default": ["dv_magda", "vo_info"]}
    )
    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (
        422,
        ["/default/1"],
    )


def test_every_unknown_scope_is_named_and_nothing_changes(operator: httpx.Client) -> None:
    """Unknown scopes are never skipped in silence: that would be drift for ever."""
    path = path_of(operator, "scopes", scopes=["dv_magda"])
    refused = put_current(
        operator, path, {"scopes": ["dv_dosis", "dv_dosis_schrijven", "dv_magdaa"]}
    )
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/scopes/0", "/scopes/2"]
    assert "dv_dosis " in refused.json()["detail"]
    assert "dv_magdaa" in refused.json()["detail"]
    assert operator.get(path).json() == {"scopes": ["dv_magda", "vo_info"], "default": []}


def test_the_key_set_is_replaced_whole_and_comes_back_as_it_was_given(
    operator: httpx.Client,
) -> None:
    """Keys keep their registered members; they come back in the order of their kid."""
    keys = [
        {**KEY, "kid": "b", "exp": 4102444800},
        {**public_jwk(rsa_key("of a client")), "kid": "a"},
        {**public_jwk(OKPKey.generate_key("Ed25519")), "kid": "c", "alg": "EdDSA"},
        {**public_jwk(ECKey.generate_key("P-384")), "kid": "d", "key_ops": ["verify"]},
    ]
    path = path_of(operator, "jwks", keys=[new_key("old")])
    replaced = put_current(operator, path, {"keys": keys})
    assert replaced.status_code == 200, replaced.text
    assert replaced.json()["keys"] == sorted(keys, key=lambda key: str(key["kid"]))
    assert operator.get(path).json() == replaced.json()


BAD_KEYS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "private EC": (lambda: {**new_key().as_dict(private=True), "kid": "k"}, "/keys/0/d"),
    "private RSA": (
        lambda: rsa_key("of a client", kid="k").as_dict(private=True),
        "/keys/0/d",
    ),
    "symmetric": (
        lambda: {**OctKey.generate_key(256).as_dict(private=True), "kid": "k"},
        "/keys/0/kty",
    ),
    "small RSA": (lambda: {**public_jwk(RSAKey.generate_key(1024)), "kid": "k"}, "/keys/0/n"),
    "curve secp256k1": (
        lambda: {**public_jwk(ECKey.generate_key("secp256k1")), "kid": "k"},
        "/keys/0/crv",
    ),
    "agreement only": (
        lambda: {**public_jwk(OKPKey.generate_key("X25519")), "kid": "k"},
        "/keys/0/crv",
    ),
    "for encryption": (lambda: {**KEY, "use": "enc"}, "/keys/0/use"),
    "for deriving": (lambda: {**KEY, "key_ops": ["deriveKey"]}, "/keys/0/key_ops"),
    "symmetric algorithm": (lambda: {**KEY, "alg": "HS256"}, "/keys/0/alg"),
    "another curve's algorithm": (lambda: {**KEY, "alg": "ES384"}, "/keys/0/alg"),
    "no kid": (
        lambda: {name: value for name, value in KEY.items() if name != "kid"},
        "/keys/0/kid",
    ),
    "empty kid": (lambda: {**KEY, "kid": ""}, "/keys/0/kid"),
    "kid a number": (lambda: {**KEY, "kid": 7}, "/keys/0/kid"),
    "a long kid": (lambda: {**KEY, "kid": "\u00e9" * 128}, "/keys/0/kid"),
    "a kid that turns the text": (lambda: {**KEY, "kid": "a\u202eb"}, "/keys/0/kid"),
    "a time after all times": (lambda: {**KEY, "exp": 2**52}, "/keys/0/exp"),
    "revoked": (lambda: {**KEY, "revoked": {"revoked_at": 1}}, "/keys/0/revoked"),
    "a private key inside": (
        lambda: {**KEY, "backup": {"jwk": new_key().as_dict(private=True)}},
        "/keys/0/backup/jwk/d",
    ),
    "a private key under a name with a slash": (
        lambda: {**KEY, "of a/b~c": new_key().as_dict(private=True)},
        "/keys/0/of a~1b~0c/d",
    ),
    "e in another spelling": (
        lambda: {**public_jwk(rsa_key("of a client")), "kid": "k", "e": "AAEAAQ"},
        "/keys/0",
    ),
    "x in another spelling": (lambda: {**KEY, "x": f"{KEY['x']}="}, "/keys/0"),
    "x with more zeros than there are numbers": (
        lambda: {**KEY, "x": "A" * 500_000 + KEY["x"]},
        "/keys/0",
    ),
    "an exponent that makes each signature costly": (
        lambda: {"kty": "RSA", "kid": "k", "n": "_" * 341 + "w", "e": "AQAAAAAAAAAB"},
        "/keys/0/e",
    ),
    "an even modulus": (
        lambda: {"kty": "RSA", "kid": "k", "n": "_" * 341 + "A", "e": "AQAB"},
        "/keys/0",
    ),
    "not on the curve": (lambda: {**KEY, "x": KEY["y"]}, "/keys/0"),
    "no coordinates": (lambda: {"kty": "EC", "crv": "P-256", "kid": "k"}, "/keys/0"),
    "nonsense in n": (lambda: {"kty": "RSA", "n": "€", "e": "AQAB", "kid": "k"}, "/keys/0"),
    "unknown kind": (lambda: {"kty": "LMS", "kid": "k"}, "/keys/0/kty"),
    "kind is no string": (lambda: {"kty": {}, "kid": "k"}, "/keys/0/kty"),
}


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_a_key_that_can_not_be_used_is_refused_and_the_old_ones_stay(
    operator: httpx.Client,
) -> None:
    """Each rule for keys names the member; a refused set leaves the registered keys as they
    were."""
    path = path_of(operator, "jwks", keys=[new_key("old")])
    before = operator.get(path)
    found = {}
    for name, (make, _) in BAD_KEYS.items():
        refused = put_current(operator, path, {"keys": [make()]})
        pointer = refused.json()["errors"][0]["pointer"] if refused.is_error else ""
        found[name] = refused.status_code, pointer
    assert found == {name: (422, pointer) for name, (_, pointer) in BAD_KEYS.items()}
    after = operator.get(path)
    assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])


def test_a_private_members_value_is_never_repeated(operator: httpx.Client) -> None:
    """All private members are named, none is shown: the answer ends up in logs and tickets."""
    private = rsa_key("of a client", kid="k").as_dict(private=True)
    refused = put_current(operator, path_of(operator, "jwks"), {"keys": [private]})
    named = {error["pointer"] for error in refused.json()["errors"]}
    assert named == {f"/keys/0/{member}" for member in ("d", "p", "q", "dp", "dq", "qi")}
    assert not any(
        json.dumps(private[pointer.rpartition("/")[2]]) in refused.text for pointer in named
    )


def test_the_same_kid_twice_is_refused(operator: httpx.Client) -> None:
    """The kid chooses the key at the token endpoint, so it must choose one."""
    refused = put_current(
        operator, path_of(operator, "jwks"), {"keys": [KEY, public_jwk(new_key(KEY["kid"]))]}
    )
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/keys/1/kid"]
