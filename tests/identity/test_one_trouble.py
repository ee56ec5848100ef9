"""One connection's trouble is nobody else's."""

from __future__ import annotations

import pytest

from tests.identity.places import OTHER, adopt, everything
from tests.report.conftest import CommandLine
from tests.support.engine import Project
from tests.support.forms import DOSIS, DOSSIERS, SEND, write_form
from tests.support.registry import Registry

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_a_create_that_failed_breaks_no_command(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """On a protecting stack, before the form is corrected and after."""
    project.configure({"protectClients": True})
    well = write_form(project.forms, "gent/goed")
    project.apply()
    failing = write_form(project.forms, "gent/fout")
    acmidm.keep_in_git()
    adopt(failing, NOBODY)
    assert project.up().code != 0

    assert "04da6b54" not in project.succeed("stack", "output", "--json").stdout
    assert acmidm.run("status", "--stack", "tni").code == 0
    assert acmidm.run("drift", "--stack", "tni").code in (0, 1)
    assert NOBODY in " ".join(project.preview().errors)
    refused = acmidm.run("review", "--stack", "tni")
    assert (refused.code, NOBODY in refused.output) == (3, True)

    adopt(failing, None)
    assert acmidm.run("status", "--stack", "tni").code == 0
    assert acmidm.run("drift", "--stack", "tni").code == 1
    assert project.preview().code == 0
    assert acmidm.run("review", "--stack", "tni").code == 0
    project.apply()
    project.in_sync()
    assert len(registry.clients(failing.application)) == len(registry.clients(well.application)) == 1
    assert acmidm.run("drift", "--stack", "tni").code == 0


def test_a_stranger_keeps_nobodys_client(project: Project, registry: Registry) -> None:
    """A form of another organisation, with the same application and a mistyped client-ID beneath adopt."""
    removed = write_form(project.forms, "gent/weg", scopes=(SEND, DOSSIERS))
    write_form(project.forms, "gent/blijft")
    project.apply()
    client_id = registry.client(removed.application)["client_id"]
    removed.remove()
    stranger = write_form(
        project.forms, "aalst/loket", application=removed.application, scopes=(DOSSIERS,), products={"dosis": DOSIS}, **OTHER
    )
    adopt(stranger, NOBODY)

    assert project.up().code != 0
    assert registry.clients(removed.application) == []
    assert registry.configuration("notificaties", client_id) is None
    assert not [place for place in project.resources() if client_id in str(project.resources()[place])]


@pytest.mark.exhaustive
def test_anothers_failure_overwrites_nothing_made_by_hand(project: Project, registry: Registry) -> None:
    """A product's configuration by hand, and a form that asks for that product after a run that failed for somebody else."""
    form = write_form(project.forms, "gent/loket")
    failing = write_form(project.forms, "aalst/fout", **OTHER)
    adopt(failing, NOBODY)
    assert project.up().code != 0

    client_id = registry.client(form.application)["client_id"]
    by_hand = {**DOSIS, "bron_uri": "urn://gent/by-hand"}
    path = f"/products/v1/dosis/configurations/{client_id}"
    registry.http.put(path, json={"configuration": by_hand}, headers={"If-None-Match": "*"}).raise_for_status()
    form.request()["scopes"][DOSSIERS] = {}
    form.request()["products"]["dosis"] = dict(DOSIS)
    form.save()
    made = everything(registry, form.application)
    for _ in range(2):
        assert project.recover().code != 0
        assert registry.configuration("dosis", client_id) == by_hand
    assert set(registry.client(form.application)["scopes"]) == {*made[form.application][0]["scopes"], DOSSIERS}
