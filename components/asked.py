"""What the program is asked to declare: the stack's settings and the forms that they name, checked before anything is declared."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pulumi
from pulumi.runtime.config import get_config_env

from components.model.connection import Connection
from components.model.loading import Onboardings, load_onboardings
from components.settings import NAMESPACE, SECRET_KEYS, InvalidSettings, Settings, read_settings


def read_asked() -> tuple[Settings, Onboardings]:
    """The settings and forms of the stack that the engine runs the program for. Raises InvalidSettings and InvalidForms."""
    config = pulumi.Config(NAMESPACE)
    # The program declares and sends nothing: the operator's secrets are for the provider alone.
    settings = read_settings(lambda key: None if key in SECRET_KEYS else config.get(key), keys=get_config_env())
    environment, folder = settings.environment, settings.forms_folder
    profiles, served = {environment: settings.profile}, {environment: settings.platforms}
    onboardings = load_onboardings([folder], settings.catalogue_folder, profiles, served)
    if not onboardings.forms:  # another folder than was meant, it may be; nothing declared is everything removed
        raise InvalidSettings(
            f"there is no form (*.yaml) in {folder}; correct {NAMESPACE}:formsFolder, or remove all that the stack has with pulumi destroy"
        )
    _require_random_plugin(onboardings.connections(environment))
    return settings, onboardings


def _require_random_plugin(connections: Iterable[Connection]) -> None:
    """The engine's own error names no remedy of this project, where it has no random plugin and is not to fetch one."""
    secret = next((connection.name for connection in connections if connection.uses_secret), None)
    if secret is None or not os.environ.get("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"):
        return
    folder = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"
    if not shutil.which("pulumi-resource-random") and not any(folder.glob("resource-random-v*/pulumi-resource-random")):
        raise InvalidSettings(
            f"{secret} has a client secret, and the plugin that makes it is not installed; run make random-plugin, then this again"
        )
