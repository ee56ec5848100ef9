"""A run that ends in part: what was approved is reviewed again, and what a rename left under the
earlier name is not undeclared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import faults
from tests.support.between import ProxiedProject
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import SEND, write_form
from tests.support.registry import Registry

_EXEMPT = {"promotion-gate": {"reason": "a system of before", "reference": "SD-4810"}}


@pytest.mark.exhaustive
def test_what_is_left_of_an_approval_is_carried_out(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry, tmp_path: Path
) -> None:
    """One client's write is refused: it says so. The same approval carries that out then, and says
    that the rest is done already."""
    forms = [write_form(project.forms, f"gent/{name}") for name in ("eerst", "dan")]
    project.apply()
    for form in forms:
        form.document["contacts"] = ["loket@stad-gent.example"]
        form.save()
    file = tmp_path / "approved.json"
    review = ("review", "--stack", "tni", "--save", str(file))
    assert project.acmidm(*review).code == 0
    failing = registry.client(forms[1].application)["client_id"]
    proxy.rule("PUT|PATCH", failing, faults.answer(403), times=None)
    done = project.recover("--approved", str(file))
    assert done.code != 0
    assert "have what is left reviewed: acmidm review --stack tni --save FILE" in done.stderr
    proxy.heal()
    again = project.recover("--approved", str(file))
    assert again.code == 1
    assert (
        f"differs: update OAuthClient {forms[0].key}: was reviewed, and would not be done"
        in again.stderr
    )
    assert [registry.client(form.application)["contacts"] for form in forms] == [
        ["loket@stad-gent.example"]
    ] * 2


@pytest.mark.exhaustive
def test_what_a_rename_left_in_part_stays(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry
) -> None:
    """At the gate to production nothing is proven of the connection.

    Its product fails in the run that renames it; the next run goes on, and takes nothing away.
    """
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
    assert any(
        name.startswith("ProductConfiguration") and former in name and renamed not in name
        for name in project.resources()
    )
    project.apply()
    assert registry.client(renamed)["client_id"] == client_id
    assert SEND in registry.client(renamed)["scopes"]
    assert (
        (registry.configuration("notificaties", client_id) or {}).keys()
        == (before or {}).keys()
        != set()
    )
    assert all(renamed in name for name in project.resources())
