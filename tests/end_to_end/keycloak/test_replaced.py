"""What Pulumi's users type loses no client on a Keycloak either, which has no ETags, and makes
client-IDs from the key."""

from __future__ import annotations

from tests.end_to_end.keycloak.test_drift import plain_client
from tests.support.engine import Project
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.keycloak_platform import Platform
from tests.support.made_anew import DELETED_FIRST, urn_of, with_ways


def works(platform: Platform, form: FormFile, client_id: str) -> bool:
    return (
        platform.realm.request_token(form.keys["key-1"], client_id, scope=PLAIN).status_code == 200
    )


def test_what_is_typed_loses_no_client(platform: Platform, project: Project) -> None:
    """``--replace``, ``state taint``, a kill's mark, and emptied marks: the same client with its
    keys; what is the successor's stays."""
    forms = [
        write_form(project.forms, f"gent/{name}", scopes=(PLAIN,))
        for name in ("replaced", "tainted", "emptied", "marked")
    ]
    replaced, tainted, emptied, marked = forms
    project.apply()
    ids = {form.name: project.client_id(form) for form in forms}
    before = {
        name: plain_client(platform.realm.client(client_id)) for name, client_id in ids.items()
    }

    project.succeed("state", "taint", "--yes", urn_of(project, f"OAuthClient {tainted.key}"))
    outcome = project.apply("--replace", urn_of(project, f"OAuthClient {replaced.key}"))
    assert f"client {ids[replaced.name]} is left where it is" in outcome.output
    platform.realm.change(
        ids[emptied.name], attributes={"acmidm.software_id": "", "acmidm.managed_by": ""}
    )
    platform.realm.change(ids[marked.name], attributes={"acmidm.incarnation": "anothers"})
    steps = {step["urn"].rpartition("::")[2]: step["op"] for step in project.steps("--refresh")}
    assert steps == {emptied.key: "update", marked.key: "update"}
    project.apply("--refresh")
    for name, client_id in ids.items():
        now = plain_client(platform.realm.client(client_id))
        for one in (
            now,
            before[name],
        ):
            # Keycloak's own, which goes with whatever a client that is nobody's would keep unseen.
            one["attributes"].pop("backchannel.logout.session.required", None)
        assert now == before[name], name
    assert all(works(platform, form, ids[form.name]) for form in forms)
    project.in_sync()


def test_a_client_that_is_deleted_before_it_is_replaced_has_its_id_scopes_and_keys(
    platform: Platform, project: Project
) -> None:
    """Its client-ID comes from its key, and is the same again: nobody need be told, and all that
    was inside is made anew."""
    form = write_form(project.forms, scopes=(PLAIN,))
    project.apply()
    client_id = project.client_id(form)
    before = plain_client(platform.realm.client(client_id))
    with_ways(project, {form.key: DELETED_FIRST})
    project.apply("--replace", urn_of(project, f"OAuthClient {form.key}"))
    assert project.client_id(form) == client_id
    assert plain_client(platform.realm.client(client_id)) == before
    assert works(platform, form, client_id)
    project.in_sync()
