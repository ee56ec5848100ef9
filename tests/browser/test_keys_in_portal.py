"""Keys that an organisation uploads in the portal: a form without ``jwks``, and then no drift. The real engine, a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Desk
from tests.support.engine import Project, details
from tests.support.forms import FormFile, write_form
from tests.support.portal import RunningPortal, new_key, public_jwk
from tests.support.registry import Registry, kids


def hand_over(form: FormFile) -> None:
    """The form's keys are the organisation's own from now on."""
    form.request().pop("jwks", None)
    form.save()


def test_from_form_to_token(portal: RunningPortal, project: Project, registry: Registry, desk: Callable[..., Desk]) -> None:
    """Steps 1 to 5: declared without keys, uploaded by hand, used; and nothing of that is a difference to the engine."""
    form = write_form(project.forms, keys=[])
    hand_over(form)
    project.apply()
    output = project.outputs()["connections"][form.key]["acmidm"]
    assert "keys" not in output
    key = new_key("by-hand")
    someone = desk()
    someone.log_on()
    someone.open(f"Stad Gent - {form.application}")
    someone.page.get_by_label("JSON Web Key").fill(json.dumps(public_jwk(key)))
    someone.page.get_by_role("button", name="Sleutel opladen").click()
    expect(someone.page.get_by_text("De sleutel is opgeladen")).to_be_visible()
    assert portal.client_token(key, output["client_id"])
    project.in_sync()
    form.document["contacts"].append("nog-een@stad-gent.example")
    form.save()
    project.apply("--refresh")
    assert kids(registry.client(form.application)) == {"by-hand"}


def test_handing_over_keeps_the_keys(portal: RunningPortal, project: Project, registry: Registry) -> None:
    """The declaration goes, the keys stay in use."""
    form = write_form(project.forms)
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    hand_over(form)
    steps = details(project.steps())
    assert {place: op for place, (op, _) in steps.items()} == {f"ClientJwks {form.key}": "update"}
    project.apply()
    assert kids(registry.client(form.application)) == {"key-1"}
    assert portal.client_token(form.keys["key-1"], client_id)
    project.in_sync()


def test_taking_back_replaces_what_is_in_the_portal(project: Project, registry: Registry) -> None:
    """What the form names is what there is, as its documentation says."""
    form = write_form(project.forms, keys=[])
    hand_over(form)
    project.apply()
    registry.set_keys(registry.client(form.application)["client_id"], [new_key("by-hand")])
    form.add_key("declared")
    form.save()
    project.apply()
    assert kids(registry.client(form.application)) == {"declared"}


def test_a_client_goes_with_its_keys(project: Project, registry: Registry) -> None:
    """Keys stay with a client that stays: a form that goes takes everything with it."""
    form = write_form(project.forms)
    project.apply()
    form.remove()
    project.apply()
    assert registry.clients(form.application) == []
    assert not project.resources()
