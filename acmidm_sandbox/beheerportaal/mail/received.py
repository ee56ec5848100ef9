"""What the post office received: a Maildir, one file for each time that a mail came, as it came.

People see its text, never its HTML nor its files. What the standard library fails at says nothing.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.policy import default
from functools import cached_property
from mailbox import Maildir
from pathlib import Path

from pydantic import BaseModel, Field, computed_field

_CODE = re.compile(r"OVO[0-9]{6}|[01][0-9]{9}", re.ASCII)
_UNSEEN = "\N{REPLACEMENT CHARACTER}"
_RECIPIENTS = b"X-RcptTo: "
"""The first line of a file, which the sender did not write: who it was for, as JSON."""


class Mail(BaseModel):
    """A mail; a header that it has not is empty. `organisation` is the code in `connection`, if
    there is one. It came `received` times with the same Message-ID, the first time `at`."""

    number: int = Field(exclude=True)
    file: Path = Field(exclude=True)
    to: str = Field(exclude=True)
    at: datetime
    organisation: str
    connection: str
    step: str
    subject: str
    sender: str
    recipients: list[str]
    message_id: str | None
    received: int = 1

    @computed_field  # type: ignore[prop-decorator]
    @cached_property
    def text(self) -> str | None:
        """The first part in plain text; None where there is none."""
        return read_text(_parts(self.file)[1])


def keep(mails: Maildir, recipients: Sequence[str], raw: bytes) -> dict[str, str]:
    """Write a mail, and return its headers.

    Raises:
        OSError
    """
    mails.add(_RECIPIENTS + json.dumps(recipients).encode() + b"\n" + raw)
    return read_headers(raw)


def received_mails(folder: Path) -> list[Mail]:
    """Return all mails, newest first, those that name no organisation too. The same Message-ID for
    the same organisation is the same mail, received once more."""
    mails: dict[tuple[str, str], Mail] = {}
    for at, _, file in sorted(_files(folder)):
        recipients, raw = _parts(file)
        headers = read_headers(raw)
        key = headers["organisation"], headers["message_id"] or file.name
        mail = mails.get(key)
        if mail is None:
            facts = {"number": len(mails) + 1, "file": file, "at": at, "recipients": recipients}
            mails[key] = Mail.model_validate({**headers, **facts})
        else:
            mail.received += 1
            mail.recipients += [one for one in recipients if one not in mail.recipients]
    return list(reversed(mails.values()))


def read_headers(raw: bytes) -> dict[str, str]:
    """Return the headers of a mail (RFC 5322), each on one line; one that cannot be read is as one
    that is not there."""
    try:
        message = BytesHeaderParser(EmailMessage, policy=default).parsebytes(raw)
    except Exception:  # of a broken mail a parser of a grammar with holes raises whatever it meets
        message = EmailMessage()
    named = _values(message, "X-Acmidm-Connection")
    # Of two, nobody knows which one counts.
    connection = named[0] if len(named) == 1 else ""
    parts = connection.split("/")
    return {
        "message_id": _first(message, "Message-ID"),
        "connection": connection,
        "organisation": parts[2] if len(parts) == 4 and _CODE.fullmatch(parts[2]) else "",
        "step": _first(message, "X-Acmidm-Step"),
        "subject": _first(message, "Subject"),
        "sender": _first(message, "From"),
        "to": _first(message, "To"),
    }


def read_text(raw: bytes) -> str | None:
    """Return the first part in plain text; None where there is none, or where the parts cannot be
    told apart."""
    try:
        message = BytesParser(EmailMessage, policy=default).parsebytes(raw)
        return next((_text(part) for part in message.walk() if _is_text(part)), None)
    except Exception:  # the same
        return None


def _files(folder: Path) -> Iterator[tuple[datetime, int, Path]]:
    """Yield each file with when it came, and its number among those of one moment: its name begins
    so, as in ``1767225600.M250000P4711Q3.host``."""
    for file in folder.glob("new/*"):
        seconds, microseconds, _, count = map(int, re.findall(r"[0-9]+", file.name)[:4])
        at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)
        yield at, count, file


def _parts(file: Path) -> tuple[list[str], bytes]:
    """Return who the mail of a file was for, and the mail."""
    first, _, raw = file.read_bytes().partition(b"\n")
    recipients = json.loads(first.removeprefix(_RECIPIENTS))
    return [_seen(address) for address in recipients], raw


def _seen(text: str, kept: str = "") -> str:
    """Return the text with a sign in the place of each character that cannot be seen, or that turns
    the direction of others, but for `kept`."""
    return "".join(
        character if character.isprintable() or character in kept else _UNSEEN for character in text
    )


def _is_text(part: EmailMessage) -> bool:
    is_file = part.get_content_disposition() == "attachment"
    return part.get_content_type() == "text/plain" and not part.is_multipart() and not is_file


def _text(part: EmailMessage) -> str:
    charset = part.get_content_charset("utf-8")
    try:
        text = _content(part).decode(charset, "replace")
    except LookupError:
        text = _content(part).decode("utf-8", "replace")
    return _seen(text.replace("\r\n", "\n"), kept="\n\t")


def _content(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _first(message: EmailMessage, name: str) -> str:
    return next(iter(_values(message, name)), "")


def _values(message: EmailMessage, name: str) -> list[str]:
    try:
        return [_seen(" ".join(str(value).split())) for value in message.get_all(name, [])]
    except Exception:  # the same: a header is read when it is asked for
        return []
