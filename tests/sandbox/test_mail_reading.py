"""Any bytes are a mail that can be looked at."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from acmidm_sandbox.beheerportaal.mail.received import read_headers, read_text
from tests.sandbox.mails import hostile, mail


def _samples() -> list[bytes]:
    message = mail(subject="Uw cliënt-ID", text="Dag één\n")
    message.add_alternative("<p>Dag</p>", subtype="html")
    message.add_attachment("in een bestand", filename="é.txt")
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
@settings(max_examples=40, deadline=None)
def test_any_bytes_are_read(raw: bytes) -> None:
    """As a whole and in part; nothing in them acts on a page, a header or a terminal."""
    headers, text = read_headers(raw), read_text(raw)
    assert all(value.isprintable() for value in headers.values()), headers
    assert all(character.isprintable() or character in "\n\t" for character in text or "")


def test_a_file_is_not_what_a_mail_says() -> None:
    """Also where it is a text, and where it comes first."""
    message = mail(text="in de mail\n")
    message.add_attachment("in een bestand", filename="a.txt")
    assert read_text(message.as_bytes()) == "in de mail\n"
    alone = b"Content-Disposition: attachment; filename=a.txt\r\n\r\nin een bestand"
    assert read_text(alone) is None
