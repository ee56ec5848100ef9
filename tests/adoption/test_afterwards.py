"""What comes after an adoption: a crash, another organisation code, another name of the form."""

from __future__ import annotations

import json

from tests.adoption.by_hand import adopt, made_by_hand, stop_adopting
from tests.support.engine import Project
from tests.support.forms import write_form
from tests.support.registry import Registry


def forget_the_state(project: Project) -> None:
    """As after a crash between the write and its record, or a backup that was put back."""
    state = json.loads(project.exported())
    state["deployment"]["resources"] = []
    file = project.folder / "empty.json"
    file.write_text(json.dumps(state))
    project.succeed("stack", "import", "--file", str(file))


def test_adopted_but_not_recorded_is_adopted_again_and_goes_with_its_form(project: Project, registry: Registry) -> None:
    """The rerun writes nothing. The line may be gone by then: the same stack finds its client by the natural key."""
    forms = [write_form(project.forms, f"gent/{name}") for name in ("blijft", "zonder-regel")]
    ids = [made_by_hand(registry, form) for form in forms]
    for form, client_id in zip(forms, ids, strict=True):
        adopt(form, client_id)
    project.apply()
    before, trail = [registry.client(form.application) for form in forms], registry.audit()
    forget_the_state(project)
    stop_adopting(forms[1])
    project.apply()
    assert [registry.client(form.application) for form in forms] == before
    assert registry.audit() == trail
    project.in_sync()

    forms[1].remove()
    project.apply()
    assert registry.clients(forms[1].application) == []
    assert registry.configuration("notificaties", ids[1]) is None


def test_another_code_cannot_take_the_adopted_client_along(project: Project, registry: Registry) -> None:
    """With the client-ID still in the form: it is this stack's by now, and ``formerly`` is how it is kept."""
    form = write_form(project.forms)
    client_id = made_by_hand(registry, form)
    adopt(form, client_id)
    project.apply()
    old_key = form.key
    form.organisation = {"name": "Stad Aalst", "ovo": "OVO002002"}
    form.save()
    refused = project.preview()
    assert refused.code != 0
    assert refused.errors == [
        f'gent/loket: client "{client_id}" is that of acmidm/tni/{old_key} in this stack; write formerly to keep it under another name'
    ]
    form.organisation["formerly"] = "OVO002067"
    form.save()
    project.apply()
    client = registry.client(form.application)
    assert (client["client_id"], client["software_id"]) == (client_id, f"acmidm/tni/{form.key}")
    assert registry.configuration("notificaties", client_id) is not None
    project.in_sync()
