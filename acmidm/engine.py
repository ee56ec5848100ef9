"""The Pulumi engine as these commands use it: the ``pulumi`` on PATH, and what it says as data."""

from __future__ import annotations

import json
import subprocess
from typing import Any


class EngineError(Exception):
    """What kept the engine from answering, as one sentence."""


def stack_outputs(stack: str) -> dict[str, Any]:
    """The outputs of a stack, secrets masked. Raises EngineError."""
    return dict(_json("stack", "output", "--json", "--stack", stack))


def _json(*words: str) -> Any:
    try:
        done = subprocess.run(["pulumi", *words, "--non-interactive"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise EngineError("pulumi is not on PATH; open a shell with make shell, or install it") from None
    if done.returncode != 0:
        said = done.stderr.strip().removeprefix("error: ")
        raise EngineError(f"pulumi {' '.join(words[:2])}: {said or 'failed without a word'}")
    return json.loads(done.stdout or "{}")
