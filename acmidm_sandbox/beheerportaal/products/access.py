"""What every call of a product needs: its scope, and for its members what is configured for the
client."""

from collections.abc import Mapping
from typing import Any, ClassVar

from fastapi import Request
from sqlalchemy.orm import Session
from typing_extensions import override

from acmidm_sandbox.beheerportaal.api.guard import TokenRoute, require_audience, require_scope
from acmidm_sandbox.beheerportaal.context import Portal
from acmidm_sandbox.beheerportaal.limits import MOST_VALUES
from acmidm_sandbox.beheerportaal.problems import Problem, first_of, not_found
from acmidm_sandbox.beheerportaal.store import products

# Bytes that are read at all, so that of a notification the value that is too long can be named.
LONGEST_CALL = 128 * 1024

Mistake = Mapping[str, str]
# What the wiki calls what is configured (6759612467, 6724387281); that a brand is its Afzender's is
# assumed.
_NAMES = {
    "aanbieder_uri": "Aanbieder",
    "merk_code": "Afzender",
    "product_ids": "product",
    "channels": "channel",
    "bron_uri": "bron",
}
_OPTIONAL = {"channels", "access_rights"}
_UNCHANGED = (
    "offer the same message again, unchanged, once the Aansluitingenteam has set it (here the"
    " operator does, by the form)"
)


class ProductRoute(TokenRoute):
    """A route of one product. The token is looked at before the body is."""

    product: ClassVar[str]
    longest_body: ClassVar[int] = LONGEST_CALL

    @override
    def authorise(self, request: Request) -> None:
        """Check that the product is offered here, and that the token is for it.

        Raises:
            Problem: 404, 401, 403; 415 for XML, which the real platform takes.
        """
        portal: Portal = request.app.state.portal
        settings = portal.settings.products.get(self.product)
        if settings is None:
            raise not_found(f"product {self.product} in environment {portal.settings.environment}")
        require_audience(request, settings)
        require_scope(request, settings.scope)
        if request.method == "POST" and "xml" in request.headers.get("content-type", "").lower():
            raise Problem(
                415,
                "XML is not read here, though the real platform may take it; send the same document"
                " as JSON, with Content-Type: application/json.",
                headers={"Accept": "application/json"},
            )


def find_configuration(session: Session, product: str, client_id: str) -> Mapping[str, Any] | None:
    """Return what is configured for the client, None for nothing."""
    stored = products.find(session, product, client_id)
    return None if stored is None else stored.document.configuration


def require_configuration(portal: Portal, product: str, client_id: str) -> Mapping[str, Any]:
    """Return what is configured for the client.

    Raises:
        Problem: 403.
    """
    with portal.database.read() as connection:
        configuration = find_configuration(connection, product, client_id)
    if configuration is None:
        raise Problem(403, f"{missing(product, client_id)}; {_UNCHANGED}.")
    return configuration


def missing(product: str, client_id: str) -> str:
    """That a client has no configuration."""
    return f"Client {client_id} is not set as Aanbieder of {product}"


def configured(configuration: Mapping[str, Any], name: str) -> list[str]:
    """Return the values of a configured field, be it one text, a list of them, or none; and those
    of the organisations that the client sends for."""
    value, senders = configuration.get(name) or [], configuration.get("afzenders") or []
    own = [value] if isinstance(value, str) else list(value)
    return own + [more for sender in senders for more in configured(sender, name)]


def not_set(configuration: Mapping[str, Any], **sent: list[tuple[str, str]]) -> list[Mistake]:
    """Of what is sent, with its pointers, by fields of the configuration, what these lack; optional
    ones that are absent allow all."""
    mistakes: list[Mistake] = []
    for name, values in sent.items():
        allowed = configured(configuration, name)
        more = f" and {len(allowed) - MOST_VALUES:,} more" if len(allowed) > MOST_VALUES else ""
        detail = (
            f"is not set for this client (set: {', '.join(allowed[:MOST_VALUES]) or 'none'}{more})"
        )
        wrong = (
            [value for value in values if value[1] not in allowed]
            if allowed or name not in _OPTIONAL
            else []
        )
        mistakes += [
            {"pointer": pointer, "detail": f"{_NAMES.get(name, 'right')} {value} {detail}"}
            for pointer, value in wrong
        ]
    return mistakes


def require_set(mistakes: list[Mistake]) -> None:
    """Refuses what is not configured.

    Raises:
        Problem: 403 with the first of it.
    """
    if mistakes:
        shown = first_of(mistakes)
        raise Problem(
            403, f"{'; '.join(mistake['detail'] for mistake in shown)}; {_UNCHANGED}.", errors=shown
        )
