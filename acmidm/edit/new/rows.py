"""The columns of spreadsheets, and the rows that are each about a form."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path

from acmidm.edit.changes import P, Read, Rows
from acmidm.edit.new.answers import Answers, Mistakes
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


_CODES = (Column.KBO, Column.OVO)
_OF_FORMS = (
    *(*_CODES, Column.CUSTOMER, Column.OWNER, Column.APPLICATION, Column.CONTACT, Column.PRODUCT),
    *(Column.SCOPE, Column.MANDATE_UNTIL, Column.MANDATE_REFERENCE),
    *(Column.CLIENT_TEST, Column.CLIENT_PROD),
)
_OF_SCOPES = (
    *(*_CODES, Column.APPLICATION, Column.SCOPE, Column.ENVIRONMENT),
    *(Column.REASON, Column.REFERENCE, Column.UNTIL),
)
CLIENT_IDS = {Environment.TNI: Column.CLIENT_TEST, Environment.PROD: Column.CLIENT_PROD}
_OF_CLIENTS = (
    *(Column.KBO, Column.CUSTOMER, Column.TAN, Column.URI_TEST, Column.URI_PROD),
    *CLIENT_IDS.values(),
)
CLIENTS_HEADINGS = Headings(_OF_CLIENTS, ((Column.KBO,), tuple(CLIENT_IDS.values())))
SCOPES_HEADINGS = Headings(_OF_SCOPES, (_CODES,), (Column.MANDATE_UNTIL,))
_OPTIONS = {
    "--kbo": Column.KBO,
    "--ovo": Column.OVO,
    "--name": Column.CUSTOMER,
    "--owner": Column.OWNER,
    "--application": Column.APPLICATION,
    "--contact": Column.CONTACT,
    "--product": Column.PRODUCT,
    "--scope": Column.SCOPE,
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
        self._common, self._forms, self._today = common, forms, today
        fields = {f"{of}.{name}": ",".join(texts) for (of, name), texts in common.values.items()}
        cells = {
            Column.APPLICATION: common.application or "",
            Column.CONTACT: ",".join(common.contacts),
            Column.PRODUCT: ",".join(common.products),
            Column.SCOPE: ",".join(common.scopes),
            Column.OWNER: ",".join(common.owners),
            **fields,
        }
        self._cells = {column: text for column, text in cells.items() if text}
        """What the options say, as cells."""

    def place(self, source: SheetRow) -> P:
        """Return what a row comes to. Raises Failure with all that is wrong with it."""
        mistakes = Mistakes(self._columns(source))
        mistakes.sentences += source.faults
        cells = {**self._cells, **source.values}
        if Column.KBO in cells:
            cells[Column.KBO] = whole_kbo(cells[Column.KBO])
        return self._place(source, cells, mistakes)

    @abstractmethod
    def _place(self, row: SheetRow, cells: Mapping[str, str], mistakes: Mistakes) -> P: ...

    def _columns(self, row: SheetRow) -> Mapping[str, str]:
        """Return how this row's author knows the options: by the columns that there are."""
        fields = {f"--set {column}": column for column in row.letters if column not in list(Column)}
        return {
            option: row.named(column)
            for option, column in {**_OPTIONS, **fields}.items()
            if column in row.values or (column in row.letters and column not in self._cells)
        }

    def _day(self, cells: Mapping[str, str], column: Column, mistakes: Mistakes) -> date | None:
        """Return a last day, which may be written as in Belgium, 31/12/2027; note one that is none,
        or that has passed."""
        text = cells.get(column)
        if text is None:
            return None
        option = "--mandate" if column is Column.MANDATE_UNTIL else "--until"
        written = _BELGIAN_DAY.fullmatch(text)
        try:
            last = day(f"{written[3]}-{written[2]:0>2}-{written[1]:0>2}" if written else text)
        except ValueError as error:
            mistakes.add(option, str(error))
            return None
        if last < self._today:
            mistakes.add(option, tr("{day} has passed; give a last day that is to come", day=last))
        return last
