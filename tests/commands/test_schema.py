"""The command ``acmidm schema``: what editors, reviewers and organisations read of forms and
catalogue."""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from tests.support.workspace import ORGANISATION, Workspace


def acmidm(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture(autouse=True)
def _of_a_project(workspace: Workspace) -> None:
    workspace.write("Pulumi.yaml", "name: own\nruntime: python\n")


def test_outside_a_project_nothing_is_written(workspace: Workspace) -> None:
    (workspace.root / "Pulumi.yaml").unlink()
    refused = acmidm("schema")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith("there is no project here or above")
    assert not (workspace.root / "schema").exists()


def test_without_a_catalogue_of_its_own_the_module_s_counts(workspace: Workspace) -> None:
    """As for whatever reads forms."""
    shutil.rmtree(workspace.root / "catalogue")
    assert acmidm("schema").exit_code == 0
    assert "dv_dosis_schrijven" in (workspace.root / "docs/catalogue.md").read_text()


def test_the_schemas_are_written_once_and_checked(workspace: Workspace) -> None:
    """Written where they are not there, and only then."""
    names = ("onboarding", "organisation", "mandates", "keys", "catalogue")
    assert acmidm("schema").stdout.splitlines() == [
        *(f"schema/{name}.schema.json written" for name in names),
        "docs/catalogue.md written",
    ]
    assert acmidm("schema").stdout == "the schemas and docs/catalogue.md are up to date\n"
    assert acmidm("schema", "--check").exit_code == 0
    workspace.write("schema/onboarding.schema.json", "{}")
    result = acmidm("schema", "--check")
    assert (result.exit_code, result.stderr) == (
        1,
        "schema/onboarding.schema.json is not up to date; run: acmidm schema\n",
    )
    assert (workspace.root / "schema/onboarding.schema.json").read_text() == "{}"


TEAM = '[tool.acmidm]\nonboarding_team = "@team/onboarding"\n'
OWNERS = 'owners: ["@stad-gent/api-beheer", api@gent.example]\n'
CODEOWNERS = ".github/CODEOWNERS"


def test_who_approves_what_is_written_and_checked(workspace: Workspace) -> None:
    """Where a team is set. Forms and keys are an organisation's own, where it has owners; what
    comes last counts."""
    workspace.write("pyproject.toml", TEAM)
    workspace.write_organisation(ORGANISATION + OWNERS)
    workspace.write_organisation("name: Ander\n", "ander")
    assert f"{CODEOWNERS} written" in acmidm("schema").stdout.splitlines()
    _, _, *lines = (workspace.root / CODEOWNERS).read_text().splitlines()
    assert lines == [
        "* @team/onboarding",
        "/onboardings/gent/*.yaml @stad-gent/api-beheer api@gent.example",
        "/onboardings/gent/*.jwk.json @stad-gent/api-beheer api@gent.example",
        "/onboardings/gent/*.evidence.json @stad-gent/api-beheer api@gent.example",
        "/onboardings/*/organisation.yaml @team/onboarding",
    ]
    assert acmidm("schema", "--check").exit_code == 0
    for change in (
        lambda: workspace.write_organisation(ORGANISATION),
        lambda: workspace.write("pyproject.toml", TEAM.replace('onboarding"', 'ander"')),
        lambda: workspace.write(CODEOWNERS, f"{(workspace.root / CODEOWNERS).read_text()}* @jan\n"),
        lambda: (workspace.root / CODEOWNERS).unlink(),
    ):
        change()
        result = acmidm("schema", "--check")
        assert (result.exit_code, result.stderr) == (
            1,
            f"{CODEOWNERS} is not up to date; run: acmidm schema\n",
        )
        acmidm("schema")


@pytest.mark.parametrize("project", [None, "[tool.ruff]\n", "tool = 1\n"])
def test_a_project_without_a_team_gets_no_codeowners(
    project: str | None, workspace: Workspace
) -> None:
    if project is not None:
        workspace.write("pyproject.toml", project)
    assert acmidm("schema").exit_code == 0
    assert not (workspace.root / ".github").exists()


@pytest.mark.parametrize(
    ("project", "organisation", "sentence"),
    [
        ("[tool", ORGANISATION, "pyproject.toml is not TOML; correct it"),
        (f"a = {'[' * 5_000}", ORGANISATION, "pyproject.toml is not TOML; correct it"),
        (
            TEAM.replace("/onboarding", " x"),
            ORGANISATION,
            'onboarding_team in [tool.acmidm]: "@team x" is no owner',
        ),
        (
            TEAM,
            f'{ORGANISATION}owners: ["@a @b"]\n',
            '"@a @b" is no owner; write @user, @organisation/team or an e-mail address',
        ),
        (TEAM, f'{ORGANISATION}owners: ["#x"]\n', '"#x" is no owner'),
        (TEAM, f'{ORGANISATION}owners: ["@a\\n/x @b"]\n', "is no owner"),
    ],
)
def test_nothing_is_injected_into_codeowners(
    project: str, organisation: str, sentence: str, workspace: Workspace
) -> None:
    workspace.write("pyproject.toml", project)
    workspace.write_organisation(organisation)
    result = acmidm("schema")
    assert (result.exit_code, sentence in result.stderr) == (2, True), result.stderr
    assert not (workspace.root / CODEOWNERS).exists()


def test_schemas_that_cannot_be_written(workspace: Workspace) -> None:
    workspace.write("schema", "")
    result = acmidm("schema")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "cannot be read or written" in result.stderr


def test_no_schema_of_a_wrong_catalogue(workspace: Workspace) -> None:
    workspace.write("catalogue/dosis.yaml", "product: dosis\n")
    result = acmidm("schema")
    assert result.exit_code == 2
    assert 'catalogue/dosis.yaml:1:1: "title" is missing; add it' in result.stderr
