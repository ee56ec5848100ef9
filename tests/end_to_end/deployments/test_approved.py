"""What a person approved is what runs: a review that was saved, then a deployment that departs from
it in nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from tests.support.engine import Outcome, Project, details
from tests.support.evidence import write_evidence
from tests.support.forms import DOSSIERS, PLAIN, SEND, write_form
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry, kids


def differs(outcome: Outcome) -> list[str]:
    """What is listed as other than approved."""
    assert outcome.code == 1, outcome.output
    return [
        line.removeprefix("differs: ")
        for line in outcome.stderr.splitlines()
        if line.startswith("differs: ")
    ]


def test_what_changes_in_between_is_left_out(project: Project, registry: Registry) -> None:
    """At the authority, where no preview looks; in a form; in the state: each is named, nothing of
    it is written. Put back, it runs.

    Of a client that leaves both runs are approved with the first. Of one that does not change
    nothing is.
    """
    form, leaves = write_form(project.forms, scopes=(SEND,)), write_form(project.forms, "gent/gaat")
    beside = write_form(project.forms, "gent/blijft", keys=())
    project.apply()
    client = registry.client(form.application)
    client_id = client["client_id"]
    form.request()["scopes"][PLAIN] = {}
    form.save()
    leaves.document["retire"] = "2020-03-31"
    leaves.save()
    file = project.folder / "approved.json"
    reviewed = project.acmidm("review", "--stack", "tni", "--save", str(file))
    assert reviewed.code == 0, reviewed.output

    registry.set_scopes(client_id, [SEND, DOSSIERS])
    registry.change(client_id, contacts=["hand@stad.example"])
    form.request()["scopes"][PLAIN] = {"reason": "another one"}
    form.save()
    other = write_form(project.forms, "gent/nieuw")
    found = differs(project.recover("--approved", str(file)))
    assert f"create OAuthClient {other.key}: was not reviewed" in found
    assert [sentence for sentence in found if other.key not in sentence] == [
        f"update ClientScopes {form.key}: becomes.inputs.scopes.{PLAIN} requested → another one",
        (
            f"client acmidm {client_id} was changed at its authority since the review: has other"
            f" client.contacts api-beheer@stad-gent.example → hand@stad.example, scopes.{DOSSIERS}"
            " none → on request"
        ),
    ]
    assert registry.clients(other.application) == []
    assert registry.clients(leaves.application) == [], "who does not differ waits for nobody"
    assert DOSSIERS in registry.client(form.application)["scopes"]
    other.path.unlink()
    form.request()["scopes"][PLAIN] = {}
    form.save()
    registry.set_scopes(client_id, [SEND])
    registry.change(client_id, contacts=client["contacts"])

    registry.change(
        registry.client(beside.application)["client_id"], contacts=["hand@stad.example"]
    )
    assert all(
        leaves.key in sentence for sentence in differs(project.recover("--approved", str(file)))
    ), "it is done"
    assert {SEND, PLAIN} <= set(registry.client(form.application)["scopes"])
    again = differs(project.recover("--approved", str(file)))
    assert f"update ClientScopes {form.key}: was reviewed, and would not be done" in again, (
        "the state changed"
    )


def test_a_client_under_another_name_that_differs_is_left_out(
    project: Project, registry: Registry
) -> None:
    """Under neither of its names is anything of it done, nor is it removed; put back, it is
    renamed."""
    form, other = (
        write_form(project.forms, scopes=(SEND,)),
        write_form(project.forms, "gent/ander", scopes=(SEND,)),
    )
    project.apply()
    before, client_id = form.application, project.client_id(form)
    form.document["application"], form.document["formerly"] = f"balie-{before}", [before]
    form.save()
    other.request()["scopes"][PLAIN] = {}
    other.save()
    file = project.folder / "approved.json"
    assert project.acmidm("review", "--stack", "tni", "--save", str(file)).code == 0

    registry.set_scopes(client_id, [SEND, DOSSIERS])
    assert all(
        client_id in sentence for sentence in differs(project.recover("--approved", str(file)))
    )
    assert PLAIN in registry.client(other.application)["scopes"]
    (left,) = registry.clients(before)
    assert (left["client_id"], DOSSIERS in left["scopes"], registry.clients(form.application)) == (
        client_id,
        True,
        [],
    )

    registry.set_scopes(client_id, [SEND, "vo_info"])
    project.recover("--approved", str(file))
    assert registry.client(form.application)["client_id"] == client_id
    assert project.recover().code == 0
    project.in_sync()


def test_a_key_that_is_used_in_between_is_no_difference(
    project: Project, registry: Registry, portal: RunningPortal
) -> None:
    """The run confirms its evidence then, and changes nothing: nobody need approve that."""
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    client_id, key = project.client_id(form), form.keys["key-1"]
    about = {
        "application": form.application,
        "issuer": portal.issuer,
        "client_id": client_id,
        "scopes": [SEND],
    }
    write_evidence(form.path.parent, key.as_dict(private=True), **about, products=["notificaties"])
    project.apply()
    form.request()["scopes"][PLAIN] = {}
    form.save()
    file = project.folder / "approved.json"
    assert project.acmidm("review", "--stack", "tni", "--save", str(file)).code == 0
    portal.client_token(key, client_id, scope=SEND)
    assert f"ClientJwks {form.key}" in details(project.steps())
    done = project.recover("--approved", str(file))
    assert done.code == 0, done.output
    assert PLAIN in registry.client(form.application)["scopes"]
    assert project.resources()[f"ClientJwks {form.key}"]["outputs"]["seen"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "is no saved review of this version"),
        ('{"version": 2}', "is no saved review of this version"),
        (
            '{"version": 1, "stack": "prod", "steps": {}, "clients": {}}',
            "is a review of stack prod",
        ),
        ('{"version": 1, "stack": "tni", "steps": []}', "is no whole review"),
        (
            '{"version": 1, "stack": "tni", "steps": {"update": []}, "clients": {}}',
            "is no whole review",
        ),
        ("[" * 100_000, "is no saved review of this version"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_what_is_no_review_of_the_stack_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, what: str
) -> None:
    """Before anything is looked at: there is no project here."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "approved.json"
    if text is not None:
        file.write_text(text)
    refused = CliRunner().invoke(app, ["deploy", "--stack", "tni", "--approved", str(file)])
    assert refused.exit_code == 2
    assert (
        refused.stderr.strip()
        == f"{file} {what}; save one with acmidm review --stack tni --save FILE, and have that"
        " approved"
    )


def test_what_is_refused_holds_nobody_else_up(project: Project, registry: Registry) -> None:
    """A key that leaves too early stays, a client that cannot be taken over is not; all else is
    reviewed, approved and carried out."""
    project.configure({"keyOverlapDays": 14})
    early, other = (
        write_form(project.forms, keys=("old",)),
        write_form(project.forms, "gent/ander", scopes=(SEND,)),
    )
    project.apply()
    early.add_key("new")
    early.request()["jwks"] = early.request()["jwks"][1:]
    early.save()
    other.request()["scopes"][PLAIN] = {}
    other.save()
    adopting = write_form(project.forms, "gent/overname")
    adopting.request()["adopt"] = {"acmidm": "no-such-client"}
    adopting.save()
    file = project.folder / "approved.json"

    reviewed = project.acmidm("review", "--stack", "tni", "--save", str(file))
    assert reviewed.code == 1, reviewed.output
    assert "; what is refused is held back" in reviewed.stdout
    done = project.recover("--approved", str(file))
    assert done.code != 0
    assert PLAIN in registry.client(other.application)["scopes"]
    assert kids(registry.client(early.application)) == {"old", "new"}
    assert registry.clients(adopting.application) == []


def test_a_stolen_key_goes_whatever_is_uploaded_meanwhile(
    project: Project, registry: Registry
) -> None:
    """Who stole it may upload another between each review and its run: all else of that client
    waits for the next one."""
    form = write_form(project.forms, keys=("stolen", "good"))
    project.apply()
    client_id = project.client_id(form)
    stolen, good = form.request()["jwks"]
    form.request()["jwks"] = [{"file": stolen, "compromised": True}, good]
    form.save()
    file = project.folder / "approved.json"
    assert project.acmidm("review", "--stack", "tni", "--save", str(file)).code == 0
    registry.set_keys(client_id, [*form.keys.values(), new_key("slipped")])
    assert project.recover("--approved", str(file)).code != 0
    assert kids(registry.client(form.application)) == {"good", "slipped"}


def test_a_setting_that_changed_in_between_stops_it(project: Project) -> None:
    write_form(project.forms)
    file = project.folder / "approved.json"
    assert project.acmidm("review", "--stack", "tni", "--save", str(file)).code == 0
    project.configure({"keyOverlapDays": 3})
    refused = project.recover("--approved", str(file))
    assert differs(refused) == ["setting acmidm:keyOverlapDays 0 → 3"]
    assert (
        "nothing more of tni is brought up, for it is not what was approved: have it reviewed again"
        in refused.stderr
    )


def test_a_client_that_differs_is_left_out_and_nobody_else(
    project: Project, registry: Registry
) -> None:
    """Such as one whose organisation uploads a key between approval and run, once its form has
    keys."""
    uploaded, other = (
        write_form(project.forms, keys=()),
        write_form(project.forms, "gent/ander", scopes=(SEND,)),
    )
    project.apply()
    uploaded.add_key("of-the-form")
    uploaded.save()
    other.request()["scopes"][PLAIN] = {}
    other.save()
    file = project.folder / "approved.json"
    assert project.acmidm("review", "--stack", "tni", "--save", str(file)).code == 0
    registry.set_keys(registry.client(uploaded.application)["client_id"], [new_key("uploaded")])
    new = write_form(project.forms, "gent/nieuw")

    done = project.recover("--approved", str(file))
    assert done.code == 1, done.output
    assert (
        f"differs: client acmidm {registry.client(uploaded.application)['client_id']} was changed"
        " at its authority" in done.stderr
    )
    assert (
        "2 clients are left out, for they are not what was approved: have them reviewed again"
        in done.stderr
    )
    assert PLAIN in registry.client(other.application)["scopes"]
    assert kids(registry.client(uploaded.application)) == {"uploaded"}
    assert registry.clients(new.application) == []
    assert project.acmidm("review", "--stack", "tni", "--save", str(file)).code == 0
    assert project.recover("--approved", str(file)).code == 0
    assert kids(registry.client(uploaded.application)) == {"of-the-form"}
    project.in_sync()
