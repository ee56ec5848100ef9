"""What Pulumi's users type replaces resources, and a create takes its own client over: then the
delete that follows must not kill it.

Each way in which Pulumi makes a resource anew, on the real engine with a real mail server: the
client, its client-ID, its keys and its products are there afterwards, in the state and at the
authority, and nobody is mailed what was mailed before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.engine import Outcome, Project
from tests.support.forms import DOSSIERS, SEND, FormFile, write_form
from tests.support.handing_over import mailing
from tests.support.made_anew import (
    BELOW,
    DELETED_FIRST,
    OF_ANOTHER_TYPE,
    recorded,
    there,
    urn_of,
    with_ways,
)
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.together import OneStack, Script, differing, own, together
from tests.support.vault import PROVIDER, quick

NOBODYS = {"software_id": None, "managed_by": None}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@dataclass
class Anew(OneStack):
    """A stack whose program and whose commands make resources anew, each client in its own way."""

    mails: MailServer = field(default_factory=MailServer)
    ways: dict[str, str] = field(default_factory=dict)
    """What the program does anew, by a connection's key."""
    replaced: list[str] = field(default_factory=list)
    """The URNs that the next run is told to replace."""

    phases = ("up", "looking_up", "up_of_the_copy")

    def up(self) -> Outcome:
        with_ways(self.project, self.ways)
        words = [word for urn in self.replaced for word in ("--replace", urn)]
        self.replaced.clear()
        return self.project.up(*words)

    def looking_up(self) -> Outcome:
        """``pulumi up`` after a look at the authorities."""
        return self.project.up("--refresh")

    def up_of_the_copy(self) -> Outcome:
        """``pulumi up`` of a stack that was copied from this one."""
        with_ways(self.project, self.ways)
        return self.project.up("--stack", "copy")

    def form(self, name: str) -> FormFile:
        return write_form(self.forms, f"gent/{name}", scopes=(SEND, DOSSIERS))

    def urns(self, form: FormFile) -> list[str]:
        """Those of the client and of one of its products."""
        places = (f"OAuthClient {form.key}", f"ProductConfiguration {form.key}/dosis")
        return [urn_of(self.project, place) for place in places]

    def client(self, form: FormFile) -> dict[str, Any]:
        (client,) = there(self.registry, [form])[form.application]
        return dict(client)

    def mails_about(self, client_id: str) -> int:
        texts = [mail.get_body(("plain",)) for mail in self.mails.received]
        return sum(text is not None and client_id in text.get_content() for text in texts)


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Anew]:
    project = Project(tmp_path_factory.mktemp("stack"))
    project.connect(portal)
    with running_mail_server() as mails:
        mailing(project, mails)
        yield Anew(project, registry, portal, mails=mails)


def is_whole(at: Anew, form: FormFile, before: dict[str, Any]) -> Script:
    """The authority and the state have the same client as before, and no report says otherwise."""
    found = yield at.drift
    shown = yield at.settled
    assert at.client(form) == before
    assert (own(shown, form), differing(found, form)) == ({}, [])
    assert recorded(at.project, form) == {before["client_id"]}


def replace(at: Anew, form: FormFile) -> None:
    at.replaced += at.urns(form)


def rename(at: Anew, form: FormFile) -> None:
    for urn in at.urns(form):
        at.project.succeed("state", "rename", "--yes", urn, f"elders-{form.application}")


def delete(at: Anew, form: FormFile) -> None:
    at.project.succeed("state", "delete", "--yes", "--target-dependents", at.urns(form)[0])


@pytest.mark.parametrize("typed", [replace, rename, delete], ids=lambda one: one.__name__)
@together
def test_what_is_typed_loses_no_client(at: Anew, typed: Any) -> Script:
    """``--replace``, ``state rename`` and ``state delete``: each then an ``up``."""
    form = at.form(typed.__name__)
    yield at.up
    before = at.client(form)
    typed(at, form)
    outcome = yield at.up
    assert at.client(form) == before
    is_left = f"client {before['client_id']} is left where it is" in outcome.output
    assert is_left == (typed is not delete), "what is in no state is not removed either"
    yield at.up
    assert at.mails_about(before["client_id"]) == 1
    yield from is_whole(at, form, before)


@pytest.mark.parametrize("way", [BELOW, OF_ANOTHER_TYPE])
@together
def test_what_a_program_is_changed_to_loses_no_client(at: Anew, way: str) -> Script:
    """It puts ``Onboarding`` below a component of its own, gives clients another type; and back."""
    form = at.form(way.replace(" ", "-"))
    yield at.up
    before = at.client(form)
    at.ways[form.key] = way
    form.document["contacts"] = ["iemand@stad-gent.example"]
    form.save()
    outcome = yield at.up
    assert f"client {before['client_id']} is left where it is" in outcome.output
    assert at.client(form) == before
    del at.ways[form.key]
    yield at.up
    yield from is_whole(at, form, before)
    assert at.mails_about(before["client_id"]) == 1


def move_in_vain(at: Anew, form: FormFile) -> None:
    """Have a program's change make a client anew, which its form then keeps from being made."""
    at.ways[form.key] = BELOW
    form.request()["adopt"] = {"acmidm": UNKNOWN}
    form.save()


def stays(at: Anew, form: FormFile, before: dict[str, Any], failed: Outcome) -> None:
    """The run has failed and lost nothing. The form is mended afterwards."""
    assert failed.code != 0
    said = f"client {before['client_id']} stays, for what was to go on with it"
    assert said in failed.output
    assert at.client(form) == before
    del form.request()["adopt"]
    form.save()


@together
def test_a_move_whose_create_fails_removes_nothing(at: Anew) -> Script:
    """The engine goes on after a failure, with removals too: they would be all that is left of the
    move."""
    form = at.form("fails")
    yield at.up
    before = at.client(form)
    move_in_vain(at, form)
    failed = yield at.up
    stays(at, form, before, failed)
    yield at.up
    yield from is_whole(at, form, before)
    assert at.mails_about(before["client_id"]) == 1


@together
def test_a_move_that_ended_early_is_undone(at: Anew) -> Script:
    """The state has both resources, the authority the mark of the one that goes: the one that stays
    goes on with the client."""
    form = at.form("ended-early")
    yield at.up
    before = at.client(form)
    for urn in at.urns(form):
        at.project.succeed("state", "protect", "--yes", urn)
    at.ways[form.key] = BELOW
    failed = yield at.up
    assert failed.code != 0, "what is protected is not removed"
    del at.ways[form.key]
    outcome = yield at.up
    assert f"client {before['client_id']} is left where it is" in outcome.output
    assert at.client(form) == before
    yield at.looking_up
    yield from is_whole(at, form, before)


@together
def test_a_form_that_adopts_what_it_was_formerly_loses_nothing(at: Anew) -> Script:
    """The takeover is refused, and the client stays that it names, until the form says
    ``formerly``."""
    form = at.form("adopts")
    yield at.up
    before, name = at.client(form), form.application
    form.document["application"] = f"{name}-anders"
    form.request()["adopt"] = {"acmidm": before["client_id"]}
    form.save()
    failed = yield at.up
    assert failed.code != 0
    assert at.registry.clients(form.application) == []
    assert at.registry.client(name)["client_id"] == before["client_id"]
    del form.request()["adopt"]
    form.document["formerly"] = [name]
    form.save()
    yield at.up
    yield from is_whole(at, form, {**before, "software_id": f"acmidm/tni/{form.key}"})


@together
def test_a_client_that_is_deleted_before_it_is_replaced_is_a_new_one(at: Anew) -> Script:
    """That is what was asked for: another client-ID, which its organisation is mailed, with all
    scopes, keys and products."""
    form = at.form("deleted-first")
    yield at.up
    before = at.client(form)
    at.ways[form.key] = DELETED_FIRST
    at.replaced.append(at.urns(form)[0])
    yield at.up
    after = at.client(form)
    assert after["client_id"] != before["client_id"]
    assert {**after, "client_id": None} == {**before, "client_id": None}
    yield at.up
    yield from is_whole(at, form, after)
    assert [at.mails_about(client["client_id"]) for client in (before, after)] == [1, 1]


def empty_marks(at: Anew, client_id: str) -> None:
    at.registry.change(client_id, **NOBODYS)
    configuration = at.registry.configuration("dosis", client_id)
    assert configuration is not None
    at.registry.set_configuration("dosis", client_id, configuration, **NOBODYS)


@together
def test_emptied_marks_come_back(at: Anew) -> Script:
    """None is no other identity: the client is repaired where it is, and keeps its client-ID and
    its products."""
    form = at.form("emptied")
    for _ in range(3):
        yield at.up
    before = at.client(form)
    empty_marks(at, before["client_id"])
    assert differing((yield at.drift), form) == ["by_hand"]
    yield at.looking_up
    yield from is_whole(at, form, before)


@together
def test_what_bears_nobodys_mark_is_never_deleted(at: Anew) -> Script:
    """Not even by the state that made it: somebody took the marks away, and a refresh has seen
    that. The run says what it leaves."""
    form = at.form("nobodys")
    for _ in range(3):
        yield at.up
    client_id = at.client(form)["client_id"]
    at.registry.change(client_id, **NOBODYS)
    form.path.unlink()
    outcome = yield at.looking_up
    assert f"client {client_id} is left where it is" in outcome.output
    assert at.registry.client(form.application)["client_id"] == client_id


@together
def test_a_state_of_before_and_after(at: Anew) -> Script:
    """A backup of the state is restored once its client was taken over by another resource: it is
    still its client."""
    form = at.form("backup")
    yield at.up
    before, backup = at.client(form), json.loads(at.project.exported())
    at.replaced += at.urns(form)
    yield at.up
    yield at.up
    urns = at.urns(form)
    earlier = {one["urn"]: one for one in backup["deployment"]["resources"] if one["urn"] in urns}

    def restore(deployment: dict[str, Any]) -> None:
        now = deployment["resources"]
        deployment["resources"] = [earlier.get(one["urn"], one) for one in now]

    at.project.change_state(restore)
    found = yield at.drift
    assert differing(found, form) == ["by_hand"], "another resource's mark is a difference"
    yield at.looking_up
    yield from is_whole(at, form, before)


@pytest.mark.exhaustive
@together
def test_a_copied_state_takes_nothing_over(at: Anew) -> Script:
    """A second stack whose state is a copy is refused, as long as the first one's has the client;
    once that stack is gone it is a move."""
    form = at.form("copied")
    yield at.up
    yield at.settled
    before, project = at.client(form), at.project
    copied = project.exported().replace("urn:pulumi:tni::", "urn:pulumi:copy::")
    file = project.folder / "copied.json"
    file.write_text(copied)
    settings = (project.folder / "Pulumi.tni.yaml").read_text()
    (project.folder / "Pulumi.copy.yaml").write_text(settings)
    project.succeed("stack", "init", "copy", *(("--secrets-provider", PROVIDER) if quick() else ()))
    project.succeed("stack", "import", "--stack", "copy", "--file", str(file))
    refused = yield at.up_of_the_copy
    assert refused.code != 0
    assert "stack acmidm/tni has client " in refused.output
    assert at.client(form) == before

    project.succeed("stack", "rm", "--yes", "--force", "--preserve-config", "--stack", "tni")
    moved = yield at.up_of_the_copy
    assert moved.code == 0, moved.output
    assert at.client(form) == {**before, "managed_by": "acmidm/copy"}
