"""How far a long run of the engine is: a line now and then, of connections, which people can read.

The engine writes a line per resource, thousands in a large stack, and says nowhere how many are
left. Its log of events (``--event-log``) is read while it is written.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from acmidm_onboarding.texts import plural
from acmidm_onboarding.values.problems import first_listed

SECONDS = 5.0, 60.0
"""Between two lines, on a terminal and in a log."""
ENVIRONMENT = {"PULUMI_DEBUG_COMMANDS": "true"}
"""What has the engine know ``--event-log``."""


class Progress:
    """How far a run is that does something to the resources in ``planned``: by URN the key of each
    one's connection."""

    def __init__(self, events: Path, planned: Mapping[str, str]) -> None:
        self._events = events
        self._planned = planned
        self._unfinished = Counter(planned.values())
        """How many resources of each connection are not done."""
        self._read = 0
        self._seen: set[str] = set()
        self.failed: dict[str, None] = {}

    def look(self) -> None:
        """Read what the engine has written since the last look; half a line stays for the next
        one."""
        if not self._events.exists():
            return
        with self._events.open("rb") as events:
            events.seek(self._read)
            for line in events:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                self._note_done(json.loads(line))

    def _note_done(self, event: Mapping[str, object]) -> None:
        """Note a planned resource that is done, or has failed, where an event says so."""
        for kind in ("resOutputsEvent", "resOpFailedEvent"):
            of_kind = event.get(kind)
            metadata = of_kind.get("metadata") if isinstance(of_kind, Mapping) else None
            urn = str(metadata.get("urn")) if isinstance(metadata, Mapping) else ""
            if urn in self._planned and urn not in self._seen:
                self._seen.add(urn)
                self._unfinished[self._planned[urn]] -= 1
                if kind == "resOpFailedEvent":
                    self.failed[self._planned[urn]] = None

    def sentence(self, stack: str, seconds: float) -> str | None:
        """Return what to show after so many ``seconds``; None before the first resource is done."""
        if not self._seen:
            return None
        counts = self._unfinished.items()
        done = sum(count == 0 or key in self.failed for key, count in counts)
        seconds_more = seconds / len(self._seen) * (len(self._planned) - len(self._seen))
        words = [f"{stack}: {done:,} of {len(self._unfinished):,} connections"]
        if self.failed:
            words.append(f"{len(self.failed)} failed so far ({first_listed(sorted(self.failed))})")
        minutes = max(1, round(seconds_more / 60))
        words.append(plural("about a minute more", "about {count} minutes more", minutes))
        return ", ".join(words)


@contextmanager
def showing(stack: str, planned: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Yield the arguments with which a command of the engine tells of its events, and show them
    meanwhile; none where nothing is planned."""
    if not planned:
        yield ()
        return
    seconds = SECONDS[0] if sys.stderr.isatty() else SECONDS[1]
    with TemporaryDirectory(prefix="acmidm-") as folder:
        progress = Progress(Path(folder, "events"), planned)
        ended = threading.Event()
        start = time.monotonic()

        def show() -> None:
            while not ended.wait(seconds):
                progress.look()
                if sentence := progress.sentence(stack, time.monotonic() - start):
                    typer.echo(sentence, err=True)

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield ("--event-log", str(Path(folder, "events")))
        finally:
            ended.set()
            thread.join()
