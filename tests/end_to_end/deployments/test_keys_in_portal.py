"""Keys that an organisation uploads in the portal: a form without ``jwks``, and then no drift."""

from __future__ import annotations

import json
import uuid

from tests.sandbox.web import person
from tests.support.engine import Project, details
from tests.support.forms import FormFile, write_form
from tests.support.portal import RunningPortal, new_key, public_jwk
from tests.support.registry import Registry, kids


def hand_over(form: FormFile) -> FormFile:
    """The form's keys are the organisation's own from now on."""
    form.request().pop("jwks", None)
    form.save()
    return form


def test_keys_that_are_left_to_the_portal(
    portal: RunningPortal, project: Project, registry: Registry
) -> None:
    """Uploaded by hand, they are no difference to the engine; a declaration that goes leaves them
    in use; one that comes replaces them.

    The portal takes an upload where a form names no keys, and no other. Keys stay with a client
    that stays: a form that goes takes everything with it.
    """
    uploaded, taken_back = (
        hand_over(write_form(project.forms, f"gent/{name}", keys=[]))
        for name in ("uploaded", "taken-back")
    )
    handed_over = write_form(project.forms, "gent/handed-over")
    forms = (uploaded, taken_back, handed_over)
    project.apply()
    client_ids = [registry.client(form.application)["client_id"] for form in forms]
    assert "keys" not in project.outputs()["connections"][uploaded.key]["acmidm"]
    key = new_key("by-hand")
    somebody = person(portal, f"beheer-{uuid.uuid4().hex[:8]}")
    sent = [
        somebody.upload(client_id, json.dumps(public_jwk(key))).status_code
        for client_id in client_ids
    ]
    assert sent == [303, 303, 412]
    registry.set_keys(client_ids[1], [new_key("by-hand")])
    project.in_sync()

    uploaded.document["contacts"].append("nog-een@stad-gent.example")
    uploaded.save()
    taken_back.add_key("declared")
    taken_back.save()
    hand_over(handed_over)
    changed = (
        *(f"OAuthClient {form.key}" for form in forms),
        f"ClientJwks {taken_back.key}",
        f"ClientJwks {handed_over.key}",
    )
    assert {place: op for place, (op, _) in details(project.steps()).items()} == dict.fromkeys(
        changed, "update"
    )
    project.apply("--refresh")
    assert [kids(registry.client(form.application)) for form in forms] == [
        {"by-hand"},
        {"declared"},
        {"key-1"},
    ]
    assert portal.client_token(key, client_ids[0])
    assert portal.client_token(handed_over.keys["key-1"], client_ids[2])
    sent = [
        somebody.upload(client_id, json.dumps(public_jwk(new_key("more")))).status_code
        for client_id in client_ids
    ]
    assert sent == [303, 412, 303]
    project.in_sync()

    for form in forms:
        form.remove()
    project.apply()
    assert [registry.clients(form.application) for form in forms] == [[], [], []]
    assert not project.resources()
