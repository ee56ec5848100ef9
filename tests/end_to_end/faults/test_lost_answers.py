"""No answer to a write ever comes, until the run gives up."""

from __future__ import annotations

import pytest

from tests.support import faults
from tests.support.between import ProxiedProject, require_as_declared
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.registry import Registry


@pytest.mark.exhaustive
def test_is_adopted_by_a_rerun(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry
) -> None:
    """Of a create, of each update and of a delete: a sentence, and a plain rerun takes over what is
    there."""
    project.configure({"retryDeadlineSeconds": 1})
    form = write_form(project.forms, scopes=(SEND,))
    gone = write_form(project.forms, "gent/weg", scopes=(SEND,))
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    form.request()["scopes"][PLAIN] = {}
    form.request()["products"]["notificaties"]["merk_code"] = "stad-gent-nieuw"
    form.add_key("key-2")
    form.save()
    changed = write_form(project.forms, "gent/twee", scopes=(SEND,))
    gone.path.unlink()

    # First what lives inside a client, and what is removed; then a client itself.
    proxy.rule("POST|PUT|DELETE", "/v1/", faults.cut_after, times=None)
    outcome = project.up()
    assert outcome.code != 0
    assert outcome.errors
    for sentence in outcome.errors:
        assert "run the same command again" in sentence
    proxy.heal()
    project.apply()
    require_as_declared(project, registry, [form, changed])
    assert registry.client(form.application)["client_id"] == client_id
    assert registry.clients(gone.application) == []
    project.in_sync()
