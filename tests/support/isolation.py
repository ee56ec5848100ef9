"""What tests see of this clone and of whoever runs them: the tools, and nothing else.

A clone has stacks, the state of those, and settings of a shell that `make env` opened. None of that
is a test's: each makes what it needs, and where one reads a state that it did not make, there is
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from acmidm_onboarding import recorded
from tests.support.counted_engine import count_in
from toolchain.common import PULUMI_HOME
from toolchain.environment import variables

_OF_TESTS = ("ACMIDM_SCREENSHOTS",)
"""Variables that are for tests."""
_OF_MAKE = ("BACKEND", "STACK")
_READINGS = [reading for reading in vars(recorded).values() if hasattr(reading, "cache_clear")]


def isolated(environment: Mapping[str, str], shared: Path) -> dict[str, str]:
    """Return an environment without what it says of stacks, and with an empty backend.

    ``shared`` is the folder of this run of the tests. The plugins of the clone are there: they are
    tools.
    """
    home, state = shared / "pulumi", shared / "state"
    for folder in (home, state):
        folder.mkdir()
    (home / "plugins").symlink_to(PULUMI_HOME / "plugins")
    kept = {name: value for name, value in environment.items() if not _is_of_a_stack(name)}
    tools = variables()
    return {
        **kept,
        **tools,
        "PATH": count_in(shared, tools["PATH"]),
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "of-tests",
        "GOGC": "400",  # an engine here lives too short a time to need its memory back
    }


def forget_states() -> None:
    """Have states read anew: a run reads each once, and the process of a test is many runs."""
    for reading in _READINGS:
        reading.cache_clear()


def _is_of_a_stack(name: str) -> bool:
    return name in _OF_MAKE or (name.startswith(("PULUMI_", "ACMIDM_")) and name not in _OF_TESTS)
