"""The application: all rooms of the portal under one origin."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI

from acmidm_sandbox.beheerportaal import problems
from acmidm_sandbox.beheerportaal.api import audit, clients, endpoints, oauth, products
from acmidm_sandbox.beheerportaal.context import Portal
from acmidm_sandbox.beheerportaal.http import RequestLog
from acmidm_sandbox.beheerportaal.products.product import PREFIX, error_response, read_products
from acmidm_sandbox.beheerportaal.products.server import route_calls
from acmidm_sandbox.beheerportaal.settings import TOKEN_PATHS, PortalSettings
from acmidm_sandbox.beheerportaal.web import app as pages
from acmidm_sandbox.beheerportaal.web.visit import BASE, error_page

# SQLite has one writer and Python one running thread: more than a few only get in each other's way.
WORKER_THREADS = 8


def create_app(settings: PortalSettings) -> FastAPI:
    """Return the portal of one environment and platform. The database is opened when the
    application starts, and mails are received then."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = WORKER_THREADS
        app.state.portal = Portal.open(settings)
        async with AsyncExitStack() as opened:
            opened.callback(app.state.portal.database.close)
            if settings.smtp_port is not None:
                # A portal without it starts sooner.
                from acmidm_sandbox.beheerportaal.mail import receiving

                await opened.enter_async_context(
                    receiving(settings.mails, settings.host, settings.smtp_port)
                )
            yield

    app = FastAPI(
        title=f"Beheerportaal {settings.platform} {settings.environment}",
        version="1",
        description=(
            "Manages OAuth clients, their scopes and keys, and their product configurations; issues"
            " access tokens."
        ),
        lifespan=lifespan,
        # their scripts come from elsewhere, and this server speaks with nobody but loopback
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    clients_are_ours = settings.external_issuer is None
    offered = read_products()
    of_clients = [clients.router, oauth.router] if clients_are_ours else []
    if clients_are_ours and settings.platform == "geosecure":
        of_clients.append(oauth.geosecure)
    for router in (*of_clients, audit.router, products.router, *map(route_calls, offered)):
        app.include_router(router)
    if clients_are_ours:
        for path in TOKEN_PATHS[settings.platform]:
            app.post(path, **oauth.TOKEN)(oauth.token)
        pages.install(app)

    @app.get("/health", tags=["health"])
    async def health() -> dict[str, str]:
        """Answers as soon as the portal is ready."""
        return {"status": "ok"}

    forms = {PREFIX: error_response, BASE: error_page}
    problems.install(app, forms)
    endpoints.install(app, [product.schemas for product in offered])
    app.add_middleware(RequestLog)
    return app
