"""Standings for tests of reminders, made small."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from acmidm.desk.status import ListedConnection, ListedKey, Step, WaitsFor
from tests.support.samples import OVO, listed_connection


def key(kid: str, expires: datetime | None) -> ListedKey:
    return ListedKey(kid=kid, thumbprint=f"thumbprint-of-{kid}", expires=expires)


def connection(application: str = "loket", *keys: ListedKey, **how: Any) -> ListedConnection:
    code = how.pop("code", OVO)
    return listed_connection(
        application, **{"key": f"{code}/{application}", "codes": (code,), "keys": keys, **how}
    )


def progress(
    one: ListedConnection,
    step: Step = Step.DONE,
    waits_for: WaitsFor | None = None,
    since: datetime | None = None,
    order: str = "validate",
    values: Mapping[str, str] | None = None,
    unknown: tuple[str, ...] = (),
) -> ListedConnection:
    standing = {
        "step": step,
        "waits_for": waits_for,
        "order": order,
        "values": dict(values or {}),
        "since": since,
        "unknown": unknown,
    }
    return one.model_copy(update=standing)
