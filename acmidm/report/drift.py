"""The report of drift: what was changed by hand, what waits, which keys end, and which clients
nobody declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from acmidm.report.connection import (
    ClientName,
    ConnectionChanges,
    client_name,
    connections_in_order,
    headline,
)
from acmidm.report.document import (
    Document,
    Line,
    Piece,
    Section,
    Shape,
    Tone,
    lines_of,
    notes,
    refused,
)
from acmidm.report.kinds import Report, ReportPart, sentence_of
from acmidm.report.three_views import ClientDrift
from acmidm.words import WHOLE, counted, day, days, plain
from acmidm_onboarding.rules.ends import past_ends
from acmidm_onboarding.rules.policies import Profile, Situation, violations
from acmidm_onboarding.texts import N_, NN_, ntr, tr, translated
from acmidm_onboarding.values.client import Client, ClientKey
from acmidm_onboarding.values.end import EndOf
from acmidm_onboarding.values.problems import both
from acmidm_onboarding.values.terms import Environment, Platform

_PAST = {
    EndOf.SCOPE: N_("scope {name}"),
    EndOf.MANDATE: N_("what the mandate of {name} gave"),
    EndOf.CLIENT: N_("its client on {name}"),
    EndOf.PRODUCT: N_("its configuration of {name}"),
}
"""What has ended, in a sentence."""


class ExpiringKey(ClientName):
    """A key of a declared client that ends soon, or has ended."""

    kid: str
    thumbprint: str | None = None
    expires: datetime
    days_left: int

    @property
    def ends(self) -> str:
        """When it ends, and how long that is from now."""
        if self.days_left < 0:
            return tr("{day} expired", day=day(self.expires))
        return f"{day(self.expires)}, {days(self.days_left)}"

    def as_line(self) -> Line:
        """Return ``2026-12-24, 23 days left  Stad Gent · loket: key 2026, thumbprint …``."""
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
        """Return ``until 2026-11-30  Stad Gent · loket: scope dv_dosis_schrijven``."""
        what = translated(_PAST[self.of], name=self.what)
        label = Piece(tr("until {day}", day=self.last_day), Tone.DANGER)
        return Line([*self.pieces, Piece(f": {plain(what)}")], label)


class UndeclaredClient(ReportPart):
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
        """What nobody declares: ``loket``, ``loket, with dosis``, or ``dosis of loket, which is
        another's``."""
        products = ", ".join(self.products)
        if self.is_of_another:
            return tr(
                "{products} of {client}, which is another's",
                products=products,
                client=self.client_name,
            )
        if products:
            return tr("{client}, with {products}", products=products, client=self.client_name)
        return self.client_name

    def as_line(self) -> Line:
        """Return ``loket, with dosis: 8b1f… on acmidm, made by TNI``."""
        platform = Piece(self.platform)
        where = sentence_of(
            N_("{client_id} on {platform}"), client_id=self.client_id, platform=platform
        )
        maker = sentence_of(N_(", made by {name}"), name=self.made_by)
        return Line([Piece(f"{plain(self.title)}: "), *where, *maker])


class Drift(Report):
    """How the actual clients of one stack differ from the recorded and the declared ones."""

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
    """Whether ``--heal`` repaired all that it should; None where nobody gave that option, or
    nothing was to be repaired."""
    repaired: tuple[ConnectionChanges, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_document(self) -> Document:
        """Return the report, by urgency: repairs, problems, what is past its end, changes by hand,
        pending changes, then keys that end and clients that nobody declares."""
        sections = [
            refused(self.problems),
            _section_of(
                tr("past their end, and still there; run {remedy}", remedy=self._remedy_of_past),
                self.past,
            ),
            _section_of_clients(tr("changed by hand"), self.by_hand),
            _section_of_clients(tr("declared, not applied yet"), self.not_applied),
            _section_of(tr("keys that end soon"), self.expiring),
            _section_of(tr("clients left behind, with this stack's mark"), self.left_behind),
            _section_of(tr("clients that nobody declares"), self.undeclared, Shape.FOLD),
            notes(self.notes),
        ]
        sections = [section for section in sections if section.lines]
        if self.healed is not None:
            title = tr("repaired") if self.healed else tr("not all of it could be repaired")
            sections.insert(0, _section_of_clients(title, self.repaired, undone=self.healed))
        foot: list[str] = []
        if self.by_hand:
            foot.append(
                tr(
                    "Repair what was changed by hand: `acmidm drift --stack {stack} --heal`, or"
                    " take it into the forms: `--take-over CLIENT`.",
                    stack=self.stack,
                )
            )
        foot.append(
            ntr(
                "{count} client, checked at {at} UTC",
                "{count} clients, checked at {at} UTC",
                self.clients,
                at=f"{self.checked_at:%Y-%m-%d %H:%M}",
            )
        )
        tone = Tone.GOOD if self.in_sync else Tone.DANGER
        whole = f"`acmidm drift --stack {self.stack}`"
        return Document(self.headline, sections, tone, foot, whole=whole)

    @property
    def _remedy_of_past(self) -> str:
        """``acmidm deploy --stack tni``, or the orders of a portal without an API, or both: what
        ends that which is past its end."""
        platforms, by_hand = {end.platform for end in self.past}, {*self.by_hand_alone}
        remedies: list[str] = []
        if platforms - by_hand:
            remedies.append(tr("acmidm deploy --stack {stack}", stack=self.stack))
        if platforms & by_hand:
            remedies.append(
                tr("acmidm orders --stack {stack} (at a portal without an API)", stack=self.stack)
            )
        return both(remedies)


def _section_of_clients(
    title: str, connections: Sequence[ConnectionChanges], *, undone: bool = False
) -> Section:
    """Return a section of clients with their changes, and their number in its heading; ``undone``
    where a repair has undone the changes."""
    heading = f"{title}: {ntr('{count} client', '{count} clients', len(connections))}"
    lines = [connection.as_line(undone=undone) for connection in connections]
    return Section(lines, heading)


def _section_of(
    title: str,
    things: Sequence[PastEnd | ExpiringKey | UndeclaredClient],
    shape: Shape = Shape.LIST,
) -> Section:
    """Return a section with a line of each thing, and their number in its heading."""
    return Section(lines_of(things), f"{title}: {len(things):,}", shape)


def expiring_keys(
    clients: Iterable[ClientDrift], now: datetime, days: int
) -> tuple[ExpiringKey, ...]:
    """Return the keys that end within ``days`` or have ended, the first to end first: those that
    the authority has, keys of the portal included, else those that the state has."""
    keys: list[ExpiringKey] = []
    for client in clients:
        expected = client.recorded or client.declared
        if expected is None:  # it leaves
            continue
        for kid, key in ((client.actual or expected).keys.known or {}).items():
            if key.expires is None or (key.expires - now).days > days:
                continue
            keys.append(
                ExpiringKey(
                    **client_name(expected),
                    kid=kid,
                    thumbprint=key.thumbprint,
                    expires=key.expires,
                    days_left=(key.expires - now).days,
                )
            )
    return tuple(sorted(keys, key=lambda key: (key.expires, key.key, key.kid)))


def ends_that_passed(
    clients: Iterable[ClientDrift], forms: Mapping[ClientKey, Client], now: datetime
) -> tuple[PastEnd, ...]:
    """Return each scope, mandate, client or product that has ended and is still at its authority,
    the first to end first. ``forms`` are the clients as forms name them, whether what they name has
    ended or not."""
    past: list[PastEnd] = []
    for client in clients:
        expected = client.recorded or client.declared
        if expected is None or client.actual is None:
            continue
        form = forms.get(expected.client_key, expected)
        name, ends = client_name(expected), past_ends(form, client.actual, now.date())
        past += [PastEnd(**name, of=end.of, what=end.name, last_day=end.last_day) for end in ends]
    return tuple(sorted(past, key=lambda end: (end.last_day, end.key, end.of, end.what)))


def key_warnings(
    clients: Iterable[ClientDrift], profile: Profile, now: datetime
) -> tuple[str, ...]:
    """Return a sentence for each policy that a key violates which an organisation uploaded in the
    portal. No form has these keys, so that nothing else checks them."""
    warnings: list[str] = []
    for client in clients:
        declared = client.declared
        if declared is None or client.registered is None:
            continue
        if declared.keys.declared is not None or declared.jwks_uri:  # none is from the portal
            continue
        situation = Situation(declared.environment, profile, now, client.registered.jwks)
        for _, finding in violations(situation, declared.form.exemptions):
            warning = tr(
                "{key}: {what}, uploaded in the portal; {remedy}",
                key=declared.key,
                what=finding.what,
                remedy=finding.remedy,
            )
            warnings.append(plain(warning, WHOLE))
    return tuple(warnings)


def drift_of(
    stack: str,
    environment: Environment,
    clients: Sequence[ClientDrift],
    now: datetime,
    **fields: Any,
) -> Drift:
    """Return the report with its headline. ``fields`` are those of a ``Drift`` that do not follow
    from the clients' changes: ``past``, ``expiring``, ``left_behind``, ``is_whole`` and so on."""
    by_hand = connections_in_order(client.by_hand for client in clients if client.by_hand)
    pending = connections_in_order(client.pending for client in clients if client.pending)
    recorded = sum(client.recorded is not None for client in clients)
    past, left_behind = fields.get("past", ()), fields.get("left_behind", ())
    is_whole = bool(fields.get("is_whole", True))
    sentences: list[str] = []
    if by_hand:
        changes = headline(by_hand)
        sentences.append(tr("By hand on {stack}: {changes}", stack=stack, changes=changes))
    counts = {
        NN_(
            "{count} client has changes on {stack} that are not applied yet",
            "{count} clients have changes on {stack} that are not applied yet",
        ): len(pending),
        NN_(
            "{count} thing on {stack} is past its end and still there",
            "{count} things on {stack} are past their end and still there",
        ): len(past),
        NN_(
            "{count} client with the mark of {stack} that nobody declares",
            "{count} clients with the mark of {stack} that nobody declares",
        ): len(left_behind),
    }
    sentences += counted(counts, stack=stack)
    if not is_whole:
        sentences.append(tr("not all could be compared"))
    if not sentences:
        sentences.append(_in_sync_in_words(stack, recorded))
    if ending_keys := _ending_keys_in_words(fields.get("expiring", ())):
        sentences.append(ending_keys)
    return Drift(
        stack=stack,
        environment=environment,
        headline="; ".join(sentences),
        checked_at=now,
        in_sync=not (by_hand or pending or left_behind or past) and is_whole,
        clients=recorded,
        by_hand=by_hand,
        not_applied=pending,
        **fields,
    )


def _in_sync_in_words(stack: str, recorded: int) -> str:
    if not recorded:
        return tr("{stack} is in sync: no client is declared, and there is none", stack=stack)
    return ntr(
        "{stack} is in sync: its {count} client is as declared",
        "{stack} is in sync: all {count} clients are as declared",
        recorded,
        stack=stack,
    )


def _ending_keys_in_words(keys: Sequence[ExpiringKey]) -> str:
    """Return ``1 key has expired, 2 keys end soon``; an empty text where none does."""
    expired = sum(key.days_left < 0 for key in keys)
    counts = {
        NN_("{count} key has expired", "{count} keys have expired"): expired,
        NN_("{count} key ends soon", "{count} keys end soon"): len(keys) - expired,
    }
    return ", ".join(counted(counts))
