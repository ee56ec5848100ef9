"""What the post office received, for whoever has the database's file: that is no page's
business."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from acmidm_sandbox.beheerportaal.mail.reading import read_text
from acmidm_sandbox.beheerportaal.store import mails
from acmidm_sandbox.beheerportaal.store.mails import StoredMail
from acmidm_sandbox.beheerportaal.store.opening import open_database


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A mail, and what it says."""

    stored: StoredMail
    text: str | None


def received_mails(database: Path) -> list[ReceivedMail]:
    """Return all mails, newest first, those that name no organisation too.

    Raises:
        UnusableDatabase
    """
    with closing(open_database(database)) as store, store.read() as connection:
        return [
            ReceivedMail(stored, read_text(raw)) for stored, raw in mails.everything(connection)
        ]
