"""A client changes from a secret to a key and back: at no moment does neither work, wherever a run is cut off."""

from __future__ import annotations

import json

import pytest

from tests.engine.test_secrets import has_access, random_plugin, secret_of
from tests.support.engine import Project, details
from tests.support.forms import FormFile, write_form
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry, kids

__all__ = ["random_plugin"]


@pytest.mark.usefixtures("random_plugin")
def test_secret_works_until_the_key_does(project: Project, portal: RunningPortal, registry: Registry) -> None:
    """The run that registers the key changes nothing else; the next one changes over, and the one after that finds nothing to do."""
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    project.apply()
    secret, client_id = secret_of(project, form), registry.client(form.application)["client_id"]
    use_key(form)

    waiting = project.apply()
    assert f"{form.key} goes on with its client secret until its authority has one of the keys in its form" in waiting.output
    assert has_access(portal, client_id, secret)
    assert kids(registry.client(form.application)) == {"key-1"}
    assert details(project.steps()).keys() == {f"OAuthClient {form.key}"}
    assert secret not in project.exported()

    project.apply()
    assert not has_access(portal, client_id, secret)
    assert portal.client_token(form.keys["key-1"], client_id)
    project.in_sync()


def use_key(form: FormFile) -> None:
    form.document["token_endpoint_auth_method"] = "private_key_jwt"
    form.add_key("key-1")
    form.save()


@pytest.mark.usefixtures("random_plugin")
def test_secret_works_until_a_key_is_uploaded(project: Project, portal: RunningPortal, registry: Registry) -> None:
    """Where the organisation has its keys in the portal: however long that takes, drift is none, and reports say what is in force.

    A form that goes back to a secret meanwhile gets a new one, beside the one that its application has.
    """
    project.configure({"keyOverlapDays": 14})
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    project.apply()
    secret, client_id = secret_of(project, form), registry.client(form.application)["client_id"]
    form.document["token_endpoint_auth_method"] = "private_key_jwt"
    form.save()
    assert "until its authority has a key, which its organisation uploads" in project.apply().output
    project.apply()

    drift = project.acmidm("drift", "--stack", "tni", "--output", "json")
    found = json.loads(drift.stdout)
    assert (drift.code, found["by_hand"]) == (1, []), drift.output
    pending = {change["kind"] for one in found["not_applied"] for change in one["changes"]}
    assert pending == {"authentication_changed", "secret_until_key"}
    reviewed = json.loads(project.acmidm("review", "--stack", "tni", "--output", "json").stdout)
    assert {change["kind"] for one in reviewed["connections"] for change in one["changes"]} == pending
    listed = json.loads(project.acmidm("status", "--stack", "tni", "--output", "json").stdout)
    assert [one["token_endpoint_auth_method"] for one in listed["connections"]] == ["client_secret_basic"]
    assert has_access(portal, client_id, secret)

    form.document["token_endpoint_auth_method"] = "client_secret_basic"
    form.save()
    assert "gets a new client secret" in project.acmidm("review", "--stack", "tni").output
    project.apply()
    assert has_access(portal, client_id, secret)
    assert has_access(portal, client_id, secret_of(project, form))

    form.document["token_endpoint_auth_method"] = "private_key_jwt"
    form.save()
    key = new_key("uploaded")
    registry.set_keys(client_id, [key])
    project.apply()
    assert portal.client_token(key, client_id)
    assert not has_access(portal, client_id, secret)
    project.in_sync()
