"""The columns of spreadsheets, and the rows that are each about a form."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from acmidm.edit.changes import P, Read, Rows
from acmidm.edit.new.answers import OPTIONS, Answers, Mistakes, separate
from acmidm.sheet import Headings, SheetRow, whole_kbo
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.names import day
from acmidm_onboarding.values.terms import Environment


class Column(StrEnum):
    """The columns that are read, here and by import, beside one per field of a product, such as
    ``notificaties.merk_code``; named as in the spreadsheet that connections were kept in."""

    KBO = "KBOnummer"
    OVO = "OVO-code"
    CUSTOMER = "Klant"
    OWNER = "Eigenaar"
    APPLICATION = "Toepassing"
    CONTACT = "Contact"
    PRODUCT = "Product"
    SCOPE = "Scope"
    ENVIRONMENT = "Omgeving"
    REASON = "Reden"
    REFERENCE = "Referentie"
    UNTIL = "Tot"
    MANDATE_UNTIL = "Mandaat tot"
    MANDATE_REFERENCE = "Mandaatreferentie"
    CLIENT_TEST = "CliëntID TEST"
    CLIENT_PROD = "CliëntID PRD"
    TAN = "TAN"
    URI_TEST = "URI TEST"
    URI_PROD = "URI PRD"


_ANSWERS: Mapping[str, str] = {
    "kbo": Column.KBO,
    "ovo": Column.OVO,
    "name": Column.CUSTOMER,
    "owners": Column.OWNER,
    "application": Column.APPLICATION,
    "contacts": Column.CONTACT,
    "products": Column.PRODUCT,
    "scopes": Column.SCOPE,
}
"""Which column has each of the answers."""
_CODES = (Column.KBO, Column.OVO)
_OF_SCOPES = (
    *(*_CODES, Column.APPLICATION, Column.SCOPE, Column.ENVIRONMENT),
    *(Column.REASON, Column.REFERENCE, Column.UNTIL),
)
CLIENT_IDS = {Environment.TNI: Column.CLIENT_TEST, Environment.PROD: Column.CLIENT_PROD}
_OF_CLIENTS = (
    *(Column.KBO, Column.CUSTOMER, Column.TAN, Column.URI_TEST, Column.URI_PROD),
    *CLIENT_IDS.values(),
)
_OF_FORMS = (
    *_ANSWERS.values(),
    Column.MANDATE_UNTIL,
    Column.MANDATE_REFERENCE,
    *CLIENT_IDS.values(),
)
CLIENTS_HEADINGS = Headings(_OF_CLIENTS, ((Column.KBO,), tuple(CLIENT_IDS.values())))
SCOPES_HEADINGS = Headings(_OF_SCOPES, (_CODES,), (Column.MANDATE_UNTIL,))
_LISTS = ("owners", "contacts", "products", "scopes")
_OPTIONS: Mapping[str, str] = {
    **{OPTIONS[name]: column for name, column in _ANSWERS.items()},
    "--environment": Column.ENVIRONMENT,
    "--until": Column.UNTIL,
    "--mandate": Column.MANDATE_UNTIL,
}
"""Which option each column stands for."""
_BELGIAN_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", re.ASCII)


def headings(catalogue: Catalogue) -> Headings:
    """Return the columns of a spreadsheet of organisations."""
    fields = []
    for product in catalogue.products.values():
        names = (product.configuration or {}).get("properties", ())
        fields += [f"{product.product}.{name}" for name in names]
    return Headings(_OF_FORMS, (_CODES, (Column.MANDATE_UNTIL,)), fields)


class FormRows(Rows[SheetRow, P]):
    """Sorts out rows that are each about a form. ``common`` are the answers that hold for each row
    that has no own."""

    def __init__(self, common: Answers, read: Read, forms: Path, today: date) -> None:
        super().__init__(read, read())
        self._forms, self._today = forms, today
        said: dict[str, Any] = {}
        for name in _ANSWERS:
            answer = getattr(common, name)
            said[name] = separate(answer) if name in _LISTS else answer or None
        self._given = {column for name, column in _ANSWERS.items() if said[name]}
        """The columns that options stand in for."""
        values: dict[tuple[str, str], list[str]] = {}
        for field, texts in common.values.items():
            if text := ",".join(texts):
                values[field] = [text]
                self._given.add(".".join(field))
        self._common = replace(common, values=values, **said)

    def place(self, source: SheetRow) -> P:
        """Return what a row comes to. Raises Failure with all that is wrong with it."""
        mistakes = Mistakes(self._columns(source))
        mistakes.note(*source.faults)
        return self._place(source, self._answers(source), mistakes)

    @abstractmethod
    def _place(self, row: SheetRow, answers: Answers, mistakes: Mistakes) -> P: ...

    def _answers(self, row: SheetRow) -> Answers:
        """Return what a row says and, where it says nothing, what the options say."""
        said: dict[str, Any] = {}
        for name, column in _ANSWERS.items():
            if text := row.values.get(column):
                said[name] = separate([text]) if name in _LISTS else text
        if "kbo" in said:
            said["kbo"] = whole_kbo(said["kbo"])
        values = dict(self._common.values)
        for column, text in row.values.items():
            product, dot, name = column.partition(".")
            if dot:
                values[product, name] = [text]
        return replace(self._common, values=values, **said)

    def _columns(self, row: SheetRow) -> Mapping[str, str]:
        """Return how this row's author knows the options: by the columns that there are."""
        options = dict(_OPTIONS)
        options |= {f"--set {field}": field for field in row.letters if "." in field}
        columns = {}
        for option, column in options.items():
            if column in row.values or (column in row.letters and column not in self._given):
                columns[option] = row.named(column)
        return columns

    def _day(self, row: SheetRow, column: Column, mistakes: Mistakes) -> date | None:
        """Return a last day, which may be written as in Belgium, 31/12/2027; note one that is none,
        or that has passed."""
        text = row.values.get(column)
        if text is None:
            return None
        option = "--mandate" if column is Column.MANDATE_UNTIL else "--until"
        if written := _BELGIAN_DAY.fullmatch(text):
            text = f"{written[3]}-{written[2]:0>2}-{written[1]:0>2}"
        try:
            last = day(text)
        except ValueError as error:
            mistakes.add(option, str(error))
            return None
        if last < self._today:
            mistakes.add(option, tr("{day} has passed; give a last day that is to come", day=last))
        return last
