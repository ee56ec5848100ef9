"""Notificaties: keeps what it accepts."""

import logging
from datetime import UTC, datetime

from sqlalchemy import select

from acmidm_sandbox.beheerportaal.products.documents import day_of
from acmidm_sandbox.beheerportaal.products.product import Sent
from acmidm_sandbox.beheerportaal.store.database import now
from acmidm_sandbox.beheerportaal.store.products import Notification

log = logging.getLogger(__name__)


def send_notification(sent: Sent) -> None:
    """Keep a notification whose Id is new."""
    number, last_day = sent.document["Id"], sent.document.get("Vervaldatum")
    same = (Notification.client_id == sent.client_id, Notification.notification_id == number)
    with sent.portal.database.write() as session:
        if session.scalar(select(Notification).where(*same)) is not None:
            raise sent.refusal("exists", Id=number)
        session.add(
            Notification(
                received_at=now(),
                client_id=sent.client_id,
                notification_id=number,
                document=sent.document,
            )
        )
    if last_day and day_of(last_day) < datetime.now(UTC).astimezone().date():
        log.info(
            "%s: notification %a will not be processed: its Vervaldatum is over",
            sent.client_id,
            number,
        )
