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
from acmidm_onboarding.texts import ntr, tr
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.terms import Environment, Platform


class Review(Report):
    """What a change of forms does, in one or more environments."""

    headline: str
    needed: tuple[Needed, ...] = ()
    """Who has to agree, and to what."""
    other_changes: tuple[Change, ...] = ()
    """What changes beside the clients."""
    connections: tuple[ConnectionChanges, ...]
    """The clients that change."""
    unchanged: dict[Environment, int]
    """How many clients stay as they are."""
    problems: tuple[str, ...] = ()
    """What is refused, a sentence each: what it is about stays as it is, and all else is carried
    out."""
    is_known: bool = True
    """Whether what changes is known; else nothing is carried out."""
    too_many: tuple[str, ...] = ()
    """A sentence per plan that removes or replaces so many clients that somebody must allow it."""
    notes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        """All that is refused, a sentence each."""
        return self.problems + self.too_many

    @property
    def approvers(self) -> list[str]:
        """The handles of all who decide; where any of several may, all of these."""
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
            Section(beside, heading),
            *map(self._section_of_environment, ENVIRONMENTS),
            notes(_plain(self.notes)),
        ]
        return Document(self.headline, sections, whole=tr("the same command with `--output text`"))

    def _section_of_environment(self, environment: Environment) -> Section:
        """Return the clients of one environment that change, under ``TNI: 1 client changes, 10 stay
        as they are``; an empty section where it has no client."""
        changed = _in_environment(self.connections, environment)
        unchanged = self.unchanged.get(environment, 0)
        parts: list[str] = []
        if changed:
            parts.append(ntr("{count} client changes", "{count} clients change", len(changed)))
        if changed and unchanged:
            parts.append(ntr("{count} stays as it is", "{count} stay as they are", unchanged))
        elif unchanged:
            parts.append(
                ntr(
                    "no change, {count} client stays as it is",
                    "no change, {count} clients stay as they are",
                    unchanged,
                )
            )
        heading = f"{environment_name(environment)}: {', '.join(parts)}" if parts else ""
        return Section(client_lines(changed), heading)


def review_of(
    plans: Sequence[Plan],
    comparison: Comparison,
    notes: Sequence[str] = (),
    *,
    other_changes: Sequence[Change] = (),
    approvers: Approvers | None = None,
    allow_mass_change: bool = False,
) -> Review:
    """Review all ``plans`` in one report. ``approvers`` are those before the change; None where
    nobody has to agree. ``notes`` come before those on the plans."""
    connections: list[ConnectionChanges] = []
    unchanged: dict[Environment, int] = {}
    problems, too_many, all_notes = set[str](), list[str](), list(notes)
    for plan in plans:
        compared = [_changes_of_pair(plan, comparison, *pair) for pair in plan.pairs]
        changed = list(filter(None, compared))
        by_client = {(connection.key, connection.platform): connection for connection in changed}
        connections += _with_extra_changes(plan, by_client)
        unchanged.setdefault(plan.environment, 0)
        if plan.is_whole:
            stay = sum((key, platform) not in by_client for key, platform, _ in plan.after)
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
        phrases.append(_no_change_in_words(is_known=is_known, is_all=not other_changes))
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
        changed = _in_environment(connections, environment)
        changes = headline(changed)
        if not changes:
            continue
        phrase = tr("{changes} on {environment}", changes=changes, environment=environment)
        unlike, alike = count_unlike(changed)
        if unlike:
            phrase += ntr(
                ", {count} of them unlike the {alike} others",
                ", {count} of them unlike the {alike} others",
                unlike,
                alike=alike,
            )
        yield phrase


def _in_environment(
    connections: Iterable[ConnectionChanges], environment: Environment
) -> list[ConnectionChanges]:
    return [each for each in connections if each.environment is environment]


def _no_change_in_words(*, is_known: bool, is_all: bool) -> str:
    """Return what the headline says where no client changes; ``is_all`` where nothing beside the
    clients changes either."""
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
    """Return what changes of each client, by key and platform, with the ``extra_changes`` of the
    plan added; a client that only such a change is about comes behind the others."""
    by_client = dict(changed)
    for client, change in plan.extra_changes:
        place = client.key, client.platform
        connection = by_client.get(place) or ConnectionChanges(**client_name(client), changes=())
        by_client[place] = connection.with_changes([*connection.changes, change])
    return by_client.values()


def _changes_of_pair(
    plan: Plan, comparison: Comparison, old: Client | None, new: Client | None
) -> ConnectionChanges | None:
    """Return the changes of one client, None where it stays as it is. That a client or a secret is
    made anew is among them, which only the engine knows."""
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
    """Return what a form wants of a client at its authority, so that two can be compared; None for
    no client."""
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
    gone = _removed_or_replaced(plan, today)
    return gone if is_mass_change(len(gone), len(plan.before)) else []


def _removed_or_replaced(plan: Plan, today: date) -> list[str]:
    """Return the names of the clients that a plan removes or replaces. One that is retired counts
    from the run on that takes it down."""
    gone: list[str] = []
    for old, new in plan.pairs:
        goes = new is None or new.client_key in plan.replaced or is_leaving(new, today)
        if old and goes:
            gone.append(old.resource_name)
    return gone


def refusals(plan: Plan) -> list[str]:
    """Return a sentence for each protected connection of which a plan removes a client or a
    product, which the engine refuses: what to do instead."""
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
                retire=_retire_in_form(old.platform),
            )
        elif lost_products and old.key not in remedies:
            remedies[old.key] = tr(
                "put product {name} back, with retire: {retire}, which removes it from that day on",
                name=lost_products[0],
                retire=_retire_in_form(*lost_products),
            )
    return list(_refusals_to_part({**_without_remedy(plan.refused), **remedies}))


def refused_replacements(keys: Iterable[str]) -> list[str]:
    """Return a sentence for each key of a connection of which the engine refuses to replace
    something, for it is protected."""
    return list(_refusals_to_part(_without_remedy(keys)))


def _without_remedy(keys: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(keys, tr("nothing of it can be removed or replaced"))


def _refusals_to_part(remedies: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each protected connection. ``remedies`` are by its key, as
    {"OVO002067/loket": "put its form back"}."""
    for key, remedy in sorted(remedies.items()):
        yield tr(
            "{key}: its client is protected: {remedy}; see docs/operations.md on how to part with"
            " one",
            key=key,
            remedy=remedy,
        )


def _retire_in_form(*names: str) -> str:
    """Return the value of ``retire`` in a form: ``{dosis: DAY, notificaties: DAY}``."""
    days = ", ".join(f"{name}: {tr('DAY')}" for name in names)
    return f"{{{days}}}"


def _perhaps_renamed(plan: Plan) -> Iterator[str]:
    """Yield a note on each new client that may be a removed one under another name: it has the same
    organisation or application, on the same platform. Those with several such removed clients share
    one note."""
    gone = [old for old, new in plan.pairs if old and new is None]
    added = [new for old, new in plan.pairs if new and old is None and not new.form.adopts]
    with_several, their_alike = list[str](), set[str]()
    for client in added:
        on_platform = [old for old in gone if old.platform is client.platform]
        code_and_application = set(client.key.split("/", 1))
        alike = [old for old in on_platform if code_and_application & {*old.key.split("/")}]
        if len(alike) == 1:
            yield _perhaps_renamed_from(client, alike[0])
        elif alike:
            with_several.append(client.resource_name)
            their_alike.update(old.resource_name for old in alike)
    if with_several:
        yield tr(
            "New are {new}, other clients than those that go: {old}. To keep one of these under"
            " another name, write formerly in its form, or in organisation.yaml for another code.",
            new=first_of(with_several),
            old=first_of(sorted(their_alike)),
        )


def _perhaps_renamed_from(new: Client, old: Client) -> str:
    """Return the note on a new client beside the old one that goes: with ``formerly`` the old one
    stays, in its form where the application differs, else in ``organisation.yaml``."""
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
