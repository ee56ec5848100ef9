"""The columns of the spreadsheet that connections were kept in."""

from __future__ import annotations

from enum import StrEnum

from acmidm.sheet import Headings


class Column(StrEnum):
    """The columns that are read, named as in the spreadsheet."""

    KBO = "KBOnummer"
    CUSTOMER = "Klant"
    TAN = "TAN"
    URI_TEST = "URI TEST"
    URI_PROD = "URI PRD"
    CLIENT_TEST = "CliëntID TEST"
    CLIENT_PROD = "CliëntID PRD"


CLIENT_IDS = (Column.CLIENT_TEST, Column.CLIENT_PROD)
HEADINGS = Headings(tuple(Column), ((Column.KBO,), CLIENT_IDS))
