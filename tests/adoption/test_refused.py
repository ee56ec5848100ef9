"""What cannot be taken over is refused in one sentence, before anything is written."""

from __future__ import annotations

import uuid

from tests.adoption.by_hand import adopt, made_by_hand
from tests.support.engine import Project
from tests.support.forms import write_form
from tests.support.portal import OPERATOR
from tests.support.registry import Registry


def test_a_wrong_client_id_is_refused_in_the_preview(project: Project, registry: Registry) -> None:
    """One sentence, once; no client is made in its place."""
    form = write_form(project.forms)
    wrong = str(uuid.uuid4())
    adopt(form, wrong)
    for refused in (project.preview(), project.up()):
        assert refused.code != 0
        said = [line for line in refused.errors if wrong in line]
        assert len(said) == 1, refused.output
        assert said[0].endswith(f'client "{wrong}" does not exist; correct the client-ID under adopt in the form, or remove it')
    assert registry.clients(form.application) == []


def test_a_client_with_the_natural_key_that_was_made_by_hand_is_named(project: Project, registry: Registry) -> None:
    """Without ``adopt`` it is not touched; the sentence says what to write."""
    form = write_form(project.forms)
    client_id = made_by_hand(registry, form, software_id=f"acmidm/tni/OVO002067/{form.application}")
    before = registry.client(form.application)
    refused = project.up()
    assert refused.code != 0
    assert any("made by hand" in line and f"adopt: {{acmidm: {client_id}}}" in line for line in refused.errors), refused.errors
    assert registry.client(form.application) == before


def test_a_client_of_another_stack_is_never_taken_over(project: Project, registry: Registry) -> None:
    """Not by its natural key, and not by name: ``adopt`` is for what nobody declares."""
    form = write_form(project.forms)
    client_id = made_by_hand(registry, form, software_id=f"acmidm/tni/{form.key}", managed_by="elders/tni")
    before = registry.client(form.application)
    refused = project.up()
    assert refused.code != 0
    assert any("managed by elders/tni" in line for line in refused.errors), refused.errors

    adopt(form, client_id)
    for refused in (project.preview(), project.up()):
        assert refused.code != 0
        assert any(f'client "{client_id}" is managed by elders/tni already' in line for line in refused.errors), refused.errors
    assert registry.client(form.application) == before


def test_what_is_somebody_elses_stays_theirs(project: Project, registry: Registry) -> None:
    """The client of another form, of another organisation, of nobody that is known, and the operator: a sentence each, in one run."""
    theirs = write_form(project.forms, "aalst/loket")
    project.apply()
    aalst, mine = registry.client(theirs.application), project.folder / "elsewhere"
    shared = {"name": "Departement", "ovo": None, "kbo": "0316380841"}
    named = [
        (aalst["client_id"], f"is that of acmidm/tni/{theirs.key} in this stack; write formerly to keep it under another name"),
        (made_by_hand(registry, write_form(mine, "aalst/oud")), "and of no code in organisation.yaml; correct the client-ID under adopt"),
        (made_by_hand(registry, write_form(mine, "gent/oud"), organisation=shared), "has no code of an organisation at its authority"),
        (OPERATOR, "does not exist; correct the client-ID under adopt in the form, or remove it"),
    ]
    before = {client_id: registry.http.get(f"/management/v1/clients/{client_id}").text for client_id, _ in named}
    for number, (client_id, _) in enumerate(named):
        adopt(write_form(project.forms, f"gent/form-{number}"), client_id)
    refused = project.up()
    assert refused.code != 0
    for number, (client_id, sentence) in enumerate(named):
        said = [line for line in refused.errors if f'gent/form-{number}: client "{client_id}" ' in line]
        assert len(said) == 1, refused.errors
        assert sentence in said[0]
        assert registry.http.get(f"/management/v1/clients/{client_id}").text == before[client_id]


def test_two_forms_cannot_take_over_the_same_client(project: Project, registry: Registry) -> None:
    """A form that was copied with the client-ID in it: said with its place, before the engine does anything."""
    form = write_form(project.forms)
    client_id = made_by_hand(registry, form)
    adopt(form, client_id)
    copied = write_form(project.forms, "gent/tweede")
    adopt(copied, client_id)
    refused = project.preview()
    assert refused.code != 0
    assert any(f'client "{client_id}" is taken over by onboardings/gent/loket.yaml already' in line for line in refused.errors)


def test_a_connection_that_has_a_client_takes_no_other(project: Project, registry: Registry) -> None:
    """Instead of the line being ignored in silence."""
    form = write_form(project.forms)
    project.apply()
    before = registry.client(form.application)
    elsewhere = write_form(project.folder / "elsewhere")
    other = made_by_hand(registry, elsewhere)
    adopt(form, other)
    refused = project.preview()
    assert refused.code != 0
    sentence = f'client "{other}" cannot be taken over, for this connection has a client already; remove adopt from the form'
    assert sentence in refused.output, refused.output
    assert project.up().code != 0
    assert registry.client(form.application) == before
    assert registry.client(elsewhere.application)["managed_by"] is None


def test_an_unreachable_authority_is_one_sentence(project: Project, registry: Registry) -> None:
    """A preview that adopts has to look at the client; it says what it could not reach."""
    form = write_form(project.forms)
    adopt(form, made_by_hand(registry, form))
    project.configure({"managementUrl": "http://127.0.0.1:9/management/v1", "retryDeadlineSeconds": 0})
    refused = project.preview()
    assert refused.code != 0
    assert "http://127.0.0.1:9/management/v1" in refused.output
    assert "cannot be reached" in refused.output
