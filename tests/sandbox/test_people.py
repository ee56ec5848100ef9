"""``people.yaml``: who logs on at the portals of this machine, from the next start on."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from acmidm_sandbox.beheerportaal.users import list_users
from story.person import Person
from tests.support.sandbox_stack import Stack

NEW = re.compile(r"  (\S+) of (\S+) \((.*)\) logs on at (\S+) with the password ([\w-]{24})")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One whose portal all tests share."""
    made = Stack(tmp_path_factory.mktemp("people"))
    yield made
    assert made.run("stop").returncode == 0
    made.reserved.close()


@pytest.fixture(autouse=True)
def _folder(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stack.folder)


def start(stack: Stack, people: str | None) -> subprocess.CompletedProcess[str]:
    if people is None:
        Path("people.yaml").unlink(missing_ok=True)
    else:
        Path("people.yaml").write_text(people)
    return stack.run("start")


def changes(stack: Stack, people: str | None) -> list[str]:
    started = start(stack, people)
    assert started.returncode == 0, started.stderr
    return started.stdout.splitlines()[1:]


def test_people_come_and_go_with_the_file(stack: Stack) -> None:
    """A password is shown once, and works; another right keeps it; who is in the file no more logs
    on no more."""
    (line,) = changes(stack, "people: [{name: other, ovo: OVO002067, rights: [api-beheerder]}]")
    found = NEW.fullmatch(line)
    assert found is not None, line
    *facts, password = found.groups()
    assert facts == ["other", "OVO002067", "API-beheerder", f"{stack.origin}/portaal"]
    with httpx.Client(base_url=stack.origin, headers={"Origin": stack.origin}) as http:
        somebody = Person(http, "other", password)
        assert somebody.log_on().status_code == 303
        both = '{name: other, ovo: OVO002067, kbo: "0207.451.227", organisation: Stad Gent}'
        assert changes(stack, f"people: [{both}]") == ["  other of OVO002067 is changed (no right)"]
        assert somebody.log_on().status_code == 303, "the password is what it was"
        team = "{name: team, ovo: OVO002949, rights: [aansluitingenteam]}"
        assert "  other logs on no more" in changes(stack, f"people: [{team}]")
        assert somebody.log_on().status_code != 303
    (user,) = list_users(stack.data / "portal.db")
    assert (user.name, user.aansluitingenteam, user.api_beheerder) == ("team", True, False)
    assert changes(stack, f"people: [{team}]") == []
    assert changes(stack, None) == ["  team logs on no more"]
    database = [file.read_bytes() for file in stack.data.glob("portal.*")]
    assert not any(password.encode() in content for content in database)


MISTAKES = {
    "people: [{name: x, ovo: Gent}]": "people.yaml:1:",
    "people: [{name: x}]": "a user needs an organisation; give its OVO code or KBO number",
    "people: [{name: 'x ', ovo: OVO002067}]": "a name needs 1 to 100 printable characters",
    "people: [{name: x, ovo: OVO002067, rights: [boss]}]": "api-beheerder",
    "people: [{name: x, ovo: OVO002067}, {name: x, ovo: OVO002067}]": "two people with the name x",
    "persons: []": "people.yaml:1:1: ",
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.items(), ids=MISTAKES)
def test_what_is_wrong_with_the_file_is_told_and_nothing_starts(
    stack: Stack, text: str, words: str
) -> None:
    """In a sentence with its place, with the exit code of wrong use."""
    stack.run("stop")
    refused = start(stack, text)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert words in refused.stderr
    assert refused.stderr.startswith("people.yaml:")
    assert stack.run("status").returncode == 1
