"""The gate to production: what of the forms' production parts is declared, and what is missing of
the rest.

Only what is added needs evidence from TNI. What the state of production has is never undeclared,
whatever becomes of evidence or TNI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from acmidm_onboarding.rules.policies import Gate, PromotionGate
from acmidm_onboarding.texts import N_, tr, translated
from acmidm_onboarding.values.client import (
    Client,
    Records,
    is_recorded,
    recorded_as,
)
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.evidence import Evidence, is_fresh, summary
from acmidm_onboarding.values.metadata import ProductDocument
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.problems import first_listed, listed, on_one_line, quoted
from acmidm_onboarding.values.terms import AuthMethod, ExemptiblePolicy, Platform


@dataclass(frozen=True)
class TestStack:
    """The stack that has the connections on TNI: what its state has, and why that is not known."""

    name: str
    records: Records
    unreadable: str = ""

    __test__ = False  # pytest must not collect it


@dataclass(frozen=True)
class Withheld:
    """What is missing for one connection, on production most often."""

    connection: Declaration
    missing: tuple[str, ...]
    """What, and what to do, each."""
    is_declared: bool
    """Whether it is declared all the same, as a whole."""
    is_new: bool
    """Whether the state of production has nothing of it, so that nothing stays."""
    is_partial: bool = False
    """Whether the state has the client and not its scopes, so that nobody knows which it has."""
    lacks_mandate: bool = False
    """Whether it is not the gate that holds it back: the mandate of its supplier has ended."""

    @property
    def is_gated(self) -> bool:
        """Whether the gate holds it back."""
        return not (self.is_declared or self.lacks_mandate)

    @property
    def is_unknown(self) -> bool:
        """Whether the state does not have it, or not its scopes, and its authority may have it."""
        return not self.is_declared and (self.is_new or self.is_partial)

    @property
    def name(self) -> str:
        """The connection that it is about."""
        asked = self.connection
        platform = "" if asked.platform is Platform.ACMIDM else f" ({asked.platform})"
        return on_one_line(f"{asked.form.path or asked.key} on {asked.environment}{platform}")

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is missing, each with the connection."""
        return tuple(f"{self.name}: {on_one_line(sentence)}" for sentence in self.missing)


def by_reason(held_back: Iterable[Withheld]) -> list[str]:
    """Return a sentence per reason, with what becomes of the connections that it is the reason
    of."""
    names: dict[tuple[str, str], list[str]] = {}
    for withheld in held_back:
        for why in withheld.missing:
            names.setdefault((_what(withheld), on_one_line(why)), []).append(withheld.name)
    reasons = names.items()
    return [translated(what, names=first_listed(each), why=why) for (what, why), each in reasons]


def _what(withheld: Withheld) -> str:
    if withheld.lacks_mandate:
        return N_("not carried out: {names}: {why}")
    if withheld.is_declared:
        return N_("declared unproven: {names}: {why}")
    return N_("not declared: {names}: {why}")


def added(connection: Declaration, record: Client | None) -> tuple[frozenset[str], frozenset[str]]:
    """Return the scopes and the products that a connection asks and that are not recorded, under
    this name or an earlier one."""
    if record is None:
        return frozenset(connection.scopes), frozenset(connection.products)
    had = record.had_scopes
    names_had = set(map(record.form.name_of, had))
    scopes = set[str]()
    for scope in connection.scopes:
        if scope not in had and connection.form.name_of(scope) not in names_had:
            scopes.add(scope)
    return frozenset(scopes), frozenset(connection.products).difference(record.products)


def _added_afzenders(
    connection: Declaration, record: Client | None
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the products through which a connection sends for organisations that are not recorded,
    with the name of each of those by its code."""
    for product, configured in connection.products.items():
        recorded = record.product(product).afzenders if record else {}
        if unrecorded := without(configured.afzenders, recorded):
            yield product, unrecorded


def _needs_evidence(connection: Declaration, record: Client | None) -> bool:
    """Return whether the gate has to know of TNI to decide: something is added on production,
    without an exemption."""
    if (
        not connection.is_on_production
        or ExemptiblePolicy.PROMOTION_GATE.value in connection.form.exemptions
    ):
        return False
    return (
        record is None
        or any(added(connection, record))
        or any(_added_afzenders(connection, record))
    )


@dataclass(frozen=True)
class Passage:
    """What the gate makes of connections, in their order."""

    declared: tuple[Declaration, ...]
    held_back: tuple[Withheld, ...]
    proven: tuple[Declaration, ...]
    """Those that it lets through by their evidence."""


def passing(
    connections: Iterable[Declaration],
    gate: Gate,
    records: Records,
    tests: Callable[[], TestStack | None],
    now: datetime,
) -> Passage:
    """Return what of ``connections`` is declared, what the others lack, and what is proven.

    ``records`` is what the stack's own state has; ``tests`` reads the state of TNI, once and only
    where needed. Where that is None, forms and evidence alone count. A gate that only warns
    declares all, and reports the same as missing.
    """
    on_test = cache(tests)
    declared, held_back, proven = [], [], []
    for asked in connections:
        record = recorded_as(asked, records)
        connection = _remembering(asked, record) if record else asked
        if not _needs_evidence(connection, record):
            declared.append(connection)
            continue
        covered, reasons = _proven(connection, on_test(), now, gate.evidence_max_days)
        missing = tuple(_missing(connection, record, covered, reasons, on_test()))
        if missing:
            is_declared = gate.mode is PromotionGate.WARN
            held_back.append(
                Withheld(
                    connection,
                    missing,
                    is_declared,
                    is_new=record is None,
                    is_partial=_is_partial(record),
                )
            )
        else:
            proven.append(connection)
        if not missing or gate.mode is PromotionGate.WARN:
            declared.append(connection)
        elif record is not None:
            declared.append(
                replace(
                    _without_additions(connection, record, covered),
                    leaves_scopes=_is_partial(record),
                )
            )
    return Passage(tuple(declared), tuple(held_back), tuple(proven))


def _remembering(connection: Declaration, record: Client) -> Declaration:
    """Return the connection with the scopes that leaving took from it, until the state has them
    back: a run may fail."""
    taken = (record.leaving.withdrawn - record.granted.keys()) & connection.scopes.keys()
    if not taken:
        return connection
    leaving = replace(connection.leaving, withdrawn=connection.leaving.withdrawn | taken)
    return replace(connection, leaving=leaving)


@dataclass(frozen=True)
class _Proven:
    """What evidence that counts covers, as far as TNI has it too; scopes have the platform's
    names."""

    scopes: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    claimed: frozenset[str] = frozenset()
    """The names that it covers besides, which TNI has not."""
    on_tni: Client | None = None
    """None where the forms alone are known."""

    def covers(self, product: str, code: str) -> bool:
        """Return whether the connection is proven to send for an organisation at a product."""
        if product not in self.products:
            return False
        on_tni = self.on_tni
        return on_tni is None or code in on_tni.product(product).afzenders


def _proven(
    connection: Declaration, tests: TestStack | None, now: datetime, days: int
) -> tuple[_Proven, list[str]]:
    """Return what is proven of a connection, and why nothing is."""
    evidence = connection.test_evidence_file.evidence
    reasons = list(_reasons(connection, evidence, tests, now, days))
    if reasons or evidence is None:
        return _Proven(), reasons
    scopes = _covered_scopes(connection, evidence)
    products = evidence.products
    on_tni = recorded_as(connection, tests.records) if tests else None
    if on_tni is None:  # the forms alone are known
        return _Proven(scopes, products), []
    has_scopes, has_products = (
        scopes.intersection(on_tni.scopes or ()),
        products.intersection(on_tni.products),
    )
    claimed = (scopes - has_scopes) | (products - has_products)
    return _Proven(has_scopes, has_products, claimed, on_tni), []


def uncovered(
    connection: Declaration, record: Client | None, evidence: Evidence | None
) -> tuple[str, ...]:
    """Return the scopes and products that a connection adds and evidence does not cover."""
    scopes, products = added(connection, record)
    if evidence is not None:
        scopes -= _covered_scopes(connection, evidence)
        products -= evidence.products
    return (*sorted(scopes), *sorted(products))


def _covered_scopes(connection: Declaration, evidence: Evidence) -> frozenset[str]:
    """Return the scopes of a connection that evidence covers, by the platform's names."""
    name_of = connection.form.name_of
    return frozenset(scope for scope in connection.scopes if name_of(scope) in evidence.scopes)


def _probe(connection: Declaration) -> str:
    """Return what to do so that all of a connection is proven."""
    return tr(
        "run acmidm probe with {options} on TNI, and add the file", options=connection.proof_options
    )


def _reasons(
    connection: Declaration,
    evidence: Evidence | None,
    tests: TestStack | None,
    now: datetime,
    days: int,
) -> Iterator[str]:
    """Yield why there is no evidence that counts, each with its remedy."""
    stack, on_tni = "", None
    if tests is not None:
        stack = quoted(tests.name)
        on_tni = recorded_as(connection, tests.records)
        if not is_recorded(on_tni):
            unread = tests.unreadable and tr(
                "nothing is proven, for TNI cannot be looked at: {unreadable}; see"
                " acmidm:promotionStack, and bring that stack up",
                unreadable=tests.unreadable,
            )
            yield unread or tr(
                "stack {stack} does not have it; bring it up there first", stack=stack
            )
    if connection.uses_secret:
        yield tr(
            "a client with a secret cannot sign evidence; use {method}, or {exemption}",
            method=AuthMethod.PRIVATE_KEY_JWT,
            exemption=tr(
                "agree on an exemption from {policy}", policy=ExemptiblePolicy.PROMOTION_GATE.value
            ),
        )
    elif evidence is None:
        refused = connection.test_evidence_file.refused
        if refused:
            yield tr(
                "its evidence from TNI counts as none, for {refused}; {probe}",
                refused=refused,
                probe=_probe(connection),
            )
        else:
            yield tr("there is no evidence from TNI; {probe}", probe=_probe(connection))
    else:
        is_old = not is_fresh(evidence, now, days)
        if is_old:
            yield tr(
                "its evidence of {proven_at:%Y-%m-%d} is more than {days} days old; {probe}",
                proven_at=evidence.proven_at,
                days=days,
                probe=_probe(connection),
            )
        if on_tni is not None and on_tni.client_id != evidence.client_id:
            yield (
                tr(
                    "its evidence is of client {client_id}, which is not the one of stack {stack};"
                    " {probe}",
                    client_id=quoted(evidence.client_id),
                    stack=stack,
                    probe=_probe(connection),
                )
            )
        if on_tni is not None and not is_old and not _is_confirmed(on_tni, evidence):
            yield _unseen(connection, on_tni, evidence, stack)


def waits_for_test(connection: Declaration, on_tni: Client) -> bool:
    """Return whether only a run on TNI is missing: evidence is of all of this client, by a key that
    TNI has not seen yet."""
    evidence = connection.test_evidence_file.evidence
    return (
        evidence is not None
        and evidence.client_id == on_tni.client_id
        and not uncovered(connection, None, evidence)
        and not _is_confirmed(on_tni, evidence)
    )


def _is_confirmed(on_tni: Client, evidence: Evidence) -> bool:
    """Return whether a run on TNI has read this very evidence, and has seen the key that signed
    it."""
    return on_tni.keys.seen == evidence.thumbprint and on_tni.keys.proven == summary(evidence)


def _unseen(connection: Declaration, on_tni: Client, evidence: Evidence, stack: str) -> str:
    """Return why evidence counts for nothing, and what to do: TNI must have seen the key, not the
    form alone."""
    if on_tni.keys.declared is not None and evidence.thumbprint not in on_tni.keys.thumbprints:
        return tr(
            "its evidence from {issuer} was signed with a key that stack {stack} does not have;"
            " bring that stack up again, or {probe}",
            issuer=evidence.issuer,
            stack=stack,
            probe=_probe(connection),
        )
    return tr(
        "its evidence from {issuer} was not confirmed when stack {stack} was last brought up: its"
        " authority had not seen the key that signed it; bring that stack up again, or {probe}",
        issuer=evidence.issuer,
        stack=stack,
        probe=_probe(connection),
    )


def _missing(
    connection: Declaration,
    record: Client | None,
    proven: _Proven,
    reasons: Sequence[str],
    tests: TestStack | None,
) -> Iterator[str]:
    """Yield what is missing of what is added, and what to do."""
    stack = quoted(tests.name) if tests else ""
    yield from reasons
    if reasons and record is None:
        return  # without evidence, all that the connection asks is missing
    scopes, products = added(connection, record)
    for not_on_tni, not_proven, lacking in (
        (
            N_(
                "scope {name} is in its evidence, and stack {stack} does not have it; bring it up"
                " there, then {probe}"
            ),
            N_("scope {name} is not proven on TNI; {probe}, or take it out of prod"),
            scopes - proven.scopes,
        ),
        (
            N_(
                "product {name} is in its evidence, and stack {stack} does not have it; bring it"
                " up there, then {probe}"
            ),
            N_("product {name} is not proven on TNI; {probe}, or take it out of prod"),
            products - proven.products,
        ),
    ):
        for name in sorted(lacking):
            if name in proven.claimed:
                yield translated(
                    not_on_tni,
                    name=quoted(name),
                    stack=stack,
                    probe=_probe(connection),
                )
            else:
                yield translated(not_proven, name=quoted(name), probe=_probe(connection))
    for product, afzenders in _added_afzenders(connection, record):
        names = [name for code, name in afzenders.items() if not proven.covers(product, code)]
        if not names or product in products - proven.products:  # then all of it is missing
            continue
        if product in proven.products:
            yield tr(
                "stack {stack} does not send for {names} through product {name}; bring that up"
                " there, then {probe}",
                stack=stack,
                names=listed(names),
                name=quoted(product),
                probe=_probe(connection),
            )
        else:
            yield tr(
                "product {name} is not proven on TNI for {names}; {probe}, or take them out of"
                " afzenders of prod",
                name=quoted(product),
                names=listed(names),
                probe=_probe(connection),
            )


def _is_partial(record: Client | None) -> bool:
    return record is not None and record.client_id is not None and record.scopes is None


def _without_additions(connection: Declaration, record: Client, covered: _Proven) -> Declaration:
    """Return the connection without what is added and not proven."""
    scopes, products = added(connection, record)
    scopes, products = scopes - covered.scopes, products - covered.products
    kept = connection.without(scopes, products)
    configured = {name: _without_unproven(name, kept, record, covered) for name in kept.products}
    return replace(kept, products=configured)


def _without_unproven(
    product: str, connection: Declaration, record: Client, covered: _Proven
) -> ProductDocument:
    """Return a product without the organisations that the connection is not proven to send for."""
    had = record.product(product).afzenders
    configured = connection.products[product]
    return configured.with_only(lambda code: code in had or covered.covers(product, code))
