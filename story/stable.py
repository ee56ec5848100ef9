"""What differs from run to run, replaced by what does not: the tour then only changes when what it
shows does."""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product

from acmidm_onboarding.texts import Language

_DAY = date(2026, 11, 25)
"""The day on which the page's commands seem to run."""
_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d(?=T|\b)")
_TIME = re.compile(
    r"(?<=\d{4}-\d\d-\d\d[ T])\d\d:\d\d(:\d\d(\.\d+)?)?|(?<=om )\d\d:\d\d(?= \(UTC\))"
)
_MONTHS: dict[str, tuple[Language, int]] = {}
for _language, _number in product(Language, range(1, 13)):
    _MONTHS[_language.day(date(2026, _number, 1)).split()[1]] = (_language, _number)
_WRITTEN_DATE = re.compile(rf"\b(\d\d?) ({'|'.join(_MONTHS)}) (\d{{4}})\b")
_UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_THUMBPRINT = re.compile(r"(?<![\w/.-])(?=[\w-]*[A-Z])[\w-]{43}(?![\w-])", re.ASCII)
_YEAR = re.compile(r"(?<=-)20\d\d(?=(-\d)?\.jwk\.json)")


@dataclass
class Stable:
    """The stand-ins of one telling, which is on ``today``: the same value gets the same one."""

    today: date
    _stand_ins: dict[str, str] = field(default_factory=dict)
    """By the UUID or the thumbprint that it replaces."""

    def with_stand_ins(self, text: str) -> str:
        """Return what a command printed, with stand-ins for what differs from run to run: UUIDs,
        thumbprints, ports and times. Days are moved so that today becomes the page's."""
        text = _UUID.sub(self._stand_in, text)
        text = _THUMBPRINT.sub(self._stand_in, text)
        text = _YEAR.sub(str(_DAY.year), text)
        text = _TIME.sub("03:17", _PORT.sub("8512", text))
        text = _WRITTEN_DATE.sub(self._shifted_in_words, text)
        return _DATE.sub(lambda match: _shifted(match[0], _DAY - self.today), text)

    def of_today(self, text: str) -> str:
        """Return a command or a file of the page, with its days moved so that the page's becomes
        today, and with today's year in the names of key files."""
        text = _YEAR.sub(str(self.today.year), text)
        return _DATE.sub(lambda match: _shifted(match[0], self.today - _DAY), text)

    def _stand_in(self, match: re.Match[str]) -> str:
        """Return the stand-in for a UUID or a thumbprint: a text of the same form, made from how
        many stand-ins there were before."""
        digest = hashlib.sha256(f"stand-in {len(self._stand_ins)}".encode()).digest()
        stand_in = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if match.re is _UUID:
            stand_in = str(uuid.UUID(bytes=digest[:16], version=4))
        return self._stand_ins.setdefault(match[0], stand_in)

    def _shifted_in_words(self, match: re.Match[str]) -> str:
        language, month = _MONTHS[match[2]]
        return language.day(date(int(match[3]), month, int(match[1])) + (_DAY - self.today))


def _shifted(day: str, by: timedelta) -> str:
    """Return another day as a text; what only looks like one, such as 2026-99-99, as it is."""
    try:
        return (date.fromisoformat(day) + by).isoformat()
    except (ValueError, OverflowError):
        return day
