"""Drift made by hand on a real portal: found, explained, repaired. One stack has a connection for
each case."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey
from pulumi.runtime import rpc

from acmidm_onboarding.values.marks import MARKS
from tests.end_to_end.reports.conftest import write
from tests.support.client_secrets import has_access, rotate_by_hand, secret_of
from tests.support.command_line import CommandLine, changes_in
from tests.support.engine import ROOT, Project, details
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile
from tests.support.key_ends import DAY, TEN_DAYS, ends
from tests.support.portal import OPERATOR, RunningPortal, client_document, new_key, public_jwk
from tests.support.registry import Registry, kids

AS_BEFORE: dict[str, dict[str, Any]] = {
    "changed": {"scopes": (SEND, DOSSIERS), "keys": ("a", "b")},
    "removed": {},
    "waiting": {},
    "both": {"keys": ("a",)},
    "renamed": {},
    "uploads": {"keys": ()},
    "taken": {},
}
"""The connections, as they are first."""


@dataclass
class Story:
    """A stack on which much happens, and what was reported of it each time; the client-IDs are
    those of the beginning."""

    project: Project
    registry: Registry
    forms: dict[str, FormFile]
    ids: dict[str, str] = field(default_factory=dict)
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)

    def look(self, name: str, *words: str, code: int = 0) -> None:
        """Keep the report of a command under a name."""
        command, *options = words
        self.reports[name] = CommandLine(self.project).json(
            command, *options, "--stack", "tni", code=code
        )

    def client(self, name: str) -> dict[str, Any]:
        return self.registry.client(self.forms[name].application)

    def begin(self) -> None:
        """All is in sync, and two keys end, one of them in the portal."""
        self.forms["waiting"].add_key("key-2")
        ends(self.forms["waiting"], "key-2", TEN_DAYS)
        self.forms["waiting"].save()
        self.project.apply()
        self.ids = {name: self.client(name)["client_id"] for name in self.forms}
        uploaded = {**public_jwk(new_key("uploaded")), "exp": int(time.time()) + 40 * DAY}
        self.registry.set_keys(self.ids["uploads"], [ECKey.import_key(uploaded)])
        self.look("in sync", "drift", "--days", "50", "--strict", code=1)
        self.look("ending", "status", "--expiring", "20")

    def refuse(self) -> None:
        """A run fails: a client is not there, a product and scopes are another's. All but the
        scopes is put right then."""
        adopting = self.forms["adopting"] = write(self.project, "adopting")
        adopting.request()["adopt"] = {"acmidm": "no-such-client"}
        adopting.save()
        self.registry.set_configuration(
            "dosis", self.ids["taken"], {**DOSIS, "bron_uri": "urn://een/ander"}
        )
        self.registry.set_scopes(self.ids["both"], [SEND, PLAIN])
        for name in ("taken", "both"):
            self.forms[name].request()["scopes"][DOSSIERS] = {}
            self.forms[name].request()["products"]["dosis"] = dict(DOSIS)
            self.forms[name].save()
        assert self.project.up().code != 0
        self.look("refused", "drift", code=1)
        self.look("listed", "status")
        self.look("reviewed", "review", code=1)
        del (
            adopting.request()["adopt"],
            self.forms["taken"].request()["scopes"][DOSSIERS],
            self.forms["taken"].request()["products"]["dosis"],
        )
        self.registry.remove_configuration("dosis", self.ids["taken"])
        adopting.save()
        self.forms["taken"].save()

    def change(self) -> None:
        """By hand, and in forms."""
        registry, ids, changed = self.registry, self.ids, self.ids["changed"]
        registry.set_scopes(changed, [SEND, PLAIN])
        marked = new_key(MARKS[0])  # which the engine takes for a secret, as the key of a map
        registry.set_keys(changed, [self.forms["changed"].keys["a"], new_key("slipped-in"), marked])
        registry.change(
            changed, enabled=False, contacts=["somebody@else.example"], client_name=rpc.UNKNOWN
        )
        registry.set_configuration(
            "notificaties", changed, {**NOTIFICATIES, "merk_code": "another"}
        )
        registry.remove_configuration("dosis", changed)
        registry.remove(ids["removed"])
        registry.set_keys(ids["both"], [self.forms["both"].keys["a"], new_key("slipped-in")])
        registry.set_scopes(ids["uploads"], [SEND, PLAIN])
        nobodys = client_document(client_name="Nobody's", managed_by=None)
        ids["nobody's"] = registry.http.post("/management/v1/clients", json=nobodys).json()[
            "client_id"
        ]
        waiting, renamed = self.forms["waiting"], self.forms["renamed"]
        waiting.request()["scopes"][PLAIN] = {}
        waiting.document["exemptions"] = {
            "key-lifetime": {"reason": "a package of 2019", "reference": "SD-4810"}
        }
        renamed.document["formerly"] = renamed.application
        renamed.document["application"] += "-anders"
        waiting.save()
        renamed.save()
        self.look("corrected", "review")
        state = self.project.exported()
        self.look("found", "drift", code=1)
        assert self.project.exported() == state, "drift writes nothing"


@pytest.fixture(scope="module")
def story(
    portal: RunningPortal, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    project = Project(tmp_path_factory.mktemp("drift"))
    project.connect(portal)
    made = Story(
        project, registry, {name: write(project, name, **how) for name, how in AS_BEFORE.items()}
    )
    made.begin()
    made.refuse()
    made.change()
    return made


def test_in_sync(story: Story) -> None:
    """Keys that end are listed, those that are uploaded too, and count with --strict."""
    report = story.reports["in sync"]
    assert (report["in_sync"], report["headline"]) == (
        True,
        "tni is in sync: all 7 clients are as declared; 2 keys end soon",
    )
    assert [(key["kid"], key["days_left"]) for key in report["expiring"]] == [
        ("key-2", 9),
        ("uploaded", 39),
    ]


def test_nobody_is_accused_of_what_was_refused(story: Story) -> None:
    """Of all that is not as declared only the scope that somebody granted is by hand. No other
    command fails on it, then or later."""
    report = story.reports["refused"]
    assert changes_in(report, "by_hand") == {("both", "scope_granted", PLAIN)}
    assert {(name, kind) for name, kind, _ in changes_in(report, "not_applied")} >= {
        ("adopting", "client_adopted"),
        ("taken", "product_configured"),
        ("both", "scope_granted"),
    }
    assert report["problems"] == []
    assert [problem.partition(": ")[0] for problem in story.reports["reviewed"]["problems"]] == [
        "gent/adopting"
    ]
    assert ("adopting", "client_created", None) in changes_in(story.reports["corrected"])


def test_the_list_has_what_is_there(story: Story) -> None:
    """Neither a client, a product nor a scope that was refused; keys in the portal with their end.
    On request what ends soon alone."""
    listed = {one["application"]: one for one in story.reports["listed"]["connections"]}
    of = {name: listed.get(form.application) for name, form in story.forms.items()}
    assert of["adopting"] is None
    assert of["taken"] is not None
    assert of["taken"]["products"] == ["notificaties"]
    assert of["both"] is not None
    assert of["both"]["scopes"] == [SEND]
    assert of["uploads"] is not None
    assert [(key["kid"], key["days_left"]) for key in of["uploads"]["keys"]] == [("uploaded", 39)]
    assert [one["application"] for one in story.reports["ending"]["connections"]] == [
        story.forms["waiting"].application
    ]


BY_HAND = {
    ("removed", "client_removed", None),
    ("changed", "scope_granted", PLAIN),
    ("changed", "scope_withdrawn", DOSSIERS),
    ("changed", "key_added", "slipped-in"),
    ("changed", "key_added", f"mark of the engine {MARKS[0][:8]}"),
    ("changed", "key_removed", "b"),
    ("changed", "client_disabled", None),
    ("changed", "client_updated", None),
    ("changed", "product_changed", "notificaties"),
    ("changed", "product_removed", "dosis"),
    ("both", "key_added", "slipped-in"),
    ("uploads", "scope_granted", PLAIN),
}
LEFT = {("both", "scope_granted", PLAIN)}
"""By hand, in a resource of which the form changes something too."""


def test_what_was_changed_by_hand_is_found_and_explained(story: Story) -> None:
    """Each change, with who made it; an uploaded key is none."""
    report = story.reports["found"]
    assert changes_in(report, "by_hand") == BY_HAND | LEFT
    changes = [change for one in report["by_hand"] for change in one["changes"]]
    assert {change["changed_by"] for change in changes} == {OPERATOR}
    assert all(
        datetime.now(UTC) - datetime.fromisoformat(change["changed_at"]) < timedelta(minutes=10)
        for change in changes
    )
    undeclared = {client["client_id"] for client in report["undeclared"]}
    assert story.ids["nobody's"] in undeclared
    assert not undeclared & {story.ids[name] for name in story.forms if name in story.ids}


def test_the_repair_leaves_alone_what_waits(story: Story) -> None:
    """It repairs exactly what drifted, and names what it leaves: where a hand and a form meet in a
    resource; an ``up`` has the rest."""
    story.look("healed", "drift", "--heal", code=1)
    healed, waits = story.reports["healed"], changes_in(story.reports["found"], "not_applied")
    assert (healed["healed"], changes_in(healed, "by_hand"), changes_in(healed, "repaired")) == (
        False,
        LEFT,
        BY_HAND,
    )
    assert waits >= {
        ("waiting", "scope_granted", PLAIN),
        ("waiting", "exemption_granted", "key-lifetime"),
        ("both", "scope_granted", DOSSIERS),
        ("renamed-anders", "client_renamed", None),
        ("adopting", "client_created", None),
    }
    assert changes_in(healed, "not_applied") == waits
    assert healed["problems"] == [
        f"{story.forms['both'].key}: ClientScopes was changed by hand and has changes that wait, so"
        " that --heal leaves it; bring the stack up, or change the form"
    ]
    changed, both, again = (story.client(name) for name in ("changed", "both", "removed"))
    assert (changed["client_id"], kids(changed), changed["enabled"]) == (
        story.ids["changed"],
        {"a", "b"},
        True,
    )
    assert set(changed["scopes"]) & {SEND, PLAIN, DOSSIERS} == {SEND, DOSSIERS}
    assert story.registry.configuration("dosis", changed["client_id"]) == DOSIS
    assert again["client_id"] != story.ids["removed"]
    assert set(kids(again)) == {"key-1"}
    assert story.registry.configuration("notificaties", again["client_id"]) == NOTIFICATIES
    assert PLAIN not in story.client("waiting")["scopes"]
    assert (set(kids(both)), set(both["scopes"]) & {SEND, PLAIN, DOSSIERS}) == (
        {"a"},
        {SEND, PLAIN},
    )

    story.registry.set_scopes(story.ids["both"], [SEND])
    story.project.apply()
    story.project.in_sync()
    assert set(kids(story.client("uploads"))) == {"uploaded"}, (
        "it is its organisation's, and no run removes it"
    )


def test_who_did_what_is_in_the_history(story: Story) -> None:
    """Of a client with its name, and of one that no state has."""
    story.look("history", "history", "changed", "--since", "2020-01-01")
    trail = story.reports["history"]
    assert trail["clients"] == 1
    said = [
        (change["kind"], change.get("subject"))
        for entry in trail["entries"]
        for change in entry["changes"]
    ]
    assert trail["entries"][-1]["changes"][0]["kind"] == "client_created", "the newest is first"
    for kind, other, subject in (
        ("key_added", "key_removed", "slipped-in"),
        ("scope_granted", "scope_withdrawn", PLAIN),
    ):
        assert said.index((other, subject)) < said.index((kind, subject)), (
            "done by hand, and undone by the repair"
        )
    assert ("product_removed", "dosis") in said
    assert {entry["actor"] for entry in trail["entries"]} == {OPERATOR}
    story.look("gone", "history", story.ids["removed"])
    assert "client_removed" in {
        change["kind"] for entry in story.reports["gone"]["entries"] for change in entry["changes"]
    }
    shown = story.project.acmidm("history", "changed", "--stack", "tni").stdout
    assert f"UTC  {OPERATOR}  " in shown


def test_a_word_that_no_client_id_can_be_is_looked_for_at_no_authority(story: Story) -> None:
    looked = story.project.acmidm("history", "\udcff\x1b[31m", "--stack", "tni")
    assert (looked.code, looked.stdout.count(r'of 0 clients on tni with "\udcff\x1b[31m"')) == (
        0,
        1,
    ), ascii(looked)


def test_on_a_terminal_it_says_what_it_waits_for(story: Story) -> None:
    """And takes that away again: on standard output there is the report alone."""
    terminal, side = os.openpty()
    shown = bytearray()
    with subprocess.Popen(
        ["acmidm", "drift", "--stack", "tni"],
        cwd=story.project.folder,
        env={**story.project.variables(), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=side,
        text=True,
    ) as running:
        os.close(side)
        with suppress(OSError):
            # What reading a terminal ends with once nobody writes there any more.
            while read := os.read(terminal, 4096):
                shown += read
        assert running.stdout is not None
        report = running.stdout.read()
    os.close(terminal)
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    for sentence in (
        "reaching acmidm at http://127.0.0.1:",
        "comparing tni with what its authorities have",
        "finding who changed it",
    ):
        assert sentence in said
    assert (
        report.splitlines()[0] == "tni is in sync: all 8 clients are as declared; 1 key ends soon"
    )
    assert running.returncode == 0


def test_a_program_that_declares_its_connections_in_python(story: Story) -> None:
    """Without a folder of forms what is recorded is compared with what is real, and the report says
    what it cannot know."""
    shutil.move(story.project.forms, story.project.folder / "elsewhere")
    story.registry.set_scopes(story.ids["changed"], [SEND, DOSSIERS, PLAIN])
    story.look("without forms", "drift", code=1)
    report = story.reports["without forms"]
    assert (changes_in(report, "by_hand"), report["not_applied"]) == (
        {("changed", "scope_granted", PLAIN)},
        [],
    )
    assert "changes that wait need pulumi preview" in report["notes"][0]


def test_a_list_without_the_portal(story: Story) -> None:
    """Has what is recorded, and says what it does not know."""
    story.project.configure({"managementUrl": "http://127.0.0.1:9/management/v1"})
    outcome = story.project.acmidm(
        "status", "Stad", story.forms["uploads"].application, "--stack", "tni"
    )
    assert outcome.code == 0, outcome.output
    lines = outcome.stdout.splitlines()
    assert lines[0] == f'1 connection on tni with "Stad {story.forms["uploads"].application}"'
    assert "  keys     unknown: in the portal, which cannot be reached" in lines


@pytest.mark.usefixtures("random_plugin")
def test_a_secret_rotated_by_hand_is_drift(
    project: Project, acmidm: CommandLine, portal: RunningPortal, registry: Registry
) -> None:
    """Whoever knows the new one is let in: it is a danger, with who did it, and --heal puts the
    declared one back.

    Written to the state by a refresh, it is what waits for an ``up``, and a review says so too. One
    that is made anew is shown by its danger, among the rest and where nothing else changes.
    """
    registry.clear()
    form, anew = (
        write(project, name, keys=(), token_endpoint_auth_method="client_secret_basic")
        for name in ("loket", "anew")
    )
    project.apply()
    urns = set(re.findall(r"urn:[^\"\s]+RandomPassword::[^\"\s]+", project.exported()))
    as_it_was = anew.document["contacts"]
    anew.document["contacts"] = ["nieuw@stad-gent.example"]
    anew.save()
    plan = project.succeed(
        "preview", "--json", *(word for urn in urns for word in ("--replace", urn))
    ).stdout
    (project.folder / "plan.json").write_text(plan)
    connections = acmidm.json("review", "--plan", "plan.json")["connections"]
    assert {
        one["application"]: [change["kind"] for change in one["changes"]] for one in connections
    } == {
        form.application: ["secret_renewed"],
        anew.application: ["secret_renewed", "client_updated"],
    }
    anew.document["contacts"] = as_it_was
    anew.save()

    secret, client_id = secret_of(project, form), registry.client(form.application)["client_id"]
    project.secrets.append(rotate_by_hand(registry, client_id))
    report = acmidm.json("drift", "--stack", "tni", code=1)
    assert (changes_in(report, "by_hand"), report["not_applied"]) == (
        {("loket", "secret_renewed", None)},
        [],
    )
    (change,) = report["by_hand"][0]["changes"]
    assert (change["severity"], change["changed_by"]) == ("danger", OPERATOR)
    assert report["headline"] == "By hand on tni: 1 client gets a new secret"
    healed = acmidm.json("drift", "--stack", "tni", "--heal")
    assert (healed["healed"], changes_in(healed, "repaired")) == (
        True,
        changes_in(report, "by_hand"),
    )
    assert has_access(portal, client_id, secret)

    rotated = rotate_by_hand(registry, client_id)
    project.secrets.append(rotated)
    assert details(project.steps("--refresh")) == {
        f"OAuthClient {form.key}": ("update", ["client_secret"])
    }
    for _ in range(2):
        project.succeed("refresh", "--yes")
    restored = {("loket", "secret_restored", None)}
    assert changes_in(acmidm.json("drift", "--stack", "tni", code=1), "not_applied") == restored
    assert changes_in(acmidm.json("review", "--stack", "tni")) == restored, (
        "a second look does not settle it"
    )
    assert secret not in project.exported()
    project.apply()
    assert (has_access(portal, client_id, secret), has_access(portal, client_id, rotated)) == (
        True,
        False,
    )
    project.in_sync()


def test_what_keeps_it_from_looking(project: Project, acmidm: CommandLine) -> None:
    """Mistakes in forms and settings are wrong use (2), an authority that does not answer is 3:
    neither looks like drift.

    That is reported before the engine runs, which is not on PATH here, and however patient the
    settings are.
    """
    form = write(project, "loket", contacts=[])
    project.environment["PATH"] = str(ROOT / ".venv" / "bin")
    for stack, mistake in {
        "nowhere": "Pulumi.nowhere.yaml cannot be read: ",
        "tni": '"contacts" is empty',
    }.items():
        outcome = acmidm.run("drift", "--stack", stack)
        assert (outcome.code, mistake in outcome.stderr) == (2, True), outcome.output
    form.document["contacts"] = ["api@stad.example"]
    form.save()
    project.configure({"retryDeadlineSeconds": "3600"})
    for setting, url in {
        "productsUrl": "http://127.0.0.1:9/products/v1",
        "managementUrl": "http://127.0.0.1:9/management/v1",
    }.items():
        project.configure({setting: url})
        outcome = acmidm.run("drift", "--stack", "tni")
        assert (outcome.code, outcome.stdout) == (3, ""), outcome.output
        assert f"GET {url}/" in outcome.stderr
        assert "the server cannot be reached (connection refused)" in outcome.stderr
        assert (
            outcome.stderr.splitlines()[-1]
            == "stack tni could not be compared: not all of its authorities can be reached"
        )
