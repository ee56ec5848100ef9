"""A mail as somebody may look at it: its text, never its HTML nor its files. What the standard
library fails at says nothing."""

import re
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.policy import default

from acmidm_sandbox.beheerportaal.store.mails import Headers

_CODE = re.compile(r"OVO[0-9]{6}|[01][0-9]{9}", re.ASCII)
_UNSEEN = "\N{REPLACEMENT CHARACTER}"


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


def read_text(raw: bytes) -> str | None:
    """Return the first part in plain text; None where there is none, or where the parts cannot be
    told apart."""
    try:
        message = BytesParser(EmailMessage, policy=default).parsebytes(raw)
        return next((_text(part) for part in message.walk() if _is_text(part)), None)
    except Exception:  # the same
        return None


def seen(text: str, kept: str = "") -> str:
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
    return seen(text.replace("\r\n", "\n"), kept="\n\t")


def _content(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _first(message: EmailMessage, name: str) -> str:
    return next(iter(_values(message, name)), "")


def _values(message: EmailMessage, name: str) -> list[str]:
    try:
        return [seen(" ".join(str(value).split())) for value in message.get_all(name, [])]
    except Exception:  # the same: a header is read when it is asked for
        return []
