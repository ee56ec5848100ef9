"""A connection that leaves: announced, taken down from its day on in two runs, or left at its authority where its form says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry

COMING, DUE = "2999-03-31", "2020-03-31"


def connect(project: Project, **changes: Any) -> FormFile:
    """A form of two products on a protecting stack, and one that stays beside it."""
    project.configure({"protectClients": True})
    form = write_form(project.forms, scopes=(SEND, DOSSIERS), **changes)
    write_form(project.forms, "gent/blijft")
    project.apply()
    return form


def retire(form: FormFile, day: str | dict[str, str] = DUE, **changes: Any) -> None:
    form.document.update(retire=day, **changes)
    form.save()


def kinds(project: Project) -> list[str]:
    """The kinds of change in the engine's review."""
    [report] = [json.loads(project.acmidm("review", "--stack", "tni", "--output", "json").stdout)]
    return [change["kind"] for one in report["connections"] for change in one["changes"]]


def granted(client: Mapping[str, Any]) -> list[str]:
    """Its scopes, but for the one that its API's provider assigns by itself."""
    return [scope for scope in client["scopes"] if scope != "vo_info"]


def at_first(registry: Registry, form: FormFile) -> None:
    """The scopes are withdrawn, and nothing else is."""
    client = registry.client(form.application)
    assert granted(client) == []
    assert [key["kid"] for key in client["jwks"]["keys"]] == ["key-1"]
    assert all(registry.configuration(product, client["client_id"]) for product in ("notificaties", "dosis"))


def gone(registry: Registry, form: FormFile, client_id: str) -> None:
    assert registry.clients(form.application) == []
    assert [registry.configuration(product, client_id) for product in ("notificaties", "dosis")] == [None, None]


def test_until_its_day_it_is_announced_and_protected(project: Project, registry: Registry) -> None:
    """The review of the line, each later review of the client, and the service desk's list say so; nobody lifts the protection."""
    form = connect(project)
    client, trail = registry.client(form.application), registry.audit()
    retire(form, COMING)
    assert kinds(project) == ["retirement_announced"]
    project.apply()
    assert (registry.client(form.application), registry.audit()) == (client, trail)
    assert f"leaves   {COMING}" in project.acmidm("status", "--stack", "tni").stdout
    form.document["contacts"] = ["loket@stad-gent.example"]
    form.save()
    assert kinds(project) == ["retirement_coming", "client_updated"]
    form.path.unlink()
    refused = project.preview()
    assert refused.code != 0
    assert "because it is protected" in refused.output


def test_one_deployment_does_both(project: Project, registry: Registry, portal: RunningPortal) -> None:
    """And the one after it has nothing to do. What stays works as before."""
    form = connect(project)
    client_id = registry.client(form.application)["client_id"]
    retire(form)
    done = project.recover()
    assert done.code == 0, done.output
    assert f"a second run goes on with {form.key}" in done.stderr
    gone(registry, form, client_id)
    assert portal.request_token(sign_assertion(form.keys["key-1"], client_id, portal.audience)).status_code == 401
    trail = registry.audit()
    again = project.recover()
    assert (again.code, "a second run" in again.output) == (0, False)
    assert registry.audit() == trail
    project.in_sync()


def test_what_was_cut_off_between_the_two_is_gone_on_with(project: Project, registry: Registry) -> None:
    """By the same command, from what the state has; and a day that is taken away again gives the client back what it had."""
    form = connect(project)
    before = registry.client(form.application)
    retire(form)
    assert kinds(project) == ["client_retired", "protection_lifted", "retirement_announced", "scope_withdrawn", "scope_withdrawn"]
    project.apply()
    at_first(registry, form)
    assert kinds(project) == ["client_removed"]
    del form.document["retire"]
    form.save()
    project.apply()
    assert {**registry.client(form.application), "etags": None} == {**before, "etags": None}
    assert project.resources()[f"OAuthClient {form.key}"]["protect"] is True
    retire(form)
    project.apply()
    done = project.recover()
    assert done.code == 0, done.output
    gone(registry, form, before["client_id"])
    form.path.unlink()
    project.succeed("preview", "--expect-no-changes")


def test_a_product_alone(project: Project, registry: Registry) -> None:
    """Its scopes go first, then its configuration; the rest of the client stays as it is, and protected."""
    form = connect(project)
    client_id = registry.client(form.application)["client_id"]
    retire(form, {"dosis": DUE})
    assert kinds(project) == ["retirement_announced", "product_retired", "scope_withdrawn", "product_unprotected"]
    project.apply()
    assert granted(registry.client(form.application)) == [SEND]
    assert registry.configuration("dosis", client_id) is not None
    project.apply()
    assert registry.configuration("dosis", client_id) is None
    assert registry.configuration("notificaties", client_id) is not None
    project.in_sync()
    del form.document["retire"], form.request()["products"]["dosis"], form.request()["scopes"][DOSSIERS]
    form.save()
    assert project.steps() == []
    assert project.resources()[f"OAuthClient {form.key}"]["protect"] is True


def test_a_client_is_preserved_and_taken_back(project: Project, registry: Registry, portal: RunningPortal) -> None:
    """It stays at its authority as it is, listed and no drift; without the line, the same client is declared again."""
    form = connect(project)
    client, trail = registry.client(form.application), registry.audit()
    form.document["preserve"] = True
    form.save()
    assert "client_preserved" in kinds(project)
    done = project.recover()
    assert done.code == 0, done.output
    assert (registry.client(form.application), registry.audit()) == (client, trail), "nothing is written at the authority"
    assert not any(form.key in name for name in project.resources())
    assert portal.request_token(sign_assertion(form.keys["key-1"], client["client_id"], portal.audience)).status_code == 200

    looked = project.acmidm("drift", "--stack", "tni", "--output", "json")
    report = json.loads(looked.stdout)
    assert (looked.code, report["in_sync"]) == (0, True)
    assert [one["client_id"] for one in report["preserved"]] == [client["client_id"]]
    assert client["client_id"] not in {one["client_id"] for one in report["undeclared"]}

    del form.document["preserve"]
    form.save()
    project.apply()
    assert {**registry.client(form.application), "etags": None} == {**client, "etags": None}
    assert project.resources()[f"OAuthClient {form.key}"]["protect"] is True
    project.in_sync()


@pytest.mark.exhaustive
def test_preserved_from_a_day_on(project: Project, registry: Registry) -> None:
    """Until then it is declared and protected; a step that is cut off loses nothing."""
    form = connect(project)
    client = registry.client(form.application)
    retire(form, COMING, preserve=True)
    project.apply()
    assert project.resources()[f"OAuthClient {form.key}"]["protect"] is True
    retire(form, DUE)
    project.apply()
    project.apply()
    assert registry.client(form.application) == client
    assert not any(form.key in name for name in project.resources())
    project.succeed("preview", "--expect-no-changes")
