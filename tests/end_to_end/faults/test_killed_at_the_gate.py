"""A client that passed the gate to production with evidence, by a run that is killed; then the
evidence goes."""

from __future__ import annotations

import json

import pytest

from tests.support.between import ProxiedProject
from tests.support.cutting import UP, Run, cut_off, write_state
from tests.support.engine import Project
from tests.support.evidence import prove
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import PLAIN, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry


@pytest.mark.exhaustive
def test_what_is_at_the_authority_counts_as_there(
    project: ProxiedProject,
    proxy: FaultProxy,
    portal: RunningPortal,
    registry: Registry,
    buried: list[Run],
) -> None:
    """The state was never written: the same client is declared, and is in sync without
    evidence."""
    write_state(project, "at the end")
    test = Project(project.folder, stack="test")
    test.connect(portal, environment="tni")
    form = write_form(project.forms, scopes=(PLAIN,))
    form.document["environments"]["prod"] = {"scopes": {PLAIN: {}}}
    form.add_key("prod-key", "prod")
    form.save()
    test.apply()
    (on_tni,) = registry.clients(form.application)
    evidence = prove(portal, form, "key-1", on_tni["client_id"], PLAIN)
    test.apply()
    project.configure({"environment": "prod", "promotionGate": "enforce", "promotionStack": "test"})
    buried.append(cut_off(project, proxy, "engine", 3, *UP))
    (left,) = [
        client["client_id"]
        for client in registry.clients(form.application)
        if client["client_id"] != on_tni["client_id"]
    ]

    evidence.unlink()
    # Here one portal has the clients of both environments, which deploy refuses otherwise.
    outcome = project.recover("--allow-mass-change")
    assert outcome.code == 0, outcome.output
    assert project.client_id(form) == left
    drift = json.loads(project.acmidm("drift", "--stack", project.stack, "--output", "json").stdout)
    assert (drift["by_hand"], drift["not_applied"]) == ([], [])
    assert left not in {client["client_id"] for client in drift["left_behind"]}

    prove(portal, form, "key-1", on_tni["client_id"], PLAIN)
    project.in_sync()
    assert {client["client_id"] for client in registry.clients(form.application)} == {
        on_tni["client_id"],
        left,
    }
