"""Where a connection stands: each row of the derivation, and that no row is further than its
facts."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from acmidm.desk.progress import _ROWS, Facts, Progress, Step, WaitsFor, progress
from acmidm.desk.status import ListedMandate
from acmidm_onboarding.rules.orders import Act, Order
from acmidm_onboarding.texts import Language, texts
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
) -> Any:
    return pytest.param(order, tni, prod, whom, since, how, id=f"{order}-{'-'.join(how)}")


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
    case("authority-unknown", 7, 9, AUTHORITY, is_seen=False),
]


def on_production(facts: Facts) -> Facts:
    return replace(
        facts,
        connection=facts.connection.model_copy(
            update={"environment": Environment.PROD, "stack": "prod"}
        ),
    )


@pytest.mark.parametrize(("order", "tni", "prod", "whom", "since", "how"), CASES)
def test_each_row_of_the_derivation(
    order: str,
    tni: int,
    prod: int | None,
    whom: WaitsFor | None,
    since: int | None,
    how: dict[str, Any],
) -> None:
    """On TNI and on production: its step, whom it waits for, since when; and the sentence can be
    said in each language."""
    facts = replace(WHOLE, **how)
    found = progress(facts)
    assert (found.order, int(found.step), found.waits_for) == (order, tni, whom)
    assert found.since == (NOW - since * DAY if since else None)
    if prod is not None:
        there = progress(on_production(facts))
        assert (there.order, int(there.step), there.waits_for) == (order, prod, whom)
    for language in Language:
        assert found.to_do(language).strip()


def test_done_on_production() -> None:
    found = progress(on_production(replace(WHOLE, last_token_at=NOW - DAY)))
    assert (found.order, found.step, found.waits_for, found.since) == (
        "done",
        Step.DONE,
        None,
        NOW - 5 * DAY,
    )
    assert found.to_do(Language.NL).startswith(
        "Klaar. Voor nazorg of met vragen of problemen kan Stad Gent altijd terecht bij de"
        " Servicedesk Informatiekanalen."
    )
    assert "Laatste token: " in found.to_do(Language.NL)
    assert (
        progress(on_production(replace(WHOLE, connection=IN_PORTAL, keys_since=None))).since is None
    )


def test_every_row_and_every_order_has_its_case() -> None:
    """So that a row that is added is tried too; and no order is without its text, nor a text
    without its order."""
    tried = {parameters.values[0] for parameters in CASES} | {"done"}
    assert {row.order for row in _ROWS} | {"undeclared", "leave"} == tried
    orders = {
        name.removeprefix("order.")
        for name in texts("steps", Language.NL).templates
        if name.startswith("order.")
    }
    assert orders == tried


@pytest.mark.parametrize(
    "number", range(len(_ROWS)), ids=[f"{number}-{row.order}" for number, row in enumerate(_ROWS)]
)
def test_each_row_decides_a_case(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Without it, some case has another step, order or turn: no row is idle, and none is tried in
    name alone."""
    facts = [replace(WHOLE, **parameters.values[5]) for parameters in CASES]
    facts += [on_production(one) for one in facts]
    before = [progress(one) for one in facts]
    monkeypatch.setattr(
        "acmidm.desk.progress._ROWS",
        (*_ROWS[:number], *_ROWS[number + 1 :], _ROWS[-1]._replace(order="tested-other")),
    )
    assert [progress(one) for one in facts] != before


NOTHING: list[tuple[str, list[dict[str, Any]]]] = [
    ("state", [{}, {"is_recorded": None}, MISSING]),
    (
        "mail",
        [
            {},
            {"handed_over": None},
            {"handed_over": HandedOver()},
            {"handed_over": HandedOver(not_sent=NO_SMTP)},
        ],
    ),
    ("keys", [{}, {"usable_keys": None}, {"usable_keys": frozenset()}]),
    ("rights", [{}, {"administrators": None}, {"administrators": 0}]),
    ("evidence", [{}, {"evidence": None}, {"evidence": None, "evidence_refused": True}]),
    ("form", [{}, {"is_declared": None}, {"is_declared": False}]),
    ("authority", [{}, {"is_seen": False}, {"is_gone": True}, {"withdrawn": (("s", "o"),)}]),
    ("use", [{}, {"knows_use": False}]),
    ("production", [{}, {"is_on_production": True}, {"has_production": False}]),
]


def test_no_row_is_further_than_its_facts() -> None:
    """Whatever is not known or not there, in any combination: taking a fact away never makes a row
    go further."""
    for shown in (listed(), IN_PORTAL, SECRET):
        for parts in itertools.product(*(choices for _, choices in NOTHING)):
            changes = {name: value for part in parts for name, value in part.items()}
            if "connection" in changes:
                changes["connection"] = shown.model_copy(update={"client_id": None})
            facts = replace(WHOLE, **{"connection": shown, **changes})
            for each in (facts, on_production(facts)):
                found = progress(each)
                require_not_further(each, found)
                require_unknown_is_said(each, found)


def require_not_further(facts: Facts, found: Progress) -> None:
    tested = facts.connection.environment is Environment.TNI
    if not facts.is_recorded or not facts.connection.client_id or facts.is_gone:
        assert found.step <= (2 if tested else 7)
    elif facts.handed_over and facts.handed_over.not_sent:
        assert found.step <= (3 if tested else 7)
    elif (facts.uses_secret and not (tested and facts.is_on_production)) or (
        not facts.uses_secret and not facts.usable_keys
    ):
        assert found.step <= (5 if tested else 9)
    if found.waits_for is None:
        assert facts.is_recorded
        assert facts.is_seen or (tested and facts.uses_secret)
        assert facts.usable_keys or (tested and facts.is_on_production)
        assert found.order != "tested" or facts.is_proven


def require_unknown_is_said(facts: Facts, found: Progress) -> None:
    """What is not known is said so, and never that it is missing."""
    has_no_key = found.order in (
        "right",
        "upload",
        "upload-again",
        "publish",
        "first-key",
        "key-in-form",
    )
    is_made = facts.is_recorded and facts.connection.client_id
    is_mailed = facts.handed_over is not None and facts.handed_over != HandedOver()
    said = {
        "state": facts.is_recorded is None,
        "keys": found.order == "keys-unknown",
        "authority": found.order == "authority-unknown",
        "rights": found.order == "upload" and facts.administrators is None,
        "hand_over": bool(is_made) and not is_mailed,
        "form": facts.is_declared is None,
        "last_token": found.order == "done" and not facts.knows_use,
    }
    assert {name for name, is_unknown in said.items() if is_unknown} <= set(found.unknown)
    assert not has_no_key or facts.usable_keys is not None
    assert found.order != "right" or facts.administrators == 0
    assert found.order != "deploy" or facts.is_recorded is not None


def test_what_must_be_done_names_everybody() -> None:
    """The portal's address, the Lokale Beheerder and 1700, choice 5; the command that proves a
    connection, whole."""
    said = progress(replace(WHOLE, connection=IN_PORTAL, **NO_KEY, administrators=0)).to_do(
        Language.NL
    )
    for word in (
        "API-beheerder",
        "https://portaal.example",
        "Lokale Beheerder",
        "1700 en druk keuze 5",
    ):
        assert word in said
    leaving = progress(replace(WHOLE, leaves=date(2027, 3, 1))).to_do(Language.NL)
    assert leaving.endswith("Deze aansluiting stopt op 1 maart 2027.")
    later = progress(replace(WHOLE, handed_over=HandedOver(NOW - DAY, "the server is down"))).to_do(
        Language.NL
    )
    assert "De mail over wat er later bijkwam, is niet verstuurd (the server is down)." in later
    command = (
        "acmidm probe onboardings/gent/loket.yaml --stack tni --client-id {} --private-key BESTAND"
        " --record"
    )
    assert command.format("c-1") in progress(replace(WHOLE, evidence=None)).to_do(Language.NL)
    held_back = on_production(
        replace(WHOLE, **MISSING, is_held_back=True, test_client_id=TEST_CLIENT)
    )
    assert command.format(TEST_CLIENT) in progress(held_back).to_do(Language.NL)
    on_geosecure = replace(
        WHOLE, connection=listed(platform=Platform.GEOSECURE, client_id="7001"), evidence=None
    )
    assert "--stack tni --platform geosecure --client-id 7001 --private-key" in progress(
        on_geosecure
    ).to_do(Language.NL)
    without = progress(replace(WHOLE, handed_over=HandedOver(NOW - DAY, NO_SMTP))).to_do(
        Language.NL
    )
    assert (
        "De mail over wat er later bijkwam, is niet verstuurd: er is geen mailserver ingesteld."
        in without
    )
    never = progress(replace(WHOLE, evidence=None)).to_do(Language.NL)
    assert never.endswith("Er is nog geen token opgehaald.")
    unknown = progress(replace(WHOLE, evidence=None, knows_use=False)).to_do(Language.NL)
    assert unknown.endswith("Het is niet bekend wanneer er laatst een token is opgehaald.")
