"""``acmidm new --from``: a mailed file of a form that has changed since, or has all of it already,
and what is not for its sender at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.sent_file import FILE, of_gent, take_in
from tests.support.terminal import contents
from tests.support.workspace import FORM, Workspace

REGISTER: dict[str, Any] = {"scopes": {"dv_register_lezen": {}}}


def refused(document: object) -> tuple[str, str]:
    """The mail and what the team reads, of a file that changes nothing."""
    before = contents()
    result = take_in(document)
    assert result.exit_code == 2, result.output
    assert {**contents(), FILE: b""} == {**before, FILE: b""}
    return result.stdout, result.stderr


RENAMED = {
    "in the file of its earlier name": ("mijn-gent", "formerly: mijn-gent\n"),
    "in the file of its earlier name, which it does not say": ("mijn-gent", ""),
    "in a file of its own": ("burgerloket", "formerly: mijn-gent\n"),
    "in a file of any name": ("eender", "formerly: [oudst, mijn-gent]\n"),
}


@pytest.mark.parametrize("name", RENAMED)
def test_an_application_that_has_another_name_now_is_called_by_it(
    workspace: Workspace, name: str
) -> None:
    """To the sender, who can correct that, and to the team, whose form has no mistake."""
    file, formerly = RENAMED[name]
    (workspace.forms / "gent/mijn-gent.yaml").unlink()
    text = FORM.replace("application: mijn-gent\n", f"application: burgerloket\n{formerly}")
    workspace.write_form(text, f"gent/{file}")
    assert workspace.sentences() == []
    mail, team = refused(of_gent(**REGISTER))
    assert (
        "- Korte naam van de applicatie: de applicatie mijn-gent heet nu burgerloket; geef die"
        " naam op, of een andere naam voor een andere applicatie" in mail
    )
    assert "the application mijn-gent is called burgerloket now; give that name" in team
    mistaken = refused(of_gent(scopes={"dv_register_leze": {}}))[0]
    assert "heet nu burgerloket" in mistaken
    assert '"dv_register_lezen"?' in mistaken, "all mistakes at once"
    assert "onboardings/" not in mail
    assert "acmidm validate" not in mail + team
    assert take_in(of_gent("burgerloket", **REGISTER)).exit_code == 0


@pytest.mark.parametrize("file", ["mijn-gent", "eender"])
@pytest.mark.parametrize("line", ["application: mijn-gent", "formerly: mijn-gent"])
def test_mistakes_of_a_form_that_is_there_are_for_the_team(
    workspace: Workspace, file: str, line: str
) -> None:
    """Whatever its file and its name are: the sender gets no mail about it."""
    (workspace.forms / "gent/mijn-gent.yaml").unlink()
    named = line if line.startswith("application") else f"application: burgerloket\n{line}"
    text = FORM.replace("application: mijn-gent", named).replace("dv_dosis_schrijven", "dv_weg")
    workspace.write_form(text, f"gent/{file}")
    mail, team = refused(of_gent(**REGISTER))
    assert mail == ""
    assert f"onboardings/gent/{file}.yaml has mistakes of its own, and was not changed" in team


def test_a_name_that_came_with_a_merger_is_free(workspace: Workspace) -> None:
    """``formerly`` then means the whole key in organisation.yaml, and no application of today."""
    organisation = (workspace.forms / "gent/organisation.yaml").read_text()
    workspace.write_organisation(f"{organisation}formerly: [OVO001992/loket]\n")
    text = FORM.replace("application: mijn-gent", "application: mijn-gent\nformerly: loket")
    workspace.write_form(text)
    assert workspace.sentences() == []
    result = take_in(of_gent("loket", **REGISTER))
    assert result.exit_code == 0, result.output
    assert workspace.sentences() == []
