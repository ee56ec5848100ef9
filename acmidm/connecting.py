"""The authorities of a stack, for commands that ask them something the engine does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acmidm.engine import stack_config
from components.authorities.connected import Connected, connected
from components.model.loading import load_catalogue
from components.settings import NAMESPACE, Settings, read_settings, stack_settings


def settings_of(stack: str) -> Settings:
    """The settings of a stack, secrets included: from its file, and through the engine where the file has them encrypted.

    Raises InvalidSettings and EngineError.
    """
    file = Path(f"Pulumi.{stack}.yaml")
    if not file.exists() or "secure:" not in file.read_text("utf-8"):
        return stack_settings(stack, Path())
    values: dict[str, Any] = stack_config(stack)
    return read_settings(lambda key: values.get(f"{NAMESPACE}:{key}", {}).get("value"))


def authorities_of(stack: str) -> Connected:
    """Each platform of a stack; nothing is sent until asked. Raises InvalidSettings, InvalidForms and EngineError."""
    settings = settings_of(stack)
    return connected(settings, load_catalogue(settings.catalogue_folder))
