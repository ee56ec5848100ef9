"""Reports with something of everything, which tests render."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from acmidm.desk.progress import Facts, progress, to_do
from acmidm.desk.status import ListedConnection, ListedKey, row_of, rows_in_order
from acmidm.desk.views import Status, View
from acmidm.terminal import speaking
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.client import HandedOver
from acmidm_onboarding.values.declaration import in_stack
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.engine import ROOT
from tests.support.rendering import as_html
from tests.support.samples import NOW, listed_connection
from tests.support.standing import CASES, MISSING, NO_KEY, WHOLE, on_production


def connection(application: str, **how: Any) -> ListedConnection:
    keys = (ListedKey(kid="key", thumbprint="t", expires=NOW, days_left=400),)
    return listed_connection(application, **{"keys": keys, "products": ("notificaties",), **how})


def status(*more: ListedConnection) -> Status:
    return Status(
        checked_at=NOW,
        stacks=("tni", "prod"),
        connections=(
            connection("loket"),
            connection(
                "dossiers",
                environment=Environment.PROD,
                stack="prod",
                scopes=("vo_info", "dv_dosis_schrijven"),
            ),
            connection("soon", keys=(ListedKey(kid="key", expires=NOW, days_left=12),)),
            connection("over", keys=(ListedKey(kid="key", expires=NOW, days_left=-3),)),
            *more,
        ),
    )


def named(application: str, facts: Facts) -> Facts:
    names = {"application": application, "key": f"OVO002067/{application}"}
    return replace(facts, connection=facts.connection.model_copy(update=names))


def board(language: Language = Language.NL, *more: ListedConnection) -> Status:
    """The board with something at each step: every case of the derivation, each of an application
    of its own, on TNI and some on production, and ``more`` of which all is done."""
    facts = [named(f"loket-{at}", replace(WHOLE, **case[5])) for at, case in enumerate(CASES)]
    facts += [on_production(one) for one in facts[::4]]
    facts += [on_production(replace(WHOLE, connection=one)) for one in more]
    return steps_of(facts, language)


def steps_of(facts: Iterable[Facts], language: Language) -> Status:
    rows = map(progress, facts)
    said = [row.model_copy(update={"to_do": to_do(row, language)}) for row in rows]
    return Status(
        view=View.BOARD,
        checked_at=NOW,
        stacks=("tni", "prod"),
        connections=tuple(said),
    )


def page_of(report: Status, language: Language = Language.EN) -> str:
    """The report as a page."""
    with speaking(language):
        return as_html(report)


def declared() -> Status:
    """The connections that this repository's own forms declare, as if they had been brought up;
    client-IDs are stand-ins."""
    onboardings = read_onboardings([ROOT / "onboardings"], ROOT / "catalogue").valid()
    connections = [
        row_of(
            environment.value,
            replace(state, client_id=str(uuid.uuid5(uuid.NAMESPACE_URL, str(place)))),
            PICTURED,
        )
        for environment in Environment
        for place, state in in_stack(onboardings.connections(environment), protect=None).items()
    ]
    return Status(
        checked_at=PICTURED, stacks=("tni", "prod"), connections=rows_in_order(connections)
    )


def declared_steps() -> Status:
    """The board of the same connections, each somewhere on its way."""
    portal = {**NO_KEY, "administrators": 0}
    no_mail, one_is = (
        {"handed_over": HandedOver(not_sent="no-smtp")},
        {**portal, "administrators": 1},
    )
    ways: list[dict[str, Any]] = [{"evidence": None}, {}, no_mail, MISSING, {}, portal, one_is]
    facts = []
    for one, how in zip(
        (one for one in declared().connections if one.platform is Platform.ACMIDM),
        cycle(ways),
        strict=False,
    ):
        changes: dict[str, Any] = (
            {"client_id": None}
            if how == MISSING
            else {"keys": (), "keys_in_portal": True}
            if "administrators" in how
            else {}
        )
        facts.append(
            replace(
                WHOLE, **{**how, "connection": one.model_copy(update=changes), "is_exempt": not how}
            )
        )
    return steps_of(facts, Language.NL)


PICTURED = datetime(2027, 7, 20, 9, 30, tzinfo=UTC)
"""A day on which some of those keys are about to end."""
