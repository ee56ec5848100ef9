"""What of a preview is approved: everything that does something, in no order, at no time, without a
secret."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from pulumi.runtime import rpc

from acmidm.report.approved import approved_of, deviations_between, unapproved_steps
from acmidm.report.plan import read_plan
from tests.support.engine_records import plan, resource, steps

NAME, OTHER = "OVO000001/loket", "OVO000001/ander"


def approved(*changes: dict[str, Any]) -> Any:
    document = plan(*changes)
    return approved_of("tni", document, read_plan(document), {}, ())


def same(**of_new: object) -> dict[str, Any]:
    one = resource(NAME)
    return {
        "op": "same",
        "urn": one["urn"],
        "oldState": {**one, "protect": True},
        "newState": {**one, "id": None, "protect": True, **of_new},
    }


def test_a_protection_that_is_lifted_is_a_step_though_the_engine_calls_it_none() -> None:
    lifted = approved(same(protect=False))
    assert list(lifted["steps"]) == [f"(un)protect OAuthClient {NAME}"]
    assert approved(same())["steps"] == {}
    assert deviations_between(approved(same()), lifted) == [
        (f"(un)protect OAuthClient {NAME}: was not reviewed", NAME)
    ]
    left = approved(same(retainOnDelete=True))
    said = (
        f"(un)protect OAuthClient {NAME}: becomes.protect none → true, becomes.retainOnDelete none"
        " → true"
    )
    assert deviations_between(lifted, left) == [(said, NAME)]


def test_a_setting_and_what_is_no_connections_concern_all() -> None:
    others = "urn:pulumi:tni::acmidm::random:index/randomPet:RandomPet::pet"
    pet = {
        "op": "create",
        "urn": others,
        "newState": {"urn": others, "type": "random:index/randomPet:RandomPet"},
    }
    assert deviations_between(approved(same()), approved(same(), pet)) == [
        ("create  pet: was not reviewed", None)
    ]
    password = f"urn:pulumi:tni::acmidm::acmidm:index:Onboarding$random:index/randomPassword:RandomPassword::{NAME}"  # noqa: E501
    made = {
        "op": "create",
        "urn": password,
        "newState": {"urn": password, "type": "random:index/randomPassword:RandomPassword"},
    }
    assert deviations_between(approved(same()), approved(same(), made)) == [
        (f"create RandomPassword {NAME}: was not reviewed", NAME)
    ]
    was, is_now = (
        plan(),
        {**plan(), "config": {**plan()["config"], "acmidm:smtpUrl": "smtp://elsewhere"}},
    )
    changed = [
        approved_of("tni", document, read_plan(document), {}, ()) for document in (was, is_now)
    ]
    assert deviations_between(*changed) == [
        ("setting acmidm:smtpUrl none → smtp://elsewhere", None)
    ]


def test_times_and_order_are_no_part_of_it() -> None:
    changes = steps("update", NAME, OTHER)
    later = deepcopy(changes[::-1])
    for one, moment in (
        (one, moment) for moment, which in ((1, changes), (2, later)) for one in which
    ):
        one["newState"]["inputs"] = {
            **one["newState"]["inputs"],
            "since": {"thumbprint": f"2027-01-0{moment}T00:00:00Z"},
        }
    for one in later:
        one["newState"] |= {
            "modified": "2027-01-01T00:00:00Z",
            "outputs": {"x": 1},
            "sourcePosition": "elsewhere",
        }
    assert deviations_between(approved(*changes), approved(*later)) == []


def test_no_secret_is_part_of_it() -> None:
    """As the engine marks one, and a client's in the clear too."""
    encrypted = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "ciphertext": "v1:hidden",
    }
    one = resource(NAME)
    new = {
        **one,
        "inputs": {**one["inputs"], "client_secret": "hidden", "other": {"deep": [encrypted]}},
    }
    assert "hidden" not in json.dumps(
        approved({"op": "update", "urn": one["urn"], "oldState": one, "newState": new})
    )


def test_a_second_run_may_go_on_with_what_was_approved_and_with_nothing_else() -> None:
    first = approved(*steps("update", NAME, OTHER))
    assert (
        unapproved_steps(first, plan(*steps("delete", NAME), *steps("update", OTHER)), [NAME]) == []
    )
    more = unapproved_steps(first, plan(*steps("delete", NAME, f"{NAME}-nieuw")), [NAME])
    assert more == [
        (f"delete {kind} {NAME}-nieuw: was not reviewed", f"{NAME}-nieuw")
        for kind in ("OAuthClient", "Onboarding")
    ]


def test_what_no_preview_knows_yet_may_become_anything_and_not_the_other_way_round() -> None:
    """Such as the client-ID of a new client, which is there in a second run."""
    unknown, known = (approved(*with_client_id(value)) for value in (rpc.UNKNOWN, "1"))
    assert deviations_between(unknown, known) == deviations_between(unknown, unknown) == []
    assert [one.key for one in deviations_between(known, unknown)] == [NAME]


def with_client_id(client_id: str) -> list[dict[str, Any]]:
    changes = steps("update", NAME)
    for one in changes:
        one["newState"]["inputs"] = {**one["newState"]["inputs"], "client_id": client_id}
    return changes[:1]
