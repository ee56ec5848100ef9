"""The filters of connections, for the list and for the board: words, a scope, keys that end, an
environment that lacks them, whom they wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from acmidm import completion
from acmidm.desk.progress import WaitsFor
from acmidm.desk.status import ListedConnection, UnusedMandate, listed
from acmidm.engine.pulumi import UnknownStack
from acmidm.engine.stacks import stack_of
from acmidm.terminal import working
from acmidm.words import plain
from acmidm_onboarding.forms.loading import load_catalogue
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.stack_files import stack_names, stack_settings
from acmidm_onboarding.texts import say, say_counted
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.problems import InvalidForms
from acmidm_onboarding.values.searching import searched
from acmidm_onboarding.values.terms import Environment, Platform

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[WORDS]...",
        help=(
            "Show only connections with a word that begins with each of these: a name, a code, a"
            " contact, a client-ID, a thumbprint."
        ),
        show_default=False,
        autocompletion=completion.client_keys,
    ),
]
Scope = Annotated[
    str | None,
    typer.Option(
        metavar="SCOPE",
        help="Show only clients with this scope, by its name on any platform.",
        show_default=False,
    ),
]
Expiring = Annotated[
    int | None,
    typer.Option(
        metavar="DAYS",
        help="Show only clients with a key, a scope or a mandate that ends within this many days.",
        show_default=False,
    ),
]
Without = Annotated[
    Environment | None,
    typer.Option(
        help="Show only connections that have no client in this environment, on any stack."
    ),
]
WaitingFor = Annotated[
    WaitsFor | None,
    typer.Option(help="Show only what waits for these."),
]


def clients_meant(stack: Stack, search: str) -> list[Client]:
    """Return the clients of a state that match; else one with the word as its client-ID, on each
    platform: it may be gone from the state."""
    with working(say("status.reading", stack=stack.name)):
        states = stack.recorded.clients.values()
    is_meant = Filters(search).matcher(())
    kept = [state for state in states if is_meant(listed(stack.name, state, stack.now))]
    if kept or not search or " " in search or not search.isprintable():
        return kept
    settings = stack.settings
    return [
        Client(f"client {search}", platform, settings.environment, client_id=search)
        for platform in settings.platforms
    ]


@dataclass(frozen=True)
class Filters:
    """What somebody wants to see of a list."""

    search: str = ""
    scope: str | None = None
    expiring: int | None = None
    without: Environment | None = None
    waiting_for: WaitsFor | None = None

    def matcher(self, stacks: Sequence[str]) -> Callable[[ListedConnection], bool]:
        """Return the filter of single connections, by all but whom they wait for; the catalogue of
        the first stack has the names of the scope. Raises Failure where somebody asks who lacks an
        environment, and a stack cannot be read."""
        scopes = _names_of(self.scope, stacks[0]) if self.scope else set[str]()
        made = _made_in(self.without, stacks) if self.without else frozenset()
        has_words = searched(self.search)
        return lambda client: (
            (client.key, client.platform) not in made
            and has_words(client.words)
            and (not scopes or not scopes.isdisjoint(client.scopes))
            and self._ends_in_time(client.days_left)
        )

    def shows_mandate(self, mandate: UnusedMandate) -> bool:
        """Return whether a mandate that no form uses is wanted: it has no scope, environment or
        step."""
        if self.scope or self.without or self.waiting_for:
            return False
        return self._ends_in_time(mandate.days_left) and searched(self.search)(mandate.words)

    def _ends_in_time(self, days_left: int | None) -> bool:
        return self.expiring is None or (days_left is not None and days_left <= self.expiring)

    @property
    def in_words(self) -> str:
        """The filters in words, for a report that finds nothing; empty without filters."""
        wanted = [say("status.filter.search", search=plain(self.search))] if self.search else []
        wanted += [say("status.filter.scope", scope=plain(self.scope))] if self.scope else []
        wanted += (
            [say_counted("status.filter.expiring", self.expiring)]
            if self.expiring is not None
            else []
        )
        wanted += [say(f"status.filter.without.{self.without}")] if self.without else []
        wanted += [say("status.filter.waiting", whom=self.waiting_for)] if self.waiting_for else []
        return f" {say('status.and')} ".join(wanted)


def _made_in(environment: Environment, stacks: Sequence[str]) -> frozenset[tuple[str, Platform]]:
    """Return the connections that have a client in an environment, on any stack. Raises Failure
    where one cannot be read."""
    made = set[tuple[str, Platform]]()
    for name in dict.fromkeys((*stacks, *stack_names(Path()))):
        try:
            clients = stack_of(name).recorded.clients
        except UnknownStack:  # it was never made
            continue
        made |= {
            client_key[:2]
            for client_key, client in clients.items()
            if client_key[2] is environment and client.client_id
        }
    return frozenset(made)


def _names_of(scope: str, stack: str) -> set[str]:
    """Return all names of a scope, given any of them; this one alone where the catalogue cannot be
    read."""
    try:
        scopes = load_catalogue(stack_settings(stack, Path()).catalogue_folder).scopes
    except (InvalidForms, InvalidSettings):
        return {scope}
    names = ({name, *listed.names_of(name).values()} for name, listed in scopes.items())
    return {scope}.union(*(each for each in names if scope in each))
