"""A change of a form shows as what it is: one resource, one line. One project with a form per
change, brought up once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.deployments.test_first_preview import NO_ACCESS, contents
from tests.support.engine import Outcome, Project, detail_lines, details, settings_of
from tests.support.forms import PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry


@dataclass
class Story:
    """What was there before the changes, how the two previews show them, and what is there after
    ``up``."""

    forms: dict[str, FormFile]
    before: dict[str, dict[str, Any]]
    steps: list[dict[str, Any]]
    text: Outcome
    after: dict[str, dict[str, Any]]

    def shown(self, name: str) -> dict[str, tuple[str, list[str]]]:
        """What the preview does with a form's resources."""
        return {
            place: step
            for place, step in details(self.steps).items()
            if self.forms[name].application in place
        }


@pytest.fixture(scope="module")
def story(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    project = Project(tmp_path_factory.mktemp("changes"))
    project.connect(portal)
    folders = {"scope": "gent", "contact": "gent", "value": "gent", "code": "ander"}
    forms = {
        name: write_form(project.forms, f"{folder}/{name}") for name, folder in folders.items()
    }
    project.apply()
    before = {name: registry.client(form.application) for name, form in forms.items()}
    forms["scope"].request()["scopes"][PLAIN] = {
        "reason": "codes of organisations",
        "reference": "SD-4711",
    }
    forms["contact"].document["contacts"] = ["nieuw@stad-gent.example"]
    forms["value"].request()["products"]["notificaties"]["merk_code"] = "stad-gent-loket"
    forms["code"].organisation = {"name": "Stad Aalst", "ovo": "OVO002002"}
    for form in forms.values():
        form.save()
    # On a machine without access a preview compares the forms with the state, and writes nothing.
    project.configure(NO_ACCESS)
    kept = contents(project.folder / "state")
    steps, text = project.steps(), project.preview("--diff")
    assert contents(project.folder / "state") == kept
    project.configure({**settings_of(portal), "operatorPrivateKeyFile": "operator-tni.jwk.json"})
    project.apply()
    after = {name: registry.client(form.application) for name, form in forms.items()}
    project.in_sync()
    return Story(forms, before, steps, text, after)


def test_scope_extension_is_one_resource_and_one_line(story: Story) -> None:
    """Step 3 of the guide: a working client is granted one scope more. With a product of its own:
    see the two platforms."""
    place = f"ClientScopes {story.forms['scope'].key}"
    assert story.shown("scope") == {place: ("update", [f"scopes.{PLAIN}"])}
    (step,) = (step for step in story.steps if story.forms["scope"].application in step["urn"])
    assert step["detailedDiff"][f"scopes.{PLAIN}"]["kind"] == "add"
    assert f'+ {PLAIN}: "codes of organisations (SD-4711)"' in detail_lines(story.text, "+")
    assert story.after["scope"]["client_id"] == story.before["scope"]["client_id"]
    assert set(story.after["scope"]["scopes"]) == {SEND, PLAIN, "vo_info"}


def test_changed_contact_updates_the_client_alone(story: Story) -> None:
    """Nothing that lives inside the client is touched, not even in the preview."""
    assert story.shown("contact") == {
        f"OAuthClient {story.forms['contact'].key}": ("update", ["contacts[0]"])
    }
    before, after = story.before["contact"], story.after["contact"]
    assert after["contacts"] == ["nieuw@stad-gent.example"]
    assert {name for name in before if before[name] != after[name]} == {"contacts", "etags"}
    assert after["etags"]["scopes"] == before["etags"]["scopes"]


def test_changed_values_are_one_line_each(story: Story, registry: Registry) -> None:
    form = story.forms["value"]
    assert detail_lines(story.text, "~") == [
        "~ contacts: [",
        '~ [0]: "api-beheer@stad-gent.example" => "nieuw@stad-gent.example"',
        '~ merk_code: "stad-gent" => "stad-gent-loket"',
    ]
    assert (
        registry.configuration("notificaties", story.after["value"]["client_id"])
        == form.request()["products"]["notificaties"]
    )


def test_another_code_is_another_client(story: Story, registry: Registry) -> None:
    """Without ``formerly``: the preview creates one and deletes one, and the old client goes with
    all it had."""
    former = story.before["code"]["organisation"]["ovo"]
    done = {
        (place.partition(" ")[2].partition("/")[0], op)
        for place, (op, _) in story.shown("code").items()
    }
    assert done == {("OVO002002", "create"), (former, "delete")}
    old, client = story.before["code"]["client_id"], story.after["code"]
    assert client["client_id"] != old
    assert client["software_id"] == f"acmidm/tni/OVO002002/{story.forms['code'].application}"
    assert set(client["scopes"]) == {SEND, "vo_info"}
    assert registry.configuration("notificaties", client["client_id"]) is not None
    assert registry.configuration("notificaties", old) is None
