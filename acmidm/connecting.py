"""The authorities of a stack, for commands that ask them something the engine does not."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from acmidm.engine import stack_config
from acmidm.terminal import working
from components.authorities.connected import Connected, ConnectedPlatform, connected
from components.authorities.errors import AuthorityError, Unreachable
from components.model.loading import load_catalogue
from components.settings import NAMESPACE, Settings, read_settings, stack_settings

_BRIEFLY_SECONDS = 3.0


def settings_of(stack: str) -> Settings:
    """The settings of a stack, secrets included: from its file, and through the engine where the file has them encrypted.

    Raises InvalidSettings and EngineError.
    """
    file = Path(f"Pulumi.{stack}.yaml")
    if not file.exists() or b"secure:" not in file.read_bytes():
        return stack_settings(stack, Path())
    values: dict[str, Any] = stack_config(stack)
    return read_settings(lambda key: values.get(f"{NAMESPACE}:{key}", {}).get("value"), keys=values)


def authorities_of(stack: str) -> Connected:
    """Each platform of a stack; nothing is sent until asked. Raises InvalidSettings, InvalidForms and EngineError."""
    settings = settings_of(stack)
    return connected(settings, load_catalogue(settings.catalogue_folder))


def unreachable(stack: str, products: Collection[str]) -> Iterator[str]:
    """Why the servers of a stack cannot be asked, a sentence each; nothing where they can.

    Each is asked for the first page of a list, and retried briefly, where all else takes the time that the settings allow: a
    server that is down is told of at once, one that answers and is busy is left to the patience of what comes next.
    Raises InvalidSettings, InvalidForms and EngineError.
    """
    settings = settings_of(stack)
    patience = min(settings.retry_deadline_seconds, _BRIEFLY_SECONDS)
    platforms = connected(settings.model_copy(update={"retry_deadline_seconds": patience}), load_catalogue(settings.catalogue_folder))
    for name, platform in platforms.items():
        try:
            with working(f"reaching {name} at {settings.platforms[name].management_url}"):
                _ask(platform, products)
        except Unreachable as error:
            if not error.connected:
                yield str(error)
        except AuthorityError as error:
            yield str(error)


def _ask(platform: ConnectedPlatform, products: Collection[str]) -> None:
    next(iter(platform.authority.clients()), None)
    for product in sorted(products)[:1]:  # all products of a platform have one address
        next(iter(platform.product_api.configurations(product)), None)
