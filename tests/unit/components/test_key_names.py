"""No key of a set hides another."""

from __future__ import annotations

import pytest

from components.authorities.key_names import by_name


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
    keys = [(kid, {"kid": kid, "x": str(number)}) for number, kid in enumerate(kids)]
    assert list(by_name(keys).items()) == list(zip(names, (key for _, key in keys), strict=True))
