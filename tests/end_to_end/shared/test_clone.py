"""The state of a clone in a PostgreSQL of its own: ``make up BACKEND=postgres``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.clone import cloned, run


@pytest.mark.exhaustive
def test_each_target_finds_the_state_there(tmp_path: Path) -> None:
    """None shows the password, also where the server refuses it; nothing of the state is in files;
    and it ends with the clone's servers."""
    clone, said = tmp_path / "clone", ""
    with cloned(clone):
        local = clone / ".local"

        def make(words: str, code: int = 0) -> str:
            nonlocal said
            done = run(clone, f"make {words}")
            said += done.stdout + done.stderr
            assert done.returncode == code, done.stdout + done.stderr
            return done.stdout

        make("up BACKEND=postgres")
        password = (local / "postgres" / "passfile").read_text().strip().rpartition(":")[2]
        again = make("shell BACKEND=postgres <<< 'acmidm deploy'")
        assert re.search(r" is as declared, [0-9]+ unchanged: ", again)
        shown = run(
            clone, "make shell BACKEND=postgres <<< 'pulumi about; pulumi whoami --verbose; env'"
        ).stdout
        assert "postgres://127.0.0.1:" in shown
        assert not list((local / "state").rglob("*.json"))
        assert "tni is in sync" in make("shell BACKEND=postgres <<< 'acmidm drift'")
        make("down")
        assert not (local / "postgres" / "data" / "postmaster.pid").exists()
        passfile = local / "postgres" / "passfile"
        passfile.write_text("*:*:*:*:wrong\n")
        make("shell BACKEND=postgres <<< 'acmidm deploy'", code=2)
        make("clean")
        assert not (local / "postgres").exists()
    assert "password authentication failed" in said
    assert password not in said + shown
    assert "wrong" not in said
