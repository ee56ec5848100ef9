"""The forms as two Git revisions have them: no engine, no state, no credentials."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from acmidm.git import Tree
from acmidm.report.fields import field_changes
from acmidm.report.kinds import Change, FieldChange, Kind
from acmidm.report.plan import Plan, at_the_gate
from acmidm.report.revisions.files import is_below, strays
from acmidm.report.revisions.stacks import StacksOfRevision
from acmidm.words import first_of, plain
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import MANDATES_FILE
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.rules.desired import NO_GATE, Desired, desired
from acmidm_onboarding.rules.ends import ended_scopes, without_ended_scopes
from acmidm_onboarding.rules.gate import TestStack, Withheld
from acmidm_onboarding.rules.mandates import has_ended
from acmidm_onboarding.rules.policies import (
    Gate,
    Profile,
    PromotionGate,
    Situation,
    violations,
)
from acmidm_onboarding.rules.rotation import EVER, RegisteredKey, obstacle
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.client import Client, ClientKey, Records, by_client_key, recorded_as
from acmidm_onboarding.values.declaration import Declaration, in_stack
from acmidm_onboarding.values.keys import Key
from acmidm_onboarding.values.mandate import Mandate
from acmidm_onboarding.values.problems import InvalidForms, Problem
from acmidm_onboarding.values.terms import Environment, ExemptiblePolicy


@dataclass(frozen=True)
class Revision:
    """The forms of one revision at one moment, with its gate to production. The files that somebody
    works on are a revision too."""

    onboardings: Onboardings
    now: datetime
    gate: Gate = NO_GATE
    protecting: Mapping[Environment, bool] = field(default_factory=dict)
    """Whether its stack of an environment protects clients against removal."""

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of its forms."""
        return frozenset(loaded.name for loaded in self.onboardings.forms)

    @cached_property
    def written(self) -> Mapping[Environment, Sequence[Declaration]]:
        """The declarations of each environment, as the forms have them: with scopes that have
        ended."""
        return {where: self.onboardings.connections(where) for where in Environment}

    @cached_property
    def connections(self) -> Mapping[Environment, Sequence[Declaration]]:
        """The declarations of each environment without scopes that have ended, whether or not the
        gate holds them back."""
        day = self.now.date()
        return {where: without_ended_scopes(forms, day) for where, forms in self.written.items()}

    def ended(self, environment: Environment) -> Mapping[tuple[ClientKey, str], tuple[Client, str]]:
        """Return the scopes of the forms that have ended, by client and name, each with its client
        and its last day: {(key, "dv_dosis_schrijven"): (client, "2026-03-31")}."""
        ended, day = dict[tuple[ClientKey, str], tuple[Client, str]](), self.now.date()
        for form in self.written[environment]:
            for scope, last_day in ended_scopes(form, day).items():
                ended[form.client_key, scope] = form, last_day
        return ended

    def clients(
        self,
        environment: Environment,
        wanted: Desired,
        profiles: Mapping[Environment, Profile],
    ) -> dict[ClientKey, Client]:
        """Return the clients of what is ``wanted`` in an environment, each with the exemptions of
        its form that none of the form's environments needs."""
        # Connections that the gate holds back are reported all the same: without a state nobody
        # knows which ones exist.
        clients = dict(in_stack(wanted.asked, protect=self.protecting.get(environment)))
        unneeded = self._unneeded_exemptions(environment, profiles)
        for client_key, client in clients.items():
            if client.form.exemptions:
                of_form = unneeded.get(client.form.path or "", frozenset())
                form = replace(client.form, unneeded_exemptions=of_form)
                clients[client_key] = replace(client, form=form)
        return clients

    def desired(self, environment: Environment, records: Records | None = None) -> Desired:
        """Return what is desired in an environment whose state has these ``records``. None: its
        stack is empty, but for connections whose mandate has ended."""
        if records is None:
            records = _as_recorded(self._with_ended_mandate(environment), protect=False)
        return self.desired_of(self.connections[environment], records)

    def desired_of(
        self,
        connections: Sequence[Declaration],
        records: Records = MappingProxyType({}),
        tests: Callable[[], TestStack | None] = lambda: None,
    ) -> Desired:
        """Return what is desired of some connections, in a stack whose state has these ``records``.
        ``tests`` reads the stack of TNI, where the gate asks for it, and returns None where nobody
        can read that."""
        return desired(connections, self.now, gate=self.gate, records=lambda: records, tests=tests)

    def records(self, environment: Environment, wanted: Desired) -> Records:
        """Return what a state has once what is ``wanted`` is carried out without a gate: the
        connections that the gate holds back too, and none that has left."""
        connections = (*wanted.asked, *self._with_ended_mandate(environment))
        return _as_recorded(connections, protect=bool(self.protecting.get(environment)))

    def _with_ended_mandate(self, environment: Environment) -> list[Declaration]:
        """Return the connections whose mandate has ended. Files do not have how far they were
        withdrawn since: all of it counts as recorded, so that no change shows that again."""
        day = self.now.date()
        return [form for form in self.connections[environment] if has_ended(form, day)]

    def _unneeded_exemptions(
        self, environment: Environment, profiles: Mapping[Environment, Profile]
    ) -> dict[str, frozenset[str]]:
        """Return the exemptions that no environment of a form needs, by the form's name; only of
        forms whose last environment this is, so that each is reported once."""
        unneeded: dict[str, frozenset[str]] = {}
        for loaded in self.onboardings.forms:
            if environment is not max(loaded.form.environments, key=list(Environment).index):
                continue
            of_form = unneeded_exemptions(loaded, profiles, self.now)
            if loaded.name in self._held_back_without_exemption:
                of_form -= _OF_GATE
            unneeded[loaded.name] = of_form
        return unneeded

    @cached_property
    def _held_back_without_exemption(self) -> frozenset[str]:
        """The names of the forms that the gate to production would hold back without an exemption;
        of all forms where there is no gate."""
        if self.gate.mode is PromotionGate.OFF:
            return self.names
        connections = list(map(_without_exemptions, self.connections[Environment.PROD]))
        unproven = self.desired_of(connections).unproven
        return frozenset(withheld.connection.form.path or "" for withheld in unproven)


def _without_exemptions(connection: Declaration) -> Declaration:
    return replace(connection, form=replace(connection.form, exemptions={}))


def _as_recorded(connections: Iterable[Declaration], *, protect: bool) -> Records:
    """Return what a state has once connections are carried out, with a client-ID each."""
    records: dict[str, Client] = {}
    for client in in_stack(connections, protect=protect).values():
        name = client.resource_name
        records[name] = replace(client, client_id=name)
    return records


_OF_GATE = frozenset({ExemptiblePolicy.PROMOTION_GATE.value})
"""The exemption from the gate to production. Whether it is needed, the gate alone can tell."""


def unneeded_exemptions(
    loaded: LoadedForm, profiles: Mapping[Environment, Profile], now: datetime
) -> frozenset[str]:
    """Return the policies that a form is exempted from and satisfies all the same, in each of its
    environments."""
    exempted = {policy.value for policy in loaded.form.exemptions}
    if not exempted:
        return frozenset()
    for environment in loaded.form.environments:
        keys = {key.kid: key.members for key in loaded.keys.get(environment, ())}
        method = loaded.form.token_endpoint_auth_method
        situation = Situation(environment, profiles[environment], now, keys, method)
        exempted -= {policy.id for policy, _ in violations(situation)}
    return frozenset(exempted)


def revision(
    before: Tree, tree: Tree, folders: StacksOfRevision, stacks: StacksOfRevision, now: datetime
) -> Revision:
    """Return the forms of the revision ``tree``, with the gate of its ``stacks``. Its forms are
    read in the ``folders`` that the stacks of ``before`` name: a change does not choose these.

    Raises:
        UnknownRevision: where Git cannot read them.
        InvalidForms: with every mistake in them.
    """
    problems = strays(before, tree, folders.forms)
    files = tree.files(folders.is_read)
    onboardings = read_onboardings(
        folders.forms, folders.catalogue_in(files), stacks.profiles, earlier=problems, files=files
    ).valid()
    return Revision(onboardings, now, stacks.gate, stacks.protecting)


def earlier_revision(tree: Tree, stacks: StacksOfRevision, now: datetime) -> Revision:
    """Return the forms that an earlier revision has.

    What was no valid form there is left out, else the change that corrects it could not be
    reviewed. The policies check what is declared now, as the engine's program does: what was is no
    mistake any more.

    Raises:
        UnknownRevision: where Git cannot read them.
        InvalidForms: for mistakes in its catalogue.
    """
    files = tree.files(stacks.is_read, folders=stacks.forms)
    onboardings = read_onboardings(stacks.forms, stacks.catalogue_in(files), files=files)
    problems: list[Problem] = []
    for problem in onboardings.problems:
        if not is_below(problem.file, stacks.forms):  # it is of the catalogue
            # The present catalogue does not have these mistakes: name the revision.
            file = Path(f"{tree.name}:{problem.file}")
            problems.append(replace(problem, file=file))
    if problems:
        raise InvalidForms(problems)
    return Revision(onboardings, now, stacks.gate, stacks.protecting)


def plan_between(
    before: Revision, after: Revision, environment: Environment, stacks: StacksOfRevision
) -> Plan:
    """Return what a change of forms does in an environment, as if all that ``before`` wants were
    carried out. So a client that leaves is taken down before, and removed after."""
    wanted_before = before.desired(environment)
    wanted = after.desired(environment, before.records(environment, wanted_before))
    plan = Plan(
        environment,
        before.clients(environment, wanted_before, stacks.profiles),
        after.clients(environment, wanted, stacks.profiles),
    )
    extra_changes: list[tuple[Client, Change]] = []
    if environment is Environment.PROD:
        extra_changes += _at_the_gate(before, after)
    if stacks.has_overlap(environment):
        extra_changes += _keys_that_may_stay(plan, after.now)
    extra_changes += _scopes_that_have_ended(before, after, environment)
    refused = [*_refused_without_mandate(before.connections[environment], wanted)]
    extra_changes += at_the_gate(refused, ())
    sentences = chain.from_iterable(withheld.sentences for withheld in refused)
    return replace(plan, extra_changes=tuple(extra_changes), problems=tuple(sentences))


def _scopes_that_have_ended(
    before: Revision, after: Revision, environment: Environment
) -> Iterator[tuple[Client, Change]]:
    """Yield each scope whose last day has passed in the forms after a change, and not in those
    before: nobody gets it."""
    ended = after.ended(environment)
    for client_key, scope in sorted(ended.keys() - before.ended(environment).keys()):
        form, last_day = ended[client_key, scope]
        yield form, Change(kind=Kind.SCOPE_ENDED, subject=scope, note=last_day)


def _refused_without_mandate(before: Iterable[Declaration], wanted: Desired) -> Iterator[Withheld]:
    """Yield the connections without a mandate of which a change wants something else than before
    it: nothing of that is carried out. Other keys alone are no such change."""
    old_by_client = by_client_key(before)
    for withheld in wanted.held_back:
        form = withheld.connection
        old = old_by_client.get(form.client_key)
        if withheld.lacks_mandate and (old is None or _without_keys(old) != _without_keys(form)):
            yield withheld


def _without_keys(form: Declaration) -> tuple[object, ...]:
    """Return what a form declares of a client but for its keys, so that two can be compared."""
    return form.fields, form.scopes, form.configurations, form.form.mandate.get("supplier")


def _keys_that_may_stay(plan: Plan, now: datetime) -> Iterator[tuple[Client, Change]]:
    """Yield the keys that a change takes from a form and that a rotation may keep for a while:
    files do not say since when the new keys are there."""
    for old, new in plan.pairs:
        if not (
            old and new and old.keys.declared and new.keys.declared is not None and new.uses_keys
        ):
            continue
        kept = obstacle(
            list(_as_registered(old.keys.declared)),
            new.keys.thumbprints,
            trusted=(),
            compromised=new.keys.gone_at_once,
            now=now,
            overlap_days=1,
        )
        if kept:
            leaves = N_(
                "it leaves once a new one has been there a while; acmidm review --stack knows"
            )
            if kept.successor:
                leaves = N_(
                    "it leaves once {successor} has been there long enough and works; acmidm"
                    " review --stack knows"
                )
            note = translated(leaves, successor=kept.successor)
            yield new, Change(kind=Kind.KEY_MAY_STAY, subject=", ".join(kept.leaving), note=note)


def _as_registered(keys: Mapping[str, Key]) -> Iterator[RegisteredKey]:
    """Yield keys as if they were registered from the beginning; none whose thumbprint is not
    known."""
    for kid, key in keys.items():
        if key.thumbprint:
            yield RegisteredKey(kid, key.thumbprint, EVER, key.expires)


def _at_the_gate(before: Revision, after: Revision) -> Iterator[tuple[Client, Change]]:
    """Yield what a change of forms or evidence does at the gate to production, from the files
    alone: which connections it adds that the gate holds back or lets through, and which ones that
    were there pass now.

    What the forms had before counts as recorded, so that a form older than the gate is not reported
    with each change of it.
    """
    prod = Environment.PROD
    formerly_there = _as_recorded(before.connections[prod], protect=False)
    formerly_unproven = _as_recorded(
        (each.connection for each in after.desired_of(before.connections[prod]).unproven),
        protect=False,
    )
    wanted = after.desired(prod)
    added = after.desired_of(wanted.asked, formerly_there)
    proven_now = (
        form for form in wanted.proven if recorded_as(form, formerly_unproven) is not None
    )
    proven = {form.resource_name: form for form in (*added.proven, *proven_now)}
    yield from at_the_gate(added.unproven, proven.values())


def removed_invalid_forms(before: Revision, after: Tree) -> Iterator[Change]:
    """Yield one change of the forms that were not valid before and are gone: no client shows what
    goes with them. Nothing where there are none."""
    gone = [path for path in map(str, before.onboardings.left_out) if path not in after.entries]
    old, new = tr("not valid"), tr("none")
    fields = tuple(FieldChange(field=path, old=old, new=new) for path in gone)
    if fields:
        yield Change(kind=Kind.INVALID_FORM_REMOVED, fields=fields)


def changed_mandates(before: Revision, after: Revision) -> Iterator[Change]:
    """Yield what changes of the mandates of each folder, but for those that a client shows: the
    client whose keys are its supplier's."""
    forms = after.onboardings.forms
    shown = {(each.file.parent.name, each.form.keys_of, each.form.application) for each in forms}
    old, new = before.onboardings.mandates, after.onboardings.mandates
    for folder in sorted(old.keys() | new.keys()):
        sides = (_not_shown(folder, side.get(folder, ()), shown) for side in (old, new))
        if fields := field_changes(*sides):
            file = f"{folder}/{MANDATES_FILE}"
            yield Change(kind=Kind.MANDATES_CHANGED, subject=file, fields=fields)


def _not_shown(
    folder: str, mandates: Iterable[Mandate], shown: Collection[tuple[str, str | None, str]]
) -> dict[str, str]:
    """Return the last day and reference of a folder's mandates, by supplier and what each allows:
    {"cipal: loket": "2027-03-31 (SD-4711)"}; no (folder, supplier, application) in ``shown``."""
    words: dict[str, str] = {}
    for mandate in sorted(mandates, key=lambda mandate: mandate.until):  # the last one counts
        for allowed in mandate.allowed:
            if (folder, mandate.supplier, allowed) not in shown:
                words[f"{mandate.supplier}: {allowed}"] = mandate.words
    return words


def notes_between(before: Revision, after: Revision, tree: Tree) -> Iterator[str]:
    """Yield a note on the key files in ``tree``, that of ``after``, which removed forms named and
    no form names any more; nothing where there are none."""
    left_behind: set[Path] = set()
    for loaded in before.onboardings.forms:
        if loaded.name not in after.names and not loaded.form.keys_of:
            left_behind.update(loaded.key_files)
    for loaded in after.onboardings.forms:
        left_behind.difference_update(loaded.key_files)
    if files := [plain(str(file)) for file in sorted(left_behind) if str(file) in tree.entries]:
        yield tr(
            "No form names these key files any more; remove them too: {files}.",
            files=first_of(files),
        )
