"""A mail as somebody may look at it: its text and its files, never its HTML. What the standard
library fails at says nothing."""

import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.policy import default

from acmidm_sandbox.beheerportaal.store.mails import Headers

CALENDAR = "text/calendar"
_CODE = re.compile(r"OVO[0-9]{6}|[01][0-9]{9}", re.ASCII)
_UNSEEN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part of a mail that is a file."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """What a mail says; `text` is None where no part is plain text. A part in HTML is neither."""

    text: str | None
    attachments: tuple[Attachment, ...]


def read_headers(raw: bytes) -> Headers:
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
    return Headers(
        message_id=_first(message, "Message-ID"),
        connection=connection,
        organisation=parts[2] if len(parts) == 4 and _CODE.fullmatch(parts[2]) else "",
        step=_first(message, "X-Acmidm-Step"),
        subject=_first(message, "Subject"),
        sender=_first(message, "From"),
        to=_first(message, "To"),
    )


def read_body(raw: bytes) -> Body:
    """Return the first part in plain text, and the files; nothing where the parts cannot be told
    apart."""
    try:
        return _body(BytesParser(EmailMessage, policy=default).parsebytes(raw))
    except Exception:  # the same
        return Body(None, ())


def seen(text: str, kept: str = "") -> str:
    """Return the text with a sign in the place of each character that cannot be seen, or that turns
    the direction of others, but for `kept`."""
    return "".join(
        character if character.isprintable() or character in kept else _UNSEEN for character in text
    )


def _body(message: EmailMessage) -> Body:
    text: str | None = None
    attachments: list[Attachment] = []
    for part in message.walk():
        is_file = part.get_content_disposition() == "attachment"
        if part.is_multipart():
            continue
        if not is_file and part.get_content_type() == "text/plain":
            text = _text(part) if text is None else text
        elif is_file or part.get_content_type() == CALENDAR:
            attachments.append(
                Attachment(
                    _file_name(part, len(attachments)),
                    seen(part.get_content_type()),
                    _content(part),
                )
            )
    return Body(text, tuple(attachments))


def _text(part: EmailMessage) -> str:
    charset = part.get_content_charset("utf-8")
    try:
        text = _content(part).decode(charset, "replace")
    except LookupError:
        text = _content(part).decode("utf-8", "replace")
    return seen(text.replace("\r\n", "\n"), kept="\n\t")


def _content(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _file_name(part: EmailMessage, number: int) -> str:
    """Its name without a path, as a browser would save it; one of ours where it has none."""
    name = seen(part.get_filename("")).replace("\\", "/").rpartition("/")[2].strip(". ")
    return name or f"bijlage-{number + 1}"


def _first(message: EmailMessage, name: str) -> str:
    return next(iter(_values(message, name)), "")


def _values(message: EmailMessage, name: str) -> list[str]:
    try:
        return [seen(" ".join(str(value).split())) for value in message.get_all(name, [])]
    except Exception:  # the same: a header is read when it is asked for
        return []
