"""One connection's trouble is nobody else's."""

from __future__ import annotations

from tests.support.by_hand import adopt, stop_adopting
from tests.support.command_line import CommandLine
from tests.support.engine import Project
from tests.support.forms import DOSIS, DOSSIERS, SEND, write_form
from tests.support.registry import Registry

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_a_create_that_failed_breaks_no_command(
    project: Project, acmidm: CommandLine, registry: Registry
) -> None:
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
    refused = acmidm.run("review", "--stack", "tni")
    assert (refused.code, NOBODY in refused.output) == (1, True)

    stop_adopting(failing)
    assert acmidm.run("status", "--stack", "tni").code == 0
    assert acmidm.run("drift", "--stack", "tni").code == 1
    assert acmidm.run("review", "--stack", "tni").code == 0
    project.apply()
    assert (
        len(registry.clients(failing.application)) == len(registry.clients(well.application)) == 1
    )
    assert acmidm.run("drift", "--stack", "tni").code == 0


def test_a_stranger_keeps_nobodys_client(project: Project, registry: Registry) -> None:
    """A form of another organisation, with the same application and a mistyped client-ID beneath
    adopt."""
    removed = write_form(project.forms, "gent/weg", scopes=(SEND, DOSSIERS))
    write_form(project.forms, "gent/blijft")
    project.apply()
    client_id = registry.client(removed.application)["client_id"]
    removed.remove()
    stranger = write_form(
        project.forms,
        "aalst/loket",
        application=removed.application,
        scopes=(DOSSIERS,),
        products={"dosis": DOSIS},
    )
    adopt(stranger, NOBODY)

    assert project.up().code != 0
    assert registry.clients(removed.application) == []
    assert registry.configuration("notificaties", client_id) is None
    assert not [
        place for place in project.resources() if client_id in str(project.resources()[place])
    ]
