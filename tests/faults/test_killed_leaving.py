"""``kill -9`` in either run of a client that leaves: the next ``make up`` ends right, and what is preserved stays as it is."""

from __future__ import annotations

import pytest

from tests.faults.between import ProxiedProject
from tests.faults.cutting import DEPLOY, Run, cut_off
from tests.support.cases import cases
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, SEND, write_form
from tests.support.registry import Registry

WRITES = range(1, 7)
"""Of reads and writes together: the scopes are withdrawn, then the products' configurations and the client go."""


@pytest.mark.parametrize("request_number", cases({str(number): number for number in WRITES}, "4"))
def test_next_deployment_ends_right(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry, buried: list[Run], request_number: int
) -> None:
    """All of it is killed once the server has committed a request; then nothing of the client is left, in the state either."""
    project.configure({"protectClients": True})
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    kept = write_form(project.forms, "gent/bewaard")
    project.apply()
    client_id, preserved = registry.client(form.application)["client_id"], registry.client(kept.application)
    form.document["retire"] = "2020-03-31"
    kept.document["preserve"] = True
    form.save()
    kept.save()
    buried.append(cut_off(project, proxy, "everything", request_number, *DEPLOY))
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    assert registry.clients(form.application) == []
    assert [registry.configuration(product, client_id) for product in ("notificaties", "dosis")] == [None, None]
    assert registry.client(kept.application) == preserved
    assert project.resources() == {}
