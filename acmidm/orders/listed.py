"""What orders say to the people who carry them out, in the portal's own words and order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from acmidm.report.connection import ClientName
from acmidm.report.document import Document, Line, Piece, Section, Tone
from acmidm.report.kinds import Report, ReportPart
from acmidm.words import WHOLE, plain, shown
from acmidm_onboarding.forms.catalogue import Catalogue, Product, afterwards
from acmidm_onboarding.rules.orders import Act, Doer, Order
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import N_, ntr, spoken, tr, translated
from acmidm_onboarding.values.client import Client, ClientKey
from acmidm_onboarding.values.confirmation import CLIENT, SCOPES
from acmidm_onboarding.values.jwk import thumbprint_of
from acmidm_onboarding.values.plain import flat
from acmidm_onboarding.values.terms import Environment

DOERS = {
    Doer.OPERATOR: N_("Operator of the portal"),
    Doer.ORGANISATION: N_("Organisation"),
    Doer.API_OWNER: N_("Owner of the API"),
    Doer.PRODUCT_TEAM: N_("Aansluitingenteam"),
}
"""Who carries an order out."""
_FIELDS = {
    "client_name": N_("Name (Naam)"),
    "organisation.name": N_("Organisation (Organisatie)"),
    "organisation.ovo": N_("OVO code"),
    "organisation.kbo": N_("KBO number"),
    "grant_types": N_("Grant types"),
    "token_endpoint_auth_method": N_("Authentication method (Authenticatiemethode)"),
    "contacts": N_("Contacts (Contacten)"),
    "jwks_uri": N_("Address of the public keys"),
}
"""What the portal calls the fields of a client."""
_LONGEST = 4_000
"""Characters of a value that somebody copies: a key has many."""


class Copied(ReportPart):
    """A value to copy into the portal, or to compare with what is there, with the portal's name for
    it."""

    label: str
    value: str


class Instruction(ReportPart):
    """One step that a person takes, with the values to copy."""

    text: str
    values: tuple[Copied, ...] = ()

    def as_line(self, number: int) -> Line:
        """Return the step with its number, and each value on a line beneath, which a page offers to
        copy whole."""
        values: list[Line] = []
        for copied in self.values:
            value = Piece(plain(copied.value, _LONGEST), Tone.STRONG, copied=copied.value)
            values.append(Line([value], Piece(f"{plain(copied.label)}:")))
        return Line([Piece(f"{number}. {plain(self.text, WHOLE)}")], lines=values)


class RefusedBy(ReportPart):
    """Who refused an order, when and why."""

    by: str
    at: datetime
    why: str


class ListedOrder(ClientName):
    """One order, as people and programs read it."""

    order: str
    """Its name: ``OVO002067/mijn-gent scopes @3fa14c02``."""
    part: str
    digest: str
    """The whole digest of what it says, of which the name has the first characters."""
    act: Act
    doer: Doer
    environment: Environment
    act_title: str
    """What there is to do, in a few words."""
    says: dict[str, Any]
    """What the part of the client has to be, for programs."""
    instructions: tuple[Instruction, ...] = ()
    done: str
    """The command that confirms it."""
    since: datetime | None = None
    """When it was merged; None where Git does not have that."""
    refused: RefusedBy | None = None

    @property
    def whole_name(self) -> str:
        """Its name with the whole digest, as people copy it."""
        return f"{self.order.partition('@')[0]}@{self.digest}"


class Orders(Report):
    """The orders of one stack."""

    stack: str
    checked_at: datetime
    orders: tuple[ListedOrder, ...]
    is_whole: bool = False
    """Whether each order is shown with its instructions."""
    missing: tuple[str, ...] = ()
    """The clients whose confirmation is missing, by resource name."""

    @property
    def open(self) -> list[ListedOrder]:
        return [order for order in self.orders if order.refused is None]

    @property
    def title(self) -> str:
        if not self.orders and not self.missing:
            return tr("{stack}: no orders: all is confirmed as it is desired", stack=self.stack)
        return ntr(
            "{stack}: {count} order", "{stack}: {count} orders", len(self.open), stack=self.stack
        )

    @property
    def by_doer(self) -> dict[Doer, list[ListedOrder]]:
        """The open orders, by who carries them out."""
        by_doer = defaultdict[Doer, list[ListedOrder]](list)
        for order in self.open:
            by_doer[order.doer].append(order)
        return {doer: by_doer[doer] for doer in Doer if by_doer[doer]}

    def as_document(self) -> Document:
        """Return the open orders by who carries them out, a line each, with the instructions where
        the report ``is_whole``; then the refused ones."""
        refused = [_refused_line(order, order.refused) for order in self.orders if order.refused]
        sections = [self._missing_confirmations(), *self._section_per_doer(self._order_line)]
        if refused:
            sections.append(Section(refused, tr("Refused")))
        return Document(self.title, sections)

    def as_issue(self) -> Document:
        """Return the open orders as an issue has them: each by its whole name, and since which day
        it is open. An issue that is too long for all of them names the command that lists them."""
        return Document(
            self.title,
            [self._missing_confirmations(), *self._section_per_doer(_dated_line)],
            whole=tr("`acmidm orders list --stack {stack}`", stack=self.stack),
        )

    def _missing_confirmations(self) -> Section:
        """Return a sentence for each client whose confirmation is missing."""
        return Section([Line([Piece(_missing(client), Tone.DANGER)]) for client in self.missing])

    def _section_per_doer(self, line_of: Callable[[ListedOrder], Line]) -> Iterator[Section]:
        """Yield the open orders of each doer below a heading, with the line that ``line_of``
        returns of each."""
        for doer, orders in self.by_doer.items():
            heading = f"{translated(DOERS[doer])}: {len(orders)}"
            lines = list(map(line_of, orders))
            yield Section(lines, heading)

    def _order_line(self, order: ListedOrder) -> Line:
        """Return the line of an order; beneath it, where the report ``is_whole``, its instructions
        and the command that confirms it."""
        what = Piece(f": {order.act_title}, {self.waiting(order)}")
        lines: list[Line] = []
        if self.is_whole:
            for number, instruction in enumerate(order.instructions, start=1):
                lines.append(instruction.as_line(number))
            confirm = Piece(f"{tr('Then confirm it with:')} ")
            lines.append(Line([confirm, Piece(order.done, copied=order.done)]))
        name = [Piece(order.order, Tone.VALUE), Piece("  "), *order.pieces]
        return Line([*name, what], lines=lines)

    def waiting(self, order: ListedOrder) -> str:
        """Return for how many days an order has been open, in words."""
        if order.since is None:
            return tr("since when is not known")
        days = (self.checked_at - order.since).days
        if days <= 0:
            return tr("since today")
        return ntr("waiting for {count} day", "waiting for {count} days", days)


def _refused_line(order: ListedOrder, refused: RefusedBy) -> Line:
    """Return the line that says who refused an order, when and why."""
    refusal = tr(
        "refused by {by} on {day}: {why}",
        by=plain(refused.by),
        day=spoken().day(refused.at),
        why=plain(refused.why),
    )
    return Line([Piece(order.order, Tone.VALUE), Piece(f"  {refusal}")])


def _missing(client: str) -> str:
    return tr(
        "the confirmation of {names} is missing, so that nobody knows whether it is there: put the"
        " file back from Git",
        names=plain(client),
    )


def _dated_line(order: ListedOrder) -> Line:
    """Return the line of an order in an issue, by its whole name and with the day since which it is
    open: there nobody sees how many days ago that is."""
    since = f" ({order.since:%Y-%m-%d})" if order.since else ""
    what = Piece(f": {plain(order.act_title)}{since}")
    return Line([Piece(order.whole_name, Tone.VALUE), Piece(" "), *order.pieces, what])


def listed(stack: Stack, order: Order, since: datetime | None = None) -> ListedOrder:
    """Return an order as a person reads it, in the language that is spoken; ``since`` is from when
    on it is open."""
    metadata = _client_fields(stack, order)
    # What only the portal shows, and who confirms the order has to give.
    options = {Act.CREATE: " --client-id …", Act.LOOK: " --key …"}.get(order.act, "")
    act_title = order.title(spoken())
    if _only_withdraws(order):
        act_title = tr("Withdraw scopes")
    refused = None
    if order.refused:
        refused = RefusedBy(by=order.refused.by, at=order.refused.at, why=order.refused.why)
    return ListedOrder(
        key=order.client_key[0],
        organisation=metadata["organisation.name"],
        application=order.client_key[0].rpartition("/")[2],
        platform=order.client_key[1],
        environment=order.client_key[2],
        client_id=order.client_id,
        form=order.form,
        order=order.name,
        part=order.part,
        digest=order.full_digest,
        act=order.act,
        doer=order.doer,
        act_title=act_title,
        says=dict(order.says),
        instructions=tuple(_instructions(stack, order, metadata)),
        done=f"acmidm orders done {order.whole_name}{options} --stack {stack.name}",
        since=since,
        refused=refused,
    )


def _only_withdraws(order: Order) -> bool:
    """Return whether an order about scopes grants none: the client has all that it says."""
    is_about_scopes = order.act in (Act.GRANT, Act.APPROVE)
    return is_about_scopes and order.says.items() <= order.now.items()


def _client_fields(stack: Stack, order: Order) -> dict[str, Any]:
    """Return the fields of an order's client, such as {"client_name": "mijn-gent"}, as its form
    declares them, else as they are confirmed. Where neither has the client, only
    "organisation.name" is there, and is the organisation's code."""
    organisation: dict[str, Any] = {"organisation.name": order.client_key[0].partition("/")[0]}
    client: Client | None = stack.forms.by_client_key.get(order.client_key)
    if client is None:
        confirmed = stack.confirmations.get(order.client_key)
        client = confirmed.client(order.client_key) if confirmed else None
    return {**organisation, **client.fields} if client else organisation


def _instructions(stack: Stack, order: Order, metadata: Mapping[str, Any]) -> Iterator[Instruction]:
    """Yield what to do at the portal for an order, step by step; ``metadata`` are the fields of its
    client."""
    _, platform, environment = order.client_key
    portal = stack.forms.settings.platforms[platform].portal(environment)
    catalogue = stack.forms.catalogue
    where = {
        "portal": portal or tr("the portal"),
        "client": order.client_id or "?",
        "organisation": str(metadata["organisation.name"]),
    }
    open_client = tr(
        "In {portal}, under Mijn OAuth Clients, open client {client} of {organisation}.", **where
    )
    match order.act:
        case Act.CREATE:
            yield Instruction(
                text=tr(
                    "In {portal} go to Toegangsbeheer, API- en Clientbeheer, Mijn OAuth Clients,"
                    " and choose Nieuwe OAuth client aanmaken for {organisation}. Fill in:",
                    **where,
                ),
                values=_values_to_copy(order.says[CLIENT]),
            )
            yield from _couplings(order.says[SCOPES], {}, order.client_key, catalogue)
            yield Instruction(text=tr("Note the client-ID that the portal shows."))
        case Act.COMPARE:
            yield Instruction(
                text=tr(
                    "In {portal}, under Mijn OAuth Clients, open client {client} of"
                    " {organisation}, and see to it that it has:",
                    **where,
                ),
                values=_values_to_copy(order.says[CLIENT]),
            )
            yield from _couplings(order.says[SCOPES], {}, order.client_key, catalogue)
        case Act.CHANGE:
            yield Instruction(
                text=tr(
                    "In {portal}, under Mijn OAuth Clients, open client {client} of"
                    " {organisation}, and change:",
                    **where,
                ),
                values=_values_to_copy(order.says, order.now),
            )
        case Act.GRANT | Act.APPROVE:
            yield Instruction(text=open_client)
            yield from _couplings(order.says, order.now, order.client_key, catalogue)
        case Act.UPLOAD | Act.REMOVE_KEY | Act.REMOVE_STOLEN_KEY | Act.REMOVE_SUPPLIERS_KEY:
            yield Instruction(text=open_client)
            yield from _instructions_for_keys(order)
        case Act.LOOK:
            yield Instruction(
                text=tr(
                    "In {portal}, under Mijn OAuth Clients, open client {client} of"
                    " {organisation}, and save each public key that is there as a file.",
                    **where,
                )
            )
        case Act.CONFIGURE:
            yield _instruction_for_product(order, catalogue, where)
        case Act.REMOVE:
            yield Instruction(
                text=tr(
                    "In {portal}, under Mijn OAuth Clients, remove client {client} of"
                    " {organisation}. It then works no more.",
                    **where,
                )
            )
        case Act.LET_GO:
            yield Instruction(
                text=tr(
                    "Client {client} of {organisation} stays in {portal} as it is, and works on."
                    " There is nothing to do there: confirm that nobody manages it from here any"
                    " more.",
                    **where,
                )
            )


def _instruction_for_product(
    order: Order, catalogue: Catalogue, where: Mapping[str, str]
) -> Instruction:
    """Return what to register at a product, or to remove there."""
    product = order.part.rpartition("/")[2]
    title = catalogue.products[product].title if product in catalogue.products else product
    text = tr(
        "At {product}, remove what is registered for client {client} of {organisation}:",
        product=title,
        **where,
    )
    if order.says:
        text = tr(
            "At {product}, register for client {client} of {organisation}:",
            product=title,
            **where,
        )
    values = _values_to_copy(order.says.get(product, {}), order.now.get(product, {}))
    return Instruction(text=text, values=values)


def _values_to_copy(
    says: Mapping[str, Any], now: Mapping[str, Any] | None = None
) -> tuple[Copied, ...]:
    """Return the values that an order ``says`` and the portal does not have ``now``, each under the
    portal's name for it; and "(nothing)" for each that it has now and is to have no more."""
    after = flat(says)
    before = flat(now or {})
    fields: list[Copied] = []
    for name in {**after, **before}:
        if after.get(name) == before.get(name):
            continue
        label = translated(_FIELDS[name]) if name in _FIELDS else name
        value = shown(after[name]) if name in after else tr("(nothing)")
        fields.append(Copied(label=label, value=value))
    return tuple(fields)


def _couplings(
    says: Mapping[str, Any],
    now: Mapping[str, Any],
    client_key: ClientKey,
    catalogue: Catalogue,
) -> Iterator[Instruction]:
    """Yield one instruction per API whose scopes change: its Referentie, and the scopes to grant
    and to withdraw. ``says`` and ``now`` are scopes, as {"dv_dosis_schrijven": {"default": False}}.

    Before an API comes what its owner wants first, and after all of them what the owners still do.
    """
    _, platform, environment = client_key
    # By Referentie and title of the API.
    scopes_by_api = defaultdict[tuple[str, str], list[Copied]](list)
    wanted_first: dict[tuple[str, str], str | None] = {}
    granted_products: list[Product] = []
    for scope in sorted(says.keys() | now.keys()):
        if says.get(scope) == now.get(scope):
            continue
        product = catalogue.product_granting(platform, scope)
        coupling = product.coupling if product else None
        # A scope that no product of the catalogue has stands for its API.
        api = product.title if product else scope
        referentie = (coupling and coupling.referentie.get(environment)) or api
        scopes_by_api[referentie, api].append(_scope_to_copy(scope, says))
        if scope not in says:
            continue
        if product:
            granted_products.append(product)
        if coupling:
            wanted_first[referentie, api] = coupling.before(spoken())
    for (referentie, api), scopes in scopes_by_api.items():
        if sentence := wanted_first.get((referentie, api)):
            yield Instruction(text=sentence)
        text = tr("Withdraw from the client what it has of {api}:", api=api)
        if any(scope.value in says for scope in scopes):
            text = tr(
                "Couple the client (koppelen) to {api} by its Referentie, and change the scopes:",
                api=api,
            )
        values = (Copied(label="Referentie", value=referentie), *scopes)
        yield Instruction(text=text, values=values)
    if what_owners_do := afterwards(granted_products, spoken()):
        yield Instruction(text=what_owners_do)


def _scope_to_copy(scope: str, says: Mapping[str, Any]) -> Copied:
    """Return what to do with a scope that changes: grant it, grant it in every token, or withdraw
    it."""
    if scope not in says:
        label = tr("withdraw scope")
    elif says[scope].get("default"):
        label = tr("grant scope, in every token")
    else:
        label = tr("grant scope")
    return Copied(label=label, value=scope)


def _instructions_for_keys(order: Order) -> Iterator[Instruction]:
    """Yield one instruction per key: first those to remove because they were stolen, then those to
    upload, then the rest to remove. A key that only gets another ``kid`` is uploaded, and not
    removed."""
    to_remove = {thumbprint_of(key): kid for kid, key in order.now.items()}
    for key in order.says.values():
        to_remove.pop(thumbprint_of(key), None)
    stolen = [thumbprint for thumbprint in to_remove if thumbprint in order.compromised]
    for thumbprint in stolen:
        values = _key_to_copy(to_remove.pop(thumbprint), thumbprint)
        yield Instruction(text=tr("This public key was stolen. Remove it at once:"), values=values)
    for kid, key in order.says.items():
        if order.now.get(kid) != key:
            jwk = Copied(label="JWK", value=shown(key))
            values = (*_key_to_copy(kid, thumbprint_of(key)), jwk)
            yield Instruction(text=tr("Upload this public key as a JSON Web Key:"), values=values)
    for thumbprint, kid in to_remove.items():
        # A key of a supplier that may not act for the organisation any more.
        supplier = order.revoked.get(str(thumbprint))
        text = tr("Remove this public key:")
        if supplier:
            text = tr("Remove this public key of {supplier}:", supplier=supplier)
        yield Instruction(text=text, values=_key_to_copy(kid, thumbprint))


def _key_to_copy(kid: str, thumbprint: str | None) -> tuple[Copied, ...]:
    return (
        Copied(label="kid", value=kid),
        Copied(label=tr("thumbprint"), value=str(thumbprint)),
    )


def orders_of(
    stack: Stack,
    orders: Iterable[Order],
    since: Callable[[Order], datetime | None] = lambda _: None,
    *,
    is_whole: bool = False,
) -> Orders:
    """Return the report of some orders of a stack, in the language that is spoken: ``since`` says
    when each was merged, as far as Git knows, and ``is_whole`` adds the instructions."""
    missing = tuple(client.resource_name for client in stack.unconfirmed)
    return Orders(
        stack=stack.name,
        checked_at=stack.now,
        orders=tuple(listed(stack, order, since(order)) for order in orders),
        is_whole=is_whole,
        missing=missing,
    )
