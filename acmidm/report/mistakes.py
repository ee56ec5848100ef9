"""The mistakes in the forms of a stack, and whose connections stay as they are for them."""

from __future__ import annotations

from acmidm.words import first_of
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import say, say_counted
from acmidm_onboarding.values.client import Client


def mistakes_of(stack: Stack) -> list[str]:
    """Return a sentence for each mistake, as ``validate`` has it, and one about whose connections
    stay; none where the forms are right.

    Raises:
        InvalidForms: for a mistake in what all forms share.
        Failure: where the state cannot be read.
    """
    if not stack.forms.problems:
        return []
    staying = staying_clients(stack)
    names = sorted(f"{client.organisation} ({client.resource_name})" for client in staying)
    stay = (
        say_counted("state.stay", len(names), clients=first_of(names))
        if names
        else say("state.none_stays")
    )
    return [*map(str, stack.forms.problems), stay]


def staying_clients(stack: Stack) -> list[Client]:
    """Return the recorded clients of the connections that stay as they are. Raises as
    ``mistakes_of``."""
    keys = {connection.key for connection in stack.staying}
    if not keys:  # nothing else needs the state
        return []
    return [client for client in stack.recorded.clients.values() if client.key in keys]
