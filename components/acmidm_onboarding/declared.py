"""What the program declares: the connections of the stack's forms, checked before anything is declared, and what it exports of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import get_config_env

from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.model.loading import load_onboardings
from acmidm_onboarding.settings import NAMESPACE, SECRET_KEYS, InvalidSettings, Settings, read_settings


def read_declared() -> tuple[Settings, list[list[Connection]]]:
    """Read the settings and forms of the stack that the engine runs the program for; connections by application, one per platform.

    Raises:
        InvalidSettings, InvalidForms: with every mistake.
    """
    config = pulumi.Config(NAMESPACE)
    # The program declares and sends nothing: the operator's secrets are for the provider alone.
    settings = read_settings(lambda key: None if key in SECRET_KEYS else config.get(key), keys=get_config_env())
    environment, folder = settings.environment, settings.forms_folder
    profiles, served = {environment: settings.profile}, {environment: settings.platforms}
    onboardings = load_onboardings([folder], settings.catalogue_folder, profiles, served)
    if not onboardings.forms:  # another folder than was meant, perhaps; nothing declared is everything removed
        raise InvalidSettings(
            f"there is no form (*.yaml) in {folder}; correct {NAMESPACE}:formsFolder, or remove all that the stack has with pulumi destroy"
        )
    connections = onboardings.connections(environment)
    _require_random_plugin(connections)
    return settings, [list(group) for _, group in groupby(connections, key=lambda connection: connection.key)]


def known(value: Any) -> pulumi.Output[Any]:
    """A value without what is not known, all the way down: what failed to be made has no output, and is no string either."""

    async def resolved(part: Any) -> Any:
        if isinstance(part, pulumi.Output):
            return await resolved(await part.future()) if await part.is_known() else None
        if isinstance(part, Mapping):
            found = {name: await resolved(value) for name, value in part.items()}
            return {name: value for name, value in found.items() if value is not None}
        return part

    return pulumi.Output.from_input(resolved(value))


def _require_random_plugin(connections: Iterable[Connection]) -> None:
    """Refuse a client secret without the plugin that makes it: the engine's own error names no remedy of this project."""
    secret = next((connection.key for connection in connections if connection.uses_secret), None)
    if secret is None or not os.environ.get("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"):
        return
    folder = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"
    if not shutil.which("pulumi-resource-random") and not any(folder.glob("resource-random-v*/pulumi-resource-random")):
        raise InvalidSettings(
            f"{secret} has a client secret, and the plugin that makes it is not installed; run make random-plugin, then this again"
        )
