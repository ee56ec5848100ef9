"""What may be registered as a public key, and that nothing of a private one is ever repeated."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from acmidm_onboarding.values.jwk import InvalidJwk, parse_jwk, public_jwk, thumbprint_of
from acmidm_onboarding.values.secrecy import PRIVATE_MEMBERS
from acmidm_sandbox.beheerportaal import jwk as authority
from tests.support.workspace import FORM, WITHOUT_KEYS, Workspace, private_key, public_key

FILE = "onboardings/gent/tni.jwk.json"
SENTINEL = "c2VudGluZWwtdGhhdC1tdXN0LW5ldmVyLXNob3c"
P256: dict[str, Any] = {"kty": "EC", "crv": "P-256"}


def ec(**changes: object) -> dict[str, Any]:
    return {**public_key("ec", **P256), **changes}


def rsa(**changes: object) -> dict[str, Any]:
    return {**public_key("tni"), **changes}


def off_curve() -> dict[str, Any]:
    """A point whose x is right and whose y is not."""
    key = public_key("ec", **P256)
    return {**key, "y": key["x"]}


def integer(value: int, before: bytes = b"") -> str:
    return (
        base64.urlsafe_b64encode(before + value.to_bytes(max(1, (value.bit_length() + 7) // 8)))
        .rstrip(b"=")
        .decode()
    )


SHARED = "make a new pair, as this one has been shared, and give its public half alone"
D = f"contains the private member d; {SHARED}"
NO_KID = (
    "has a kid that is not a text of 1 to 255 bytes, all of visible characters; name it, such as"
    " mijn-app-2026"
)
NO_EXP = "has an exp that is no moment in seconds since 1970; correct or remove it"
NO_MATERIAL = "has key material that is no valid public key; export it again"
AGAIN = "export the public key again"
NO_KEY = f"this JSON is no key; {AGAIN} as a JSON Web Key"
NO_JSON = f"this is not JSON; {AGAIN} as a JSON Web Key"

REFUSED: dict[str, tuple[Any, str, str]] = {
    "RSA of 1024 bits": (
        public_key("small", size=1024),
        "n",
        "is an RSA key of 1024 bits; make one of at least 2048",
    ),
    "RSA larger than anyone checks": (
        rsa(n=integer(2**20_000 + 1)),
        "n",
        "is an RSA key of 20001 bits; make one of at most 16384",
    ),
    "curve secp256k1": (
        public_key("koblitz", kty="EC", crv="secp256k1"),
        "crv",
        'has the curve "secp256k1"; use P-256 or P-384 or P-521',
    ),
    "curve X25519, for agreement": (
        public_key("x", kty="OKP", crv="X25519"),
        "crv",
        'has the curve "X25519"; use Ed25519',
    ),
    "curve no text": (
        ec(crv=7),
        "kty",
        f"lacks the member crv that a key of type EC needs; {AGAIN}",
    ),
    "symmetric": (
        {"kty": "oct", "k": SENTINEL, "kid": "s"},
        "kty",
        "is a symmetric key (kty oct); make a key pair and give its public half",
    ),
    "private RSA": (
        private_key("tni", kty="RSA", size=2048),
        "d",
        f"contains the private members d, dp, dq, p, q, qi; {SHARED}",
    ),
    "private EC": (private_key("ec", **P256), "d", D),
    "private, in a JWK Set": ({"keys": [rsa(), private_key("ec", **P256)]}, "d", D),
    "private, a member twice": (
        f'{{\n  "kty": "EC",\n  "d": "{SENTINEL}",\n  "d": "{SENTINEL}"\n}}',
        "d",
        D,
    ),
    "private, as PEM": (
        f"-----BEGIN RSA PRIVATE KEY-----\n{SENTINEL}\n",
        "",
        f"is a private key (PEM); {SHARED}",
    ),
    "unknown kty": (rsa(kty="rsa"), "kty", 'has kty "rsa"; use RSA, EC or OKP'),
    "no kty": ({"kid": "x"}, "", "has kty missing; use RSA, EC or OKP"),
    "kty no text": (rsa(kty=["RSA"]), "kty", "has kty that is no text; use RSA, EC or OKP"),
    "no modulus": (
        {"kty": "RSA", "e": "AQAB"},
        "kty",
        f"lacks the member n that a key of type RSA needs; {AGAIN}",
    ),
    "modulus no base64url": (
        rsa(n="*" * 400),
        "n",
        f"has a member n that is not base64url; {AGAIN}",
    ),
    "exponent no base64url": (rsa(e="A B"), "e", f"has a member e that is not base64url; {AGAIN}"),
    "modulus even": (
        rsa(n=integer(2**2047 + 2)),
        "n",
        f"has an even n, which is the modulus of no RSA key; {AGAIN}",
    ),
    "modulus with a zero byte before it": (
        rsa(n=integer(2**2047 + 1, before=b"\0")),
        "n",
        f"has a member n that starts with a zero byte; {AGAIN}",
    ),
    "exponent 1": (rsa(e="AQ"), "kty", NO_MATERIAL),
    "point not on the curve": (off_curve(), "kty", NO_MATERIAL),
    "use enc": (
        rsa(use="enc"),
        "use",
        'has use "enc"; a key that authenticates a client has use sig',
    ),
    "use a list": (
        rsa(use=["sig"]),
        "use",
        "has use that is no text; a key that authenticates a client has use sig",
    ),
    "key_ops": (
        rsa(key_ops=["encrypt"]),
        "key_ops",
        'has key_ops other than ["verify"]; correct or remove it',
    ),
    "alg of another type": (
        rsa(alg="ES256"),
        "alg",
        'has alg "ES256"; this key signs with PS256, PS384, PS512, RS256, RS384, RS512',
    ),
    "alg of another curve": (ec(alg="ES384"), "alg", 'has alg "ES384"; this key signs with ES256'),
    "alg none": (ec(alg="none"), "alg", 'has alg "none"; this key signs with ES256'),
    "kid a number": (rsa(kid=7), "kid", NO_KID),
    "kid empty": (rsa(kid=""), "kid", NO_KID),
    "kid invisible": (rsa(kid="a\u200bb"), "kid", NO_KID),
    "exp a text": (rsa(exp="2027"), "exp", NO_EXP),
    "exp true": (rsa(exp=True), "exp", NO_EXP),
    "a JWK Set": (
        {"keys": [rsa()]},
        "keys",
        "is a JWK Set; put each key of it in a file of its own",
    ),
    "a list": ("[]", "", "is not a JSON object; a JSON Web Key is one object with the member kty"),
    "a member twice": (
        '{\n  "kty": "RSA",\n  "kty": "EC"\n}',
        "kty",
        "has the member kty twice; keep one",
    ),
    "PEM": ("-----BEGIN PUBLIC KEY-----\nMIIB\n", "", NO_JSON),
    "empty": ("", "", NO_JSON),
    "too deep": ("[" * 60_000, "", NO_KEY),
    "a number too long": ('{"kty": ' + "9" * 5000 + "}", "", NO_KEY),
}


def test_a_wrong_key_is_refused_at_the_member_that_is_wrong(workspace: Workspace) -> None:
    expected, refused = {}, {}
    for kind, (key, member, sentence) in REFUSED.items():
        text = workspace.write_key(key).read_text()
        offset = max(text.find(f'"{member}"'), 0)
        line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
        subject = "" if sentence.startswith("this ") else "the key "
        expected[kind] = [f"{FILE}:{line}:{column}: {subject}{sentence}"]
        refused[kind] = workspace.sentences()
    assert refused == expected


def test_all_that_is_wrong_with_a_key_is_reported_at_once(workspace: Workspace) -> None:
    workspace.write_key({**public_key("small", size=1024), "use": "enc", "alg": "HS256", "kid": 1})
    assert [problem.what for problem in workspace.problems()] == [
        "the key is an RSA key of 1024 bits",
        "the key has a kid that is not a text of 1 to 255 bytes, all of visible characters",
        'the key has use "enc"',
        'the key has alg "HS256"',
    ]


@pytest.mark.parametrize("kty", ["RSA", "EC", "OKP", "oct", "other"])
def test_the_value_of_a_private_member_is_never_repeated(
    kty: str,
    workspace: Workspace,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for member in PRIVATE_MEMBERS:
        workspace.write_key({**rsa(kty=kty), member: SENTINEL})
        problems = workspace.problems()
        assert problems, member
        assert SENTINEL not in f"{problems}{[*map(str, problems)]}", member
    assert SENTINEL not in "".join([*capsys.readouterr(), caplog.text])


@pytest.mark.parametrize(
    "value",
    [
        {"kty": "EC", "d": "c2hvcnQ"},
        {"keys": [{"kty": "oct", "k": "c2hvcnQ"}]},
        {"a": [{"b": {"kty": "RSA", "oth": [{"r": "c2hvcnQ"}]}}]},
        {"public": {"kty": "EC"}, "private": {"d": SENTINEL}},
        json.dumps({"kty": "EC", "d": "c2hvcnQ"}),
    ],
)
def test_a_private_key_in_a_product_that_takes_anything_is_refused(
    workspace: Workspace, value: object
) -> None:
    """However deep: else it would be in every preview, and at the authority. A field of such a name
    alone is no key."""
    proof = "      dv_proef: {}\n    products:\n      proef: "
    form = WITHOUT_KEYS.replace("    products:\n", f"{proof}{{d: kort, settings: VALUE}}\n", 1)
    workspace.write_form(form.replace("VALUE", "{k: 1}"))
    assert workspace.problems() == ()
    workspace.write_form(form.replace("VALUE", json.dumps(value)))
    sentences = workspace.sentences()
    assert any("this is a private key" in sentence for sentence in sentences)
    assert not any("c2hvcnQ" in sentence or SENTINEL in sentence for sentence in sentences)


@pytest.mark.parametrize("kty", ["RSA", "EC"])
def test_a_private_key_that_is_refused_by_the_library_alone_is_not_repeated_either(
    kty: str,
) -> None:
    with pytest.raises(InvalidJwk) as refused:
        parse_jwk(
            json.dumps(
                {
                    "kty": kty,
                    "crv": "P-256",
                    "n": SENTINEL,
                    "e": SENTINEL,
                    "x": SENTINEL,
                    "y": SENTINEL,
                }
            )
        )
    assert SENTINEL not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (public_key("tni"), ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]),
        (public_key("ec", **P256), ["ES256"]),
        (public_key("p384", kty="EC", crv="P-384"), ["ES384"]),
        (public_key("p521", kty="EC", crv="P-521"), ["ES512"]),
        (public_key("ed", kty="OKP", crv="Ed25519"), ["EdDSA", "Ed25519"]),
    ],
)
def test_keys_that_are_accepted(key: dict[str, Any], algorithms: list[str]) -> None:
    """Those that a form accepts, the embedded authority accepts too: what validates does not fail
    in the middle of an ``up``."""
    for algorithm in algorithms:
        accepted = public_jwk({**key, "alg": algorithm, "use": "sig"}).members
        assert accepted["alg"] == algorithm
        assert authority.mistakes_in_keys([accepted]) == []
    assert authority.mistakes_in_keys([key]) == []
    assert authority.thumbprint(key) == public_jwk(key).thumbprint == thumbprint_of(key)
    assert sorted(authority.algorithms_of(key)) == sorted(algorithms)


def test_a_key_without_kid_is_named_by_its_thumbprint() -> None:
    """RFC 7638 §3.1: the example of the RFC itself."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn6"
        "4tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91"
        "CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = public_jwk({"kty": "RSA", "n": n, "e": "AQAB"})
    assert key.kid == key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_only_registered_members_are_kept() -> None:
    """What is not looked at goes no further: a certificate adds nothing to the key, and anything
    may be in its place."""
    others = {"comment": "ours", "nbf": 1, "x5c": [{"e": 1}], "x5t#S256": {"f": 1}}
    key = public_jwk({**rsa(), "exp": 1_800_000_000, **others})
    assert set(key.members) == {"kty", "n", "e", "kid", "exp"}
    assert key.expires == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert public_jwk(rsa()).expires is None


@pytest.mark.parametrize(
    "value", [{"d": SENTINEL}, [{"deep": [{"k": SENTINEL}]}], {"keys": [{"oth": SENTINEL}]}]
)
def test_a_private_member_anywhere_in_a_key_is_refused(value: object) -> None:
    """Also where it would be dropped: it has been shared."""
    for place in ("x5c", "key_ops", "comment", "alg", "use"):
        with pytest.raises(InvalidJwk, match="contains the private member") as refused:
            public_jwk({**rsa(), place: value})
        assert SENTINEL not in str(refused.value), place


ONE_KID = "is also that of key 1 here; give each key a kid of its own"
ONE_KEY = "this is the same key as key 1 here; keep one of the two"


@pytest.mark.parametrize(
    ("other", "kid", "sentence"),
    [
        ("other", "tni", f'kid "tni" {ONE_KID}'),
        ("other", "thumbprint", f'kid "THUMBPRINT" {ONE_KID}'),
        ("tni", "tni", ONE_KEY),
        ("tni", "other", ONE_KEY),
    ],
    ids=["one kid", "a thumbprint", "one key", "one key, two kids"],
)
def test_each_key_is_there_once_and_has_a_kid_of_its_own(
    other: str, kid: str, sentence: str, workspace: Workspace
) -> None:
    thumbprint = public_jwk(rsa()).thumbprint
    own = thumbprint if kid == "thumbprint" else kid
    workspace.write_key(rsa(kid="tni" if other == "tni" else own))
    workspace.write_key({**public_key(other), "kid": own}, "gent/other")
    workspace.write_form(FORM.replace("[tni.jwk.json]", "[tni.jwk.json, other.jwk.json]"))
    assert workspace.sentences() == [
        f"onboardings/gent/mijn-gent.yaml:7:26: {sentence.replace('THUMBPRINT', thumbprint)}"
    ]


def test_a_key_that_may_not_be_registered_has_a_thumbprint_too() -> None:
    assert thumbprint_of(public_key("small", size=1024)) == thumbprint_of(
        {**public_key("small", size=1024), "kid": "another"}
    )
    assert (
        thumbprint_of({"kty": "RSA"})
        is thumbprint_of({"x5c": [""]})
        is thumbprint_of({"kty": "RSA", "n": 7, "e": "AQAB"})
        is None
    )


def test_a_wrong_key_of_two_forms_is_reported_once(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("mijn-gent\n", "ander\n", 1), "gent/ander")
    workspace.write_key(rsa(use="enc"))
    assert len(workspace.problems()) == 1


_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.mark.parametrize(
    ("parameters", "member"),
    [
        ({"kty": "RSA"}, "n"),
        (P256, "x"),
        (P256, "y"),
        ({"kty": "EC", "crv": "P-521"}, "x"),
        ({"kty": "OKP", "crv": "Ed25519"}, "x"),
    ],
)
@pytest.mark.parametrize("spelling", ["another last digit", "a zero byte before it"])
def test_a_key_has_one_spelling(
    parameters: dict[str, str], member: str, spelling: str, workspace: Workspace
) -> None:
    """Another one would be another thumbprint of the same key, so that two organisations could have
    it."""
    key = public_key("spelt", **parameters)
    value = key[member]
    if spelling == "another last digit":
        value = value[:-1] + _DIGITS[_DIGITS.index(value[-1]) ^ 1]
    else:
        value = (
            base64.urlsafe_b64encode(b"\0" + base64.urlsafe_b64decode(value + "=="))
            .decode()
            .rstrip("=")
        )
    workspace.write_key({**key, member: value})
    [problem] = workspace.problems()
    assert problem.remedy == "export the public key again" or "export it again" in problem.remedy
