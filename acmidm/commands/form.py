"""Write the aansluitingsformulier as a page for organisations without Git: one file, which needs no
server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acmidm.form_page.page import form_page
from acmidm_onboarding.files import write_named
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.settings import own_catalogue

EPILOG = """
**Examples**

- `acmidm form --output aansluiten.html`

`acmidm new --from FILE` takes in the file that an organisation makes with it.

**Exit codes**: 0 written; 2 a mistake in the catalogue.
"""


def form(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page, as HTML.")
    ],
) -> None:
    """Write the aansluitingsformulier as a page for organisations without Git: one file, which
    needs no server."""
    write_named(output, form_page(load_catalogue(own_catalogue())))
