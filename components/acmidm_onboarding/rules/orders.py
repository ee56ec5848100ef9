"""What people must do at an authority without an API: one order per part of a client that differs.

An order says what the part must be, and not how it differs, so that whoever carries it out and
whoever confirms it mean the same, also where the form changes in between. Its digest is made of
what it says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from acmidm_onboarding.rules.rotation import EVER, RegisteredKey, obstacle
from acmidm_onboarding.texts import N_, Language
from acmidm_onboarding.values.client import Authentication, Client, ClientKey, resource_name
from acmidm_onboarding.values.confirmation import (
    CLIENT,
    KEYS,
    PRODUCT,
    SCOPES,
    Confirmation,
    Confirmations,
    OrderRefusal,
)
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.evidence import is_fresh
from acmidm_onboarding.values.jwk import PublicJwk, members_of, thumbprints
from acmidm_onboarding.values.keys import not_ended
from acmidm_onboarding.values.terms import MOST_KEYS, Platform

CREATE, REMOVE = "create", "remove"
"""The parts of an order that are about a client as a whole."""
DIGITS = 64
"""How many digits a digest has."""
_FEW_DIGITS = 8


class Doer(StrEnum):
    """Who carries an order out."""

    OPERATOR = "operator"
    ORGANISATION = "organisation"
    API_OWNER = "api-owner"
    PRODUCT_TEAM = "product-team"


class Act(StrEnum):
    """What people do at the portal."""

    CREATE = "create"
    COMPARE = "compare"
    CHANGE = "change"
    GRANT = "grant"
    APPROVE = "approve"
    UPLOAD = "upload"
    REMOVE_KEY = "remove_key"
    REMOVE_STOLEN_KEY = "remove_stolen_key"
    REMOVE_SUPPLIERS_KEY = "remove_suppliers_key"
    LOOK = "look"
    CONFIGURE = "configure"
    REMOVE = "remove"
    LET_GO = "let_go"


ACTS = {
    Act.CREATE: N_("Make a new OAuth client"),
    Act.COMPARE: N_("Compare the OAuth client"),
    Act.CHANGE: N_("Change the OAuth client"),
    Act.GRANT: N_("Change the scopes"),
    Act.APPROVE: N_("Approve the coupling to {product}"),
    Act.UPLOAD: N_("Upload public keys"),
    Act.REMOVE_KEY: N_("Remove public keys"),
    Act.REMOVE_STOLEN_KEY: N_("Remove a stolen public key at once"),
    Act.REMOVE_SUPPLIERS_KEY: N_("Remove the public keys of {supplier}, which acts here no more"),
    Act.LOOK: N_("Look at the public keys"),
    Act.CONFIGURE: N_("Register {product}"),
    Act.REMOVE: N_("Remove the OAuth client"),
    Act.LET_GO: N_("Let the OAuth client go"),
}
"""What there is to do, as people read it."""


_DOERS = {
    Act.APPROVE: Doer.API_OWNER,
    Act.UPLOAD: Doer.ORGANISATION,
    Act.REMOVE_KEY: Doer.ORGANISATION,
    Act.REMOVE_STOLEN_KEY: Doer.ORGANISATION,
    Act.CONFIGURE: Doer.PRODUCT_TEAM,
}


@dataclass(frozen=True)
class Order:
    """What one part of a client has to be, and who does it."""

    client_key: ClientKey
    resource_name: str
    part: str
    act: Act
    says: Mapping[str, Any]
    """What the part has to be: metadata by name, ``{"dv_dosis_lezen": {"default": False}}`` for
    scopes, public keys by ``kid``, ``{"dosis": {…}}`` for a product, {} where it has to go."""
    now: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """What is confirmed of the part, in the same shape."""
    client_id: str | None = field(default=None, compare=False)
    form: str | None = field(default=None, compare=False)
    refused: OrderRefusal | None = field(default=None, compare=False)
    compromised: Collection[str] = field(default=(), compare=False)
    """The thumbprints of stolen keys."""
    revoked: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The suppliers that may not act any more, by the thumbprint of each key of theirs."""

    @property
    def doer(self) -> Doer:
        return _DOERS.get(self.act, Doer.OPERATOR)

    def title(self, language: Language) -> str:
        """Return what there is to do, as people read it."""
        return language.translated(
            ACTS[self.act],
            product=self.part.rpartition("/")[2],
            supplier=", ".join(sorted(set(self.revoked.values()))),
        )

    @cached_property
    def full_digest(self) -> str:
        """SHA-256 of the client, the part and what the order says, in hexadecimal digits."""
        document = {"client": [*self.client_key], "part": self.part, "says": self.says}
        text = json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def digest(self) -> str:
        """The beginning of the digest, as people write it."""
        return self.full_digest[:_FEW_DIGITS]

    @property
    def name(self) -> str:
        return f"{self.resource_name} {self.part} @{self.digest}"

    @property
    def whole_name(self) -> str:
        """With the whole digest, which no other order has."""
        return f"{self.resource_name} {self.part} @{self.full_digest}"


@dataclass(frozen=True)
class Rules:
    """What decides about orders besides what is wanted and what is confirmed."""

    now: datetime
    overlap_days: float = 0
    evidence_max_days: int = 90
    approved_by_owner: Callable[[Platform, str], str | None] = lambda _platform, _scope: None
    """The product whose API's owner approves a coupling for a scope; None where the operator grants
    it."""
    assigned: Mapping[Platform, Collection[str]] = field(default_factory=dict)
    """The scopes that API providers grant by themselves."""


def orders(
    client_key: ClientKey,
    wanted: Declaration | None,
    confirmed: Confirmation | None,
    record: Client | None,
    rules: Rules,
    *,
    keeps: bool = False,
) -> Iterator[Order]:
    """Yield what people must do so that a client becomes as it is ``wanted`` (None: it must go),
    given what is ``confirmed`` of it and the ``record`` in the state. Nothing where all is so.

    Of a client that its form ``keeps`` they only confirm that nobody manages it from here on.
    """
    if confirmed is None or not confirmed.is_there:
        # Not while the state has the client: its file may be lost, or a run must forget it first.
        if wanted is not None and (record is None or not record.client_id):
            yield _with_refusal(_creation(wanted, rules), confirmed)
        return
    if wanted is None:
        for removal in removals({client_key: confirmed}):
            order = _let_go(removal) if keeps else removal
            yield _with_refusal(order, confirmed)
        return
    for order in targets(wanted, confirmed, rules):
        if order.says != order.now:
            yield _with_refusal(order, confirmed)


def removals(confirmations: Confirmations) -> Iterator[Order]:
    """Yield the order to remove each client that is confirmed as being there."""
    for client_key, confirmed in confirmations.items():
        if confirmed.is_there:
            yield _removal(client_key, confirmed)


def possible_removals(confirmations: Confirmations) -> Iterator[Order]:
    """Yield every order that people may have been given to remove a client or to let it go, also
    for clients that are gone by now: by these, reports recognise an order of the past."""
    for client_key, confirmed in confirmations.items():
        if confirmed.content.client_id is not None:
            removal = _removal(client_key, confirmed)
            yield from (removal, _let_go(removal))


def _removal(client_key: ClientKey, confirmed: Confirmation) -> Order:
    """Return the order to remove a client, which says its client-ID."""
    name, client_id = resource_name(client_key[0], client_key[1]), confirmed.content.client_id
    return Order(
        client_key, name, REMOVE, Act.REMOVE, {"client_id": client_id}, client_id=client_id
    )


def _let_go(removal: Order) -> Order:
    return replace(removal, act=Act.LET_GO, says={**removal.says, "keep": True})


def targets(wanted: Declaration, confirmed: Confirmation, rules: Rules) -> Iterator[Order]:
    """Yield an order for each part of a client (metadata, scopes, keys, products) with what it must
    be, whether it is so already or not."""
    before = confirmed.content.metadata.properties if confirmed.content.metadata else {}
    says = wanted.metadata.for_people.properties
    yield _order(wanted, confirmed, CLIENT, Act.CHANGE, says, before)
    for part, act, scopes in _scopes_by_part(wanted, confirmed.scopes, rules):
        granted = _confirmed_scopes(part, wanted.platform, confirmed, rules)
        yield _order(wanted, confirmed, part, act, scopes, granted)
    in_portal = wanted.authentication is Authentication.KEYS_OF_PORTAL
    if wanted.authentication is Authentication.KEYS_OF_FORM or (in_portal and confirmed.jwks):
        if in_portal:
            keys = _keys_of_portal(wanted, confirmed)
        else:
            keys = _keys_of_form(wanted, confirmed, rules)
        says, before = members_of(keys), members_of(confirmed.jwks or {})
        act = _act_on_keys(wanted, confirmed, keys)
        yield replace(
            _order(wanted, confirmed, KEYS, act, says, before),
            compromised=wanted.keys.compromised,
            revoked=wanted.keys.revoked,
        )
    elif in_portal and confirmed.jwks is None:  # nobody has looked yet which keys are there
        yield _order(wanted, confirmed, KEYS, Act.LOOK, {"keys": "portal"}, {})
    for product in sorted(wanted.products.keys() | confirmed.products.keys()):
        says, before = _product_in_order(wanted, product), _product_in_order(confirmed, product)
        yield _order(wanted, confirmed, f"{PRODUCT}/{product}", Act.CONFIGURE, says, before)


def _product_in_order(client: Client | Confirmation, product: str) -> dict[str, Any]:
    """Return a client's product as an order says it, ``{"dosis": {…}}``; {} where the client does
    not have it."""
    configured = client.products.get(product)
    return {} if configured is None else {product: dict(configured.configuration)}


def possible_orders(
    wanted: Declaration, confirmed: Confirmation | None, rules: Rules
) -> Iterator[Order]:
    """Yield every order that people may have been given for a form's client, and the one to make
    it: by these, reports recognise an order of the past."""
    yield _creation(wanted, rules)
    if confirmed is not None and confirmed.content.client_id is not None:
        yield from targets(wanted, confirmed, rules)


def _creation(wanted: Declaration, rules: Rules) -> Order:
    """Return the order to make a form's client; or to compare the one that the form adopts, where
    it names one. It says the metadata and the scopes that the operator grants, nothing else."""
    by_part = _scopes_by_part(wanted, {}, rules)
    granted = next(scopes for part, _, scopes in by_part if part == SCOPES)
    says: dict[str, Any] = {CLIENT: wanted.metadata.for_people.properties, SCOPES: granted}
    act = Act.CREATE
    if wanted.form.adopts:
        act, says["client_id"] = Act.COMPARE, wanted.form.adopts
    return Order(
        wanted.client_key,
        wanted.resource_name,
        CREATE,
        act,
        says,
        client_id=wanted.form.adopts,
        form=wanted.form.path,
    )


def _order(
    wanted: Declaration,
    confirmed: Confirmation,
    part: str,
    act: Act,
    says: Mapping[str, Any],
    now: Mapping[str, Any],
) -> Order:
    """Return the order about one part of a client, with what the part must be (``says``) and what
    is confirmed of it (``now``)."""
    client_id = confirmed.content.client_id
    return Order(
        wanted.client_key, wanted.resource_name, part, act, says, now, client_id, wanted.form.path
    )


def _with_refusal(order: Order, confirmed: Confirmation | None) -> Order:
    """Return the order with its refusal, where somebody refused it and it still says the same; else
    the order as it is."""
    refusal = confirmed.content.refused.get(order.part) if confirmed else None
    if refusal is None or refusal.digest != order.full_digest:
        return order
    return replace(order, refused=refusal)


def _scopes_by_part(
    wanted: Declaration, confirmed: Mapping[str, bool], rules: Rules
) -> Iterator[tuple[str, Act, dict[str, Any]]]:
    """Yield the scopes that a client must have, by who grants them: ``("scopes", Act.GRANT, {…})``
    for the operator, ``("scopes/dosis", Act.APPROVE, {…})`` for the owner of an API.

    A part with ``confirmed`` scopes alone is among these, with {}: all of it must go.
    """
    parts: dict[str, dict[str, Any]] = {SCOPES: {}}
    for scope in confirmed:
        parts.setdefault(scope_part(wanted.platform, scope, rules), {})
    for scope, grant in sorted(wanted.scopes.items()):
        part = scope_part(wanted.platform, scope, rules)
        parts.setdefault(part, {})[scope] = {"default": grant.default}
    for part, scopes in sorted(parts.items()):
        act = Act.GRANT if part == SCOPES else Act.APPROVE
        yield part, act, scopes


def scope_part(platform: Platform, scope: str, rules: Rules) -> str:
    """Return the part of a client that a scope belongs to: ``scopes`` where the operator grants it,
    ``scopes/<product>`` where the owner of that product's API approves it."""
    product = rules.approved_by_owner(platform, scope)
    return SCOPES if product is None else f"{SCOPES}/{product}"


def _confirmed_scopes(
    part: str, platform: Platform, confirmed: Confirmation, rules: Rules
) -> dict[str, Any]:
    """Return the confirmed scopes of a part such as ``scopes/dosis``, as an order says them;
    without those that API providers grant by themselves."""
    granted = {}
    for scope, default in sorted(confirmed.scopes.items()):
        is_assigned = scope in rules.assigned.get(platform, ())
        if not is_assigned and scope_part(platform, scope, rules) == part:
            granted[scope] = {"default": default}
    return granted


def _act_on_keys(
    wanted: Declaration, confirmed: Confirmation, keys: Mapping[str, PublicJwk]
) -> Act:
    """Return what people do so that a client has ``keys``; the most urgent, where these are several
    acts.

    The operator removes the key of a supplier that may not act any more: that supplier may be the
    one that uploads for the organisation.
    """
    before = thumbprints((confirmed.jwks or {}).values())
    after = thumbprints(keys.values())
    removed = before - after
    if removed & wanted.keys.compromised:
        return Act.REMOVE_STOLEN_KEY
    if removed & wanted.keys.revoked.keys():
        return Act.REMOVE_SUPPLIERS_KEY
    return Act.REMOVE_KEY if removed and after <= before else Act.UPLOAD


def _keys_of_portal(wanted: Declaration, confirmed: Confirmation) -> Mapping[str, PublicJwk]:
    """Return the keys that a client must have whose keys are left to the portal: the confirmed
    ones, without those that are stolen or a former supplier's."""
    leaving_at_once = wanted.keys.gone_at_once
    keys = (confirmed.jwks or {}).items()
    return {kid: key for kid, key in keys if key.thumbprint not in leaving_at_once}


def _keys_of_form(
    wanted: Declaration, confirmed: Confirmation, rules: Rules
) -> Mapping[str, PublicJwk]:
    """Return the keys that a client must have, per ``kid``: those of its form, and those that may
    not leave yet by the rule of rotation (``rotation.py``)."""
    confirmed_keys, form_keys = confirmed.jwks or {}, wanted.jwks or {}
    registered, confirmed_kids = [], {}
    for kid, key in confirmed_keys.items():
        since = confirmed.since.get(key.thumbprint, EVER)
        registered.append(RegisteredKey(kid, key.thumbprint, since, key.expires))
        confirmed_kids[key.thumbprint] = kid
    declared = set[str]()
    for kid, key in form_keys.items():
        # Under another kid it is another key to whoever uploads it.
        if confirmed_kids.get(key.thumbprint, kid) == kid:
            declared.add(key.thumbprint)
    evidence = wanted.evidence_file.evidence
    trusted = set[str]()
    if evidence and is_fresh(evidence, rules.now, rules.evidence_max_days):
        trusted.add(evidence.thumbprint)
    leaving_at_once = wanted.keys.gone_at_once
    staying: dict[str, PublicJwk] = {}
    if obstacle(
        registered,
        declared,
        trusted=trusted,
        compromised=leaving_at_once,
        now=rules.now,
        overlap_days=rules.overlap_days,
    ):
        usable = not_ended(confirmed_keys, rules.now)
        others = leaving_at_once | declared
        staying = {kid: key for kid, key in usable.items() if key.thumbprint not in others}
    # A new key waits where it wants the name of one that stays, or where there would be more than a
    # client may have.
    taken = {*staying, *thumbprints(staying.values())}
    fitting = []
    for kid, key in form_keys.items():
        if taken.isdisjoint((kid, key.thumbprint)):
            fitting.append((kid, key))
    fitting.sort(key=lambda kid_and_key: kid_and_key[1].thumbprint not in confirmed_kids)
    return {**staying, **dict(fitting[: max(MOST_KEYS - len(staying), 0)])}
