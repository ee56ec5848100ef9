"""A command finds its project from any folder in it, and what somebody names on the command line is
still where they mean it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm_onboarding.stack_files import stack_settings
from tests.support.terminal import descriptor
from tests.support.workspace import FORM, Workspace, public_key

FORM_FILE = "onboardings/gent/mijn-gent.yaml"
SETTINGS = {
    "environment": "tni",
    "managementUrl": "http://127.0.0.1:9/management/v1",
    "issuer": "http://127.0.0.1:9/op",
    "productsUrl": "http://127.0.0.1:9/products/v1",
    "operatorClientId": "operator",
}


def acmidm(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.fixture
def project(workspace: Workspace) -> Workspace:
    """A project in whose profile the form's RSA keys, which have no end, are mistakes."""
    workspace.write("Pulumi.yaml", "name: acmidm\nruntime: python\n")
    workspace.write(
        "Pulumi.tni.yaml",
        {
            "config": {
                f"acmidm:{key}": value for key, value in {**SETTINGS, "profile": "fapi2"}.items()
            }
        },
    )
    return workspace


@pytest.mark.parametrize("below", ["onboardings", "onboardings/gent"])
def test_forms_are_checked_by_the_settings_of_their_project(
    project: Workspace, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    """By name too, from the folder in which somebody is; and with no name all forms, wherever that
    is."""
    known = acmidm("validate")
    assert (known.exit_code, "fapi2" in known.stderr) == (1, True), known.output
    monkeypatch.chdir(project.root / below)
    named = Path(FORM_FILE).relative_to(below)
    for words in ((), (str(named),), (str(named.absolute()),)):
        found = acmidm("validate", *words)
        note, _, said = found.stderr.partition("\n")
        assert (found.exit_code, said) == (1, known.stderr), words
        assert (
            note == f"the project is in {'/'.join('..' for _ in Path(below).parts)}: paths are from"
            " there"
        )
        assert Path.cwd() == project.root / below


def test_what_is_named_on_the_command_line_is_from_where_somebody_is(
    project: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also above the project, and behind a link; of two files with one name it is the nearer
    one."""
    outside = tmp_path_factory.mktemp("outside")
    monkeypatch.setattr("acmidm.edit.keys.pair.RSA_BITS", 2048)
    project.write(
        "Pulumi.tni.yaml", {"config": {f"acmidm:{key}": value for key, value in SETTINGS.items()}}
    )
    (project.root / "onboardings/outside").symlink_to(outside)
    project.write("key.json", public_key("of the project"))
    project.write("onboardings/key.json", public_key("nearer"))
    monkeypatch.chdir(project.root / "onboardings")
    added = acmidm("keys", "add", "gent/mijn-gent.yaml", "key.json", "--environment", "tni")
    assert (added.exit_code, "kid nearer" in added.stdout) == (0, True), added.output
    monkeypatch.chdir(project.root / "onboardings/gent")
    made = acmidm(
        *(
            "keys",
            "new",
            "mijn-gent.yaml",
            "--environment",
            "tni",
            "--private-key",
            "../outside/../outside.pem",
        ),
        *("--passphrase-fd", str(descriptor("x" * 12))),
    )
    assert (made.exit_code, "PRIVATE KEY" in (outside.parent / "outside.pem").read_text()) == (
        0,
        True,
    ), made.output


def test_a_command_that_reads_standard_input_still_does(
    project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(
        "Pulumi.tni.yaml", {"config": {f"acmidm:{key}": value for key, value in SETTINGS.items()}}
    )
    monkeypatch.chdir(project.forms)
    words = ("probe", "gent/mijn-gent.yaml", "--stack", "tni", "--assertion", "-")
    found = CliRunner().invoke(app, words, input="no assertion")
    assert (found.exit_code, "the assertion is no JWT" in found.stderr) == (2, True), found.output


@pytest.mark.parametrize("command", ["status", "stop"])
def test_servers_are_those_of_the_project(
    project: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    command: str,
) -> None:
    """What was started is found from below. Where nothing was, that is said; where there is no
    project, there is nothing to say."""
    monkeypatch.chdir(project.forms)
    nothing = acmidm("sandbox", command)
    assert (nothing.exit_code, nothing.stdout) == (
        0,
        "no sandbox was ever started in this project\n",
    )
    for name in ("portal", "keycloak"):
        project.write(f".local/tni/acmidm/{name}.pid", "")
    if command == "status":
        stopped = acmidm("sandbox", command)
        said = "keycloak tni acmidm: stopped\nportal tni acmidm: stopped\n"
        assert (stopped.exit_code, stopped.stdout) == (1, said)
        elsewhere = acmidm("sandbox", command, "--stack", "prod").stdout
        assert elsewhere == "no sandbox was ever started in this project for stack prod\n"
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    refused = acmidm("sandbox", command)
    assert refused.exit_code == 2
    assert (
        refused.stderr
        == "there is no project here or above (Pulumi.yaml); run this in a project's folder, or"
        " below it\n"
    )


def test_what_needs_no_project_works_without_one(workspace: Workspace) -> None:
    """A repository of forms alone: its hook, and who makes a key in it. Nothing is said of a
    project."""
    checked = acmidm("validate")
    assert (checked.exit_code, checked.stderr) == (0, "")
    workspace.write("key.json", public_key("mine"))
    added = acmidm("keys", "add", FORM_FILE, "key.json", "--environment", "tni")
    assert (added.exit_code, added.stderr) == (0, ""), added.output
    assert acmidm("--help").exit_code == 0


def test_a_project_in_a_project_is_its_own(
    project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest counts, whichever of its names the engine knows the file has."""
    for file in ("Pulumi.yml", "Pulumi.json"):
        inner = project.root / "inner" / file.rpartition(".")[2]
        project.write(
            str((inner / file).relative_to(project.root)), {"name": "inner", "runtime": "python"}
        )
        project.write(
            str((inner / FORM_FILE).relative_to(project.root)), FORM.replace("[tni.jwk.json]", "[]")
        )
        monkeypatch.chdir(inner / "onboardings")
        assert "organisation.yaml" in acmidm("validate").stderr


def test_a_stack_with_the_name_of_its_organisation_has_the_settings_of_its_file(
    project: Workspace,
) -> None:
    """As the engine has it."""
    project.write(
        "Pulumi.tni.yaml", {"config": {f"acmidm:{key}": value for key, value in SETTINGS.items()}}
    )
    for name in ("tni", "ours/tni", "ours/acmidm/tni"):
        assert stack_settings(name, project.root).environment == "tni"


@pytest.mark.parametrize(
    "words",
    [("remind",), ("sandbox", "start"), ("sandbox", "mail")],
    ids=" ".join,
)
@pytest.mark.usefixtures("project")
def test_what_keeps_files_by_a_stack_s_name_has_one_name_for_it(words: tuple[str, ...]) -> None:
    """Else a second ledger would have nothing of what was mailed, and a second sandbox its own
    clients."""
    refused = acmidm(*words, "--stack", "ours/acmidm/tni")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "ours/acmidm/tni is a stack's whole name; name it here as in Pulumi.tni.yaml: tni\n",
    )
    assert not Path(".local").exists()
