"""Templates to pages. Everything that a template inserts is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse


def page(template: str, status: int, language: str, **context: object) -> HTMLResponse:
    """Return a page in a language, with what its template knows."""
    return HTMLResponse(
        _templates().get_template(template).render(**context),
        status,
        {"Content-Language": language},
    )


@cache
def _templates() -> Environment:
    folder = Path(__file__).parent / "templates"
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
