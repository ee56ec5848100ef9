"""What differs from run to run, replaced by what does not: the tour then only changes when what it shows does."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from acmidm_onboarding.model.form import Language
from acmidm_onboarding.texts import texts

_DAY = date(2026, 11, 25)
_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_TIME = re.compile(r"(?<=\d{4}-\d\d-\d\d )\d\d:\d\d(:\d\d)?|(?<=om )\d\d:\d\d(?= \(UTC\))")
_MONTHS = {texts("common", language)(f"month.{number}"): (language, number) for language in Language for number in range(1, 13)}
_WRITTEN_DATE = re.compile(rf"\b(\d\d?) ({'|'.join(_MONTHS)}) (\d{{4}})\b")
_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_THUMBPRINT = re.compile(r"(?<![\w/.-])(?=[\w-]*[A-Z])[\w-]{43}(?![\w-])", re.ASCII)
_YEAR = re.compile(r"(?<=-)20\d\d(?=(-\d)?\.jwk\.json)")


@dataclass
class Stable:
    """Replaces the same value by the same stand-in throughout one telling. ``today`` is the day of the telling."""

    today: date
    _stand_ins: dict[str, str] = field(default_factory=dict)

    def text(self, text: str) -> str:
        text = _UUID.sub(lambda found: self._stand_in(found[0], _uuid), text)
        text = _THUMBPRINT.sub(lambda found: self._stand_in(found[0], _thumbprint), text)
        text = _YEAR.sub(str(_DAY.year), text)
        text = _TIME.sub("03:17", _PORT.sub("8512", text))
        text = _WRITTEN_DATE.sub(self._shifted_in_words, text)
        return _DATE.sub(lambda found: self._shifted(found[0]), text)

    def _stand_in(self, value: str, make: Callable[[int], str]) -> str:
        return self._stand_ins.setdefault(value, make(len(self._stand_ins)))

    def _shifted(self, text: str) -> str:
        try:
            return (date.fromisoformat(text) + (_DAY - self.today)).isoformat()
        except (ValueError, OverflowError):
            return text

    def _shifted_in_words(self, found: re.Match[str]) -> str:
        language, month = _MONTHS[found[2]]
        try:
            day = date(int(found[3]), month, int(found[1])) + (_DAY - self.today)
        except (ValueError, OverflowError):
            return found[0]
        return texts("common", language).day(day)


def _uuid(number: int) -> str:
    return str(uuid.UUID(bytes=_digest(number)[:16], version=4))


def _thumbprint(number: int) -> str:
    return base64.urlsafe_b64encode(_digest(number)).rstrip(b"=").decode()


def _digest(number: int) -> bytes:
    return hashlib.sha256(f"stand-in {number}".encode()).digest()
