"""The pages under one application, which the portal mounts at `/portaal`."""

import logging
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from acmidm_sandbox.beheerportaal.context import Portal
from acmidm_sandbox.beheerportaal.web import (
    clients,
    configurations,
    couplings,
    form_page,
    keys,
    lifecycle,
    log_on,
    mailbox,
)
from acmidm_sandbox.beheerportaal.web.headers import SecurityHeaders
from acmidm_sandbox.beheerportaal.web.urls import FORM_PAGE, PAGES, Urls
from acmidm_sandbox.beheerportaal.web.visit import (
    ADMINISTRATOR,
    EITHER,
    SEE_OTHER,
    TEAM,
    Handler,
    Right,
    Visit,
    endpoint,
    texts_of,
    visit_of,
)

log = logging.getLogger(__name__)

# A name that someone else's DNS points at this machine is not ours: its pages would have our
# origin.
_LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"]
_TOLD_APART = {
    400: "request",
    403: "elsewhere",
    404: "not_found",
    405: "request",
    413: "too_large",
    415: "request",
    503: "busy",
}


def create_web(portal_of: Callable[[], Portal]) -> ASGIApp:
    """Return the web interface of the portal that `portal_of` gives, once that is open."""
    app = Starlette(
        routes=[
            Route("/", _start),
            Route(FORM_PAGE, form_page.show),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
            Mount("/{language}", routes=_pages()),
        ],
        exception_handlers={
            HTTPException: _refused,
            OperationalError: _busy,
            Exception: _unforeseen,
        },
    )
    app.router.redirect_slashes = False
    app.state.portal_of = portal_of
    return SecurityHeaders(TrustedHostMiddleware(app, _LOOPBACK_NAMES))


def _pages() -> list[Route]:
    def page(
        name: str, right: Right | None, get: Handler | None, post: Handler | None = None
    ) -> list[Route]:
        handlers = {"GET": get, "POST": post}
        return [
            Route(PAGES[name], endpoint(handle, right), methods=[method])
            for method, handle in handlers.items()
            if handle
        ]

    return [
        Route("/", endpoint(_home, None)),
        *page("log_on", None, log_on.show, log_on.log_on),
        *page("log_off", None, None, log_on.log_off),
        *page("clients", EITHER, clients.show_all),
        *page("new_client", ADMINISTRATOR, lifecycle.show_new, lifecycle.create),
        *page("change_client", ADMINISTRATOR, lifecycle.show_change, lifecycle.change),
        *page("client", EITHER, clients.show_one),
        *page("remove_client", EITHER, clients.show_again, lifecycle.remove),
        *page("keys", ADMINISTRATOR, clients.show_again, keys.add),
        *page("remove_key", ADMINISTRATOR, keys.ask_to_remove, keys.remove),
        *page("couple", ADMINISTRATOR, clients.show_again, couplings.request),
        *page("configuration", TEAM, configurations.show, configurations.save),
        *page("apis", ADMINISTRATOR, couplings.show_all),
        *page("coupling", ADMINISTRATOR, couplings.show_one, couplings.decide),
        *page("mailbox", ADMINISTRATOR, mailbox.show_all),
        *page("mail", ADMINISTRATOR, mailbox.show_one),
    ]


def _home(visit: Visit) -> Response:
    return visit.see(visit.urls("clients"))


async def to_the_web(request: Request) -> Response:
    """`/` of the portal: people who come there look for the pages."""
    return await _start(request)


async def _start(request: Request) -> Response:
    return RedirectResponse(Urls(texts_of(request).language)("clients"), SEE_OTHER)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - Starlette calls this for nothing else
    kind = _TOLD_APART.get(error.status_code, "request")
    answer = await _error_page(request, error.status_code, kind)
    answer.headers.update(error.headers or {})
    return answer


async def _busy(request: Request, error: Exception) -> Response:
    log.error("the database refused: %s", getattr(error, "orig", error))
    return await _error_page(request, 503, "busy")


async def _unforeseen(request: Request, _: Exception) -> Response:
    # Without a visit: what failed may be just that.
    return Response(
        texts_of(request)("error.unforeseen.text"), 500, media_type="text/plain; charset=utf-8"
    )


async def _error_page(request: Request, status: int, kind: str) -> Response:
    def render() -> Response:
        return visit_of(request, {}).page("error.html", status, kind=kind)

    return await run_in_threadpool(render)
