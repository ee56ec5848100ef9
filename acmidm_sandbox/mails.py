"""The mails that a sandbox received, for people on a terminal, the story and tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from pydantic import BaseModel

from acmidm_onboarding.values.problems import on_one_line
from acmidm_sandbox.beheerportaal.mail.received import ReceivedMail


class ListedMail(BaseModel):
    """One mail; ``received`` is how often it came. ``organisation`` and ``connection`` are empty
    where it names none."""

    at: datetime
    organisation: str
    connection: str
    step: str
    subject: str
    sender: str
    recipients: tuple[str, ...]
    message_id: str | None = None
    received: int
    text: str | None = None

    @property
    def words(self) -> str:
        """All that a search looks in."""
        own = (
            self.connection,
            self.subject,
            self.sender,
            *self.recipients,
            self.message_id or "",
            self.text or "",
        )
        return " ".join(own).casefold()


class Mails(BaseModel):
    """The mails of a stack's sandbox, newest first."""

    stack: str
    mails: tuple[ListedMail, ...]


def listed(received: Iterable[ReceivedMail], search: str) -> tuple[ListedMail, ...]:
    """Return the mails that have a word that begins with each of ``search``."""
    words = [
        re.compile(rf"(?<![^\W_]){re.escape(word)}" if word[0].isalnum() else re.escape(word))
        for word in search.casefold().split()
    ]
    mails = map(_listed, received)
    return tuple(mail for mail in mails if all(word.search(mail.words) for word in words))


def lines(mail: ListedMail) -> Iterator[str]:
    """Yield a mail as text: what it is about, then what it says, indented. Whatever is in it does
    nothing to a terminal or a pipeline."""
    yield on_one_line(
        f"{mail.at:%Y-%m-%d %H:%M} UTC  {mail.connection or 'no connection'} "
        f" {mail.subject or 'no subject'}"
    )
    times = f", received {mail.received} times" if mail.received > 1 else ""
    yield on_one_line(f"  to {', '.join(mail.recipients)}{times}")
    yield ""
    for line in (mail.text or "no text").strip("\n").split("\n"):
        yield f"    {on_one_line(line.replace(chr(9), '    '))}".rstrip()


def _listed(received: ReceivedMail) -> ListedMail:
    stored = received.stored
    return ListedMail(
        at=datetime.fromisoformat(stored.received_at),
        organisation=stored.organisation,
        connection=stored.connection,
        step=stored.step,
        subject=stored.subject,
        sender=stored.sender,
        recipients=tuple(stored.recipients),
        message_id=stored.message_id,
        received=stored.times,
        text=received.text,
    )
