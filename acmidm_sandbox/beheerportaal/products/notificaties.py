"""Notificaties: keeps what it accepts."""

import logging
from datetime import UTC, datetime

from acmidm_sandbox.beheerportaal.products.documents import day_of
from acmidm_sandbox.beheerportaal.products.product import Sent
from acmidm_sandbox.beheerportaal.store import notifications

log = logging.getLogger(__name__)


def send_notification(sent: Sent) -> None:
    """Keep a notification.

    Raises:
        Problem: 400 for an Id that exists.
    """
    notification = sent.document
    with sent.portal.database.write() as connection:
        if notifications.has(connection, sent.client_id, notification["Id"]):
            raise sent.refusal("exists", Id=notification["Id"])
        notifications.add(connection, sent.client_id, notification)
    # What is accepted here and may not be elsewhere is in the log.
    category, last_day = notification["Categorie"], notification.get("Vervaldatum")
    if category not in sent.product.schemas["Notification"]["x-key-values"]:
        log.info(
            "%s: category %a is not public, so its SleutelWaardeParen were not checked",
            sent.client_id,
            category,
        )
    if last_day and day_of(last_day) < datetime.now(UTC).astimezone().date():
        log.info(
            "%s: notification %a will not be processed: its Vervaldatum is over",
            sent.client_id,
            notification["Id"],
        )
