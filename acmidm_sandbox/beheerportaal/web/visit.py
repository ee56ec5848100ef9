"""A request to a page: who sends it, in which language, and how it is answered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import Depends, Form, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from acmidm_sandbox.beheerportaal.context import CurrentPortal, Portal
from acmidm_sandbox.beheerportaal.documents import SECRET_METHODS
from acmidm_sandbox.beheerportaal.problems import RefusedRequest
from acmidm_sandbox.beheerportaal.settings import ApiSettings
from acmidm_sandbox.beheerportaal.store.users import Person, Right, person_of_session

BASE = "/portaal"
SEE_OTHER = 303
BRUSSELS = ZoneInfo("Europe/Brussels")
Mistakes = Sequence[tuple[str, str]]
"""What is wrong with a form: pairs of a field's id and a sentence."""
Field = Annotated[str, Form()]

_FOLDER = Path(__file__).parent
# Everything that a template inserts is escaped.
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Texts:
    """One language: `language` is its tag (RFC 5646), `messages` are templates of `str.format`."""

    language: str
    messages: Mapping[str, str]

    def __call__(self, key: str, **values: str | int) -> str:
        """Return a text with its blanks filled in."""
        return self.messages[key].format(**values)


def moment(at: datetime) -> str:
    """Return a date and time as they are in Brussels, as in 3/12/2027 09:30."""
    return f"{at.astimezone(BRUSSELS):%-d/%-m/%Y %H:%M}"


def shown(value: Any) -> str:
    """Return a JSON value as people read it: a list of texts with commas, all else as JSON."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value) or "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read_texts(language: str) -> Texts:
    file = _FOLDER / "languages" / f"{language}.json"
    return Texts(language, json.loads(file.read_text("utf-8")))


_TEMPLATES.filters |= {"moment": moment, "shown": shown}
_TEMPLATES.globals["secret_methods"] = SECRET_METHODS
DUTCH = _read_texts("nl")
LANGUAGES = {"nl": DUTCH, "en": _read_texts("en")}


@dataclass(frozen=True, slots=True)
class Visit:
    """A request to a page. `user` is who has logged on; None for somebody who has not."""

    request: Request
    portal: Portal
    texts: Texts
    user: Person | None

    @property
    def logged_on_user(self) -> Person:
        """Who has logged on, for pages that require it."""
        if self.user is None:
            raise HTTPException(403)
        return self.user

    @property
    def apis(self) -> Mapping[str, ApiSettings]:
        """By Referentie, the APIs of the user's organisation, where the user is API-beheerder."""
        if self.user is None or not self.user.api_beheerder:
            return {}
        apis = self.portal.settings.apis
        return {referentie: api for referentie, api in apis.items() if api.owner == self.user.ovo}

    @property
    def done(self) -> str:
        """The name of the text that says what the user just did, which `redirect` puts into the
        address; empty where there is none."""
        name = f"done.{self.request.query_params.get('gedaan', '')}"
        return name if name in self.texts.messages else ""

    def label(self, name: str) -> str:
        """Return what people call a field of a configuration; its name where there is no label."""
        labels = self.portal.settings.labels.get(self.texts.language, {})
        return labels.get(name, name)

    def url(self, page: str, **values: str | int) -> str:
        """Return the address of a page in this visit's language, by the name of its route."""
        app = self.request.app
        return str(app.url_path_for(page, language=self.texts.language, **values))

    def in_language(self, language: str) -> str:
        """Return the address of this page in another language."""
        _, _, rest = self.request.scope["path"].removeprefix(f"{BASE}/").partition("/")
        address = f"{BASE}/{language}/{quote(rest)}"
        query = urlencode(self.request.query_params)
        return f"{address}?{query}" if query else address

    def page(
        self, template: str, status: int = 200, mistakes: Mistakes = (), **context: object
    ) -> Response:
        """Return a page in this visit's language, from a template that has the visit, its texts as
        `t`, its addresses as `url`, and the `context`. Its status is 422 where it has mistakes."""
        settings, language = self.portal.settings, self.texts.language
        html = _TEMPLATES.get_template(template).render(
            mistakes=mistakes,
            visit=self,
            t=self.texts,
            url=self.url,
            user=self.user,
            settings=settings,
            languages=[name for name in LANGUAGES if name != language],
            **context,
        )
        if mistakes and status < 400:
            status = 422
        return HTMLResponse(html, status, {"Content-Language": language})

    def redirect(self, page: str, done: str = "", **values: str) -> Response:
        """Send the browser to a page, by the name of its route, which says what was `done`."""
        query = f"?gedaan={done}" if done else ""
        return RedirectResponse(f"{self.url(page, **values)}{query}", SEE_OTHER)


def texts_of(request: Request) -> Texts:
    """Return the texts of the language in the path (`/portaal/en/…`), else the Dutch ones."""
    _, _, rest = request.scope["path"].removeprefix(BASE).partition("/")
    return LANGUAGES.get(rest.partition("/")[0], DUTCH)


async def _visit(request: Request, portal: CurrentPortal) -> Visit:
    return visit_of(request, portal)


def visit_of(request: Request, portal: Portal) -> Visit:
    """Return the visit, with who has logged on by the cookie; the access log names that person."""
    token = request.cookies.get(cookie_name(portal), "")
    with portal.database.read() as session:
        user = person_of_session(session, token)
    if user is not None:
        request.state.client_id = quote(user.actor, safe=":")
    return Visit(request, portal, texts_of(request), user)


def cookie_name(portal: Portal) -> str:
    """Return the name of a portal's cookie: a browser sends one to all ports of a host."""
    return f"portaal_{portal.settings.platform}_{portal.settings.environment}"


def _visit_with(*rights: Right) -> Any:
    """Return what gives an endpoint the visit of a user with one of these rights.

    Others get an HTTPException: 303 to the log-on for who has not logged on, 403 without any right,
    404 with other rights.
    """

    async def require(visit: AnyVisit) -> Visit:
        if visit.user is None:
            address = visit.url("log_on")
            if visit.request.method == "GET":
                address += f"?{urlencode({'naar': visit.request.scope['path']})}"
            raise HTTPException(SEE_OTHER, headers={"Location": address})
        if not visit.user.rights:
            raise HTTPException(403)
        if set(rights).isdisjoint(visit.user.rights):
            raise HTTPException(404)
        return visit

    return Depends(require)


async def _form(request: Request) -> FormData:
    return await request.form()


SentForm = Annotated[FormData, Depends(_form)]
"""All fields of a form whose names depend on a product or an API."""
AnyVisit = Annotated[Visit, Depends(_visit)]
AdministratorVisit = Annotated[Visit, _visit_with(Right.API_BEHEERDER)]
TeamVisit = Annotated[Visit, _visit_with(Right.AANSLUITINGENTEAM)]
EitherVisit = Annotated[Visit, _visit_with(*Right)]


def error_page(request: Request, problem: RefusedRequest) -> Response:
    """Return the page of a refusal; of a 303, which `_visit_with` raises, the redirect itself."""
    status, headers = problem.status_code, problem.headers or {}
    if status == SEE_OTHER:
        return Response(status_code=status, headers=headers)
    portal: Portal = request.app.state.portal
    if status >= 500:  # without looking up the user: the database may have failed
        visit = Visit(request, portal, texts_of(request), None)
    else:
        visit = visit_of(request, portal)
    if status == 403:
        return visit.page("no_right.html", status)
    kind = {404: "not_found", 503: "busy", 500: "unforeseen"}.get(status, "request")
    answer = visit.page("error.html", status, kind=kind)
    answer.headers.update(headers)
    return answer
