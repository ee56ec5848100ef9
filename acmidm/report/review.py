"""A review: what plans do to clients, whether the engine made them or the forms at two revisions did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from acmidm.report.client import ClientState
from acmidm.report.compare import Comparison, paired
from acmidm.report.kinds import Kind
from acmidm.report.model import ConnectionChanges, Review, connections_in_order, counted_kinds, headline
from acmidm.report.plan import Plan
from acmidm.report.words import WHOLE, number, plain
from components.model.form import Environment, Platform

MASS_SHARE = 0.3
"""The share of a stack's clients that a plan may remove or replace unless somebody allows more (as octodns does)."""
MASS_CLIENTS = 10
"""From how many clients on that share counts."""
_MOST_NAMED = 10
_PROTECTED = "{}: its client is protected: {}; see docs/operations.md on how to part with one"


def review_of(plans: Sequence[Plan], comparison: Comparison, notes: Sequence[str] = (), *, allow_mass_change: bool = False) -> Review:
    """Review all ``plans`` in one report."""
    connections: list[ConnectionChanges] = []
    unchanged: dict[Environment, int] = {}
    problems: list[str] = []
    too_many: list[str] = []
    more = list(notes)
    for plan in plans:
        found = changes_of(plan, comparison)
        connections += found
        touched = {(one.key, one.platform) for one in found}
        if plan.is_whole:
            stay = sum(place[:2] not in touched for place in plan.after)
            unchanged[plan.environment] = unchanged.get(plan.environment, 0) + stay
        else:
            unchanged.setdefault(plan.environment, 0)
            more.append("Clients that do not change are not counted: add --show-sames to pulumi preview --json.")
        problems += [*plan.problems, *refusals(plan)]
        more += _other_clients(plan)
        if not allow_mass_change and (many := mass_change(plan)):
            too_many.append(_too_many(plan, many))
    # The engine reports them in any order, and those of two stacks may be the same.
    ordered, problems = connections_in_order(connections), sorted(set(problems))
    said = headline(ordered, nothing="Not known" if problems else "Nothing changes")
    return Review(
        headline=f"{said}; the engine refuses this change" if problems else said,
        environments=tuple(sorted(unchanged)),
        connections=ordered,
        unchanged=unchanged,
        counts=counted_kinds(ordered),
        problems=tuple(plain(problem, WHOLE) for problem in problems),
        too_many=tuple(plain(sentence, WHOLE) for sentence in too_many),
        notes=tuple(dict.fromkeys(more)),
    )


def changes_of(plan: Plan, comparison: Comparison) -> list[ConnectionChanges]:
    """The changes of all clients. What only the engine knows is among them: a client or a secret is made anew."""
    found = []
    for old, new in paired(plan.before, plan.after):
        place = new.place if new else None
        replaced = new and old and place in plan.replaced and old.fields.get("software_id") == new.fields.get("software_id")
        kinds = [Kind.CLIENT_REPLACED] if replaced else []
        kinds += [Kind.SECRET_RENEWED] if place in plan.renewed_secrets else []
        more = (comparison.change(kind) for kind in kinds)
        found.append(comparison.between(old, new, *more, changed=plan.changed.get(place, ()) if place else ()))
    return [one for one in found if one]


def mass_change(plan: Plan) -> list[str]:
    """The clients that a plan removes or replaces, if they are so many that somebody has to allow it; else none."""
    gone = [old for old, new in paired(plan.before, plan.after) if old and (new is None or new.place in plan.replaced)]
    many = len(plan.before) >= MASS_CLIENTS and len(gone) > MASS_SHARE * len(plan.before)
    return [_name(state) for state in gone] if many else []


def _too_many(plan: Plan, gone: Sequence[str]) -> str:
    return (
        f"{number(len(gone), 'client|clients')} of {len(plan.before):,} on {plan.environment} would be removed or replaced, more than "
        f"{MASS_SHARE:.0%}: {_listed(gone)}; if all of them are meant, add --allow-mass-change"
    )


def refusals(plan: Plan) -> list[str]:
    """A sentence for each protected connection that the engine refuses to part with, in whole or in part: what to do instead."""
    said: dict[str, str] = {}
    staying = {key for key, _, _ in plan.after}
    for old, new in paired(plan.before, plan.after):
        if old is None:
            continue
        left = sorted(product for product in old.protected_products if new and product not in new.products)
        if new is None and old.protected and old.key not in staying:
            said[old.key] = "put its form back"
        elif new is None and old.protected:
            said[old.key] = _first_ending(f"platform {old.platform}", old.platform)
        elif new and left:
            said.setdefault(old.key, _first_ending(f"product {left[0]}", *left))
    for key in plan.refused:
        said.setdefault(key, "it can be neither removed nor replaced")
    return [_PROTECTED.format(key, remedy) for key, remedy in sorted(said.items())]


def _first_ending(what: str, *names: str) -> str:
    return f"put {what} back with ending: [{', '.join(names)}], apply that, and remove both in a next change"


def _other_clients(plan: Plan) -> Iterator[str]:
    """What is another client now, where its organisation or application had one that goes: perhaps it was only renamed."""
    pairs = list(paired(plan.before, plan.after))
    gone, new = [old for old, after in pairs if old and after is None], [after for old, after in pairs if old is None and after]
    many: dict[str, list[ClientState]] = {}
    for state in new:
        alike = [old for old in gone if old.platform is state.platform and set(old.key.split("/")) & set(state.key.split("/"))]
        if len(alike) == 1 and not state.adopts:
            code, _, application = alike[0].key.partition("/")
            where = f"formerly: {application} in its form" if state.key.startswith(f"{code}/") else f"formerly: {code} in organisation.yaml"
            yield f"{_name(state)} is another client now than {_name(alike[0])}, which goes. To keep that one, write {where}."
        elif alike and not state.adopts:
            many[_name(state)] = alike
    if many:
        names = sorted({_name(old) for alike in many.values() for old in alike})
        yield (
            f"New are {_listed(list(many))}, other clients than those that go: {_listed(names)}. To keep one of these under another name, "
            "write formerly in its form, or in organisation.yaml for another code."
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else "")


def _name(state: ClientState) -> str:
    return state.key if state.platform is Platform.ACMIDM else f"{state.key}/{state.platform}"
