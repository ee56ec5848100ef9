"""A sheet of towns that a supplier connects, and the command that takes it in."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from openpyxl import Workbook
from typer.testing import CliRunner, Result

from acmidm.cli import app
from tests.support.engine import ROOT
from tests.support.workspace import Workspace, public_key

SCOPE = "dv_verenigingsregister_beheer"
COMMON = (
    "--supplier",
    "leverancier",
    "--application",
    "verenigingen",
    "--contact",
    "koppelingen@leverancier.example",
)
HEADINGS = ("KBOnummer", "OVO-code", "Klant", "Mandaat tot", "Mandaatreferentie")
AALST = ("0207.437.468", "OVO001992", "Stad Aalst", "2099-12-31", "SD-1")
GENT = ("0207.451.227", "", "Gent", "2099-12-31", "SD-2")
WINGENE = ("0207.495.470", "OVO002277", "Wingene", "2099-12-31", "SD-3")


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    """The catalogue that there is, a supplier with keys for TNI, and Stad Gent, which has a
    folder."""
    workspace.offer(ROOT / "catalogue")
    (workspace.forms / "gent/mijn-gent.yaml").unlink()
    workspace.write_organisation('name: Stad Gent\novo: OVO002067\nkbo: "0207.451.227"\n')
    workspace.write_organisation("name: Leverancier\n", "leverancier")
    workspace.write("onboardings/leverancier/keys.yaml", "tni: [verenigingen-tni.jwk.json]\n")
    workspace.write_key(public_key("verenigingen-tni"), "leverancier/verenigingen-tni")
    return workspace


def sheet(
    *rows: tuple[str, ...], headings: tuple[str, ...] = HEADINGS, file: str = "towns.csv"
) -> str:
    """Write a spreadsheet, and return its name."""
    if file.endswith(".csv"):
        Path(file).write_text("".join(f"{';'.join(row)}\n" for row in (headings, *rows)))
    else:
        book = Workbook()
        assert book.active is not None
        for row in (headings, *rows):
            book.active.append(
                [date.fromisoformat(cell) if cell[:2] == "20" else cell for cell in row]
            )
        book.save(file)
    return file


def new(file: str, *arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["new", "--from", file, *COMMON, *(arguments or ("--scope", SCOPE))]
    )


def read(file: str) -> Any:
    return yaml.safe_load(Path(file).read_text())
