"""Notificaties, as far as it is public: one call."""

import logging
from datetime import UTC, datetime

from fastapi import APIRouter

from beheerportaal.api.describe import ACCESS_TOKEN
from beheerportaal.context import Caller, CurrentPortal
from beheerportaal.problems import refused
from beheerportaal.products.access import ProductRoute, configured, not_among, require_configuration, require_configured
from beheerportaal.products.basis import NOTIFICATION, rests_on
from beheerportaal.products.code_lists import KEY_VALUE_SETS
from beheerportaal.products.errors import PREFIX, refusals
from beheerportaal.products.notificaties_documents import Notification, NotificationReceipt, day_of
from beheerportaal.store import notifications

NOTIFICATIES = "notificaties"

log = logging.getLogger(__name__)


class _Route(ProductRoute):
    product = NOTIFICATIES


router = APIRouter(prefix=PREFIX.rstrip("/"), route_class=_Route, dependencies=[ACCESS_TOKEN], tags=[NOTIFICATIES])


@router.post("/v2/notificaties", responses=refusals(400, 413, 415), openapi_extra=rests_on("documented", NOTIFICATION))
def send_notification(portal: CurrentPortal, caller: Caller, notification: Notification) -> NotificationReceipt:
    """Accepts a notification of the sender, brand and products that are configured for the client."""
    with portal.database.read() as connection:
        configuration = require_configuration(connection, NOTIFICATIES, caller)
    require_configured(
        [
            *not_among(configured(configuration, "aanbieder_uri"), [("/AanbiederUri", notification.AanbiederUri)]),
            *not_among(configured(configuration, "merk_code"), [("/MerkCode", notification.MerkCode)]),
            *not_among(configured(configuration, "product_ids"), [("/ProductId", notification.ProductId)]),
        ]
    )
    document = notification.model_dump(mode="json", exclude_unset=True)
    with portal.database.write() as connection:
        known = notifications.find(connection, caller, notification.Id)
        if known is None:
            notifications.add(connection, caller, document)
        elif known != document:
            raise refused([{"pointer": "/Id", "detail": f"{notification.Id} was sent before, with another message; give each its own Id"}])
    _note(caller, notification)
    return NotificationReceipt(Id=notification.Id)


def _note(caller: str, notification: Notification) -> None:
    """What is accepted here and may not be elsewhere is in the log."""
    if notification.Categorie not in KEY_VALUE_SETS:
        log.info("%s: category %a is not public, so its SleutelWaardeParen were not checked", caller, notification.Categorie)
    if notification.Vervaldatum and day_of(notification.Vervaldatum) < datetime.now(UTC).astimezone().date():
        log.info("%s: notification %a will not be processed: its Vervaldatum is over", caller, notification.Id)
