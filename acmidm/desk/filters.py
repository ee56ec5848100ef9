"""The filters of connections, for the list and for the board: words, an API, keys that end, an
environment that lacks them, whom they wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from acmidm import completion
from acmidm.desk.access import NamedApi
from acmidm.desk.status import ListedConnection, UnusedMandate, WaitsFor
from acmidm.engine.pulumi import UnknownStack
from acmidm.engine.stacks import stack_of
from acmidm.words import plain
from acmidm_onboarding.stack_files import stack_names
from acmidm_onboarding.texts import N_, ntr, tr, translated
from acmidm_onboarding.values.problems import both
from acmidm_onboarding.values.searching import word_matcher
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
ApiName = Annotated[
    str | None,
    typer.Option(
        "--api",
        metavar="API",
        help=(
            "Show who has access to this product of the catalogue, or one of its scopes: why,"
            " until when, and when the client last got a token."
        ),
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


_WITHOUT = {"tni": N_("is not on TNI"), "prod": N_("is not in production")}


@dataclass(frozen=True)
class Filters:
    """Which rows of a list somebody wants to see. A filter that is not set keeps every row."""

    search: str = ""
    api: NamedApi | None = None
    expiring: int | None = None
    without: Environment | None = None
    waiting_for: WaitsFor | None = None

    def matcher(self, stacks: Sequence[str]) -> Callable[[ListedConnection], bool]:
        """Return the function that says whether a row passes all of these filters.

        For ``without`` it reads the states of the ``stacks`` and of all others of the project.
        Raises Failure where one cannot be read.
        """
        with_client = _with_client_in(self.without, stacks) if self.without else frozenset()
        has_words = word_matcher(self.search)
        return lambda row: (
            (row.key, row.platform) not in with_client
            and has_words(row.words)
            and (self.api is None or self.api.is_accessible_to(row))
            and self._ends_within_days(row.days_left)
            and self.waiting_for in (None, row.waits_for)
        )

    def shows_mandate(self, mandate: UnusedMandate) -> bool:
        """Return whether a mandate that no form uses passes the filters. It has no scope,
        environment or step, so that a filter of these hides it."""
        if self.api or self.without or self.waiting_for:
            return False
        return self._ends_within_days(mandate.days_left) and word_matcher(self.search)(
            mandate.words
        )

    def _ends_within_days(self, days_left: int | None) -> bool:
        return self.expiring is None or (days_left is not None and days_left <= self.expiring)

    @property
    def in_words(self) -> str:
        """The filters in words, for a report that finds nothing; empty without filters."""
        wanted = []
        if self.search:
            wanted.append(tr('has "{search}"', search=plain(self.search)))
        if self.api:
            wanted.append(tr('has access to "{api}"', api=plain(self.api.name)))
        if self.expiring is not None:
            wanted.append(
                ntr(
                    "has something that ends within {count} day",
                    "has something that ends within {count} days",
                    self.expiring,
                )
            )
        if self.without:
            wanted.append(translated(_WITHOUT[self.without]))
        if self.waiting_for:
            wanted.append(tr("waits for {whom}", whom=self.waiting_for))
        return both(wanted)


def _with_client_in(
    environment: Environment, stacks: Sequence[str]
) -> frozenset[tuple[str, Platform]]:
    """Return the key and platform of each connection that has a client in an environment, on any
    stack of the project. Raises Failure where one cannot be read."""
    connections = set[tuple[str, Platform]]()
    for name in dict.fromkeys((*stacks, *stack_names(Path()))):
        try:
            clients = stack_of(name).state.recorded.clients
        except UnknownStack:  # it was never made
            continue
        for (key, platform, of_client), client in clients.items():
            if of_client is environment and client.client_id:
                connections.add((key, platform))
    return frozenset(connections)
