"""The sandbox's mail server: it takes mails to anybody by SMTP on loopback (RFC 5321), keeps them
in a folder (a Maildir), and sends none on. The organisation that a mail is about can read it.

People see a mail's text, never its HTML nor its files. Run by itself, it writes the mails in a
FOLDER as JSON, newest first.
"""

import json
import re
import sys
from asyncio import get_running_loop
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path

from pydantic import BaseModel, Field

from acmidm_sandbox.beheerportaal.limits import LONGEST_MAIL

_CODE = re.compile(r"OVO[0-9]{6}|[01][0-9]{9}", re.ASCII)


@asynccontextmanager
async def receiving(folder: Path, host: str, port: int) -> AsyncIterator[None]:
    """Receive mails by SMTP while the block runs, and write them into a folder."""
    # A portal without a mail server starts sooner without these.
    from aiosmtpd.handlers import Mailbox
    from aiosmtpd.smtp import SMTP

    protocol = partial(
        SMTP,
        Mailbox(folder),
        data_size_limit=LONGEST_MAIL,
        enable_SMTPUTF8=True,
        hostname="localhost",
        ident="Beheerportaal",
    )
    server = await get_running_loop().create_server(protocol, host, port)
    try:
        yield
    finally:
        server.close()


class ReceivedMail(BaseModel):
    """A mail; a header that it lacks is empty. `connection` is the key of the connection that it is
    about, with platform and environment before it, and `organisation` the code in that. The same
    Message-ID came `received` times, the first time `at`. The pages know it by its `number`."""

    number: int = Field(exclude=True)
    to: str = Field(exclude=True)
    at: datetime
    organisation: str
    connection: str
    step: str
    subject: str
    sender: str
    recipients: list[str]
    message_id: str
    received: int = 1
    text: str | None
    """The part in plain text; None where there is none that can be read."""


def received_mails(folder: Path) -> list[ReceivedMail]:
    """Return the mails in a folder, newest first, also those that name no organisation. Mails about
    one organisation with the same Message-ID become one, with the recipients of each."""
    mails: dict[tuple[str, str], ReceivedMail] = {}
    for file in sorted(folder.glob("new/*"), key=lambda file: file.stat().st_mtime_ns):
        mail = _read(file, len(mails) + 1)
        first = mails.setdefault((mail.organisation, mail.message_id or file.name), mail)
        if first is not mail:
            first.received += 1
            first.recipients = list(dict.fromkeys([*first.recipients, *mail.recipients]))
    return list(reversed(mails.values()))


def _read(file: Path, number: int) -> ReceivedMail:
    """Return the mail in a file."""
    message = message_from_bytes(file.read_bytes(), EmailMessage, policy=default)
    connection = _header(message, "X-Acmidm-Connection")
    return ReceivedMail(
        number=number,
        at=datetime.fromtimestamp(file.stat().st_mtime, UTC),
        organisation=_organisation(connection),
        connection=connection,
        step=_header(message, "X-Acmidm-Step"),
        subject=_header(message, "Subject"),
        sender=_header(message, "From"),
        to=_header(message, "To"),
        # The last: aiosmtpd adds it below those of the sender, who may have written the same name.
        recipients=_header(message, "X-RcptTo", -1).split(", "),
        message_id=_header(message, "Message-ID"),
        text=_text(message),
    )


def _organisation(connection: str) -> str:
    """Return the third part of `<platform>/<environment>/<organisation code>/<application>`; empty
    where the header is none of these."""
    parts = connection.split("/")
    if len(parts) == 4 and _CODE.fullmatch(parts[2]):
        return parts[2]
    return ""


def _text(message: EmailMessage) -> str | None:
    """Return the part in plain text; None where there is none that can be read."""
    try:
        body = message.get_body(("plain",))
        return None if body is None else str(body.get_content())
    except Exception:  # on a broken mail Python's parser raises many kinds of errors
        return None


def _header(message: EmailMessage, name: str, position: int = 0) -> str:
    """Return a header by its name, of several that at a position; empty where none can be read."""
    values = [value for key, value in message.raw_items() if key.lower() == name.lower()]
    if not values:
        return ""
    try:
        return " ".join(str(message.policy.header_fetch_parse(name, values[position])).split())
    except Exception:  # as in `_text`
        return ""


if __name__ == "__main__":
    received = received_mails(Path(sys.argv[1]))
    json.dump([mail.model_dump(mode="json", exclude_none=True) for mail in received], sys.stdout)
