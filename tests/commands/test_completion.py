"""What a shell completes: the names of stacks, forms and clients of the project in which somebody
is. A real shell calls the installed command; the table of lines calls what that calls, in this
process."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from acmidm.cli import app, command_names, load
from tests.support.workspace import FORM, Workspace

ACMIDM = Path(sys.executable).with_name("acmidm")
FORMS = ["onboardings/gent/balie.yaml", "onboardings/gent/mijn-gent.yaml"]
KEYS = ["OVO002067/balie", "OVO002067/mijn-gent"]
BASH = shutil.which("bash")


def completed(typed: str) -> list[str]:
    """What is offered for the last word of a line, of which nothing may be said beside it."""
    words = typed.split(" ")
    asked = {
        "_ACMIDM_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = CliRunner().invoke(app, [], prog_name="acmidm", env=asked)
    assert (done.exit_code, done.stderr) == (0, ""), done
    return done.stdout.split()


@pytest.fixture
def project(workspace: Workspace) -> Workspace:
    """Two stacks and two forms, the second one on both platforms; what stands beside them is no
    form."""
    workspace.write("Pulumi.yaml", "name: acmidm\nruntime: python\n")
    workspace.write("Pulumi.tni.yaml", "config: {}\n")
    workspace.write("Pulumi.prod.yaml", "config: {}\n")
    workspace.write_form(
        FORM.replace("mijn-gent", "balie").replace("[acmidm]", "[acmidm, geosecure]"), "gent/balie"
    )
    workspace.write("onboardings/gent/mandates.yaml", "mandates: []\n")
    return workspace


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("acmidm deploy --stack ", ["prod", "tni"]),
        ("acmidm orders list --stack ", ["prod", "tni"]),
        ("acmidm sandbox stop --stack ", ["prod", "tni"]),
        ("acmidm deploy --stack t", ["tni"]),
        ("acmidm review --stack tni --stack p", ["prod"]),
        ("acmidm deploy --stack=t", ["tni"]),
        ("acmidm deploy --stack x", []),
        ("acmidm import clients.csv --tni ", ["prod", "tni"]),
        ("acmidm import clients.csv --prod p", ["prod"]),
        ("acmidm probe ", FORMS),
        ("acmidm keys new ", FORMS),
        ("acmidm keys add ", FORMS),
        ("acmidm validate ", FORMS),
        ("acmidm probe onboardings/gent/m", FORMS[1:]),
        ("acmidm validate onboardings/gent/balie.yaml onb", FORMS),
        # A file with a public key comes next, whose name the shell completes.
        ("acmidm keys add onboardings/gent/balie.yaml ", []),
        ("acmidm keys add --supplier leverancier ", []),
        ("acmidm orders show ", [KEYS[0], f"{KEYS[0]}/geosecure", KEYS[1]]),
        ("acmidm orders done OVO002067/m", KEYS[1:]),
        ("acmidm orders refused OVO002067/m", KEYS[1:]),
        ("acmidm orders gone OVO002067/balie/", [f"{KEYS[0]}/geosecure"]),
        ("acmidm orders done OVO002067/mijn-gent ", []),  # the part and the mark of an order
        ("acmidm history ", KEYS),  # which searches in keys, without the platform
        ("acmidm status OVO002067/b", KEYS[:1]),
    ],
)
def test_what_is_offered(typed: str, offered: list[str]) -> None:
    assert sorted(completed(typed)) == offered


def test_from_a_folder_of_the_project(project: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forms are named from where somebody is, as they are given."""
    monkeypatch.chdir(project.root / "onboardings/gent")
    assert completed("acmidm deploy --stack t") == ["tni"]
    assert sorted(completed("acmidm probe ")) == ["balie.yaml", "mijn-gent.yaml"]
    assert sorted(completed("acmidm history ")) == KEYS
    monkeypatch.chdir(project.root / "catalogue")
    assert completed("acmidm probe ../onboardings/gent/b") == ["../onboardings/gent/balie.yaml"]


@pytest.mark.parametrize("typed", ["deploy --stack ", "probe ", "history ", "orders show "])
def test_outside_a_project_nothing_is_offered(
    typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed(f"acmidm {typed}") == []


@pytest.mark.parametrize(
    "text",
    [
        "application: [",
        "",
        "- x\n",
        "application: {}\n",
        "a: &a [1]\napplication: *a\n",
        "\0",
        "x" * 99_999,
    ],
    ids=["cut off", "empty", "list", "no name", "alias", "no text", "too long"],
)
def test_a_form_that_cannot_be_read_has_a_file_and_no_client(project: Workspace, text: str) -> None:
    project.write_form(text)
    assert sorted(completed("acmidm probe ")) == FORMS
    assert completed("acmidm history ") == KEYS[:1]


def test_a_form_has_no_client_without_its_organisation(project: Workspace) -> None:
    """Of which nobody knows the code; a KBO number is written as ten digits."""
    project.write_organisation("name: [\n")
    assert completed("acmidm history ") == []
    project.write_organisation('name: Gent\nkbo: "0207.451.227"\n')
    assert sorted(completed("acmidm history ")) == ["0207451227/balie", "0207451227/mijn-gent"]
    (project.forms / "gent/organisation.yaml").unlink()
    assert completed("acmidm history ") == []


def test_a_name_that_a_shell_would_run_is_not_offered(project: Workspace) -> None:
    """Shells expand what is offered: only what a form, a folder, a stack or a client may be called
    is. A link is no form, wherever it leads."""
    project.write("Pulumi.$(touch ran).yaml", "config: {}\n")
    project.write_form(FORM, "gent/$(touch ran)")
    project.write_form(FORM.replace("mijn-gent", "'`touch ran`'"), "gent/mijn-gent")
    (project.forms / "gent/link.yaml").symlink_to(project.forms / "gent/balie.yaml")
    (project.forms / "stad").symlink_to(project.forms / "gent")
    assert sorted(completed("acmidm deploy --stack ")) == ["prod", "tni"]
    assert sorted(completed("acmidm probe ")) == FORMS
    assert completed("acmidm history ") == KEYS[:1]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("typed", ["acmidm nothing ", "acmidm token ", "acmidm keys export "])
def test_of_a_command_that_there_is_not_nothing_is_said(typed: str) -> None:
    """Nor of one that has ended: what people do instead is said to who runs it."""
    assert set(completed(typed)).isdisjoint(["prod", "tni", *FORMS, *KEYS])


def parameters(command: Any, name: str = "acmidm") -> Iterator[tuple[str, Any]]:
    """Yield the parameters of a command, or of all commands of a group, each with its command."""
    for below in getattr(command, "commands", {}):
        yield from parameters(command.commands[below], f"{name} {below}")
    yield from ((name, parameter) for parameter in command.params)


@pytest.mark.parametrize("name", command_names())
def test_commands_complete_what_they_take(name: str) -> None:
    """Each stack and each form that is named on a command line."""
    silent = [
        f"{where} {one.metavar}"
        for where, one in parameters(load(name), name)
        if re.search(r"\b(STACK|FORM|ORDER|CLIENT|PATH)\b", one.metavar or "")
        and one._custom_shell_complete is None
    ]
    assert silent == []


@pytest.mark.tool
@pytest.mark.skipif(BASH is None, reason="there is no bash here")
def test_a_real_bash(project: Workspace) -> None:
    """Which has sourced what the command prints for it, and splits what was typed by itself."""
    assert BASH is not None
    script = f"""
        PATH={ACMIDM.parent}:$PATH
        source <(acmidm --show-completion bash) || exit
        offered() {{
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _acmidm_completion acmidm
            printf '%s\\n' "${{COMPREPLY[@]}}" | sort
        }}
        offered acmidm deploy --stack t
        offered acmidm probe onboardings/gent/
        offered acmidm history OVO002067/m
    """
    done = subprocess.run(
        [BASH, "--norc", "-c", script],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["tni", *FORMS, KEYS[1]]
