"""`acmidm portal user`: the people of the web interface, made on the machine itself."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from beheerportaal.users import list_users
from tests.portal.test_portal_command import Stack

ADD = ("user", "add", "--stack", "tni", "--organisation", "OVO002067", "--name", "beheer")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path)
    yield made
    assert made.run("stop").returncode == 0


def test_users_come_and_go(stack: Stack) -> None:
    """Before the portal's first start too; the password alone is on standard output, once."""
    added = stack.run(*ADD)
    assert re.fullmatch(r"[\w-]{24}\n", added.stdout), added.stderr
    assert "without the right API-beheerder" in added.stderr
    assert f"{stack.origin}/portaal" in added.stderr
    assert stack.run("user", "list").stdout == "beheer: OVO002067, no right\n"
    assert stack.run("user", "grant", "--name", "beheer").stdout == "user beheer is API-beheerder\n"
    assert stack.run("user", "list").stdout == "beheer: OVO002067, API-beheerder\n"
    assert stack.run("user", "revoke", "--name", "beheer").returncode == 0
    assert [user.api_beheerder for user in list_users(stack.data / "portal.db")] == [False]
    assert stack.run("user", "remove", "--name", "beheer").stdout == "user beheer removed\n"
    assert stack.run("user", "list").stdout == ""
    assert stack.run(*ADD, "--organisation", "0207.451.227", "--api-beheerder").returncode == 0
    assert stack.run("user", "list").stdout == "beheer: OVO002067, 0207451227, API-beheerder\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*ADD, "--platform", "geosecure"), "no embedded portal for platform geosecure"),
        ((*ADD, "--organisation", "Gent"), "Gent is no OVO code"),
        (("user", "grant", "--name", "nobody"), "no user nobody"),
        (("user", "remove", "--name", "nobody"), "no user nobody"),
        (("user", "list", "--stack", "prod"), "prod"),
    ],
)
def test_what_can_not_be_done_is_told(stack: Stack, arguments: tuple[str, ...], words: str) -> None:
    """In one sentence, with the exit code of wrong use."""
    refused = stack.run(*arguments)
    assert refused.returncode == 2
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr
