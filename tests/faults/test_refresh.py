"""Only a 404 means gone: whatever else a refresh meets, the state stays as it was, and one sentence says why."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import pytest

from tests.faults.between import API, ProxiedProject, require_as_declared
from tests.support import faults
from tests.support.cases import cases
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.forms import SEND, write_form
from tests.support.registry import Registry

DOCUMENT = API + "[^?]*$"
"""Not the lists: that those still answer is a second safeguard, and would hide it if the first one failed."""
PROBLEM = b'{"type": "about:blank", "title": "No", "status": 500, "detail": "the database is away"}'
FAULTS: dict[str, tuple[Fault, str]] = {
    "unreachable": (faults.cut_before, "the connection broke off"),
    "no-answer": (faults.time_out_before, "no answer within 1 s"),
    "401": (faults.answer(401), "401 Unauthorized; check the operator's credentials"),
    "403": (faults.answer(403), "403 Forbidden; have this right granted"),
    "500": (faults.answer(500, PROBLEM), "500 Internal Server Error, the database is away"),
    "503": (faults.answer(503), "503 Service Unavailable"),
    "410": (faults.answer(410), "410 Gone"),
    "html": (faults.answer(200, b"<html>Sign in</html>", "text/html"), "200 with text/html instead of JSON"),
    "not-json": (faults.answer(200, b'{"client_id": ', "application/json"), "JSON that does not parse"),
    "empty": (faults.answer(200, b"", "application/json"), "the answer is not what this API gives"),
    "null": (faults.answer(200, b"null", "application/json"), "the answer is not what this API gives"),
    "other-json": (faults.answer(200, b'["items"]', "application/json"), "the answer is not what this API gives"),
    "redirect": (faults.answer(302, headers={"location": "http://127.0.0.1:9/"}), "redirects, which is never followed"),
}
SOME = {"unreachable", "403", "html", "empty"}


@pytest.mark.parametrize("names", cases({"some": SOME, "others": FAULTS.keys() - SOME}, "some"))
def test_state_survives_everything_but_404(project: ProxiedProject, proxy: FaultProxy, registry: Registry, names: Collection[str]) -> None:
    """One project, each fault in turn: what the state says is the same to the letter, and each failed refresh says what it met."""
    project.configure({"retryDeadlineSeconds": 1})
    forms = [write_form(project.forms, f"gent/{name}", scopes=(SEND,)) for name in ("een", "twee")]
    project.apply()
    before = resources(project)
    for name in names:
        fault, said = FAULTS[name]
        proxy.heal()
        proxy.rule("GET", DOCUMENT, fault, times=None)
        outcome = project.pulumi("refresh", "--yes", "--skip-preview", "--suppress-progress")
        assert outcome.code != 0, f"{name}: {outcome.output}"
        assert any(said in sentence for sentence in outcome.errors), f"{name}: {outcome.errors}"
        assert resources(project) == before, name

    proxy.heal()
    registry.remove(registry.client(forms[0].application)["client_id"])
    project.succeed("refresh", "--yes", "--skip-preview", "--suppress-progress")
    assert not any(forms[0].key in place and not place.startswith("ProductConfiguration") for place in project.resources())
    project.apply()
    require_as_declared(project, registry, forms)


@pytest.mark.parametrize("status", cases({"404": 404, "410": 410}, "404"))
def test_a_list_that_is_not_there_says_nothing_about_clients(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry, status: int
) -> None:
    """A refresh of many lists pages: a 404 on the list itself, a wrong address, is no sign that each client is gone."""
    forms = [write_form(project.forms, f"gent/form-{number}", scopes=("dv_organisatieregister_info",)) for number in range(6)]
    project.apply()
    before = resources(project)
    proxy.rule("GET", r"/clients\?", faults.answer(status), times=None)
    outcome = project.pulumi("refresh", "--yes", "--skip-preview", "--suppress-progress")
    assert outcome.code != 0
    assert resources(project) == before
    proxy.heal()
    project.in_sync()
    require_as_declared(project, registry, forms)


def resources(project: ProxiedProject) -> dict[str, dict[str, Any]]:
    """What the state says of each resource, by its URN. The engine's own notes, such as the time of its last look, are left out."""
    found = json.loads(project.exported())["deployment"]["resources"]
    return {resource["urn"]: {name: resource.get(name) for name in ("type", "id", "inputs", "outputs", "parent")} for resource in found}
