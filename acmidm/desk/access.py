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

    def is_of(self, connection: ListedConnection) -> bool:
        """Return whether a client has access to it, or is configured for it."""
        return bool(self.scopes.intersection(connection.scopes)) or (
            self.name == self.product and self.product in connection.products
        )

    def accesses(self, connection: ListedConnection) -> Iterator[ListedConnection]:
        """Yield the connection with each of its scopes of the API alone; without any where it is
        configured for the product, and has none of its scopes."""
        scopes = sorted(self.scopes.intersection(connection.scopes))
        for scope in scopes:
            yield self._access(connection, scope)
        if not scopes:
            yield self._access(connection)

    def _access(self, connection: ListedConnection, *scopes: str) -> ListedConnection:
        """Return a connection with one of its scopes alone, or with none."""
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
    """Return the last day on which a client has a scope of a product: by the scope's own end, which
    is among ``ends``, by its supplier's mandate and by what its form retires; None where none says
    one."""
    days = [end.until for end in (*ends, connection.mandate) if end and end.until]
    for name, first_without in connection.leaves.items():
        if name in (connection.platform, product):
            days.append(date.fromisoformat(first_without) - timedelta(days=1))
    return min(days, default=None)


def api_named(name: str, stack: str) -> NamedApi:
    """Return a product by its name, or one scope by any of its names, by the catalogue of a stack;
    a scope of that name alone where it has neither, or cannot be read."""
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
    """Yield connections with when their client last got a token. That is unknown of one with a
    secret, and where authorities cannot be reached, which is said."""
    used = {stack.name: _uses_on(stack, connections) for stack in stacks}
    for client in connections:
        uses = used.get(client.stack, {}).get((client.platform, client.client_id or ""))
        known: dict[str, object] = {"last_token_at": None, "unknown": ("last_token",)}
        if uses is not None and client.token_endpoint_auth_method == AuthMethod.PRIVATE_KEY_JWT:
            known = {"last_token_at": last_use(uses), "unknown": ()}
        yield client.model_copy(update=known)


def _uses_on(
    stack: Stack, connections: Iterable[ListedConnection]
) -> Mapping[Registered, Uses | None]:
    """Return the uses of each client of a stack that was made."""
    of_stack = [client for client in connections if client.stack == stack.name]
    made = [(client.platform, client.client_id) for client in of_stack if client.client_id]
    return last_uses(read_platforms(stack.authorities), made) if made else {}


def read_platforms(authorities: Authorities) -> Connected:
    """Return the platforms of a stack; none where they cannot be asked, which is said."""
    try:
        return authorities.platforms_briefly
    except Failure as failure:
        warn(f"the authorities of stack {authorities.stack} are not asked: {failure}")
        return {}


def last_uses(platforms: Connected, clients: Sequence[Registered]) -> dict[Registered, Uses | None]:
    """Return the uses of each client's keys; None where its authority does not tell."""

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
