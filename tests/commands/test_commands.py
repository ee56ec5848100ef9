"""What all commands have in common: help that teaches, sentences that count, and how they fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

from acmidm.cli import USED_BY, App, app, command_names, load, summary
from acmidm.commands import status
from acmidm.desk.access import NamedApi
from acmidm.desk.filters import Filters
from acmidm.desk.status import WaitsFor
from acmidm.engine import pulumi as engine
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment
from tests.support.engine import ROOT


@pytest.mark.parametrize(
    ("filters", "sentence"),
    [
        (Filters(expiring=1), "no connection on tni has something that ends within 1 day"),
        (Filters("nobody"), 'no connection on tni has "nobody"'),
        (
            Filters(api=NamedApi(name="x", scopes=frozenset()), expiring=3),
            'no connection on tni has access to "x" and has something that ends within 3 days',
        ),
        (Filters(without=Environment.PROD), "no connection on tni is not in production"),
        (
            Filters("gent", waiting_for=WaitsFor.US),
            'no connection on tni has "gent" and waits for us',
        ),
        (
            Filters("\x1b[31m\n", NamedApi(name="x\n##[error]", scopes=frozenset())),
            r'no connection on tni has "\x1b[31m\n" and has access to "x\n# #[error]"',
        ),
        (
            None,
            (
                "stack tni has no connections; acmidm deploy --stack tni brings up what the forms"
                " have, and says what is held back"
            ),
        ),
    ],
)
def test_where_nothing_is_found(filters: Filters | None, sentence: str) -> None:
    """It says of what; one is not several."""
    assert (
        status._why_empty(["tni"], filters or Filters(), has_connections=filters is not None)
        == sentence
    )


@pytest.mark.parametrize(
    ("output", "begins"),
    [
        ("text", "stacks tni and prod have no connections; acmidm deploy --stack tni "),
        ("html", "<!doctype html>"),
    ],
)
def test_a_list_of_nothing(output: str, begins: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is that sentence as text; in any other form it stays a list, which may be a file that
    somebody opens."""
    monkeypatch.setattr(engine, "stack_deployment", lambda _: {})
    said = CliRunner().invoke(
        app, ["status", "nobody", "--stack", "tni", "--stack", "prod", "--output", output]
    )
    assert (said.exit_code, said.output[: len(begins)]) == (0, begins)


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("status", "--board"),
        ("status", "--api", "dosis"),
        ("history", "--since", "2026-11-17"),
    ],
)
def test_a_stack_that_is_named_twice_is_read_once(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each of its connections is shown once."""
    monkeypatch.chdir(ROOT)
    read: list[str] = []

    def deployment(stack: str) -> dict[str, Any]:
        read.append(stack)
        return {}

    monkeypatch.setattr(engine, "stack_deployment", deployment)
    words = [*command, "--output", "json", "--stack", "tni"]
    once, twice = (CliRunner().invoke(app, each) for each in (words, [*words, "--stack", "tni"]))
    assert read == ["tni", "tni"]
    reports = [json.loads(said.stdout) for said in (once, twice)]
    for report in reports:
        report.pop("checked_at", None)
    assert reports[0] == reports[1]


def test_a_stack_that_is_named_twice_is_previewed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it can be saved, as one stack."""
    previewed: list[list[str]] = []

    def read_plans(stacks: list[str], *_: object, **__: object) -> NoReturn:
        previewed.append(stacks)
        raise Failure("no engine")

    monkeypatch.setattr("acmidm.commands.review.read_plans", read_plans)
    words = ["review", "--stack", "tni", "--stack", "tni", "--save", "approved.json"]
    said = CliRunner().invoke(app, words)
    assert previewed == [["tni"]]
    assert "no engine" in said.output


@pytest.mark.parametrize("output", ["text", "json", "csv", "html"])
def test_an_api_that_does_not_exist_is_refused(
    output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the one that may be meant, whatever the output: an empty list would say that nobody has
    access."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(engine, "stack_deployment", lambda _: {})
    words = ["status", "--stack", "tni", "--output", output, "--api"]
    for name, remedy in (
        ("dozis", 'did you mean "dosis"?'),
        ("dv_dosis_schrijve", 'did you mean "dv_dosis_schrijven"?'),
        ("zzzzzz", "give a product: adressenregister, "),
    ):
        said = CliRunner().invoke(app, [*words, name])
        sentence = f"--api {name} is neither a product nor a scope of the catalogue; {remedy}"
        assert (said.exit_code, said.stdout) == (2, "")
        assert said.stderr.startswith(sentence)


def test_what_nobody_foresaw_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, which could hold a secret; an exit code that means nothing else."""
    own = App(pretty_exceptions_enable=False)

    @own.command()
    def fails() -> None:
        raise KeyError("the-client-secret")

    monkeypatch.setattr("sys.argv", ["acmidm"])
    monkeypatch.delenv("ACMIDM_DETAILS", raising=False)
    with pytest.raises(SystemExit) as ended:
        own()
    assert ended.value.code == 70
    said = capsys.readouterr().err
    assert said.startswith(
        "acmidm met something unforeseen (KeyError); run it again with ACMIDM_DETAILS=1"
    )
    assert "the-client-secret" not in said
    assert said.count("\n") == 1


def test_every_command_teaches() -> None:
    """The help of each has an example and its exit codes, as that of the whole promises; and
    nothing of it is swallowed.

    It is Markdown: what stands in angle brackets is a tag there, and not shown.
    """
    commands = [(), *(words for name in command_names() for words in _commands(load(name), name))]
    assert len([words for words in commands if len(words) == 1]) > 10
    for words in commands:
        said = CliRunner().invoke(app, [*words, "--help"]).output
        assert "Pulumi..yaml" not in said, words
        if len(words) == 1:
            assert summary(words[0]) in " ".join(load(words[0]).help.split()), words
            assert f"acmidm {words[0]}" in said.partition("Examples")[2], words
            assert "Exit codes" in said, words


def test_the_help_has_each_command_once_below_who_uses_it() -> None:
    """A file of a command is one of them."""
    files = {
        file.stem.rstrip("_")
        for folder in ("acmidm", "acmidm_sandbox")
        for file in (ROOT / folder / "commands").glob("[!_]*.py")
    }
    assert sorted(command_names()) == sorted(files)
    said = CliRunner().invoke(app, ["--help"]).output
    places = [said.index(f"─ {reader.capitalize()} ─") for reader in USED_BY]
    assert places == sorted(places)
    assert places[1] < said.index("│ review ") < places[2]


def test_a_misspelt_command_is_told_what_was_meant() -> None:
    said = CliRunner().invoke(app, ["reviw"])
    assert said.exit_code == 2
    assert "No such command 'reviw'. Did you mean 'review'?" in " ".join(said.output.split())


def test_the_version_is_told() -> None:
    """For a report of a mistake."""
    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, f"acmidm {version('acmidm-onboarding')}\n")


def _commands(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, *words, name)


@pytest.mark.parametrize("command", ["review", "drift"])
def test_changes_have_no_page(command: str) -> None:
    """What is opened of them is Markdown, in a comment or an issue."""
    refused = CliRunner().invoke(app, [command, "--output", "html"])
    assert refused.exit_code == 2
    said = " ".join(refused.stderr.replace("│", " ").split())
    assert "'html' is not one of 'text', 'markdown', 'json'" in said
