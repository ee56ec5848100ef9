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
    """The stack that has the connections on TNI: what its state has, and why that cannot be read
    (empty where it can)."""

    name: str
    records: Records
    unreadable: str = ""

    __test__ = False  # pytest must not collect it


@dataclass(frozen=True)
class Withheld:
    """A connection that lacks something, so that it is held back, or declared with a warning:
    evidence for production, or a mandate."""

    connection: Declaration
    missing: tuple[str, ...]
    """Per thing that is missing a sentence: what, and what to do."""
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
        """The connection as reports name it: ``stad-gent/mijn-gent on prod``, and its platform
        where that is not ACM/IDM."""
        form = self.connection
        platform = "" if form.platform is Platform.ACMIDM else f" ({form.platform})"
        return on_one_line(f"{form.form.path or form.key} on {form.environment}{platform}")

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is missing, each sentence with the name of the connection before it."""
        return tuple(f"{self.name}: {on_one_line(sentence)}" for sentence in self.missing)


def by_reason(held_back: Iterable[Withheld]) -> list[str]:
    """Return a sentence per reason: what becomes of the connections with that reason, their names,
    and the reason, as ``not declared: stad-gent/mijn-gent on prod: there is no evidence …``."""
    names_by_reason: dict[tuple[str, str], list[str]] = {}
    for withheld in held_back:
        for why in withheld.missing:
            reason = _outcome(withheld), on_one_line(why)
            names_by_reason.setdefault(reason, []).append(withheld.name)
    sentences: list[str] = []
    for (outcome, why), names in names_by_reason.items():
        sentences.append(translated(outcome, names=first_listed(names), why=why))
    return sentences


def _outcome(withheld: Withheld) -> str:
    """Return what becomes of a connection, as a sentence to be translated and filled in."""
    if withheld.lacks_mandate:
        return N_("not carried out: {names}: {why}")
    if withheld.is_declared:
        return N_("declared unproven: {names}: {why}")
    return N_("not declared: {names}: {why}")


def _additions(
    connection: Declaration, record: Client | None
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the scopes and the products that a connection declares beyond what the state has
    (``record``; None: nothing). A scope that the platform renamed is known by its name in the
    catalogue."""
    if record is None:
        return frozenset(connection.scopes), frozenset(connection.products)
    had = record.had_scopes
    had_by_catalogue = set(map(record.form.name_of, had))
    scopes = set[str]()
    for scope in connection.scopes:
        if scope not in had and connection.form.name_of(scope) not in had_by_catalogue:
            scopes.add(scope)
    return frozenset(scopes), frozenset(connection.products).difference(record.products)


def _added_afzenders(
    connection: Declaration, record: Client | None
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each product through which a connection sends for organisations that the state does not
    have there, with these: ``("notificaties", {"OVO002067": "Stad Gent"})``."""
    for product, configured in connection.products.items():
        recorded = record.product(product).afzenders if record else {}
        if unrecorded := without(configured.afzenders, recorded):
            yield product, unrecorded


def _needs_evidence(connection: Declaration, record: Client | None) -> bool:
    """Return whether a connection adds something on production, without an exemption from the gate:
    then the gate decides by evidence and TNI."""
    is_exempt = ExemptiblePolicy.PROMOTION_GATE.value in connection.form.exemptions
    if not connection.is_on_production or is_exempt:
        return False
    if record is None or any(_additions(connection, record)):
        return True
    return any(_added_afzenders(connection, record))


@dataclass(frozen=True)
class Passage:
    """What the gate decides about connections, in their order."""

    declared: tuple[Declaration, ...]
    """What a run declares of them, for the most part without what lacks evidence."""
    held_back: tuple[Withheld, ...]
    """Those that lack evidence, also where the gate only warns."""
    proven: tuple[Declaration, ...]
    """Those that it lets through by their evidence."""


def decide(
    connections: Iterable[Declaration],
    gate: Gate,
    records: Records,
    tests: Callable[[], TestStack | None],
    now: datetime,
) -> Passage:
    """Return what the gate lets through of ``connections``, and what the others lack.

    ``records`` is what the stack's own state has; ``tests`` reads the state of TNI, once and only
    where needed. Where that is None, forms and evidence alone count. A gate that only warns
    declares all, and reports the same as missing.
    """
    on_tni = cache(tests)
    declared, held_back, proven = [], [], []
    for form in connections:
        record = recorded_as(form, records)
        connection = _with_taken_scopes_noted(form, record) if record else form
        if not _needs_evidence(connection, record):
            declared.append(connection)
            continue
        proof, reasons = _proof(connection, on_tni(), now, gate.evidence_max_days)
        missing = tuple(_missing(connection, record, proof, reasons, on_tni()))
        if not missing:
            proven.append(connection)
            declared.append(connection)
            continue
        is_declared = gate.mode is PromotionGate.WARN
        is_partial = _is_partial(record)
        held_back.append(
            Withheld(connection, missing, is_declared, is_new=record is None, is_partial=is_partial)
        )
        if is_declared:
            declared.append(connection)
        elif record is not None:
            remaining = _without_additions(connection, record, proof)
            declared.append(replace(remaining, leaves_scopes=is_partial))
    return Passage(tuple(declared), tuple(held_back), tuple(proven))


def _with_taken_scopes_noted(connection: Declaration, record: Client) -> Declaration:
    """Return the connection with a note of the scopes that leaving took from its client, and that
    the form has again. Without the note, a run that fails would forget that the client had them."""
    taken = (record.leaving.withdrawn - record.granted.keys()) & connection.scopes.keys()
    if not taken:
        return connection
    leaving = replace(connection.leaving, withdrawn=connection.leaving.withdrawn | taken)
    return replace(connection, leaving=leaving)


@dataclass(frozen=True)
class _Proof:
    """What valid evidence of a connection covers, as far as TNI has it too; scopes have the
    platform's names."""

    scopes: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    only_in_evidence: frozenset[str] = frozenset()
    """The scopes and products that the evidence covers and TNI does not have."""
    on_tni: Client | None = None
    """The connection's client on TNI; None where the forms alone are known."""

    def covers(self, product: str, code: str) -> bool:
        """Return whether the connection is proven to send through a product for the organisation
        with this code."""
        if product not in self.products:
            return False
        on_tni = self.on_tni
        return on_tni is None or code in on_tni.product(product).afzenders


def _proof(
    connection: Declaration, tests: TestStack | None, now: datetime, days: int
) -> tuple[_Proof, list[str]]:
    """Return what is proven of a connection; and where nothing is, the sentences that say why.
    Evidence counts for so many ``days``."""
    evidence = connection.test_evidence_file.evidence
    reasons = list(_reasons_against(connection, evidence, tests, now, days))
    if reasons or evidence is None:
        return _Proof(), reasons
    scopes = _covered_scopes(connection, evidence)
    products = evidence.products
    on_tni = recorded_as(connection, tests.records) if tests else None
    if on_tni is None:  # the forms alone are known
        return _Proof(scopes, products), []
    scopes_on_tni = scopes.intersection(on_tni.scopes or ())
    products_on_tni = products.intersection(on_tni.products)
    only_in_evidence = (scopes - scopes_on_tni) | (products - products_on_tni)
    return _Proof(scopes_on_tni, products_on_tni, only_in_evidence, on_tni), []


def uncovered(
    connection: Declaration, record: Client | None, evidence: Evidence | None
) -> tuple[str, ...]:
    """Return the scopes and products that a connection adds to its ``record`` in the state and that
    ``evidence`` (None: there is none) does not cover."""
    scopes, products = _additions(connection, record)
    if evidence is not None:
        scopes -= _covered_scopes(connection, evidence)
        products -= evidence.products
    return (*sorted(scopes), *sorted(products))


def _covered_scopes(connection: Declaration, evidence: Evidence) -> frozenset[str]:
    """Return the scopes of a connection that evidence covers, by the platform's names; evidence has
    those of the catalogue."""
    name_of = connection.form.name_of
    return frozenset(scope for scope in connection.scopes if name_of(scope) in evidence.scopes)


def _probe(connection: Declaration) -> str:
    """Return the remedy that ends many sentences here: the probe that proves all of a
    connection."""
    return tr(
        "run acmidm probe with {options} on TNI, and add the file", options=connection.proof_options
    )


def _reasons_against(
    connection: Declaration,
    evidence: Evidence | None,
    tests: TestStack | None,
    now: datetime,
    days: int,
) -> Iterator[str]:
    """Yield why evidence proves nothing of a connection, each reason a sentence with its remedy:
    TNI does not have the client, there is no evidence, it is old, of another client, or of a key
    that TNI has not seen. Nothing where it proves something."""
    stack, on_tni = "", None
    if tests is not None:
        stack = quoted(tests.name)
        on_tni = recorded_as(connection, tests.records)
        if not is_recorded(on_tni) and tests.unreadable:
            yield tr(
                "nothing is proven, for TNI cannot be looked at: {unreadable}; see"
                " acmidm:promotionStack, and bring that stack up",
                unreadable=tests.unreadable,
            )
        elif not is_recorded(on_tni):
            yield tr("stack {stack} does not have it; bring it up there first", stack=stack)
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
            yield tr(
                "its evidence is of client {client_id}, which is not the one of stack {stack};"
                " {probe}",
                client_id=quoted(evidence.client_id),
                stack=stack,
                probe=_probe(connection),
            )
        if on_tni is not None and not is_old and not _is_confirmed(on_tni, evidence):
            yield _why_unconfirmed(connection, on_tni, evidence, stack)


def waits_for_test(connection: Declaration, on_tni: Client) -> bool:
    """Return whether only a run on TNI is missing: the evidence covers all of this client, and no
    run there has confirmed it yet."""
    evidence = connection.test_evidence_file.evidence
    return (
        evidence is not None
        and evidence.client_id == on_tni.client_id
        and not uncovered(connection, None, evidence)
        and not _is_confirmed(on_tni, evidence)
    )


def _is_confirmed(on_tni: Client, evidence: Evidence) -> bool:
    """Return whether a run on TNI has recorded this very evidence, and that the authority has seen
    the key that signed it."""
    return on_tni.keys.seen == evidence.thumbprint and on_tni.keys.proven == summary(evidence)


def _why_unconfirmed(
    connection: Declaration, on_tni: Client, evidence: Evidence, stack: str
) -> str:
    """Return why no run on TNI (``stack``) has confirmed the evidence, and what to do, a sentence:
    the client there lacks the key that signed it, or its authority had not seen the key."""
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
    proof: _Proof,
    reasons: Sequence[str],
    tests: TestStack | None,
) -> Iterator[str]:
    """Yield what a connection lacks for production, each a sentence with its remedy: the
    ``reasons`` why nothing is proven, then each added scope, product and organisation to send for
    that is not proven. Nothing where the gate lets all of it through."""
    stack = quoted(tests.name) if tests else ""
    yield from reasons
    if reasons and record is None:
        return  # a new connection, of which nothing is proven: the reasons say enough
    scopes, products = _additions(connection, record)
    for not_on_tni, not_proven, lacking in (
        (
            N_(
                "scope {name} is in its evidence, and stack {stack} does not have it; bring it up"
                " there, then {probe}"
            ),
            N_("scope {name} is not proven on TNI; {probe}, or take it out of prod"),
            scopes - proof.scopes,
        ),
        (
            N_(
                "product {name} is in its evidence, and stack {stack} does not have it; bring it"
                " up there, then {probe}"
            ),
            N_("product {name} is not proven on TNI; {probe}, or take it out of prod"),
            products - proof.products,
        ),
    ):
        for name in sorted(lacking):
            if name in proof.only_in_evidence:
                yield translated(
                    not_on_tni,
                    name=quoted(name),
                    stack=stack,
                    probe=_probe(connection),
                )
            else:
                yield translated(not_proven, name=quoted(name), probe=_probe(connection))
    for product, afzenders in _added_afzenders(connection, record):
        names = [name for code, name in afzenders.items() if not proof.covers(product, code)]
        if not names or product in products - proof.products:  # the product itself is reported
            continue
        if product in proof.products:
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
    """Return whether a state has a client without the resource of its scopes."""
    return record is not None and record.client_id is not None and record.scopes is None


def _without_additions(connection: Declaration, record: Client, proof: _Proof) -> Declaration:
    """Return the connection without the scopes, products and organisations to send for that it adds
    to its ``record`` and that are not proven."""
    scopes, products = _additions(connection, record)
    kept = connection.without(scopes - proof.scopes, products - proof.products)
    configured = {name: _without_unproven(name, kept, record, proof) for name in kept.products}
    return replace(kept, products=configured)


def _without_unproven(
    product: str, connection: Declaration, record: Client, proof: _Proof
) -> ProductDocument:
    """Return a product's configuration without the organisations that the state does not have and
    that the connection is not proven to send for."""
    had = record.product(product).afzenders
    configured = connection.products[product]
    return configured.with_only(lambda code: code in had or proof.covers(product, code))
