"""A connection is named by its organisation's code and its application: where its form is means nothing."""

from __future__ import annotations

import pytest

from tests.engine.test_secrets import has_access
from tests.identity.places import everything, only_secret
from tests.support.engine import Project, details, kind_of
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry


@pytest.mark.usefixtures("random_plugin")
def test_names_of_forms_mean_nothing_and_formerly_keeps_a_client(project: Project, portal: RunningPortal, registry: Registry) -> None:
    """On a protecting stack: a rename, a move, and another application that says what it was."""
    project.configure({"protectClients": True})
    renamed = write_form(project.forms, "gent/loket", scopes=(SEND, DOSSIERS))
    former = write_form(project.forms, "gent/balie", scopes=(SEND,), keys=(), token_endpoint_auth_method="client_secret_basic")
    project.apply()
    before = everything(registry, renamed.application)
    client_id = registry.client(former.application)["client_id"]
    secret = only_secret(project)

    renamed.rename("gent/anders")
    unchanged = project.preview("--expect-no-changes")
    assert unchanged.code == 0, unchanged.output
    (project.forms / "gent").rename(project.forms / "stad-gent")
    unchanged = project.preview("--expect-no-changes")
    assert unchanged.code == 0, unchanged.output
    (project.forms / "stad-gent").rename(project.forms / "gent")

    old = former.application
    former.document |= {"application": f"{old}-nieuw", "formerly": old}
    former.save()
    assert {operation for operation, _ in details(project.steps()).values()} == {"update"}
    project.apply()
    assert everything(registry, renamed.application) == before
    assert registry.clients(old) == []
    assert registry.client(former.application)["client_id"] == client_id
    assert only_secret(project) == secret
    assert has_access(portal, client_id, secret)
    project.in_sync()
    del former.document["formerly"]
    former.save()
    project.in_sync()


def test_a_scope_granted_by_hand_shows_beneath_another_name_of_the_form(project: Project, registry: Registry) -> None:
    """Nothing is withdrawn that no preview has shown."""
    form = write_form(project.forms)
    project.apply()
    client = registry.client(form.application)
    registry.set_scopes(client["client_id"], [*client["scopes"], PLAIN])
    form.rename("gent/anders")

    steps = [step for step in project.steps("--refresh") if kind_of(step["urn"]) == "ClientScopes"]
    assert [(operation, names) for operation, names in details(steps).values()] == [("update", [f"scopes.{PLAIN}"])]


def test_a_run_that_looks_first_applies_another_code_too(project: Project, registry: Registry) -> None:
    """After a run that was cut off, while ``formerly`` waits: with the program, the engine's refresh would panic on the alias."""
    form = write_form(project.forms)
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    form.organisation |= {"ovo": "OVO002068", "formerly": form.code}
    form.save()
    project.succeed("stack", "tag", "set", "acmidm:look-first", "true")
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    assert "Refreshing" in outcome.output
    client = registry.client(form.application)
    assert (client["client_id"], client["software_id"]) == (client_id, f"acmidm/tni/{form.key}")
    project.in_sync()
