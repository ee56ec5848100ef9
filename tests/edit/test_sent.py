"""``acmidm new --from``: what the page of the form makes becomes a change of the forms, or a text
for its sender."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from typer.testing import CliRunner

from acmidm.cli import app
from tests.support.broken_content import content, mutated
from tests.support.secret_texts import SECRETS, pieces
from tests.support.sent_file import FILE, KEY, OTHER, of_gent, sent, take_in
from tests.support.terminal import contents
from tests.support.workspace import WITHOUT_KEYS, Workspace, private_key


def refused(document: object) -> str:
    """Both texts of a refusal, which leaves everything as it was."""
    result = take_in(document)
    after = contents()
    assert result.exit_code == 2, result.output
    assert all(line.isprintable() for line in result.output.splitlines())
    assert not any("brugge" in name for name in after)
    return result.stdout + result.stderr


def form(name: str) -> Any:
    return yaml.safe_load(Path(f"onboardings/{name}.yaml").read_text())


def test_a_new_organisation_gets_its_folder_form_and_key(workspace: Workspace) -> None:
    """Names of key files are ours; what the sender may say is what its own values say; all of it is
    valid."""
    result = take_in(sent())
    assert result.exit_code == 0, result.output
    assert form("stad-brugge/organisation") == {
        "name": "Stad Brugge",
        "ovo": "OVO001234",
        "kbo": "0207437468",
        "speaks_for": {"merk_code": ["brugge"]},
    }
    [name] = form("stad-brugge/loket")["environments"]["tni"]["jwks"]
    assert name.startswith("loket-tni-")
    assert json.loads((workspace.forms / "stad-brugge" / name).read_text()) == KEY
    assert form("stad-brugge/loket")["environments"]["tni"]["scopes"] == {
        "dv_notificaties_import": {"reason": "dossiers"}
    }
    assert workspace.sentences() == []


def test_a_scope_a_product_and_a_key_are_added_and_nothing_else_changes(
    workspace: Workspace,
) -> None:
    """Comments and order stay; a field of a product changes; a contact comes to those there are.
    Sent again, it is nothing new."""
    old = (
        (workspace.forms / "gent/mijn-gent.yaml")
        .read_text()
        .replace("  prod:", "  # production\n  prod:", 1)
    )
    workspace.write_form(old)
    document = of_gent(
        jwks=["loket.jwk.json"],
        scopes={"dv_register_lezen": {"reason": "nieuw"}, "dv_dosis_schrijven": {}},
        products={
            "notificaties": {"merk_code": "stad-gent", "product_ids": ["10299"], "link": "x"}
        },
    )
    result = take_in(document)
    assert result.exit_code == 0, result.output
    new = (workspace.forms / "gent/mijn-gent.yaml").read_text()
    year = next(iter(workspace.forms.glob("gent/mijn-gent-tni-*.jwk.json"))).name
    assert new == (
        old.replace(
            "contacts: [api-beheer@stad-gent.example]",
            "contacts: [api-beheer@stad-gent.example, loket@brugge.example]",
        )
        .replace("[tni.jwk.json]", f"[tni.jwk.json, {year}]")
        .replace(
            "reference: SD-4711}\n",
            "reference: SD-4711}\n      dv_register_lezen: {reason: nieuw}\n",
            1,
        )
        .replace('["10244", "10245"]\n', "['10299']\n        link: x\n", 1)
    )
    assert workspace.sentences() == []
    assert "Stad Gent exists already" in result.stdout
    assert "mijn-gent.yaml has all of it already" in take_in(document).stdout
    assert (workspace.forms / "gent/mijn-gent.yaml").read_text() == new


def test_production_of_a_form_on_tni(workspace: Workspace) -> None:
    workspace.write_form(
        (workspace.forms / "gent/mijn-gent.yaml").read_text().partition("  prod:")[0]
    )
    result = take_in(of_gent(environment="prod", scopes={"dv_register_lezen": {}}))
    assert result.exit_code == 0, result.output
    assert form("gent/mijn-gent")["environments"]["prod"] == {"scopes": {"dv_register_lezen": {}}}


def test_keys_in_the_portal_leave_once_the_form_names_one(workspace: Workspace) -> None:
    """Which whoever takes the file in is told."""
    workspace.write_form(WITHOUT_KEYS)
    result = take_in(of_gent(jwks=["loket.jwk.json"]))
    assert result.exit_code == 0, result.output
    assert "one that was uploaded in the portal and is not here goes" in result.stdout


def test_what_is_there_of_an_organisation_stays(workspace: Workspace) -> None:
    """Another name, number or right is said, and not taken over."""
    before = (workspace.forms / "gent/organisation.yaml").read_bytes()
    document = of_gent("nieuw", scopes={"dv_register_lezen": {}})
    result = take_in(
        {
            **document,
            "organisation": {"name": "Stad Gentt", "ovo": "OVO002067", "kbo": "0207437468"},
        }
    )
    assert result.exit_code == 0, result.output
    assert (workspace.forms / "gent/organisation.yaml").read_bytes() == before
    assert 'gent is "Stad Gent" here, and not "Stad Gentt": see' in result.stdout
    assert 'gent has "0207451227" and not "0207437468": see which is right\n' in result.stdout


@pytest.mark.usefixtures("workspace")
def test_a_value_that_is_not_allowed_yet_is_for_the_team() -> None:
    """The sender gets no mail about it."""
    products = {"notificaties": {"merk_code": "stad-aalst", "product_ids": ["10244"]}}
    result = take_in(of_gent("nieuw", scopes={"dv_notificaties_import": {}}, products=products))
    assert (result.exit_code, result.stdout) == (2, "")
    assert 'merk_code is "stad-aalst", for which Stad Gent does not speak' in result.stderr


def test_several_files_are_taken_in_together_or_not_at_all(workspace: Workspace) -> None:
    """Two of one new organisation, of which one is wrong first; a third has another key for the
    first."""
    take = ["new", "--from", "een.yaml", "--from", "twee.yaml"]
    Path("een.yaml").write_text(yaml.safe_dump(sent()))
    wrong = sent(application="twee", environments={"tni": {"scopes": {"dv_register_leze": {}}}})
    Path("twee.yaml").write_text(yaml.safe_dump(wrong))
    before = contents()
    result = CliRunner().invoke(app, take)
    assert (result.exit_code, contents()) == (2, before), result.output
    assert (
        '- Scopes: scope "dv_register_leze" staat niet in de catalogus; bedoelt u'
        ' "dv_register_lezen"?' in result.stdout
    )
    Path("twee.yaml").write_text(Path("twee.yaml").read_text().replace("leze:", "lezen:"))
    Path("drie.yaml").write_text(yaml.safe_dump({**sent(), "keys": {"loket.jwk.json": OTHER}}))
    result = CliRunner().invoke(app, [*take, "--from", "drie.yaml"])
    assert result.exit_code == 0, result.output
    assert len(form("stad-brugge/loket")["environments"]["tni"]["jwks"]) == 2
    assert all(form(f"stad-brugge/{name}") for name in ("loket", "twee"))
    assert workspace.sentences() == []


@pytest.mark.usefixtures("workspace")
def test_a_mail_is_in_the_senders_language_and_in_words_of_the_page() -> None:
    """To whom, what about, each mistake with the field's name, and what to do; the team reads the
    same in its own."""
    document = sent(contacts=["niemand"], application="Het Loket")
    document["organisation"]["kbo"] = "0207.437.469"
    said = refused(document)
    mail, team = said.split("aansluiting-loket.yaml:", 1)
    assert mail.splitlines() == [
        "Onderwerp: Uw aansluitingsformulier voor Het Loket",
        "",
        "Beste,",
        "",
        "We kunnen uw formulier nog niet verwerken. Dit is nog niet duidelijk:",
        (
            '- KBO-nummer: KBO-nummer "0207.437.469" heeft controlecijfers 69 waar 68 hoort; kijk'
            " het nummer na op een tikfout"
        ),
        (
            '- Korte naam van de applicatie: "Het Loket" is geen naam van een applicatie; gebruik'
            " kleine letters, cijfers en enkele koppeltekens, hoogstens 64"
        ),
        (
            '- E-mailadressen van het team: "niemand" is geen e-mailadres; schrijf er een zoals'
            " api-beheer@stad.example"
        ),
        "",
        (
            "Open het bestand op de pagina van het aansluitingsformulier, verbeter het, en mail ons"
            " het nieuwe bestand."
        ),
        "",
        "Met vriendelijke groeten",
        "Digitaal Vlaanderen",
        "",
    ]
    assert 'KBO number: KBO number "0207.437.469" has check digits 69 where 68 is due' in team
    products = {"notificaties": {"merk_code": "Brugge!", "product_ids": []}}
    request = {"scopes": {"dv_notificaties_import": {}}, "products": products}
    english = sent(environments={"tni": request})
    english["organisation"]["language"] = "en"
    said = refused(english)
    assert said.startswith("To: loket@brugge.example\nSubject: Your connection form for loket\n")
    assert (
        "- notificaties, Products: notificaties, product_ids has too few items; give IPDC numbers"
        " in quotes" in said
    )


@pytest.mark.usefixtures("workspace")
def test_a_misspelt_name_is_read_as_what_was_meant() -> None:
    """By which the mail is in the sender's language, and about the application."""
    document = sent()
    document["organisation"]["language"] = "en"
    document["organisaton"] = document.pop("organisation")
    document["form"]["aplication"] = document["form"].pop("application")
    said = refused(document)
    assert "Subject: Your connection form for loket" in said
    assert 'unknown field "aplication"; did you mean "application"?' in said


BEYOND: dict[str, Callable[[dict[str, Any]], object]] = {
    "owners": lambda one: one["organisation"].update(owners=["@evil/team"]),
    "speaks_for": lambda one: one["organisation"].update(speaks_for={"merk_code": ["stad-gent"]}),
    "formerly": lambda one: one["organisation"].update(formerly="OVO002067"),
    "adopts": lambda one: one["organisation"].update(adopts=["x"]),
    "adopt": lambda one: one["form"]["environments"]["tni"].update(adopt={"acmidm": "x"}),
    "exemptions": (
        lambda one: one["form"].update(
            exemptions={"promotion-gate": {"reason": "x", "reference": "y"}}
        )
    ),
    "retire": lambda one: one["form"].update(retire={"on": "2027-03-31", "keep": True}),
    "platforms": lambda one: one["form"].update(platforms=["acmidm", "geosecure"]),
    "jwks_uri": (
        lambda one: one["form"]["environments"]["tni"].update(
            jwks_uri="https://keys.brugge.example/jwks"
        )
    ),
    "attributes": lambda one: one["form"]["environments"]["tni"].update(attributes={"x": "y"}),
    "compromised": (
        lambda one: one["form"]["environments"]["tni"].update(
            jwks=[{"file": "loket.jwk.json", "compromised": True}]
        )
    ),
    "default": (
        lambda one: one["form"]["environments"]["tni"]["scopes"]["dv_notificaties_import"].update(
            default=True
        )
    ),
    "other": lambda one: one.update(other=1),
}


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("name", BEYOND)
def test_no_sender_decides_more_than_the_page_can_say(name: str) -> None:
    """Rights, take-overs, exemptions: of a form and of an organisation that is new, too."""
    document = sent()
    BEYOND[name](document)
    assert f'onbekend veld "{name}"' in refused(document)


def test_a_product_without_a_value_yet_gets_one(workspace: Workspace) -> None:
    """Behind whose name a form may have nothing."""
    request = "    scopes: {dv_proef: }\n    products:\n      proef: # nothing yet\n"
    workspace.write_form(
        f"application: nieuw\ncontacts: [a@b.example]\nenvironments:\n  tni:\n{request}",
        "gent/nieuw",
    )
    result = take_in(of_gent("nieuw", scopes={"dv_proef": {}}, products={"proef": {"x": "y"}}))
    assert result.exit_code == 0, result.output
    assert form("gent/nieuw")["environments"]["tni"]["products"] == {"proef": {"x": "y"}}


CLAIMS: dict[str, dict[str, Any]] = {
    "a name that looks like another's": {"name": "Stad Ģent", "ovo": "OVO001234"},
    "a name that another has": {"name": "Stad Gent", "ovo": "OVO001234"},
    "the folder of another": {"name": "Gent", "ovo": "OVO001234"},
    "no code": {"name": "Stad Brugge"},
}


@pytest.mark.parametrize("name", CLAIMS)
def test_no_new_organisation_is_taken_for_another(workspace: Workspace, name: str) -> None:
    """Nor one that nothing identifies: the loader of forms says so."""
    assert workspace.sentences() == []
    document = of_gent("nieuw", scopes={"dv_register_lezen": {}})  # which anybody may ask for
    assert refused({**document, "organisation": CLAIMS[name]})


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("name", SECRETS)
def test_a_key_or_token_in_any_place_is_refused_and_not_repeated(name: str) -> None:
    """Also the private half where the public one belongs. The sender reads that it is shared
    now."""
    document = sent()
    places: list[Callable[[dict[str, Any]], object]] = [
        lambda one: one["organisation"].update(name=SECRETS[name]),
        lambda one: one["form"].update(contacts=[SECRETS[name]]),
        lambda one: one["form"]["environments"]["tni"]["scopes"].update({SECRETS[name]: {}}),
        lambda one: one["form"]["environments"]["tni"]["products"]["notificaties"].update(
            merk_code=SECRETS[name]
        ),
        lambda one: one["form"]["environments"]["tni"].update(jwks=[SECRETS[name]]),
        lambda one: one["keys"].update({SECRETS[name]: dict(KEY)}),
        lambda one: one.update(keys={"loket.jwk.json": private_key("sent", kty="EC", crv="P-256")}),
        lambda one: one["keys"]["loket.jwk.json"].update(d="c2hvcnQtc2VjcmV0"),
    ]
    for place in places:
        document = sent()
        place(document)
        said = refused(document)
        assert not [part for part in pieces(SECRETS[name]) if part in said]
        assert str(private_key("sent", kty="EC", crv="P-256")["d"]) not in said
        assert "Maak ook een nieuw sleutelpaar" in said


@pytest.mark.usefixtures("workspace")
def test_a_file_says_all_by_itself_and_is_one_of_the_page() -> None:
    assert "--from takes all from the file" in take_in(sent(), "--organisation", "gent").stderr
    assert (
        "aansluiting.txt: is no file that is read here"
        in take_in(sent(), file="aansluiting.txt").stderr
    )
    assert "weg.yaml" in CliRunner().invoke(app, ["new", "--from", "weg.yaml"]).stderr


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    mutated(sent()).map(
        lambda one: yaml.safe_dump(one, allow_unicode=True).encode("utf-8", "replace")
    )
    | content
)
def test_whatever_is_sent_is_taken_in_or_refused_in_sentences(
    workspace: Workspace, data: bytes
) -> None:
    """What is written is valid, and in a folder of its own; what is refused changes nothing."""
    Path(FILE).write_bytes(data)
    before = contents()
    result = CliRunner().invoke(app, ["new", "--from", FILE])
    assert result.exit_code in (0, 2), (result.output, result.exception)
    assert all(line.isprintable() for line in result.output.splitlines())
    made = {name: content for name, content in contents().items() if before.get(name) != content}
    assert bool(made) is (result.exit_code == 0)
    assert workspace.sentences() == []
    for name in made:
        assert name not in before
        Path(name).unlink()
    for folder in {Path(name).parent for name in made}:
        folder.rmdir()
