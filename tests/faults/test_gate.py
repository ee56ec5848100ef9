"""The gate to production where a run did not end: what a rename left in part under the earlier name is not undeclared."""

from __future__ import annotations

import pytest

from tests.faults.between import ProxiedProject
from tests.support import faults
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import SEND, write_form
from tests.support.registry import Registry

_EXEMPT = {"promotion-gate": {"reason": "a system of before", "reference": "SD-4810"}}


@pytest.mark.exhaustive
def test_what_a_rename_left_in_part_stays(project: ProxiedProject, proxy: FaultProxy, registry: Registry) -> None:
    """Nothing is proven of the connection. Its product fails in the run that renames it; the next run goes on, and takes nothing away."""
    project.configure({"environment": "prod", "promotionGate": "enforce"})
    form = write_form(project.forms, scopes=(SEND,), exemptions=_EXEMPT)
    form.document["environments"]["prod"] = form.document["environments"].pop("tni")
    form.save()
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    before = registry.configuration("notificaties", client_id)
    former, renamed = form.application, f"{form.application}-nieuw"
    del form.document["exemptions"]
    form.document.update(application=renamed, formerly=former)
    form.save()
    proxy.rule("PUT|PATCH|POST", "/products/v1/", faults.answer(403), times=None)
    assert project.up("--continue-on-error").code != 0
    proxy.heal()
    assert any(name.startswith("ProductConfiguration") and former in name and renamed not in name for name in project.resources())
    project.apply()
    assert registry.client(renamed)["client_id"] == client_id
    assert SEND in registry.client(renamed)["scopes"]
    assert (registry.configuration("notificaties", client_id) or {}).keys() == (before or {}).keys() != set()
    assert all(renamed in name for name in project.resources())
