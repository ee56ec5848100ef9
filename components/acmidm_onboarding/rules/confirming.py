"""What a confirmation says once an order is carried out, or refused: what that order said, and
nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from acmidm_onboarding.rules.orders import CREATE, REMOVE, Order
from acmidm_onboarding.values.confirmation import (
    CLIENT,
    KEYS,
    PRODUCT,
    SCOPES,
    Attestation,
    ConfirmationFile,
    OrderRefusal,
)
from acmidm_onboarding.values.plain import without


def carried_out(
    order: Order,
    file: ConfirmationFile | None,
    by: Attestation,
    *,
    client_id: str | None = None,
    keys: Mapping[str, datetime] | None = None,
) -> ConfirmationFile:
    """Return the confirmation of a client after an order was carried out: its ``file`` (None: there
    is none yet) with what the order says, confirmed ``by`` somebody.

    ``client_id`` is that of a new client. ``keys`` are for an order about keys: the files of the
    public keys, with since when each is there.
    """
    before = (file or ConfirmationFile.model_construct()).model_dump()
    refused = without(before["refused"], (order.part,))
    if order.part == REMOVE:
        return ConfirmationFile.model_validate({**before, "refused": refused, "removed": by})
    if order.part == CREATE:
        changes: dict[str, Any] = {
            "client_id": client_id,
            "metadata": order.says[CLIENT],
            SCOPES: order.says[SCOPES],
            "confirmed": dict.fromkeys((CLIENT, SCOPES), by),
            KEYS: None,
            "products": {},
            "removed": None,
        }
    else:
        changes = {
            **_changes(order, before, keys),
            "confirmed": {**before["confirmed"], order.part: by},
        }
    return ConfirmationFile.model_validate({**before, **changes, "refused": refused})


def _changes(
    order: Order, before: Mapping[str, Any], keys: Mapping[str, datetime] | None
) -> dict[str, Any]:
    """Return the one field of a confirmation that an order about a part of a client changes, with
    its new value, as ``{"scopes": {…}}``. ``before`` has all fields as they were."""
    kind, _, name = order.part.partition("/")
    if kind == SCOPES:
        scopes_of_other_parts = without(before[SCOPES], order.now)
        return {SCOPES: {**scopes_of_other_parts, **order.says}}
    if kind == PRODUCT:
        products = dict(before["products"])
        products.pop(name, None)
        return {"products": {**products, **order.says}}
    if kind == KEYS:
        return {KEYS: dict(keys or {})}
    return {"metadata": order.says}


def refused(
    order: Order, file: ConfirmationFile | None, why: str, by: Attestation
) -> ConfirmationFile:
    """Return the confirmation of a client (None: there is none yet) with the refusal of an order:
    ``why``, and ``by`` whom. It counts until the order says something else."""
    before = (file or ConfirmationFile.model_construct()).model_dump()
    refusal = OrderRefusal(by=by.by, at=by.at, digest=order.full_digest, why=why)
    return ConfirmationFile.model_validate(
        {**before, "refused": {**before["refused"], order.part: refusal}}
    )
