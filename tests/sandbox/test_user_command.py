"""`acmidm portal user`: the people of the web interface, made on the machine itself."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm_sandbox.beheerportaal.users import list_users
from tests.sandbox.test_portal_command import Stack

ADD = ("add", "--stack", "tni", "--organisation", "OVO002067", "--name", "beheer")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Whose folder is the working directory; its portal never runs."""
    made = Stack(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield made
    made.reserved.close()


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["portal", "user", *words])


def test_users_come_and_go(stack: Stack) -> None:
    """Before the portal's first start too; the password alone is on standard output, once."""
    added = run(*ADD)
    assert re.fullmatch(r"[\w-]{24}\n", added.stdout), added.stderr
    assert "without the right API-beheerder" in added.stderr
    assert f"{stack.origin}/portaal" in added.stderr
    assert run("list").stdout == "beheer: OVO002067, no right\n"
    assert run("grant", "--name", "beheer").stdout == "user beheer is API-beheerder\n"
    assert run("list").stdout == "beheer: OVO002067, API-beheerder\n"
    assert run("revoke", "--name", "beheer").exit_code == 0
    assert [user.api_beheerder for user in list_users(stack.data / "portal.db")] == [False]
    assert run("remove", "--name", "beheer").stdout == "user beheer removed\n"
    assert run("list").stdout == ""
    assert run(*ADD, "--organisation", "0207.451.227", "--api-beheerder").exit_code == 0
    assert run("list").stdout == "beheer: OVO002067, 0207451227, API-beheerder\n"
    team = (
        "--stack",
        "tni",
        "--organisation",
        "OVO002949",
        "--name",
        "team",
        "--aansluitingenteam",
    )
    assert (
        "with the right Aansluitingenteam"
        in run("add", *team, "--organisation-name", "Digitaal Vlaanderen").stderr
    )
    assert run("list").stdout.endswith("team: OVO002949, Aansluitingenteam\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*ADD, "--platform", "geosecure"), "no embedded portal for platform geosecure"),
        ((*ADD, "--organisation", "Gent"), "Gent is no OVO code"),
        ((*ADD, "--organisation-name", "Stad\n"), "a name needs 1 to 100 printable characters"),
        (("grant", "--name", "nobody"), "no user nobody"),
        (("remove", "--name", "nobody"), "no user nobody"),
        (("list", "--stack", "prod"), "prod"),
    ],
)
@pytest.mark.usefixtures("stack")
def test_what_can_not_be_done_is_told(arguments: tuple[str, ...], words: str) -> None:
    """In one sentence, with the exit code of wrong use."""
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert words in refused.stderr
    assert isinstance(refused.exception, SystemExit)
