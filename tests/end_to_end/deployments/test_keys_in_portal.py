"""Keys that an organisation uploads in the portal: a form without ``jwks``, and then no drift."""

from __future__ import annotations

import json
import uuid

import pytest
from joserfc.jwk import ECKey

from tests.sandbox.web import person
from tests.support.forms import FormFile, write_form
from tests.support.portal import RunningPortal, new_key, public_jwk
from tests.support.registry import Registry, kids
from tests.support.together import OneStack, Script, own, together


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> OneStack:
    return OneStack.connected(tmp_path_factory, portal, registry)


def upload(at: OneStack, client_id: str, key: ECKey | None = None) -> int:
    """What the portal answers to somebody who uploads a key."""
    somebody = person(at.portal, f"beheer-{uuid.uuid4().hex[:8]}")
    public = public_jwk(key or new_key("more"))
    return somebody.upload(client_id, json.dumps(public)).status_code


def leave_keys_to_the_portal(form: FormFile) -> None:
    form.request().pop("jwks", None)
    form.save()


def changed(form: FormFile, *kinds: str) -> dict[str, str]:
    return {f"{kind} {form.key}": "update" for kind in kinds}


@together
def test_uploaded_keys_are_no_difference_and_go_with_their_client(at: OneStack) -> Script:
    """A change of the client leaves them in use; the client's removal takes everything with it."""
    form = write_form(at.forms, "gent/uploaded", keys=())
    leave_keys_to_the_portal(form)
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    outputs = yield at.outputs
    assert "keys" not in outputs["connections"][form.key]["acmidm"]
    key = new_key("by-hand")
    assert upload(at, client_id, key) == 303
    assert own((yield at.looking_preview), form) == {}

    form.document["contacts"].append("nog-een@stad-gent.example")
    form.save()
    yield at.up
    assert kids(at.registry.client(form.application)) == {"by-hand"}
    assert at.portal.client_token(key, client_id)
    assert own((yield at.looking_preview), form) == {}
    form.path.unlink()
    yield at.up
    assert at.registry.clients(form.application) == []


@together
def test_a_declaration_of_keys_replaces_those_of_the_portal(at: OneStack) -> Script:
    """From then on the portal takes no upload."""
    form = write_form(at.forms, "gent/taken-back", keys=())
    leave_keys_to_the_portal(form)
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    assert upload(at, client_id) == 303
    form.add_key("declared")
    form.save()
    shown = own((yield at.preview), form)
    assert {place: step for place, (step, _) in shown.items()} == changed(
        form, "OAuthClient", "ClientJwks"
    )
    yield at.up
    assert kids(at.registry.client(form.application)) == {"declared"}
    assert upload(at, client_id) == 412
    assert own((yield at.looking_preview), form) == {}


@together
def test_a_declaration_that_goes_leaves_its_keys_in_use(at: OneStack) -> Script:
    """From then on the portal takes uploads."""
    form = write_form(at.forms, "gent/handed-over")
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    assert upload(at, client_id) == 412
    leave_keys_to_the_portal(form)
    shown = own((yield at.preview), form)
    assert {place: step for place, (step, _) in shown.items()} == changed(
        form, "OAuthClient", "ClientJwks"
    )
    yield at.up
    assert kids(at.registry.client(form.application)) == {"key-1"}
    assert at.portal.client_token(form.keys["key-1"], client_id)
    assert upload(at, client_id) == 303
    assert own((yield at.looking_preview), form) == {}
