"""The routes of all pages, below `/portaal`, and the pages to log on and off. At the real portal
people log on with eID or itsme; here with a password that the start of the sandbox prints."""

from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import delete
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from acmidm_sandbox.beheerportaal.context import CurrentPortal
from acmidm_sandbox.beheerportaal.secrets import is_secret
from acmidm_sandbox.beheerportaal.store.users import (
    Account,
    WebSession,
    hash_of_token,
    start_session,
)
from acmidm_sandbox.beheerportaal.web import clients, configurations, couplings, mailbox
from acmidm_sandbox.beheerportaal.web.visit import (
    BASE,
    LANGUAGES,
    SEE_OTHER,
    AnyVisit,
    Field,
    cookie_name,
)

router = APIRouter()


def install(app: FastAPI) -> None:
    """Add the pages to the portal. The path under a language is that of the real portal's menu."""
    app.mount(f"{BASE}/static", StaticFiles(directory=Path(__file__).parent / "static"), "static")
    app.get(f"{BASE}/aansluitingsformulier", name="form", include_in_schema=False)(show_form)
    for path in ("/", BASE, f"{BASE}/"):
        app.get(path, include_in_schema=False)(start)
    for pages in (router, mailbox.router, couplings.router, configurations.router, clients.router):
        app.include_router(
            pages,
            prefix=f"{BASE}/{{language}}",
            dependencies=[Depends(_require_language)],
            include_in_schema=False,
        )


async def _require_language(language: str) -> None:
    if language not in LANGUAGES:
        raise HTTPException(404)


def start(request: Request) -> Response:
    """Send the browser from `/` or `/portaal` to the clients, in Dutch."""
    return RedirectResponse(request.app.url_path_for("clients", language="nl"), SEE_OTHER)


def show_form(portal: CurrentPortal) -> Response:
    """Return the file with the aansluitingsformulier as a page; nobody needs to log on for it."""
    if portal.settings.form_page is None:
        raise HTTPException(404)
    return FileResponse(portal.settings.form_page)


@router.get("/")
def show_home(visit: AnyVisit) -> Response:
    """Send the browser to the clients."""
    return visit.redirect("clients")


@router.get("/aanmelden", name="log_on")
def show_log_on(visit: AnyVisit, naar: str = "", afgemeld: str = "") -> Response:
    """Return the form to log on. `naar` is the path to which the browser goes then; `afgemeld` is
    set just after logging off. Send who has logged on to the clients."""
    if visit.user is not None:
        return visit.redirect("clients")
    return visit.page("log_on.html", name="", wanted=naar, logged_off=bool(afgemeld))


@router.post("/aanmelden")
def log_on(visit: AnyVisit, name: Field = "", password: Field = "", naar: Field = "") -> Response:
    """Check name and password, start a session, and send the browser to the path `naar`; show the
    form again with one sentence, whichever of the two is wrong."""
    name = name.strip()
    with visit.portal.database.write() as session:
        account = session.get(Account, name)
        is_known = account is not None and is_secret(password, account.password_hash)
        token = start_session(session, name) if is_known else None
    if token is None:
        wrong = [("name", visit.texts("log_on.refused"))]
        return visit.page("log_on.html", mistakes=wrong, name=name, wanted=naar, logged_off=False)
    answer = visit.redirect("clients")
    if naar.startswith(f"{BASE}/"):  # never to another site
        answer = RedirectResponse(naar, SEE_OTHER)
    # Not Secure: the portal speaks plain HTTP, on loopback only. Lax: a link to a client from
    # elsewhere finds its reader logged on, and no form of another site is sent with it.
    answer.set_cookie(cookie_name(visit.portal), token, path=BASE, httponly=True, samesite="lax")
    return answer


@router.post("/afmelden", name="log_off")
def log_off(visit: AnyVisit) -> Response:
    """Remove the session from the database, and its cookie from the browser."""
    cookie = cookie_name(visit.portal)
    token = visit.request.cookies.get(cookie, "")
    with visit.portal.database.write() as session:
        session.execute(delete(WebSession).where(WebSession.token_hash == hash_of_token(token)))
    answer = RedirectResponse(f"{visit.url('log_on')}?afgemeld=1", SEE_OTHER)
    answer.delete_cookie(cookie, path=BASE, httponly=True, samesite="lax")
    return answer
