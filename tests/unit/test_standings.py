"""Which forms a board has where some have mistakes, and which stacks it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from acmidm.standings import _forms, all_stacks
from tests.support.engine import ROOT
from tests.support.forms import write_form
from tests.unit.test_rights_of_people import settings


def test_forms_with_mistakes_hide_no_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One with a mistake is left out, and with it what is beside its wrong key; what the rest ask is known, and that it is not all."""
    good, bad = write_form(tmp_path, "gent/goed"), write_form(tmp_path, "gent/fout")
    found = settings(formsFolder=str(tmp_path), catalogueFolder=str(ROOT / "catalogue"))
    forms, are_whole = _forms(found)
    assert forms is not None
    assert (len(forms.forms), are_whole, capsys.readouterr().err) == (2, True, "")
    bad.path.write_text(bad.path.read_text() + "\nnonsense: 1\n")
    forms, are_whole = _forms(found)
    assert forms is not None
    assert ([one.form.application for one in forms.forms], are_whole) == ([good.application], False)
    assert capsys.readouterr().err == "warning: what forms with mistakes ask is not known (1 mistake); see acmidm validate\n"
    good.path.with_name("organisation.yaml").write_text("name: [\n")
    assert _forms(found) == (None, False)


def test_the_stacks_of_a_service_desk() -> None:
    """Those of a Beheerportaal, test before production; the sample on Keycloak is not one."""
    assert all_stacks(ROOT) == ["tni", "prod"]
