"""Where every connection of some stacks stands: what is read for that, and from whom.

What cannot be read is unknown, and ends nothing: a warning on stderr says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import typer

from acmidm import engine
from acmidm.connecting import authorities_of, no_form, settings_of
from acmidm.keys import Key, keys_of
from acmidm.online import Fetched, fetched
from acmidm.report.client import ClientState, Place, states_of
from acmidm.report.kinds import Resource
from acmidm.report.plan import part_of, recorded_in
from acmidm.report.standing import Facts, Standing, standing
from acmidm.report.status import listed
from acmidm.terminal import working
from acmidm.words import counted
from acmidm_onboarding.authorities.connected import Connected, ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.authorities.port import ClientSnapshot, KeyUse, KnowsRights, KnowsUse
from acmidm_onboarding.leaving import due
from acmidm_onboarding.model.catalogue import Catalogue
from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.model.files import ORGANISATION_FILE
from acmidm_onboarding.model.form import Environment, ExemptiblePolicy, Platform
from acmidm_onboarding.model.gate import waits_for_test
from acmidm_onboarding.model.held import Held, held_of
from acmidm_onboarding.model.loading import Onboardings, load_onboardings
from acmidm_onboarding.model.problems import Failure, InvalidForms, Problem, on_one_line
from acmidm_onboarding.promotion import passing
from acmidm_onboarding.recorded import held_in, recorded
from acmidm_onboarding.settings import AuthorityKind, Settings
from acmidm_onboarding.stack_files import promotion_gate, stack_settings

T = TypeVar("T")

_AT_ONCE = 8


def all_stacks(folder: Path) -> list[str]:
    """Return the stacks of the files in ``folder`` whose clients are at a Beheerportaal, tests first: what a service desk looks at."""
    found = []
    for file in sorted(folder.glob("Pulumi.*.yaml")):
        name = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
        settings = stack_settings(name, folder)
        if settings.platforms[Platform.ACMIDM].authority is AuthorityKind.BEHEERPORTAAL:
            found.append((list(Environment).index(settings.environment), name))
    return [name for _, name in sorted(found)]


def standings(stacks: Sequence[str], now: datetime, beside: Sequence[str] = ()) -> tuple[Standing, ...]:
    """Return a row per connection and environment, by organisation and application, test before production.

    ``beside`` are further stacks, of which no more is wanted than what is on production.

    Raises:
        InvalidSettings: where a stack has no file, or one with mistakes.
        EngineError: where the state of one beside cannot be read.
    """
    read = [_Stack(name, stack_settings(name, Path()), now) for name in stacks]
    on_production = {place[:2] for one in read if one.settings.environment is Environment.PROD for place in one.states or ()}
    on_production |= {place[:2] for name in beside for place in _made_in(name) if place[2] is Environment.PROD}
    rows = [standing(facts) for one in read for facts in one.facts(on_production)]
    return tuple(sorted(rows, key=_order))


def _made_in(stack: str) -> Iterable[Place]:
    try:
        return recorded_in(engine.stack_deployment(stack)).states
    except engine.UnknownStack:
        return ()


def _order(row: Standing) -> tuple[object, ...]:
    one = row.connection
    return one.organisation.casefold(), one.application, one.platform, list(Environment).index(one.environment), one.stack


def _warn(error: Failure | str) -> None:
    typer.echo(on_one_line(f"warning: {error}"), err=True)


class _Stack:
    """One stack: what its forms, its state and its authorities have."""

    def __init__(self, name: str, settings: Settings, now: datetime) -> None:
        self.name, self.settings, self._now = name, settings, now

    @cached_property
    def _document(self) -> Mapping[str, Any] | None:
        try:
            with working(f"reading {self.name}"):
                return engine.stack_deployment(self.name)
        except engine.EngineError as error:
            _warn(f"the state of stack {self.name} is not known: {error}")
            return None

    @cached_property
    def states(self) -> Mapping[Place, ClientState] | None:
        return None if self._document is None else recorded_in(self._document, self.settings.environment).states

    @cached_property
    def _moments(self) -> Mapping[tuple[Place, str], datetime]:
        """When the engine made each client, and each one's keys."""
        found = {}
        for resource in ((self._document or {}).get("deployment") or {}).get("resources") or ():
            part, made = part_of(resource), resource.get("created")
            if part and part[2] in (Resource.CLIENT, Resource.KEYS) and not resource.get("delete") and isinstance(made, str):
                found[(part[0], part[1], self.settings.environment), part[2]] = datetime.fromisoformat(made)
        return found

    @cached_property
    def _evidence_days(self) -> int:
        return promotion_gate(Path()).evidence_max_days

    def facts(self, on_production: set[tuple[str, Platform]]) -> Iterator[Facts]:
        forms, are_whole = _forms(self.settings)
        if forms and not forms.forms and are_whole and self.states:
            raise no_form(self.settings)
        declared = forms.connections(self.settings.environment) if forms else []
        in_production = {(one.key, one.platform) for one in forms.connections(Environment.PROD)} if forms else set()
        held_back = self._held_back(declared)
        pairs = list(self._paired(declared))
        asked = _Asked(self.name, [state for _, state in pairs if state is not None])
        for connection, state in pairs:
            own = self._of(connection, state, asked, forms.catalogue if forms else None)
            place = own.connection.key, own.connection.platform
            yield replace(
                own,
                is_declared=True if connection else False if are_whole else None,
                is_held_back=place in held_back,
                test_client_id=on_test.client_id if (on_test := held_back.get(place)) else "",
                is_proven_there=bool(connection and on_test and waits_for_test(connection, on_test)),
                has_production=place in in_production,
                is_on_production=place in on_production,
            )

    def _paired(self, declared: Iterable[Connection]) -> Iterator[tuple[Connection | None, ClientState | None]]:
        """Each connection with its client in the state, under an earlier key where it still has that; then clients without a form."""
        states = dict(self.states or {})
        for one in declared:
            places = [(key, one.platform, one.environment) for key in (one.key, *one.formerly)]
            state = next((states.pop(place) for place in places if place in states), None)
            if state is not None or not _is_leaving(one, self._now):
                yield one, state
        yield from ((None, state) for state in states.values())

    def _held_back(self, declared: Sequence[Connection]) -> Mapping[tuple[str, Platform], Held | None]:
        """What the gate holds back, with what the stack on TNI has of it, where it is to be proven: None where it has no client."""
        document = self._document
        if document is None:
            return {}
        passage = passing(declared, self.settings, lambda: held_in(document), self._beside, self._now)
        waiting = [one.connection for one in passage.held_back if not one.is_declared]
        on_test = (recorded(self._beside(self.settings.promotion_stack)) or {}) if waiting else {}
        found = {(one.key, one.platform): held_of(one, on_test) for one in waiting}
        return {place: held if held and held.client_id else None for place, held in found.items()}

    def _beside(self, stack: str) -> str:
        """The full name of a stack of the same project."""
        above = self.name.rpartition("/")[0]
        return stack if "/" in stack or not above else f"{above}/{stack}"

    def _portal(self, state: ClientState) -> str | None:
        platform = self.settings.platforms.get(state.platform)
        return platform.portal(state.environment) if platform else None

    def _of(self, connection: Connection | None, state: ClientState | None, asked: _Asked, catalogue: Catalogue | None) -> Facts:
        own = next(iter(states_of([connection] if connection else [], protect=None).values()), None)
        shown = state or own
        if shown is None:
            raise ValueError("neither a form nor the state has it")
        if state and own:  # whom to write to is what the form says, though the state may not have it yet
            shown = replace(state, form=own.form, fields={**state.fields, "contacts": own.fields.get("contacts")})
        seen = asked.seen.get(state.place) if state else None
        keys = _keys(shown, seen, asked.published)
        shown = replace(shown, uploaded=keys) if shown.keys is None and not shown.jwks_uri else shown
        usable = None if keys is None else _usable(keys, connection, self._now)
        whole = connection.retire.get(connection.platform.value) if connection else None
        facts = Facts(
            listed(self.name, shown, self._now),
            self._now,
            portal=self._portal(shown) or "",
            form=(self.settings.forms_folder / f"{connection.form}.yaml").as_posix() if connection else "",
            test_stack=self.settings.promotion_stack,
            is_recorded=None if self.states is None else state is not None,
            lacking=_lacking(connection, state),
            handed_over=state.handed_over if state else None,
            usable_keys=usable,
            had_keys=bool(keys),
            leaves=whole,
            is_leaving=connection is not None and _is_leaving(connection, self._now),
        )
        if connection:
            facts = replace(
                facts,
                evidence=connection.evidence,
                evidence_refused=connection.evidence_refused is not None,
                evidence_days=self._evidence_days,
                is_exempt=ExemptiblePolicy.PROMOTION_GATE.value in connection.exemptions,
            )
        if state is None:
            return facts
        uses = asked.uses(state) if usable else None
        return replace(
            facts,
            made_at=self._moments.get((state.place, Resource.CLIENT)),
            keys_since=self._moments.get((state.place, Resource.KEYS)) if shown.keys else None,
            awaits_key=state.awaits_key,
            is_seen=seen is not None,
            is_gone=seen is not None and seen.snapshot is None,
            withdrawn=_withdrawn(state, connection, seen, catalogue),
            administrators=asked.administrators(state, connection) if usable is not None and not usable and shown.keys is None else None,
            last_token_at=max((use.last_used_at for use in uses.values()), default=None) if uses else None,
            knows_use=uses is not None,
        )


def _is_leaving(connection: Connection, now: datetime) -> bool:
    return connection.platform.value in due(connection, now.astimezone(UTC).date())


def _forms(settings: Settings) -> tuple[Onboardings | None, bool]:
    """The forms that have no mistakes, checked as the program checks them, and whether that is all of them."""
    profiles = {settings.environment: settings.profile}
    served = {settings.environment: {platform: (found.authority,) for platform, found in settings.platforms.items()}}
    paths, are_whole = [settings.forms_folder], True
    while paths:
        try:
            return load_onboardings(paths, settings.catalogue_folder, profiles, served), are_whole
        except InvalidForms as error:
            if are_whole:
                _warn(f"what forms with mistakes ask is not known ({counted(len(error.problems), 'mistake')}); see acmidm validate")
            all_forms = sorted(settings.forms_folder.glob("*/*.yaml")) if are_whole else paths
            paths, are_whole = _without([file for file in all_forms if file.name != ORGANISATION_FILE], error.problems), False
    return None, are_whole


def _without(forms: Sequence[Path], problems: Iterable[Problem]) -> list[Path]:
    """The forms that no mistake is about; one in another file, such as a key, is about each form in its folder. None where that is all."""
    bad = {Path.cwd() / file for problem in problems for file in (problem.file, problem.also) if file}
    folders = {file.parent for file in bad if file not in {Path.cwd() / form for form in forms}}
    kept = [form for form in forms if Path.cwd() / form not in bad and Path.cwd() / form.parent not in folders]
    return kept if len(kept) < len(forms) else []


def _lacking(connection: Connection | None, state: ClientState | None) -> tuple[str, ...]:
    """The scopes and products that a form has more than the state."""
    if connection is None or state is None:
        return ()
    return (*sorted(connection.scopes.keys() - (state.scopes or {}).keys()), *sorted(connection.products.keys() - state.products.keys()))


def _keys(state: ClientState, seen: Seen | None, published: Fetched) -> Mapping[str, Key] | None:
    """The keys that count for a client: those at its address, those in the portal, else those that are declared."""
    if state.jwks_uri:
        found = published.get(state.jwks_uri)
        return None if found is None else {} if isinstance(found, str) else keys_of({key.kid: key.members for key in found})
    if state.keys is not None:
        return state.keys
    return None if seen is None else keys_of(seen.snapshot.jwks if seen.snapshot else {})


def _usable(keys: Mapping[str, Key], connection: Connection | None, now: datetime) -> frozenset[str]:
    compromised = connection.compromised if connection else frozenset()
    return frozenset(
        key.thumbprint
        for key in keys.values()
        if key.thumbprint and key.thumbprint not in compromised and (key.expires is None or key.expires > now)
    )


def _withdrawn(
    state: ClientState, connection: Connection | None, seen: Seen | None, catalogue: Catalogue | None
) -> tuple[tuple[str, str], ...]:
    """The scopes that a run granted and that the authority has no more, each with who decides about it."""
    if seen is None or seen.snapshot is None:
        return ()
    names, products = connection.catalogue_names if connection else {}, catalogue.product_of if catalogue else {}
    gone = sorted((state.scopes or {}).keys() - seen.snapshot.scopes.keys())
    return tuple((scope, products[name].owner if (name := names.get(scope, scope)) in products else scope) for scope in gone)


@dataclass(frozen=True)
class Seen:
    """What an authority said of a client; no snapshot where it has no such client."""

    snapshot: ClientSnapshot | None


class _Asked:
    """What the authorities of a stack say of its clients. One that does not answer is asked nothing more."""

    def __init__(self, stack: str, states: Sequence[ClientState]) -> None:
        made = [state for state in states if state.client_id]
        self._down: set[Platform] = set()
        self._platforms = self._connect(stack) if made else {}
        self.published = fetched(state.jwks_uri for state in made if state.jwks_uri)
        self._administrators: dict[tuple[Platform, tuple[str, ...]], int | None] = {}
        with working(f"reading the clients of {stack}"):
            found = {state.place: self._ask(state.platform, _snapshot_of(state.client_id or "")) for state in made}
            self.seen = {place: seen for place, seen in found.items() if seen is not None}
            self._uses = self._all_uses([state for state in made if state.place in self.seen])

    def _connect(self, stack: str) -> Connected:
        try:
            return authorities_of(settings_of(stack), briefly=True)
        except Failure as error:
            _warn(f"the authorities of stack {stack} are not asked: {error}")
            return {}

    def _ask(self, name: Platform, read: Callable[[ConnectedPlatform], T]) -> T | None:
        """An answer; None where there is no such platform, or it does not answer."""
        platform = None if name in self._down else self._platforms.get(name)
        try:
            return None if platform is None else read(platform)
        except AuthorityError as error:
            self._down.add(name)
            _warn(error)
            return None

    def _all_uses(self, states: Sequence[ClientState]) -> Mapping[Place, Mapping[str, KeyUse]]:
        def uses_of(state: ClientState) -> Mapping[str, KeyUse] | None:
            authority = self._platforms[state.platform].authority
            try:
                return authority.keys_in_use(state.client_id or "") if isinstance(authority, KnowsUse) else None
            except AuthorityError:  # one that hides its events from this operator, say: nothing else depends on it
                return None

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = zip(states, pool.map(uses_of, states), strict=True)
            return {state.place: uses for state, uses in found if uses is not None}

    def uses(self, state: ClientState) -> Mapping[str, KeyUse] | None:
        """The last use of each of a client's keys; None where its authority does not tell."""
        return self._uses.get(state.place)

    def administrators(self, state: ClientState, connection: Connection | None) -> int | None:
        """How many people may upload a client's keys; None where its authority does not tell. Asked once for each organisation."""
        codes = connection.codes if connection else ()
        if not codes:
            return None

        def read(platform: ConnectedPlatform) -> int | None:
            return platform.authority.administrators(codes) if isinstance(platform.authority, KnowsRights) else None

        if (state.platform, codes) not in self._administrators:
            self._administrators[state.platform, codes] = self._ask(state.platform, read)
        return self._administrators[state.platform, codes]


def _snapshot_of(client_id: str) -> Callable[[ConnectedPlatform], Seen]:
    return lambda platform: Seen(platform.clients.get(client_id))
