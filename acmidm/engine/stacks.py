"""The stacks of this project, for commands: opened by name, and what their authorities say that neither forms nor state
have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import typer

from acmidm.engine import pulumi as engine
from acmidm.project import project_name
from acmidm.terminal import working
from acmidm.words import WHOLE, plain
from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError, NotFound, Unreachable
from acmidm_onboarding.authorities.port import KeyUse, KnowsUse
from acmidm_onboarding.rules.policies import PromotionGate
from acmidm_onboarding.rules.retirement import natural_keys
from acmidm_onboarding.settings import NAMESPACE, InvalidSettings, Settings, read_settings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.stack_files import stack_file, stack_settings
from acmidm_onboarding.values.client import Client, ClientKey, joined
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.keys import Key, keys_of
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform

T = TypeVar("T")


def stack_of(name: str, *, now: datetime | None = None, by_policies: bool = False, may_be_new: bool = False) -> Stack:
    """Open a stack by its name; its file is read where its settings are asked for. One that ``may_be_new`` has nothing
    where the engine knows no such stack."""

    def export(stack: str) -> Mapping[str, Any]:
        try:
            return engine.stack_deployment(stack)
        except engine.UnknownStack:
            if not may_be_new:
                raise
            return {}

    def settings() -> Settings:
        """Those of the file where they do without what is encrypted in it: who may not decrypt that reads all the
        rest."""
        try:
            return stack_settings(name, Path())
        except InvalidSettings:
            return settings_of(name)

    return Stack(
        name,
        settings,
        export=export,
        with_secrets=lambda: settings_of(name),
        now=now,
        by_policies=by_policies,
    )


def settings_of(stack: str) -> Settings:
    """The settings of a stack, secrets included: from its file, and through the engine where the file has them
    encrypted."""
    file = stack_file(stack, Path())
    if not file.exists() or b"secure:" not in file.read_bytes():
        return stack_settings(stack, Path())
    values: dict[str, Any] = engine.stack_config(stack)
    return read_settings(lambda key: values.get(f"{NAMESPACE}:{key}", {}).get("value"), keys=values)


def with_a_portal(folder: Path) -> list[str]:
    """Return the stacks of the files in ``folder`` whose type of authority has a portal, tests first: what a service
    desk looks at. One by hand counts where its environment has no other."""
    found, by_hand = list[tuple[int, str]](), list[tuple[int, str]]()
    for file in sorted(folder.glob("Pulumi.*.yaml")):
        name = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
        settings = stack_settings(name, folder)
        kind = settings.platforms[Platform.ACMIDM].authority_type
        if kind.portals:
            stacks = by_hand if kind.is_by_hand else found
            stacks.append((list(Environment).index(settings.environment), name))
    taken = {environment for environment, _ in found}
    return [name for _, name in sorted((*found, *(one for one in by_hand if one[0] not in taken)))]


def require_a_form(stack: Stack) -> None:
    """Refuse a folder without a form for a stack that has clients: nobody took them all out. Raises InvalidSettings."""
    if stack.recorded.clients and not stack.forms.forms and not stack.forms.problems:
        raise InvalidSettings(
            f"there is no form (*.yaml) in {stack.settings.forms_folder}; correct {NAMESPACE}:formsFolder"
        )


def unreachable(stack: Stack, products: Mapping[Platform, Collection[str]]) -> Iterator[str]:
    """Why the servers of a stack cannot be reached, a sentence each; nothing where they can.

    The first page of a list is fetched from each, with little patience: a server that is down is reported at once, one
    that answers and is busy is left to the patience of what comes next. ``products`` are those that a platform has.
    """
    for name, platform in stack.platforms_briefly.items():
        try:
            with working(f"reaching {name} at {stack.settings.platforms[name].address}"):
                next(iter(platform.authority.clients()), None)
                for product in sorted(products.get(name, ()))[:1]:  # all products of a platform have one address
                    with suppress(NotFound):  # it need not be offered there
                        next(iter(platform.product_api.configurations(product)), None)
        except Unreachable as error:
            if not error.connected:
                yield str(error)
        except AuthorityError as error:
            yield str(error)


def managed_by(stack: str) -> str:
    """Return how authorities name a stack of this project."""
    return f"{project_name()}/{stack.rpartition('/')[2]}"


def ask_what_is_there(stack: Stack) -> bool:
    """Find out what is at the authorities of a stack with a gate, beside what its state has: the gate holds none of
    that back.

    Return whether all could be asked; a warning says of each platform that cannot.
    """
    settings = stack.settings
    if settings.environment is not Environment.PROD or settings.gate.mode is PromotionGate.OFF:
        return True
    waiting = [one.connection for one in stack.desired.held_back if one.is_gated and (one.is_new or one.is_partial)]
    found, all_asked = dict[str, Client](), True
    for name in sorted({connection.platform for connection in waiting}):
        try:
            with working(f"reading what {name} has of {stack.name}"):
                if platform := stack.platforms.get(name):
                    found.update(
                        _there(platform, [one for one in waiting if one.platform is name], managed_by(stack.name))
                    )
        except Failure as error:
            typer.echo(
                plain(f"warning: what {name} has of what the gate holds back is not known: {error}", WHOLE), err=True
            )
            all_asked = False
    stack.found_there(joined(stack.recorded.parts, found))
    return all_asked


def _there(platform: ConnectedPlatform, waiting: Iterable[Declaration], owner: str) -> Iterator[tuple[str, Client]]:
    """Yield which of some connections have a client with the mark of a stack, under their key or an earlier one, by
    resource name."""
    clients = platform.authority.clients()
    ours = {one.client.metadata.software_id: one for one in clients if one.client.metadata.managed_by == owner}
    failed: list[AuthorityError] = []
    for one in waiting:
        if snapshot := next((ours[key] for key in natural_keys(one) if key in ours), None):
            try:
                yield one.resource_name, platform.client(one.place, snapshot, one.products)
            except AuthorityError as error:
                failed.append(error)
    if failed:  # after all others were found
        raise failed[0]


def uploaded_keys(stack: Stack, clients: Iterable[Client]) -> dict[ClientKey, Mapping[str, Key]]:
    """The keys that organisations uploaded in the portal, per client; a client is left out where its authority cannot
    be reached."""

    def read(platform: ConnectedPlatform, client_id: str) -> Mapping[str, Key]:
        snapshot = platform.clients.get(client_id)
        return keys_of(snapshot.jwks if snapshot else {})

    return _of_each(stack, clients, f"reading the keys that are in the portal of {stack.name}", read)


def keys_in_use(stack: Stack, clients: Iterable[Client]) -> dict[ClientKey, Mapping[str, KeyUse]]:
    """The last use of each key, per client; a client is left out where its authority cannot tell, or cannot be
    reached."""

    def read(platform: ConnectedPlatform, client_id: str) -> Mapping[str, KeyUse] | None:
        return platform.authority.keys_in_use(client_id) if isinstance(platform.authority, KnowsUse) else None

    return _of_each(stack, clients, f"reading which keys are in use on {stack.name}", read)


def _of_each(
    stack: Stack, clients: Iterable[Client], what: str, read: Callable[[ConnectedPlatform, str], T | None]
) -> dict[ClientKey, T]:
    """What an authority says of each client; without those of which it says nothing, or whose authority cannot be
    reached."""
    wanted, found, down = [client for client in clients if client.client_id], dict[ClientKey, T](), set[Platform]()
    if not wanted:
        return found
    try:
        platforms = stack.platforms_briefly
    except (InvalidSettings, engine.EngineError):
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
