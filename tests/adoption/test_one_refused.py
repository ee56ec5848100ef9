"""A client that cannot be taken over holds up nobody else: the preview shows all and fails, ``up`` carries out the others."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest

from acmidm.report.plan import read_plan
from tests.adoption.by_hand import adopt, made_by_hand
from tests.support.engine import Project, details
from tests.support.forms import DOSIS, DOSSIERS, FormFile, write_form
from tests.support.registry import Registry


def of_no_client(project: Project, _registry: Registry) -> tuple[FormFile, str]:
    """A form with a client-ID that nobody has, and what is said of it."""
    form = write_form(project.forms, "een/geweigerd")
    wrong = str(uuid.uuid4())
    adopt(form, wrong)
    return form, f'een/geweigerd: client "{wrong}" does not exist; correct the client-ID under adopt in the form, or remove it'


def of_another_client(project: Project, registry: Registry) -> tuple[FormFile, str]:
    """A form whose connection has a client already, and names another; its contacts change in the same go."""
    form = write_form(project.forms, "een/geweigerd")
    project.apply()
    other = made_by_hand(registry, write_form(project.folder / "elsewhere"))
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    adopt(form, other)
    return form, (
        f'een/geweigerd: client "{other}" cannot be taken over, for this connection has a client already; '
        "remove adopt from the form, or see docs/adoption.md for how to change clients"
    )


@pytest.mark.parametrize("refuse", [of_no_client, of_another_client])
def test_the_others_are_carried_out(
    project: Project, registry: Registry, refuse: Callable[[Project, Registry], tuple[FormFile, str]]
) -> None:
    """A new connection, a scope extension and a removal go through; the refused form changes nothing anywhere."""
    extended = write_form(project.forms, "twee/uitgebreid")
    removed = write_form(project.forms, "drie/weg", organisation={"name": "Gemeente Wingene", "kbo": "0207.495.470"})
    project.apply()
    refused, sentence = refuse(project, registry)
    before, state = registry.clients(refused.application), project.resources()
    named = f"/management/v1/clients/{refused.request()['adopt']['acmidm']}"
    there = registry.http.get(named).text
    new = write_form(project.forms, "twee/nieuw")
    extended.request()["scopes"][DOSSIERS] = {}
    extended.request()["products"]["dosis"] = DOSIS
    extended.save()
    removed.path.unlink()

    outcome = project.up()

    assert outcome.code != 0
    assert outcome.errors == [sentence]
    assert registry.clients(refused.application) == before
    assert registry.http.get(named).text == there
    assert {place: known for place, known in project.resources().items() if refused.key in place} == {
        place: known for place, known in state.items() if refused.key in place
    }
    assert DOSSIERS in registry.client(extended.application)["scopes"]
    assert registry.configuration("notificaties", registry.client(new.application)["client_id"]) is not None
    assert registry.clients(removed.application) == []
    shown = project.outputs()["connections"]
    assert shown[new.key]["acmidm"]["client_id"] == registry.client(new.application)["client_id"]
    assert removed.key not in shown


@pytest.mark.parametrize("refuse", [of_no_client, of_another_client])
def test_the_preview_shows_everything_and_fails(
    project: Project, registry: Registry, refuse: Callable[[Project, Registry], tuple[FormFile, str]]
) -> None:
    """One sentence, once, as an error, which a review lists as a problem; the changes of the others stand beside it."""
    _, sentence = refuse(project, registry)
    new = write_form(project.forms, "twee/nieuw")

    refused = project.preview()
    assert refused.code != 0
    assert refused.errors == [sentence]
    document = project.pulumi("preview", "--json")
    assert document.code != 0
    plan = json.loads(document.stdout)
    assert details(plan["steps"])[f"OAuthClient {new.key}"] == ("create", [])
    assert read_plan(plan).problems == (sentence,)


def test_a_run_after_a_refused_one_ends(project: Project, registry: Registry) -> None:
    """``make up`` looks at the authority first then, which the engine cannot do in the same go: it would wait for ever."""
    _, sentence = of_another_client(project, registry)
    assert project.up().code != 0
    new = write_form(project.forms, "twee/nieuw")
    again = project.recover()
    assert again.code != 0
    assert sentence in again.stdout
    assert registry.client(new.application)["jwks"]["keys"]
