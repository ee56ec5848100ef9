"""What goes over the wire of the management API, and what of it gets into a state."""

from __future__ import annotations

from typing import Any

import pytest

from acmidm_onboarding.authorities.wire import WireConfiguration
from acmidm_onboarding.model.secrecy import NOT_SHOWN


@pytest.mark.parametrize(
    ("configuration", "kept"),
    [
        ({"d": 1, "k": "short"}, {"d": 1, "k": "short"}),
        (
            {"a": [{"kty": "EC", "x": "1", "d": "very-private"}]},
            {"a": [{"kty": "EC", "x": "1", "d": NOT_SHOWN}]},
        ),
        ({"a": "-----BEGIN PRIVATE KEY-----\nvery-private"}, {"a": NOT_SHOWN}),
    ],
)
def test_a_private_key_that_somebody_configured_gets_into_no_state(configuration: dict[str, Any], kept: dict[str, Any]) -> None:
    assert WireConfiguration(configuration=configuration).document.configuration == kept
