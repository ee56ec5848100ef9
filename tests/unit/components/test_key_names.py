"""No key of a set hides another."""

from __future__ import annotations

import pytest

from acmidm_onboarding.authorities.key_names import by_name


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
    assert list(by_name(keys).items()) == list(zip(names, keys, strict=True))


def test_a_key_without_a_name_hides_nothing() -> None:
    """Nor does what is no key at all; and whatever is private in one goes no further."""
    keys: list[object] = [{"kid": "a"}, {"x": "1"}, {"kid": 7}, {"kid": ""}, 3, {"kid": "b", "d": "very-private", "k": "very-private"}]
    found = by_name(keys)
    assert list(found) == ["a", "without kid 2", "without kid 3", "without kid 4", "unreadable 5", "b"]
    assert found["without kid 2"] == {"x": "1"}
    assert "very-private" not in str(found)
