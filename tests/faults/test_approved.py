"""A deployment of what was approved that ends in part: the rest is reviewed again, for what was approved is no longer what would run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.between import ProxiedProject
from tests.support import faults
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import write_form
from tests.support.registry import Registry


@pytest.mark.exhaustive
def test_what_is_left_is_reviewed_again(project: ProxiedProject, proxy: FaultProxy, registry: Registry, tmp_path: Path) -> None:
    """One client's write is refused: it says so; the same approval is refused then, and one of the rest carries that out."""
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
    assert f"differs: update OAuthClient {forms[0].key}: was reviewed, and would not be done" in again.stderr
    assert registry.client(forms[1].application)["contacts"] != ["loket@stad-gent.example"]
    assert project.acmidm(*review).code == 0
    last = project.recover("--approved", str(file))
    assert last.code == 0, last.output
    assert [registry.client(form.application)["contacts"] for form in forms] == [["loket@stad-gent.example"]] * 2
