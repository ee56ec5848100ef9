"""What can be known of a connection, and where it then stands: a case for each row of the
derivation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from acmidm.desk.progress import Facts
from acmidm.desk.status import ListedMandate, WaitsFor
from acmidm_onboarding.rules.orders import Act, Order
from acmidm_onboarding.values.client import HandedOver
from acmidm_onboarding.values.hand_over_outcome import EXISTED, NO_SMTP
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.evidence import proof
from tests.support.samples import NOW
from tests.support.samples import listed_connection as listed

DAY = timedelta(days=1)
TEST_CLIENT = "c-on-test"
US, ORGANISATION, AUTHORITY, OWNER = (
    WaitsFor.US,
    WaitsFor.ORGANISATION,
    WaitsFor.AUTHORITY,
    WaitsFor.API_OWNER,
)
EVIDENCE = proof(client_id="c-1", thumbprint="t1", iat=int((NOW - DAY).timestamp()))
IN_PORTAL = listed(keys_in_portal=True)
AT_ADDRESS = listed(jwks_uri="https://gent.example/jwks")
SECRET = listed(token_endpoint_auth_method="client_secret_basic")
WHOLE = Facts(
    listed(),
    NOW,
    portal="https://portaal.example",
    form="onboardings/gent/loket.yaml",
    made_at=NOW - 9 * DAY,
    keys_since=NOW - 5 * DAY,
    handed_over=HandedOver(sent_at=NOW - 8 * DAY),
    usable_keys=frozenset({"t1"}),
    administrators=1,
    evidence=EVIDENCE,
    has_production=True,
    knows_use=True,
)
"""All is done on TNI. Each case takes something away."""
NO_KEY: dict[str, Any] = {"usable_keys": frozenset[str](), "evidence": None}
MISSING: dict[str, Any] = {
    "is_recorded": False,
    "made_at": None,
    "handed_over": None,
    "usable_keys": None,
    "connection": listed(client_id=None),
}


def case(
    order: str,
    tni: int,
    prod: int | None,
    whom: WaitsFor | None,
    since: int | None = None,
    **how: Any,
) -> tuple[str, int, int | None, WaitsFor | None, int | None, dict[str, Any]]:
    return order, tni, prod, whom, since, how


def ordered(act: Act) -> dict[str, Any]:
    """What is known where somebody has to do something at a portal without an API first."""
    order = Order(
        (WHOLE.connection.key, Platform.ACMIDM, Environment.TNI),
        WHOLE.connection.key,
        "scopes",
        act,
        {},
    )
    return {"ordered": order, "ordered_since": NOW - 2 * DAY}


ENDED = ListedMandate(supplier="leverancier", until=NOW.date() - DAY, days_left=-1)
CASES = [
    case("state-unknown", 2, 7, US, is_recorded=None),
    case("mandate", 5, 9, ORGANISATION, connection=listed(mandate=ENDED), is_gone=True),
    case("gate-test", 2, 7, US, **MISSING, is_held_back=True),
    case(
        "gate-again",
        2,
        7,
        US,
        **MISSING,
        is_held_back=True,
        test_client_id=TEST_CLIENT,
        is_proven_there=True,
    ),
    case("gate", 2, 7, ORGANISATION, **MISSING, is_held_back=True, test_client_id=TEST_CLIENT),
    case("ordered", 2, 7, US, 2, **ordered(Act.CREATE)),
    case("ordered", 2, 7, US, 2, **ordered(Act.CONFIGURE)),
    case("ordered-owner", 2, 7, OWNER, 2, **ordered(Act.APPROVE)),
    case("ordered-key", 5, 9, ORGANISATION, 2, **ordered(Act.UPLOAD)),
    case("ordered-key-removal", 5, 9, ORGANISATION, 2, **ordered(Act.REMOVE_KEY)),
    case("ordered-stolen-key", 5, 9, ORGANISATION, 2, **ordered(Act.REMOVE_STOLEN_KEY)),
    case(
        "ordered-stolen-key",
        5,
        9,
        ORGANISATION,
        2,
        connection=listed(mandate=ENDED),
        **ordered(Act.REMOVE_STOLEN_KEY),
    ),
    case("ordered", 2, 7, US, 2, **ordered(Act.REMOVE_SUPPLIERS_KEY)),
    case("deploy", 2, 7, US, **MISSING),
    case("deploy", 2, 7, US, connection=listed(client_id=None)),
    case("gone", 2, 7, US, is_gone=True),
    case("hand-over-no-smtp", 3, 7, US, 9, handed_over=HandedOver(not_sent=NO_SMTP)),
    case("hand-over-failed", 3, 7, US, 9, handed_over=HandedOver(not_sent="the server refused it")),
    case(
        "extend-gate",
        2,
        7,
        ORGANISATION,
        lacking=("dv_dosis_schrijven",),
        is_held_back=True,
        test_client_id=TEST_CLIENT,
    ),
    case("extend", 2, 7, US, lacking=("dv_dosis_schrijven",)),
    case("secret", 5, 9, US, 8, connection=SECRET),
    case("keys-unknown", 5, 9, AUTHORITY, connection=IN_PORTAL, usable_keys=None),
    case("right", 4, 8, ORGANISATION, 8, connection=IN_PORTAL, **NO_KEY, administrators=0),
    case("upload", 5, 9, ORGANISATION, 8, connection=IN_PORTAL, **NO_KEY),
    case(
        "upload",
        5,
        9,
        ORGANISATION,
        9,
        connection=IN_PORTAL,
        **NO_KEY,
        handed_over=HandedOver(not_sent=EXISTED),
    ),
    case("upload", 5, 9, ORGANISATION, 8, connection=IN_PORTAL, **NO_KEY, administrators=None),
    case("upload-again", 5, 9, ORGANISATION, connection=IN_PORTAL, **NO_KEY, had_keys=True),
    case(
        "validate",
        7,
        None,
        ORGANISATION,
        connection=AT_ADDRESS,
        usable_keys=None,
        evidence=None,
        keys_since=None,
    ),
    case("tested", 7, None, None, 1, connection=AT_ADDRESS, usable_keys=None),
    case("key-in-form", 5, 9, ORGANISATION, **NO_KEY),
    case("change-over", 5, 9, US, connection=SECRET, awaits_key=True),
    case("api-owner", 7, 9, OWNER, withdrawn=(("vo_info", "Digitaal Vlaanderen"),)),
    case("on-production", 7, None, None, connection=SECRET, is_on_production=True),
    case("on-production", 7, None, None, is_on_production=True, evidence=None),
    case("form-unknown", 7, None, ORGANISATION, is_declared=None, evidence=None),
    case("validate", 7, None, ORGANISATION, 5, evidence=None),
    case("validate", 7, None, ORGANISATION, evidence=None, keys_since=None),
    case("validate-again", 7, None, ORGANISATION, evidence=None, evidence_refused=True),
    case("validate-again", 7, None, ORGANISATION, evidence_days=0),
    case("validate-again", 7, None, ORGANISATION, usable_keys=frozenset({"another"})),
    case("validate-again", 7, None, ORGANISATION, connection=listed(client_id="c-2")),
    case("validate-rest", 7, None, ORGANISATION, 1, unproven=("notificaties",)),
    case(
        "promote",
        7,
        None,
        ORGANISATION,
        1,
        unproven=("dosis",),
        is_exempt=True,
        has_production=False,
    ),
    case("promote", 7, None, ORGANISATION, 1, has_production=False),
    case("promote", 7, None, ORGANISATION, has_production=False, evidence=None, is_exempt=True),
    case("tested", 7, None, None, 1),
    case("undeclared", 7, 10, US, is_declared=False),
    case("undeclared", 5, 9, US, **NO_KEY, is_declared=False),
    case("leave", 7, 10, US, is_leaving=True, leaves=date(2026, 1, 1)),
    case("gate-test", 2, 7, US, lacking=("dv_dosis_schrijven",), is_held_back=True),
    case("first-key", 5, 9, ORGANISATION, 8, connection=IN_PORTAL, **NO_KEY, portal=""),
    case(
        "key-in-form", 5, 9, ORGANISATION, connection=IN_PORTAL, **NO_KEY, portal="", had_keys=True
    ),
    case("authority-unknown", 7, 9, AUTHORITY, is_answered=False),
]


def on_production(facts: Facts) -> Facts:
    return replace(
        facts,
        connection=facts.connection.model_copy(
            update={"environment": Environment.PROD, "stack": "prod"}
        ),
    )
