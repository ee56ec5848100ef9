"""What is known of organisations beside the mistakes in their files: whose connections stay, and by
which files something ends all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.rules.mistaken import Folder
from acmidm_onboarding.values.problems import InvalidForms
from tests.support.workspace import FORM, ORGANISATION, WITHOUT_KEYS, Workspace, public_key

GENT, OTHER, NOBODY = "OVO002067/weg", "OVO000009/weg", "OVO000008/weg"
WRONG = "colour: blue\n"
Change = Callable[[Workspace], object]


def read(workspace: Workspace) -> Onboardings:
    workspace.write_organisation("name: Ander\novo: OVO000009\n", "ander")
    return read_onboardings([workspace.forms], workspace.catalogue)


@pytest.mark.parametrize(
    ("change", "stay"),
    [
        (lambda at: at.write_form(FORM + WRONG), {GENT, NOBODY}),
        (lambda at: at.write_form("{"), {GENT, NOBODY}),
        (lambda at: at.write_key(b"\xff", "gent/tni"), {GENT, NOBODY}),
        (lambda at: at.write("onboardings/gent/mandates.yaml", WRONG), {GENT, NOBODY}),
        (lambda at: at.write("onboardings/ander/keys.yaml", WRONG), {OTHER, NOBODY}),
        (lambda at: at.write("onboardings/gent/x.yml", ""), {GENT, NOBODY}),
        (lambda at: at.write_organisation(ORGANISATION + WRONG), {GENT, OTHER, NOBODY}),
        (lambda at: at.write_organisation("{"), {GENT, OTHER, NOBODY}),
        (lambda at: (at.forms / "gent/organisation.yaml").unlink(), {GENT, OTHER, NOBODY}),
        (lambda at: at.write("onboardings/los.yaml", FORM), {GENT, OTHER, NOBODY}),
        (lambda at: at.write_organisation(ORGANISATION, "tweede"), {GENT, OTHER, NOBODY}),
    ],
    ids=[
        "a form",
        "a form that is no YAML",
        "a key",
        "mandates",
        "a supplier's keys",
        "a file that is no form",
        "an organisation",
        "an organisation that is no YAML",
        "no organisation",
        "a form beside the folders",
        "two folders of an organisation",
    ],
)
def test_what_a_mistake_may_be_about(workspace: Workspace, change: Change, stay: set[str]) -> None:
    """By the folder of the file; all, where the folder's organisation is not known."""
    change(workspace)
    onboardings = read(workspace)
    onboardings.require_shared(workspace.forms)
    mistaken = onboardings.mistaken(workspace.forms)
    assert set(mistaken.staying([GENT, OTHER, NOBODY])) == stay


def test_a_form_without_a_mistake_says_itself_what_becomes_of_its_connections(
    workspace: Workspace,
) -> None:
    """Also where another one of its organisation has a mistake."""
    workspace.write_form("{", "gent/fout")
    mistaken = read(workspace).mistaken(workspace.forms)
    assert mistaken.staying(["OVO002067/mijn-gent", GENT]) == [GENT]


def test_the_mistake_of_a_supplier_is_about_its_customers_too(workspace: Workspace) -> None:
    """Their own files have none."""
    workspace.write_supplier()
    assert read(workspace).problems == ()
    workspace.write("onboardings/leverancier/keys.yaml", WRONG)
    mistaken = read(workspace).mistaken(workspace.forms)
    assert mistaken.staying([GENT, OTHER]) == [GENT]


def test_mandates_with_a_mistake_take_the_forms_of_their_folder(workspace: Workspace) -> None:
    """Of a form without a supplier too: the keys of the supplier that it had would else go."""
    workspace.write("onboardings/gent/mandates.yaml", WRONG)
    onboardings = read(workspace)
    assert onboardings.forms == ()
    assert folder_of_gent(onboardings, workspace).mandates is None


def test_a_key_is_compromised_in_a_form_with_a_mistake_too(workspace: Workspace) -> None:
    compromised = "jwks: [{file: tni.jwk.json, compromised: true}]"
    workspace.write_form(FORM.replace("jwks: [tni.jwk.json]", compromised) + WRONG)
    assert len(folder_of_gent(read(workspace), workspace).compromised) == 1


def test_a_form_that_says_that_a_key_is_compromised_is_carried_out(workspace: Workspace) -> None:
    """Only the form that still names the stolen key has a mistake, and it alone waits."""
    workspace.write_form(FORM.replace("application: mijn-gent", "application: ander"), "gent/ander")
    compromised = "jwks: [{file: tni.jwk.json, compromised: true}, nieuw.jwk.json]"
    workspace.write_key(public_key("nieuw"), "gent/nieuw")
    workspace.write_form(FORM.replace("jwks: [tni.jwk.json]", compromised))
    onboardings = read(workspace)
    assert [problem.file.name for problem in onboardings.problems] == ["ander.yaml"]
    assert [form.form.application for form in onboardings.forms] == ["mijn-gent"]
    mistaken = onboardings.mistaken(workspace.forms)
    assert mistaken.staying(["OVO002067/mijn-gent", "OVO002067/ander"]) == ["OVO002067/ander"]


def test_the_customers_of_a_supplier_lose_its_stolen_key_and_get_the_new_one(
    workspace: Workspace,
) -> None:
    """Also where the supplier's own form still names the stolen one."""
    workspace.write_supplier("{tni: [{file: tni.jwk.json, compromised: true}]}\n")
    workspace.write_form(f"keys_of: leverancier\n{WITHOUT_KEYS[: WITHOUT_KEYS.index('  prod:')]}")
    workspace.write_organisation("name: Leverancier\novo: OVO000001\n", "leverancier")
    workspace.write_form(FORM[: FORM.index("    scopes:")], "leverancier/eigen")
    onboardings = read(workspace)
    assert {problem.file.name for problem in onboardings.problems} == {"eigen.yaml"}
    assert [form.form.application for form in onboardings.forms] == ["mijn-gent"]


def folder_of_gent(onboardings: Onboardings, workspace: Workspace) -> Folder:
    folders = onboardings.mistaken(workspace.forms).folders
    return next(folder for folder in folders if folder.name == "gent")


def test_what_all_forms_share_keeps_nobody_in_particular(workspace: Workspace) -> None:
    workspace.write("catalogue/dosis.yaml", "product: dosis\n")
    with pytest.raises(InvalidForms, match=r"catalogue/dosis\.yaml"):
        read(workspace).require_shared(workspace.forms)
    with pytest.raises(InvalidForms, match="nowhere"):
        read_onboardings([workspace.root / "nowhere"], workspace.catalogue).require_shared(
            workspace.root / "nowhere"
        )
