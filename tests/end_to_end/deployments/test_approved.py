"""What a person approved is what runs: a review that was saved, then a deployment that departs from
it in nothing.

All cases share one stack, one saved review and a deployment of it; of some there is a second, which
is rare. Some of them are refused,
which holds nobody else up.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from tests.support.by_hand import adopt, made_by_hand
from tests.support.engine import Outcome
from tests.support.evidence import write_evidence
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.portal import RunningPortal, new_key
from tests.support.registry import Registry, kids
from tests.support.together import OneStack, Script, together

OVERLAP_DAYS = 14


@dataclass
class ApprovedStack(OneStack):
    """A stack whose review is saved, and then carried out."""

    departing: set[str] = field(default_factory=set)
    """The keys of the clients that are not as approved at the first deployment."""

    writes: ClassVar[Collection[str]] = (*OneStack.writes, "deploy_approved")
    slow_reads: ClassVar[Collection[str]] = (
        *OneStack.slow_reads,
        "save_review",
        "deploy_with_another_setting",
    )

    @property
    def file(self) -> Path:
        return self.project.folder / "approved.json"

    def save_review(self) -> Outcome:
        return self.project.acmidm("review", "--stack", "tni", "--save", str(self.file))

    def deploy_approved(self) -> Outcome:
        return self.project.recover("--approved", str(self.file))

    def deploy_with_another_setting(self) -> Outcome:
        """What is approved, after a change of a setting, which is undone then."""
        self.project.configure({"keyOverlapDays": 3})
        outcome = self.deploy_approved()
        self.project.configure({"keyOverlapDays": OVERLAP_DAYS})
        return outcome

    def saved(self) -> dict[str, Any]:
        """What the review has of each step."""
        steps: dict[str, Any] = json.loads(self.file.read_text())["steps"]
        return steps


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> ApprovedStack:
    return ApprovedStack.connected(tmp_path_factory, portal, registry, keyOverlapDays=OVERLAP_DAYS)


def differs(outcome: Outcome, *words: str) -> list[str]:
    """What is listed as other than approved, and has one of these words."""
    lines = outcome.stderr.splitlines()
    found = [line.removeprefix("differs: ") for line in lines if line.startswith("differs: ")]
    return [sentence for sentence in found if any(word in sentence for word in words)]


@together
def test_what_changes_in_between_is_left_out(at: ApprovedStack) -> Script:
    """At the authority, where no preview looks, and in a form: each is named, nothing of it is
    written."""
    yield from changed_in_between(at, write_form(at.forms, "gent/anders", scopes=(SEND,)))


@pytest.mark.exhaustive
@together
def test_what_is_put_back_runs(at: ApprovedStack) -> Script:
    form = write_form(at.forms, "gent/teruggezet", scopes=(SEND,))
    yield from changed_in_between(at, form)
    client_id = at.registry.client(form.application)["client_id"]
    form.request()["scopes"][PLAIN] = {}
    form.save()
    at.registry.set_scopes(client_id, [SEND])
    at.registry.change(client_id, contacts=form.document["contacts"])
    done = yield at.deploy_approved
    assert differs(done, form.key, client_id) == []
    assert {SEND, PLAIN} <= set(at.registry.client(form.application)["scopes"])


def changed_in_between(at: ApprovedStack, form: FormFile) -> Script:
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    form.request()["scopes"][PLAIN] = {}
    form.save()
    yield at.save_review

    at.departing.add(form.key)
    at.registry.set_scopes(client_id, [SEND, DOSSIERS])
    at.registry.change(client_id, contacts=["hand@stad.example"])
    form.request()["scopes"][PLAIN] = {"reason": "another one"}
    form.save()
    done = yield at.deploy_approved
    assert done.code != 0, done.output
    assert differs(done, form.key, client_id) == [
        f"update ClientScopes {form.key}: becomes.inputs.scopes.{PLAIN} requested → another one",
        (
            f"client acmidm {client_id} was changed at its authority since the review: has other"
            f" client.contacts api-beheer@stad-gent.example → hand@stad.example, scopes.{DOSSIERS}"
            " none → on request"
        ),
    ]
    now = at.registry.client(form.application)
    assert (DOSSIERS in now["scopes"], PLAIN in now["scopes"]) == (True, False)
    assert now["contacts"] == ["hand@stad.example"]


@together
def test_a_form_that_comes_after_the_review_is_left_out(at: ApprovedStack) -> Script:
    yield at.up
    yield at.save_review
    form = write_form(at.forms, "gent/nieuw")
    at.departing.add(form.key)
    done = yield at.deploy_approved
    assert done.code != 0, done.output
    assert f"create OAuthClient {form.key}: was not reviewed" in differs(done, form.key)
    assert at.registry.clients(form.application) == []


@together
def test_a_client_that_does_not_change_is_not_compared(at: ApprovedStack) -> Script:
    form = write_form(at.forms, "gent/blijft", keys=())
    yield at.up
    yield at.save_review
    client_id = at.registry.client(form.application)["client_id"]
    at.registry.change(client_id, contacts=["hand@stad.example"])
    assert differs((yield at.deploy_approved), form.key, client_id) == []


@pytest.mark.exhaustive
@together
def test_both_runs_of_a_client_that_leaves_are_approved_with_the_first(at: ApprovedStack) -> Script:
    """Whoever differs holds it not up. A second deployment says that the state has changed."""
    form = write_form(at.forms, "gent/gaat")
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    form.document["retire"] = "2020-03-31"
    form.save()
    yield at.save_review
    done = yield at.deploy_approved
    assert differs(done, form.key, client_id) == []
    assert at.registry.clients(form.application) == []
    again = differs((yield at.deploy_approved), form.key)
    assert again
    assert all(sentence.endswith("was reviewed, and would not be done") for sentence in again)


@pytest.mark.exhaustive
@together
def test_a_client_under_another_name_that_differs_is_left_out(at: ApprovedStack) -> Script:
    """Under neither of its names is anything of it done, nor is it removed; put back, it is
    renamed."""
    form = write_form(at.forms, "gent/hernoemd", scopes=(SEND,))
    yield at.up
    before = form.application
    client_id = at.registry.client(before)["client_id"]
    form.document |= {"application": f"balie-{before}", "formerly": [before]}
    form.save()
    yield at.save_review

    at.departing.add(form.key)
    at.registry.set_scopes(client_id, [SEND, DOSSIERS])
    done = yield at.deploy_approved
    assert done.code != 0, done.output
    (said,) = differs(done, before, client_id)
    assert said.startswith(f"client acmidm {client_id} was changed at its authority")
    (left,) = at.registry.clients(before)
    assert (left["client_id"], DOSSIERS in left["scopes"]) == (client_id, True)
    assert at.registry.clients(form.application) == []

    at.registry.set_scopes(client_id, [SEND])
    yield at.deploy_approved
    assert at.registry.client(form.application)["client_id"] == client_id
    drift = yield at.drift  # a preview would end at what is refused of others
    assert form.key not in {one["key"] for one in (*drift["by_hand"], *drift["not_applied"])}
    assert drift["left_behind"] == []


@together
def test_a_key_that_is_used_in_between_is_no_difference(at: ApprovedStack) -> Script:
    """The run confirms its evidence then, and changes nothing: nobody need approve that."""
    form = write_form(at.forms, "gent/gebruikt", scopes=(SEND,))
    client_id, key = made_by_hand(at.registry, form), form.keys["key-1"]
    adopt(form, client_id)  # its client-ID is known before the first run, and so is its evidence
    write_evidence(
        form.path.parent,
        key.as_dict(private=True),
        application=form.application,
        client_id=client_id,
        issuer=at.portal.issuer,
        scopes=[SEND],
        products=["notificaties"],
    )
    yield at.up
    form.request()["scopes"][PLAIN] = {}
    form.save()
    yield at.save_review
    assert f"update ClientJwks {form.key}" not in at.saved()
    at.portal.client_token(key, client_id, scope=SEND)
    done = yield at.deploy_approved
    assert differs(done, form.key, client_id) == []
    assert PLAIN in at.registry.client(form.application)["scopes"]
    resources = yield at.resources
    assert resources[f"ClientJwks {form.key}"]["outputs"]["seen"]


@together
def test_what_is_refused_holds_nobody_else_up(at: ApprovedStack) -> Script:
    """A key that leaves too early stays, a client that cannot be taken over is not; all else is
    reviewed, approved and carried out."""
    early = write_form(at.forms, "gent/vroeg", keys=("old",))
    other = write_form(at.forms, "gent/ander", scopes=(SEND,))
    yield at.up
    early.add_key("new")
    early.request()["jwks"] = early.request()["jwks"][1:]
    early.save()
    other.request()["scopes"][PLAIN] = {}
    other.save()
    adopting = write_form(at.forms, "gent/overname")
    adopting.request()["adopt"] = {"acmidm": "no-such-client"}
    adopting.save()

    reviewed = yield at.save_review
    assert reviewed.code == 1, reviewed.output
    assert "; what is refused is held back" in reviewed.stdout
    done = yield at.deploy_approved
    assert done.code != 0
    assert differs(done, early.key, other.key, adopting.key) == []
    assert PLAIN in at.registry.client(other.application)["scopes"]
    assert kids(at.registry.client(early.application)) == {"old", "new"}
    assert at.registry.clients(adopting.application) == []


@together
def test_a_stolen_key_goes_whatever_is_uploaded_meanwhile(at: ApprovedStack) -> Script:
    """Who stole it may upload another between each review and its run: all else of that client
    waits for the next one."""
    form = write_form(at.forms, "gent/gestolen", keys=("stolen", "good"))
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    stolen, good = form.request()["jwks"]
    form.request()["jwks"] = [{"file": stolen, "compromised": True}, good]
    form.save()
    yield at.save_review
    at.registry.set_keys(client_id, [*form.keys.values(), new_key("slipped")])
    done = yield at.deploy_approved
    assert done.code != 0
    assert kids(at.registry.client(form.application)) == {"good", "slipped"}


@pytest.mark.exhaustive
@together
def test_a_setting_that_changed_in_between_stops_it(at: ApprovedStack) -> Script:
    write_form(at.forms, "gent/ingesteld")
    yield at.save_review
    refused = yield at.deploy_with_another_setting
    assert refused.code == 1, refused.output
    assert differs(refused, "setting ") == ["setting acmidm:keyOverlapDays 14 → 3"]
    assert (
        "nothing more of tni is brought up, for it is not what was approved: have it reviewed again"
        in refused.stderr
    )


@together
def test_a_key_that_is_uploaded_in_between_leaves_its_client_out(at: ApprovedStack) -> Script:
    """Once its form has keys; nobody else is left out."""
    form = write_form(at.forms, "gent/geladen", keys=())
    other = write_form(at.forms, "gent/naast", scopes=(SEND,))
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    form.add_key("of-the-form")
    form.save()
    other.request()["scopes"][PLAIN] = {}
    other.save()
    yield at.save_review
    at.departing.add(form.key)
    at.registry.set_keys(client_id, [new_key("uploaded")])
    done = yield at.deploy_approved
    assert done.code != 0, done.output
    (said,) = differs(done, client_id)
    assert said.startswith(f"client acmidm {client_id} was changed at its authority")
    left_out = len(at.departing)
    counted = "1 client is" if left_out == 1 else f"{left_out} clients are"
    assert f"{counted} left out, for" in done.stderr
    assert PLAIN in at.registry.client(other.application)["scopes"]
    assert kids(at.registry.client(form.application)) == {"uploaded"}


@together
def test_a_key_that_was_uploaded_before_the_review_is_approved_with_it(at: ApprovedStack) -> Script:
    """So whoever was left out goes on once that was reviewed anew."""
    form = write_form(at.forms, "gent/eerder", keys=())
    yield at.up
    client_id = at.registry.client(form.application)["client_id"]
    at.registry.set_keys(client_id, [new_key("uploaded")])
    form.add_key("of-the-form")
    form.save()
    yield at.save_review
    assert differs((yield at.deploy_approved), form.key, client_id) == []
    assert "of-the-form" in kids(at.registry.client(form.application))


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
