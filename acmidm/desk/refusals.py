"""The service desk's list of refused token requests: which, why, and what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from acmidm.report.connection import ClientName, client_name
from acmidm.report.kinds import Part
from acmidm.report.refused import cause
from acmidm.words import plain
from acmidm_onboarding.authorities.errors import AuthorityError
from acmidm_onboarding.authorities.port import KeepsRefusals, Refusal
from acmidm_onboarding.mistakes.findings import words_in
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import say, say_counted, spoken
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment

if TYPE_CHECKING:  # httpx is not loaded before something is sent
    from acmidm_onboarding.authorities.connected import ConnectedPlatform

_TIMES = ("iat", "exp", "nbf")
_SHOWN = ("client_id", "scope", "scope[]", "audience", "resource", "grant_type")
"""The fields of a request that are shown."""
_LATEST = 253_402_300_800
"""The end of the year 9999, in seconds since 1970."""


class RefusedRequest(ClientName):
    """A token request that was refused. ``cause`` is the mistake's row in the table."""

    stack: str
    environment: Environment
    at: datetime
    cause: str
    what: str
    remedy: str
    rule: str
    said: str
    proven: bool
    sent: dict[str, str]
    thumbprint: str | None = None
    """Of the key that it names, where the client has that."""

    @property
    def when(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC"


class Refusals(Part):
    """The refused requests since a moment, newest first."""

    stacks: tuple[str, ...]
    since: datetime
    search: str = ""
    entries: tuple[RefusedRequest, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        facts = {"since": f"{self.since:%Y-%m-%d %H:%M} UTC", "stacks": ", ".join(self.stacks)}
        return say_counted("refusals.title", len(self.entries), **facts)


def read_refusals(
    stack: Stack, clients: list[Client], search: str, since: datetime
) -> tuple[list[RefusedRequest], list[str]]:
    """Return what the authorities of a stack refused since a moment: requests of ``clients``, or of
    anybody without a ``search``; and a note for each authority that does not say."""
    entries: list[RefusedRequest] = []
    notes: list[str] = []
    try:
        platforms = stack.platforms_briefly
    except Failure as failure:  # such as credentials that are not here
        return [], [say("refusals.unread", stack=stack.name, error=failure)]
    for name, platform in platforms.items():
        own = {
            client.client_id: client
            for client in clients
            if client.platform is name and client.client_id
        }
        if search and not own:
            continue
        if not isinstance(platform.authority, KeepsRefusals):
            notes.append(say("refusals.not_kept", platform=name, stack=stack.name))
            continue
        [client_id] = (
            own if search and len(own) == 1 else [None]
        )  # of several, all are read at once
        try:
            for refusal in takewhile(
                lambda refusal: refusal.at >= since, platform.authority.refusals(client_id)
            ):
                nobody = Client(
                    f"client {refusal.client_id or '?'}", name, stack.settings.environment
                )
                if not search or refusal.client_id in own:
                    entries.append(
                        _entry(stack.name, own.get(refusal.client_id, nobody), refusal, platform)
                    )
        except AuthorityError as error:
            notes.append(say("refusals.unread", stack=stack.name, error=error))
    return sorted(entries, key=lambda entry: entry.at, reverse=True), notes


def _entry(
    stack: str, client: Client, refusal: Refusal, platform: ConnectedPlatform
) -> RefusedRequest:
    found, thumbprint = cause(refusal, client.platform, client.environment, platform)
    words = words_in(spoken())
    return RefusedRequest(
        **{**client_name(client), "client_id": refusal.client_id or None},
        stack=stack,
        environment=client.environment,
        at=refusal.at,
        cause=found.id,
        what=found.what.in_words(words),
        remedy=found.remedy.in_words(words),
        rule=refusal.rule,
        said=refusal.said,
        proven=refusal.proven,
        sent=dict(_sent(refusal)),
        thumbprint=thumbprint,
    )


def _sent(refusal: Refusal) -> Iterator[tuple[str, str]]:
    """Yield what a request said, without what each request says alike."""
    fields = {name: " ".join(refusal.fields[name]) for name in _SHOWN if name in refusal.fields}
    parts: Mapping[str, Any] = {**refusal.header, **refusal.claims, **fields}
    for name, value in parts.items():
        is_time = name in _TIMES and isinstance(value, int) and 0 <= value < _LATEST
        text = f"{datetime.fromtimestamp(value, UTC):%Y-%m-%dT%H:%M:%SZ}" if is_time else value
        yield name, plain(text if isinstance(text, str) else json.dumps(text))
