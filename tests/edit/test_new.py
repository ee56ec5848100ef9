"""``acmidm new``: what it writes is valid, or nothing is written; and no file that exists
changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm_onboarding.files import write_once
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.texts.page import SENTENCES
from tests.support.engine import ROOT
from tests.support.terminal import contents, descriptor, typed
from tests.support.workspace import Workspace

CATALOGUE = load_catalogue(ROOT / "catalogue")
FIRST = (
    "--organisation",
    "gent",
    "--application",
    "loket",
    "--contact",
    "loket@stad-gent.example",
    "--product",
    "notificaties",
)
NUMBERED = ("--set", "notificaties.product_ids=10244")
NEW = ("--organisation", "Stad Brugge", "--ovo", "OVO001234", *FIRST[2:], *NUMBERED)
WRITTEN = """\
# yaml-language-server: $schema=../../schema/onboarding.schema.json
#
# Het aansluitingsformulier. Wat elke regel betekent, staat in docs/forms.md; de scopes en producten in docs/catalogue.md.
application: loket
contacts: [loket@stad-gent.example]
platforms: [acmidm]
token_endpoint_auth_method: private_key_jwt

# Eerst de testomgeving (TNI). Na de validatie voegt "acmidm promote FORMULIER --write" productie toe (prod).
environments:
  tni:
    # Zonder jwks laadt u de publieke sleutel zelf op in het Beheerportaal (stap 5), of zet u ze hier met: acmidm keys new
    scopes:
      dv_notificaties_import: {}
    products:
      notificaties:
        merk_code: stad-gent
        product_ids: ["10244", "10245"]
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def new(*arguments: str) -> Result:
    return run("new", *arguments)


def refused(*arguments: str) -> list[str]:
    """The sentences of a refusal, which leaves everything as it was."""
    before = contents()
    result = new(*arguments)
    assert (result.exit_code, contents()) == (2, before), result.output
    return result.stderr.splitlines()


@pytest.fixture
def real(workspace: Workspace) -> Workspace:
    """The catalogue that there is, and stacks; the organisation beside it has nobody to speak
    for."""
    workspace.offer(ROOT / "catalogue")
    (workspace.forms / "gent/mijn-gent.yaml").unlink()
    workspace.write_organisation("name: Stad Gent\novo: OVO002067\n")
    for environment in ("tni", "prod"):
        workspace.write(
            f"Pulumi.{environment}.yaml",
            f"config: {{acmidm:environment: {environment}, acmidm:profile: fapi2}}\n",
        )
    return workspace


def test_a_form_beside_others_of_an_organisation(workspace: Workspace) -> None:
    """What its organisation may say alone is taken from there; the file is as the samples are;
    nothing else changes."""
    before = contents()
    result = new(*FIRST, "--set", "notificaties.product_ids=10244,10245")
    assert result.exit_code == 0, result.output
    file = "onboardings/gent/loket.yaml"
    assert Path(file).read_text() == WRITTEN
    assert contents() == before | {file: WRITTEN.encode()}
    assert workspace.sentences() == []
    assert result.stdout.splitlines()[:2] == [
        f"Geschreven: {file}. Alles is geldig.",
        (
            "De naam van deze scopes is nog niet bevestigd door Digitaal Vlaanderen: dv_notificaties_import. "
            "Uw formulier verandert daardoor niet."
        ),
    ]
    assert f"acmidm keys new {file} --environment tni" in result.stdout


@pytest.mark.parametrize(
    "words", ["gent", "OVO002067", "0207.451.227", "0207451227", "STAD GÊNT", "ovo002067"]
)
def test_an_organisation_is_found_by_folder_code_or_name(workspace: Workspace, words: str) -> None:
    result = new("--organisation", words, *FIRST[2:], *NUMBERED)
    assert result.exit_code == 0, result.output
    assert Path("onboardings/gent/loket.yaml").exists()
    assert workspace.sentences() == []


def test_a_new_organisation_gets_its_file(workspace: Workspace) -> None:
    """With under which names its form sends; its language is that of what is said; and who approves
    its forms is to be written anew."""
    workspace.write("pyproject.toml", '[tool.acmidm]\nonboarding_team = "@team/onboarding"\n')
    result = new(
        *NEW,
        "--set",
        "notificaties.merk_code=stad-brugge",
        "--owner",
        "@brugge/api",
        "--language",
        "en",
        "--kbo",
        "0207.437.468",
    )
    assert result.exit_code == 0, result.output
    assert yaml.safe_load(Path("onboardings/stad-brugge/organisation.yaml").read_text()) == {
        "name": "Stad Brugge",
        "ovo": "OVO001234",
        "kbo": "0207.437.468",
        "owners": ["@brugge/api"],
        "speaks_for": {"merk_code": ["stad-brugge"]},
        "language": "en",
    }
    assert workspace.sentences() == []
    assert "Also run acmidm schema" in result.stdout
    assert (
        "# The test environment (TNI) first."
        in Path("onboardings/stad-brugge/loket.yaml").read_text()
    )


@pytest.mark.usefixtures("workspace")
def test_whose_names_a_new_organisation_claims_is_said() -> None:
    """All that it may then say, and what of that is another's: in the language of its author."""
    said = new(*NEW, "--set", "notificaties.merk_code=stad-gent").stdout
    assert "stad-brugge is nieuw, en mag door zijn organisation.yaml spreken als" in said
    assert "stad-brugge zou in naam van een ander spreken: merk_code stad-gent, van gent;" in said


def test_what_an_ovo_code_tells_is_proposed(real: Workspace) -> None:
    """By the catalogue: the URI of an organisation."""
    assert new(*NEW, "--set", "notificaties.merk_code=brugge").exit_code == 0
    form = yaml.safe_load((real.forms / "stad-brugge/loket.yaml").read_text())
    uri = form["environments"]["tni"]["products"]["notificaties"]["aanbieder_uri"]
    assert uri == "https://data.vlaanderen.be/id/organisatie/OVO001234"


@pytest.mark.usefixtures("workspace")
def test_all_that_is_missing_is_in_one_error() -> None:
    missing = ["--organisation TEXT", "--product NAME", "--application", "--contact"]
    assert [line.partition(":")[0] for line in refused()] == missing
    found = refused("--organisation", "gent", "--product", "dosis,notificaties")
    assert [line.partition(":")[0] for line in found] == [
        *missing[2:],
        "--set dosis.bron_uri",
        "--set notificaties.product_ids",
    ]
    assert found[-1].endswith("give IPDC numbers in quotes")


def test_a_folder_or_a_form_of_any_name_changes_nothing_of_what_is_missing(
    workspace: Workspace,
) -> None:
    """What stands for an organisation that is not named yet takes nobody's place."""
    said = refused()
    for number, name in enumerate(("x", "form", "nobody"), 1):
        workspace.write_organisation(f"name: {name}\novo: OVO00000{number}\n", name)
    assert refused() == said


@pytest.mark.usefixtures("workspace")
def test_all_that_is_wrong_is_in_one_error() -> None:
    found = refused(
        *(
            "--organisation",
            "gent",
            "--application",
            "mijn-gent",
            "--contact",
            "x",
            "--product",
            "notificates,dosis",
        ),
        *(
            "--scope",
            "dv_register_leze, dv_notificaties_schrijven",
            "--set",
            "x",
            "--set",
            "dosis.bron=1",
            "--set",
            "dosis.bron_uri=urn://aalst/x",
        ),
        *("--language", "fr", "--name", "Gent", "--ovo", "OVO000001"),
    )
    assert found == [
        '--language: "fr" is none of them; choose from en, nl',
        '--set: "x" is not PRODUCT.FIELD=VALUE; write one such as notificaties.merk_code=stad-gent',
        (
            '--name: gent is "Stad Gent" here, and not "Gent": see whether it is the same organisation; if so, leave'
            " the option out"
        ),
        (
            '--ovo: gent has "OVO002067" and not "OVO000001": see which is right; give what it has, or have the team that'
            " runs onboarding change its organisation.yaml"
        ),
        (
            "--application: onboardings/gent/mijn-gent.yaml exists already, and is left as it is; edit it, or name"
            " another application"
        ),
        '--contact: "x" is not an e-mail address; write one such as api-beheer@stad.example',
        '--scope: scope "dv_register_leze" is not in the catalogue; did you mean "dv_register_lezen"?',
        '--scope: scope "dv_notificaties_schrijven" is not in the catalogue; did you mean "dv_notificaties_import"?',
        '--product: product "notificates" is not in the catalogue; did you mean "notificaties"?',
        (
            '--set dosis.bron_uri: dosis, bron_uri is "urn://aalst/x", for which Stad Gent does not speak; use what'
            ' begins with "urn://gent/"; the onboarding team adds others under speaks_for in'
            " onboardings/gent/organisation.yaml"
        ),
        '--set dosis.bron: dosis: unknown field "bron"; did you mean "bron_uri"?',
    ]
    [sentence] = refused(*FIRST, *NUMBERED, "--set", "proef.x=1")
    assert sentence.startswith('--product: product "proef" is configured, but none of its scopes')


def test_what_an_organisation_may_not_say_yet_is_named(workspace: Workspace) -> None:
    """Its file is never changed: the team that runs onboarding adds the value first."""
    workspace.write_organisation("name: Stad Gent\novo: OVO002067\n")
    workspace.write_form(
        "application: mijn-gent\ncontacts: [a@b.example]\nenvironments: {tni: {}}\n"
    )
    assert refused(*FIRST, *NUMBERED) == [
        '--set notificaties.merk_code: notificaties: "merk_code" is missing; give the brand\'s code'
    ]


def test_a_second_form_or_organisation_is_refused_as_a_whole(workspace: Workspace) -> None:
    """What only shows beside the other forms: the application of another file, the code of another
    folder, a name that looks like one."""
    workspace.write_form(
        "application: loket\ncontacts: [a@b.example]\nenvironments: {tni: {}}\n", "gent/other"
    )
    [sentence] = refused(*FIRST, *NUMBERED)
    assert sentence.startswith(
        "not written: onboardings/gent/other.yaml: onboardings/gent/loket.yaml is already the form of loket; "
    )
    own = ("--set", "notificaties.merk_code=x")
    [sentence] = refused("--organisation", "OVO001234", "--name", "Stad Ģent", *NEW[4:], *own)
    assert 'looks like "Stad Gent" in onboardings/gent/organisation.yaml' in sentence
    assert refused("--organisation", "Provincie", *NEW[4:], *own) == [
        '--organisation: "Provincie" alone names no organisation here; give its OVO code, or a KBO number of its own',
    ]
    assert refused("--organisation", "Stad Gant", *NEW[4:], *own) == [
        (
            '--organisation: "Stad Gant" names no organisation here; did you mean "Stad Gent"? A new one needs its OVO code, or'
            " a KBO number of its own"
        ),
    ]


def test_of_several_scopes_only_those_that_are_named(real: Workspace) -> None:
    wanted = (*FIRST[:-1], "metadata")
    [sentence] = refused(*wanted)
    assert (
        sentence
        == "--scope NAME: is missing; give those of metadata that are needed: dv_metadata_read, dv_metadata_write"
    )
    assert new(*wanted, "--scope", "dv_metadata_read").exit_code == 0
    assert list(
        yaml.safe_load((real.forms / "gent/loket.yaml").read_text())["environments"]["tni"][
            "scopes"
        ]
    ) == ["dv_metadata_read"]


VALUES = {
    "aanbieder_uri": "https://brugge.example/id",
    "bron_uri": "urn://brugge/loket",
    "test_url": "https://test.brugge.example",
    "product_ids": "10244,10255",
}


@pytest.mark.usefixtures("real")
def test_each_product_of_the_catalogue_can_be_made() -> None:
    """By a new organisation, with all of its scopes; what it asks is there in Dutch."""
    for number, product in enumerate(CATALOGUE.products.values()):
        required = (product.configuration or {}).get("required", ())
        fields = [f"{product.product}.{name}={VALUES.get(name, 'brugge')}" for name in required]
        scopes = [name for name, scope in product.scopes.items() if "tni" in scope.environments]
        result = new(
            *(
                "--organisation",
                f"Organisatie {product.title}",
                "--ovo",
                f"OVO9{number:05}",
                "--application",
                "loket",
            ),
            *("--contact", "a@b.example", "--product", product.product),
            *(part for scope in scopes for part in ("--scope", scope)),
            *(part for field in fields for part in ("--set", field)),
        )
        assert result.exit_code == 0, result.output
        assert all(f"new.field.{field.partition('=')[0]}" in SENTENCES for field in fields)
    assert run("validate").stdout.startswith(
        f"{len(CATALOGUE.products)} forms, {len(CATALOGUE.products)} connections: all valid"
    )


HOSTILE = st.one_of(
    st.sampled_from(
        [
            "null",
            "true",
            "~",
            "- x",
            "a: b",
            "#x",
            "x #y",
            "!!python/none",
            "&a",
            "*a",
            "{",
            "[a]",
            "|",
            ">",
            "%x",
            "@x",
            "`",
        ]
    ),
    st.sampled_from(
        [
            "a\u202eb",
            "a\u200bb",
            "a\x1bb",
            "a\nb: c",
            "a\r\nb",
            "'",
            '"',
            "\\",
            "${{ x }}",
            "::error::x",
            "../x",
            "{0}",
            "é",
        ]
    ),
    st.text(max_size=30).filter(lambda text: "\0" not in text),
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_whatever_is_answered_what_is_written_is_valid(
    workspace: Workspace, data: st.DataObject
) -> None:
    """And where something is wrong nothing is written, with a sentence a line, in which nothing
    moves a terminal's cursor."""

    def either(usual: str) -> str:
        return data.draw(st.one_of(st.just(usual), st.just(usual), st.just(usual), HOSTILE))

    before = contents()
    arguments = [
        "--organisation",
        either("stad-brugge"),
        "--name",
        either("Stad Brugge (West-Vlaanderen)"),
        "--ovo",
        either("OVO001234"),
    ]
    arguments += [
        "--application",
        either("loket"),
        "--contact",
        either("a@b.example"),
        "--product",
        "notificaties",
        "--product",
        "dosis",
    ]
    arguments += [
        f"--set=notificaties.product_ids={either('10244')}",
        f"--set=notificaties.merk_code={either('brugge')}",
    ]
    arguments += [
        f"--set=dosis.bron_uri={either('urn://brugge/x')}",
        f"--set={either('notificaties.choices')}={either('info')}",
    ]
    result = new(*arguments)
    assert result.exit_code in (0, 2), result.output
    assert all(line.isprintable() for line in result.output.splitlines())
    made = contents().keys() - before.keys()
    if result.exit_code == 2:
        assert contents() == before
    else:
        assert len(made) == 2
        assert workspace.sentences() == []
        form: Any = yaml.safe_load(
            next(Path(file).read_text() for file in made if "organisation.yaml" not in file)
        )
        assert form["application"] == arguments[7]
        for file in made:
            Path(file).unlink()
        Path(next(iter(made))).parent.rmdir()


@pytest.mark.usefixtures("workspace")
def test_a_private_key_is_not_repeated() -> None:
    key = "-----BEGIN PRIVATE KEY-----MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
    for place in ("--application", "--contact", "--scope"):
        assert "MIGHAgEAMBMG" not in "".join(refused(*FIRST, *NUMBERED, place, key))
    assert "MIGHAgEAMBMG" not in "".join(
        refused(*FIRST, "--set", f"notificaties.product_ids={key}")
    )


@pytest.mark.usefixtures("workspace")
def test_what_appears_meanwhile_is_left_and_nothing_else_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The organisation's file was written by then: it goes again, with its folder's other content
    left as it is."""
    form = Path("onboardings/stad-brugge/loket.yaml")

    def racing(file: Path, text: str, mode: int) -> None:
        if file.name == form.name:
            form.write_text("another")
        write_once(file, text, mode)

    monkeypatch.setattr("acmidm_onboarding.files.write_once", racing)
    result = new(*NEW, "--set", "notificaties.merk_code=brugge")
    assert (result.exit_code, form.read_text()) == (2, "another"), result.output
    assert "loket.yaml exists already, and is left as it is" in result.stderr
    assert [file.name for file in form.parent.iterdir()] == ["loket.yaml"]


def test_from_an_empty_folder_to_production(real: Workspace) -> None:
    """A new form, its key, its production part and that one's key: each step's file is the next
    one's, and all of it is valid."""
    for file in [*real.forms.rglob("*.*")]:
        file.unlink()
    (real.forms / "gent").rmdir()
    real.forms.rmdir()
    assert new(*NEW, "--set", "notificaties.merk_code=brugge").exit_code == 0
    form, comments = Path("onboardings/stad-brugge/loket.yaml"), 5
    for environment in ("tni", "prod"):
        file = real.root.parent / f"{real.root.name}-{environment}.pem"
        passphrase = str(descriptor("correct horse battery staple"))
        made = run(
            "keys",
            "new",
            str(form),
            "--environment",
            environment,
            "--private-key",
            str(file),
            "--passphrase-fd",
            passphrase,
        )
        assert made.exit_code == 0, made.output
        if environment == "tni":
            written = run("promote", str(form), "--write")
            assert written.exit_code == 0, written.output
            assert f"acmidm keys new {form} --environment prod" in written.stdout
    document = yaml.safe_load(form.read_text())["environments"]
    keys = {environment: document[environment].pop("jwks") for environment in document}
    assert keys["tni"] != keys["prod"]
    assert document["tni"] == document["prod"]
    assert form.read_text().count("#") == comments
    assert run("validate").stdout.startswith("1 form, 2 connections: all valid")


@pytest.mark.tool
@pytest.mark.usefixtures("workspace")
def test_on_a_terminal_it_asks_nothing() -> None:
    """What is missing is said at once there too; it is the page of ``acmidm form`` that asks."""
    before = contents()
    shown = typed(["new", "--product", "dosis"])
    missing = ("--organisation TEXT", "--application", "--contact")
    assert [line.partition(":")[0] for line in shown.splitlines()][:3] == list(missing)
    assert contents() == before
