"""What a run did with a connection before it removes something of it.

The engine makes, compares and changes all that a program declares before it removes what is
declared no more, and one process of the providers does all of that. So a removal knows two things
that neither state nor authority has: whether another resource is declared for the same client, as
after a move that was undone, and whether the resource's replacement could not be made.
"""

from __future__ import annotations

import threading

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.engine_resources import INCARNATION
from acmidm_onboarding.resources.ownership import CONNECTION, FORMERLY, Properties


class SameRun:
    """What a run has declared, and which creates of it have failed. One for all providers of its
    process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._declared: dict[tuple[str, str], set[str]] = {}
        """The incarnations of the declared resources, by platform and ID."""
        self._parts: set[tuple[str, str, str]] = set()
        """The declared parts of clients: kind of provider, platform and client-ID."""
        self._not_made: set[str] = set()

    def note_declared(self, id_: str, props: Properties) -> None:
        """Note that the program declares a resource that the state has."""
        if incarnation := props.get(INCARNATION):
            with self._lock:
                self._declared.setdefault((props["platform"], id_), set()).add(incarnation)

    def note_part(self, kind: str, props: Properties) -> None:
        """Note that the program declares a part of a client, such as its scopes; ``kind`` is the
        name of its provider."""
        with self._lock:
            self._parts.add((kind, props["platform"], props["client_id"]))

    def has_part(self, kind: str, props: Properties) -> bool:
        """Return whether this run declares that part of the client, perhaps by another resource: so
        the client does not lose it when this one goes."""
        with self._lock:
            return (kind, props["platform"], props["client_id"]) in self._parts

    def note_failed_create(self, props: Properties) -> None:
        """Note that a create failed: what bears the same key or client-ID is not removed in this
        run, for nothing replaces it."""
        with self._lock:
            self._not_made |= _names(props)

    def may_remove(self, what: str, id_: str, props: Properties) -> bool:
        """Return whether a resource may remove ``what`` it manages: False where this run declares
        another resource for the same, which goes on with it.

        Raises:
            Rejected: where the resource's replacement could not be made.
        """
        # A configuration also stays where its client could not be made.
        names = _names(props) | _names({**props, "product": None})
        with self._lock:
            not_made = names & self._not_made
            incarnations = self._declared.get((props["platform"], id_), set())
            other_resources = incarnations - {props.get(INCARNATION)}
        if not_made:
            raise Rejected(
                f"{what} stays, for what was to go on with it could not be made in this run:"
                " correct what went wrong there, then run the same command again"
            )
        return not other_resources


def _names(props: Properties) -> set[str]:
    """Return what a resource can be recognised by: each natural key and client-ID that it has, had
    or takes over, as ``"acmidm <name> <product>"``; the product is empty but for configurations.
    """
    connection, adopted = props.get(CONNECTION) or {}, props.get("adopt") or {}
    names = {props.get("software_id"), connection.get("software_id"), *(props.get(FORMERLY) or ())}
    names |= {props.get("client_id"), adopted.get("client_id")}
    platform, product = props["platform"], props.get("product") or ""
    return {f"{platform} {name} {product}" for name in names if name is not None}
