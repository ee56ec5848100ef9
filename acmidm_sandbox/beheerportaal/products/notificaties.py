"""Notificaties: keeps what it accepts."""

import logging
from datetime import UTC, datetime

from acmidm_sandbox.beheerportaal.products.documents import day_of
from acmidm_sandbox.beheerportaal.products.product import Sent
from acmidm_sandbox.beheerportaal.store import notifications

log = logging.getLogger(__name__)


def send_notification(sent: Sent) -> None:
    """Keep a notification whose Id is new."""
    number, last_day = sent.document["Id"], sent.document.get("Vervaldatum")
    with sent.portal.database.write() as session:
        if not notifications.add(session, sent.client_id, sent.document):
            raise sent.refusal("exists", Id=number)
    if last_day and day_of(last_day) < datetime.now(UTC).astimezone().date():
        log.info(
            "%s: notification %a will not be processed: its Vervaldatum is over",
            sent.client_id,
            number,
        )
