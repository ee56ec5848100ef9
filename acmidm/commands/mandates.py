"""Show which suppliers act for which organisations, in which applications and until when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from acmidm.desk.mandates import mandates_in
from acmidm.render.output import write_report
from acmidm.terminal import RowsOutput, fail
from acmidm_onboarding.forms.files import FORMS
from acmidm_onboarding.forms.loading import load_onboardings
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.texts import say

EPILOG = """
**Examples**

- `acmidm mandates`
- `acmidm mandates aalst`
- `acmidm mandates --supplier leverancier --output csv > mandates.csv`

**Exit codes**: 0 shown, or nothing found; 2 wrong use, or a mistake in a form.
"""


def mandates(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]...",
            help=(
                "Show only mandates with a word that begins with each of these: a name, an"
                " application, a reference."
            ),
            show_default=False,
        ),
    ] = None,
    supplier: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER", help="Show only mandates of this supplier.", show_default=False
        ),
    ] = None,
    output: Annotated[
        RowsOutput,
        typer.Option(
            "--output", "-o", help="text for people, json for programs, csv for a spreadsheet."
        ),
    ] = RowsOutput.TEXT,
) -> None:
    """Show which suppliers act for which organisations, in which applications and until when.

    Those that end within 30 days stand out, and so do those that have ended.
    """
    onboardings = load_onboardings([FORMS], own_catalogue())
    if supplier is not None and supplier not in onboardings.organisations:
        fail(say("edit.no_supplier", supplier=supplier, forms=FORMS))
    write_report(
        mandates_in(onboardings, " ".join(words or ()), supplier, datetime.now(UTC)), output
    )
