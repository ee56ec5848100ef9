"""What was right in a Keycloak's console, taken over into the form."""

from __future__ import annotations

import pytest

from tests.support.command_line import CommandLine, changes_in
from tests.support.engine import Project
from tests.support.forms import PLAIN, SEND, read_form, write_form
from tests.support.keycloak_platform import Platform
from tests.support.portal import new_key


@pytest.mark.exhaustive
def test_after_merge_and_deploy_nothing_differs(platform: Platform, project: Project) -> None:
    """A scope and a key that came, and a key that went: no event of an administrator is about the
    client then, and drift is in sync."""
    platform.clear()
    realm, acmidm = platform.realm, CommandLine(project)
    form = write_form(project.forms, scopes=(SEND,), keys=("a", "b"))
    project.apply()
    client_id = project.client_id(form)
    realm.grant(client_id, PLAIN)
    realm.set_keys(client_id, [form.keys["a"], new_key("theirs")])
    found = acmidm.json("drift", code=1)
    assert {kind for _, kind, _ in changes_in(found, "by_hand")} == {
        "scope_granted",
        "key_added",
        "key_removed",
    }
    written = acmidm.run("drift", "--take-over", client_id)
    assert written.code == 0, written.output
    change = project.folder / "change.yaml"
    change.write_text(written.stdout.replace("reason:\n", "reason: dossiers\n"))
    taken = acmidm.run("new", "--from", change.name)
    assert taken.code == 0, taken.output
    assert read_form(project.forms, form.name).request()["scopes"].keys() == {SEND, PLAIN}

    before = realm.client(client_id), realm.scopes(client_id), realm.keys(client_id)
    deployed = project.recover()
    assert deployed.code == 0, deployed.output
    assert (realm.client(client_id), realm.scopes(client_id), realm.keys(client_id)) == before
    assert acmidm.json("drift")["in_sync"]
