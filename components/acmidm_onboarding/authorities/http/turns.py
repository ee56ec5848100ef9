"""Turns at one host: how many requests a second, and how many at once, for all processes of one
user on this machine.

Files keep that, whose locks the kernel takes from a process that ends: a killed run gives its place
back. A server that says by its RateLimit fields that it takes no more
(draft-ietf-httpapi-ratelimit-headers, or the older X-RateLimit) is left alone by all of them until
then.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from acmidm_onboarding.authorities.errors import Passing, Rejected
from acmidm_onboarding.texts import say

_LONGEST_PAUSE_SECONDS = 3600.0
_LOOK_AGAIN_SECONDS = 0.02
_BEGINNING_OF_MOMENTS = 1e9
"""From here on X-RateLimit-Reset is a moment, in seconds since 1970."""


class Turns:
    """The turns at ``host``. A request that would wait longer than ``most_seconds`` is not sent.
    Thread-safe."""

    def __init__(
        self, host: str, per_second: int | None, at_once: int | None, most_seconds: float
    ) -> None:
        cache = os.environ.get("XDG_CACHE_HOME") or f"{os.environ.get('HOME', '')}/.cache"
        self._host = host
        self._folder = Path(cache) / "acmidm" / "turns" / re.sub(r"[^\w.-]+", "-", host)
        self._interval = 1 / per_second if per_second else 0.0
        self._at_once = at_once
        self._most_seconds = most_seconds

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait for a turn, and keep its place until the block ends.

        Raises:
            Passing: where the wait would be too long.
            Rejected: where the files cannot be written.
        """
        with ExitStack() as kept:
            try:
                if self._at_once is not None:
                    kept.enter_context(self._place(self._at_once))
                self._wait()
            except OSError as error:
                raise Rejected(
                    say("authorities.no_turns", folder=self._folder, reason=error.strerror)
                ) from None
            yield

    def heed(self, headers: Mapping[str, str]) -> None:
        """Let nobody send for as long as an answer's ``headers`` say."""
        if (pause := pause_seconds(headers, time.time())) > 0:
            with suppress(OSError), self._locked("next") as file:
                _write(file, max(_read(file), time.time() + pause))

    def _place(self, at_once: int) -> TextIO:
        ends = time.monotonic() + self._most_seconds
        while time.monotonic() <= ends:
            for number in range(at_once):
                with suppress(BlockingIOError):
                    return self._locked(f"place-{number}", fcntl.LOCK_EX | fcntl.LOCK_NB)
            time.sleep(_LOOK_AGAIN_SECONDS)
        raise Passing(say("authorities.no_turn", host=self._host))

    def _wait(self) -> None:
        if not self._interval and not os.path.exists(self._folder / "next"):  # noqa: PTH110 - False without a right too
            return
        with self._locked("next") as file:
            now = time.time()
            begin = max(_read(file), now)
            if begin - now > self._most_seconds:
                raise Passing(say("authorities.no_turn", host=self._host), begin - now)
            _write(file, begin + self._interval)
        time.sleep(begin - now)

    def _locked(self, name: str, how: int = fcntl.LOCK_EX) -> TextIO:
        """Return a file that is locked until it is closed. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / name).open("a+")
        try:
            fcntl.flock(file, how)
        except OSError:
            file.close()
            raise
        return file


def pause_seconds(headers: Mapping[str, str], now: float) -> float:
    """Return for how long a server wants no more requests, at most an hour; 0.0 where it takes
    more, or says nothing.

    The quota that is used up and renewed last counts. One that does not say when it is renewed has
    its whole window.
    """
    window = max(
        map(float, re.findall(r";\s*w=(\d{1,9})\b", headers.get("ratelimit-policy", ""))),
        default=0.0,
    )
    pauses = [0.0]
    for quota in headers.get("ratelimit", "").split(","):
        if re.search(r";\s*r=0\b", quota):
            reset = re.search(r";\s*t=(\d{1,9})\b", quota)
            pauses.append(float(reset[1]) if reset else window)
    for prefix in ("ratelimit", "x-ratelimit"):
        reset = re.fullmatch(r"\s*(\d{1,12})\s*", headers.get(f"{prefix}-reset", ""))
        if headers.get(f"{prefix}-remaining", "").strip() == "0" and reset:
            pauses.append(
                float(reset[1]) - (now if float(reset[1]) >= _BEGINNING_OF_MOMENTS else 0.0)
            )
    return min(max(pauses), _LONGEST_PAUSE_SECONDS)


def _read(file: TextIO) -> float:
    """Return the moment in a file; 0.0 where it has none, or one that only another clock can have
    written."""
    file.seek(0)
    with suppress(ValueError):
        moment = float(file.read())
        return moment if moment <= time.time() + _LONGEST_PAUSE_SECONDS else 0.0
    return 0.0


def _write(file: TextIO, moment: float) -> None:
    file.truncate(0)
    file.write(str(moment))
    file.flush()
