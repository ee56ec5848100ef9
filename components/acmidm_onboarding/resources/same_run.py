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
    """What a run has compared, and what it has tried to make in vain. One for all providers of its
    process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._declared: dict[tuple[str, str], set[str]] = {}
        self._inside: set[tuple[str, str, str]] = set()
        self._not_made: set[str] = set()

    def declares(self, id_: str, props: Properties) -> None:
        """Note that a resource that the state has is declared."""
        if incarnation := props.get(INCARNATION):
            with self._lock:
                self._declared.setdefault((props["platform"], id_), set()).add(incarnation)

    def goes_on(self, kind: str, props: Properties) -> None:
        """Note that a resource inside a client is declared."""
        with self._lock:
            self._inside.add((kind, props["platform"], props["client_id"]))

    def has_another(self, kind: str, props: Properties) -> bool:
        """Return whether a resource inside a client has nothing to lose: one of its kind is
        declared for the same client."""
        with self._lock:
            return (kind, props["platform"], props["client_id"]) in self._inside

    def could_not_make(self, props: Properties) -> None:
        """Note that a create has failed: what bears its names is not removed in this run, for
        nothing replaces it."""
        with self._lock:
            self._not_made |= _names(props)

    def may_remove(self, what: str, id_: str, props: Properties) -> bool:
        """Return whether a resource may remove what it manages: not where this run declares another
        resource for it.

        Raises:
            Rejected: where the resource's replacement could not be made.
        """
        # A configuration's own, and its client's.
        names = _names(props) | _names({**props, "product": None})
        with self._lock:
            not_made = names & self._not_made
            others = self._declared.get((props["platform"], id_), set()) - {props.get(INCARNATION)}
        if not_made:
            raise Rejected(
                f"{what} stays, for what was to go on with it could not be made in this run:"
                " correct what went wrong there, then run the same command again"
            )
        return not others


def _names(props: Properties) -> set[str]:
    """Return the natural keys and client-IDs of a resource, each with its platform and its product,
    if it has one."""
    connection, adopted = props.get(CONNECTION) or {}, props.get("adopt") or {}
    names = {props.get("software_id"), connection.get("software_id"), *(props.get(FORMERLY) or ())}
    names |= {props.get("client_id"), adopted.get("client_id")}
    platform, product = props["platform"], props.get("product") or ""
    return {f"{platform} {name} {product}" for name in names if name is not None}
