"""A form's client, and what people confirmed of it, without any file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acmidm_onboarding.rules.confirming import carried_out
from acmidm_onboarding.rules.orders import Order, Rules, orders
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.confirmation import KEYS, Attestation, Confirmation, ConfirmationFile
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.jwk import PublicJwk, public_jwk, readable_jwk
from tests.support.changed import Configurations, changed
from tests.support.declared import declaration
from tests.support.workspace import public_key

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BY = Attestation(by="iemand@vlaanderen.example", at=NOW)
CLIENT_ID = "8abae908-3b66-41e8-bf7d-262d136515b4"


def jwk(name: str, **changes: Any) -> PublicJwk:
    """A public key, always the same for the same name."""
    return public_jwk({**public_key(name, kty="EC", crv="P-256"), **changes})


def wanted(
    *scopes: str,
    keys: Collection[str] | None = ("old",),
    products: Configurations | None = None,
    **how: Any,
) -> Declaration:
    """What a form of Stad Gent asks; ``keys`` None: they are left to the portal."""
    jwks = None if keys is None else {name: jwk(name) for name in keys}
    made = declaration(
        scopes=dict.fromkeys(scopes, "why"), jwks=jwks, products=products, path="gent/loket.yaml"
    )
    return changed(made, **how)


def confirmed_by(
    order: Order,
    before: Confirmation | None = None,
    *,
    keys: Mapping[str, PublicJwk] | None = None,
) -> Confirmation:
    """What is confirmed of a client once an order is carried out; ``keys`` are those that somebody
    saw."""
    jwks: Mapping[str, PublicJwk] | None = before.jwks if before else None
    since = dict(before.since) if before else {}
    if order.part == KEYS:
        read = (
            {kid: readable_jwk(dict(members)) for kid, members in order.says.items()}
            if keys is None
            else keys
        )
        jwks = {kid: key for kid, key in read.items() if key}
        since = {key.thumbprint: since.get(key.thumbprint, NOW) for key in jwks.values()}
    elif order.part == "create":
        jwks, since = None, {}
    names = {f"{kid}.jwk.json": since[key.thumbprint] for kid, key in (jwks or {}).items()}
    said = carried_out(
        order, before.content if before else None, BY, client_id=CLIENT_ID, keys=names
    )
    return Confirmation(order.client_key[0], Path("loket.yaml"), said, jwks, since)


def as_wanted(
    form: Declaration,
    rules: Rules = Rules(NOW),  # noqa: B008
    **keys: Any,
) -> Confirmation:
    """What is confirmed once all that a form asks was carried out."""
    confirmed: Confirmation | None = None
    for _ in range(3):
        for order in list(orders(form.client_key, form, confirmed, None, rules)):
            confirmed = confirmed_by(order, confirmed, keys=keys or None)
    assert confirmed is not None
    assert not list(orders(form.client_key, form, confirmed, None, rules))
    return confirmed


def saying(confirmed: Confirmation, **changes: Any) -> Confirmation:
    """The same with members of its file changed by hand."""
    return replace(
        confirmed,
        content=ConfirmationFile.model_validate({**confirmed.content.model_dump(), **changes}),
    )


def record(form: Client, **changes: Any) -> Client:
    """What a state has of a form's client."""
    recorded = Client(*form.client_key, fields=form.fields, client_id=CLIENT_ID)
    return changed(recorded, **changes)
