"""What Pulumi's users type replaces resources, and a create takes its own client over: then the
delete that follows must not kill it.

Each way in which Pulumi makes a resource anew, on the real engine with a real mail server: the
client, its client-ID, its keys and its products are there afterwards, in the state and at the
authority, and nobody is mailed what was mailed before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import ROOT, Outcome, Project, kind_of, place_of
from tests.support.forms import DOSSIERS, SEND, FormFile, write_form
from tests.support.handing_over import mailing
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry
from tests.support.vault import PROVIDER, quick

BELOW_A_COMPONENT = """
class Towns(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("towns:index:Towns", "towns")

options = {"opts": pulumi.ResourceOptions(parent=Towns())}
"""
WITH_OPTIONS = """
def of_clients(args):
    if args.type_.endswith("acmidm:OAuthClient"):
        return pulumi.ResourceTransformationResult(args.props,
            pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(%s)))

pulumi.runtime.register_stack_transformation(of_clients)
options = {}
"""
ANOTHER_TYPE = """
from acmidm_onboarding.resources.oauth_client import OAuthClient
OAuthClient._resource_type_name = "dynamic/acmidm:Client"
options = {}
"""


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[RunningPortal]:
    """One of its own: what other tests leave at theirs would be left behind by this stack, whose
    name is the same."""
    with running_portal(tmp_path / "portal", receives_mail=True, **offered()) as running:
        yield running


@pytest.fixture
def registry(portal: RunningPortal) -> Iterator[Registry]:
    with portal.operator() as http:
        yield Registry(http)


@pytest.fixture
def mails(project: Project) -> Iterator[MailServer]:
    with running_mail_server() as server:
        mailing(project, server)
        yield server


def with_program(project: Project, more: str) -> None:
    """Give the program what its users may add to it."""
    program = (ROOT / "__main__.py").read_text()
    program = program.replace("settings = read_settings()", f"{more}\nsettings = read_settings()")
    plain = "Onboarding(key, args)"
    assert plain in program
    (project.folder / "__main__.py").write_text(
        program.replace(plain, "Onboarding(key, args, **options)")
    )


def there(registry: Registry, forms: list[FormFile]) -> dict[str, Any]:
    """What people have of their connections: client-ID, scopes, keys and products."""
    found = registry.everything(*(form.application for form in forms))
    shown = ("client_id", "software_id", "managed_by", "scopes", "jwks", "products")
    return {
        application: [{name: client[name] for name in shown} for client in clients]
        for application, clients in found.items()
    }


def urn_of(project: Project, place: str) -> str:
    resources = json.loads(project.exported())["deployment"]["resources"]
    (urn,) = [one["urn"] for one in resources if place_of(one["urn"]) == place]
    return str(urn)


def is_whole(
    project: Project, registry: Registry, forms: list[FormFile], before: dict[str, Any]
) -> None:
    assert there(registry, forms) == before
    project.in_sync()
    drift = project.acmidm("drift", "--stack", "tni")
    assert drift.code == 0, drift.output
    resources = json.loads(project.exported())["deployment"]["resources"]
    recorded = {
        one["outputs"]["client_id"]
        for one in resources
        if kind_of(one["urn"]) in ("OAuthClient", "Client")
    }
    assert recorded == {clients[0]["client_id"] for clients in before.values()}


def test_what_is_typed_loses_no_client(
    project: Project, registry: Registry, mails: MailServer
) -> None:
    """``--replace`` of a client and of a product, ``state taint``, ``state rename`` and ``state
    delete``: each then an ``up``."""
    forms = [
        write_form(project.forms, f"gent/{name}", scopes=(SEND, DOSSIERS))
        for name in ("replaced", "tainted", "renamed", "deleted")
    ]
    replaced, tainted, renamed, deleted = forms
    project.apply()
    before = there(registry, forms)

    project.succeed("state", "taint", "--yes", urn_of(project, f"OAuthClient {tainted.key}"))
    for place in (f"OAuthClient {renamed.key}", f"ProductConfiguration {renamed.key}/dosis"):
        project.succeed("state", "rename", "--yes", urn_of(project, place), "elders")
    project.succeed(
        "state",
        "delete",
        "--yes",
        "--target-dependents",
        urn_of(project, f"OAuthClient {deleted.key}"),
    )
    places = (f"OAuthClient {replaced.key}", f"ProductConfiguration {replaced.key}/dosis")
    outcome = project.apply(
        *(word for place in places for word in ("--replace", urn_of(project, place)))
    )
    client_id = before[replaced.application][0]["client_id"]
    assert f"client {client_id} is left where it is" in outcome.output
    is_whole(project, registry, forms, before)
    assert len(mails.received) == 1, "that of all four"

    for form in forms:
        form.remove()
    project.apply()
    assert there(registry, forms) == {form.application: [] for form in forms}


@pytest.mark.parametrize(
    "more",
    [BELOW_A_COMPONENT, WITH_OPTIONS % 'replace_on_changes=["contacts"]', ANOTHER_TYPE],
    ids=["parent", "on", "type"],
)
def test_what_a_program_is_changed_to_loses_no_client(
    project: Project, registry: Registry, mails: MailServer, more: str
) -> None:
    """It puts ``Onboarding`` below a component of its own, replaces clients with their contacts,
    gives them another type; and back."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    project.apply()
    before = there(registry, [form])
    with_program(project, more)
    form.document["contacts"] = ["iemand@stad-gent.example"]
    form.save()
    project.apply()
    assert there(registry, [form]) == before
    with_program(project, "options = {}")
    project.apply()
    is_whole(project, registry, [form], before)
    assert len(mails.received) == 1


@pytest.mark.parametrize(
    "command",
    [Project.up, pytest.param(Project.recover, marks=pytest.mark.exhaustive)],
    ids=["up", "deploy"],
)
def test_a_move_whose_create_fails_removes_nothing(
    project: Project, registry: Registry, mails: MailServer, command: Callable[[Project], Outcome]
) -> None:
    """The engine goes on after a failure, with removals too: they would be all that is left of the
    move."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    project.apply()
    before = there(registry, [form])
    with_program(project, BELOW_A_COMPONENT)
    form.request()["adopt"] = {"acmidm": "00000000-0000-4000-8000-000000000000"}
    form.save()
    failed = command(project)
    assert failed.code != 0
    assert (
        f"client {before[form.application][0]['client_id']} stays, for what was to go on with it"
        in failed.output
    )
    assert there(registry, [form]) == before
    del form.request()["adopt"]
    form.save()
    assert command(project).code == 0
    is_whole(project, registry, [form], before)
    assert len(mails.received) == 1


def test_a_move_that_ended_early_is_undone(project: Project, registry: Registry) -> None:
    """The state has both resources, the authority the mark of the one that goes: the one that stays
    goes on with the client."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    project.apply()
    before = there(registry, [form])
    for place in (f"OAuthClient {form.key}", f"ProductConfiguration {form.key}/dosis"):
        project.succeed("state", "protect", "--yes", urn_of(project, place))
    with_program(project, BELOW_A_COMPONENT)
    assert project.up().code != 0, "what is protected is not removed"
    with_program(project, "options = {}")
    outcome = project.apply()
    assert (
        f"client {before[form.application][0]['client_id']} is left where it is" in outcome.output
    )
    assert there(registry, [form]) == before
    project.apply("--refresh")
    is_whole(project, registry, [form], before)
    form.remove()
    project.apply()
    assert there(registry, [form]) == {form.application: []}


def test_a_form_that_adopts_what_it_was_formerly_loses_nothing(
    project: Project, registry: Registry
) -> None:
    """The takeover is refused, and the client stays that it names, until the form says
    ``formerly``."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    project.apply()
    before = there(registry, [form])[form.application]
    name, client_id = form.application, before[0]["client_id"]
    form.document["application"] = f"{name}-anders"
    form.request()["adopt"] = {"acmidm": client_id}
    form.save()
    assert project.up().code != 0
    assert there(registry, [form]) == {form.application: []}
    assert registry.client(name)["client_id"] == client_id
    del form.request()["adopt"]
    form.document["formerly"] = [name]
    form.save()
    project.apply()
    (after,) = there(registry, [form])[form.application]
    assert after == {**before[0], "software_id": after["software_id"]}
    project.in_sync()


def test_a_client_that_is_deleted_before_it_is_replaced_is_a_new_one(
    project: Project, registry: Registry, mails: MailServer
) -> None:
    """That is what was asked for: another client-ID, which its organisation is mailed, with all
    scopes, keys and products."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    project.apply()
    (before,) = there(registry, [form])[form.application]
    with_program(project, WITH_OPTIONS % "delete_before_replace=True")
    project.apply("--replace", urn_of(project, f"OAuthClient {form.key}"))
    (after,) = there(registry, [form])[form.application]
    assert after.pop("client_id") != before.pop("client_id")
    assert after == before
    project.in_sync()
    assert len(mails.received) == 2


def test_emptied_marks_come_back(project: Project, registry: Registry) -> None:
    """None is no other identity: the client is repaired where it is, and keeps its client-ID and
    its products."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    project.apply()
    before = there(registry, [form])
    client_id = before[form.application][0]["client_id"]
    registry.change(client_id, software_id=None, managed_by=None)
    configuration = registry.configuration("dosis", client_id)
    assert configuration is not None
    registry.set_configuration("dosis", client_id, configuration, software_id=None, managed_by=None)
    healed = project.acmidm("drift", "--stack", "tni", "--heal")
    assert healed.code == 0, healed.output
    is_whole(project, registry, [form], before)


def test_what_bears_nobodys_mark_is_never_deleted(project: Project, registry: Registry) -> None:
    """Not even by the state that made it: somebody took the marks away, and a refresh has seen
    that. The run says what it leaves."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    registry.change(client_id, software_id=None, managed_by=None)
    project.succeed("refresh", "--yes", "--skip-preview")
    form.remove()
    outcome = project.apply()
    assert f"client {client_id} is left where it is" in outcome.output
    assert registry.client(form.application)["client_id"] == client_id


def test_a_state_of_before_and_after(project: Project, registry: Registry) -> None:
    """A backup of the state is restored once its client was taken over by another resource: it is
    still its client, and goes with it."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    project.apply()
    before, backup = there(registry, [form]), project.exported()
    project.apply(
        "--replace",
        urn_of(project, f"OAuthClient {form.key}"),
        "--replace",
        urn_of(project, f"ProductConfiguration {form.key}/dosis"),
    )
    file = project.folder / "backup.json"
    file.write_text(backup)
    project.succeed("stack", "import", "--file", str(file))
    assert project.acmidm("drift", "--stack", "tni").code == 1, (
        "another resource's mark is a difference"
    )
    project.apply("--refresh")
    is_whole(project, registry, [form], before)
    form.remove()
    project.apply()
    assert there(registry, [form]) == {form.application: []}


def test_a_copied_state_takes_nothing_over(project: Project, registry: Registry) -> None:
    """A second stack whose state is a copy is refused, as long as the first one's has the client;
    once that stack is gone it is a move."""
    form = write_form(project.forms, scopes=(SEND,))
    project.apply()
    before = there(registry, [form])
    copied = project.exported().replace("urn:pulumi:tni::", "urn:pulumi:copy::")
    file = project.folder / "copied.json"
    file.write_text(copied)
    (project.folder / "Pulumi.copy.yaml").write_text(
        (project.folder / "Pulumi.tni.yaml").read_text()
    )
    project.succeed("stack", "init", "copy", *(("--secrets-provider", PROVIDER) if quick() else ()))
    project.succeed("stack", "import", "--stack", "copy", "--file", str(file))
    refused = project.up("--stack", "copy")
    assert refused.code != 0
    assert (
        f"stack acmidm/tni has client {before[form.application][0]['client_id']}" in refused.output
    )
    assert there(registry, [form]) == before

    project.succeed("stack", "rm", "--yes", "--force", "--preserve-config", "--stack", "tni")
    project.apply("--stack", "copy")
    assert there(registry, [form])[form.application][0] == {
        **before[form.application][0],
        "managed_by": "acmidm/copy",
    }
