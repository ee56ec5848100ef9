"""``acmidm status`` lists the mandates that no form uses, beside those by which a supplier acts."""

from __future__ import annotations

import csv
import json
import re
from datetime import date, datetime, tzinfo
from typing import Self

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.commands import remind, status
from acmidm.engine import pulumi as engine
from tests.support.workspace import CATALOGUE, MANDATE, Workspace

PAST, SOON = date(2027, 1, 31), date(2027, 2, 21)


class Stopped(datetime):
    """A clock between those days: a day that ends while a test runs is no other day for it."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2027, 2, 1, 12, tzinfo=tz)


@pytest.fixture
def acting(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A supplier that acts for Gent in its one form, and for Aalst and Zele in none: one mandate
    has ended and one ends soon."""
    workspace.write_supplier()
    for folder, code, until in (("aalst", "OVO000002", PAST), ("zele", "OVO000003", SOON)):
        workspace.write_organisation(f"name: Stad {folder.title()}\novo: {code}\n", folder)
        mandate = MANDATE.replace("2999-12-31", f"{until}, reference: =1+1")
        workspace.write(f"onboardings/{folder}/mandates.yaml", mandate)
    servers = dict.fromkeys(("managementUrl", "issuer", "productsUrl"), "http://127.0.0.1:9/x")
    settings = {"environment": "tni", "operatorClientId": "x", **servers}
    config = {f"acmidm:{name}": value for name, value in settings.items()}
    workspace.write("Pulumi.tni.yaml", {"config": config})
    monkeypatch.setattr(engine, "stack_deployment", lambda _: {})
    for command in (remind, status):
        monkeypatch.setattr(command, "datetime", Stopped)
    return workspace


def shown(*words: str) -> str:
    result = CliRunner().invoke(app, ["status", "--stack", "tni", *words])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("acting")
def test_those_that_end_first_are_first() -> None:
    """A form uses that of Gent."""
    assert shown().splitlines() == [
        "0 connections on tni",
        "",
        "2 mandates that no form uses",
        f"Leverancier  acts for Stad Aalst: mijn-gent, ENDED {PAST} (=1+1)",
        f"Leverancier  acts for Stad Zele: mijn-gent, until {SOON} (20 days left) (=1+1)",
    ]


@pytest.mark.parametrize(
    ("words", "organisations"),
    [
        ((), ["Stad Aalst", "Stad Zele"]),
        (("zele",), ["Stad Zele"]),
        (("lever", "stad", "aal"), ["Stad Aalst"]),
        (("--expiring", "10"), ["Stad Aalst"]),
        (("niemand",), []),
        (("--without", "prod"), []),
    ],
)
@pytest.mark.usefixtures("acting")
def test_the_filters_of_connections_count(words: tuple[str, ...], organisations: list[str]) -> None:
    """What has no scope and no environment is not shown by these."""
    found = json.loads(shown(*words, "--output", "json"))["unused_mandates"]
    assert [one["organisation"] for one in found] == organisations


@pytest.mark.usefixtures("acting")
def test_a_row_each_for_a_spreadsheet_and_a_line_on_the_page() -> None:
    rows = list(csv.DictReader(shown("--output", "csv").splitlines()))
    assert [(row["organisation"], row["application"]) for row in rows] == [
        ("Stad Aalst", "mijn-gent"),
        ("Stad Zele", "mijn-gent"),
    ]
    assert rows[1]["mandate"] == f"leverancier until {SOON} (20 days left)"
    assert rows[1]["stack"] == ""
    page = re.sub("<[^>]*>", "", shown("--output", "html"))
    assert "2 mandates that no form uses" in page
    assert f"ENDED {PAST}" in page


def test_a_form_with_mistakes_hides_what_it_may_use(acting: Workspace) -> None:
    """Then nobody knows which mandates it uses."""
    acting.write("onboardings/aalst/loket.yaml", "application: [")
    found = json.loads(shown("--output", "json"))["unused_mandates"]
    assert [one["organisation"] for one in found] == ["Stad Zele"]


def test_who_sends_by_a_mandate_that_ends_is_reminded(acting: Workspace) -> None:
    """Of each organisation that it sends for, by name; not of one whose mandate has ended."""
    known = "senders: {known_by: merk_code, basis: assumed, source: the tests}\n"
    acting.write("catalogue/notificaties.yaml", CATALOGUE["notificaties.yaml"] + known)
    acting.write_organisation(
        "name: Leverancier\novo: OVO000001\nspeaks_for: {merk_code: [leverancier]}\n", "leverancier"
    )
    for folder, code, until in (("aalst", "OVO000002", PAST), ("zele", "OVO000003", SOON)):
        speaks_for = f"speaks_for: {{merk_code: [{folder}]}}\n"
        acting.write_organisation(f"name: Stad {folder.title()}\novo: {code}\n{speaks_for}", folder)
        allowed = ("applications: [mijn-gent]", "connections: [OVO000001/berichten]")
        mandate = MANDATE.replace(*allowed).replace("2999-12-31", f"{until}")
        acting.write(f"onboardings/{folder}/mandates.yaml", mandate)
    acting.write_form(
        "application: berichten\ncontacts: [api@leverancier.example]\nenvironments:\n  tni:\n"
        "    afzenders: [aalst, zele]\n    scopes: {dv_notificaties_import: {}}\n    products:\n"
        "      notificaties: {merk_code: leverancier, product_ids: ['1']}\n",
        "leverancier/berichten",
    )
    result = CliRunner().invoke(app, ["remind", "--stack", "tni", "--dry-run"])
    assert result.output.splitlines()[1:] == [
        "Leverancier (api@leverancier.example)",
        f"  berichten: the mandate of Stad Zele, for which it sends, ends {SOON}, within 30 days",
    ]
