"""``acmidm schema``: the JSON Schemas with which an editor completes and checks forms, organisations and catalogue files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """
**Examples**

- `acmidm schema`
- `acmidm schema --check`

**Exit codes**: 0 up to date, or written; 1 with --check not up to date; 2 a mistake in the catalogue, or a file that cannot be written.
"""

CATALOGUE = Path("catalogue")
SCHEMAS = Path("schema")


def schema(
    catalogue: Annotated[Path, typer.Option(help="The folder of the catalogue.")] = CATALOGUE,
    out: Annotated[Path, typer.Option(help="The folder that the schemas are written to.")] = SCHEMAS,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 where a schema is not up to date.")] = False,
) -> None:
    """Write the schemas with which editors check forms, from the model and the catalogue."""
    from acmidm_onboarding.model.editor import schemas
    from acmidm_onboarding.model.loading import load_catalogue

    texts = schemas(load_catalogue(catalogue))
    stale = [name for name, text in texts.items() if _text_of(out / name) != text]
    for name in stale:
        if check:
            typer.echo(f"{out / name} is not up to date; run: acmidm schema", err=True)
        else:
            out.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(texts[name], encoding="utf-8")
            typer.echo(f"{out / name} written")
    if check and stale:
        raise typer.Exit(1)
    if not stale:
        typer.echo("the schemas are up to date")


def _text_of(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
