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

from acmidm.desk.access import Registered, Uses, last_use, last_uses, read_platforms
from acmidm.desk.progress import Facts, progress
from acmidm.desk.status import ListedConnection, mandates_to_send, row_of, rows_in_order
from acmidm.engine.pulumi import EngineError
from acmidm.engine.stacks import require_a_form
from acmidm.report.revisions.order_history import OrderHistory
from acmidm.terminal import warn, working
from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError, PerhapsGone
from acmidm_onboarding.authorities.port import KnowsRights, RegisteredClient
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
from acmidm_onboarding.values.keys import Key, PublicKeys, keys_of, not_ended
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
            on_production |= _by_connection(source.clients or {})
    for stack in others:
        on_production |= _by_connection(stack.state.recorded.clients)
    rows: list[ListedConnection] = []
    for source in read:
        rows += map(progress, source.facts(on_production))
    return rows_in_order(rows)


def _by_connection(clients: Mapping[ClientKey, Client]) -> dict[tuple[str, Platform], Client]:
    """Return the clients on production, each by the key and the platform of its connection."""
    on_production: dict[tuple[str, Platform], Client] = {}
    for (key, platform, environment), client in clients.items():
        if environment is Environment.PROD:
            on_production[key, platform] = client
    return on_production


class _ProgressRows:
    """What the forms, the state and the authorities of one stack say of each connection."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._settings, self._now = stack, stack.forms.settings, stack.now

    @property
    def is_production(self) -> bool:
        return self._settings.environment is Environment.PROD

    @cached_property
    def clients(self) -> Mapping[ClientKey, Client] | None:
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
        """Yield the facts of each connection, then of each client that no form has. Warns of forms
        with mistakes. Raises InvalidSettings where a stack with clients has no form."""
        forms, held_back = self._stack.forms.onboardings, self._held_back()
        if forms.problems:
            warn(
                "what forms with mistakes ask is not known"
                f" ({plural('{count} mistake', '{count} mistakes', len(forms.problems))}); see"
                " acmidm validate"
            )
        if self.clients is not None:
            require_a_form(self._stack)
        declared = forms.connections(Environment.PROD)
        in_production = {(form.key, form.platform): form for form in declared}
        pairs = list(self._paired(self._stack.forms.connections))
        ordered = {order.client_key: order for order in reversed(self._orders())}
        history = OrderHistory(self._stack)
        answers = _Answers(
            self._stack.authorities, [state for _, state in pairs if state is not None]
        )
        for connection, state in pairs:
            facts = self._facts_of(connection, state, answers, forms.catalogue)
            key = facts.connection.key, facts.connection.platform
            order, on_test = ordered.get((*key, facts.connection.environment)), held_back.get(key)
            if connection is None:
                is_declared = None if forms.problems else False
                facts = replace(facts, is_declared=is_declared)
            yield replace(
                facts,
                ordered=order,
                ordered_since=history.since(order) if order else None,
                test_client_id=(on_test and on_test.client_id) or "",
                is_proven_there=bool(
                    connection and on_test and waits_for_test(connection, on_test)
                ),
                is_held_back=key in held_back,
                has_production=key in in_production,
                unproven=not_covered(
                    connection, in_production.get(key), on_production.get(key), forms.catalogue
                ),
                is_on_production=key in on_production,
            )

    def _orders(self) -> list[Order]:
        """Return what people have to do at a portal without an API; nothing where that cannot be
        known."""
        if not self._stack.forms.by_hand or self.clients is None:
            return []
        return [order for order in self._stack.orders if order.refused is None]

    def _paired(
        self, declared: Iterable[Declaration]
    ) -> Iterator[tuple[Declaration | None, Client | None]]:
        """Yield each connection with its client in the state, which may have an earlier key; then
        clients without a form."""
        clients = dict(self.clients or {})
        for form in declared:
            state = _take(clients, form)
            if state is not None or not _is_leaving(form, self._now):
                yield form, state
        for state in clients.values():
            yield None, state

    def _held_back(self) -> Mapping[tuple[str, Platform], Client | None]:
        """Return what the gate holds back, with the client that the stack on TNI has of it; None
        where it has none."""
        on_test: dict[tuple[str, Platform], Client | None] = {}
        if self.clients is None:
            return on_test
        for withheld in self._stack.desired.held_back:
            if withheld.is_gated:
                form = withheld.connection
                record = recorded_as(form, self._stack.tests.records)
                on_test[form.key, form.platform] = record if record and record.client_id else None
        return on_test

    def _facts_of(
        self,
        connection: Declaration | None,
        state: Client | None,
        answers: _Answers,
        catalogue: Catalogue,
    ) -> Facts:
        """Return the facts of one connection, from its form, its client in the state, or both."""
        shown = state or connection
        if shown is None:
            raise ValueError("neither a form nor the state has it")
        if state and connection:
            shown = _as_declared(state, connection)
        keys = _keys_that_count(shown, answers)
        if shown.keys.declared is None and not shown.jwks_uri:
            shown = shown.with_uploaded(keys)
        usable = None if keys is None else _usable_thumbprints(keys, connection, self._now)
        platform = self._settings.platforms.get(shown.platform)
        portal = platform.portal(shown.environment) if platform else None
        administrators = uses = None
        if state and shown.keys.declared is None and usable == frozenset():
            administrators = answers.administrators(state, connection)
        if state and usable:
            uses = answers.uses_of(state)
        is_seen, registered = shown.client_key in answers.seen, answers.seen.get(shown.client_key)
        row = row_of(self._stack.name, shown, self._now)
        facts = Facts(
            row.model_copy(update={"last_token_at": last_use(uses or {})}),
            self._now,
            portal=portal or "",
            test_stack=self._settings.promotion_stack,
            is_recorded=None if self.clients is None else state is not None,
            lacking=_lacking(connection, state),
            usable_keys=usable,
            had_keys=bool(keys),
            administrators=administrators,
            handed_over=shown.record.handed_over,
            made_at=shown.record.made_at,
            keys_since=shown.record.keys_since if shown.keys.declared else None,
            awaits_key=shown.secret.awaits_key,
            is_seen=is_seen or state is None,
            is_gone=is_seen and registered is None,
            withdrawn=_withdrawn(shown, connection, registered, catalogue),
            knows_use=uses is not None,
        )
        return self._with_form(facts, connection) if connection else facts

    def _with_form(self, facts: Facts, connection: Declaration) -> Facts:
        """Return facts with what the form says."""
        of_row = {
            "sends_by": mandates_to_send(connection, self._now),
            "afterwards": dict(connection.afterwards),
        }
        if leaves := connection.leaves.get(connection.platform):
            facts = replace(facts, leaves=date.fromisoformat(leaves))
        return replace(
            facts,
            connection=facts.connection.model_copy(update=of_row),
            form=(self._settings.forms_folder / f"{connection.form.path}.yaml").as_posix(),
            is_leaving=_is_leaving(connection, self._now),
            evidence=connection.evidence_file.evidence,
            evidence_refused=connection.evidence_file.refused is not None,
            evidence_days=self._evidence_days,
            proof_options=connection.proof_options,
            is_exempt=ExemptiblePolicy.PROMOTION_GATE.value in connection.form.exemptions,
        )


def _take(clients: dict[ClientKey, Client], form: Declaration) -> Client | None:
    """Take the client of a form out of those of the state; it may have an earlier key."""
    for client_key in form.client_keys:
        state = clients.pop(client_key, None)
        if state is not None:
            return state
    return None


def _as_declared(state: Client, declared: Declaration) -> Client:
    """Return a client with the contacts and ends that its form has: the state may still have former
    ones."""
    scopes = None
    if state.scopes is not None:
        scopes = {}
        for scope, grant in state.scopes.items():
            until = declared.scopes.get(scope, grant).until
            scopes[scope] = replace(grant, until=until)
    fields = {**state.fields, "contacts": declared.fields.get("contacts")}
    form = replace(state.form, path=declared.form.path, mandate=declared.form.mandate)
    return replace(state, form=form, fields=fields, scopes=scopes)


def _is_leaving(connection: Declaration, now: datetime) -> bool:
    return connection.platform.value in due(connection, now.astimezone(UTC).date())


def _lacking(connection: Declaration | None, state: Client | None) -> tuple[str, ...]:
    """Return the scopes and products that the form has and the state lacks."""
    if connection is None or state is None:
        return ()
    return (
        *sorted(connection.scopes.keys() - state.granted.keys()),
        *sorted(connection.products.keys() - state.products.keys()),
    )


def not_covered(
    connection: Declaration | None,
    for_production: Declaration | None,
    on_production: Client | None,
    catalogue: Catalogue,
) -> tuple[str, ...]:
    """Return the scopes and products that the evidence of a connection on TNI does not cover, so
    that the gate would hold them back.

    They are those that ``for_production``, its form for production, adds to the client that is
    ``on_production``. Without such a form they are those of the connection that production offers.
    """
    if connection is None or connection.is_on_production:
        return ()
    if for_production is not None:
        return uncovered(for_production, on_production, connection.evidence_file.evidence)
    offered = _on_production(catalogue.scopes) | _on_production(catalogue.products)
    lacking = uncovered(connection, on_production, connection.evidence_file.evidence)
    return tuple(name for name in lacking if connection.form.name_of(name) in offered)


def _on_production(offered: Mapping[str, Scope | Product]) -> set[str]:
    """Return the names of what is offered there."""
    return {name for name, each in offered.items() if Environment.PROD in each.environments}


def _keys_that_count(state: Client, answers: _Answers) -> Mapping[str, Key] | None:
    """Return the keys that count for a client: those in the portal, else the declared ones. None
    where they are not known, as those at an address."""
    if state.jwks_uri:
        return None
    if state.keys.declared is not None:
        return state.keys.declared
    if state.client_key not in answers.seen:
        return None
    registered = answers.seen[state.client_key]
    return keys_of(registered.jwks) if registered else {}


def _usable_thumbprints(
    keys: Mapping[str, Key], connection: Declaration | None, now: datetime
) -> frozenset[str]:
    """Return the thumbprints of the keys that have not ended, without those that the form says are
    compromised. A key that has no thumbprint is not among them."""
    compromised = connection.keys.compromised if connection else ()
    return PublicKeys(not_ended(keys, now)).thumbprints.difference(compromised)


def _withdrawn(
    state: Client,
    connection: Declaration | None,
    registered: RegisteredClient | None,
    catalogue: Catalogue,
) -> tuple[tuple[str, str], ...]:
    """Return the scopes that a run granted and the authority lacks, each with the owner of its
    API."""
    if registered is None:
        return ()
    names = connection.form.catalogue_names if connection else {}
    lacking: list[tuple[str, str]] = []
    for scope in sorted(state.granted.keys() - registered.scopes.keys()):
        product = catalogue.product_of.get(names.get(scope, scope))
        owner = product.owner if product else scope
        lacking.append((scope, owner))
    return tuple(lacking)


class _Answers:
    """What the authorities of a stack answer about its clients. An authority that does not answer
    gets no further request."""

    def __init__(self, authorities: Authorities, clients: Sequence[Client]) -> None:
        made = [state for state in clients if state.client_id]
        self._down: set[Platform] = set()
        self._platforms = read_platforms(authorities) if made else {}
        self._administrators: dict[tuple[Platform, tuple[str, ...]], int | None] = {}
        self.seen: dict[ClientKey, RegisteredClient | None] = {}
        """What each client is; None for one that its authority does not have."""
        seen: list[Registered] = []
        with working(f"reading the clients of {authorities.stack}"):
            for state in made:
                client_id = state.client_id or ""
                if answer := self._read_registered(state.platform, client_id):
                    self.seen[state.client_key] = answer[0]
                    seen.append((state.platform, client_id))
            self.uses = last_uses(self._platforms, seen)
            """The last use of each key of a client; None where its authority does not tell."""

    def uses_of(self, state: Client) -> Uses | None:
        """Return the last use of each of its keys; None where nobody tells."""
        return self.uses.get((state.platform, state.client_id or ""))

    def _read_registered(
        self, name: Platform, client_id: str
    ) -> tuple[RegisteredClient | None] | None:
        """Return a tuple with the client, or with None where its authority has none; None where
        its authority does not answer."""
        return self._ask(name, lambda platform: (platform.clients.get(client_id),))

    def _ask(self, name: Platform, read: Callable[[ConnectedPlatform], T]) -> T | None:
        """Return a platform's answer; None where the stack has no such platform, or it does not
        answer."""
        platform = None if name in self._down else self._platforms.get(name)
        try:
            return None if platform is None else read(platform)
        except AuthorityError as error:
            if not isinstance(error, PerhapsGone):  # that is of one client alone
                self._down.add(name)
            warn(error)
            return None

    def administrators(self, state: Client, connection: Declaration | None) -> int | None:
        """Return how many people may upload a client's keys, requested once per organisation; None
        where its authority does not tell."""
        codes = connection.codes if connection else ()
        if not codes:
            return None

        def read(platform: ConnectedPlatform) -> int | None:
            authority = platform.authority
            return authority.administrators(codes) if isinstance(authority, KnowsRights) else None

        if (state.platform, codes) not in self._administrators:
            self._administrators[state.platform, codes] = self._ask(state.platform, read)
        return self._administrators[state.platform, codes]
