"""A rotation on a real Keycloak, which cannot tell which keys are in use: evidence alone lets a key go."""

from __future__ import annotations

from tests.engine.test_rotation import as_if_days_ago, drop
from tests.support.engine import Project
from tests.support.evidence import write_evidence
from tests.support.forms import SEND, write_form
from tests.support.keycloak_platform import Platform


def test_a_key_leaves_beside_one_that_is_proven(platform: Platform, project: Project) -> None:
    project.configure({"keyOverlapDays": 14})
    form = write_form(project.forms, scopes=(SEND,), keys=("old", "new"))
    project.apply()
    client_id = project.outputs()["connections"][form.key]["acmidm"]["client_id"]
    as_if_days_ago(project, form, 20)
    new = form.keys["new"]
    assert platform.realm.request_token(new, client_id, scope=SEND).status_code == 200
    drop(form, "old")
    refused = project.up()
    assert refused.code != 0
    assert 'key "old" may leave once key "new" is proven (its authority cannot tell which keys are in use)' in refused.errors[0]
    assert {key["kid"] for key in platform.realm.keys(client_id)} == {"old", "new"}

    write_evidence(form.path.parent, new.as_dict(private=True), organisation=form.code, application=form.application, client_id=client_id)
    project.apply()
    assert {key["kid"] for key in platform.realm.keys(client_id)} == {"new"}
    assert platform.realm.request_token(new, client_id, scope=SEND).status_code == 200
    project.in_sync()
