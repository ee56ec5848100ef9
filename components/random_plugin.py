"""Says what to do where the engine has no random plugin, and is not to fetch one: its own error names no remedy of this project."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from components.model.connection import Connection


def missing_plugin(connections: Iterable[Connection]) -> str | None:
    """The sentence, where a connection has a client secret and nothing can make it."""
    secret = next((connection.name for connection in connections if connection.uses_secret), None)
    if secret is None or not os.environ.get("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"):
        return None
    folder = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"
    if shutil.which("pulumi-resource-random") or any(folder.glob("resource-random-v*/pulumi-resource-random")):
        return None
    return f"{secret} has a client secret, and the plugin that makes it is not installed; run make random-plugin, then this again"
