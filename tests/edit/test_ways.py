"""Each way in writes the files that it has always written, byte for byte: options, the page's file,
what a hand changed, a sheet of towns, a sheet of scopes, a spreadsheet of clients that exist, and a
promotion.

What they write is recorded in ``ways``, a file for each case; a year in a name of a key is YYYY.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from openpyxl import Workbook
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.edit.new.rows import CLIENTS_HEADINGS
from acmidm.importing.clients import ClientRows, Supplier
from acmidm.sheet import read_sheets
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.values import metadata
from acmidm_onboarding.values.metadata import ProductDocument
from acmidm_onboarding.values.names import day
from acmidm_onboarding.values.terms import Environment
from tests.importing.listed import client, registers_of
from tests.support.terminal import contents
from tests.support.workspace import Workspace, public_key

RECORDED = Path(__file__).with_name("ways")
TNI, PROD = Environment.TNI, Environment.PROD
KEYS: list[dict[str, str]] = [
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "kid": "first",
    },
    {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "kid": "second",
    },
]
"""Those of RFC 7517 and RFC 7515."""
FORM = """\
# the form of mijn-gent
application: mijn-gent   # as the supplier calls it
contacts:
  - api@stad-gent.example
  # nobody else
platforms: [acmidm]
token_endpoint_auth_method: private_key_jwt
environments:
  tni:
    jwks: [tni.jwk.json]   # of 2024
    scopes:
      dv_notificaties_import: {}
      dv_dosis_schrijven: {reason: "dossiers: all", reference: SD-4711}   # until further notice
      # more to come
    products:
      notificaties:
        merk_code: stad-gent
        product_ids: ["10244", "10245"]
      dosis:
        bron_uri: urn://gent/mijn-gent

    # the end of TNI
"""
FLOW = """\
application: flow
contacts: [api@stad-gent.example]
environments: {tni: {scopes: {dv_register_test: {}}}, prod: {}}
"""
MANDATES = """\
# by the council
mandates:
- supplier: leverancier
  applications: [mijn-gent]
  until: 2098-12-31   # the last day
- {supplier: leverancier, applications: [loket], until: 2098-12-31, reference: SD-1}
"""


def options(*arguments: str) -> None:
    result = CliRunner().invoke(app, ["new", *arguments])
    assert result.exit_code == 0, result.output


def options_from(files: Sequence[str], *arguments: str) -> None:
    options(*[word for file in files for word in ("--from", file)], *arguments)
    for file in files:
        Path(file).unlink()


def write_page(
    file: str,
    organisation: dict[str, str],
    environments: dict[str, Any],
    application: str,
    *contacts: str,
) -> None:
    form = {"application": application, "contacts": contacts or ("api@stad-gent.example",)}
    document = {
        "organisation": organisation,
        "form": {**form, "contacts": list(form["contacts"]), "environments": environments},
        "keys": {
            name: KEYS[int(name[0]) - 1]
            for request in environments.values()
            for name in request.get("jwks", ())
        },
    }
    Path(file).write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


def page(
    organisation: dict[str, str], environments: dict[str, Any], application: str, *contacts: str
) -> None:
    write_page("sent.yaml", organisation, environments, application, *contacts)
    options_from(["sent.yaml"])


def sheet(text: str, *arguments: str) -> None:
    Path("sheet.csv").write_text(text)
    options_from(["sheet.csv"], *arguments)


def taken_over(text: str, *clients: Any, supplier: Supplier | None = None) -> None:
    Path("klanten.csv").write_text(text)
    forms = Path("onboardings")
    read = partial(read_onboardings, paths=[forms], catalogue_folder=Path("catalogue"))
    taken = ClientRows(
        read, read().valid(), forms, "klanten.csv", registers_of(clients), None, supplier
    )
    taken.take(read_sheets(Path("klanten.csv"), CLIENTS_HEADINGS).rows)
    taken.changes.write()
    assert (taken.wrong(), taken.unnamed()) == ([], [])
    Path("klanten.csv").unlink()


def workbook(*rows: list[str]) -> None:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save("sheet.xlsx")
    options_from(["sheet.xlsx"])


def pages_of_one_form() -> None:
    """The second and the third file add to the form that the first one makes."""
    scopes = ("dv_register_lezen", "dv_register_test", "dv_register_lezen")
    files = []
    for index, scope in enumerate(scopes):
        key = f"{index % 2 + 1}.jwk.json"
        environments = {"tni": {"jwks": [key], "scopes": {scope: {"reason": "why"}}}}
        files.append(f"{index}.yaml")
        write_page(files[-1], BRUGGE, environments, "loket", f"{index}@b.example")
    options_from(files)


TAKE_OVER = """\
organisation: {name: Stad Gent, ovo: OVO002067}
form:
  application: mijn-gent
  contacts: [api@stad-gent.example, more@stad-gent.example]
  environments:
    tni:
      jwks: [key-1.jwk.json]
      scopes:
        dv_notificaties_import: {default: true, reason: asked for}
        dv_register_lezen: {reason: "dossiers: all", reference: in the portal}
      products: {notificaties: {link: x, product_ids: ["10244"]}}
keys: {key-1.jwk.json: KEY}
without: {products: [dosis], scopes: [dv_dosis_schrijven]}
"""


def take_over() -> None:
    Path("change.yaml").write_text(TAKE_OVER.replace("KEY", json.dumps(KEYS[0])))
    options_from(["change.yaml"])


def promoted(*forms: str) -> None:
    result = CliRunner().invoke(app, ["promote", "--write", *forms])
    assert result.exit_code == 0, result.output


def promoted_scope() -> None:
    sheet("OVO-code;Toepassing;Scope\nOVO002067;flow;dv_register_lezen\n")
    promoted("onboardings/gent/flow.yaml")


TOWNS = ("--supplier", "leverancier", "--application", "loket", "--contact", "api@l.example")
SENDING = ("--product", "notificaties", "--set", "notificaties.product_ids=10244,10245")
GENT = {"name": "Stad Gent", "ovo": "OVO002067"}
BRUGGE = {"name": "Stad Brugge", "ovo": "OVO001234", "kbo": "0207.437.468", "language": "en"}
MESSAGES = ProductDocument(
    {"product_ids": ["10244"], "merk_code": "aalst", "volume": 12, "link": "https://a.example"},
    metadata.Owner("x", None),
)
SOURCES = ProductDocument({"bron_uri": "urn://aalst/loket"}, metadata.Owner("x", None))
CLIENT_HEADING = "KBOnummer;Klant;TAN;URI TEST;CliëntID TEST;CliëntID PRD\n"


def aalst(client_id: str, environment: Environment = TNI, **changes: Any) -> Any:
    codes: dict[str, Any] = {"ovo": "OVO001992", "kbo": "0207437468"}
    return client(client_id, environment, name="Stad Aalst", **codes, **changes)


CASES: dict[str, Callable[[], None]] = {
    "options_of_an_organisation_that_has_a_folder": lambda: options(
        *("--organisation", "stad gent", "--application", "loket", "--contact", "a@b.example"),
        *(*SENDING, "--set", "notificaties.volume=12", "--product", "dosis"),
        *("--set", "dosis.bron_uri=urn://gent/loket"),
    ),
    "options_of_a_new_organisation": lambda: options(
        *("--organisation", "Stad Brugge", "--ovo", "ovo001234", "--kbo", "0207.437.468"),
        *(
            "--owner",
            "@stad-brugge/api",
            "--application",
            "loket",
            "--contact",
            "a@b.example,b@b.be",
        ),
        *(*SENDING, "--set", "notificaties.merk_code=brugge", "--scope", "dv_register_test"),
        *("--language", "en"),
    ),
    "page_of_a_new_organisation": lambda: page(
        BRUGGE,
        {
            "tni": {
                "jwks": ["1.jwk.json", "2.jwk.json"],
                "scopes": {"dv_notificaties_import": {"reason": "dossiers: all"}},
                "products": {"notificaties": {"merk_code": "brugge", "product_ids": ["10244"]}},
            },
            "prod": {"scopes": {"dv_register_lezen": {}}},
        },
        *("loket", "a@b.example", "b@b.example"),
    ),
    "page_that_adds_to_a_form": lambda: page(
        GENT,
        {
            "tni": {
                "jwks": ["1.jwk.json"],
                "scopes": {"dv_register_lezen": {"reason": "new"}, "dv_dosis_schrijven": {}},
                "products": {
                    "notificaties": {"product_ids": ["10299"], "link": "x", "volume": 3},
                    "dosis": {"bron_uri": "urn://gent/mijn-gent"},
                },
            },
            "prod": {"jwks": ["2.jwk.json"], "scopes": {"dv_register_lezen": {}}},
        },
        *("mijn-gent", "api@stad-gent.example", "more@stad-gent.example"),
    ),
    "page_that_adds_to_a_form_on_one_line": lambda: page(
        GENT, {"prod": {"jwks": ["2.jwk.json"], "scopes": {"dv_register_lezen": {}}}}, "flow"
    ),
    "towns": lambda: sheet(
        "KBOnummer;OVO-code;Klant;Eigenaar;Mandaat tot;Mandaatreferentie;notificaties.merk_code\n"
        "207437468;ovo001992;Stad Aalst;@aalst/api;31/12/2099;SD-1;aalst\n"
        ";OVO002067;Gent;;2099-12-31;SD-2;stad-gent\n",
        *(*TOWNS, *SENDING),
    ),
    "towns_in_english": lambda: sheet(
        "KBOnummer;Klant;Mandaat tot\n0207.437.468;Stad Aalst;2099-12-31\n",
        *(*TOWNS, "--scope", "dv_register_lezen", "--language", "en"),
    ),
    "scopes": lambda: sheet(
        "OVO-code;Toepassing;Scope;Reden;Referentie;Omgeving\n"
        "OVO002067;mijn-gent;dv_register_lezen;because: so;SD-1;\n"
        "OVO002067;mijn-gent;dv_register_test;;;tni\n"
        "OVO002067;flow;dv_register_lezen,vo_info;;;prod\n"
        "OVO002067;flow;dv_register_lezen;why;;tni\n",
    ),
    "scopes_of_a_workbook": lambda: workbook(
        ["Aanvragen 2026"],
        ["OVO-code", "Opmerking", "toepassing", "Scope", "Omgeving"],
        ["OVO002067", "bellen", "flow", "dv_register_lezen, vo_info", "PROD"],
        ["OVO002067", "", "mijn-gent", "dv_register_test", "-"],
    ),
    "pages_of_one_form": pages_of_one_form,
    "take_over": take_over,
    "clients_with_keys": lambda: taken_over(
        f"{CLIENT_HEADING}207437468;Stad Aalst;T-1;https://t.example;a-1;a-2\n",
        aalst(
            "a-1",
            scopes={"dv_notificaties_import": True, "vo_info": True, "dv_dosis_schrijven": False},
            jwks={"first": KEYS[0], "second": KEYS[1]},
            configurations={"notificaties": MESSAGES, "dosis": SOURCES},
        ),
        aalst("a-2", PROD, scopes={"dv_register_lezen": False}),
    ),
    "clients_without_a_name_and_with_a_secret": lambda: taken_over(
        f"{CLIENT_HEADING}0207437468;Stad Aalst;;;a-1;\n0207451227;Stad Gent;;;0042;\n",
        client(
            "a-1",
            name="",
            kbo=None,
            client_name="loket",
            token_endpoint_auth_method="client_secret_basic",
            contacts=("b@b.example", "a@a.example"),
            access_token_lifetime_seconds=900,
        ),
        client("0042", ovo="OVO002067", application="balie", client_name="Stad Gent - balie"),
    ),
    "clients_with_the_keys_of_a_supplier": lambda: taken_over(
        f"{CLIENT_HEADING}0207437468;Stad Aalst;;;a-1;\n0207495470;Wingene;;;a-2;\n",
        aalst("a-1", jwks={"first": KEYS[0]}),
        client(
            *("a-2",),
            name="Wingene",
            kbo="0207495470",
            client_name="Wingene - loket",
            jwks={"first": KEYS[0]},
        ),
        supplier=Supplier("nieuw", day("2027-12-31")),
    ),
    "promotion": lambda: promoted("onboardings/gent/mijn-gent.yaml", "onboardings/gent/flow.yaml"),
    "promotion_of_what_production_lacks": promoted_scope,
}


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    """Stad Gent with two forms, one with comments and one on few lines; and a supplier."""
    workspace.write_organisation(
        'name: Stad Gent\novo: OVO002067\nkbo: "0207.451.227"\n'
        'speaks_for: {merk_code: [stad-gent], bron_uri: ["urn://gent/"]}\n'
    )
    workspace.write_form(FORM)
    workspace.write_form(FLOW, "gent/flow")
    workspace.write("onboardings/gent/mandates.yaml", MANDATES)
    workspace.write_key(public_key("tni"))
    (workspace.forms / "gent/prod.jwk.json").unlink()
    workspace.write_organisation("name: Leverancier\n", "leverancier")
    workspace.write("onboardings/leverancier/keys.yaml", "tni: [tni.jwk.json]\n")
    workspace.write_key(public_key("of-supplier"), "leverancier/tni")
    return workspace


@pytest.mark.parametrize("case", CASES)
def test_what_is_written_is_what_was_always_written(place: Workspace, case: str) -> None:
    before = contents(place.forms)
    CASES[case]()
    lines: list[str] = []
    for file, content in contents(place.forms).items():
        if before.get(file) != content:
            name = Path(file).relative_to(place.forms).as_posix()
            lines += [f"==> {name}\n", content.decode()]
    written = re.sub(rf"-{datetime.now(UTC).year}\b", "-YYYY", "".join(lines))
    assert written == (RECORDED / f"{case}.txt").read_text()
    place.load()  # all of it is valid
