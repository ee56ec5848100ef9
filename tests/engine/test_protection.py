"""Where the stack's settings protect clients, removing a form removes nothing."""

from __future__ import annotations

import pytest

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, SEND, write_form
from tests.support.registry import Registry


@pytest.mark.parametrize("flags", [(), ("--continue-on-error",)], ids=["stops-at-first-error", "continues-on-error"])
def test_removed_form_removes_nothing(project: Project, registry: Registry, flags: tuple[str, ...]) -> None:
    """The client, its scopes, its keys and its product configurations are all still there after the refusal."""
    project.configure({"protectClients": True})
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    write_form(project.forms, "gent/blijft")
    project.apply()
    before = registry.client(form.application)
    audit = registry.audit()
    form.remove()

    refused = project.pulumi("up", "--yes", "--skip-preview", "--suppress-progress", *flags)

    assert refused.code != 0
    assert any(sentence.endswith('OAuthClient::gent/loket" cannot be deleted') for sentence in refused.errors), refused.errors
    assert "because it is protected" in refused.output
    assert registry.audit() == audit
    assert registry.client(form.application) == before
    for product in ("notificaties", "dosis"):
        assert registry.configuration(product, before["client_id"]) is not None

    # The state forgot what lives inside the client; the next ``up`` takes it over as it is.
    form.save()
    project.apply()
    assert registry.audit() == audit
    project.in_sync()


def test_changed_organisation_does_not_replace_a_protected_client(project: Project, registry: Registry) -> None:
    """A replacement is a removal too: refused in the preview already."""
    project.configure({"protectClients": True})
    form = write_form(project.forms)
    project.apply()
    before = registry.client(form.application)
    form.document["organisation"] = {"name": "Stad Aalst", "ovo": "OVO002002"}
    form.save()

    assert project.preview().code != 0
    assert project.up().code != 0
    assert registry.client(form.application) == before
    assert registry.configuration("notificaties", before["client_id"]) is not None


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
