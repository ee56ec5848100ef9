"""Where every connection of some stacks stands: what is read for that, and from whom.

What cannot be read is unknown, and ends nothing: a warning on stderr says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from acmidm.desk.access import last_use, last_uses, read_platforms
from acmidm.desk.progress import Facts, progress
from acmidm.desk.status import ListedConnection, in_order, listed, mandates_to_send
from acmidm.engine.pulumi import EngineError
from acmidm.engine.stacks import require_a_form
from acmidm.report.revisions.order_history import OrderHistory
from acmidm.terminal import warn, working
from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError, PerhapsGone
from acmidm_onboarding.authorities.port import ClientSnapshot, KnowsRights
from acmidm_onboarding.forms.catalogue import Catalogue, Product, Scope
from acmidm_onboarding.rules.gate import uncovered, waits_for_test
from acmidm_onboarding.rules.orders import Order
from acmidm_onboarding.rules.retirement import due
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.stack.authorities import Authorities
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.texts import plural
from acmidm_onboarding.values.client import Client, ClientKey, recorded_as
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.keys import Key, keys_of
from acmidm_onboarding.values.terms import Environment, ExemptiblePolicy, Platform

T = TypeVar("T")


def read_progress(
    stacks: Iterable[Stack], others: Iterable[Stack] = ()
) -> tuple[ListedConnection, ...]:
    """Return a row per connection and environment, by organisation and application, test before
    production.

    ``others`` are further stacks, of which only the clients on production are read.

    Raises:
        InvalidSettings: where a stack has no file, or one with mistakes.
        EngineError: where the state of one of the ``others`` cannot be read.
    """
    read = list(map(_ProgressRows, stacks))
    on_production: dict[tuple[str, Platform], Client] = {}
    for source in read:
        if source.is_production:
            on_production |= _by_connection(source.states or {})
    for stack in others:
        on_production |= _by_connection(stack.state.recorded.clients)
    rows: list[ListedConnection] = []
    for source in read:
        rows += map(progress, source.facts(on_production))
    return in_order(rows)


def _by_connection(clients: Mapping[ClientKey, Client]) -> dict[tuple[str, Platform], Client]:
    """Return the clients on production, each by the key and the platform of its connection."""
    return {
        client_key[:2]: client
        for client_key, client in clients.items()
        if client_key[2] is Environment.PROD
    }


class _ProgressRows:
    """What the forms, the state and the authorities of one stack say of each connection."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._settings, self._now = stack, stack.forms.settings, stack.now

    @property
    def is_production(self) -> bool:
        return self._settings.environment is Environment.PROD

    @cached_property
    def states(self) -> Mapping[ClientKey, Client] | None:
        """Its clients; None where the state cannot be read."""
        try:
            with working(f"reading {self._stack.name}"):
                return self._stack.state.recorded.clients
        except EngineError as error:
            warn(f"the state of stack {self._stack.name} is not known: {error}")
            return None

    @cached_property
    def _evidence_days(self) -> int:
        return stacks_in(Path()).gate.evidence_max_days

    def facts(self, on_production: Mapping[tuple[str, Platform], Client]) -> Iterator[Facts]:
        forms, held_back = self._stack.forms.onboardings, self._held_back()
        if forms.problems:
            warn(
                "what forms with mistakes ask is not known"
                f" ({plural('{count} mistake', '{count} mistakes', len(forms.problems))}); see"
                " acmidm validate"
            )
        if self.states is not None:
            require_a_form(self._stack)
        in_production = {
            (form.key, form.platform): form for form in forms.connections(Environment.PROD)
        }
        pairs = list(self._paired(self._stack.forms.connections))
        ordered = {order.client_key: order for order in reversed(self._orders())}
        history = OrderHistory(self._stack)
        asked = _Asked(self._stack.authorities, [state for _, state in pairs if state is not None])
        for connection, state in pairs:
            own = self._of(connection, state, asked, forms.catalogue)
            key = own.connection.key, own.connection.platform
            order = ordered.get((*key, own.connection.environment))
            yield replace(
                own,
                ordered=order,
                ordered_since=history.since(order) if order else None,
                is_declared=True if connection else None if forms.problems else False,
                is_held_back=key in held_back,
                test_client_id=(on_test.client_id or "") if (on_test := held_back.get(key)) else "",
                is_proven_there=bool(
                    connection and on_test and waits_for_test(connection, on_test)
                ),
                has_production=key in in_production,
                unproven=unproven(
                    connection, in_production.get(key), on_production.get(key), forms.catalogue
                ),
                is_on_production=key in on_production,
            )

    def _orders(self) -> list[Order]:
        """Return what people have to do at a portal without an API; nothing where that cannot be
        known."""
        if not self._stack.forms.by_hand or self.states is None:
            return []
        return [order for order in self._stack.orders if order.refused is None]

    def _paired(
        self, declared: Iterable[Declaration]
    ) -> Iterator[tuple[Declaration | None, Client | None]]:
        """Yield each connection with its client in the state, which may have an earlier key; then
        clients without a form."""
        states = dict(self.states or {})
        for form in declared:
            client_keys = [
                (key, form.platform, form.environment) for key in (form.key, *form.form.formerly)
            ]
            state = next(
                (states.pop(client_key) for client_key in client_keys if client_key in states), None
            )
            if state is not None or not _is_leaving(form, self._now):
                yield form, state
        yield from ((None, state) for state in states.values())

    def _held_back(self) -> Mapping[tuple[str, Platform], Client | None]:
        """Return what the gate holds back, with the client that the stack on TNI has of it; None
        where it has none."""
        if self.states is None:
            return {}
        waiting = [
            withheld.connection for withheld in self._stack.desired.held_back if withheld.is_gated
        ]
        on_test = self._stack.tests.records if waiting else {}
        records = {(form.key, form.platform): recorded_as(form, on_test) for form in waiting}
        return {
            key: record if record and record.client_id else None for key, record in records.items()
        }

    def _portal(self, state: Client) -> str | None:
        platform = self._settings.platforms.get(state.platform)
        return platform.portal(state.environment) if platform else None

    def _of(
        self,
        connection: Declaration | None,
        state: Client | None,
        asked: _Asked,
        catalogue: Catalogue,
    ) -> Facts:
        shown = state or connection
        if shown is None:
            raise ValueError("neither a form nor the state has it")
        if state and connection:
            # Contacts and ends come from the form: the state may still have former ones.
            fields = {**state.fields, "contacts": connection.fields.get("contacts")}
            scopes = {
                scope: replace(grant, until=connection.scopes.get(scope, grant).until)
                for scope, grant in (state.scopes or {}).items()
            }
            terms = replace(state.form, path=connection.form.path, mandate=connection.form.mandate)
            shown = replace(
                state,
                form=terms,
                fields=fields,
                scopes=None if state.scopes is None else scopes,
            )
        keys = _keys(shown, asked)
        if shown.keys.declared is None and not shown.jwks_uri:
            shown = shown.with_uploaded(keys)
        usable = None if keys is None else _usable_thumbprints(keys, connection, self._now)
        whole = connection.leaves.get(connection.platform) if connection else None
        facts = Facts(
            listed(self._stack.name, shown, self._now),
            self._now,
            portal=self._portal(shown) or "",
            form=(self._settings.forms_folder / f"{connection.form.path}.yaml").as_posix()
            if connection
            else "",
            test_stack=self._settings.promotion_stack,
            is_recorded=None if self.states is None else state is not None,
            lacking=_lacking(connection, state),
            handed_over=state.record.handed_over if state else None,
            usable_keys=usable,
            had_keys=bool(keys),
            leaves=date.fromisoformat(whole) if whole else None,
            is_leaving=connection is not None and _is_leaving(connection, self._now),
        )
        if connection:
            sends_by = mandates_to_send(connection, self._now)
            facts = replace(
                facts,
                connection=facts.connection.model_copy(update={"sends_by": sends_by}),
                evidence=connection.evidence_file.evidence,
                evidence_refused=connection.evidence_file.refused is not None,
                evidence_days=self._evidence_days,
                proof_options=connection.proof_options,
                afterwards=connection.afterwards,
                is_exempt=ExemptiblePolicy.PROMOTION_GATE.value in connection.form.exemptions,
            )
        if state is None:
            return facts
        uses = asked.uses.get(state.client_key) if usable else None
        is_seen, snapshot = state.client_key in asked.seen, asked.seen.get(state.client_key)
        return replace(
            facts,
            made_at=state.record.made_at,
            keys_since=state.record.keys_since if shown.keys.declared else None,
            awaits_key=state.secret.awaits_key,
            is_seen=is_seen,
            is_gone=is_seen and snapshot is None,
            withdrawn=_withdrawn(state, connection, snapshot, catalogue),
            administrators=(
                asked.administrators(state, connection)
                if usable is not None and not usable and shown.keys.declared is None
                else None
            ),
            last_token_at=last_use(uses) if uses else None,
            knows_use=uses is not None,
        )


def _is_leaving(connection: Declaration, now: datetime) -> bool:
    return connection.platform.value in due(connection, now.astimezone(UTC).date())


def _lacking(connection: Declaration | None, state: Client | None) -> tuple[str, ...]:
    """Return the scopes and products that the form has and the state lacks."""
    if connection is None or state is None:
        return ()
    return (
        *sorted(connection.scopes.keys() - (state.scopes or {}).keys()),
        *sorted(connection.products.keys() - state.products.keys()),
    )


def unproven(
    connection: Declaration | None,
    for_production: Declaration | None,
    on_production: Client | None,
    catalogue: Catalogue,
) -> tuple[str, ...]:
    """Return what the gate wants of a connection on TNI and its evidence does not cover: what its
    form adds on production; where it has nothing for production, all that can be added there."""
    if connection is None or connection.is_on_production:
        return ()
    if for_production is not None:
        return uncovered(for_production, on_production, connection.evidence_file.evidence)
    offered = {
        *(name for name, scope in catalogue.scopes.items() if _is_on_production(scope)),
        *(name for name, product in catalogue.products.items() if _is_on_production(product)),
    }
    names = connection.form.catalogue_names
    lacking = uncovered(connection, on_production, connection.evidence_file.evidence)
    return tuple(name for name in lacking if names.get(name, name) in offered)


def _is_on_production(offered: Scope | Product) -> bool:
    return Environment.PROD in offered.environments


def _keys(state: Client, asked: _Asked) -> Mapping[str, Key] | None:
    """Return the keys that count for a client: those in the portal, else the declared ones. None
    where they are not known, as those at an address."""
    if state.jwks_uri:
        return None
    if state.keys.declared is not None:
        return state.keys.declared
    snapshot = asked.seen.get(state.client_key)
    return keys_of(snapshot.jwks if snapshot else {}) if state.client_key in asked.seen else None


def _usable_thumbprints(
    keys: Mapping[str, Key], connection: Declaration | None, now: datetime
) -> frozenset[str]:
    """Return the thumbprints of the keys that have not ended, without those that the form says are
    compromised. A key that has no thumbprint is not among them."""
    compromised = connection.keys.compromised if connection else frozenset()
    return frozenset(
        key.thumbprint
        for key in keys.values()
        if key.thumbprint and key.thumbprint not in compromised and not key.has_ended(now)
    )


def _withdrawn(
    state: Client,
    connection: Declaration | None,
    snapshot: ClientSnapshot | None,
    catalogue: Catalogue,
) -> tuple[tuple[str, str], ...]:
    """Return the scopes that a run granted and the authority lacks, each with the owner of its
    API."""
    if snapshot is None:
        return ()
    names, products = connection.form.catalogue_names if connection else {}, catalogue.product_of
    gone = sorted((state.scopes or {}).keys() - snapshot.scopes.keys())
    lacking: list[tuple[str, str]] = []
    for scope in gone:
        name = names.get(scope, scope)
        lacking.append((scope, products[name].owner if name in products else scope))
    return tuple(lacking)


class _Asked:
    """What the authorities of a stack say of its clients. An authority that does not answer gets no
    further request."""

    def __init__(self, authorities: Authorities, states: Sequence[Client]) -> None:
        made = [state for state in states if state.client_id]
        self._down: set[Platform] = set()
        self._platforms = read_platforms(authorities) if made else {}
        self._administrators: dict[tuple[Platform, tuple[str, ...]], int | None] = {}
        with working(f"reading the clients of {authorities.stack}"):
            answers = (
                (state.client_key, self._snapshot(state.platform, state.client_id or ""))
                for state in made
            )
            self.seen = {client_key: answer[0] for client_key, answer in answers if answer}
            """What each client is; None for one that its authority does not have."""
            seen = [state for state in made if state.client_key in self.seen]
            uses = last_uses(
                self._platforms, [(state.platform, state.client_id or "") for state in seen]
            )
            self.uses = {
                state.client_key: of_client
                for state, of_client in zip(seen, uses, strict=True)
                if of_client is not None
            }
            """The last use of each key of a client; without those whose authority does not tell."""

    def _snapshot(self, name: Platform, client_id: str) -> tuple[ClientSnapshot | None] | None:
        return self._ask(name, lambda platform: (platform.clients.get(client_id),))

    def _ask(self, name: Platform, read: Callable[[ConnectedPlatform], T]) -> T | None:
        """Return a platform's answer; None where the stack has no such platform, or it does not
        answer."""
        platform = None if name in self._down else self._platforms.get(name)
        try:
            return None if platform is None else read(platform)
        except AuthorityError as error:
            # That is of one client alone.
            self._down |= set() if isinstance(error, PerhapsGone) else {name}
            warn(error)
            return None

    def administrators(self, state: Client, connection: Declaration | None) -> int | None:
        """Return how many people may upload a client's keys, requested once per organisation; None
        where its authority does not tell."""
        codes = connection.codes if connection else ()
        if not codes:
            return None

        def read(platform: ConnectedPlatform) -> int | None:
            return (
                platform.authority.administrators(codes)
                if isinstance(platform.authority, KnowsRights)
                else None
            )

        if (state.platform, codes) not in self._administrators:
            self._administrators[state.platform, codes] = self._ask(state.platform, read)
        return self._administrators[state.platform, codes]
