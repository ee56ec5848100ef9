"""What a run could not make, or is declared for, decides only that something stays: of that
connection, and of nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.resources.same_run import SameRun

KEY, FORMER = "acmidm/tni/OVO002067/loket", "acmidm/tni/OVO002067/oud"
CLIENT: dict[str, Any] = {
    "platform": "acmidm",
    "software_id": KEY,
    "client_id": "c",
    "incarnation": "old",
}
PRODUCT = {**CLIENT, "product": "dosis"}
OTHER = {
    "platform": "acmidm",
    "software_id": "acmidm/tni/OVO002067/balie",
    "client_id": "d",
    "incarnation": "its own",
}


@pytest.mark.parametrize(
    ("not_made", "held", "free"),
    [
        ({"platform": "acmidm", "software_id": KEY}, [CLIENT, PRODUCT], [OTHER]),
        (
            {"platform": "acmidm", "software_id": "…/new", "formerly": [KEY]},
            [CLIENT, PRODUCT],
            [OTHER],
        ),
        (
            {"platform": "acmidm", "software_id": "…/new", "adopt": {"client_id": "c"}},
            [CLIENT, PRODUCT],
            [OTHER],
        ),
        (
            {"platform": "acmidm", "client_id": "c", "connection": {"software_id": KEY}},
            [CLIENT, PRODUCT],
            [OTHER],
        ),
        (
            {**PRODUCT, "incarnation": None},
            [PRODUCT],
            [CLIENT, {**PRODUCT, "product": "notificaties"}, OTHER],
        ),
        (
            {"platform": "geosecure", "software_id": FORMER, "client_id": "c"},
            [],
            [CLIENT, PRODUCT, OTHER],
        ),
    ],
    ids=["key", "formerly", "adopt", "inside", "product", "platform"],
)
def test_what_could_not_be_made_holds_up_what_it_was_to_follow(
    not_made: dict[str, Any], held: list[dict[str, Any]], free: list[dict[str, Any]]
) -> None:
    run = SameRun()
    run.note_failed_create(not_made)
    for props in held:
        with pytest.raises(
            Rejected,
            match=(
                r"^the client stays, for what was to go on with it could not be made in this run:"
                r" correct"
            ),
        ):
            run.may_remove("the client", "c", props)
    assert all(run.may_remove("the client", props["client_id"], props) for props in free)


def test_what_another_resource_is_declared_for_stays() -> None:
    """Not because of its own comparison, nor of one on another platform."""
    run = SameRun()
    run.note_declared("c", CLIENT)
    run.note_declared("c", {**OTHER, "platform": "geosecure"})
    assert run.may_remove("the client", "c", CLIENT)
    run.note_declared("c", {**CLIENT, "incarnation": "new"})
    assert not run.may_remove("the client", "c", CLIENT)
    assert run.may_remove("the client", "d", OTHER)
