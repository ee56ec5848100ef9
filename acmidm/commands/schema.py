"""Write the schemas for editors, the catalogue's page, and CODEOWNERS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acmidm.render.catalogue_page import catalogue_page
from acmidm.report.codeowners import CODEOWNERS, codeowners_in
from acmidm_onboarding.files import make_folder, write_whole
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.editor import schemas
from acmidm_onboarding.project import require_project
from acmidm_onboarding.settings import own_catalogue

EPILOG = """
**Examples**

- `acmidm schema`
- `acmidm schema --check`

**Exit codes**: 0 up to date, or written; 1 with --check not up to date; 2 a mistake in catalogue or
organisations, or no right to write.
"""

SCHEMAS = Path("schema")
PAGE = Path("docs/catalogue.md")


def schema(
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit with 1 where a file is not up to date."),
    ] = False,
) -> None:
    """Write the schemas for editors, the catalogue's page, and CODEOWNERS."""
    require_project()
    offered = load_catalogue(own_catalogue())
    text_by_file = {SCHEMAS / name: text for name, text in schemas(offered).items()} | {
        PAGE: catalogue_page(offered)
    }
    if (owners := codeowners_in()) is not None:
        text_by_file[CODEOWNERS] = owners
    stale = [file for file, text in text_by_file.items() if _text_of(file) != text]
    for file in stale:
        if check:
            typer.echo(f"{file} is not up to date; run: acmidm schema", err=True)
        else:
            make_folder(file)
            write_whole(file, text_by_file[file])
            typer.echo(f"{file} written")
    if check and stale:
        raise typer.Exit(1)
    if not stale:
        and_owners = " and so is CODEOWNERS" if owners else ""
        typer.echo(f"the schemas and {PAGE} are up to date{and_owners}")


def _text_of(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
