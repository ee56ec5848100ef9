"""The stacks of this project, for commands: how one is opened by name, and what its authorities
alone know of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import typer

from acmidm.engine import pulumi as engine
from acmidm.project import project_name
from acmidm.terminal import working
from acmidm.words import WHOLE, plain
from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError, NotFound, PerhapsGone, Unreachable
from acmidm_onboarding.authorities.port import KeyUse, KnowsUse, RegisteredClient
from acmidm_onboarding.installed import require_only
from acmidm_onboarding.recorded import require_not_older
from acmidm_onboarding.rules.mass_change import is_mass_change
from acmidm_onboarding.rules.policies import PromotionGate
from acmidm_onboarding.settings import InvalidSettings, Settings, full_key, read_settings
from acmidm_onboarding.stack import Stack, open_stack
from acmidm_onboarding.stack.authorities import Authorities
from acmidm_onboarding.stack_files import stack_file, stack_names, stack_settings
from acmidm_onboarding.values.client import NOT_CONFIGURED, Client, ClientKey, joined_records
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.keys import Key, keys_of
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform

T = TypeVar("T")


def stack_of(
    name: str, *, now: datetime | None = None, by_policies: bool = False, may_be_new: bool = False
) -> Stack:
    """Return the stack with a name, of which nothing is read yet. With ``by_policies`` a form that
    the policies refuse counts as one with mistakes. A stack that ``may_be_new`` has an empty state
    where the engine does not know it.

    Raises:
        OtherVersion: where two versions of this package are installed here; and later, where the
            state is read and a later version wrote it.
    """
    require_only()

    def export(stack: str) -> Mapping[str, Any]:
        """Read the state. Raises UnknownStack, unless the stack may be new."""
        try:
            state = engine.stack_deployment(stack)
        except engine.UnknownStack:
            if not may_be_new:
                raise
            return {}
        require_not_older(stack, state)
        return state

    def settings() -> Settings:
        """Read the settings from their file, and through the engine only where the file alone is
        not enough: not everybody may decrypt its secrets."""
        try:
            return stack_settings(name, Path())
        except InvalidSettings:
            return settings_of(name)

    return open_stack(
        name,
        settings,
        export=export,
        history=engine.last_runs,
        with_secrets=lambda: settings_of(name),
        now=now,
        by_policies=by_policies,
    )


_ENCRYPTED = re.compile(rb"\bsecure:")
"""What a value has that the engine encrypted; ``geosecure:issuer`` is another setting."""


def settings_of(stack: str) -> Settings:
    """Return the settings of a stack with its secrets: from its file, and through the engine where
    the file has secrets encrypted. Raises InvalidSettings, EngineError."""
    file = stack_file(stack, Path())
    if not file.exists() or not _ENCRYPTED.search(file.read_bytes()):
        return stack_settings(stack, Path())
    values: dict[str, Any] = engine.stack_config(stack)
    return read_settings(lambda key: values.get(full_key(key), {}).get("value"), keys=values)


def with_a_portal(folder: Path) -> list[str]:
    """Return the names of the stacks in ``folder`` whose authority has a portal, those of TNI
    first, as a service desk wants them. A stack whose authority has no API is among them only where
    none whose authority has one is of its environment."""
    with_api: list[tuple[int, str]] = []
    by_hand: list[tuple[int, str]] = []
    for name in stack_names(folder):
        settings = stack_settings(name, folder)
        authority_type = settings.platforms[Platform.ACMIDM].authority_type
        if not authority_type.portals:
            continue
        environment = list(Environment).index(settings.environment)
        if authority_type.is_by_hand:
            by_hand.append((environment, name))
        else:
            with_api.append((environment, name))
    environments_with_api = {environment for environment, _ in with_api}
    by_hand_alone = [stack for stack in by_hand if stack[0] not in environments_with_api]
    return [name for _, name in sorted((*with_api, *by_hand_alone))]


def require_a_form(stack: Stack) -> None:
    """Raise InvalidSettings for a folder without forms where the state has clients: the setting is
    wrong, for nobody removes all forms."""
    if stack.state.recorded.clients and stack.forms.are_none:
        raise InvalidSettings(
            f"there is no form (*.yaml) in {stack.forms.settings.forms_folder}; correct"
            " acmidm:formsFolder"
        )


def unreachable(stack: Stack, products: Mapping[Platform, Collection[str]]) -> Iterator[str]:
    """Yield an error for each server of a stack that cannot be reached or refuses, before a command
    begins what takes long.

    The first page of a list is fetched from each server, with a short deadline: a server that is
    down is reported at once. A server that is busy is not reported: later requests wait longer.
    ``products`` are those that the command will read, by platform.
    """
    for name, platform in stack.authorities.platforms_briefly.items():
        try:
            with working(f"reaching {name} at {stack.forms.settings.platforms[name].address}"):
                next(iter(platform.authority.clients()), None)
                for product in sorted(products.get(name, ()))[:1]:
                    # The first alone, for all products of a platform have one address.
                    with suppress(NotFound):  # the address need not have this product
                        next(iter(platform.product_api.configurations(product)), None)
        except Unreachable as error:
            if not error.connected:  # else it is busy
                yield str(error)
        except AuthorityError as error:
            yield str(error)


def mark_of(stack: str) -> str:
    """Return the mark that authorities keep of a stack of this project: ``<project>/<stack>``."""
    return f"{project_name()}/{stack.rpartition('/')[2]}"


def ask_what_is_there(stack: Stack) -> tuple[Stack, bool]:
    """Read which clients of a stack its authorities have and its state lacks, among the connections
    that are held back or leave. The gate then holds none of these back, and what has ended is taken
    from them.

    Return the stack that knows these clients, and whether every authority answered. A warning is
    printed for each platform whose authority did not.
    """
    settings = stack.forms.settings
    is_gated = (
        settings.environment is Environment.PROD and settings.gate.mode is not PromotionGate.OFF
    )
    unknown: dict[Platform, list[Declaration]] = defaultdict(list)
    for connection in stack.desired.unknown:
        unknown[connection.platform].append(connection)
    if not unknown and not is_gated:
        return stack, True
    clients: dict[str, Client] = {}
    has_read_all = True
    for name in sorted(unknown):
        try:
            with working(f"reading what {name} has of {stack.name}"):
                if platform := stack.authorities.platforms.get(name):
                    clients.update(_clients_of(unknown[name], platform, mark_of(stack.name)))
        except Failure as error:
            typer.echo(
                plain(
                    "warning: the gate holds connections back, and which of them have a client on"
                    f" {name} is not known: {error}",
                    WHOLE,
                ),
                err=True,
            )
            has_read_all = False
    # Recorded clients count at the gate too, also once a refresh finds that somebody removed one.
    # Without their client-ID, so that they do not count as found at an authority.
    parts = stack.state.recorded.parts.items()
    recorded = {name: replace(client, client_id=None) for name, client in parts}
    return stack.with_clients_at_authorities(joined_records(clients, recorded)), has_read_all


@dataclass(frozen=True)
class Listed:
    """What the authorities of a stack list, beside what its state records."""

    lost: Sequence[str]
    """The resource names of the recorded clients that their authority no longer lists, as after it
    was restored from a backup."""
    unread: Sequence[str]
    """A sentence for each authority that could not be read."""
    suspicious: Sequence[str]
    """A sentence for each authority that is probably a wrong one: it lists none, or too few, of the
    recorded clients, or lists clients that this project made in its other environment."""


def list_clients(stack: Stack) -> Listed:
    """List the clients of each authority at which a stack has clients, or a run makes some.

    An authority without a list has lost none. One that is too busy to answer soon counts as having
    lost none, and is not reported: the run waits longer.
    """
    lost, unread, suspicious = list[str](), list[str](), list[str]()
    recorded = [client for client in stack.state.recorded.clients.values() if client.client_id]
    declared = {form.platform for form in stack.desired.declared}
    used = declared | {client.platform for client in recorded}
    settings = stack.forms.settings
    for name in sorted(used & settings.platforms.keys()):
        platform = settings.platforms[name]
        if not platform.authority_type.lists_clients:
            continue
        try:
            with working(f"reading what {name} has of {stack.name}"):
                listed = dict(stack.authorities.platforms_briefly[name].listed_clients())
        except Failure as error:
            is_busy = isinstance(error, Unreachable) and error.connected
            if not is_busy:
                unread.append(f"{name}: {error}")
            continue
        of_platform = [client for client in recorded if client.platform is name]
        gone = [client.resource_name for client in of_platform if client.client_id not in listed]
        lost += gone
        if gone and (len(gone) == len(of_platform) or is_mass_change(len(gone), len(of_platform))):
            count = f"{len(gone)} of {len(of_platform)}"
            suspicious.append(
                f"{name} at {platform.address} lacks clients that {stack.name} records ({count},"
                f" such as {gone[0]}): correct its address if it is another authority, restore it"
                " if it lost them"
            )
        if other := _made_in_other_environment(listed.values(), stack):
            suspicious.append(
                f"{name} at {platform.address} has clients of another environment than that of"
                f" {stack.name}, which is {settings.environment}, such as {other}: correct its"
                " address"
            )
    return Listed(sorted(lost), unread, suspicious)


def _made_in_other_environment(clients: Iterable[RegisteredClient], stack: Stack) -> str | None:
    """Return the natural key of a client that a stack of this project made in another environment
    than this stack's; None if there is none."""
    project, own = f"{project_name()}/", stack.forms.settings.environment
    for client in clients:
        made_by, key = client.metadata.managed_by or "", client.metadata.software_id or ""
        if made_by.startswith(project) and key.split("/")[1:2] not in ([], [own.value]):
            return key
    return None


def _clients_of(
    connections: Iterable[Declaration], platform: ConnectedPlatform, owner: str
) -> Iterator[tuple[str, Client]]:
    """Yield the client that a platform's authority has of each connection, with its resource name:
    one with the mark ``owner`` of a stack, under the present key or an earlier one. A connection
    without such a client yields nothing.

    Raises AuthorityError where the clients cannot be listed; where the products of one cannot be
    read, after all others.
    """
    by_natural_key = {}
    for registered in platform.authority.clients():
        metadata = registered.metadata
        if metadata.managed_by == owner:
            by_natural_key[metadata.software_id] = registered
    errors: list[AuthorityError] = []
    for connection in connections:
        keys = [key for key in connection.natural_keys if key in by_natural_key]
        if not keys:
            continue
        try:
            client = platform.client(
                connection.client_key, by_natural_key[keys[0]], connection.products
            )
        except AuthorityError as error:
            errors.append(error)
            continue
        # A command hands the program this much of a client, and no more.
        products = dict.fromkeys(client.products, NOT_CONFIGURED)
        yield connection.resource_name, replace(client, fields={}, products=products)
    if errors:
        raise errors[0]


def uploaded_keys(
    authorities: Authorities, clients: Iterable[Client]
) -> dict[ClientKey, Mapping[str, Key]]:
    """Return the keys that organisations uploaded in the portal, per client. A client is left out
    where its authority cannot be reached."""

    def read(platform: ConnectedPlatform, client_id: str) -> Mapping[str, Key]:
        registered = platform.clients.get(client_id)
        return keys_of(registered.jwks) if registered else {}

    what = f"reading the keys that are in the portal of {authorities.stack}"
    return _read_of_each_client(authorities, clients, what, read)


def keys_in_use(
    authorities: Authorities, clients: Iterable[Client]
) -> dict[ClientKey, Mapping[str, KeyUse]]:
    """Return the last use of each key by its thumbprint, per client. A client is left out where its
    authority does not know that, or cannot be reached."""

    def read(platform: ConnectedPlatform, client_id: str) -> Mapping[str, KeyUse] | None:
        if not isinstance(platform.authority, KnowsUse):
            return None
        return platform.authority.keys_in_use(client_id)

    what = f"reading which keys are in use on {authorities.stack}"
    return _read_of_each_client(authorities, clients, what, read)


def _read_of_each_client(
    authorities: Authorities,
    clients: Iterable[Client],
    what: str,
    read: Callable[[ConnectedPlatform, str], T | None],
) -> dict[ClientKey, T]:
    """Return what ``read`` returns of a platform and the client-ID of each client. Clients for
    which that is None are left out, and those whose authority cannot be reached, without a word.
    ``what`` is shown meanwhile."""
    with_id = [client for client in clients if client.client_id]
    answers: dict[ClientKey, T] = {}
    unreachable_platforms: set[Platform] = set()
    if not with_id:
        return answers
    try:
        platforms = authorities.platforms_briefly
    except (InvalidSettings, engine.EngineError):
        return answers
    with working(what):
        for client in with_id:
            if client.platform not in platforms or client.platform in unreachable_platforms:
                continue
            try:
                answer = read(platforms[client.platform], client.client_id or "")
            except PerhapsGone:  # only this client cannot be read
                continue
            except AuthorityError:
                unreachable_platforms.add(client.platform)
                continue
            if answer is not None:
                answers[client.client_key] = answer
    return answers
