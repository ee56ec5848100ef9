"""Notificaties, as far as it is public: one call."""

import logging
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from acmidm_sandbox.beheerportaal.api.describe import ACCESS_TOKEN
from acmidm_sandbox.beheerportaal.context import Caller, CurrentPortal
from acmidm_sandbox.beheerportaal.problems import Problem
from acmidm_sandbox.beheerportaal.products.access import (
    ProductRoute,
    not_set,
    require_configuration,
    require_set,
)
from acmidm_sandbox.beheerportaal.products.basis import NOTIFICATION, rests_on
from acmidm_sandbox.beheerportaal.products.code_lists import KEY_VALUE_SETS, LONGEST_NOTIFICATION
from acmidm_sandbox.beheerportaal.products.errors import PREFIX, refusals
from acmidm_sandbox.beheerportaal.products.notificaties_documents import (
    Notification,
    NotificationReceipt,
    day_of,
)
from acmidm_sandbox.beheerportaal.store import notifications

NOTIFICATIES = "notificaties"

log = logging.getLogger(__name__)


class _Route(ProductRoute):
    product = NOTIFICATIES


router = APIRouter(
    prefix=PREFIX.rstrip("/"), route_class=_Route, dependencies=[ACCESS_TOKEN], tags=[NOTIFICATIES]
)


async def _size(request: Request) -> int:
    return len(await request.body())


@router.post(
    "/v2/notificaties", responses=refusals(415), openapi_extra=rests_on("documented", NOTIFICATION)
)
def send_notification(
    portal: CurrentPortal,
    caller: Caller,
    notification: Notification,
    size: Annotated[int, Depends(_size)],
) -> NotificationReceipt:
    """Accepts a notification of the sender, brand, products and channels that are configured for
    the client."""
    if size > LONGEST_NOTIFICATION:
        raise Problem(413, f"The body is larger than {LONGEST_NOTIFICATION} bytes; send less.")
    mistakes = not_set(
        require_configuration(portal, NOTIFICATIES, caller),
        aanbieder_uri=[("/AanbiederUri", notification.AanbiederUri)],
        merk_code=[("/MerkCode", notification.MerkCode)],
        product_ids=[("/ProductId", notification.ProductId)],
        channels=[
            (f"/Kanalen/{number}", channel)
            for number, channel in enumerate(notification.Kanalen)
            if isinstance(channel, str)
        ],
    )
    require_set(mistakes)
    document = notification.model_dump(mode="json", exclude_unset=True)
    with portal.database.write() as connection:
        if notifications.has(connection, caller, notification.Id):
            detail = (
                f"{notification.Id} exists: the first call worked, though its answer may be lost;"
                " give another notification its own Id."
            )
            raise Problem(400, detail, members={"code": "1071"})
        notifications.add(connection, caller, document)
    _note(caller, notification)
    return NotificationReceipt(Id=notification.Id)


def _note(caller: str, notification: Notification) -> None:
    """What is accepted here and may not be elsewhere is in the log."""
    if notification.Categorie not in KEY_VALUE_SETS:
        log.info(
            "%s: category %a is not public, so its SleutelWaardeParen were not checked",
            caller,
            notification.Categorie,
        )
    if (
        notification.Vervaldatum
        and day_of(notification.Vervaldatum) < datetime.now(UTC).astimezone().date()
    ):
        log.info(
            "%s: notification %a will not be processed: its Vervaldatum is over",
            caller,
            notification.Id,
        )
