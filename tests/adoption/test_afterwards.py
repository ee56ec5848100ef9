"""What comes after an adoption: a crash, another organisation code, another name of the form."""

from __future__ import annotations

import json

import httpx

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


def test_adopted_but_not_recorded_is_adopted_again(project: Project, registry: Registry) -> None:
    """The rerun shows empty changes, writes nothing, and one client exists."""
    form = write_form(project.forms)
    adopt(form, made_by_hand(registry, form))
    project.apply()
    before, trail = registry.client(form.application), registry.audit()
    forget_the_state(project)

    assert all(step["newState"]["inputs"]["adopt"]["changes"] == {} for step in project.steps())
    project.apply()
    assert registry.client(form.application) == before
    assert registry.audit() == trail
    project.in_sync()


def test_the_line_may_be_gone_when_the_state_is_lost(project: Project, registry: Registry) -> None:
    """The natural key has been written by then: the same stack finds its client by it."""
    form = write_form(project.forms)
    client_id = made_by_hand(registry, form)
    adopt(form, client_id)
    project.apply()
    forget_the_state(project)
    stop_adopting(form)
    project.apply()
    assert registry.client(form.application)["client_id"] == client_id
    project.in_sync()


def test_another_organisation_gets_a_client_of_its_own(project: Project, registry: Registry) -> None:
    """With the client-ID still in the form: the adopted client goes with all it had, the new one has a new client-ID and stays."""
    form = write_form(project.forms)
    old = made_by_hand(registry, form)
    adopt(form, old)
    project.apply()
    form.document["organisation"] = {"name": "Stad Aalst", "ovo": "OVO002002"}
    form.save()
    project.apply()

    client = registry.client(form.application)
    assert client["client_id"] != old
    assert client["software_id"] == f"acmidm/tni/OVO002002/{form.application}"
    assert registry.configuration("notificaties", client["client_id"]) is not None
    assert registry.configuration("notificaties", old) is None
    assert registry.http.get(f"/management/v1/clients/{old}").status_code == httpx.codes.NOT_FOUND
    project.in_sync()
    stop_adopting(form)
    project.in_sync()


def test_a_renamed_form_keeps_an_adopted_client_under_another_code(project: Project, registry: Registry) -> None:
    """How an organisation that gets another code keeps its client: another name of the form, and ``adopt`` once more."""
    form = write_form(project.forms)
    client_id = made_by_hand(registry, form)
    adopt(form, client_id)
    project.apply()
    form.document["organisation"] = {"name": "Stad Gent", "kbo": "0207.451.227"}
    form.rename("gent/loket-2026")
    form.save()
    project.apply()

    client = registry.client(form.application)
    assert client["client_id"] == client_id
    assert client["software_id"] == f"acmidm/tni/0207451227/{form.application}"
    assert client["managed_by"] == "acmidm/tni:gent/loket-2026"
    assert registry.configuration("notificaties", client_id) is not None
    project.in_sync()


def test_a_form_that_goes_takes_the_adopted_client_along(project: Project, registry: Registry) -> None:
    """From its adoption on it is as any other."""
    form = write_form(project.forms)
    client_id = made_by_hand(registry, form)
    adopt(form, client_id)
    project.apply()
    form.remove()
    project.apply()
    assert registry.clients(form.application) == []
    assert registry.configuration("notificaties", client_id) is None
