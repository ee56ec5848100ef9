"""A request of a person: who that is, in which language, and whether it may do what it wants."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from acmidm_sandbox.beheerportaal.context import Portal
from acmidm_sandbox.beheerportaal.http.body import LimitedRequest
from acmidm_sandbox.beheerportaal.settings import ApiSettings
from acmidm_sandbox.beheerportaal.store.users import User, user_of_session
from acmidm_sandbox.beheerportaal.web.texts import DEFAULT, LANGUAGES, Texts
from acmidm_sandbox.beheerportaal.web.urls import Urls, in_language

SEE_OTHER = 303
Mistakes = Sequence[tuple[str, str]]
"""What is wrong with a form: pairs of a field's id and a sentence."""

# Everything that a template inserts is escaped.
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Visit:
    """`form` has the fields of a POST, uploaded files as text; `user` is who has logged on."""

    request: Request
    portal: Portal
    texts: Texts
    form: Mapping[str, str]
    user: User | None

    @property
    def urls(self) -> Urls:
        """The addresses of this language's pages."""
        return Urls(self.texts.language)

    @property
    def somebody(self) -> User:
        """Who has logged on, on a page that is for those who have."""
        if self.user is None:
            raise HTTPException(403)
        return self.user

    @property
    def apis(self) -> Mapping[str, ApiSettings]:
        """The APIs that the user decides about, by Referentie."""
        if self.user is None or not self.user.api_beheerder:
            return {}
        apis = self.portal.settings.apis
        return {referentie: api for referentie, api in apis.items() if api.owner == self.user.ovo}

    @property
    def done(self) -> str:
        """The name of the text that says what the user just did; empty for none."""
        name = f"done.{self.request.query_params.get('gedaan', '')}"
        return name if name in self.texts.messages else ""

    @property
    def after(self) -> int | None:
        """The number after which a list goes on; None at its beginning."""
        return as_number(self.request.query_params.get("na", ""))

    def label(self, name: str) -> str:
        """Return what people call a field of a product's configuration."""
        labels = self.portal.settings.labels.get(self.texts.language, {})
        return labels.get(name, name)

    def page(
        self, template: str, status: int = 200, mistakes: Mistakes = (), **context: object
    ) -> Response:
        """Return a page in this visit's language; each template knows the visit, its texts as `t`,
        its addresses as `urls`. With mistakes it is a 422."""
        settings, language = self.portal.settings, self.texts.language
        path, query = self.request.scope["path"], dict(self.request.query_params)
        html = _TEMPLATES.get_template(template).render(
            mistakes=mistakes,
            visit=self,
            t=self.texts,
            urls=self.urls,
            user=self.user,
            environment=settings.environment,
            has_mailbox=settings.smtp_port is not None,
            platform=settings.platform,
            languages=[
                (other, in_language(other, path, query)) for other in LANGUAGES if other != language
            ],
            **context,
        )
        return HTMLResponse(html, 422 if mistakes else status, {"Content-Language": language})

    def see(self, url: str) -> Response:
        """Send the browser on to a page."""
        return RedirectResponse(url, SEE_OTHER)


Handler = Callable[[Visit], Response]
# For whom a page is.
Right = Callable[[User], object]
ADMINISTRATOR, TEAM, EITHER = (
    attrgetter("api_beheerder"),
    attrgetter("aansluitingenteam"),
    attrgetter("rights"),
)


def endpoint(handle: Handler, right: Right | None) -> Callable[[Request], Awaitable[Response]]:
    """Return what Starlette calls for a page, which is for who has a right, and for everybody where
    that is None. What reads the database runs in a thread."""

    async def answer(request: Request) -> Response:
        form: Mapping[str, str] = {}
        if request.method == "POST":
            _require_our_origin(request)
            form = await _read_form(request)
        return await to_thread.run_sync(_answer, handle, right, request, form)

    return answer


def as_number(text: str) -> int | None:
    """Return a number in an address, as far as a database can have it; None where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None


def texts_of(request: Request) -> Texts:
    """Return the language in the path, else Dutch."""
    return LANGUAGES.get(request.path_params.get("language", ""), LANGUAGES[DEFAULT])


def visit_of(request: Request, form: Mapping[str, str]) -> Visit:
    """Return the visit, with who has logged on."""
    portal: Portal = request.app.state.portal_of()
    token = request.cookies.get(cookie_name(portal))
    user = None
    if token:
        with portal.database.read() as session:
            user = user_of_session(session, token)
    if user is not None:
        request.state.client_id = quote(user.actor, safe=":")  # for the access log
    return Visit(request, portal, texts_of(request), form, user)


def cookie_name(portal: Portal) -> str:
    """Its own name for each portal: browsers don't keep the cookies of two ports apart."""
    return f"portaal_{portal.settings.platform}_{portal.settings.environment}"


def _answer(
    handle: Handler, right: Right | None, request: Request, form: Mapping[str, str]
) -> Response:
    if request.path_params["language"] not in LANGUAGES:
        raise HTTPException(404)
    visit = visit_of(request, form)
    if right is None:
        return handle(visit)
    if visit.user is None:
        wanted = {"naar": request.scope["path"]} if request.method == "GET" else {}
        return visit.see(visit.urls("log_on", **wanted))
    if not EITHER(visit.user):
        return visit.page("no_right.html", 403)
    if not right(visit.user):
        raise HTTPException(404)
    return handle(visit)


def _require_our_origin(request: Request) -> None:
    """Browsers say where a form was sent from; another origin is refused before its body is
    read."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin not in (None, f"http://{request.headers.get('host')}") or site not in (
        None,
        "same-origin",
    ):
        raise HTTPException(403)


async def _read_form(request: Request) -> dict[str, str]:
    # Ours are in UTF-8; others decode to half characters, or to nothing that is text.
    _, options = parse_options_header(request.headers.get("content-type"))
    if options.get(b"charset", b"utf-8").lower() != b"utf-8":
        raise HTTPException(415)
    limited = LimitedRequest(request)
    await limited.body()
    fields: dict[str, str] = {}
    async with limited.form() as form:
        for name, value in form.multi_items():
            fields[name] = (
                value
                if isinstance(value, str)
                else (await value.read()).decode("utf-8-sig", "replace")
            )
    return fields
