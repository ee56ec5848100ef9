"""What cannot be taken over is refused in one sentence, before anything is written. What is no client at all: see test_one_refused."""

from __future__ import annotations

from itertools import product

from tests.adoption.by_hand import adopt, made_by_hand
from tests.support.engine import Project
from tests.support.forms import write_form
from tests.support.portal import OPERATOR
from tests.support.registry import Registry


def test_what_is_somebody_elses_stays_theirs(project: Project, registry: Registry) -> None:
    """The client of another form, of another organisation, of nobody that is known, of another stack, and the operator: a sentence each."""
    theirs = write_form(project.forms, "aalst/loket")
    project.apply()
    aalst, mine = registry.client(theirs.application), project.folder / "elsewhere"
    shared = {"name": "Departement", "ovo": None, "kbo": "0316380841"}
    named = [
        (aalst["client_id"], f"is that of acmidm/tni/{theirs.key} in this stack; write formerly to keep it under another name"),
        (made_by_hand(registry, write_form(mine, "aalst/oud")), "and of no code in organisation.yaml; correct the client-ID under adopt"),
        (made_by_hand(registry, write_form(mine, "gent/oud"), organisation=shared), "has no code of an organisation at its authority"),
        (made_by_hand(registry, write_form(mine, "gent/elders"), managed_by="elders/tni"), "is managed by elders/tni already"),
        (OPERATOR, "does not exist; correct the client-ID under adopt in the form, or remove it"),
    ]
    before = {client_id: registry.http.get(f"/management/v1/clients/{client_id}").text for client_id, _ in named}
    for number, (client_id, _) in enumerate(named):
        adopt(write_form(project.forms, f"gent/form-{number}"), client_id)
    for number, (refused, (client_id, sentence)) in enumerate(product((project.preview(), project.up()), named)):
        assert refused.code != 0
        said = [line for line in refused.errors if f'gent/form-{number % len(named)}: client "{client_id}" ' in line]
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


def test_an_unreachable_authority_is_one_sentence(project: Project, registry: Registry) -> None:
    """A preview that adopts has to look at the client; it says what it could not reach."""
    form = write_form(project.forms)
    adopt(form, made_by_hand(registry, form))
    project.configure({"managementUrl": "http://127.0.0.1:9/management/v1", "retryDeadlineSeconds": 0})
    refused = project.preview()
    assert refused.code != 0
    assert "http://127.0.0.1:9/management/v1" in refused.output
    assert "cannot be reached" in refused.output
