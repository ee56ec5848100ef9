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
from acmidm_onboarding.rules.retirement import leaving_parts
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.stack.authorities import Authorities
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.texts import plural
from acmidm_onboarding.values.client import Client, ClientKey, is_recorded, recorded_as
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.keys import Key, PublicKeys, keys_of, not_ended
from acmidm_onboarding.values.terms import Environment, ExemptiblePolicy, Platform

T = TypeVar("T")


def read_progress(
    stacks: Iterable[Stack], unlisted: Iterable[Stack] = ()
) -> tuple[ListedConnection, ...]:
    """Return the rows of the board: one per connection and environment of the ``stacks``, by
    organisation and application, test before production.

    The ``unlisted`` stacks have no row here. Their clients on production are read, so that no row
    asks for a production that is there.

    Raises:
        InvalidSettings: where a stack has no file, or one with mistakes.
        EngineError: where the state of an ``unlisted`` stack cannot be read.
    """
    sources = list(map(_FactsOfStack, stacks))
    on_production: dict[tuple[str, Platform], Client] = {}
    for source in sources:
        if source.is_production:
            on_production |= _on_production_by_connection(source.recorded_clients or {})
    for stack in unlisted:
        on_production |= _on_production_by_connection(stack.state.recorded.clients)
    rows: list[ListedConnection] = []
    for source in sources:
        rows += map(progress, source.facts(on_production))
    return rows_in_order(rows)


def _on_production_by_connection(
    clients: Mapping[ClientKey, Client],
) -> dict[tuple[str, Platform], Client]:
    """Return those of some clients that are on production, as {(key, platform): client}."""
    on_production: dict[tuple[str, Platform], Client] = {}
    for (key, platform, environment), client in clients.items():
        if environment is Environment.PROD:
            on_production[key, platform] = client
    return on_production


class _FactsOfStack:
    """Reads the forms, the state and the authorities of one stack, once, for the facts of each of
    its connections."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._settings, self._now = stack, stack.forms.settings, stack.now

    @property
    def is_production(self) -> bool:
        return self._settings.environment is Environment.PROD

    @cached_property
    def recorded_clients(self) -> Mapping[ClientKey, Client] | None:
        """The clients in the state of the stack; None, after a warning, where the state cannot be
        read."""
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
        """Yield the facts of each connection, then of each client that no form has.

        ``on_production`` are the clients there, as {(key, platform): client}. Warns of forms with
        mistakes. Raises InvalidSettings where a stack with clients has no form.
        """
        forms, held_back = self._stack.forms.onboardings, self._held_back()
        if forms.problems:
            warn(
                "what forms with mistakes ask is not known"
                f" ({plural('{count} mistake', '{count} mistakes', len(forms.problems))}); see"
                " acmidm validate"
            )
        if self.recorded_clients is not None:
            require_a_form(self._stack)
        declared = forms.connections(Environment.PROD)
        for_production = {(form.key, form.platform): form for form in declared}
        pairs = list(self._declared_and_recorded())
        # Of several orders for a client its row has the first.
        first_orders = {order.client_key: order for order in reversed(self._open_orders())}
        history = OrderHistory(self._stack)
        answers = _Answers(
            self._stack.authorities, [recorded for _, recorded in pairs if recorded is not None]
        )
        for connection, recorded in pairs:
            facts = self._facts_of(connection, recorded, answers, forms.catalogue)
            key = facts.connection.key, facts.connection.platform
            order = first_orders.get((*key, facts.connection.environment))
            on_test = held_back.get(key)
            if connection is None:
                # Its form may be one of those with mistakes.
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
                has_production=key in for_production,
                unproven=not_covered(
                    connection, for_production.get(key), on_production.get(key), forms.catalogue
                ),
                is_on_production=key in on_production,
            )

    def _open_orders(self) -> list[Order]:
        """Return the orders of the stack that nobody refused; none where all its authorities have
        an API, or the state cannot be read."""
        if not self._stack.forms.by_hand or self.recorded_clients is None:
            return []
        return [order for order in self._stack.orders if order.refused is None]

    def _declared_and_recorded(self) -> Iterator[tuple[Declaration | None, Client | None]]:
        """Yield each connection of the forms with its client in the state, which may have an
        earlier key; then each client without a form. A connection that has left, client and all,
        is not among them."""
        clients = dict(self.recorded_clients or {})
        for form in self._stack.forms.connections:
            recorded = _pop_client_of(form, clients)
            if recorded is not None or not _is_leaving(form, self._now):
                yield form, recorded
        for recorded in clients.values():
            yield None, recorded

    def _held_back(self) -> Mapping[tuple[str, Platform], Client | None]:
        """Return the connections that the gate holds back, as {(key, platform): client}: the client
        that the stack on TNI has of it, or None where that has none. Empty where the state of this
        stack cannot be read."""
        test_clients: dict[tuple[str, Platform], Client | None] = {}
        if self.recorded_clients is None:
            return test_clients
        for withheld in self._stack.desired.held_back:
            if withheld.is_gated:
                form = withheld.connection
                client = recorded_as(form, self._stack.tests.records)
                test_clients[form.key, form.platform] = client if is_recorded(client) else None
        return test_clients

    def _facts_of(
        self,
        connection: Declaration | None,
        recorded: Client | None,
        answers: _Answers,
        catalogue: Catalogue,
    ) -> Facts:
        """Return what is known of one connection from its form, its client in the state and its
        authority. Either ``connection`` or ``recorded`` is None where no form, or no state, has
        it."""
        shown = recorded or connection
        if shown is None:
            raise ValueError("neither a form nor the state has it")
        if recorded and connection:
            shown = _with_contacts_and_ends_of_form(recorded, connection)
        keys = _keys_that_count(shown, answers)
        if shown.keys.declared is None and not shown.jwks_uri:
            shown = shown.with_uploaded(keys)
        usable = None if keys is None else _usable_thumbprints(keys, connection, self._now)
        platform = self._settings.platforms.get(shown.platform)
        portal = platform.portal(shown.environment) if platform else None
        administrators = uses = None
        # Who may upload keys is requested only where a usable key is missing, as it matters then.
        if recorded and shown.keys.declared is None and usable == frozenset():
            administrators = answers.administrators(recorded, connection)
        if recorded and usable:
            uses = answers.uses_of(recorded)
        is_answered = shown.client_key in answers.registered
        registered = answers.registered.get(shown.client_key)
        row = row_of(self._stack.name, shown, self._now)
        facts = Facts(
            row.model_copy(update={"last_token_at": last_use(uses or {})}),
            self._now,
            portal=portal or "",
            test_stack=self._settings.promotion_stack,
            is_recorded=None if self.recorded_clients is None else recorded is not None,
            lacking=_lacking(connection, recorded),
            usable_keys=usable,
            had_keys=bool(keys),
            administrators=administrators,
            handed_over=shown.record.handed_over,
            made_at=shown.record.made_at,
            keys_since=shown.record.keys_since if shown.keys.declared else None,
            awaits_key=shown.secret.awaits_key,
            # Of a client that no run has made, its authority has nothing to answer.
            is_answered=is_answered or recorded is None,
            is_gone=is_answered and registered is None,
            withdrawn=_withdrawn(shown, connection, registered, catalogue),
            knows_use=uses is not None,
        )
        return self._with_form(facts, connection) if connection else facts

    def _with_form(self, facts: Facts, connection: Declaration) -> Facts:
        """Return the facts of a connection with those that only its form has: its path, the day it
        leaves, its evidence, its exemptions, and by which mandates it sends."""
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


def _pop_client_of(form: Declaration, clients: dict[ClientKey, Client]) -> Client | None:
    """Remove the client of a form from ``clients``, which the state has, and return it; None where
    neither its key nor an earlier one is there."""
    for client_key in form.client_keys:
        client = clients.pop(client_key, None)
        if client is not None:
            return client
    return None


def _with_contacts_and_ends_of_form(recorded: Client, declared: Declaration) -> Client:
    """Return a client of the state with the contacts, the last days of scopes and the mandate that
    its form has by now: no run may have recorded those yet."""
    scopes = None
    if recorded.scopes is not None:
        scopes = {}
        for scope, grant in recorded.scopes.items():
            until = declared.scopes.get(scope, grant).until
            scopes[scope] = replace(grant, until=until)
    fields = {**recorded.fields, "contacts": declared.fields.get("contacts")}
    form = replace(recorded.form, path=declared.form.path, mandate=declared.form.mandate)
    return replace(recorded, form=form, fields=fields, scopes=scopes)


def _is_leaving(connection: Declaration, now: datetime) -> bool:
    return connection.platform in leaving_parts(connection, now.astimezone(UTC).date())


def _lacking(connection: Declaration | None, recorded: Client | None) -> tuple[str, ...]:
    """Return the scopes and products that the form has and the state lacks, such as
    ("dv_dosis_schrijven", "dosis"); none where no form, or no state, has the client."""
    if connection is None or recorded is None:
        return ()
    return (
        *sorted(connection.scopes.keys() - recorded.granted.keys()),
        *sorted(connection.products.keys() - recorded.products.keys()),
    )


def not_covered(
    connection: Declaration | None,
    for_production: Declaration | None,
    on_production: Client | None,
    catalogue: Catalogue,
) -> tuple[str, ...]:
    """Return the scopes and products that the evidence of a connection on TNI does not cover, so
    that the gate would hold them back; none for a connection on production, or without a form.

    They are those that ``for_production``, its form for production, adds to the client that is
    ``on_production``. Without such a form they are those of the connection that production offers.
    """
    if connection is None or connection.is_on_production:
        return ()
    if for_production is not None:
        return uncovered(for_production, on_production, connection.evidence_file.evidence)
    offered = _offered_on_production(catalogue.scopes)
    offered |= _offered_on_production(catalogue.products)
    lacking = uncovered(connection, on_production, connection.evidence_file.evidence)
    return tuple(name for name in lacking if connection.form.name_of(name) in offered)


def _offered_on_production(parts: Mapping[str, Scope | Product]) -> set[str]:
    """Return the names of the scopes, or products, that the catalogue offers on production."""
    return {name for name, part in parts.items() if Environment.PROD in part.environments}


def _keys_that_count(client: Client, answers: _Answers) -> Mapping[str, Key] | None:
    """Return the keys of a client, as {kid: key}: those that its form names, else those in the
    portal. None where nobody knows them: those at an address, and those of an authority that did
    not answer."""
    if client.jwks_uri:
        return None
    if client.keys.declared is not None:
        return client.keys.declared
    if client.client_key not in answers.registered:
        return None
    registered = answers.registered[client.client_key]
    return keys_of(registered.jwks) if registered else {}


def _usable_thumbprints(
    keys: Mapping[str, Key], connection: Declaration | None, now: datetime
) -> frozenset[str]:
    """Return the thumbprints of the keys that have not ended, without those that the form says are
    compromised. A key that has no thumbprint is not among them."""
    compromised = connection.keys.compromised if connection else ()
    return PublicKeys(not_ended(keys, now)).thumbprints.difference(compromised)


def _withdrawn(
    client: Client,
    connection: Declaration | None,
    registered: RegisteredClient | None,
    catalogue: Catalogue,
) -> tuple[tuple[str, str], ...]:
    """Return the scopes of a ``client`` that its authority lacks, each with the owner of its API,
    such as (("dv_dosis_schrijven", "Digitaal Vlaanderen"),); none where the authority has no such
    client, or did not answer."""
    if registered is None:
        return ()
    names = connection.form.catalogue_names if connection else {}
    lacking: list[tuple[str, str]] = []
    for scope in sorted(client.granted.keys() - registered.scopes.keys()):
        product = catalogue.product_of.get(names.get(scope, scope))
        owner = product.owner if product else scope
        lacking.append((scope, owner))
    return tuple(lacking)


class _Answers:
    """What the authorities of a stack answer about its clients. An authority that does not answer
    gets no further request."""

    def __init__(self, authorities: Authorities, clients: Sequence[Client]) -> None:
        made = [client for client in clients if client.client_id]
        self._down: set[Platform] = set()
        self._platforms = read_platforms(authorities) if made else {}
        self._administrators: dict[tuple[Platform, tuple[str, ...]], int | None] = {}
        self.registered: dict[ClientKey, RegisteredClient | None] = {}
        """What its authority has of each client of which it answered; None where it has no such
        client."""
        with working(f"reading the clients of {authorities.stack}"):
            answered: list[Registered] = []
            for client in made:
                client_id = client.client_id or ""
                if answer := self._read_registered(client.platform, client_id):
                    self.registered[client.client_key] = answer[0]
                    answered.append((client.platform, client_id))
            self.uses = last_uses(self._platforms, answered)
            """The last use of each key of a client; None where its authority does not tell."""

    def uses_of(self, client: Client) -> Uses | None:
        """Return the last use of each key of a client, as {thumbprint: use}; None where its
        authority does not tell, or did not answer."""
        return self.uses.get((client.platform, client.client_id or ""))

    def _read_registered(
        self, name: Platform, client_id: str
    ) -> tuple[RegisteredClient | None] | None:
        """Return a tuple with the client, or with None where its authority has none; None where
        its authority does not answer."""
        return self._read(name, lambda platform: (platform.clients.get(client_id),))

    def _read(self, name: Platform, read: Callable[[ConnectedPlatform], T]) -> T | None:
        """Return what ``read`` returns of a platform; None where the stack has no such platform,
        or, after a warning, where its authority does not answer."""
        platform = None if name in self._down else self._platforms.get(name)
        try:
            return None if platform is None else read(platform)
        except AuthorityError as error:
            if not isinstance(error, PerhapsGone):  # that is of one client alone
                self._down.add(name)
            warn(error)
            return None

    def administrators(self, client: Client, connection: Declaration | None) -> int | None:
        """Return how many people may upload a client's keys, requested once per organisation; None
        where its authority does not tell, or the client has no form."""
        codes = connection.codes if connection else ()
        if not codes:
            return None

        def read(platform: ConnectedPlatform) -> int | None:
            authority = platform.authority
            return authority.administrators(codes) if isinstance(authority, KnowsRights) else None

        if (client.platform, codes) not in self._administrators:
            self._administrators[client.platform, codes] = self._read(client.platform, read)
        return self._administrators[client.platform, codes]
