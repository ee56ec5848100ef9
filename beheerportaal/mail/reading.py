"""A mail as somebody may look at it, whatever is in it.

Its structure is read by the standard library's older rules (`compat32`): those of `policy.default` parse each header as a grammar, which
takes 20 s for one of 256 KiB, and fails on nested comments. Headers are decoded by the newer rules, once they are cut.
"""

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import default

LONGEST_HEADER = 1000  # characters; RFC 5322 §2.1.1 has 998 on a line
MOST_PARTS = 100
CALENDAR = "text/calendar"

# Others are read as UTF-8: Python knows some, such as Punycode, that take minutes for what a mail may hold.
_CHARSETS = frozenset({"ascii", "utf-8", "iso8859-1", "iso8859-15", "cp1252"})
_CODE = re.compile(r"OVO[0-9]{6}|[01][0-9]{9}", re.ASCII)
_UNSEEN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Headers:
    """What a mail says of itself; a header that it has not is empty. `organisation` is the code in `connection`, if there is one."""

    message_id: str
    connection: str
    organisation: str
    step: str
    subject: str
    sender: str
    to: str


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


class _Part(Message):
    """A part without headers on its structure that are too long: the time to read them grows with the square of their length."""

    def set_raw(self, name: str, value: str) -> None:
        """What the parser calls for each header."""
        if len(value) <= LONGEST_HEADER or not name.lower().startswith("content-"):
            super().set_raw(name, value)


def read_headers(raw: bytes) -> Headers:
    """The headers of a mail (RFC 5322), each on one line and cut."""
    message = BytesHeaderParser().parsebytes(raw)
    named = _values(message, "x-acmidm-connection")
    # Of two, nobody knows which one counts.
    connection = named[0] if len(named) == 1 else ""
    parts = connection.split("/")
    return Headers(
        message_id=_first(message, "message-id"),
        connection=connection,
        organisation=parts[2] if len(parts) == 4 and _CODE.fullmatch(parts[2]) else "",
        step=_first(message, "x-acmidm-step"),
        subject=_first(message, "subject"),
        sender=_first(message, "from"),
        to=_first(message, "to"),
    )


def read_body(raw: bytes) -> Body:
    """The first part in plain text, and the files; nothing where the parts cannot be told apart."""
    try:
        message = BytesParser(_Part).parsebytes(raw)
    except (RecursionError, ValueError):  # parts in parts in parts; a boundary in a character set that it is not in
        return Body(None, ())
    text: str | None = None
    attachments: list[Attachment] = []
    for part in _parts(message):
        is_file = part.get_content_disposition() == "attachment"
        if not is_file and part.get_content_type() == "text/plain":
            text = _text(part) if text is None else text
        elif is_file or part.get_content_type() == CALENDAR:
            attachments.append(Attachment(_file_name(part, len(attachments)), _decoded(part.get_content_type()), _content(part)))
    return Body(text, tuple(attachments))


def seen(text: str, kept: str = "") -> str:
    """The text with a sign in the place of each character that cannot be seen, or that turns the direction of others, but for `kept`."""
    return "".join(character if character.isprintable() or character in kept else _UNSEEN for character in text)


def _parts(message: Message) -> Iterator[Message]:
    """The parts that have no parts, in their order, as far as they are counted; without recursion."""
    waiting = [message]
    for _ in range(MOST_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        if part.is_multipart():
            waiting += reversed([one for one in part.get_payload() if isinstance(one, Message)])
        else:
            yield part


def _text(part: Message) -> str:
    charset = _parameter(part, "charset", "content-type")
    return seen(_in_charset(_content(part), charset).replace("\r\n", "\n"), kept="\n\t")


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _file_name(part: Message, number: int) -> str:
    """Its name without a path, as a browser would save it; one of ours where it has none."""
    given = _parameter(part, "filename", "content-disposition") or _parameter(part, "name", "content-type")
    name = _decoded(given).replace("\\", "/").rpartition("/")[2].strip(". ")
    return name or f"bijlage-{number + 1}"


def _parameter(part: Message, name: str, header: str) -> str:
    """A parameter of a header, also one with a character set of its own (RFC 2231). The library's own methods fail on some."""
    given = part.get_param(name, "", header)
    if isinstance(given, tuple):
        charset, _, value = given
        return _in_charset(value.encode("latin-1", "replace"), charset or "")
    return given


def _in_charset(content: bytes, name: str) -> str:
    try:
        charset = codecs.lookup(name).name
    except (LookupError, ValueError):
        charset = "utf-8"
    return content.decode(charset if charset in _CHARSETS else "utf-8", "replace")


def _first(message: Message, name: str) -> str:
    return next(iter(_values(message, name)), "")


def _values(message: Message, name: str) -> list[str]:
    return [_decoded(str(value)) for found, value in message.raw_items() if found.lower() == name]


def _decoded(value: str) -> str:
    """A header's value on one line, with what RFC 2047 encodes decoded."""
    octets = value[:LONGEST_HEADER].encode("utf-8", "surrogateescape")
    line = " ".join(octets.decode("utf-8", "replace").split())
    with suppress(ValueError, LookupError, AttributeError, TypeError, RecursionError):  # the grammar has holes; then it stays as it came
        line = str(default.header_factory("subject", line))
    return seen(line.encode("utf-8", "replace").decode()).strip()[:LONGEST_HEADER]
