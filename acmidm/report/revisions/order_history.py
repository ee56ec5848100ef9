"""The orders that versions of the forms gave: since when an order is open, and what a former order
said."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from acmidm.git import Tree, is_as_at, is_dirty, is_shallow, versions
from acmidm_onboarding.forms.files import KEYS_FILE, ORGANISATION_FILE, absolute
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.rules.desired import NO_GATE
from acmidm_onboarding.rules.orders import (
    DIGITS,
    REMOVE,
    Order,
    Rules,
    possible_orders,
    possible_removals,
)
from acmidm_onboarding.rules.policies import Gate, PromotionGate
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.client import ClientKey
from acmidm_onboarding.values.confirmation import confirmation_of
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.problems import Failure


class OrderHistory:
    """What the versions of a stack's forms and catalogue in Git ordered. Each version is read
    once."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._read: dict[tuple[str, str], _Version] = {}

    def since(self, order: Order) -> datetime | None:
        """Return since when an order is open: when the oldest of the newest versions was merged
        that all give it. None where the newest version does not give it, or where Git lacks the
        older ones.

        A version orders the removal of a client by not having it.
        """
        ordered_at, folder = None, Path(order.form or "").parent.name
        for at, tree in self._versions(folder):  # the newest first
            version = self._version(tree, folder)
            is_ordered = order.full_digest in version.orders
            if order.part == REMOVE:
                is_ordered = order.client_key not in version.client_keys
            if not is_ordered:
                return ordered_at
            ordered_at = at
        # All versions give it: a removal was never ordered, for no version has the client.
        return None if order.part == REMOVE or is_shallow() else ordered_at

    def until(self, order: Order) -> datetime | None:
        """Return when the merge was made that ended an order: from it on no version gives the
        order. None where the newest version gives it."""
        ended_at, folder = None, Path(order.form or "").parent.name
        for at, tree in self._versions(folder):  # the newest first
            if order.full_digest in self._version(tree, folder).orders:
                break
            ended_at = at
        return ended_at

    def find(self, resource_name: str, part: str, digest: str) -> Order:
        """Return the order of this client, part and digest, of whichever version. ``digest`` may be
        the beginning of one, where all versions have one such order.

        Raises:
            Failure: where no version in Git has it, or two different ones, or where the versions
                are not all known.
        """

        def matching(orders: Iterable[Order]) -> dict[str, Order]:
            """Return the orders of this client, part and digest, by their whole digests."""
            matched: dict[str, Order] = {}
            for order in orders:
                is_of_part = (order.resource_name, order.part) == (resource_name, part)
                if is_of_part and order.full_digest.startswith(digest):
                    matched[order.full_digest] = order
            return matched

        removals = possible_removals(self._stack.confirmations)
        orders = matching((*removals, *self._stack.orders))
        is_whole = len(digest) == DIGITS
        if not (orders and is_whole):
            # Without a form nobody knows the folder that a client's form was in: then all are
            # searched.
            folder = ""
            for form in self._stack.forms.connections:
                if form.resource_name == resource_name:
                    folder = Path(form.form.path or "").parent.name
                    break
            for _, tree in self._versions(folder):
                orders |= matching(self._version(tree, folder).orders.values())
        sentence = self._reason_not_found(orders, is_whole=is_whole)
        if sentence is None:
            return next(iter(orders.values()))
        raise Failure(translated(sentence, order=f"{resource_name} {part} @{digest}"))

    @staticmethod
    def _reason_not_found(orders: Collection[str], *, is_whole: bool) -> str | None:
        """Return the sentence that says why an order is not known, with a blank for its name; None
        where it is known. ``orders`` are the digests of those that match, and ``is_whole`` says
        whether the digest was given in full."""
        if len(orders) > 1:
            return N_(
                "versions of the forms have an order {order} that say different things: write the"
                " whole digest, as its page has it"
            )
        if orders and (is_whole or not is_shallow()):
            return None
        if orders:
            return N_(
                "which version of the forms {order} means cannot be known, for this clone"
                " lacks older history: write the whole digest, as its page has it"
            )
        if is_shallow():
            return N_(
                "whether a version of the forms said {order} cannot be known, for this clone lacks"
                " older history: fetch it with git fetch --unshallow"
            )
        return N_(
            "{order} is not open, and no version of the forms in Git gives it: it was carried"
            " out already, or is mistyped; see acmidm orders list"
        )

    @cached_property
    def _forms(self) -> Path:
        """The folder of forms, as Git names it."""
        return Path(os.path.relpath(self._stack.forms.settings.forms_folder))

    @cached_property
    def _catalogue(self) -> Path:
        return Path(os.path.relpath(self._stack.forms.settings.catalogue_folder))

    @cached_property
    def _catalogue_changes(self) -> bool:
        """Whether versions may have another catalogue than today: not where it is elsewhere, as
        that of the module."""
        return os.pardir not in self._catalogue.parts

    @cached_property
    def _catalogue_is_dirty(self) -> bool:
        return is_dirty(self._catalogue)

    def _versions(self, folder: str) -> Iterator[tuple[datetime, Tree]]:
        """Yield the versions in which one folder of forms, the keys of its suppliers or the
        catalogue changed, the newest first, each with the moment of its merge. All forms count
        where ``folder`` is empty."""
        files = [self._forms / folder]
        mandates = self._stack.forms.onboardings.mandates.get(folder, ())
        for supplier in {mandate.supplier for mandate in mandates}:
            files += [self._forms / supplier / name for name in ("*.jwk.json", KEYS_FILE)]
        if self._catalogue_changes:
            files.append(self._catalogue)
        yield from versions(*files)

    def _version(self, tree: Tree, folder: str) -> _Version:
        version = tree.name, folder
        if version not in self._read:
            self._read[version] = self._read_version(tree, folder)
        return self._read[version]

    def _read_version(self, tree: Tree, folder: str) -> _Version:
        """Read what a version may have ordered, whatever was confirmed by then; nothing where it
        lacks the folder, or the catalogue."""
        settings, forms, catalogue = self._stack.forms.settings, self._forms, self._catalogue
        of_folder = tree.contents(lambda name: Path(name).is_relative_to(forms / folder))
        if not of_folder:
            return _Version({}, frozenset())
        text = b"\n".join(of_folder.values())  # it names the folders of suppliers
        is_catalogue_of_today = not self._catalogue_changes or (
            not self._catalogue_is_dirty and is_as_at(tree.name, catalogue)
        )

        def is_wanted(name: str) -> bool:
            path = Path(name)
            is_shared = path.name in (ORGANISATION_FILE, KEYS_FILE) or path.suffix == ".json"
            if path.is_relative_to(forms):
                # Of other folders only what suppliers share, where a form names their folder.
                return name in of_folder or (is_shared and path.parent.name.encode() in text)
            return path.is_relative_to(catalogue) and not is_catalogue_of_today

        files = tree.files(is_wanted)
        if not is_catalogue_of_today and not files.exists(absolute(catalogue)):
            return _Version({}, frozenset())
        read = read_onboardings([forms / folder], catalogue, files=files)
        connections = read.connections(settings.environment)
        orders = self._possible_orders(connections, self._stack.order_rules_by(read.catalogue))
        client_keys = frozenset(connection.client_key for connection in connections)
        return _Version({order.full_digest: order for order in orders}, client_keys)

    def _possible_orders(self, connections: list[Declaration], rules: Rules) -> Iterator[Order]:
        """Yield what a version may have ordered: under the present gate, none, or the strictest."""
        stack = self._stack
        # The gate may have refused earlier what it let through later.
        strictest = Gate(PromotionGate.ENFORCE, 0)
        for gate in (stack.forms.settings.gate, NO_GATE, strictest):
            for form in stack.desired_by_forms(connections, gate).declared:
                yield from possible_orders(form, confirmation_of(form, stack.confirmations), rules)


@dataclass(frozen=True)
class _Version:
    """What one version of forms and catalogue may have ordered, by digest, and the clients that it
    has."""

    orders: Mapping[str, Order]
    client_keys: frozenset[ClientKey]


def ordered_by_name(name: str) -> tuple[str, str, str]:
    """Return the client, the part and the digest in an order's name, ``OVO002067/mijn-gent scopes
    @3fa14c02``. Raises Failure."""
    words = name.replace("@", " @").split()
    if len(words) != 3 or not words[2].startswith("@") or len(words[2]) < 5:
        raise Failure(
            tr(
                "{name} is no name of an order; write it as OVO002067/mijn-gent scopes @3fa14c02",
                name=name,
            )
        )
    return words[0], words[1], words[2][1:].lower()
