"""A client that leaves a Keycloak, and one that is left there and taken back."""

from __future__ import annotations

from tests.keycloak.test_stacks import client_id_of
from tests.support.engine import Project
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.keycloak_platform import Platform


def test_a_client_is_taken_down_and_another_is_left_and_taken_back(platform: Platform, project: Project) -> None:
    """One deployment: the first is gone, the second works as before, unchanged; without the line it is managed again by its client-ID."""
    platform.clear()
    project.configure({"protectClients": True})
    leaves, stays = (write_form(project.forms, f"gent/{name}", scopes=(SEND, PLAIN)) for name in ("weg", "bewaard"))
    project.apply()
    connections = project.outputs()["connections"]
    gone, kept = (connections[form.key]["acmidm"]["client_id"] for form in (leaves, stays))
    leaves.document["retire"] = "2020-03-31"
    stays.document["preserve"] = True
    leaves.save()
    stays.save()
    done = project.recover()
    assert done.code == 0, done.output
    assert gone not in platform.realm.client_ids()
    assert platform.realm.request_token(stays.keys["key-1"], kept, scope=SEND).status_code == 200
    assert project.resources() == {}
    looked = project.acmidm("drift", "--stack", project.stack)
    assert looked.code == 0, looked.output
    assert "clients that are preserved: 1" in looked.stdout
    del stays.document["preserve"]
    stays.save()
    project.apply()
    assert client_id_of(project, stays) == kept
    project.in_sync()
