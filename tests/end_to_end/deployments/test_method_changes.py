"""A client changes from a secret to a key and back: at no moment does neither work, wherever a run
is cut off."""

from __future__ import annotations

import json

import pytest

from tests.support.client_secrets import has_access, secret_of
from tests.support.engine import Project, details
from tests.support.forms import FormFile, write_form
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry, kids


@pytest.mark.usefixtures("random_plugin")
def test_secret_works_until_the_key_does(
    project: Project, portal: RunningPortal, registry: Registry
) -> None:
    """The run that registers a form's key changes nothing else; the next one changes over.

    Where the organisation has its keys in the portal, the secret works until it uploads one:
    however long that takes, drift is none, and reports say what is in force. A form that goes back
    to a secret meanwhile gets a new one, beside the one that its application has.
    """
    project.configure({"keyOverlapDays": 14})
    form, waits = (
        write_form(
            project.forms, f"gent/{name}", keys=(), token_endpoint_auth_method="client_secret_basic"
        )
        for name in ("loket", "wacht")
    )
    project.apply()
    ids = [registry.client(one.application)["client_id"] for one in (form, waits)]
    declared, secret = secret_of(project, form), secret_of(project, waits)
    form.add_key("key-1")
    authenticate(form, "private_key_jwt")
    authenticate(waits, "private_key_jwt")

    waiting = project.apply().output
    assert (
        f"{form.key} goes on with its client secret until its authority has one of the keys in its"
        " form" in waiting
    )
    assert (
        f"{waits.key} goes on with its client secret until its authority has a key, which its"
        " organisation uploads" in waiting
    )
    assert has_access(portal, ids[0], declared)
    assert kids(registry.client(form.application)) == {"key-1"}
    assert details(project.steps()).keys() == {f"OAuthClient {one.key}" for one in (form, waits)}
    assert not any(one in project.exported() for one in (declared, secret))
    project.apply()
    assert not has_access(portal, ids[0], declared)
    assert portal.client_token(form.keys["key-1"], ids[0])

    drift = project.acmidm("drift", "--stack", "tni", "--output", "json")
    found = json.loads(drift.stdout)
    assert (drift.code, found["by_hand"]) == (1, []), drift.output
    pending = {
        (one["application"], change["kind"])
        for one in found["not_applied"]
        for change in one["changes"]
    }
    assert pending == {
        (waits.application, "authentication_changed"),
        (waits.application, "secret_until_key"),
    }
    reviewed = json.loads(project.acmidm("review", "--stack", "tni", "--output", "json").stdout)
    assert {
        (one["application"], change["kind"])
        for one in reviewed["connections"]
        for change in one["changes"]
    } == pending
    listed = json.loads(project.acmidm("status", "--stack", "tni", "--output", "json").stdout)
    methods = {
        one["application"]: one["token_endpoint_auth_method"] for one in listed["connections"]
    }
    assert methods == {
        form.application: "private_key_jwt",
        waits.application: "client_secret_basic",
    }
    assert has_access(portal, ids[1], secret)

    authenticate(waits, "client_secret_basic")
    assert "gets a new client secret" in project.acmidm("review", "--stack", "tni").output
    project.apply()
    assert has_access(portal, ids[1], secret)
    assert has_access(portal, ids[1], secret_of(project, waits))

    authenticate(waits, "private_key_jwt")
    key = new_key("uploaded")
    registry.set_keys(ids[1], [key])
    project.apply()
    assert portal.client_token(key, ids[1])
    assert not has_access(portal, ids[1], secret)
    project.in_sync()


def authenticate(form: FormFile, method: str) -> None:
    form.document["token_endpoint_auth_method"] = method
    form.save()
