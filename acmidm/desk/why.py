"""One answer for the service desk: how a connection stands, what is probably wrong, and what to say
to a caller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from acmidm.desk.progress import Progress, WaitsFor
from acmidm.desk.refusals import RefusedRequest
from acmidm.desk.steps import Place
from acmidm.git import described, versions
from acmidm.report.authors import attributed
from acmidm.report.connection import ConnectionChanges
from acmidm.report.kinds import Change, Kind, Part
from acmidm.words import day, plain
from acmidm_onboarding.authorities.port import Audited
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import say, say_counted, spoken
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment

_BRUSSELS = ZoneInfo("Europe/Brussels")


class GrantedScope(Part):
    """Why a client has a scope."""

    scope: str
    reason: str | None = None
    """With its reference, as the form has it."""
    commit: str | None = None
    """Which commit brought it into the form: its name, its day, who made it."""
    by: str | None = None
    """Who granted it, by the trail of the authority."""
    at: datetime | None = None

    @property
    def text(self) -> str:
        facts = [self.reason or say("why.no_reason")]
        facts += (
            [say("why.granted", by=plain(self.by), day=day(self.at))] if self.by and self.at else []
        )
        facts += [say("why.commit", commit=plain(self.commit))] if self.commit else []
        return f"{plain(self.scope)}: {'; '.join(facts)}"


class Answer(Place):
    """How one connection stands. ``causes`` are what is probably wrong, the likeliest first."""

    refusals: tuple[RefusedRequest, ...] = ()
    by_hand: tuple[str, ...] = ()
    """What was changed by hand at its authority."""
    granted: tuple[GrantedScope, ...] = ()
    causes: tuple[str, ...] = ()
    tell: str = ""
    """What to say to whoever calls."""

    @property
    def last_token(self) -> str:
        if self.last_token_at is None:
            return say("why.token_unknown" if "last_token" in self.unknown else "why.no_token")
        return f"{self.last_token_at:%Y-%m-%d %H:%M} UTC"


class Why(Part):
    """The answers about the connections that were meant."""

    checked_at: datetime
    stacks: tuple[str, ...]
    search: str
    answers: tuple[Answer, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return say_counted(
            "why.title", len(self.answers), search=plain(self.search), stacks=", ".join(self.stacks)
        )


def answer(
    row: Progress,
    refusals: Iterable[RefusedRequest],
    by_hand: Iterable[str],
    granted: Iterable[GrantedScope],
) -> Answer:
    """Return the answer about a connection. ``refusals`` are its own, the newest first."""
    card = Answer(
        **dict(row),
        language=spoken(),
        text=row.to_do(spoken()),
        refusals=tuple(refusals),
        by_hand=tuple(by_hand),
        granted=tuple(granted),
    )
    causes, told = zip(
        *(tuple(_causes(card)) or [(say("why.well"), say("why.tell.well"))]), strict=True
    )
    return card.model_copy(update={"causes": causes, "tell": told[0]})


def _causes(card: Answer) -> Iterator[tuple[str, str]]:
    """Yield what may be wrong, the likeliest first, each with what to say of it."""
    newest = next(iter(card.refusals), None)
    if newest and (card.last_token_at is None or newest.at > card.last_token_at):
        at = newest.at.astimezone(_BRUSSELS)
        facts = {
            "what": newest.what,
            "remedy": newest.remedy,
            "day": card.room.day(at),
            "time": f"{at:%H:%M}",
        }
        yield say("why.refused", **facts), say("why.tell.refused", **facts)
    if card.by_hand:
        yield say("why.by_hand", changes="; ".join(card.by_hand)), say("why.tell.by_hand")
    if card.waits_for:
        is_theirs = card.waits_for is WaitsFor.ORGANISATION
        yield card.text, card.on_card if is_theirs else say("why.tell.waits", whom=card.whom)


def granted_scopes(row: Progress, stack: Stack) -> list[GrantedScope]:
    """Return why a client has each of its scopes: the reason in its form, the commit that brought
    it there, and who granted it."""
    connection = row.connection
    commits = _brought_by(row.values["form"], connection.environment, connection.scopes)
    scopes = tuple(Change(kind=Kind.SCOPE_GRANTED, subject=scope) for scope in connection.scopes)
    granted = ConnectionChanges(**{**vars(connection), "changes": scopes})
    with suppress(Failure):  # who granted it is then not known
        platform = stack.platforms_briefly.get(connection.platform)
        if connection.client_id and platform and isinstance(platform.authority, Audited):
            granted = attributed(granted, platform.authority.recorded_changes(connection.client_id))
    return [
        GrantedScope(
            scope=scope,
            reason=connection.reasons.get(scope),
            commit=described(commits[scope]) if scope in commits else None,
            by=change.changed_by,
            at=change.changed_at,
        )
        for change in granted.changes
        if (scope := change.subject)
    ]


def _brought_by(form: str, environment: Environment, scopes: Iterable[str]) -> dict[str, str]:
    """Return per scope the commit since which the form has had it without a break."""
    left, found = set(scopes), dict[str, str]()
    for _, tree in versions(Path(form)) if form else ():
        left &= _scopes_in(tree.contents(lambda path: path == form).get(form, b""), environment)
        if not left:
            break
        found.update(dict.fromkeys(left, tree.name))
    return found


def _scopes_in(content: bytes, environment: Environment) -> set[str]:
    """Return the scopes of a version of a form in one environment; none where it cannot be read."""
    try:
        form = yaml.load(content, Loader=yaml.CSafeLoader)
        return {*form["environments"][environment.value]["scopes"]}
    except (yaml.YAMLError, KeyError, TypeError):
        return set()
