"""Which forms a board has where some have mistakes, and which stacks it is about."""

from __future__ import annotations

from pathlib import Path

from acmidm.engine.stacks import with_a_portal
from tests.support.engine import ROOT
from tests.support.forms import write_form
from tests.support.unanswered_stack import stack


def test_forms_with_mistakes_hide_no_others(tmp_path: Path) -> None:
    """One with a mistake is left out; what the rest ask is known, and that it is not all."""
    good, bad = write_form(tmp_path, "gent/goed"), write_form(tmp_path, "gent/fout")

    def applications() -> tuple[list[str], int]:
        opened = stack(formsFolder=str(tmp_path), catalogueFolder=str(ROOT / "catalogue"))
        forms = opened.forms.onboardings
        return [one.form.application for one in forms.forms], len(forms.problems)

    assert applications() == ([bad.application, good.application], 0)
    bad.path.write_text(bad.path.read_text() + "\nnonsense: 1\n")
    assert applications() == ([good.application], 1)
    (good.path.parent / good.request()["jwks"][0]).write_text("{")
    assert applications() == ([], 2)
    good.path.with_name("organisation.yaml").write_text("name: [\n")
    assert applications()[0] == []


def test_the_stacks_of_a_service_desk() -> None:
    """Those of a Beheerportaal, test before production; the sample on Keycloak is not one."""
    assert with_a_portal(ROOT) == ["tni", "prod"]
