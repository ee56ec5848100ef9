"""The identifiers of Flemish and Belgian public bodies, their names among them.

Sources: OVO codes, Digitaal Vlaanderen's organisation register (no check digit is published); KBO
numbers, the Crossroads Bank for Enterprises: ten digits, the last two are 97 minus (the first eight
modulo 97). What looks alike: Unicode's table of confusable characters (UTS 39).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Annotated

from pydantic import AfterValidator

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import quoted

SHARED_KBO_NUMBER = "0316380841"
"""The KBO number that all departments of the Flemish administration share: it identifies none of
them."""

OVO_CODE = re.compile(r"OVO[0-9]{6}", re.ASCII)
_KBO_NUMBER = re.compile(r"[0-9]{10}", re.ASCII)
AROUND_KBO_DIGITS = re.compile(r"^BE|[. ]")
"""What people write around the ten digits: ``BE`` begins the VAT number, which has the same
digits."""


def ovo_code(text: str) -> str:
    """Return an OVO code as the register writes it, such as ``OVO002067``. Raises ValueError with a
    sentence."""
    if not OVO_CODE.fullmatch(text):
        raise ValueError(
            tr(
                "{text} is not an OVO code; write OVO and six digits, such as OVO002067",
                text=quoted(text),
            )
        )
    return text


def kbo_number(text: str) -> str:
    """Return a KBO number as ten digits, without what people write around them. Raises ValueError
    with a sentence."""
    digits = AROUND_KBO_DIGITS.sub("", text)
    if not _KBO_NUMBER.fullmatch(digits):
        raise ValueError(
            tr(
                '{text} is not a KBO number; write ten digits, such as "0207.451.227"',
                text=quoted(text),
            )
        )
    if digits[0] not in "01":
        raise ValueError(
            tr(
                'KBO number "{text}" starts with {digit}; the first digit is 0 or 1, check the'
                " number",
                text=text,
                digit=digits[0],
            )
        )
    due = 97 - int(digits[:8]) % 97
    if int(digits[8:]) != due:
        raise ValueError(
            tr(
                'KBO number "{text}" has check digits {digits} where {due:02d} is due; check the'
                " number for a typing error",
                text=text,
                digits=digits[8:],
                due=due,
            )
        )
    return digits


def organisation_code(text: str) -> str:
    """Return an organisation's code: an OVO code, or a KBO number as ten digits. Raises ValueError
    with a sentence."""
    return ovo_code(text) if text.startswith("OVO") else kbo_number(text)


def identifying(*codes: str | None) -> list[str]:
    """Return those codes that are of one organisation alone: a shared KBO number is not."""
    return [code for code in codes if code and code != SHARED_KBO_NUMBER]


_CODES_WITHIN = re.compile(r"ovo[0-9]{6}|(?<![0-9])[01][0-9]{9}(?![0-9])", re.ASCII)


def codes_within(text: str) -> set[str]:
    """Return the OVO codes and KBO numbers that people, or a tolerant program, would read in a
    text."""
    codes = set[str]()
    for found in _CODES_WITHIN.findall(_plain(text)):
        code = found.upper()
        if code.startswith("OVO") or int(code[8:]) == 97 - int(code[:8]) % 97:
            codes.add(code)
    return codes


INVISIBLE = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164"
    r"\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that Unicode counts as letter, mark or symbol, and that show as nothing."""


def is_visible(text: str) -> bool:
    """Return whether a text is on one line, without control, bidirectional or invisible characters,
    and without a space at either end: what authorities accept."""
    return text.isprintable() and not INVISIBLE.search(text) and text == text.strip()


PUNCTUATION = "‘’“”–—«»·"  # noqa: RUF001 - these are what is meant


def official_name(text: str) -> str:
    """Return an organisation's name with its accents composed. Raises ValueError with a sentence.

    Names are in Latin letters, so that none has a letter of another script that looks like one.
    """
    text = unicodedata.normalize("NFC", text)
    for char in text:
        if not char.isascii() and not _is_latin(char) and char not in PUNCTUATION:
            raise ValueError(
                tr(
                    "{text} has the character {char}; write it in Latin letters",
                    text=quoted(text),
                    char=unicodedata.name(char, ascii(char)),
                )
            )
    return text


def _is_latin(char: str) -> bool:
    """Return whether a letter belongs to a European language; beyond U+024F most are phonetic
    symbols."""
    in_use = ord(char) <= 0x24F or 0x1E00 <= ord(char) <= 0x1EFF
    return (
        in_use
        and unicodedata.name(char, "").startswith("LATIN")
        and unicodedata.normalize("NFKC", char) == char
    )


@cache
def look_of(name: str) -> str:
    """Return what people see in an official name: two names with the same look are taken for each
    other."""
    return _plain("".join(map(_prototype, _plain(name)))).replace("i", "l")


def _plain(text: str) -> str:
    """Drop case, accents, spaces and punctuation."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))


@cache
def _prototype(char: str) -> str:
    """Return what a character looks like, by Unicode's table: ``l`` for ``1``, ``rn`` for ``m``,
    an ``o`` with a combining stroke for ``ø``; itself where it looks like no other."""
    # A megabyte, which few commands need.
    from confusable_homoglyphs.confusables import (
        confusables_data,
    )

    like = [str(entry["c"]) for entry in confusables_data.get(char, ())]
    if char.isascii():
        # One entry is what it looks like; several are the characters that look like it.
        looks_like_another = len(like) == 1 and like[0].isascii()
        return like[0] if looks_like_another else char
    for lookalike in like:
        plain = _plain(lookalike)
        if plain and plain.isascii():
            return lookalike
    return char


OvoCode = Annotated[str, AfterValidator(ovo_code)]
KboNumber = Annotated[str, AfterValidator(kbo_number)]
