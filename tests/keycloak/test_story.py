"""From a form to an accepted notification, on a real Keycloak."""

from __future__ import annotations

import httpx

from tests.support.engine import Project
from tests.support.forms import DOSIS, DOSSIERS, SEND, write_form
from tests.support.keycloak_platform import Platform
from tests.support.messages import NOTIFICATION


def test_form_client_token_notification_and_a_scope_extension(platform: Platform, project: Project) -> None:
    """The key of the form gets a token for what its request names of what the form asks; a second `up` changes nothing.

    And after `destroy` nothing is left.
    """
    before = platform.realm.client_ids()
    form = write_form(project.forms, scopes=(SEND,), keys=("old", "new"))
    project.apply()
    client_id = project.outputs()["connections"][form.key]["acmidm"]["client_id"]

    for kid in ("old", "new"):
        granted = platform.realm.request_token(form.keys[kid], client_id, scope=SEND)
        assert granted.json().get("scope") == SEND, granted.text
    sent = httpx.post(
        f"{platform.portal.origin}/api/v2/notificaties",
        json=NOTIFICATION,
        headers={"authorization": f"Bearer {granted.json()['access_token']}"},
    )
    assert sent.status_code == 200, sent.text

    refused = platform.realm.request_token(form.keys["new"], client_id, scope=DOSSIERS)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")

    form.request()["scopes"][DOSSIERS] = {}
    form.request()["products"]["dosis"] = DOSIS
    form.save()
    project.apply()
    both = platform.realm.request_token(form.keys["new"], client_id, scope=f"{SEND} {DOSSIERS}")
    assert set(both.json()["scope"].split()) == {SEND, DOSSIERS}

    assert platform.realm.request_token(form.keys["new"], client_id).json()["scope"] == ""

    project.apply("--expect-no-changes")
    project.in_sync()
    project.succeed("destroy", "--yes", "--skip-preview")
    assert platform.realm.client_ids() == before
