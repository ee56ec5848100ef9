"""Clients for tests of reports, made small: what is not said is the same for all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from acmidm.report.changes import Review
from acmidm.report.compare import Comparison
from acmidm.report.preview import Plan
from acmidm.report.reviewing import review_of_states
from acmidm.report.state import ClientState, Key
from components.model.form import Environment, Platform

NO_PLAN = Plan(Environment.TNI, {}, {}, {}, frozenset(), {}, {}, (), None)
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
COMPARISON = Comparison(NOW, {(Platform.ACMIDM, "dv_dosis_schrijven"): ("Digitaal Vlaanderen", False)})


def client(form: str = "gent/loket", environment: Environment = Environment.PROD, **how: Any) -> ClientState:
    """A client with one scope, two keys and a product."""
    state = ClientState(
        form,
        Platform.ACMIDM,
        environment,
        organisation="Stad Gent",
        organisation_code="OVO002067",
        application=form.rpartition("/")[2],
        software_id=f"acmidm/{environment}/OVO002067/{form}",
        auth_method="private_key_jwt",
        details={"contacts": "api@stad.example"},
        scopes={"vo_info": "requested"},
        keys={"a": Key("thumbprint-of-a"), "b": Key("thumbprint-of-b")},
        products={"notificaties": {"merk_code": "gent", "product_ids": ["10244"]}},
    )
    return replace(state, **how)


def reviewed(*pairs: tuple[ClientState | None, ClientState | None], comparison: Comparison = COMPARISON) -> Review:
    """The review of clients before and after."""
    before, after = ({state.place: state for state in side if state} for side in (list(zip(*pairs, strict=True)) or [(), ()]))
    return review_of_states(before, after, list(Environment), comparison)
