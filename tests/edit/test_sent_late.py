"""``acmidm new --from``: a mailed file of a form that has changed since, or has all of it already,
and what is not for its sender at all."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.edit.changes import Changes, reading
from acmidm.edit.new.intake import SentFiles
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.values.problems import Failure, Problem
from acmidm_onboarding.values.terms import Environment
from tests.support.rsa_keys import rsa_private_key
from tests.support.secret_texts import SECRETS, pieces
from tests.support.sent_file import FILE, KEY, of_gent, sent, take_in
from tests.support.terminal import contents
from tests.support.workspace import FORM, Workspace, private_key

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


@pytest.mark.usefixtures("workspace")
def test_a_mail_is_only_named_where_there_is_one() -> None:
    """What the team has to do is no matter of the sender, who has nothing to correct."""
    products = {"dosis": {"bron_uri": "urn://aalst/loket"}}
    mail, team = refused(of_gent(scopes={"dv_dosis_schrijven": {}}, products=products))
    assert mail == ""
    assert "for which Stad Gent does not speak" in team
    assert team.endswith(
        "nothing was written, and the sender has nothing to correct: do what is said above, and"
        " take the file in again\n"
    )
    mail, team = refused(of_gent(scopes={"dv_register_leze": {}}))
    assert mail.startswith("Aan: ")
    assert team.endswith("what the sender has to correct is in the text for a mail\n")


@pytest.mark.usefixtures("workspace")
def test_a_file_that_the_operator_mistyped_is_no_mail() -> None:
    """Each of them at once, beside the mail about one that is there; the sender of what is not
    there has no mistake."""
    Path("map.yaml").mkdir()
    Path("ander.txt").write_text("hallo")
    named = ["weg.yaml", "map.yaml", "ander.txt"]
    more = [argument for name in named for argument in ("--from", name)]
    result = CliRunner().invoke(app, ["new", *more])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "weg.yaml: cannot be read: No such file or directory; check its name" in result.stderr
    assert "map.yaml: is a folder or a device, not a file; name a file" in result.stderr
    assert "ander.txt: is no file that is read here" in result.stderr
    result = take_in(of_gent(scopes={"dv_register_leze": {}}), "--from", "weg.yaml")
    assert result.stdout.count("Onderwerp: ") == 1
    assert "weg.yaml: cannot be read" in result.stderr
    assert "in the text for a mail" in result.stderr


@pytest.mark.usefixtures("workspace")
def test_a_draft_is_answered_by_the_application_in_it() -> None:
    """Its file is called otherwise; one without a name yet has none in the subject."""
    draft = {"organisation": {"name": "Stad Gent"}, "form": {"application": "e-loket"}}
    result = take_in(draft, file="aansluiting-e-loket-concept.yaml")
    assert "Onderwerp: Uw aansluitingsformulier voor e-loket\n" in result.stdout
    for application in ("", "x" * 65, *SECRETS.values()):
        draft["form"] = {"application": application}
        result = take_in(draft, file="aansluiting-concept.yaml")
        assert "Onderwerp: Uw aansluitingsformulier\n" in result.stdout


LOCKED = BestAvailableEncryption(b"geheim")
PKCS8, PKCS1 = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL


def encoded(
    kind: PrivateFormat,
    lock: KeySerializationEncryption | None = None,
    encoding: Encoding = Encoding.PEM,
) -> bytes:
    return rsa_private_key("sent").private_bytes(encoding, kind, lock or NoEncryption())


def pkcs12() -> bytes:
    return serialize_key_and_certificates(b"sent", rsa_private_key("sent"), None, None, LOCKED)


JWK_TEXT = json.dumps(private_key("sent", kty="EC", crv="P-256"))
PRIVATE: dict[str, tuple[str, bytes]] = {
    "PKCS#8": ("loket.private.pem", encoded(PKCS8)),
    "PKCS#8, locked": ("loket.pem", encoded(PKCS8, LOCKED)),
    "PKCS#1, locked": ("loket.key", encoded(PKCS1, LOCKED)),
    "PKCS#1, locked, as the form": (
        "aansluiting-loket.yaml",
        encoded(PKCS1, LOCKED),
    ),
    "DER": ("loket.der", encoded(PKCS8, encoding=Encoding.DER)),
    "DER, locked": ("loket.der", encoded(PKCS8, LOCKED, Encoding.DER)),
    "PKCS#12": ("loket.p12", pkcs12()),
    "JSON Web Key": ("loket.private.jwk.json", JWK_TEXT.encode()),
    "JSON Web Key, no YAML": ("loket.yaml", f"sleutel: [{JWK_TEXT}".encode()),
    "as Windows writes it": ("loket.txt", encoded(PKCS8).decode().encode("utf-16")),
}


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("name", PRIVATE)
def test_a_private_key_in_the_place_of_a_form_is_said_to_be_shared(name: str) -> None:
    """Whatever its ending and its format: the team reads it, its sender makes another, and nothing
    of it is repeated."""
    file, content = PRIVATE[name]
    Path(file).write_bytes(content)
    before = contents()
    result = CliRunner().invoke(app, ["new", "--from", file])
    assert (result.exit_code, contents()) == (2, before)
    assert f"{file}: this is a private key or a token; take it out and have another" in (
        result.stderr
    )
    assert "Maak ook een nieuw sleutelpaar, want de private sleutel is nu gedeeld" in result.stdout
    text = content.decode("latin-1").replace("\0", "")
    assert not [part for part in pieces(text) if part in result.output]


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("text", [JWK_TEXT, encoded(PKCS8).decode()], ids=["JWK", "PEM"])
@pytest.mark.parametrize("place", ["{comment}\n{form}", "{form}{comment}"])
def test_a_private_key_in_a_comment_is_said_to_be_shared(place: str, text: str) -> None:
    """No field has it, so that the file was taken in without a word about it."""
    comment = "\n".join(f"# {line}" for line in text.splitlines())
    mail, for_team = refused(place.format(form=yaml.safe_dump(sent()), comment=comment))
    assert f"{FILE}: a comment is a private key or a token; take it out" in for_team
    assert "Maak ook een nieuw sleutelpaar, want de private sleutel is nu gedeeld" in mail
    assert "loket" in mail
    assert not [part for part in pieces(text) if part in mail + for_team]


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("content", [b"hallo", json.dumps(KEY).encode(), b"\x30\x03\x02\x01\x03"])
def test_what_is_no_private_key_is_not_said_to_be_one(content: bytes) -> None:
    Path("loket.json").write_bytes(content)
    result = CliRunner().invoke(app, ["new", "--from", "loket.json"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "loket.json: is no file that is read here" in result.stderr


def test_what_a_form_has_already_is_neither_written_nor_listed(workspace: Workspace) -> None:
    """Nor is there anything to commit then."""
    document = of_gent(jwks=["loket.jwk.json"], **REGISTER)
    first = take_in(document)
    assert first.exit_code == 0, first.output
    assert "ommit these files" in first.stdout
    form = workspace.forms / "gent/mijn-gent.yaml"
    os.utime(form, ns=(1, 1))
    before = contents()
    again = take_in(document)
    assert (again.exit_code, contents()) == (0, before), again.output
    assert form.stat().st_mtime_ns == 1
    assert f"{FILE} changes nothing: onboardings/gent/mijn-gent.yaml has all of it already" in (
        again.stdout
    )
    assert "Written" not in again.stdout
    assert "ommit these files" not in again.stdout


def test_a_form_that_two_files_are_about_is_listed_once(workspace: Workspace) -> None:
    """Also where the second one changes nothing, and where both do."""
    for name, request in (
        ("een.yaml", REGISTER),
        ("twee.yaml", REGISTER),
        ("drie.yaml", {"scopes": {"dv_register_test": {}}}),
    ):
        Path(name).write_text(yaml.safe_dump(of_gent(**request)))
    more = [argument for name in ("twee.yaml", "drie.yaml") for argument in ("--from", name)]
    result = CliRunner().invoke(app, ["new", "--from", "een.yaml", *more])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("Written: onboardings/gent/mijn-gent.yaml. All of it is valid.")
    assert result.stdout.count("twee.yaml changes nothing") == 1
    assert "een.yaml changes nothing" not in result.stdout
    assert "ommit these files" in result.stdout
    scopes = yaml.safe_load((workspace.forms / "gent/mijn-gent.yaml").read_text())
    assert {"dv_register_lezen", "dv_register_test"} < scopes["environments"]["tni"][
        "scopes"
    ].keys()


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("application", ["mijn-gent", "nieuw"])
def test_a_file_is_not_blamed_for_the_mistakes_of_one_before_it(application: str) -> None:
    """Of one form, whether it is there or new: only the sender of the first has to correct
    something."""
    requests = {"een.yaml": {"scopes": {"dv_register_leze": {}}}, "twee.yaml": REGISTER}
    for name, request in requests.items():
        Path(name).write_text(yaml.safe_dump(of_gent(application, **request)))
    before = contents()
    result = CliRunner().invoke(app, ["new", "--from", "een.yaml", "--from", "twee.yaml"])
    assert (result.exit_code, contents()) == (2, before), result.output
    assert 'een.yaml: Scopes: scope "dv_register_leze" is not in the catalogue' in result.stderr
    assert "twee.yaml" not in result.stderr
    assert "has mistakes of its own" not in result.output
    assert result.stdout.count("Onderwerp: ") == 1


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("application", ["mijn-gent", "nieuw"])
def test_nor_for_a_mistake_that_shows_among_all_forms_alone(application: str) -> None:
    """Such as a key that another organisation has. Files that are right, before and after the one
    with the mistake, are about its form too."""
    assert take_in(sent()).exit_code == 0
    requests: dict[str, dict[str, Any]] = {
        "een.yaml": {"scopes": {"dv_register_test": {}}},
        "twee.yaml": {"jwks": ["loket.jwk.json"], **REGISTER},
        "drie.yaml": {"scopes": {"dv_register_lezen": {}, "dv_register_test": {}}},
    }
    for name, request in requests.items():
        Path(name).write_text(yaml.safe_dump(of_gent(application, **request)))
    before = contents()
    named = [argument for name in requests for argument in ("--from", name)]
    result = CliRunner().invoke(app, ["new", *named])
    assert (result.exit_code, contents()) == (2, before), result.output
    assert "twee.yaml: Public key: Stad Gent has the same key as Stad Brugge" in result.stderr
    assert "een.yaml" not in result.stderr
    assert "drie.yaml" not in result.stderr
    assert result.stdout.count("Onderwerp: ") == 1


@pytest.mark.usefixtures("workspace")
def test_an_edit_of_what_is_not_written_is_refused() -> None:
    """A file that adds to the form of one that is left out, of which nothing can be read."""
    read = reading([Path("onboardings")], stacks_in(Path()))
    with pytest.raises(Failure, match="is not there yet; correct what makes"):
        Changes(read).add({Path("onboardings/weg.yaml"): dict.clear})


@pytest.mark.parametrize("code", ["OVO001234", "0207437468"])
def test_a_code_that_an_organisation_had_earlier_is_answered_by_that_of_today(
    workspace: Workspace, code: str
) -> None:
    """It was taken for a new organisation, whose file the mail then named."""
    organisation = (workspace.forms / "gent/organisation.yaml").read_text()
    workspace.write_organisation(f'{organisation}formerly: "{code}"\n')
    mail, team = refused(sent())
    label = "OVO-code" if code.startswith("OVO") else "KBO-nummer"
    assert f'- {label}: gent had vroeger "{code}", en heeft nu "OVO002067"; geef die code' in mail
    assert f'gent had "{code}" earlier, and has "OVO002067" now; give that code' in team
    assert "onboardings/" not in mail + team


def test_a_file_is_placed_anew_where_an_earlier_one_turns_out_to_be_wrong(
    workspace: Workspace,
) -> None:
    """What it changed of the earlier file's part of the form is then not there: it is a whole
    request of its own, and no key of a mapping that is missing. That the key of the earlier file
    is another organisation's shows among all forms alone."""
    assert take_in(sent()).exit_code == 0
    request: dict[str, Any] = {"environment": "prod", "scopes": {"dv_dosis_schrijven": {}}}
    products = {name: {"dosis": {"bron_uri": f"urn://gent/{name}"}} for name in ("one", "two")}
    first = of_gent(**request, jwks=["a"], products=products["one"])
    second = of_gent(**request, products=products["two"])
    Path("first.yaml").write_text(yaml.safe_dump(first))
    Path("second.yaml").write_text(yaml.safe_dump(second))
    read = reading([workspace.forms], stacks_in(Path()))
    intake = SentFiles(workspace.forms, read, read().catalogue)
    taken = intake.take([Path("first.yaml"), Path("second.yaml")])
    assert taken[0].unclear[0].startswith("Public key: Stad Gent has the same key as Stad Brugge")
    assert taken[1].is_right()
    [text] = intake.changes.texts.values()
    assert "bron_uri: urn://gent/two" in text


def test_nothing_is_placed_that_makes_an_earlier_file_wrong(workspace: Workspace) -> None:
    """The reader finds the earlier file's key wrong once the later file is there, which the forms
    of today never are."""
    first = of_gent(jwks=["a"], scopes={"dv_register_lezen": {}})
    Path("first.yaml").write_text(yaml.safe_dump(first))
    Path("second.yaml").write_text(yaml.safe_dump(of_gent(scopes={"dv_register_test": {}})))
    read = reading([workspace.forms], stacks_in(Path()))

    def finding(**among: Any) -> Onboardings:
        found = read(**among)
        [form] = found.forms
        *_, key = form.form.environments[Environment.TNI].jwks or ()
        is_later_there = "dv_register_test" in form.form.environments[Environment.TNI].scopes
        if "paths" in among or key.file == "tni.jwk.json" or not is_later_there:
            return found
        file = form.file.with_name(key.file)
        return replace(found, problems=(Problem(file, 1, 1, "this key is wrong", "make another"),))

    intake = SentFiles(workspace.forms, finding, read().catalogue)
    taken = intake.take([Path("first.yaml"), Path("second.yaml")])
    assert [one.unclear for one in taken] == [[], ["this key is wrong; make another"]]
    assert intake.changes.problems() == []


def test_a_form_that_leaves_gets_nothing(workspace: Workspace) -> None:
    """Nothing more of it would be made: the team decides. What it has already is no mistake, nor is
    a day that is to come."""
    workspace.write_form(f"{FORM}retire: 2020-01-01\n")
    result = take_in(of_gent(**REGISTER))
    assert (result.exit_code, result.stdout) == (2, "")
    leaves = "onboardings/gent/mijn-gent.yaml leaves: nothing more of it is made; take retire out"
    assert f"{FILE}: {leaves}" in result.stderr
    same = of_gent(scopes={"dv_notificaties_import": {}})
    same["form"]["contacts"] = ["api-beheer@stad-gent.example"]
    result = take_in(same)
    assert result.exit_code == 0, result.output
    assert "has all of it already" in result.stdout
    workspace.write_form(f"{FORM}retire: 2999-01-01\n")
    assert take_in(of_gent(**REGISTER)).exit_code == 0
