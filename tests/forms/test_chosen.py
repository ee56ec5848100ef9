"""A stack takes the forms of some organisations: what it reads of the others, and which of their
mistakes stop it."""

from __future__ import annotations

from pathlib import Path

import pytest

from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.values.names import is_chosen
from tests.support.forms import write_form
from tests.support.offered import catalogue_folder


def chosen(folder: Path, globs: str) -> Onboardings:
    return read_onboardings([folder], catalogue_folder()).chosen(globs, folder)


def names(forms: Onboardings) -> list[str]:
    return [loaded.name for loaded in forms.forms]


@pytest.mark.parametrize(
    ("globs", "is_taken"),
    [
        ("", True),
        (" ", True),
        ("gent", True),
        ("aalst g*", True),
        ("[a-f]* [g-z]*", True),
        ("gen", False),
        ("*x", False),
    ],
)
def test_which_names_a_setting_chooses(globs: str, is_taken: bool) -> None:
    assert is_chosen("gent", globs) is is_taken


def test_organisations_are_read_and_their_forms_are_not_taken(tmp_path: Path) -> None:
    for name in ("aalst/loket", "gent/loket", "gent-zoo/loket"):
        write_form(tmp_path, name)
    assert names(chosen(tmp_path, "aalst gent-*")) == ["aalst/loket", "gent-zoo/loket"]
    assert set(chosen(tmp_path, "aalst").organisations) == {"aalst", "gent", "gent-zoo"}
    assert chosen(tmp_path, "nobody").forms == ()


def test_a_mistake_of_others_stops_nobody(tmp_path: Path) -> None:
    """But for one without which nobody knows whose a client is, and those of keys that an own form
    names."""
    own, other = write_form(tmp_path, "gent/loket"), write_form(tmp_path, "zele/loket")
    keys = own.use_supplier("theirs")
    assert names(chosen(tmp_path, "gent").valid()) == ["gent/loket"]
    other.path.write_text("nonsense: 1\n")
    (tmp_path / "zele" / "No Name.yaml").write_text("")
    assert names(chosen(tmp_path, "gent").valid()) == ["gent/loket"]
    assert chosen(tmp_path, "zele").problems

    organisation = tmp_path / "zele" / "organisation.yaml"
    organisation.write_text("name: [\n")
    assert chosen(tmp_path, "gent").problems
    organisation.unlink()
    other.save()
    (tmp_path / "zele" / "No Name.yaml").unlink()
    assert chosen(tmp_path, "gent").problems == ()
    for file in (keys.with_name("theirs.jwk.json"), keys, own.path.with_name("mandates.yaml")):
        text = file.read_text()
        file.write_text("{")
        assert chosen(tmp_path, "gent").problems
        if file.name != "mandates.yaml":
            assert chosen(tmp_path, "zele").problems == ()
        file.write_text(text)


def test_an_own_form_in_a_wrong_place_is_no_form_that_is_gone(tmp_path: Path) -> None:
    """Left out without a word, its client would be removed."""
    form = write_form(tmp_path, "gent/loket")
    write_form(tmp_path, "gent/ander")
    form.path.rename(form.path.with_name("No Name.yaml"))
    assert chosen(tmp_path, "gent").problems
    form.path.with_name("No Name.yaml").rename(tmp_path / "loket.yaml")
    assert chosen(tmp_path, "gent").problems
