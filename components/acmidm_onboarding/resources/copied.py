"""A state that was copied into another stack bears all marks of the first one: its clients must not
be taken from that stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acmidm_onboarding.recorded import is_missing, recorded, unreadable
from acmidm_onboarding.values.client import resource_name
from acmidm_onboarding.values.problems import quoted


def refusal(olds: Mapping[str, Any], news: Mapping[str, Any], stack: str | None) -> str | None:
    """Return why this stack, whose full name is ``stack``, cannot have a client that another stack
    wrote, a sentence; None where it can: the other stack is gone, as after ``pulumi stack rename``,
    or has no such client any more. ``olds`` are the recorded inputs of the client, ``news`` those
    of this run."""
    before = olds.get("managed_by")
    if stack is None or before in (None, news.get("managed_by")):
        return None
    copied_from = str(before).rpartition("/")[2]
    if "/" in stack:  # <organisation>/<project>/<stack>, of which the mark lacks the first
        copied_from = f"{stack.partition('/')[0]}/{before}"
    state = recorded(copied_from)
    if state is None:
        if is_missing(copied_from):
            return None
        return (
            f"whether stack {quoted(before)} still has this client cannot be known:"
            f" {unreadable(copied_from)}; run the same command again"
        )
    platform, _, key = str(olds.get("software_id")).split("/", 2)
    client = state.parts.get(resource_name(key, platform))
    if client is None or not client.client_id:
        return None
    return (
        f"stack {before} has client {client.client_id} still, so that the state of this stack is a"
        " copy, which takes nothing over; go on with that stack, or when this one is to follow it,"
        f" forget that one first: pulumi stack rm --force --stack {copied_from}"
    )
