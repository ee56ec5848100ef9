"""What every call of a product needs: its scope, and for its members what is configured for the client."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from fastapi import Request
from sqlalchemy import Connection
from typing_extensions import override

from beheerportaal.context import Portal
from beheerportaal.http.guard import TokenRoute, require_audience, require_scope
from beheerportaal.problems import Problem, not_found
from beheerportaal.store import products

LONGEST_CALL = 80 * 1024  # bytes: of a notification (wiki 7209091106, 7217348621); of a dossier it is not public

Mistake = Mapping[str, str]


class ProductRoute(TokenRoute):
    """A route of one product. The token is looked at before the body is."""

    product: ClassVar[str]
    longest_body: ClassVar[int] = LONGEST_CALL

    @override
    def authorise(self, request: Request) -> None:
        """Checks that the product is offered here, and that the token is for it.

        Raises:
            Problem: 404, 403; 415 for XML, which the real platform takes.
        """
        portal: Portal = request.app.state.portal
        settings = portal.settings.products.get(self.product)
        if settings is None:
            raise not_found(f"product {self.product} in environment {portal.settings.environment}")
        require_scope(request, settings.scope)
        require_audience(request, settings)
        if request.method == "POST" and "xml" in request.headers.get("content-type", "").lower():
            raise Problem(
                415,
                "XML is not read here, though the real platform may take it; send the same document as JSON, "
                "with Content-Type: application/json.",
                headers={"Accept": "application/json"},
            )


def find_configuration(connection: Connection, product: str, client_id: str) -> Mapping[str, Any] | None:
    """What is configured for the client, None for nothing."""
    stored = products.find(connection, product, client_id)
    return None if stored is None else stored.document.configuration


def require_configuration(connection: Connection, product: str, client_id: str) -> Mapping[str, Any]:
    """What is configured for the client.

    Raises:
        Problem: 403.
    """
    configuration = find_configuration(connection, product, client_id)
    if configuration is None:
        raise Problem(403, f"{missing(product, client_id)}; have the operator configure it.")
    return configuration


def missing(product: str, client_id: str) -> str:
    """That a client has no configuration."""
    return f"Product {product} is not configured for client {client_id}"


def configured(configuration: Mapping[str, Any], name: str) -> list[str]:
    """The values of a configured field, be it one text, a list of them, or none."""
    value = configuration.get(name) or []
    return [value] if isinstance(value, str) else list(value)


def not_configured(value: str, allowed: list[str]) -> str:
    """That a value is not among those configured, and what to do."""
    known = f"use {', '.join(allowed)}, or " if allowed else ""
    return f"{value} is not configured for this client; {known}have the operator configure it"


def not_among(allowed: list[str], values: Iterable[tuple[str, str]]) -> list[Mistake]:
    """Of values with their pointers those that are not configured."""
    return [{"pointer": pointer, "detail": not_configured(value, allowed)} for pointer, value in values if value not in allowed]


def require_configured(mistakes: list[Mistake]) -> None:
    """Refuses what is not configured.

    Raises:
        Problem: 403 with all of it.
    """
    if mistakes:
        raise Problem(403, "Not everything is configured for this client.", errors=mistakes)
