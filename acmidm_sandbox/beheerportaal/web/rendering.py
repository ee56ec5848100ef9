"""Templates to pages. Everything that a template inserts is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from acmidm_sandbox.beheerportaal.web.texts import LANGUAGES
from acmidm_sandbox.beheerportaal.web.urls import in_language

if TYPE_CHECKING:
    from acmidm_sandbox.beheerportaal.web.visit import Visit


def page(visit: Visit, template: str, status: int, **context: object) -> HTMLResponse:
    """A page; each template knows the visit, its texts as `t` and its addresses as `urls`."""
    settings = visit.portal.settings
    language = visit.texts.language
    path, query = visit.request.scope["path"], dict(visit.request.query_params)
    text = (
        _templates()
        .get_template(template)
        .render(
            visit=visit,
            t=visit.texts,
            urls=visit.urls,
            user=visit.user,
            environment=settings.environment,
            has_mailbox=settings.smtp_port is not None,
            platform=settings.platform,
            languages=[(other, in_language(other, path, query)) for other in LANGUAGES if other != language],
            **context,
        )
    )
    return HTMLResponse(text, status, {"Content-Language": language})


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
