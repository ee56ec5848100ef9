"""Standings for tests of reminders, made small."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from acmidm.report.standing import Standing, Step, WaitsFor
from acmidm.report.status import ListedConnection, ListedKey
from acmidm_onboarding.model.form import Environment, Platform

OVO = "OVO002067"


def key(kid: str, expires: datetime | None) -> ListedKey:
    return ListedKey(kid=kid, thumbprint=f"thumbprint-of-{kid}", expires=expires)


def connection(application: str = "loket", *keys: ListedKey, **how: Any) -> ListedConnection:
    code = how.pop("code", OVO)
    values: dict[str, Any] = {
        "key": f"{code}/{application}",
        "organisation": "Stad Gent",
        "application": application,
        "platform": Platform.ACMIDM,
        "client_id": "8abae908-3b66-41e8-bf7d-262d136515b4",
        "form": f"gent/{application}",
        "stack": "tni",
        "environment": Environment.TNI,
        "codes": (code,),
        "contacts": ("api@stad.example",),
        "token_endpoint_auth_method": "private_key_jwt",
        "scopes": ("dv_dosis_schrijven",),
        "keys": keys,
        "products": (),
    }
    return ListedConnection.model_validate({**values, **how})


def standing(
    one: ListedConnection,
    step: Step = Step.DONE,
    waits_for: WaitsFor | None = None,
    since: datetime | None = None,
    order: str = "validate",
    values: Mapping[str, str] | None = None,
    unknown: tuple[str, ...] = (),
) -> Standing:
    return Standing(connection=one, step=step, waits_for=waits_for, order=order, values=dict(values or {}), since=since, unknown=unknown)
