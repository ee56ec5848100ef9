"""The authorities of a stack, for commands that need something of them that the engine does not have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from acmidm.engine import EngineError, stack_config
from acmidm.keys import Key, keys_of
from acmidm.report.client import ClientState, Place
from acmidm.terminal import working
from acmidm_onboarding.authorities.connected import Connected, ConnectedPlatform, connected
from acmidm_onboarding.authorities.errors import AuthorityError, Unreachable
from acmidm_onboarding.authorities.port import KeyUse, KnowsUse
from acmidm_onboarding.model.form import Platform
from acmidm_onboarding.model.loading import load_catalogue
from acmidm_onboarding.settings import NAMESPACE, InvalidSettings, Settings, read_settings
from acmidm_onboarding.stack_files import stack_file, stack_settings

T = TypeVar("T")

_BRIEFLY_SECONDS = 3.0


def settings_of(stack: str) -> Settings:
    """The settings of a stack, secrets included: from its file, and through the engine where the file has them encrypted."""
    file = stack_file(stack, Path())
    if not file.exists() or b"secure:" not in file.read_bytes():
        return stack_settings(stack, Path())
    values: dict[str, Any] = stack_config(stack)
    return read_settings(lambda key: values.get(f"{NAMESPACE}:{key}", {}).get("value"), keys=values)


def no_form(settings: Settings) -> InvalidSettings:
    """What is wrong where a stack has clients, and its folder of forms has no form: nobody took them all out."""
    return InvalidSettings(f"there is no form (*.yaml) in {settings.forms_folder}; correct {NAMESPACE}:formsFolder")


def authorities_of(settings: Settings, *, briefly: bool = False) -> Connected:
    """Each platform of a stack; nothing is sent yet. ``briefly``: with less patience than the settings have."""
    if briefly:
        settings = settings.model_copy(update={"retry_deadline_seconds": min(settings.retry_deadline_seconds, _BRIEFLY_SECONDS)})
    return connected(settings, load_catalogue(settings.catalogue_folder))


def unreachable(settings: Settings, products: Mapping[Platform, Collection[str]]) -> Iterator[str]:
    """Why the servers of a stack cannot be reached, a sentence each; nothing where they can.

    The first page of a list is fetched from each, with little patience: a server that is down is reported at once, one that
    answers and is busy is left to the patience of what comes next. ``products`` are those that a platform has.
    """
    for name, platform in authorities_of(settings, briefly=True).items():
        try:
            with working(f"reaching {name} at {settings.platforms[name].management_url}"):
                next(iter(platform.authority.clients()), None)
                for product in sorted(products.get(name, ()))[:1]:  # all products of a platform have one address
                    next(iter(platform.product_api.configurations(product)), None)
        except Unreachable as error:
            if not error.connected:
                yield str(error)
        except AuthorityError as error:
            yield str(error)


def uploaded_keys(stack: str, clients: Iterable[ClientState]) -> dict[Place, Mapping[str, Key]]:
    """The keys that organisations uploaded in the portal, per client; a client is left out where its authority cannot be reached."""

    def read(platform: ConnectedPlatform, client_id: str) -> Mapping[str, Key]:
        snapshot = platform.clients.get(client_id)
        return keys_of(snapshot.jwks if snapshot else {})

    return _of_each(stack, clients, f"reading the keys that are in the portal of {stack}", read)


def keys_in_use(stack: str, clients: Iterable[ClientState]) -> dict[Place, Mapping[str, KeyUse]]:
    """The last use of each key, per client; a client is left out where its authority cannot tell, or cannot be reached."""

    def read(platform: ConnectedPlatform, client_id: str) -> Mapping[str, KeyUse] | None:
        return platform.authority.keys_in_use(client_id) if isinstance(platform.authority, KnowsUse) else None

    return _of_each(stack, clients, f"reading which keys are in use on {stack}", read)


def _of_each(stack: str, clients: Iterable[ClientState], what: str, read: Callable[[ConnectedPlatform, str], T | None]) -> dict[Place, T]:
    """What an authority says of each client; without those of which it says nothing, or whose authority cannot be reached."""
    wanted, found, down = [client for client in clients if client.client_id], dict[Place, T](), set[Platform]()
    if not wanted:
        return found
    try:
        platforms = authorities_of(settings_of(stack), briefly=True)
    except (InvalidSettings, EngineError):
        return found
    with working(what):
        for client in wanted:
            if client.platform not in platforms or client.platform in down:
                continue
            try:
                said = read(platforms[client.platform], client.client_id or "")
            except AuthorityError:
                down.add(client.platform)
                continue
            if said is not None:
                found[client.place] = said
    return found
