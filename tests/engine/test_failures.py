"""What goes wrong is one sentence, changes nothing else, and holds up nobody else."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from tests.support.engine import Project, settings_of
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.offered import offered
from tests.support.portal import RunningPortal, client_document, new_key, running_portal
from tests.support.registry import Registry


def test_one_organisations_failure_holds_up_no_other(tmp_path: Path) -> None:
    """An authority that does not know a scope refuses one form's; all others are carried out, and the command fails."""
    settings = offered()
    del settings["scopes"][PLAIN]
    with running_portal(tmp_path / "portal", **settings) as portal, portal.operator() as http:
        registry = Registry(http)
        project = Project(tmp_path / "project")
        project.connect(portal)
        refused = write_form(project.forms, "een/geweigerd", scopes=(SEND, PLAIN))
        others = [write_form(project.forms, name) for name in ("een/loket", "twee/loket")]

        outcome = project.up()

        assert outcome.code != 0
        client_id = registry.client(refused.application)["client_id"]
        assert outcome.errors == [
            f"PUT {portal.origin}/management/v1/clients/{client_id}/scopes: 422 Unprocessable Entity, The request is refused: "
            f"/scopes/1: {PLAIN} is no scope of this environment; ask its provider, or correct the name; "
            "correct what it names, then run the same command again"
        ]
        for form in others:
            client = registry.client(form.application)
            assert client["scopes"] == sorted([SEND, "vo_info"])
            assert client["jwks"]["keys"]
            assert registry.configuration("notificaties", client["client_id"]) is not None

        del refused.request()["scopes"][PLAIN]
        refused.save()
        project.apply()
        assert registry.client(refused.application)["client_id"] == client_id
        project.in_sync()


def test_create_whose_answer_was_lost_is_taken_over_and_no_one_elses(project: Project, registry: Registry) -> None:
    """A client of this stack that the state does not know is adopted; one of another owner is refused by name."""
    lost, foreign, by_hand, new = (write_form(project.forms, f"gent/{name}") for name in ("lost", "foreign", "by-hand", "new"))
    existing = {}
    for form, owner in ((lost, "acmidm/tni"), (foreign, "acmidm/prod"), (by_hand, None)):
        document = client_document(application=form.application, software_id=f"acmidm/tni/OVO002067/{form.application}", managed_by=owner)
        existing[form.name] = registry.http.post("/management/v1/clients", json=document).raise_for_status().json()["client_id"]
    untouched = [registry.client(form.application) for form in (foreign, by_hand)]

    outcome = project.up()

    assert outcome.code != 0
    assert outcome.errors == sorted(
        f"client {existing[form.name]} is registered already for acmidm/tni/{form.key}, {owner}; see whose it is, and {remedy}"
        for form, owner, remedy in (
            (foreign, "managed by acmidm/prod", "have it removed there"),
            (by_hand, "made by hand", f"take it over with adopt: {{acmidm: {existing[by_hand.name]}}}"),
        )
    )
    assert [registry.client(form.application) for form in (foreign, by_hand)] == untouched
    assert registry.client(lost.application)["client_id"] == existing["gent/lost"]
    for form in (lost, new):
        client = registry.client(form.application)
        assert client["scopes"] == sorted([SEND, "vo_info"])
        assert registry.configuration("notificaties", client["client_id"]) is not None


def test_bad_forms_are_refused_before_anything_is_sent(project: Project, portal: RunningPortal, registry: Registry) -> None:
    """All mistakes at once, in preview and up; the server sees nothing, and the good form waits too."""
    good = write_form(project.forms, "gent/goed")
    project.apply()
    good.document["contacts"] = ["nieuw@stad-gent.example"]
    good.save()
    write_form(project.forms, "gent/scope", scopes=("dv_notificaties_schrijve",), products={})
    write_form(project.forms, "code/loket", organisation={"name": "Stad Gent", "ovo": "OVO2067"})
    audit, resources, requests = registry.audit(), project.resources(), portal.log.read_text().count("\n")

    for outcome in (project.preview(), project.up()):
        assert outcome.code != 0
        assert any(line.startswith("onboardings/gent/scope.yaml:") and SEND in line for line in outcome.errors), outcome.output
        assert any(line.startswith("onboardings/code/organisation.yaml:") and "OVO2067" in line for line in outcome.errors), outcome.output

    assert portal.log.read_text().count("\n") == requests
    assert registry.audit() == audit
    assert project.resources() == resources


@pytest.mark.parametrize("broken", ["key", "file", "unknown-client"])
def test_wrong_credentials_of_the_operator(project: Project, registry: Registry, broken: str) -> None:
    """One sentence that says whose credentials they are; nothing is made, nothing is retried."""
    form = write_form(project.forms)
    key = project.folder / "operator-tni.jwk.json"
    if broken == "key":
        import json

        stranger = new_key("stranger").as_dict(private=True)
        project.secrets.append(str(stranger["d"]))
        key.write_text(json.dumps(stranger))
    elif broken == "file":
        key.unlink()
    else:
        project.configure({"operatorClientId": "nobody"})

    outcome = project.up()

    assert outcome.code != 0
    (sentence,) = outcome.errors
    expected = {
        "key": ("POST ", "/v1/token: 401 ", "check the operator's credentials"),
        "file": ("operator-tni.jwk.json cannot be read", "check acmidm:operatorPrivateKeyFile"),
        "unknown-client": ("POST ", "/v1/token: 401 ", "check the operator's credentials"),
    }
    assert all(words in sentence for words in expected[broken]), sentence
    assert "tried" not in sentence
    assert registry.clients(form.application) == []


def test_unreachable_server_costs_the_deadline_once(project: Project) -> None:
    """Ten forms, and one of their operations alone goes on retrying: the others learn from it."""
    for number in range(10):
        write_form(project.forms, f"gent/loket-{number}")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{unused.getsockname()[1]}"
        project.configure({"managementUrl": f"{down}/m", "issuer": f"{down}/op", "productsUrl": f"{down}/p", "retryDeadlineSeconds": 1})
        outcome = project.up()

    assert outcome.code != 0
    assert "stamina" not in outcome.output
    lines = [line for line in outcome.output.splitlines() if line.strip().startswith("error: Unreachable")]
    assert len(lines) == 10
    assert all(f"GET {down}/op/.well-known/openid-configuration: the server cannot be reached" in line for line in lines)
    assert all("check the address and the server, then run the same command again" in line for line in lines)
    assert len([line for line in lines if "tried 1 time in" not in line]) == 1


def test_refused_token_and_wrong_address_are_never_taken_for_gone(project: Project, portal: RunningPortal, registry: Registry) -> None:
    """A refresh that cannot read leaves the state alone: what was not found and what was not answered differ."""
    form = write_form(project.forms)
    project.apply()
    before = project.resources()

    # A refresh uses the settings that the last ``up`` recorded.
    project.configure({"operatorClientId": "nobody"})
    project.apply()
    assert project.pulumi("refresh", "--yes").code != 0
    assert project.resources() == before

    project.configure({**settings_of(portal), "managementUrl": f"{portal.origin}/elsewhere"})
    project.apply()
    refreshed = project.pulumi("refresh", "--yes")
    assert httpx.get(f"{portal.origin}/elsewhere/clients").status_code == 404
    assert refreshed.code != 0, "a wrong address answers 404 to everything: that must not empty the state"
    assert project.resources() == before
    assert registry.client(form.application)
