"""Any bytes are a mail that can be looked at."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from acmidm_sandbox.beheerportaal.mail.reading import read_body, read_headers
from tests.sandbox.mails import CALENDAR, mail
from tests.sandbox.test_mailbox import hostile


def _samples() -> list[bytes]:
    message = mail(subject="Uw cliënt-ID", text="Dag één\n")
    message.add_alternative("<p>Dag</p>", subtype="html")
    message.add_attachment(CALENDAR.encode(), "text", "calendar", filename="é.ics")
    return [message.as_bytes(), *(raw for raw in hostile("OVO002067").values() if len(raw) < 4000)]


SAMPLES = _samples()
TOKENS = [
    b"=?utf-8?b?",
    b"?=",
    b"=?x?q?",
    b"*0*=",
    b"''",
    b"boundary=",
    b"--",
    b"\r\n",
    b"\r\n ",
    b"(",
    b'"',
    b"<",
    b":",
    b"\x00",
    b"\xff",
    b";",
    b"%",
]


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A mail with pieces taken out, put in twice, or replaced by what parsers look for."""
    raw = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + 40)))
        piece = draw(
            st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8), st.just(raw[start:end] * 2))
        )
        raw = raw[:start] + piece + raw[end:]
    return raw


@given(st.one_of(broken(), st.binary(max_size=2000)))
@settings(max_examples=80, deadline=None)
def test_any_bytes_are_read(raw: bytes) -> None:
    """As a whole and in part; nothing in them acts on a page, a header or a terminal."""
    headers, body = read_headers(raw), read_body(raw)
    texts = [getattr(headers, name) for name in headers.__slots__]
    texts += [
        part
        for attachment in body.attachments
        for part in (attachment.name, attachment.content_type)
    ]
    assert all(text.isprintable() for text in texts), texts
    assert all(attachment.name and "/" not in attachment.name for attachment in body.attachments)
    assert all(character.isprintable() or character in "\n\t" for character in body.text or "")


def test_a_name_in_a_character_set() -> None:
    """As RFC 2231 has it; without a path."""

    def name_of(parameter: bytes) -> str:
        (attachment,) = read_body(
            b"Content-Disposition: attachment; " + parameter + b"\r\n\r\nx"
        ).attachments
        return attachment.name

    assert name_of(b"filename*=utf-8''%C3%A9%E2%82%AC.ics") == "é€.ics"
    assert name_of(b"filename*=iso-8859-1''%E9.ics") == "é.ics"
    assert name_of(b"filename*0*=utf-8''%C3; filename*1*=%A9; filename*2=.ics") == "é.ics"
    assert name_of(b'filename="=?utf-8?q?=C3=A9.ics?="') == "é.ics"
    assert name_of(b'filename=".."') == name_of(b"filename=") == "bijlage-1"
