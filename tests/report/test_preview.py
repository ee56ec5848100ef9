"""What is read out of a preview's JSON besides its steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acmidm.report.drifting import not_applied
from acmidm.report.kinds import Kind
from acmidm.report.preview import NotAPlan, problems_in, read_plan
from acmidm.report.reviewing import review_of_plans
from acmidm.report.untold import untold
from tests.report.samples import COMPARISON, NO_PLAN, client

URN = "urn:pulumi:tni::acmidm::acmidm:index:Onboarding$pulumi-python:dynamic/acmidm:OAuthClient::gent/loket"


def test_problems_are_sentences_each_once() -> None:
    """Without the classes of exceptions, without what says nothing, and the same trouble of many resources once."""
    cause = (
        "error: Preview failed: components.authorities.retry.Passing: GET x: refused\n\nThe above exception was the direct cause of …\n\n"
    )
    diagnostics = [
        {"severity": "info", "message": "retrying"},
        {
            "severity": "error",
            "message": f"{cause}components.authorities.errors.Unreachable: GET x: refused (tried 13 times in 60.0 s); look\n",
        },
        {"severity": "error", "message": "error: Preview failed: Unreachable: GET x: refused (tried 1 time in 0.0 s); look"},
        {"severity": "error", "message": "error: onboardings/gent/x.yaml:1:1: the file is empty; fill in the form, or remove the file\n"},
        {
            "severity": "error",
            "urn": URN,
            "message": f'error: Preview failed: resource "{URN}" cannot be deleted\nbecause it is protected. To',
        },
        {"severity": "error", "message": "error: Resource monitor has terminated, shutting down"},
        {"severity": "error", "message": "error: preview failed\n"},
    ]
    assert problems_in(diagnostics) == (
        "GET x: refused (tried 13 times in 60.0 s); look",
        "onboardings/gent/x.yaml:1:1: the file is empty; fill in the form, or remove the file",
        "gent/loket: its client is protected: it can be neither removed nor replaced; see docs/operations.md on how to part with one",
    )


CONFIG = {"acmidm:environment": "tni"}


@pytest.mark.parametrize(
    "document",
    [
        *({}, [], None, {"steps": 1}, {"steps": []}, {"steps": [1]}, {"steps": [], "config": [1]}),
        {"steps": [{"urn": URN}], "config": CONFIG},
        {"steps": [{"urn": URN, "op": "same", "oldState": [1]}], "config": CONFIG},
    ],
)
def test_what_is_no_plan(document: object) -> None:
    """Is told as such."""
    with pytest.raises(NotAPlan):
        read_plan(document)


def test_a_change_that_nothing_tells_is_told_as_such() -> None:
    """Where the engine changes a client and its states are alike, neither a review nor a look for drift says that nothing changes."""
    state = client()
    states = {state.place: state}
    plan = replace(
        NO_PLAN, environment=state.environment, recorded=states, real=states, declared=states, changed_urns={state.place: (URN,)}
    )
    (change,) = review_of_plans([plan], COMPARISON).connections[0].changes
    assert (change.kind, change.subject, change.severity) == (Kind.CHANGED_OTHERWISE, "OAuthClient", "warning")
    assert untold(plan, not_applied(plan, COMPARISON), COMPARISON)[0].changes == (change,)
