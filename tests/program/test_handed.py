"""What a command hands the program that the engine runs."""

from __future__ import annotations

from pathlib import Path

from acmidm_onboarding.command_inputs import handing, read_handed
from acmidm_onboarding.values.terms import Environment
from tests.support.recorded_resources import resource

STATE = {"deployment": {"resources": [resource("OAuthClient", "OVO002067/loket", {}, id="id-1")]}}


def test_the_state_is_handed_and_read_once() -> None:
    """A program that is written in Python asks once for each of its connections, and the state has
    all of them."""
    with handing("tni", {}, state=STATE) as (_, file):
        written = Path(file).with_name("handed.json")
        handed = read_handed(written, Environment.TNI)
        assert handed.state == STATE
        assert read_handed(written, Environment.TNI) is handed
