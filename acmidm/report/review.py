"""A review: what plans do to clients, whether the engine made them or the forms at two revisions did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from acmidm.report.compare import (
    ENVIRONMENTS,
    Comparison,
    ConnectionChanges,
    client_name,
    connections_in_order,
    headline,
    paired,
)
from acmidm.report.kinds import Change, Kind, Part
from acmidm.report.plan import Plan
from acmidm.report.retirement import is_leaving
from acmidm.words import WHOLE, counted, first_of, plain
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.terms import Environment

MASS_SHARE = 0.3
"""The share of a stack's clients that a plan may remove or replace unless somebody allows more (as octodns does)."""
MASS_CLIENTS = 10
"""From how many clients on that share counts."""
_KEPT = "nothing of it can be removed or replaced"


class Review(Part):
    """What a change of forms does, in one or more environments."""

    headline: str
    beside: tuple[Change, ...] = ()
    """What changes beside the clients."""
    connections: tuple[ConnectionChanges, ...]
    unchanged: dict[Environment, int]
    problems: tuple[str, ...] = ()
    """What is refused, a sentence each: what it is about stays as it is, and all else is carried out."""
    is_known: bool = True
    """Whether what changes is known; else nothing is carried out."""
    too_many: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        return self.problems + self.too_many

    def in_environments(self) -> list[tuple[Environment, list[ConnectionChanges], int]]:
        """Per environment, production first, the clients with changes and how many stay; one without a client is left
        out."""
        parts = [
            (
                environment,
                [one for one in self.connections if one.environment is environment],
                self.unchanged.get(environment, 0),
            )
            for environment in ENVIRONMENTS
            if environment in self.unchanged
        ]
        return [part for part in parts if part[1] or part[2]]


def review_of(
    plans: Sequence[Plan],
    comparison: Comparison,
    notes: Sequence[str] = (),
    *,
    beside: Sequence[Change] = (),
    allow_mass_change: bool = False,
) -> Review:
    """Review all ``plans`` in one report."""
    found: list[ConnectionChanges] = []
    unchanged: dict[Environment, int] = {}
    problems, too_many, more = set[str](), list[str](), list(notes)
    for plan in plans:
        changed = [one for old, new in paired(plan.before, plan.after) if (one := _changes(plan, comparison, old, new))]
        found += _with_more(plan, changed)
        if plan.waiting:
            others = counted(plan.waiting, "other connection is|other connections are")
            more.append(f"{others} held back from production; acmidm steps says what each waits for.")
        touched = {(one.key, one.platform) for one in changed}
        stay = sum(place[:2] not in touched for place in plan.after) if plan.is_whole else 0
        unchanged[plan.environment] = unchanged.get(plan.environment, 0) + stay
        if not plan.is_whole:
            more.append("Clients that do not change are not counted: add --show-sames to pulumi preview --json.")
        problems |= {*plan.problems, *refusals(plan)}
        more += _other_clients(plan)
        if not allow_mass_change and (gone := mass_change(plan, comparison.now.date())):
            too_many.append(
                f"{counted(len(gone), 'client')} of {len(plan.before):,} on {plan.environment} would be removed or"
                f" replaced, more than {MASS_SHARE:.0%}: {first_of(gone)}; if all of them are meant, add"
                " --allow-mass-change"
            )
    connections = connections_in_order(found)
    said = [
        f"{changes} on {environment}"
        for environment in ENVIRONMENTS
        if (changes := headline(one for one in connections if one.environment is environment))
    ]
    is_known = all(plan.is_known for plan in plans)
    said = said or ["Not known" if not is_known else "No client changes" if beside else "Nothing changes"]
    said += (
        [f"also changes {', '.join(dict.fromkeys(change.kind.row.headline for change in beside))}"] if beside else []
    )
    said += ["what is refused is held back" if is_known else "the engine refuses this change"] if problems else []
    return Review(
        headline="; ".join(said),
        beside=tuple(beside),
        connections=connections,
        unchanged=unchanged,
        # The engine reports them in any order, and those of two stacks may be the same.
        problems=tuple(plain(problem, WHOLE) for problem in sorted(problems)),
        is_known=is_known,
        too_many=tuple(plain(sentence, WHOLE) for sentence in too_many),
        notes=tuple(dict.fromkeys(more)),
    )


def _with_more(plan: Plan, changed: Iterable[ConnectionChanges]) -> list[ConnectionChanges]:
    """The changes of a plan's clients with what is reported of each besides, and of clients without any."""
    found = {(one.key, one.platform): one for one in changed}
    for state, change in plan.more:
        one = found.get(state.place[:2]) or ConnectionChanges(
            **client_name(state), environment=plan.environment, changes=()
        )
        found[state.place[:2]] = one.with_changes([*one.changes, change])
    return list(found.values())


def _changes(plan: Plan, comparison: Comparison, old: Client | None, new: Client | None) -> ConnectionChanges | None:
    """The changes of one client. What only the engine knows is among them: a client or a secret is made anew."""
    if new is None:
        return comparison.between(old, None)
    more = [comparison.secret_renewed(new)] if new.place in plan.renewed_secrets else []
    if old and new.place in plan.replaced and old.fields.get("software_id") == new.fields.get("software_id"):
        more.append(comparison.change(Kind.CLIENT_REPLACED))
    return comparison.between(old, new, *more, changed=plan.changed.get(new.place, ()))


def mass_change(plan: Plan, today: date) -> list[str]:
    """The clients that a plan removes or replaces, if they are so many that somebody has to allow it; else none."""
    gone = going(plan, today)
    return gone if len(plan.before) >= MASS_CLIENTS and len(gone) > MASS_SHARE * len(plan.before) else []


def going(plan: Plan, today: date) -> list[str]:
    """The clients that a plan removes or replaces. One that is taken down counts before its first step, not only when
    it is gone."""
    pairs = paired(plan.before, plan.after)
    return [
        old.resource_name
        for old, new in pairs
        if old and (new is None or new.place in plan.replaced or is_leaving(new, today))
    ]


def refusals(plan: Plan) -> list[str]:
    """A sentence for each protected connection that the engine refuses to part with, in whole or in part: what to do
    instead."""
    said: dict[str, str] = {}
    staying = {key for key, _, _ in plan.after}
    for old, new in paired(plan.before, plan.after):
        if old is None:
            continue
        left = sorted(product for product in old.protected_products if new and product not in new.products)
        if new is None and old.protected and old.key not in staying:
            said[old.key] = "put its form back"
        elif new is None and old.protected:
            said[old.key] = _retired(f"platform {old.platform}", old.platform)
        elif left:
            said.setdefault(old.key, _retired(f"product {left[0]}", *left))
    return _protected({**dict.fromkeys(plan.refused, _KEPT), **said})


def kept(keys: Iterable[str]) -> list[str]:
    """A sentence for each connection of which the engine would have to replace something that is protected."""
    return _protected(dict.fromkeys(keys, _KEPT))


def _protected(said: Mapping[str, str]) -> list[str]:
    return [
        f"{key}: its client is protected: {remedy}; see docs/operations.md on how to part with one"
        for key, remedy in sorted(said.items())
    ]


def _retired(what: str, *names: str) -> str:
    days = ", ".join(f"{name}: DAY" for name in names)
    return f"put {what} back, with retire: {{{days}}}, which removes it from that day on"


def _other_clients(plan: Plan) -> Iterator[str]:
    """What is another client now, where its organisation or application had one that goes: perhaps it was only
    renamed."""
    pairs = list(paired(plan.before, plan.after))
    gone = [old for old, after in pairs if old and after is None]
    several: dict[str, list[Client]] = {}
    for state in (new for old, new in pairs if new and old is None and not new.adopts):
        code, _, application = state.key.partition("/")
        alike = [
            old for old in gone if old.platform is state.platform and {code, application} & set(old.key.split("/"))
        ]
        if len(alike) == 1:
            former, _, name = alike[0].key.partition("/")
            where = f"formerly: {name} in its form" if former == code else f"formerly: {former} in organisation.yaml"
            yield (
                f"{state.resource_name} is another client now than {alike[0].resource_name}, which goes. To keep that"
                f" one, write {where}."
            )
        elif alike:
            several[state.resource_name] = alike
    if several:
        names = sorted({old.resource_name for alike in several.values() for old in alike})
        yield (
            f"New are {first_of(list(several))}, other clients than those that go: {first_of(names)}. To keep one of"
            " these under another name, write formerly in its form, or in organisation.yaml for another code."
        )
