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

from acmidm_onboarding.engine_resources import mapping
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
        self._read_bytes = 0
        self._done: set[str] = set()
        """The URNs of the resources that are done, or have failed."""
        self.failed: dict[str, None] = {}
        """The keys of the connections of which a resource failed, in that order."""

    def look(self) -> None:
        """Read the events that the engine has written since the last call. A line that is not whole
        yet is read by the next one."""
        if not self._events.exists():
            return
        with self._events.open("rb") as events:
            events.seek(self._read_bytes)
            for line in events:
                if not line.endswith(b"\n"):
                    return
                self._read_bytes += len(line)
                self._note_done(json.loads(line))

    def _note_done(self, event: Mapping[str, object]) -> None:
        """Note the planned resource that an event says is done or has failed, such as
        ``{"resOutputsEvent": {"metadata": {"urn": …}}}``. Other events say nothing here."""
        for kind in ("resOutputsEvent", "resOpFailedEvent"):
            urn = str(mapping(mapping(event.get(kind)).get("metadata")).get("urn"))
            if urn not in self._planned or urn in self._done:
                continue
            self._done.add(urn)
            key = self._planned[urn]
            self._unfinished[key] -= 1
            if kind == "resOpFailedEvent":
                self.failed[key] = None

    def sentence(self, stack: str, seconds: float) -> str | None:
        """Return what to show after the run has taken so many ``seconds``: ``prod: 120 of 300
        connections, about 4 minutes more``; None before the first resource is done."""
        if not self._done:
            return None
        counts = self._unfinished.items()
        done = sum(count == 0 or key in self.failed for key, count in counts)
        remaining_seconds = seconds / len(self._done) * (len(self._planned) - len(self._done))
        words = [f"{stack}: {done:,} of {len(self._unfinished):,} connections"]
        if self.failed:
            words.append(f"{len(self.failed)} failed so far ({first_listed(sorted(self.failed))})")
        minutes = max(1, round(remaining_seconds / 60))
        words.append(plural("about a minute more", "about {count} minutes more", minutes))
        return ", ".join(words)


@contextmanager
def showing(stack: str, planned: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Yield the arguments with which a command of the engine writes its events to a file. In the
    block, a thread shows now and then how far the run is. No arguments where nothing is planned."""
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
