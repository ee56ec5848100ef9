"""``acmidm promote``: production gets what it lacks, lines that were there stay, and what TNI
cannot tell is named; many forms are written together or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ruamel.yaml.comments import CommentedMap
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm.edit.lines import edited, put_below
from tests.support.terminal import contents
from tests.support.workspace import FORM, MANDATE, Workspace

FILE = "onboardings/gent/mijn-gent.yaml"
ON_TNI = FORM.partition("  prod:")[0]
COMMENTED = (
    ON_TNI.replace("reason: dossiers", 'reason: "dossiers: all"').replace(
        '["10244", "10245"]', '["10244", "10245"] # of IPDC'
    )
    + "        # below\n\n# the day is not known yet\nexemptions: {} # none\n"
)
"""With comments in the middle, behind the last value, and below it."""

PROMOTED = """\
  prod:
    scopes:
      dv_notificaties_import: {}
      dv_dosis_schrijven: {reason: "dossiers: all", reference: SD-4711}
    products:
      notificaties:
        merk_code: stad-gent
        product_ids: ["10244", "10245"]
      dosis:
        bron_uri: urn://gent/mijn-gent
"""
HEADER = """\
product: kop
title: A header
owner: Digitaal Vlaanderen
source: the tests
scopes: {dv_kop: {title: Show, verified: true, source: the tests}}
fields:
  widget_id: {source: the tests, basis: seen, speaks_for: exactly, differs_per_environment: true}
  app_id: {source: the tests, basis: seen}
  production_url: {source: the tests, basis: seen, differs_per_environment: true}
configuration:
  type: object
  additionalProperties: false
  required: [widget_id, app_id]
  properties:
    widget_id: {description: the widget-ID, type: string}
    app_id: {description: the app-ID, type: string}
    production_url: {description: the address of the public site, type: string, pattern: "^https://"}
"""
WITH_HEADER = """\
application: mijn-gent
contacts: [a@b.example]
environments:
  tni:
    scopes: {dv_kop: {}}
    products: {kop: {widget_id: w-tni, app_id: gent, production_url: "https://tni.example"}}
"""


def promote(*arguments: str, form: str = FILE) -> Result:
    return CliRunner().invoke(app, ["promote", form, *arguments])


def written(workspace: Workspace, *arguments: str) -> list[str]:
    result = promote("--write", *arguments)
    assert result.exit_code == 0, result.output
    assert workspace.sentences() == []
    return result.stdout.splitlines()


def refused(*arguments: str) -> list[str]:
    before = Path(FILE).read_text()
    result = promote("--write", *arguments)
    assert (result.exit_code, Path(FILE).read_text()) == (2, before), result.output
    return result.stderr.splitlines()


def test_production_is_written_from_tni(workspace: Workspace) -> None:
    """Without keys, which are each environment's own; every line that was there is there, in its
    order."""
    workspace.write_form(COMMENTED)
    said = written(workspace)
    above, below = COMMENTED.split("        # below\n")
    assert Path(FILE).read_text() == above + PROMOTED + "        # below\n" + below
    assert said[:3] == [
        (
            f"{FILE} heeft nu voor productie: scope dv_notificaties_import, scope"
            " dv_dosis_schrijven, product notificaties, product dosis. De rest bleef zoals het"
            " was."
        ),
        "Wat niet van TNI af te leiden is:",
        (
            f"  - Een sleutel voor productie: acmidm keys new {FILE} --environment prod, of laad ze"
            " op in het Beheerportaal (stap 9)."
        ),
    ]
    assert said[3].startswith("Wat productie nog nodig heeft, toont: acmidm validate.")
    assert written(workspace)[0].endswith("er is niets geschreven.")


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (
            "enforce",
            " Zonder bewijs van de validatie op TNI (acmidm probe … --record), of een toegestane"
            " uitzondering, wordt niets hiervan in productie aangemaakt.",
        ),
        (
            "warn",
            " Zonder bewijs van de validatie op TNI (acmidm probe … --record), of een toegestane"
            " uitzondering, wordt het met een waarschuwing toch in productie aangemaakt.",
        ),
        ("off", ""),
    ],
)
def test_what_becomes_of_it_without_evidence_is_said_by_the_mode_of_the_gate(
    workspace: Workspace, gate: str, said: str
) -> None:
    settings = f"config: {{acmidm:environment: prod, acmidm:promotionGate: {gate}}}\n"
    workspace.write("Pulumi.prod.yaml", settings)
    workspace.write_form(ON_TNI)
    needs = "Wat productie nog nodig heeft, toont: acmidm validate."
    assert written(workspace)[-1] == f"{needs}{said}"


def test_a_scope_extension_is_promoted_and_nothing_else_changes(workspace: Workspace) -> None:
    """What production has stays, also where TNI has it otherwise: that is named, in the language of
    the organisation."""
    workspace.write_organisation(
        (workspace.forms / "gent/organisation.yaml").read_text() + "language: en\n"
    )
    before, product = FORM.rsplit("    products:", 1)
    product = product.replace('["10244", "10245"]', '["1"]')
    workspace.write_form(f"{before}    products:{product}")
    said = written(workspace)
    scope = "      dv_dosis_schrijven: {reason: dossiers, reference: SD-4711}\n"
    after = (
        f"{before}{scope}    products:{product}      dosis:\n        bron_uri:"
        " urn://gent/mijn-gent\n"
    )
    assert Path(FILE).read_text() == after
    assert (
        said[0]
        == f"{FILE} now has for production: scope dv_dosis_schrijven, product dosis. All else is as"
        " it was."
    )
    assert (
        "  - notificaties.product_ids was set differently on production, and stayed so: 10244,"
        " 10245 on TNI, 1 on production." in said
    )
    again = written(workspace)
    assert again[0] == f"{FILE} has all of TNI for production already: nothing was written."
    assert Path(FILE).read_text() == after


def test_an_attribute_that_differs_is_named_as_the_form_has_it(workspace: Workspace) -> None:
    """A form has it below ``attributes``, with nothing below it."""
    workspace.write(
        "catalogue/woordenboek.yaml",
        "product: woordenboek\ntitle: Woordenboek\nowner: X\nsource: the tests\n"
        "scopes: {dv_woorden: {title: Read, verified: true, source: the tests}}\n"
        "attributes: {setbyclient_afdeling: {title: Whatever, source: the tests}}\n",
    )
    request = "{{scopes: {{dv_woorden: }}, attributes: {{setbyclient_afdeling: {}}}}}\n"
    tni, prod = request.format("burgerzaken"), request.format("secretariaat")
    workspace.write_form(
        "application: mijn-gent\ncontacts: [a@b.example]\nenvironments:\n"
        f"  tni: {tni}  prod: {prod}"
    )
    said = "\n".join(written(workspace))
    assert "- attributes.setbyclient_afdeling stond al anders in productie" in said


def test_what_differs_per_environment_is_never_copied(workspace: Workspace) -> None:
    """What is required has to be given, and what the organisation may not say is named; what is not
    required is named, and left out."""
    no_form = (
        "no form gets that value; give fields that differ per environment, of products that"
        " production lacks"
    )
    workspace.write("catalogue/kop.yaml", HEADER)
    workspace.write_organisation(
        "name: Stad Gent\novo: OVO002067\nspeaks_for: {widget_id: [w-tni]}\n"
    )
    workspace.write_form(WITH_HEADER)
    assert refused() == [
        '--set kop.widget_id=VALUE: kop: "widget_id" is missing; give the widget-ID'
    ]
    assert refused(
        "--set",
        "kop.widget_id=w",
        "--set",
        "kop.app_id=x",
        "--set",
        "dosis.x=1",
        "--set",
        "kop.production_url=x",
    ) == [
        f"--set kop.app_id: {no_form}",
        f"--set dosis.x: {no_form}",
        (
            '--set kop.widget_id=VALUE: kop, widget_id is "w", for which Stad Gent does not'
            ' speak; use "w-tni"; the onboarding team adds others under speaks_for in'
            " onboardings/gent/organisation.yaml"
        ),
        (
            '--set kop.production_url=VALUE: kop, production_url is "x", which does not have the'
            " required form; give the address of the public site"
        ),
    ]
    workspace.write_organisation(
        "name: Stad Gent\novo: OVO002067\nspeaks_for: {widget_id: [w-tni, w-prod]}\n"
    )
    said = written(workspace, "--set", "kop.widget_id=w-prod")
    assert yaml.safe_load(Path(FILE).read_text())["environments"]["prod"] == {
        "scopes": {"dv_kop": {}},
        "products": {"kop": {"widget_id": "w-prod", "app_id": "gent"}},
    }
    assert (
        "  - kop.production_url, dat per omgeving verschilt: the address of the public site."
        in said
    )


def test_the_last_day_of_a_scope_goes_with_it_and_one_that_ended_stays_behind(
    workspace: Workspace,
) -> None:
    form = ON_TNI.replace(
        "dv_notificaties_import: {}", "dv_notificaties_import: {until: 2998-12-31}"
    )
    workspace.write_form(form.replace("{reason: dossiers", "{until: 2020-12-31, reason: dossiers"))
    written(workspace)
    production = Path(FILE).read_text().partition("  prod:")[2]
    assert "dv_notificaties_import: {until: 2998-12-31}" in production
    assert "dv_dosis_schrijven" not in production


def test_what_production_does_not_offer_is_left_out(workspace: Workspace) -> None:
    scopes = (
        "scopes: {dv_register_lezen: {default: true}, dv_register_test: {}, dv_proef: {}}\n   "
        " products: {proef: {}}\n"
    )
    workspace.write_form(
        f"application: mijn-gent\ncontacts: [a@b.example]\nenvironments:\n  tni:\n    {scopes}"
    )
    said = written(workspace)
    assert yaml.safe_load(Path(FILE).read_text())["environments"]["prod"] == {
        "scopes": {"dv_register_lezen": {"default": True}}
    }
    assert [line for line in said if "bestaat niet in productie" in line] == [
        f"  - {what} bestaat niet in productie, en staat er dus niet bij."
        for what in ("scope dv_register_test", "scope dv_proef", "product proef")
    ]


LEAVING = ("retire: 2020-01-01\n", "retire: {on: 2020-01-01, keep: true}\n")


@pytest.mark.parametrize("leaves", LEAVING)
def test_a_form_that_has_left_gets_nothing(workspace: Workspace, leaves: str) -> None:
    workspace.write_form(leaves + FORM)
    assert refused() == [
        f"{FILE} leaves: nothing more of it is made; take retire out first, if it stays"
    ]


OTHER = "onboardings/gent/other.yaml"


def test_many_forms_are_written_together(workspace: Workspace) -> None:
    """Of an organisation, or of a supplier whose keys they have: each is said by itself."""
    workspace.write_supplier()
    workspace.write(
        "onboardings/gent/mandates.yaml", MANDATE.replace("mijn-gent]", "mijn-gent, other]")
    )
    supplied = Path(FILE).read_text()
    workspace.write_form(supplied.replace("mijn-gent", "other", 1), "gent/other")
    assert "dosis" not in yaml.safe_load(supplied)["environments"]["prod"]["products"]
    said = CliRunner().invoke(app, ["promote", "--write", "--supplier", "leverancier"])
    assert said.exit_code == 0, said.output
    added = "scope dv_dosis_schrijven, product dosis"
    assert [line for line in said.stdout.splitlines() if "heeft nu voor productie" in line] == [
        f"{file} heeft nu voor productie: {added}. De rest bleef zoals het was."
        for file in (FILE, OTHER)
    ]
    assert workspace.sentences() == []
    for file in (FILE, OTHER):
        assert "dosis" in yaml.safe_load(Path(file).read_text())["environments"]["prod"]["products"]


def test_one_form_that_cannot_be_written_keeps_all_from_being_written(
    workspace: Workspace,
) -> None:
    """What keeps each of them is said at once."""
    without_tni = "environments: {prod: {scopes: {dv_register_lezen: {}}}}\n"
    other = FORM.partition("environments:")[0].replace("mijn-gent", "other")
    workspace.write_form(other + without_tni, "gent/other")
    gone = FORM.replace("mijn-gent", "third", 1)
    workspace.write_form(f"retire: 2020-01-01\n{gone}", "gent/third")
    before = contents()
    third = "onboardings/gent/third.yaml"
    result = promote("--write", OTHER, third)
    assert (result.exit_code, contents()) == (2, before)
    assert [line.partition(";")[0] for line in result.stderr.splitlines()] == [
        f"{OTHER} has no tni under environments",
        f"{third} leaves: nothing more of it is made",
    ]


def test_used_wrongly(workspace: Workspace) -> None:
    """Without --write nothing is done; what production lacks is another command's."""
    assert "add --write; what production lacks is said by acmidm validate" in promote().stderr
    for words in ((), (FILE, "--supplier", "leverancier")):
        result = CliRunner().invoke(app, ["promote", "--write", *words])
        assert (result.exit_code, result.stderr.startswith("name forms, or a")) == (2, True)
    assert "onboardings/gent is a folder" in promote("--write", form="onboardings/gent").stderr
    organisation = promote("--write", form="onboardings/gent/organisation.yaml")
    assert "organisation.yaml is no form" in organisation.stderr
    nobody = CliRunner().invoke(app, ["promote", "--write", "--supplier", "x"])
    assert (nobody.exit_code, nobody.stderr[:26]) == (2, 'there is no form of "x"; n')
    workspace.write_form(
        FORM.replace("  tni:\n", "  tnx:\n").partition("  tnx:")[0]
        + "  prod: {scopes: {dv_register_lezen: {}}}\n"
    )
    assert refused() == [f"{FILE} has no tni under environments; connect and validate there first"]
    workspace.write_form(
        ON_TNI.replace("private_key_jwt", "client_secret_basic").replace(
            "    jwks: [tni.jwk.json]\n", ""
        )
    )
    workspace.write("Pulumi.prod.yaml", "config: {acmidm:environment: prod}\n")
    assert "client_secret_basic on prod; use private_key_jwt" in refused()[0], (
        "what the policies of production refuse is not written"
    )


BODIES = {
    "a list on one line": "    x: [a]\n",
    "a text": "    x: a\n",
    "a text with a comment": "    x: a # own\n",
    "nothing": "    x:\n",
    "an empty mapping": "    x: {}\n",
    "a list": "    x:\n      - a\n      - b # own\n",
    "nothing at all": "",
}
ENDS = {
    "nothing": "",
    "a comment": "\n# below\n",
    "another name": "\n# below\nretire: 2030-01-01 # its own\n",
    "a comment further in": "    # about the last\n\n# below\n",
    "another name at once": "# below\nretire: 2030-01-01\n",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("body", BODIES)
def test_more_goes_above_what_is_below(body: str, end: str) -> None:
    """The lines of a form stay, all of them, and comments below a part are not pulled into it."""
    text = f"environments:\n  tni:\n{BODIES[body]}{ENDS[end]}"

    def edit(document: Any) -> None:
        put_below(document["environments"], "prod", CommentedMap({"y": CommentedMap()}))

    lines = edited(text, edit).splitlines()
    place = lines.index("  prod:")
    assert lines[place : place + 2] == ["  prod:", "    y: {}"]
    assert lines[:place] + lines[place + 2 :] == text.splitlines()
    assert not any("below" in line for line in lines[:place])
