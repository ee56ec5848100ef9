"""Where a connection stands: each row of the derivation, and that no row is further than its
facts."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from acmidm.desk.progress import _INSTRUCTIONS, _ROWS, Facts, progress, to_do
from acmidm.desk.status import ListedConnection, Step
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.client import HandedOver
from acmidm_onboarding.values.hand_over_outcome import NO_SMTP
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.samples import NOW
from tests.support.samples import listed_connection as listed
from tests.support.standing import (
    CASES,
    DAY,
    IN_PORTAL,
    MISSING,
    NO_KEY,
    SECRET,
    TEST_CLIENT,
    WHOLE,
    on_production,
)


def test_each_row_of_the_derivation() -> None:
    """On TNI and on production: its step, whom it waits for, since when; and the sentence can be
    said in each language."""
    expected: list[Any] = []
    derived: list[Any] = []
    for order, tni, prod, whom, since, how in CASES:
        facts = replace(WHOLE, **how)
        found = progress(facts)
        expected.append((order, tni, whom, NOW - since * DAY if since else None))
        derived.append((found.order, found.step, found.waits_for, found.since))
        if prod is not None:
            there = progress(on_production(facts))
            expected.append((order, prod, whom))
            derived.append((there.order, there.step, there.waits_for))
        for language in Language:
            assert to_do(found, language).strip(), (order, how)
    assert derived == expected


def test_done_on_production() -> None:
    found = progress(on_production(replace(WHOLE, connection=listed(last_token_at=NOW - DAY))))
    assert (found.order, found.step, found.waits_for, found.since) == (
        "done",
        Step.DONE,
        None,
        NOW - 5 * DAY,
    )
    assert to_do(found, Language.NL).startswith(
        "Klaar. Voor nazorg of met vragen of problemen kan Stad Gent altijd terecht bij de"
        " Servicedesk Informatiekanalen."
    )
    assert "Laatste token: " in to_do(found, Language.NL)
    assert (
        progress(on_production(replace(WHOLE, connection=IN_PORTAL, keys_since=None))).since is None
    )


def test_every_row_and_every_order_has_its_case() -> None:
    """So that a row that is added is tried too; and no order is without its text, nor a text
    without its order."""
    tried = {case[0] for case in CASES} | {"done"}
    assert {row.order for row in _ROWS} | {"undeclared", "leave"} == tried
    orders = {*_INSTRUCTIONS}
    assert orders == tried


def test_each_row_decides_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, some case has another step, order or turn: no row is idle, and none is tried in
    name alone."""
    facts = [replace(WHOLE, **case[5]) for case in CASES]
    facts += [on_production(one) for one in facts]
    before = [progress(one) for one in facts]
    idle = []
    for number, row in enumerate(_ROWS):
        without = *_ROWS[:number], *_ROWS[number + 1 :], _ROWS[-1]._replace(order="tested-other")
        monkeypatch.setattr("acmidm.desk.progress._ROWS", without)
        if [progress(one) for one in facts] == before:
            idle.append((number, row.order))
    assert idle == []


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
    ("what it proves", [{}, {"unproven": ("notificaties",)}]),
    ("form", [{}, {"is_declared": None}, {"is_declared": False}]),
    ("authority", [{}, {"is_answered": False}, {"is_gone": True}, {"withdrawn": (("s", "o"),)}]),
    ("use", [{}, {"knows_use": False}]),
    ("production", [{}, {"is_on_production": True}, {"has_production": False}]),
]


AT_ONCE = 4


def test_no_row_is_further_than_its_facts() -> None:
    """Whatever is not known or not there, in any combination of up to four facts: taking a fact
    away never makes a row go further."""
    for shown in (listed(), IN_PORTAL, SECRET):
        for parts in itertools.product(*(choices for _, choices in NOTHING)):
            if sum(map(bool, parts)) > AT_ONCE:
                continue
            changes = {name: value for part in parts for name, value in part.items()}
            if "connection" in changes:
                changes["connection"] = shown.model_copy(update={"client_id": None})
            facts = replace(WHOLE, **{"connection": shown, **changes})
            for each in (facts, on_production(facts)):
                found = progress(each)
                require_not_further(each, found)
                require_unknown_is_said(each, found)


def require_not_further(facts: Facts, found: ListedConnection) -> None:
    tested = facts.connection.environment is Environment.TNI
    assert found.step is not None
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
        assert facts.is_answered or (tested and facts.uses_secret)
        assert facts.usable_keys or (tested and facts.is_on_production)
        assert found.order != "tested" or (facts.is_proven and not facts.unproven)


def require_unknown_is_said(facts: Facts, found: ListedConnection) -> None:
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
    said = to_do(
        progress(replace(WHOLE, connection=IN_PORTAL, **NO_KEY, administrators=0)), Language.NL
    )
    for word in (
        "API-beheerder",
        "https://portaal.example",
        "Lokale Beheerder",
        "1700 en druk keuze 5",
    ):
        assert word in said
    leaving = to_do(progress(replace(WHOLE, leaves=date(2027, 3, 1))), Language.NL)
    assert leaving.endswith("Deze aansluiting stopt op 1 maart 2027.")
    later = to_do(
        progress(replace(WHOLE, handed_over=HandedOver(NOW - DAY, "the server is down"))),
        Language.NL,
    )
    assert "De mail over wat er later bijkwam, is niet verstuurd (the server is down)." in later
    command = (
        "acmidm probe onboardings/gent/loket.yaml --stack tni --client-id {} --private-key BESTAND"
        " --record"
    )
    assert command.format("c-1") in to_do(progress(replace(WHOLE, evidence=None)), Language.NL)
    held_back = on_production(
        replace(WHOLE, **MISSING, is_held_back=True, test_client_id=TEST_CLIENT)
    )
    assert command.format(TEST_CLIENT) in to_do(progress(held_back), Language.NL)
    on_geosecure = replace(
        WHOLE, connection=listed(platform=Platform.GEOSECURE, client_id="7001"), evidence=None
    )
    assert "--stack tni --platform geosecure --client-id 7001 --private-key" in to_do(
        progress(on_geosecure), Language.NL
    )
    without = to_do(
        progress(replace(WHOLE, handed_over=HandedOver(NOW - DAY, NO_SMTP))), Language.NL
    )
    assert (
        "De mail over wat er later bijkwam, is niet verstuurd: er is geen mailserver ingesteld."
        in without
    )
    never = to_do(progress(replace(WHOLE, evidence=None)), Language.NL)
    assert never.endswith("Er is nog geen token opgehaald.")
    unknown = to_do(progress(replace(WHOLE, evidence=None, knows_use=False)), Language.NL)
    assert unknown.endswith("Het is niet bekend wanneer er laatst een token is opgehaald.")


def test_what_the_owner_of_an_api_still_does_is_said_until_a_token_was_fetched() -> None:
    """Which nobody here sees: the gate and the probe alike only see the refusal."""
    afterwards = {Language.NL: "De eigenaar registreert.", Language.EN: "Its owner registers."}
    waiting = replace(WHOLE, evidence=None, connection=listed(afterwards=afterwards))
    for language, sentence in afterwards.items():
        assert sentence in to_do(progress(waiting), language)
        fetched = listed(afterwards=afterwards, last_token_at=NOW - DAY)
        used = replace(waiting, connection=fetched)
        assert sentence not in to_do(progress(used), language)


PROVING: list[tuple[str, dict[str, Any]]] = [
    ("validate", {"evidence": None}),
    ("validate-again", {"evidence_days": 0}),
    ("validate-rest", {"unproven": ("notificaties",)}),
]


@pytest.mark.parametrize(("order", "how"), PROVING, ids=[order for order, _ in PROVING])
def test_what_has_to_be_proven_is_said_with_the_command_that_proves_it(
    order: str, how: dict[str, Any]
) -> None:
    """With the test message where nothing else proves it; and who runs it, also where no command is
    shown: on the page and for people without Git."""
    facts = replace(WHOLE, **how, proof_options="--send-test-message --record")
    found = progress(facts)
    assert found.order == order
    for language, file in ((Language.NL, "BESTAND"), (Language.EN, "FILE")):
        said = to_do(found, language)
        assert f" --private-key {file} --send-test-message --record" in said
        assert set(facts.unproven) <= set(said.replace(",", "").replace(".", "").split())
        without_command = to_do(found, language, with_command=False)
        assert "--record" not in without_command
        for text in (said, without_command):
            assert (
                language.tr(
                    "Whoever has the private key does that in a copy of the repository of the"
                    " forms: your developer or your supplier. Without Git, mail the file of"
                    " evidence to the onboarding team of Digitaal Vlaanderen, which adds it to your"
                    " form: there is no secret in it. Can nobody do that? Agree on an exemption"
                    " with that team."
                )
                in text
            )
