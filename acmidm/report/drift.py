"""The report of drift: what was changed by hand, what waits, which keys end, and which clients
nobody declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from acmidm.report.connection import (
    ClientName,
    ConnectionChanges,
    client_name,
    connections_in_order,
    headline,
)
from acmidm.report.document import Document, Line, Piece, Section, Shape, Tone, notes, refused
from acmidm.report.kinds import Part, Report, sentence_of
from acmidm.report.three_views import ClientDrift, Real
from acmidm.words import WHOLE, day, days, plain
from acmidm_onboarding.rules.ends import past_ends
from acmidm_onboarding.rules.policies import Planned, Profile, Situation, violations
from acmidm_onboarding.texts import N_, NN_, ntr, ntranslated, tr, translated
from acmidm_onboarding.values.client import Client, ClientKey
from acmidm_onboarding.values.end import EndOf
from acmidm_onboarding.values.terms import Environment, Platform

_PAST: Mapping[EndOf, Callable[[str], str]] = {
    EndOf.SCOPE: lambda name: tr("scope {name}", name=name),
    EndOf.MANDATE: lambda name: tr("what the mandate of {name} gave", name=name),
    EndOf.CLIENT: lambda name: tr("its client on {name}", name=name),
    EndOf.PRODUCT: lambda name: tr("its configuration of {name}", name=name),
}


class ExpiringKey(ClientName):
    """A key of a declared client that ends soon, or has ended."""

    kid: str
    thumbprint: str | None = None
    expires: datetime
    days_left: int

    @property
    def ends(self) -> str:
        """When it ends, and how long that is from now."""
        ended = self.days_left < 0
        return (
            tr("{day} expired", day=day(self.expires))
            if ended
            else f"{day(self.expires)}, {days(self.days_left)}"
        )

    def as_line(self) -> Line:
        """Return the key and whose it is, behind when it ends."""
        key = sentence_of(
            N_("key {kid}, thumbprint {thumbprint}"),
            kid=self.kid or "?",
            thumbprint=self.thumbprint or "?",
        )
        tone = Tone.DANGER if self.days_left < 0 else Tone.WARNING
        return Line([*self.pieces, Piece(": "), *key], Piece(self.ends, tone))


class PastEnd(ClientName):
    """What has ended of a client and is still at its authority."""

    of: EndOf
    what: str
    last_day: date

    def as_line(self) -> Line:
        """Return what it is and whose, behind its last day."""
        what = _PAST[self.of](self.what)
        label = Piece(tr("until {day}", day=self.last_day), Tone.DANGER)
        return Line([*self.pieces, Piece(f": {plain(what)}")], label)


class UndeclaredClient(Part):
    """A client at an authority that no form declares, or whose configurations of ``products`` no
    form declares."""

    platform: Platform
    client_id: str
    client_name: str
    organisation: str
    application: str
    products: tuple[str, ...] = ()
    """Those whose configuration bears the same marks."""
    is_of_another: bool = False
    """Whether the products alone bear these marks: the client has others by now, or is gone."""
    software_id: str | None = None
    made_by: str | None = None

    @property
    def title(self) -> str:
        """What nobody declares: the client with its products, or the products alone."""
        products = ", ".join(self.products)
        if self.is_of_another:
            return tr(
                "{products} of {client}, which is another's",
                products=products,
                client=self.client_name,
            )
        return (
            tr("{client}, with {products}", products=products, client=self.client_name)
            if products
            else self.client_name
        )

    def as_line(self) -> Line:
        """Return what it is, where it is, and who made it."""
        platform = Piece(self.platform)
        where = sentence_of(
            N_("{client_id} on {platform}"), client_id=self.client_id, platform=platform
        )
        maker = sentence_of(N_(", made by {name}"), name=self.made_by)
        return Line([Piece(f"{plain(self.title)}: "), *where, *maker])


class Drift(Report):
    """One stack: declared against real."""

    stack: str
    environment: Environment
    headline: str
    checked_at: datetime
    in_sync: bool
    is_whole: bool = True
    """Whether all could be compared."""
    clients: int
    by_hand: tuple[ConnectionChanges, ...]
    not_applied: tuple[ConnectionChanges, ...]
    past: tuple[PastEnd, ...] = ()
    """What has ended and is still there: the next run ends it."""
    by_hand_alone: tuple[Platform, ...] = ()
    """The platforms that people alone change."""
    expiring: tuple[ExpiringKey, ...] = ()
    left_behind: tuple[UndeclaredClient, ...] = ()
    """Those that bear this stack's mark, and that nobody declares: their keys work on, and no run
    will ever remove them."""
    undeclared: tuple[UndeclaredClient, ...] = ()
    healed: bool | None = None
    repaired: tuple[ConnectionChanges, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_document(self) -> Document:
        """Return what was changed by hand first, then what waits, then what is only to be known."""
        repaired = translated(
            N_("repaired") if self.healed else N_("not all of it could be repaired")
        )
        past = [end.as_line() for end in self.past]
        expiring = [key.as_line() for key in self.expiring]
        left_behind = [client.as_line() for client in self.left_behind]
        undeclared = [client.as_line() for client in self.undeclared]
        sections = [
            refused(self.problems),
            _counted(
                "past",
                tr("past their end, and still there; run {remedy}", remedy=self._remedy_of_past),
                past,
            ),
            _clients(tr("changed by hand"), self.by_hand),
            _clients(tr("declared, not applied yet"), self.not_applied),
            _counted("key", tr("keys that end soon"), expiring),
            _counted(
                "left_behind",
                tr("clients left behind, with this stack's mark"),
                left_behind,
                Shape.OPEN_FOLD,
            ),
            _counted("undeclared", tr("clients that nobody declares"), undeclared, Shape.FOLD),
            notes(self.notes),
        ]
        sections = [section for section in sections if section.lines]
        if self.healed is not None:
            sections.insert(0, _clients(repaired, self.repaired, undone=self.healed))
        checked_at = f"{self.checked_at:%Y-%m-%d %H:%M}"
        foot = [
            ntr(
                "{count} client, checked at {at} UTC",
                "{count} clients, checked at {at} UTC",
                self.clients,
                at=checked_at,
            )
        ]
        if self.by_hand:
            foot.insert(
                0,
                tr(
                    "Repair what was changed by hand: `acmidm drift --stack {stack} --heal`, or"
                    " take it into the forms: `--take-over CLIENT`.",
                    stack=self.stack,
                ),
            )
        return Document(
            self.headline,
            sections,
            Tone.GOOD if self.in_sync else Tone.DANGER,
            foot,
            whole=f"`acmidm drift --stack {self.stack}`",
        )

    @property
    def _remedy_of_past(self) -> str:
        """The commands that end what is past its end."""
        sides = {end.platform in self.by_hand_alone for end in self.past}
        remedies = {
            False: tr("acmidm deploy --stack {stack}", stack=self.stack),
            True: tr(
                "acmidm orders --stack {stack} (at a portal without an API)", stack=self.stack
            ),
        }
        return f" {tr('and')} ".join(remedies[side] for side in sorted(sides))


def _clients(
    title: str, connections: Sequence[ConnectionChanges], *, undone: bool = False
) -> Section:
    heading = f"{title}: {ntr('{count} client', '{count} clients', len(connections))}"
    lines = [connection.as_line(undone=undone) for connection in connections]
    return Section("client", lines, heading, Shape.TABLE)


def _counted(what: str, title: str, lines: Sequence[Line], shape: Shape = Shape.LIST) -> Section:
    heading = f"{title}: {len(lines):,}"
    width = max((len(line.label.text) for line in lines), default=0) + 2
    return Section(what, lines, heading, shape, label_width=width)


def expiring_keys(
    clients: Iterable[ClientDrift], now: datetime, days: int
) -> tuple[ExpiringKey, ...]:
    """Return the keys that end within ``days``, those in the portal too, the first to end first."""
    keys = [
        ExpiringKey(
            **client_name(state),
            kid=kid,
            thumbprint=key.thumbprint,
            expires=key.expires,
            days_left=left,
        )
        for client in clients
        if (state := client.recorded or client.declared)
        for kid, key in ((client.real or state).known_keys or {}).items()
        if key.expires and (left := (key.expires - now).days) <= days
    ]
    return tuple(sorted(keys, key=lambda key: (key.expires, key.key, key.kid)))


def ends_that_passed(
    clients: Iterable[ClientDrift], forms: Mapping[ClientKey, Client], now: datetime
) -> tuple[PastEnd, ...]:
    """Return what has ended and is still at its authority, the first to end first. ``forms`` are
    the clients that forms have, with all that they name, whether it has ended or not."""
    past = [
        PastEnd(**client_name(state), of=end.of, what=end.name, last_day=end.last_day)
        for client in clients
        if client.real and (state := client.recorded or client.declared)
        for end in past_ends(forms.get(state.client_key, state), client.real, now.date())
    ]
    return tuple(sorted(past, key=lambda end: (end.last_day, end.key, end.of, end.what)))


def key_warnings(
    clients: Iterable[ClientDrift], real: Mapping[Platform, Real], profile: Profile, now: datetime
) -> tuple[str, ...]:
    """Return what the policies find in keys that organisations uploaded: no form has them, so that
    nothing else checks them."""
    return tuple(
        plain(
            tr(
                "{key}: {what}, uploaded in the portal; {remedy}",
                key=state.key,
                what=finding.what,
                remedy=finding.remedy,
            ),
            WHOLE,
        )
        for client in clients
        if (state := client.declared) and client.real and state.keys is None and not state.jwks_uri
        for snapshot in [real[state.platform].clients[str(client.real.client_id)]]
        for _, finding in violations(
            Planned(keys=snapshot.jwks),
            Situation(state.environment, profile, now),
            state.exemptions,
        )
    )


def drift_of(
    stack: str, environment: Environment, clients: Sequence[ClientDrift], now: datetime, **more: Any
) -> Drift:
    """Return the report; ``more`` are its fields that other sources fill."""
    by_hand = connections_in_order(client.by_hand for client in clients if client.by_hand)
    pending = connections_in_order(client.pending for client in clients if client.pending)
    recorded = sum(client.recorded is not None for client in clients)
    sentences = (
        [tr("By hand on {stack}: {changes}", stack=stack, changes=headline(by_hand))]
        if by_hand
        else []
    )
    sentences += (
        [
            ntr(
                "{count} client has changes on {stack} that are not applied yet",
                "{count} clients have changes on {stack} that are not applied yet",
                len(pending),
                stack=stack,
            )
        ]
        if pending
        else []
    )
    past: Sequence[PastEnd] = more.get("past", ())
    if past:
        sentences.append(
            ntr(
                "{count} thing on {stack} is past its end and still there",
                "{count} things on {stack} are past their end and still there",
                len(past),
                stack=stack,
            )
        )
    behind: Sequence[UndeclaredClient] = more.get("left_behind", ())
    sentences += (
        [
            ntr(
                "{count} client with the mark of {stack} that nobody declares",
                "{count} clients with the mark of {stack} that nobody declares",
                len(behind),
                stack=stack,
            )
        ]
        if behind
        else []
    )
    is_whole = bool(more.get("is_whole", True))
    sentences += [] if is_whole else [tr("not all could be compared")]
    if not sentences:
        sentences = [
            ntr(
                "{stack} is in sync: its {count} client is as declared",
                "{stack} is in sync: all {count} clients are as declared",
                recorded,
                stack=stack,
            )
            if recorded
            else tr("{stack} is in sync: no client is declared, and there is none", stack=stack)
        ]
    keys: Sequence[ExpiringKey] = more.get("expiring", ())
    expired = sum(key.days_left < 0 for key in keys)
    ends = (
        (NN_("{count} key has expired", "{count} keys have expired"), expired),
        (NN_("{count} key ends soon", "{count} keys end soon"), len(keys) - expired),
    )
    sentences += (
        [", ".join(ntranslated(name, count) for name, count in ends if count)] if keys else []
    )
    return Drift(
        stack=stack,
        environment=environment,
        headline="; ".join(sentences),
        checked_at=now,
        in_sync=not (by_hand or pending or behind or past) and is_whole,
        clients=recorded,
        by_hand=by_hand,
        not_applied=pending,
        **more,
    )
