"""A preview that somebody made and gives to the review: it says the same as the review of the
stack, on a production with a gate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.command_line import CommandLine
from tests.support.fixtures import portal, registry
from tests.support.forms import SEND
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.two_stacks import TwoStacks, two_stacks, with_production

__all__ = ["portal", "registry"]

_EXEMPT = {
    "promotion-gate": {"reason": "a system of before, replaced in 2027", "reference": "SD-4810"}
}


@pytest.fixture
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoStacks]:
    with two_stacks(tmp_path_factory.mktemp("two"), portal, registry) as both:
        yield both


@pytest.mark.exhaustive
def test_a_plan_is_reviewed_as_its_stack_is(at: TwoStacks) -> None:
    """What the gate holds back, or lets through for an exemption, whose keys are stolen, whom a
    reviewer should look at, and what stays the same."""
    prod, acmidm = at.prod, CommandLine(at.prod)

    def reviewed(*words: str) -> dict[str, Any]:
        return dict(json.loads(acmidm.run("review", *words, "--output", "json").stdout))

    same, stolen, moved, grows = (
        with_production(prod, name, scopes=(SEND,), exemptions=_EXEMPT)
        for name in ("zelfde", "gestolen", "verhuisd", "groeit")
    )
    stolen.add_key("second", "prod")
    stolen.save()
    prod.apply()
    request = stolen.request("prod")
    request["jwks"][0] = {"file": request["jwks"][0], "compromised": True}
    stolen.save()
    moved.document["contacts"] = ["loket@elders.example"]
    moved.save()
    del grows.document["exemptions"]
    grows.request("prod")["scopes"]["vo"] = {}
    grows.save()
    new = with_production(prod, "nieuw")
    (prod.folder / "plan.json").write_text(prod.pulumi("preview", "--json", "--show-sames").stdout)
    by_stack, by_plan = reviewed("--stack", "prod"), reviewed("--plan", "plan.json")
    keys = {one["key"] for one in by_stack["connections"]}
    assert keys == {form.key for form in (stolen, moved, grows, new)}
    assert same.key not in keys
    assert by_plan == by_stack
