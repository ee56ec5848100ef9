"""``people.yaml``: who logs on at the portals of this machine, from the next start on."""

from __future__ import annotations

import json
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.sandbox.portals import read_people
from acmidm_sandbox import file
from story.person import PortalVisitor
from tests.support.people import list_users
from tests.support.sandbox_stack import Stack

NEW = re.compile(r"  (\S+) of (\S+) \((.*)\) logs on at (\S+) with the password ([\w-]{24})")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """One in whose folder the test is."""
    made = Stack(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield made
    made.reserved.close()


@pytest.fixture
def stopped(stack: Stack) -> Iterator[None]:
    """The end of a portal that the test starts."""
    yield
    assert stack.run("stop").returncode == 0


def changes(stack: Stack, people: str | None) -> list[str]:
    if people is None:
        Path("people.yaml").unlink()
    else:
        Path("people.yaml").write_text(people)
    started = stack.run("start")
    assert started.returncode == 0, started.stderr
    return started.stdout.splitlines()[1:]


@pytest.mark.tool
@pytest.mark.usefixtures("stopped")
def test_people_come_and_go_with_the_file(stack: Stack) -> None:
    """A password is shown once, and works; another right keeps it; who is in the file no more logs
    on no more."""
    (line,) = changes(stack, "people: [{name: other, ovo: OVO002067, rights: [api-beheerder]}]")
    found = NEW.fullmatch(line)
    assert found is not None, line
    *facts, password = found.groups()
    assert facts == ["other", "OVO002067", "API-beheerder", f"{stack.origin}/portaal"]
    with httpx.Client(base_url=stack.origin, headers={"Origin": stack.origin}) as http:
        somebody = PortalVisitor(http, "other", password)
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
    "people: [{name: 'x\u3164y', ovo: OVO002067}]": "a name needs 1 to 100 printable characters",
    "people: [{name: x, kbo: 0207.451.228}]": "check digits",
    "people: [{name: x, ovo: OVO002067, rights: [boss]}]": "api-beheerder",
    "people: [{name: x, ovo: OVO002067}, {name: x, ovo: OVO002067}]": "two people with the name x",
    "persons: []": "people.yaml:1:1: ",
}


@pytest.fixture
def read_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Any]:
    """Read a file as ``python -m acmidm_sandbox.file`` does, in the test's own process."""

    def read(text: str) -> Any:
        Path("people.yaml").write_text(text)
        runpy.run_path(str(Path(file.__file__)), run_name="__main__")
        return json.loads(capsys.readouterr().out)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["file", "people.yaml"])
    return read


@pytest.mark.parametrize(("text", "words"), MISTAKES.items(), ids=MISTAKES)
def test_what_is_wrong_with_the_file_is_told(
    read_file: Callable[[str], Any], text: str, words: str
) -> None:
    """In a sentence with its place."""
    with pytest.raises(SystemExit) as refused:
        read_file(text)
    assert words in str(refused.value)
    assert str(refused.value).startswith("people.yaml:")


@pytest.mark.parametrize("kbo", ["0207451227", "1000000021", '"0207.451.227"', "0207.451.227"])
def test_a_kbo_number_needs_no_quotes(read_file: Callable[[str], Any], kbo: str) -> None:
    """Also where YAML reads a number, or one of octal digits."""
    found = read_file(f"people: [{{name: x, kbo: {kbo}}}]")
    assert found == [{"name": "x", "kbo": re.sub(r"\D", "", kbo)}]


@pytest.mark.tool
def test_the_command_reads_the_file_and_starts_nothing_where_it_is_wrong(stack: Stack) -> None:
    """It has the file read by the sandbox, and its sentence with the exit code of wrong use."""
    Path("people.yaml").write_text("people: [{name: x, kbo: 0207.451.227}]")
    assert read_people() == [{"name": "x", "kbo": "0207451227"}]
    text, words = next(iter(MISTAKES.items()))
    Path("people.yaml").write_text(text)
    refused = CliRunner().invoke(app, ["sandbox", "start"])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith(words)
    assert not stack.data.joinpath("portal.pid").exists()
