"""The mistakes in the forms of a stack, and whose connections stay as they are for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from acmidm.words import first_of
from acmidm_onboarding.rules.mistaken import Ending
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import Language, plural
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.problems import listed


def mistakes_of(stack: Stack) -> list[str]:
    """Return a sentence for each mistake in forms, and one or two that name the connections which
    stay as they are for them; none where the forms are right.

    Raises:
        InvalidForms: for a mistake in what all forms share.
        Failure: where the state cannot be read.
    """
    if not stack.forms.onboardings.problems:
        return []
    endings = {connection.key: connection.ending for connection in stack.staying}
    whole, losing = list[str](), list[str]()
    for client in staying_clients(stack):
        lost = _lost_parts(endings[client.key].get(client.platform, Ending()))
        if lost:
            losing.append(f"{client.organisation} ({client.resource_name}: {listed(lost)})")
        else:
            whole.append(f"{client.organisation} ({client.resource_name})")
    return [*map(str, stack.forms.onboardings.problems), *_staying_in_words(whole, losing)]


def _staying_in_words(whole: Collection[str], losing: Collection[str]) -> Iterator[str]:
    """Yield a sentence on the connections that stay ``whole``, and one on those ``losing`` a right
    at once; where there are none of either, that no connection is recorded. Both are as ``Stad Gent
    (OVO002067/loket)``."""
    if whole:
        yield plural(
            "{count} connection stays as it is, for a mistake in the forms may be about it:"
            " {clients}; correct the forms, then run the same command again",
            "{count} connections stay as they are, for a mistake in the forms may be about them:"
            " {clients}; correct the forms, then run the same command again",
            len(whole),
            clients=first_of(sorted(whole), language=Language.EN),
        )
    if losing:
        yield plural(
            "{count} connection stays as it is but for what it loses at once, by a stolen key or"
            " the end of a mandate, for a mistake in the forms may be about it: {clients}; correct"
            " the forms, then run the same command again",
            "{count} connections stay as they are but for what they lose at once, by a stolen key"
            " or the end of a mandate, for a mistake in the forms may be about them: {clients};"
            " correct the forms, then run the same command again",
            len(losing),
            clients=first_of(sorted(losing), language=Language.EN),
        )
    if not whole and not losing:
        yield (
            "no connection is recorded that a mistake in the forms may be about, and none is made;"
            " correct the forms, then run the same command again"
        )


def _lost_parts(ending: Ending) -> list[str]:
    """Return what a client loses at once though it stays as it is: ``["scopes", "keys"]``."""
    lost = {"scopes": ending.takes_scopes, "keys": ending.keys, "Afzenders": ending.afzenders}
    return [part for part, is_lost in lost.items() if is_lost]


def staying_clients(stack: Stack) -> list[Client]:
    """Return the recorded clients that a run leaves as they are, for a mistake in the forms may be
    about them. Raises as ``mistakes_of``."""
    keys = {connection.key for connection in stack.staying}
    if not keys:  # nothing else needs the state
        return []
    return [client for client in stack.state.recorded.clients.values() if client.key in keys]
