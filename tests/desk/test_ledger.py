"""The ledger: whole or as it was, one run at a time, and never guessed at."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from acmidm.desk.reminders.ledger import Ledger, ledger_file, locked_ledger
from acmidm_onboarding.values.problems import Failure

DAY = date(2026, 11, 26)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "reminded" / "tni.json"


def test_what_was_recorded_is_there_in_the_next_run(file: Path) -> None:
    with locked_ledger(file) as ledger:
        assert ledger.sent == {}
        ledger.record(["one", "two"], DAY)
        ledger.record(["three"], DAY)
    assert Ledger(file).sent == {"one": DAY, "two": DAY, "three": DAY}
    assert sorted(found.name for found in file.parent.iterdir()) == [
        "tni.json",
        "tni.json.lock",
    ], "nothing half written stays"


def test_what_no_threshold_asks_for_any_more_is_left_out(file: Path) -> None:
    with locked_ledger(file) as ledger:
        ledger.record(["old"], date(2026, 8, 27))
        ledger.record(["young"], date(2026, 9, 28))
        ledger.record(["new"], DAY)
    assert Ledger(file).sent == {"young": date(2026, 9, 28), "new": DAY}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"sent": {"one": "yesterday"}}',
        '{"sent": ["one"]}',
        '{"else": {}}',
        "\udcff",
    ],
)
def test_a_damaged_ledger_is_refused_and_left_as_it_is(file: Path, text: str) -> None:
    """In one sentence: who deletes it knows what that means. Guessing would write to strangers
    every night."""
    file.parent.mkdir()
    file.write_bytes(damaged := text.encode("utf-8", "surrogateescape"))
    said = "this is no ledger of reminders, so that nothing is sent; put back a copy, or delete it"
    with pytest.raises(Failure, match=said) as failure, locked_ledger(file):
        pass
    assert "\n" not in str(failure.value)
    assert failure.value.exit_code == 1
    assert file.read_bytes() == damaged


def test_a_write_that_fails_leaves_the_ledger_as_it_was(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked_ledger(file) as ledger:
        ledger.record(["one"], DAY)

        def no_space(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", no_space)
        with pytest.raises(
            Failure,
            match=(
                "No space left on device; the run ends, and the mail that was just accepted is sent"
                " again"
            ),
        ):
            ledger.record(["two"], DAY)
    assert Ledger(file).sent == {"one": DAY}
    assert len(list(file.parent.iterdir())) == 2


@pytest.mark.tool
def test_two_runs_at_once_do_not_both_send(file: Path) -> None:
    """The second is refused, in another process too; when the first has ended, or died, the next
    goes on."""
    program = (
        "from acmidm.desk.reminders.ledger import locked_ledger; from pathlib import Path\nwith"
        f" locked_ledger(Path({str(file)!r})): print('open')"
    )
    with locked_ledger(file):
        with (
            pytest.raises(
                Failure, match="another run sends reminders at this moment; wait until it ends"
            ),
            locked_ledger(file),
        ):
            pass
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False
        )
        assert "another run sends reminders" in done.stderr
    with locked_ledger(file) as ledger:
        assert ledger.sent == {}


def test_it_is_beside_the_state_where_that_is_a_folder(tmp_path: Path) -> None:
    assert (
        ledger_file("tni", {"PULUMI_BACKEND_URL": f"file://{tmp_path}"})
        == tmp_path / "reminded" / "tni.json"
    )
    for elsewhere in ({}, {"PULUMI_BACKEND_URL": "s3://bucket?region=eu-west-1"}):
        assert ledger_file("tni", elsewhere) == Path(".local/tni/reminded.json")
