"""A review: what plans do to clients, whether the engine made them or the forms at two revisions
did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain

from acmidm.report.alike import client_lines, count_unlike, lines_beside_clients
from acmidm.report.approvers import Approvers, Needed, as_section
from acmidm.report.compare import Comparison, client_replaced
from acmidm.report.connection import (
    ENVIRONMENTS,
    ConnectionChanges,
    client_name,
    client_table,
    connections_in_order,
    environment_name,
    headline,
)
from acmidm.report.document import Document, Section, notes, refused
from acmidm.report.kinds import Change, Report
from acmidm.report.plan import Plan
from acmidm.report.retirement import is_leaving
from acmidm.words import WHOLE, first_of, plain
from acmidm_onboarding.rules.mass_change import SHARE, is_mass_change
from acmidm_onboarding.texts import NN_, ntr, tr
from acmidm_onboarding.values.client import Client, resource_name
from acmidm_onboarding.values.terms import Environment, Platform

_BESIDE = NN_("{count} change beside the clients", "{count} changes beside the clients")


class Review(Report):
    """What a change of forms does, in one or more environments."""

    headline: str
    needed: tuple[Needed, ...] = ()
    """Who has to agree, and to what."""
    other_changes: tuple[Change, ...] = ()
    """What changes beside the clients."""
    connections: tuple[ConnectionChanges, ...]
    unchanged: dict[Environment, int]
    problems: tuple[str, ...] = ()
    """What is refused, a sentence each: what it is about stays as it is, and all else is carried
    out."""
    is_known: bool = True
    """Whether what changes is known; else nothing is carried out."""
    too_many: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        return self.problems + self.too_many

    @property
    def approvers(self) -> list[str]:
        """Each who has to agree, or may be the one of several who does."""
        names = chain.from_iterable(each.approvers for each in self.needed)
        return list(dict.fromkeys(names))

    def as_document(self) -> Document:
        """Return who has to agree, what is refused, what changes beside the clients, and these per
        environment."""
        beside = lines_beside_clients(self.other_changes)
        heading = tr("beside the clients") if beside else ""
        sections = [
            as_section(self.needed),
            refused(self.refusals),
            Section(beside, heading, left_out=_BESIDE, share=0.25),
            *map(self._in, ENVIRONMENTS),
            notes(_plain(self.notes), is_spaced=True),
        ]
        return Document(self.headline, sections, whole=tr("the same command with `--output text`"))

    def _in(self, environment: Environment) -> Section:
        """Return the clients of one environment that change, and how many stay; nothing of one
        without a client."""
        there = _there(self.connections, environment)
        stay = self.unchanged.get(environment, 0)
        parts: list[str] = []
        if there:
            parts.append(ntr("{count} client changes", "{count} clients change", len(there)))
        if there and stay:
            parts.append(ntr("{count} stays as it is", "{count} stay as they are", stay))
        elif stay:
            parts.append(
                ntr(
                    "no change, {count} client stays as it is",
                    "no change, {count} clients stay as they are",
                    stay,
                )
            )
        heading = f"{environment_name(environment)}: {', '.join(parts)}" if parts else ""
        return client_table(client_lines(there), heading)


def review_of(
    plans: Sequence[Plan],
    comparison: Comparison,
    notes: Sequence[str] = (),
    *,
    other_changes: Sequence[Change] = (),
    approvers: Approvers | None = None,
    allow_mass_change: bool = False,
) -> Review:
    """Review all ``plans`` in one report. ``approvers`` are those before the change."""
    connections: list[ConnectionChanges] = []
    unchanged: dict[Environment, int] = {}
    problems, too_many, all_notes = set[str](), list[str](), list(notes)
    for plan in plans:
        compared = [_changes_of_pair(plan, comparison, *pair) for pair in plan.pairs]
        changed = list(filter(None, compared))
        touched = {(connection.key, connection.platform): connection for connection in changed}
        connections += _with_extra_changes(plan, touched)
        unchanged.setdefault(plan.environment, 0)
        if plan.is_whole:
            stay = sum(client_key[:2] not in touched for client_key in plan.after)
            unchanged[plan.environment] += stay
        problems |= {*plan.problems, *refusals(plan)}
        all_notes += _notes_of(plan)
        gone = [] if allow_mass_change else mass_change(plan, comparison.now.date())
        if gone:
            too_many.append(_mass_change_sentence(plan, gone))
    needed = approvers.needed(connections, other_changes) if approvers else ()
    is_known = all(plan.is_known for plan in plans)
    phrases = list(_phrases(connections))
    if not phrases:
        phrases.append(_nothing(is_known=is_known, is_all=not other_changes))
    if other_changes:
        parts = ", ".join(dict.fromkeys(change.kind.headline for change in other_changes))
        phrases.append(tr("also changes {parts}", parts=parts))
    if problems and is_known:
        phrases.append(tr("what is refused is held back"))
    elif problems:
        phrases.append(tr("the engine refuses this change"))
    return Review(
        headline="; ".join(phrases),
        needed=needed,
        other_changes=tuple(other_changes),
        connections=connections_in_order(connections),
        unchanged=unchanged,
        # The engine reports problems in any order, and two stacks may report the same one.
        problems=_plain(sorted(problems)),
        is_known=is_known,
        too_many=_plain(too_many),
        notes=tuple(dict.fromkeys(all_notes)),
    )


def _plain(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(plain(sentence, WHOLE) for sentence in sentences)


def _phrases(connections: Sequence[ConnectionChanges]) -> Iterator[str]:
    """Yield a phrase of the headline for each environment in which clients change."""
    for environment in ENVIRONMENTS:
        there = _there(connections, environment)
        changes = headline(there)
        if not changes:
            continue
        phrase = tr("{changes} on {environment}", changes=changes, environment=environment)
        unlike, alike = count_unlike(there)
        if unlike:
            phrase += ntr(
                ", {count} of them unlike the {alike} others",
                ", {count} of them unlike the {alike} others",
                unlike,
                alike=alike,
            )
        yield phrase


def _there(
    connections: Iterable[ConnectionChanges], environment: Environment
) -> list[ConnectionChanges]:
    return [each for each in connections if each.environment is environment]


def _nothing(*, is_known: bool, is_all: bool) -> str:
    """Return what the headline says where no client changes; ``is_all`` where nothing else does."""
    if not is_known:
        return tr("Not known")
    return tr("Nothing changes") if is_all else tr("No client changes")


def _notes_of(plan: Plan) -> Iterator[str]:
    """Yield what a reviewer of a plan should know besides its changes."""
    if plan.waiting:
        yield ntr(
            "{count} other connection is held back from production; acmidm status --board says"
            " what each waits for.",
            "{count} other connections are held back from production; acmidm status --board says"
            " what each waits for.",
            plan.waiting,
        )
    if not plan.is_whole:
        yield tr(
            "Clients that do not change are not counted: add --show-sames to pulumi preview --json."
        )
    yield from _perhaps_renamed(plan)


def _mass_change_sentence(plan: Plan, gone: Sequence[str]) -> str:
    return ntr(
        "{count} client of {all} on {environment} would be removed or replaced, more than {share}:"
        " {names}; if all of them are meant, add --allow-mass-change",
        "{count} clients of {all} on {environment} would be removed or replaced, more than"
        " {share}: {names}; if all of them are meant, add --allow-mass-change",
        len(gone),
        all=f"{len(plan.before):,}",
        environment=plan.environment,
        share=f"{SHARE:.0%}",
        names=first_of(gone),
    )


def _with_extra_changes(
    plan: Plan, changed: Mapping[tuple[str, Platform], ConnectionChanges]
) -> Iterable[ConnectionChanges]:
    """Return the changes of a plan's clients together with its ``extra_changes``, also of clients
    that do not change."""
    by_client = dict(changed)
    for client, change in plan.extra_changes:
        place = client.client_key[:2]
        connection = by_client.get(place) or ConnectionChanges(**client_name(client), changes=())
        by_client[place] = connection.with_changes([*connection.changes, change])
    return by_client.values()


def _changes_of_pair(
    plan: Plan, comparison: Comparison, old: Client | None, new: Client | None
) -> ConnectionChanges | None:
    """Return the changes of one client. What only the engine knows is among them: a client or a
    secret is made anew."""
    if new is None:
        return comparison.between(old, None)
    extra = [comparison.secret_renewed(new)] if new.client_key in plan.renewed_secrets else []
    if (
        old
        and new.client_key in plan.replaced
        and old.fields.get("software_id") == new.fields.get("software_id")
    ):
        extra.append(client_replaced(old, new.client_id))
    return comparison.between(old, new, *extra, changed=plan.changed.get(new.client_key, ()))


def changed_keys(plan: Plan) -> set[str]:
    """Return the keys of the clients of which a plan changes what an authority has."""
    keys: set[str] = set()
    for old, new in plan.pairs:
        if _at_its_authority(old) != _at_its_authority(new):
            keys.update(client.key for client in (old, new) if client)
    return keys


def _at_its_authority(client: Client | None) -> tuple[object, ...] | None:
    """Return what an authority has of a client, so that two can be compared."""
    if client is None:
        return None
    return (
        client.client_key,
        client.fields,
        client.scopes,
        client.keys.declared,
        client.configurations,
    )


def mass_change(plan: Plan, today: date) -> list[str]:
    """Return the clients that a plan removes or replaces where they are so many that somebody must
    allow it; else none."""
    gone = going(plan, today)
    return gone if is_mass_change(len(gone), len(plan.before)) else []


def going(plan: Plan, today: date) -> list[str]:
    """Return the clients that a plan removes or replaces; a client that leaves counts from its
    first step on."""
    gone: list[str] = []
    for old, new in plan.pairs:
        goes = new is None or new.client_key in plan.replaced or is_leaving(new, today)
        if old and goes:
            gone.append(old.resource_name)
    return gone


def changing(plan: Plan, today: date) -> list[str]:
    """Return the clients that are made, removed or replaced, or of which a plan changes anything at
    all."""
    changed = [resource_name(key, platform) for key, platform, _ in plan.changed]
    return list(dict.fromkeys([*going(plan, today), *changed]))


def refusals(plan: Plan) -> list[str]:
    """Return a sentence for each protected connection that the engine refuses to part with, in
    whole or in part: what to do instead."""
    remedies: dict[str, str] = {}
    staying = {key for key, _, _ in plan.after}
    for old, new in plan.pairs:
        if old is None:
            continue
        protected = old.leaving.known_protected & old.products.keys()
        lost_products = sorted(protected - new.products.keys()) if new else []
        if new is None and old.is_protected and old.key not in staying:
            remedies[old.key] = tr("put its form back")
        elif new is None and old.is_protected:
            remedies[old.key] = tr(
                "put platform {name} back, with retire: {retire}, which removes it from that day"
                " on",
                name=old.platform,
                retire=_retire(old.platform),
            )
        elif lost_products and old.key not in remedies:
            remedies[old.key] = tr(
                "put product {name} back, with retire: {retire}, which removes it from that day on",
                name=lost_products[0],
                retire=_retire(*lost_products),
            )
    return list(_refusals_to_part({**_kept(plan.refused), **remedies}))


def kept(keys: Iterable[str]) -> list[str]:
    """Return a sentence for each connection of which the engine would have to replace something
    that is protected."""
    return list(_refusals_to_part(_kept(keys)))


def _kept(keys: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(keys, tr("nothing of it can be removed or replaced"))


def _refusals_to_part(remedies: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each key of a protected connection, with its remedy."""
    for key, remedy in sorted(remedies.items()):
        yield tr(
            "{key}: its client is protected: {remedy}; see docs/operations.md on how to part with"
            " one",
            key=key,
            remedy=remedy,
        )


def _retire(*names: str) -> str:
    """Return what a form says to retire these: ``{dosis: DAY, notificaties: DAY}``."""
    days = ", ".join(f"{name}: {tr('DAY')}" for name in names)
    return f"{{{days}}}"


def _perhaps_renamed(plan: Plan) -> Iterator[str]:
    """Yield each client that is new where its organisation or application loses one: it may only
    have been renamed."""
    gone = [old for old, after in plan.pairs if old and after is None]
    added = [new for old, new in plan.pairs if new and old is None and not new.form.adopts]
    several, leaving = list[str](), set[str]()
    for state in added:
        on_platform = [old for old in gone if old.platform is state.platform]
        names = set(state.key.split("/", 1))
        alike = [old for old in on_platform if names.intersection(old.key.split("/"))]
        if len(alike) == 1:
            yield _perhaps_renamed_from(state, alike[0])
        elif alike:
            several.append(state.resource_name)
            leaving.update(old.resource_name for old in alike)
    if several:
        yield tr(
            "New are {new}, other clients than those that go: {old}. To keep one of these under"
            " another name, write formerly in its form, or in organisation.yaml for another code.",
            new=first_of(several),
            old=first_of(sorted(leaving)),
        )


def _perhaps_renamed_from(new: Client, old: Client) -> str:
    """Return the note on a client that takes the place of an old one: ``formerly`` keeps the old
    one, in the form for another name, else for another code."""
    code, _, name = old.key.partition("/")
    if code == new.key.partition("/")[0]:
        return tr(
            "{new} is another client now than {old}, which goes. To keep that one, write formerly:"
            " {former} in its form.",
            new=new.resource_name,
            old=old.resource_name,
            former=name,
        )
    return tr(
        "{new} is another client now than {old}, which goes. To keep that one, write formerly:"
        " {former} in organisation.yaml.",
        new=new.resource_name,
        old=old.resource_name,
        former=code,
    )
