"""What ended is refused as what never was, and says what people do instead."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.ended import INSTEAD
from acmidm_onboarding.settings import declared_keys, ended, sentences_about_unknown_keys


@pytest.mark.parametrize("command", INSTEAD)
def test_a_command_that_ended_says_what_to_do_instead(command: str) -> None:
    result = CliRunner().invoke(app, [*command.split(), "--stack", "tni"])
    assert result.exit_code == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    assert f"acmidm {command} has ended; {INSTEAD[command]}" in said


@pytest.mark.parametrize("key", ended.INSTEAD)
def test_a_setting_that_ended_says_what_to_do_instead(key: str) -> None:
    former = f"acmidm:geosecure{key[0].upper()}{key[1:]}"
    assert key not in declared_keys()
    assert sentences_about_unknown_keys([former]) == [
        f"setting {former} is not known; {ended.INSTEAD[key]}; remove it with pulumi config rm"
        f" {former}"
    ]
    assert sentences_about_unknown_keys([f"acmidm:{key}"]) == [
        f"setting acmidm:{key} is not known; {ended.INSTEAD[key]};"
        f" remove it with pulumi config rm acmidm:{key}"
    ]
