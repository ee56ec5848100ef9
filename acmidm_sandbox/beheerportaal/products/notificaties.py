"""What the call of Notificaties does, by the name that `notificaties.yaml` has."""

import logging
from datetime import UTC, datetime

from sqlalchemy import select

from acmidm_sandbox.beheerportaal.products.documents import day_of
from acmidm_sandbox.beheerportaal.products.product import ReceivedCall
from acmidm_sandbox.beheerportaal.store.database import utc_now
from acmidm_sandbox.beheerportaal.store.products import Notification

log = logging.getLogger(__name__)


def send_notification(received: ReceivedCall) -> None:
    """Keep a notification; log where its Vervaldatum has passed, for the real platform would not
    deliver it. Raises RefusedRequest where the client has sent one with its Id."""
    number, last_day = received.document["Id"], received.document.get("Vervaldatum")
    with_id = select(Notification).filter_by(client_id=received.client_id, notification_id=number)
    with received.portal.database.write() as session:
        if session.scalar(with_id) is not None:
            raise received.refusal("exists", Id=number)
        session.add(
            Notification(
                received_at=utc_now(),
                client_id=received.client_id,
                notification_id=number,
                document=received.document,
            )
        )
    if last_day and day_of(last_day) < datetime.now(UTC).astimezone().date():
        log.info(
            "%s: notification %a will not be processed: its Vervaldatum is over",
            received.client_id,
            number,
        )
