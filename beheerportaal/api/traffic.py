"""The products themselves, as far as a client's first steps need them: each says which condition of access is missing."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from beheerportaal.api.describe import ACCESS_TOKEN, Responses, problems
from beheerportaal.context import Caller, CurrentPortal, Portal
from beheerportaal.documents import Text
from beheerportaal.http.guard import TokenRoute, require_audience, require_scope
from beheerportaal.problems import Problem, not_found
from beheerportaal.store import messages, products

router = APIRouter(prefix="/api/v2", route_class=TokenRoute, dependencies=[ACCESS_TOKEN], tags=["traffic"])

NOTIFICATIES = "notificaties"
DOSIS = "dosis"
_RESPONSES: Responses = problems(404, with_body=True)


class _Message(BaseModel):
    """Unknown members are kept: only a part of the real messages is known here."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    Id: Text


class Notification(_Message):
    """A notification for citizens or organisations."""

    AanbiederUri: Text = Field(description="The sender.")
    Bestemmelingen: Annotated[list[dict[str, JsonValue]], Field(min_length=1)] = Field(description="The recipients.")
    Categorie: Text
    Kanalen: Annotated[list[Text], Field(min_length=1)] = Field(description="The channels.")
    ProductId: Text = Field(description="The IPDC number.")
    MerkCode: Text = Field(description="The brand.")


class Dossier(_Message):
    """A file (dossier) that citizens can follow."""

    BronUri: Text = Field(description="The source.")
    ProductId: Text = Field(description="The IPDC number.")
    Titel: Text
    Status: Text


class Accepted(BaseModel):
    """The receipt."""

    Id: str


@router.post("/notificaties", status_code=202, responses=_RESPONSES)
def send_notification(portal: CurrentPortal, caller: Caller, request: Request, notification: Notification) -> Accepted:
    """Accepts a notification of the sender, brand and products that are configured for the client."""
    configured = _configuration(portal, request, NOTIFICATIES, caller)
    _require_configured("AanbiederUri", notification.AanbiederUri, [configured.get("aanbieder_uri")])
    _require_configured("MerkCode", notification.MerkCode, [configured.get("merk_code")])
    _require_configured("ProductId", notification.ProductId, configured.get("product_ids", []))
    return _accept(portal, NOTIFICATIES, caller, notification)


@router.post("/dosis/dossiers", status_code=201, responses=_RESPONSES)
def send_dossier(portal: CurrentPortal, caller: Caller, request: Request, dossier: Dossier) -> Accepted:
    """Accepts a dossier of the source and products that are configured for the client."""
    configured = _configuration(portal, request, DOSIS, caller)
    _require_configured("BronUri", dossier.BronUri, [configured.get("bron_uri")])
    _require_configured("ProductId", dossier.ProductId, configured.get("product_ids", []))
    return _accept(portal, DOSIS, caller, dossier)


def _configuration(portal: Portal, request: Request, product: str, client_id: str) -> Mapping[str, Any]:
    settings = portal.settings.products.get(product)
    if settings is None:
        raise not_found(f"product {product} in environment {portal.settings.environment}")
    require_scope(request, settings.scope)
    require_audience(request, settings)
    with portal.database.read() as connection:
        stored = products.find(connection, product, client_id)
    if stored is None:
        raise Problem(403, f"Product {product} is not configured for client {client_id}; have the operator configure it.")
    return stored.document.configuration


def _require_configured(member: str, value: str, allowed: list[Any]) -> None:
    if value not in allowed:
        known = ", ".join(map(str, allowed))
        raise Problem(
            403,
            f"{member} {value} is not configured for this client; use {known}, or have the operator configure it.",
            errors=[{"pointer": f"/{member}", "detail": "is not the configured value"}],
        )


def _accept(portal: Portal, product: str, client_id: str, message: _Message) -> Accepted:
    with portal.database.write() as connection:
        messages.add(connection, product, client_id, message.model_dump(mode="json"))
    return Accepted(Id=message.Id)
