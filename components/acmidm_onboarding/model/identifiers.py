"""The identifiers of Flemish and Belgian public bodies.

Sources: OVO codes, Digitaal Vlaanderen's organisation register (no check digit is published); KBO numbers, the
Crossroads Bank for Enterprises: ten digits, the last two are 97 minus (the first eight modulo 97).
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from acmidm_onboarding.model.problems import quoted

SHARED_KBO_NUMBER = "0316380841"
"""The KBO number that all departments of the Flemish administration share: it identifies none of them."""

_OVO_CODE = re.compile(r"OVO[0-9]{6}", re.ASCII)
_KBO_NUMBER = re.compile(r"[0-9]{10}", re.ASCII)
_KBO_SEPARATORS = str.maketrans("", "", ". ")


def ovo_code(text: str) -> str:
    """Return an OVO code as the register writes it, such as ``OVO002067``. Raises ValueError with a sentence."""
    if not _OVO_CODE.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not an OVO code; write OVO and six digits, such as OVO002067")
    return text


def kbo_number(text: str) -> str:
    """Return a KBO number as ten digits, dots and spaces removed. Raises ValueError with a sentence."""
    digits = text.translate(_KBO_SEPARATORS)
    if not _KBO_NUMBER.fullmatch(digits):
        raise ValueError(f'{quoted(text)} is not a KBO number; write ten digits, such as "0207.451.227"')
    if digits[0] not in "01":
        raise ValueError(f'KBO number "{text}" starts with {digits[0]}; the first digit is 0 or 1, check the number')
    due = 97 - int(digits[:8]) % 97
    if int(digits[8:]) != due:
        raise ValueError(f'KBO number "{text}" has check digits {digits[8:]} where {due:02d} is due; check the number for a typing error')
    return digits


def organisation_code(text: str) -> str:
    """Return an organisation's code: an OVO code, or a KBO number as ten digits. Raises ValueError with a sentence."""
    return ovo_code(text) if text.startswith("OVO") else kbo_number(text)


OvoCode = Annotated[str, AfterValidator(ovo_code)]
KboNumber = Annotated[str, AfterValidator(kbo_number)]
