"""The server commits a write and its answer is lost: nothing is done twice, nothing is given up,
one client exists."""

from __future__ import annotations

import pytest

from tests.support import faults
from tests.support.between import API, ProxiedProject, require_as_declared
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import PLAIN, SEND, FormFile, write_form
from tests.support.registry import Registry

WRITES = "POST|PUT|DELETE"
DOCUMENTS = {
    "client": ("/clients/[^/]+$", faults.cut_after),
    "scopes": ("/scopes$", faults.cut_midway),
    "jwks": ("/jwks$", faults.committed_but(502)),
    "configuration": ("/configurations/", faults.cut_after),
}
"""Where each is written, and how the answer to that is lost: cut off, broken off halfway, or a
gateway's in its place."""


def change_everything(form: FormFile) -> None:
    """An update of each of the four resources."""
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.request()["scopes"][PLAIN] = {}
    form.request()["products"]["notificaties"]["merk_code"] = "stad-gent-nieuw"
    form.add_key("key-2")
    form.save()


def changes(registry: Registry, client_id: str) -> list[str]:
    """What the authority's audit trail has of a client: each write that took effect, oldest
    first."""
    return [
        entry["action"] for entry in reversed(registry.audit()) if entry["client_id"] == client_id
    ]


def test_is_noticed_within_the_same_run(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry
) -> None:
    """Each create, each update and each delete loses its answer once: three runs that all succeed,
    each write committed once."""
    form = write_form(project.forms, scopes=(SEND,))
    proxy.rule("POST", "/clients$", faults.cut_after)
    for path, lost in DOCUMENTS.values():
        proxy.rule("PUT", path, lost)
    project.apply()
    require_as_declared(project, registry, [form])
    assert len(proxy.seen("POST", "/clients$")) == 2
    client_id = registry.client(form.application)["client_id"]

    proxy.heal()
    change_everything(form)
    for path, lost in DOCUMENTS.values():
        proxy.rule("PUT", path, lost)
    project.apply()
    require_as_declared(project, registry, [form])
    assert {
        name: len(proxy.seen("PUT", path)) for name, (path, _) in DOCUMENTS.items()
    } == dict.fromkeys(DOCUMENTS, 2)

    proxy.heal()
    form.remove()
    proxy.rule("DELETE", "/clients/", faults.cut_after)
    proxy.rule("DELETE", "/configurations/", faults.cut_after)
    project.apply()
    assert registry.clients(form.application) == []
    assert registry.configuration("notificaties", client_id) is None
    assert len(proxy.seen("DELETE", "/clients/")) == 2
    assert project.resources() == {}

    replaced = [
        "client.replaced",
        "jwks.replaced",
        "jwks.replaced",
        "product.replaced",
        "product.replaced",
    ]
    assert sorted(changes(registry, client_id)) == sorted(
        [
            "client.created",
            *replaced,
            "scopes.replaced",
            "scopes.replaced",
            "client.removed",
            "product.removed",
        ]
    )


@pytest.mark.exhaustive
def test_is_adopted_by_a_rerun(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry
) -> None:
    """No answer to a write ever comes, until the run gives up with a sentence; a plain rerun takes
    over what is there."""
    project.configure({"retryDeadlineSeconds": 1})
    form = write_form(project.forms, scopes=(SEND,))

    def fails(method: str) -> None:
        proxy.heal()
        proxy.rule(method, API, faults.cut_after, times=None)
        outcome = project.up()
        assert outcome.code != 0
        assert outcome.errors
        assert all("run the same command again" in sentence for sentence in outcome.errors), (
            outcome.errors
        )

    fails("POST")  # the client
    fails("PUT")  # what lives inside it, and the product
    proxy.heal()
    project.apply()
    require_as_declared(project, registry, [form])
    client_id = registry.client(form.application)["client_id"]

    change_everything(form)
    fails("PUT")
    proxy.heal()
    project.apply()
    require_as_declared(project, registry, [form])
    assert registry.client(form.application)["client_id"] == client_id
    project.in_sync()

    form.remove()
    fails("DELETE")
    proxy.heal()
    project.apply()
    assert registry.clients(form.application) == []
    assert project.resources() == {}
