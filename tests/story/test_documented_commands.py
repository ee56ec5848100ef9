"""Each command of the README and of ``docs/cli.md``, as it is written, in a clone with ports of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.clone import cloned, run, scripts
from tests.support.engine import SIGNS_OF_A_TRACEBACK

PAGES = ("README.md", "docs/cli.md")
LEFT_OUT = {
    "make test": "this test would run itself",
    "make test-exhaustive": "this test would run itself",
    "pulumi up --continue-on-error": "it asks somebody at a terminal",
}


@pytest.mark.exhaustive
def test_each_command_works_as_written(tmp_path: Path) -> None:
    """On the stacks of its `make up`, in the order of the pages; none shows a traceback."""
    done = []
    clone = tmp_path / "clone"
    with cloned(clone):
        for page in PAGES:
            for script in scripts((clone / page).read_text()):
                wanted = [line for line in script if line not in LEFT_OUT]
                outcome = run(clone, "\n".join(wanted))
                assert outcome.returncode == 0, f"{page}: {wanted}\n{outcome.stdout}{outcome.stderr}"
                assert not any(sign in outcome.stdout + outcome.stderr for sign in SIGNS_OF_A_TRACEBACK), outcome.stderr
                done += wanted
    assert {"make up", "make up STACK=prod", "make demo", "pulumi preview --refresh --diff"} <= set(done)
    assert any("acmidm review --base origin/main" in command for command in done)
