"""Who has access to an API: each client with one of its scopes, the last day of that, and when the
client last got a token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path

from acmidm.desk.status import LastDay, ListedConnection
from acmidm.report.kinds import ReportPart
from acmidm.terminal import warn
from acmidm_onboarding.authorities.connected import Connected
from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.authorities.http.pace import REQUESTS_AT_ONCE
from acmidm_onboarding.authorities.port import KeyUse, KnowsUse
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.stack.authorities import Authorities
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.plain import only
from acmidm_onboarding.values.problems import (
    Failure,
    InvalidForms,
    did_you_mean,
    listed,
)
from acmidm_onboarding.values.terms import AuthMethod, Platform

Uses = Mapping[str, KeyUse]
"""Per thumbprint; a key that got no token is left out."""
Registered = tuple[Platform, str]
"""A client by its platform and its client-ID there."""


class NamedApi(ReportPart):
    """A product of the catalogue, or one of its scopes."""

    name: str
    product: str | None = None
    """None where the catalogue has neither."""
    scopes: frozenset[str]
    """Its scopes, by each name that a platform has for one."""
    remedy: str = ""
    """Which one may be meant, where the catalogue has neither."""

    def is_accessible_to(self, connection: ListedConnection) -> bool:
        """Return whether a client has a scope of the API, or, where the API is a product, whether
        it is configured for that."""
        return bool(self.scopes.intersection(connection.scopes)) or (
            self.name == self.product and self.product in connection.products
        )

    def row_per_scope(self, connection: ListedConnection) -> Iterator[ListedConnection]:
        """Yield the row of a connection once for each of its scopes of the API, with that scope
        alone; once without a scope where it is only configured for the product."""
        scopes = sorted(self.scopes.intersection(connection.scopes))
        for scope in scopes:
            yield self._row_with(connection, scope)
        if not scopes:
            yield self._row_with(connection)

    def _row_with(self, connection: ListedConnection, *scopes: str) -> ListedConnection:
        """Return the row of a connection with these of its scopes alone, and their last day."""
        ends = tuple(end for end in connection.scopes_until if end.scope in scopes)
        access = {
            "scopes": scopes,
            "reasons": only(connection.reasons, scopes),
            "scopes_until": ends,
            "last_day": _last_day(connection, ends, self.product),
        }
        return connection.model_copy(update=access)


def _last_day(
    connection: ListedConnection, ends: Iterable[LastDay], product: str | None
) -> date | None:
    """Return the last day on which a client has access: the first of the ``ends`` of its scopes,
    the end of its supplier's mandate, and the day before its platform or ``product`` leaves. None
    where none of these has a day."""
    days = [end.until for end in (*ends, connection.mandate) if end and end.until]
    for name, first_without in connection.leaves.items():
        if name in (connection.platform, product):
            days.append(date.fromisoformat(first_without) - timedelta(days=1))
    return min(days, default=None)


def api_named(name: str, stack: str) -> NamedApi:
    """Return the product or scope that ``--api`` names, by the catalogue of a stack. A scope may be
    named as the catalogue does, or as a platform does.

    Where the catalogue has neither, or cannot be read, it is a scope of that name alone.
    """
    try:
        catalogue = load_catalogue(stack_settings(stack, Path()).catalogue_folder)
    except (InvalidForms, InvalidSettings):
        return NamedApi(name=name, scopes=frozenset({name}))
    of_scopes: dict[str, frozenset[str]] = {}
    for scope, each in catalogue.scopes.items():
        of_scopes[scope] = frozenset({scope, *each.names_of(scope).values()})
    if product := catalogue.products.get(name):
        of_product = frozenset[str]().union(*map(of_scopes.__getitem__, product.scopes))
        return NamedApi(name=name, product=name, scopes=of_product)
    for scope, names in of_scopes.items():
        if name in names:
            return NamedApi(name=name, product=catalogue.product_of[scope].product, scopes=names)
    known = set(catalogue.products).union(*of_scopes.values())
    products = tr("give a product: {names}", names=listed(catalogue.products))
    remedy = did_you_mean(name, known, products)
    return NamedApi(name=name, scopes=frozenset({name}), remedy=remedy)


def with_last_token(
    connections: Sequence[ListedConnection], stacks: Iterable[Stack]
) -> Iterator[ListedConnection]:
    """Yield the rows with the moment at which their client last got a token. It is unknown of a
    client with a secret, and, after a warning, where an authority cannot be reached."""
    uses_by_stack = {stack.name: _uses_on(stack, connections) for stack in stacks}
    for row in connections:
        uses = uses_by_stack.get(row.stack, {}).get((row.platform, row.client_id or ""))
        last_token: dict[str, object] = {"last_token_at": None, "unknown": ("last_token",)}
        if uses is not None and row.token_endpoint_auth_method == AuthMethod.PRIVATE_KEY_JWT:
            last_token = {"last_token_at": last_use(uses), "unknown": ()}
        yield row.model_copy(update=last_token)


def _uses_on(
    stack: Stack, connections: Iterable[ListedConnection]
) -> Mapping[Registered, Uses | None]:
    """Return the uses of the keys of each client of a stack; None of one whose authority does not
    tell. A connection without a client-ID is left out."""
    of_stack = [client for client in connections if client.stack == stack.name]
    made = [(client.platform, client.client_id) for client in of_stack if client.client_id]
    return last_uses(read_platforms(stack.authorities), made) if made else {}


def read_platforms(authorities: Authorities) -> Connected:
    """Return the platforms of a stack, each connected to its authority; none, after a warning,
    where that fails, such as for a missing credential."""
    try:
        return authorities.platforms_briefly
    except Failure as failure:
        warn(f"the authorities of stack {authorities.stack} are not asked: {failure}")
        return {}


def last_uses(platforms: Connected, clients: Sequence[Registered]) -> dict[Registered, Uses | None]:
    """Return the uses of each client's keys, as {("acmidm", "8abae908"): {thumbprint: use}}; None
    where its authority does not tell."""

    def read_uses(client: Registered) -> Uses | None:
        platform, client_id = client
        authority = platforms[platform].authority if platform in platforms else None
        try:
            return authority.keys_in_use(client_id) if isinstance(authority, KnowsUse) else None
        except AuthorityError:  # an authority may hide its events from this operator
            return None

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        return dict(zip(clients, pool.map(read_uses, clients), strict=True))


def last_use(uses: Uses) -> datetime | None:
    """Return when one of some keys last got a token; None where none did."""
    return max((use.last_used_at for use in uses.values()), default=None)
