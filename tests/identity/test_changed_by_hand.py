"""What drift calls changed by hand, what it repairs, and what it leaves alone."""

from __future__ import annotations

from tests.report.conftest import CommandLine
from tests.support.engine import Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.portal import new_key
from tests.support.registry import Registry, kids


def test_heal_grants_nothing_that_waits_in_a_form(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """One connection where the two are in different resources, and one where they meet in one."""
    apart = write_form(project.forms, "gent/apart", scopes=(SEND,))
    met = write_form(project.forms, "gent/samen", scopes=(SEND,))
    project.apply()
    for form in (apart, met):
        form.request()["scopes"][PLAIN] = {}
        form.save()
    registry.change(registry.client(apart.application)["client_id"], contacts=["someone@else.example"])
    client = registry.client(met.application)
    registry.set_scopes(client["client_id"], [*client["scopes"], "dv_ar_adres_beheer"])

    report = acmidm.run("drift", "--stack", "tni", "--heal")
    assert report.code == 1, report.output
    assert registry.client(apart.application)["contacts"] == apart.document["contacts"]
    assert PLAIN not in registry.client(apart.application)["scopes"]
    assert PLAIN not in registry.client(met.application)["scopes"]
    assert "dv_ar_adres_beheer" in registry.client(met.application)["scopes"], "it is named, and left"
    assert "dv_ar_adres_beheer" in report.output


def test_keys_of_the_portal_are_no_drift(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """A form without jwks, its key uploaded in the portal, as the guide's step 5 has it."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS), keys=())
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    registry.set_keys(client_id, [new_key("uploaded")])

    drift = acmidm.run("drift", "--stack", "tni")
    assert drift.code == 0, drift.output
    assert acmidm.run("drift", "--stack", "tni", "--heal").code == 0
    project.apply()
    project.in_sync()
    assert kids(registry.client(form.application)) == {"uploaded"}
