"""A disk that is full is one sentence for each command that writes, and nothing is half written.

The kernel itself refuses to write here: files may have no more than some bytes (RLIMIT_FSIZE), or
are /dev/full.
"""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from acmidm.desk.reminders.ledger import Ledger
from acmidm.report.approved import save_review
from acmidm_onboarding.files import write_private, write_whole
from acmidm_onboarding.values.problems import Failure
from tests.support.terminal import contents, descriptor
from tests.support.workspace import FORM, Workspace, public_key

FORM_FILE = "onboardings/gent/mijn-gent.yaml"
PASSPHRASE = "correct horse battery staple"


@contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """Whoever writes more than ``room`` bytes into a file gets an error that names none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


KEYS = ("--environment", "tni", "--passphrase-fd")
COMMANDS: dict[str, tuple[str, ...]] = {
    "keys new": ("keys", "new", FORM_FILE, *KEYS),
    "keys rotate": ("keys", "rotate", FORM_FILE, *KEYS),
    "keys add": ("keys", "add", FORM_FILE, "key.json", *KEYS),
    "promote": ("promote", FORM_FILE, "--write"),
    "new": (
        *(
            "new",
            "--organisation",
            "Stad Brugge",
            "--ovo",
            "OVO001234",
            "--application",
            "loket",
            "--contact",
            "a@b.example",
        ),
        *(
            "--product",
            "notificaties",
            "--set",
            "notificaties.merk_code=brugge",
            "--set",
            "notificaties.product_ids=10244",
        ),
    ),
    "schema": ("schema",),
}


@pytest.mark.parametrize("room", [0, 100, 300])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_cannot_write_says_so_and_leaves_what_was_there(
    place: Workspace, command: str, room: int
) -> None:
    key = {
        **public_key("other", kty="EC", crv="P-256"),
        "alg": "ES256",
        "exp": int(datetime.now(UTC).timestamp()) + 9_000_000,
    }
    place.write("key.json", key)
    place.write("Pulumi.yaml", "name: own\nruntime: python\n")
    before = contents(Path(), Path.home())

    def run() -> Result:
        given = (str(descriptor(PASSPHRASE)),) if command.startswith("keys") else ()
        return CliRunner().invoke(app, [*COMMANDS[command], *given])

    with full_disk(room):
        refused = run()
    assert refused.exit_code == 2, (refused.output, refused.exception)
    [sentence] = refused.stderr.splitlines()
    assert " cannot be written: File too large; make room " in sentence
    after = contents(Path(), Path.home())
    assert {file: text for file, text in after.items() if file in before} == before
    added = after.keys() - before.keys()
    if command != "schema":  # of its files each is whole
        assert added == set()
    done = run()
    assert done.exit_code == 0, done.output
    assert added <= contents(Path(), Path.home()).keys()
    assert all(contents(Path(), Path.home())[file] == after[file] for file in added)


def _record(file: Path) -> None:
    Ledger(file).record(["x"], date(2026, 11, 27))


WRITERS: dict[str, Callable[[Path], Any]] = {
    "a saved review": lambda file: save_review(
        {"version": 1, "stack": "tni", "steps": {}, "clients": {}}, file
    ),
    "evidence": lambda file: write_whole(file, "evidence " * 100),
    "a key of an operator": lambda file: write_private(file, "key " * 100),
    "the ledger of reminders": _record,
}


@pytest.mark.parametrize("what", WRITERS)
@pytest.mark.parametrize("room", [0, 20])
def test_what_is_written_beside_forms_is_whole_or_as_it_was(
    tmp_path: Path, what: str, room: int
) -> None:
    """Also where nothing was: then nothing is."""
    file, write = tmp_path / "file", WRITERS[what]
    for _ in ("nothing", "something"):
        before = contents(tmp_path)
        with (
            full_disk(room),
            pytest.raises((OSError, Failure, Failure), match="File too large") as refused,
        ):
            write(file)
        assert str(file) in str(refused.value)
        assert contents(tmp_path) == before
        write(file)
        assert contents(tmp_path).keys() == {str(file)}
    assert stat.S_IMODE(file.stat().st_mode) == (
        0o600 if what.startswith(("a key", "the ledger")) else 0o644
    )


def test_a_folder_that_is_not_there_is_named_by_the_file(tmp_path: Path) -> None:
    """Not by the name of a temporary file, which nobody has heard of."""
    with pytest.raises(FileNotFoundError) as refused:
        write_whole(tmp_path / "no" / "file", "text")
    assert refused.value.filename == str(tmp_path / "no" / "file")


def test_what_a_person_names_may_be_a_link_or_no_file(tmp_path: Path) -> None:
    """A link is followed. A device stays one, also for whoever may replace it."""
    save_review = WRITERS["a saved review"]
    (tmp_path / "link").symlink_to(tmp_path / "file")
    save_review(tmp_path / "link")
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "file").is_file()) == (True, True)
    with pytest.raises(
        (OSError, Failure), match=r"/dev/full.*No space left|No space left.*/dev/full"
    ):
        save_review(Path("/dev/full"))
    assert Path("/dev/full").is_char_device()


@pytest.mark.tool
@pytest.mark.parametrize(
    "words",
    [("validate",), ("status", "--board"), ("status", "--board", "--output", "html")],
    ids=" ".join,
)
def test_standard_output_that_takes_nothing_is_a_sentence(
    place: Workspace, words: tuple[str, ...]
) -> None:
    """And no traceback at the end, when Python tries once more."""
    place.write_form(FORM)
    servers = dict.fromkeys(("managementUrl", "issuer", "productsUrl"), "http://127.0.0.1:9/x")
    settings = {
        "environment": "tni",
        "operatorClientId": "x",
        "operatorClientSecret": "x",
        **servers,
    }
    place.write(
        "Pulumi.tni.yaml",
        json.dumps({"config": {f"acmidm:{key}": value for key, value in settings.items()}}),
    )
    (place.root / "Pulumi.prod.yaml").unlink()
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-c", "import acmidm; acmidm.main()", *words]
        environment = {
            name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"
        }
        done = subprocess.run(
            command,
            cwd=place.root,
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        "standard output cannot be written: No space left on device; "
    )
    assert "Traceback" not in done.stderr
    assert "unforeseen" not in done.stderr
