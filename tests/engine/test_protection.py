"""Where the stack's settings protect clients, removing a form, a product or a platform removes nothing."""

from __future__ import annotations

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, SEND, write_form
from tests.support.registry import Registry


def test_removals_are_refused_and_lose_nothing(project: Project, registry: Registry) -> None:
    """A form, and a product of a form: after each refusal authority and state are what they were, and reverting is enough."""
    project.configure({"protectClients": True})
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    write_form(project.forms, "gent/blijft")
    project.apply()
    before, audit, resources = registry.client(form.application), registry.audit(), project.resources()

    form.remove()
    assert project.preview().code != 0
    refused = project.up()
    assert refused.code != 0
    assert refused.output.count("because it is protected") >= 1
    assert project.resources() == resources
    assert registry.audit() == audit

    form.save()
    project.succeed("preview", "--expect-no-changes", "--refresh")

    dosis = form.request()["products"].pop("dosis")
    scope = form.request()["scopes"].pop(DOSSIERS)
    form.save()
    assert project.up().code != 0
    assert registry.configuration("dosis", before["client_id"]) == dosis

    form.request()["products"]["dosis"], form.request()["scopes"][DOSSIERS] = dosis, scope
    form.save()
    project.apply()
    after = registry.client(form.application)
    assert {**after, "etags": None} == {**before, "etags": None}
    project.in_sync()


def test_unprotected_form_goes_with_all_it_had(project: Project, registry: Registry) -> None:
    """Taking the protection away is one change, removing the form another."""
    project.configure({"protectClients": True})
    form = write_form(project.forms)
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    project.configure({"protectClients": False})
    project.apply()
    form.remove()
    project.apply()

    assert registry.clients(form.application) == []
    assert registry.configuration("notificaties", client_id) is None
