"""The embedded authority by RFC 7591 and 7592: the same clients as by its management API, whoever
made them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.engine import Project, details
from tests.support.fixtures import portal, registry
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.portal import RunningPortal, client_document, new_key, public_jwk
from tests.support.registry import Registry

__all__ = ["portal", "registry"]
ASSIGNED = "vo_info"
PATH = "/op/register"


@pytest.fixture
def project(portal: RunningPortal, tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.connect(portal, authority="rfc7591", managementUrl=f"{portal.origin}{PATH}")
    return made


def test_from_the_first_run_to_the_last(
    project: Project, portal: RunningPortal, registry: Registry
) -> None:
    """A scope that its provider assigns stays; a change by hand through the other API shows and is
    healed."""
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    project.in_sync()
    client_id = project.client_id(form)
    assert registry.client(form.application)["scopes"] == sorted((SEND, ASSIGNED))
    assert portal.client_token(form.keys["key-1"], client_id, "notificaties", scope=SEND)
    registry.set_scopes(client_id, [SEND, ASSIGNED, PLAIN])
    assert details(project.steps("--refresh")) == {
        f"ClientScopes {form.key}": ("update", [f"scopes.{PLAIN}"])
    }
    assert project.acmidm("drift", "--heal").code == 0
    assert registry.client(form.application)["scopes"] == sorted((SEND, ASSIGNED))
    form.add_key("key-2")
    form.request()["jwks"].pop(0)
    form.save()
    project.apply()
    project.in_sync()
    project.succeed("destroy", "--yes")
    assert registry.clients(form.application) == []


def test_refusals_are_in_the_form_of_the_standard(portal: RunningPortal) -> None:
    """RFC 7591 §3.2.2 and RFC 7592 §2.1: an error code and a sentence; 401 of a client that does
    not exist."""
    document = client_document(
        scope=SEND, jwks={"keys": [public_jwk(new_key())]}, software_id="acmidm/tni/x/y"
    )
    with portal.operator() as http:
        assert http.get(f"{PATH}/nobody").status_code == 401
        made = http.post(PATH, json={**document, "unknown": "is ignored"}).raise_for_status().json()
        assert (made["scope"].split(), "unknown" in made) == (sorted((SEND, ASSIGNED)), False)
        for wrong in (
            {**document, "software_id": None, "scope": "management_write"},
            {**document, "software_id": None, "token_endpoint_auth_method": "client_secret_basic"},
            {**document, "software_id": None, "jwks": {"keys": [new_key().as_dict(private=True)]}},
            document,  # its natural key has a client
        ):
            answer = http.post(PATH, json=wrong)
            assert (answer.status_code, answer.json()["error"]) == (
                400,
                "invalid_client_metadata",
            ), answer.text
            assert answer.json()["error_description"]
        other = http.put(f"{PATH}/{made['client_id']}", json={**document, "client_id": "another"})
        assert other.status_code == 400
        assert http.delete(f"{PATH}/{made['client_id']}").status_code == 204
    with portal.operator(portal.new_operator_token("reader", ["management_read"])) as http:
        refused = http.post(PATH, json=document)
        assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
