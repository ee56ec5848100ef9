"""What a command says of a stack that no run has made: before the first one, or after its state was
thrown away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.engine import Project
from tests.support.forms import write_form

NEXT = (
    "no run has made stack tni yet; run pulumi stack select --create tni, then acmidm deploy"
    " --stack tni, or pulumi login ADDRESS where its state is elsewhere\n"
)


@pytest.fixture
def never_made(project: Project) -> CommandLine:
    """A stack with a file and forms, in a backend that is empty; and nobody answers."""
    write_form(project.forms)
    shutil.rmtree(project.folder / "state")
    (project.folder / "state").mkdir()
    nobody = "http://127.0.0.1:9"
    project.configure({"managementUrl": f"{nobody}/management/v1", "issuer": f"{nobody}/op"})
    return CommandLine(project)


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--stack", "tni"),
        ("history",),
        ("drift",),
        ("deploy",),
        ("review", "--stack", "tni"),
        ("secret", "show", "onboardings/gent/loket.yaml", "--file", "secret"),
    ],
    ids=lambda words: words[0],
)
def test_it_is_said_how_to_make_it(never_made: CommandLine, words: tuple[str, ...]) -> None:
    """Whether its authorities answer or not, as here: before make up nobody has started them."""
    said = never_made.run(*words)
    assert (said.code, said.output) == (2, NEXT)


def test_a_list_of_all_stacks_says_so_of_all(never_made: CommandLine) -> None:
    said = never_made.run("status")
    assert (said.code, said.output) == (
        2,
        "no run has made a stack of this project yet; run pulumi stack select --create STACK, then"
        " acmidm deploy --stack STACK, or pulumi login ADDRESS where their state is elsewhere\n",
    )


def test_the_board_shows_the_forms_and_says_how_to_make_the_stack(never_made: CommandLine) -> None:
    """What has no state is unknown there, and ends nothing."""
    board = never_made.run("status", "--board", "--language", "en")
    assert board.code == 0
    assert board.stderr == f"warning: the state of stack tni is not known: {NEXT}"
    assert "acmidm status --stack tni" in board.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "--board"),
        ("history",),
        ("deploy",),
        ("review",),
        ("drift",),
        ("remind",),
        ("orders", "list"),
        ("sandbox", "start"),
    ],
    ids=" ".join,
)
def test_a_stack_without_a_file_is_no_stack_to_make(
    never_made: CommandLine, words: tuple[str, ...]
) -> None:
    """It is a slip of the pen more often: what is meant, or which there are, is said."""
    slip = never_made.run(*words, "--stack", "tnj")
    assert (slip.code, slip.output) == (2, 'there is no stack "tnj" here; did you mean "tni"?\n')


def test_a_stack_with_another_name_is_none_either(never_made: CommandLine) -> None:
    other = never_made.run("status", "--stack", "nowhere")
    assert (other.code, other.output) == (2, 'there is no stack "nowhere" here; use tni\n')


def test_without_a_login_it_is_said_how_to_get_one(never_made: CommandLine, tmp_path: Path) -> None:
    """The engine's own words name a token of its maker's service, which nobody needs here."""
    never_made.project.environment |= {"PULUMI_BACKEND_URL": "", "PULUMI_HOME": str(tmp_path)}
    said = never_made.run("status", "--stack", "tni")
    assert said.code == 3
    assert said.output.startswith("pulumi has no login here; run pulumi login ADDRESS ")


def test_outside_a_project_that_is_said(never_made: CommandLine) -> None:
    (never_made.project.folder / "Pulumi.yaml").unlink()
    (never_made.project.folder / "Pulumi.tni.yaml").unlink()
    said = never_made.run("status")
    assert said.code == 2
    assert said.output.startswith("there is no project here or above (Pulumi.yaml); ")
