"""No key of a set hides another."""

from __future__ import annotations

import pytest

from acmidm_onboarding.authorities.key_names import keys_by_name
from acmidm_onboarding.values.secrecy import NOT_SHOWN


@pytest.mark.parametrize(
    ("kids", "names"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a"], ["a", "a (2)"]),
        (["a", "a", "a"], ["a", "a (2)", "a (3)"]),
        (["a", "a (2)", "a"], ["a", "a (2)", "a (3)"]),
    ],
)
def test_each_key_has_a_name_of_its_own(kids: list[str], names: list[str]) -> None:
    """Also where a key is named as another would be."""
    keys = [{"kid": kid, "x": str(number)} for number, kid in enumerate(kids)]
    assert list(keys_by_name(keys).items()) == list(zip(names, keys, strict=True))


def test_a_key_without_a_name_hides_nothing() -> None:
    """Nor does what is no key at all; and whatever is private in one goes no further."""
    keys: list[object] = [
        {"kid": "a"},
        {"x": "1"},
        {"kid": 7},
        {"kid": ""},
        3,
        {"kid": "b", "d": "very-private", "k": "very-private"},
    ]
    found = keys_by_name(keys)
    assert list(found) == [
        "a",
        "without kid 2",
        "without kid 3",
        "without kid 4",
        "unreadable 5",
        "b",
    ]
    assert found["without kid 2"] == {"x": "1"}
    assert "very-private" not in str(found)


@pytest.mark.parametrize(
    ("members", "kept"),
    [
        (
            {
                "kty": "EC",
                "crv": "P-256",
                "x": "a",
                "y": "b",
                "use": "sig",
                "alg": "ES256",
                "exp": 7,
            },
            None,
        ),
        (
            {
                "n": "a",
                "e": "b",
                "key_ops": ["verify"],
                "x5t": "c",
                "x5t#S256": "d",
                "x5c": ["e"],
                "x5u": "f",
            },
            None,
        ),
        ({"comment": "ours", "4dabf18193072939515e22adb298388d": "x", "__provider": "x"}, {}),
        (
            {"comment": {"deep": [{"d": "very-private"}]}},
            {"private": "this key has private members, which are not shown"},
        ),
        (
            {"kty": {"d": "very-private"}},
            {"kty": "unreadable", "private": "this key has private members, which are not shown"},
        ),
        (
            {"key_ops": [["verify"]], "exp": "soon", "x5c": 7},
            dict.fromkeys(("key_ops", "exp", "x5c"), "unreadable"),
        ),
        ({"exp": 253_402_300_799, "nbf": 0, "iat": 1.5}, None),
        (
            {"exp": 1_790_000_000_000, "nbf": -1, "iat": True},
            dict.fromkeys(("exp", "nbf", "iat"), "unreadable"),
        ),
        ({"n": "A" * 1_000_000}, {"n": "unreadable"}),
        ({"x5c": ["A"] * 1_000}, {"x5c": "unreadable"}),
    ],
)
def test_the_registered_members_alone_are_kept(
    members: dict[str, object], kept: dict[str, object] | None
) -> None:
    """RFC 7517 §4, RFC 7518 §6 and RFC 8037, each of the kind and the size that it may have: the
    rest gets into no state."""
    found = keys_by_name([{"kid": "a", **members}])
    assert found == {"a": {"kid": "a", **(members if kept is None else kept)}}
    assert "very-private" not in str(found)


def test_nothing_of_a_key_is_a_secret_or_a_line_of_its_own() -> None:
    """Whatever an authority has in its texts; base64 is kept, though it begins as a token does."""
    pem, forged = "-----BEGIN PRIVATE KEY-----very-private", "a\r\n::error::forged \x1b[31m\u202e"
    thumbprint = "eyJhbGciOiJSUzI1NiJ9-eyJhbGciOiJSUzI1NiJ9"
    found = keys_by_name(
        [
            {"kid": pem, "x": pem, "x5c": [forged]},
            {"kid": forged, "alg": forged},
            {"kid": thumbprint, "n": thumbprint},
        ]
    )
    assert "very-private" not in str(found)
    spelled = r"a\r\n::error::forged \x1b[31m\u202e"
    assert list(found) == [NOT_SHOWN, spelled, thumbprint]
    assert (found[NOT_SHOWN]["x"], found[NOT_SHOWN]["x5c"], found[spelled]["alg"]) == (
        NOT_SHOWN,
        [spelled],
        spelled,
    )
    assert found[thumbprint] == {"kid": thumbprint, "n": thumbprint}


def test_a_set_that_never_ends_is_cut_off() -> None:
    """A name is no longer than an authority's may be, and a thousand keys of one name cost no more
    than a hundred."""
    found = keys_by_name([{"kid": "k" * 5_000}] * 1_000)
    assert len(found) == 101
    assert max(map(len, found)) < 300
    assert found["and 900 more"] == {"unreadable": "this set has more keys than are looked at"}
