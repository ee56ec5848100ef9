"""Which reminders were accepted by the mail server, in a file beside the state: nothing is sent
twice for one threshold.

It is written whole after each mail that was accepted. A run that dies in between repeats that one
mail. A ledger that is lost is an empty one. A damaged one is refused: whoever deletes it knows that
each reminder may be repeated once.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from acmidm.engine.recovery import backend_folder
from acmidm_onboarding.files import write_whole
from acmidm_onboarding.values.problems import Failure, on_one_line

_KEPT = timedelta(days=90)
"""No reminder is looked up for longer than the first threshold, 60 days."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sent: dict[str, date]


class Ledger:
    """The reminders that were sent: ``sent`` has the day of each, by its id."""

    folder: ClassVar = "reminded"

    def __init__(self, file: Path) -> None:
        """Read the ledger; without a file it is empty. Raises Failure where it is damaged."""
        self.file = file
        try:
            self.sent = _Document.model_validate_json(file.read_bytes()).sent
        except FileNotFoundError:
            self.sent = {}
        except ValidationError:
            raise Failure(
                on_one_line(
                    f"{file}: this is no ledger of reminders, so that nothing is sent; put back a"
                    " copy, or delete it, and each reminder that is due now may be sent a second"
                    " time"
                ),
                exit_code=1,
            ) from None

    def record(self, ids: Iterable[str], day: date) -> None:
        """Write the day on which the reminders with these ``ids`` were sent, and drop those that
        are too old to count. Raises Failure where the file cannot be written."""
        recent = {reminder: when for reminder, when in self.sent.items() if when > day - _KEPT}
        self.sent = {**recent, **dict.fromkeys(ids, day)}
        sent = {reminder: when.isoformat() for reminder, when in sorted(self.sent.items())}
        text = json.dumps({"sent": sent}, indent=1) + "\n"
        try:
            write_whole(self.file, text, 0o600)
        except OSError as error:
            why = (
                f"cannot be written: {error.strerror}; the run ends, and the mail that was just"
                " accepted is sent again by the next one"
            )
            raise Failure(on_one_line(f"{self.file}: {why}"), exit_code=1) from None


def ledger_file(stack: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file of a stack's ledger: reminded/STACK.json in the folder that
    PULUMI_BACKEND_URL names for the state; else .local/STACK/reminded.json in the project."""
    backend = backend_folder(environ.get("PULUMI_BACKEND_URL", ""))
    if not backend:
        return Path(".local", stack, f"{Ledger.folder}.json")
    return backend.parent / Ledger.folder / f"{stack}.json"


@contextmanager
def locked_ledger(file: Path) -> Iterator[Ledger]:
    """Read the ledger, and keep every other run from it meanwhile. Raises Failure where another run
    has it, or where it is damaged."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(
                on_one_line(
                    f"{file}: another run sends reminders at this moment; wait until it ends"
                ),
                exit_code=1,
            ) from None
        yield Ledger(file)
