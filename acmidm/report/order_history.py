"""The orders that versions of the forms gave: since when one is open, and what one said that is open no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from acmidm.git import Tree, is_shallow, versions
from acmidm_onboarding.forms.files import ORGANISATION_FILE
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.rules.desired import NO_GATE, desired
from acmidm_onboarding.rules.orders import Order, said_before
from acmidm_onboarding.rules.policies import Gate, PromotionGate
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.confirmation import confirmation_of
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.problems import Failure


class OrderHistory:
    """What the versions of a stack's forms in Git ordered."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._ordered: dict[tuple[str, str], Mapping[str, Order]] = {}

    def since(self, order: Order) -> datetime | None:
        """Return when the forms came to say what an order says: the merge that brought it; None where Git does not
        have that."""
        since = None
        for at, tree in versions(*self._paths(order)):
            if order.full_digest not in self._orders_in(tree, order):
                return since
            since = at
        return None if is_shallow() else since

    def said(self, resource_name: str, part: str, digest: str) -> Order:
        """Return the order of this name, of whichever version.

        Raises:
            Failure: where no version in Git has it, or two different ones.
        """
        now = [one for one in self._stack.orders if (one.resource_name, one.part) == (resource_name, part)]
        found = {one.full_digest: one for one in now if one.full_digest.startswith(digest)}
        if not found:
            form = next((one for one in self._stack.connections if one.resource_name == resource_name), None)
            trees = () if form is None else (tree for _, tree in versions(*self._paths(form)))
            for tree in trees:
                orders = self._orders_in(tree, form) if form else {}
                found |= {key: one for key, one in orders.items() if key.startswith(digest) and one.part == part}
        if len(found) == 1:
            return next(iter(found.values()))
        name = f"{resource_name} {part} @{digest}"
        sentence = "ambiguous" if found else "unknown_shallow" if is_shallow() else "unknown"
        raise Failure(say(f"orders.{sentence}", order=name))

    def _paths(self, asked: Order | Client) -> list[Path]:
        return [self._stack.settings.forms_folder / Path(asked.form or "").parent]

    def _orders_in(self, tree: Tree, asked: Order | Client) -> Mapping[str, Order]:
        organisation = Path(asked.form or "").parent.name
        version = tree.name, organisation
        if version not in self._ordered:
            self._ordered[version] = self._read(organisation, tree)
        return {digest: order for digest, order in self._ordered[version].items() if order.place == asked.place}

    def _read(self, organisation: str, tree: Tree) -> Mapping[str, Order]:
        """Return by digest what a version may have ordered for an organisation, whatever was confirmed by then."""
        settings = self._stack.settings
        forms, catalogue = settings.forms_folder, settings.catalogue_folder

        def is_wanted(name: str) -> bool:
            path = Path(name)
            is_form = path.is_relative_to(forms) and path.parent.name == organisation
            is_shared = path.is_relative_to(forms) and (path.name == ORGANISATION_FILE or path.suffix == ".json")
            return is_form or is_shared or path.is_relative_to(catalogue)

        with tree.exported(is_wanted):
            folder = forms / organisation
            read = read_onboardings([folder], catalogue) if folder.exists() and catalogue.exists() else None
            connections = read.connections(settings.environment) if read else []
        return {order.full_digest: order for order in self._said(connections)}

    def _said(self, connections: list[Declaration]) -> Iterator[Order]:
        stack, there = self._stack, {one.resource_name: one for one in self._stack.confirmed_clients()}
        strictest = Gate(PromotionGate.ENFORCE, 0)  # what the gate let through then, it may have refused an hour before
        for gate in (stack.settings.gate, NO_GATE, strictest):
            wanted = desired(
                connections,
                stack.now,
                gate=gate,
                records=lambda: stack.recorded.parts,
                tests=lambda: stack.tests,
                there=there,
            )
            for form in wanted.declared:
                yield from said_before(form, confirmation_of(form, stack.confirmations), stack.order_rules)


def ordered_by_name(name: str) -> tuple[str, str, str]:
    """Return the client, the part and the digest in an order's name, ``OVO002067/mijn-gent scopes @3fa14c02``. Raises
    Failure."""
    words = name.replace("@", " @").split()
    if len(words) != 3 or not words[2].startswith("@") or len(words[2]) < 5:
        raise Failure(say("orders.no_name", name=name))
    return words[0], words[1], words[2][1:].lower()
