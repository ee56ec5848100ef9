"""What lies below the forms and is no form: a public key or evidence, or refused; before the commit
too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from tests.support.engine import ROOT
from tests.support.evidence import write_evidence
from tests.support.forms import write_form
from tests.support.portal import new_key, public_jwk

_KEY = new_key("los")
_PEM = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "catalogue", tmp_path / "catalogue")
    form = write_form(
        tmp_path / "onboardings", application="loket", scopes=("dv_notificaties_import",)
    )
    private = form.keys["key-1"].as_dict(private=True)
    write_evidence(form.path.parent, private, application="loket")
    (form.path.parent / "los.jwk.json").write_text(json.dumps(public_jwk(_KEY)))
    return form.path.parent


def said(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["validate", *words])
    return done.exit_code, done.output


def test_public_keys_and_evidence_of_a_form_belong_there(forms: Path) -> None:
    assert said()[0] == said(str(forms / "loket.yaml"))[0] == 0, said()


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        (
            "geheim.jwk.json",
            json.dumps(_KEY.as_dict(private=True)),
            "this is a private key; make a new pair: to remove this one from Git",
        ),
        (
            "geheim.jwk.json",
            json.dumps({"keys": [_KEY.as_dict(private=True)]}),
            "this is a private key; make a new pair",
        ),
        ("sleutel.pem", _PEM, "this is a private key; make a new pair"),
        ("sleutel", _PEM, "this is a private key; make a new pair"),
        (
            "nota.txt",
            "hallo",
            (
                "this is neither an organisation, nor a form, nor a public key, nor evidence;"
                " remove it, or put it outside onboardings/"
            ),
        ),
        ("los2.jwk.json", "{}", "the key "),
        (
            "loket.prod.acmidm.evidence.json",
            "wel bewezen",
            "this is no evidence: it is no JSON object; have acmidm probe",
        ),
    ],
)
@pytest.mark.parametrize("by_path", [False, True])
def test_anything_else_is_refused(
    forms: Path, name: str, text: str, what: str, *, by_path: bool
) -> None:
    """Whether the folder is checked, or one form in it."""
    (forms / name).write_text(text)
    code, output = said(*([str(forms / "loket.yaml")] if by_path else []))
    assert code == 1, output
    assert f"onboardings/gent/{name}:1:1: {what}" in output
    assert str(_KEY.as_dict(private=True)["d"]) not in output


def test_evidence_of_no_form_here_is_refused(forms: Path) -> None:
    write_evidence(forms, new_key("x").as_dict(private=True), application="elders")
    assert 'this is evidence of "elders", and no form here is of that application' in said()[1]


@pytest.mark.parametrize("char", ["\u2028", "\u2029", "\x85"])
def test_a_line_that_no_diff_shows_is_refused(forms: Path, char: str) -> None:
    """In a comment it begins a line that YAML reads."""
    form = forms / "loket.yaml"
    form.write_text(f"# a comment{char}retire: 2020-03-31\n{form.read_text()}")
    code, output = said()
    assert code == 1
    assert (
        f"the file has U+{ord(char):04X} in line 1, where YAML begins a line and no diff shows one;"
        " take it out" in output
    )


def test_a_code_of_another_organisation_is_seen_where_one_form_is_checked(forms: Path) -> None:
    other = forms.parent / "andere"
    other.mkdir()
    (other / "organisation.yaml").write_text("name: Andere\novo: OVO002067\n")
    code, output = said(str(forms / "loket.yaml"))
    assert code == 1, output
    assert output.startswith("onboardings/gent/organisation.yaml:")
    assert "OVO002067 is the code of onboardings/andere too" in output


@pytest.mark.parametrize("text", ["application: [\n", "application: Loket!\n"])
def test_evidence_of_a_form_that_cannot_be_read_stays(forms: Path, text: str) -> None:
    """Whoever did what a sentence about it says would lose it: the form is what is wrong."""
    write_evidence(forms, new_key("x").as_dict(private=True), application="loket")
    (forms / "loket.yaml").write_text(text)
    code, output = said()
    assert code == 1
    assert "onboardings/gent/loket.yaml:" in output
    assert "this is evidence of" not in output
