"""A client that Keycloak's console gave more than a form can have is not imported unseen."""

from __future__ import annotations

from tests.support.engine import Project
from tests.support.keycloak_import import write_sheet
from tests.support.keycloak_platform import Platform


def test_what_keycloak_gives_to_clients_made_in_its_console_is_named(
    platform: Platform, project: Project
) -> None:
    """Taking such a client over would take something away, so that no form is written unseen: each
    scope is named."""
    platform.realm.add_client(
        "console", name="Stad Gent - loket", description="Stad Gent", publicClient=False
    )
    sheet = write_sheet(project, ("0207451227", "Stad Gent", "console"))
    done = project.acmidm("import", sheet, "--tni", "tni", "--contact", "a@b.example")
    assert done.code == 1
    assert list(project.forms.rglob("*.yaml")) == []
    for scope in ("console-dedicated", "profile", "roles", "service_account"):
        assert f'has the scope "{scope}", which is not in the catalogue' in done.stderr
