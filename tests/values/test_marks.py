"""What the Pulumi engine takes for something else than a text is in no form, no key and no
setting."""

from __future__ import annotations

import pytest
from pulumi.runtime import rpc

from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.values.marks import MARKS, has_mark, without_marks
from tests.support.settings import read
from tests.support.workspace import CATALOGUE, FORM, ORGANISATION, Workspace, public_key

WHERE = {
    "application": FORM.replace("application: mijn-gent", "application: MARK"),
    "a reason": FORM.replace("reason: dossiers", "reason: MARK"),
    "a field": FORM.replace("{reason: dossiers", "{MARK: dossiers"),
    "a value of a product": FORM.replace("urn://gent/mijn-gent", "MARK"),
    "part of a value": FORM.replace("urn://gent/mijn-gent", "urn://gent/MARK"),
    "an attribute": FORM.replace(
        "    scopes:", "    attributes: {setbyclient_proef: MARK}\n    scopes:", 1
    ),
    "adopt": FORM.replace("    scopes:", "    adopt: {acmidm: MARK}\n    scopes:", 1),
}


def test_the_marks_are_those_of_the_sdk() -> None:
    """A release that has others is noticed: the SDK has these by name, the engine the rest."""
    own = [
        rpc.UNKNOWN,
        rpc._special_sig_key,
        rpc._special_asset_sig,
        rpc._special_archive_sig,
        rpc._special_secret_sig,
    ]
    assert set(own) <= set(MARKS)


def test_a_renamed_mark_is_none() -> None:
    for mark in MARKS:
        assert has_mark(f"a{mark.upper()}b")
        assert not has_mark(without_marks(f"a {mark}\n{mark}")), mark


@pytest.mark.parametrize("mark", [MARKS[0], rpc.UNKNOWN])
def test_a_mark_in_a_form_is_refused(workspace: Workspace, mark: str) -> None:
    for where, form in WHERE.items():
        workspace.write_form(form.replace("MARK", mark))
        assert "this is a mark of the Pulumi engine" in "\n".join(workspace.sentences()), where


@pytest.mark.parametrize("mark", [MARKS[0], rpc.UNKNOWN])
def test_a_mark_beside_forms_is_refused(workspace: Workspace, mark: str) -> None:
    workspace.write_key({**public_key("tni"), "kid": mark})
    workspace.write_organisation(ORGANISATION.replace("Stad Gent", mark))
    workspace.write("catalogue/dosis.yaml", CATALOGUE["dosis.yaml"].replace("DosisImport", mark))
    assert sum("a mark of the Pulumi engine" in sentence for sentence in workspace.sentences()) == 3


@pytest.mark.parametrize("key", ["formsFolder", "operatorClientId", "environment"])
def test_a_mark_in_a_setting_is_refused(key: str) -> None:
    with pytest.raises(
        InvalidSettings, match=f"setting acmidm:{key} is a mark of the Pulumi engine"
    ):
        read(**{key: rpc.UNKNOWN})
