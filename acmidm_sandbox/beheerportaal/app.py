"""The application: endpoints, products and pages under one origin."""

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

# SQLite has one writer, and Python runs one thread at a time: more than a few threads only wait.
WORKER_THREADS = 8


def create_app(settings: PortalSettings) -> FastAPI:
    """Return the application of one environment and platform. At its start it opens the database
    and begins to receive mails. Where another issuer has the clients (`external_issuer`), it has
    the products and the audit trail alone."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = WORKER_THREADS
        app.state.portal = Portal.open(settings)
        async with AsyncExitStack() as opened:
            opened.callback(app.state.portal.database.close)
            if settings.smtp_port is not None:
                # A portal without a mail server starts sooner without this import.
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
        # FastAPI's pages about the API load scripts from the internet.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    has_clients = settings.external_issuer is None
    served_products = read_products()
    routers = [clients.router, oauth.router] if has_clients else []
    if has_clients and settings.platform == "geosecure":
        routers.append(oauth.geosecure)
    for router in (*routers, audit.router, products.router, *map(route_calls, served_products)):
        app.include_router(router)
    if has_clients:
        for path in TOKEN_PATHS[settings.platform]:
            app.post(path, **oauth.TOKEN)(oauth.token)
        pages.install(app)

    @app.get("/health", tags=["health"])
    async def health() -> dict[str, str]:
        """Answers as soon as the portal is ready."""
        return {"status": "ok"}

    problems.install(app, {PREFIX: error_response, BASE: error_page})
    endpoints.extend_openapi(app, [product.schemas for product in served_products])
    app.add_middleware(RequestLog)
    return app
