"""The gate to production, with the real engine: two stacks, two authorities, and evidence beside
the forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.end_to_end.reports.test_sources import ends
from tests.support.engine import Outcome
from tests.support.evidence import write_evidence
from tests.support.forms import PLAIN, write_form
from tests.support.portal import RunningPortal, new_key, public_jwk, put_current
from tests.support.registry import kids
from tests.support.repository import git
from tests.support.two_stacks import Both, with_production

WHY_UNPROVEN = (
    'nothing is proven, for TNI cannot be looked at: there is no stack "organization/acmidm/tni"',
    "there is no evidence from TNI",
)
_EXEMPT = {
    "promotion-gate": {"reason": "a system of before, replaced in 2027", "reference": "SD-4810"}
}


def held_back(outcome: Outcome) -> list[str]:
    """The sentences about what is not declared, each once."""
    lines = (line.strip().partition("not declared: ") for line in outcome.output.splitlines())
    return sorted(
        {sentence for before, found, sentence in lines if found and before == "warning: "}
    )


@pytest.mark.parametrize(
    ("mode", "what", "declared"), [("warn", "declared unproven", 5), ("enforce", "not declared", 0)]
)
def test_a_run_says_once_per_reason_what_is_not_proven(
    both: Both, mode: str, what: str, declared: int
) -> None:
    """Whether it is declared all the same or not: the engine alone would show each warning
    twice."""
    both.prod.configure({"promotionGate": mode})
    for number in range(5):
        with_production(both.prod, f"loket-{number}")
    deployed = both.prod.recover()
    assert deployed.code == 0, deployed.output
    said = [
        line.replace('"tni"', '"organization/acmidm/tni"')
        for line in deployed.output.splitlines()
        if "on prod" in line
    ]
    names = ", ".join(f"gent/loket-{number} on prod" for number in range(3))
    assert [line.partition(";")[0] for line in said] == [
        f"warning: {what}: {names} and 2 more: {why}" for why in WHY_UNPROVEN
    ]
    assert len(both.prod.outputs()["connections"]) == declared


def test_a_review_names_what_its_change_holds_back_and_counts_the_rest(both: Both) -> None:
    """It goes by the files since the stack was brought up last; before that nobody knows, and each
    is named."""

    def reviewed() -> dict[str, Any]:
        git(both.prod.folder, "add", "onboardings")
        git(both.prod.folder, "commit", "--quiet", "--message=x")
        return dict(
            json.loads(both.prod.acmidm("review", "--stack", "prod", "--output", "json").stdout)
        )

    git(both.prod.folder, "init", "--quiet")
    earlier = [with_production(both.prod, f"loket-{number}") for number in range(2)]
    first = reviewed()
    assert ([one["key"] for one in first["connections"]], first["notes"]) == (
        sorted(form.key for form in earlier),
        [],
    )
    assert both.prod.recover().code == 0
    added = with_production(both.prod, "nieuw")
    then = reviewed()
    assert [
        (one["key"], [change["kind"] for change in one["changes"]]) for one in then["connections"]
    ] == [(added.key, ["held_back"] * 2)]
    assert then["notes"] == [
        "2 other connections are held back from production; acmidm status --board says what each"
        " waits for."
    ]
    assert then["headline"] == "1 client is held back on prod"


def test_from_refused_to_production_and_never_back(both: Both, portal: RunningPortal) -> None:
    """Refused without a TNI stack and without evidence, others go on; proven, it is declared;
    nothing that happens later undeclares it.

    The two environments share nothing: a form without prod is not in prod, and what is destroyed on
    TNI stays in prod. A key that ends is found while its connection is held back, and not where it
    has left.
    """
    loket, portaal = (
        with_production(both.prod, "loket"),
        with_production(both.prod, "portaal", in_portal=True),
    )
    exempted, left = (
        with_production(both.prod, "uitgezonderd", exemptions=_EXEMPT),
        with_production(both.prod, "weg", retire="2020-03-31"),
    )
    for form in (loket, exempted, left):
        ends(form, "prod-key", 10 * 24 * 3600)
    only_tni = write_form(both.prod.forms, "gent/alleen-tni")

    unproven = both.prod.up()
    assert unproven.code != 0, "a program does not know whether they are there"
    assert [sentence.partition(";")[0] for sentence in held_back(unproven)] == [
        f"gent/loket on prod, gent/portaal on prod: {why}" for why in WHY_UNPROVEN
    ]
    assert set(both.prod.outputs()["connections"]) == {exempted.key}
    assert both.in_prod.clients(loket.application) == []
    listed = [
        both.prod.acmidm("status", "--stack", "prod", *more).stdout.splitlines()
        for more in ([], ["--expiring", "20"])
    ]
    assert [f"Stad Gent · {loket.application}  no client yet" in lines for lines in listed] == [
        False,
        True,
    ]
    assert [lines[0] for lines in listed] == ["1 connection on prod", "2 connections on prod"]
    drift = both.prod.acmidm("drift", "--stack", "prod")
    assert drift.code == 0, drift.output

    both.tni.connect(portal)
    both.tni.apply()
    of_portal = both.on_tni.client(portaal.application)["client_id"]
    portaal.keys["uploaded"] = new_key("uploaded")
    keys = {"keys": [public_jwk(portaal.keys["uploaded"])]}
    put_current(both.on_tni.http, f"/management/v1/clients/{of_portal}/jwks", keys)
    by_hand = {
        "client_id": both.on_tni.client(loket.application)["client_id"],
        "issuer": portal.issuer,
        "scopes": [PLAIN],
    }
    write_evidence(
        loket.path.parent,
        loket.keys["tni-key"].as_dict(private=True),
        application=loket.application,
        **by_hand,
    )
    both.tni.apply()
    both.tni.in_sync()
    asked = both.prod.recover()
    assert asked.code == 0, asked.output
    assert "its authority had not seen the key that signed it" in " ".join(held_back(asked)), (
        "no token was ever got with it"
    )

    evidence = [both.prove(loket, "tni-key", PLAIN), both.prove(portaal, "uploaded", PLAIN)]
    (unseen,) = held_back(both.prod.up())
    assert unseen.startswith("gent/loket on prod, gent/portaal on prod: "), (
        "TNI's run has not seen either yet"
    )
    both.tni.apply()
    both.tni.in_sync()
    assert held_back(both.prod.apply()) == []
    assert set(both.prod.outputs()["connections"]) == {loket.key, portaal.key, exempted.key}
    assert both.on_tni.client(only_tni.application)["managed_by"] == "acmidm/tni"
    there = both.in_prod.client(loket.application)
    here = both.on_tni.client(loket.application)
    assert [client["software_id"] for client in (here, there)] == [
        f"acmidm/tni/{loket.key}",
        f"acmidm/prod/{loket.key}",
    ]
    assert (kids(here), kids(there)) == ({"tni-key"}, {"prod-key"})

    for file in evidence:
        file.unlink()
    both.tni.succeed("destroy", "--yes", "--suppress-progress")
    assert both.on_tni.clients(loket.application) == []
    loket.request("prod")["scopes"]["vo"] = {}
    loket.request("prod")["jwks"] = []
    loket.add_key("next-key", "prod")
    loket.save()
    later = both.prod.apply()
    assert {sentence.partition(";")[0] for sentence in held_back(later)} == {
        'gent/loket on prod: stack "tni" does not have it',
        "gent/loket on prod: there is no evidence from TNI",
        'gent/loket on prod: scope "vo" is not proven on TNI',
    }
    after = both.in_prod.client(loket.application)
    assert after["scopes"] == there["scopes"]
    assert kids(after) == {"next-key"}
    assert both.in_prod.client(portaal.application)["client_id"]
    both.tni.succeed("stack", "rm", "tni", "--yes")
    both.prod.in_sync()
    report = json.loads(both.prod.acmidm("drift", "--stack", "prod", "--output", "json").stdout)
    assert report["in_sync"], report["headline"]
