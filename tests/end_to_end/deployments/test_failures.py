"""What goes wrong is one sentence, changes nothing else, and holds up nobody else."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.support.engine import Project
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.offered import offered
from tests.support.portal import RunningPortal, client_document, running_portal
from tests.support.registry import Registry


def test_one_organisations_failure_holds_up_no_other(tmp_path: Path) -> None:
    """Refused are what the authority does not know, and what is somebody else's by name; all others
    are carried out, and the command fails.

    A create whose answer was lost is one of those: a client of this stack that the state does not
    know is taken over.
    """
    settings = offered()
    del settings["scopes"][PLAIN]
    with running_portal(tmp_path / "portal", **settings) as portal, portal.operator() as http:
        registry = Registry(http)
        project = Project(tmp_path / "project")
        project.connect(portal)
        refused = write_form(project.forms, "een/geweigerd", scopes=(SEND, PLAIN))
        lost, foreign, by_hand, new = (
            write_form(project.forms, f"gent/{name}")
            for name in ("lost", "foreign", "by-hand", "new")
        )
        for form, owner in ((lost, "acmidm/tni"), (foreign, "acmidm/prod"), (by_hand, None)):
            document = client_document(
                application=form.application, software_id=f"acmidm/tni/{form.key}", managed_by=owner
            )
            http.post("/management/v1/clients", json=document).raise_for_status()
        there = {form.name: registry.client(form.application) for form in (lost, foreign, by_hand)}
        ids = {name: client["client_id"] for name, client in there.items()}

        outcome = project.up()

        assert outcome.code != 0
        client_id = registry.client(refused.application)["client_id"]
        registered = (
            "client {} is registered already for acmidm/tni/{}, {}; see whose it is, and {}"
        )
        elsewhere = "have it removed there"
        own = f"take it over with adopt: {{acmidm: {ids[by_hand.name]}}}"
        assert outcome.errors == [
            (
                f"PUT {portal.origin}/management/v1/clients/{client_id}/scopes: 422 Unprocessable"
                f" Entity, The request is refused: /scopes/1: {PLAIN} is no scope of this"
                " environment; ask its provider, or correct the name; correct what the server"
                " names, then run the same command again"
            ),
            *sorted(
                (
                    registered.format(
                        ids[foreign.name], foreign.key, "managed by acmidm/prod", elsewhere
                    ),
                    registered.format(ids[by_hand.name], by_hand.key, "made by hand", own),
                )
            ),
        ]
        assert [registry.client(form.application) for form in (foreign, by_hand)] == [
            there[foreign.name],
            there[by_hand.name],
        ]
        assert registry.client(lost.application)["client_id"] == ids[lost.name]
        for form in (lost, new):
            client = registry.client(form.application)
            assert (client["scopes"], bool(client["jwks"]["keys"])) == ([SEND, "vo_info"], True)
            assert registry.configuration("notificaties", client["client_id"]) is not None

        del refused.request()["scopes"][PLAIN]
        refused.save()
        for form in (foreign, by_hand):
            form.path.unlink()
        project.apply()
        assert registry.client(refused.application)["client_id"] == client_id
        project.in_sync()


def test_bad_forms_are_refused_before_anything_is_sent(
    project: Project, portal: RunningPortal
) -> None:
    """All mistakes at once, in preview and up; the server sees nothing, and the good form waits
    too."""
    write_form(project.forms, "gent/goed")
    write_form(project.forms, "gent/scope", scopes=("dv_notificaties_impor",), products={})
    write_form(project.forms, "gent/platform", platforms=["acmidm", "geosecure"])
    write_form(project.forms, "code/loket", organisation={"name": "Stad Gent", "ovo": "OVO2067"})
    requests = portal.log.read_text().count("\n")

    for outcome in (project.preview(), project.up()):
        assert outcome.code != 0
        organisation, platform, scope = outcome.errors
        assert organisation.startswith("onboardings/code/organisation.yaml:")
        assert "OVO2067" in organisation
        assert platform.startswith("onboardings/gent/platform.yaml:")
        assert "geosecure has no authority in this stack of tni" in platform
        assert scope.startswith("onboardings/gent/scope.yaml:")
        assert SEND in scope

    assert portal.log.read_text().count("\n") == requests
    assert project.resources() == {}


def test_wrong_credentials_of_the_operator(project: Project, registry: Registry) -> None:
    """One sentence that says whose credentials they are; nothing is made, nothing is retried."""
    form = write_form(project.forms)
    project.configure({"operatorClientId": "nobody"})

    outcome = project.up()

    assert outcome.code != 0
    (sentence,) = outcome.errors
    assert all(
        words in sentence
        for words in ("POST ", "/v1/token: 401 ", "check the operator's credentials")
    ), sentence
    assert "tried" not in sentence
    assert registry.clients(form.application) == []


def test_unreachable_server_costs_the_deadline_once(project: Project) -> None:
    """Ten forms, and one of their operations alone goes on retrying: the others learn from it."""
    for number in range(10):
        write_form(project.forms, f"gent/loket-{number}")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{unused.getsockname()[1]}"
        project.configure(
            {
                "managementUrl": f"{down}/m",
                "issuer": f"{down}/op",
                "productsUrl": f"{down}/p",
                "retryDeadlineSeconds": 1,
            }
        )
        outcome = project.up()

    assert outcome.code != 0
    assert "stamina" not in outcome.output
    lines = [
        line
        for line in outcome.output.splitlines()
        if line.strip().startswith("error: Unreachable")
    ]
    assert len(lines) == 10
    assert all(
        f"GET {down}/op/.well-known/openid-configuration: the server cannot be reached" in line
        for line in lines
    )
    assert all(
        "check the address and the server, then run the same command again" in line
        for line in lines
    )
    assert len([line for line in lines if "tried 1 time in" not in line]) == 1
