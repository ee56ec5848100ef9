"""What is declared, recorded and real: found and explained by drift, shown by reviews and lists,
repaired by ``drift --heal``.

The cases share a stack. Each waits for the same runs: up, up, heal, up; rare ones refresh first.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from joserfc.jwk import ECKey
from pulumi.runtime import rpc

from acmidm_onboarding.values.marks import MARKS
from tests.support.client_secrets import has_access, rotate_by_hand, secret_of
from tests.support.command_line import CommandLine
from tests.support.engine import ROOT, Project
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.key_ends import DAY, TEN_DAYS, ends
from tests.support.named_forms import changes_of, write
from tests.support.people import add_user, set_right
from tests.support.portal import (
    OPERATOR,
    RunningPortal,
    client_document,
    new_key,
    public_jwk,
    register_client,
)
from tests.support.registry import Registry, kids
from tests.support.remark import declare_remarks, remarks
from tests.support.reported import NOWHERE, Reported
from tests.support.together import Script, about, change_list, own, together

SECRET: dict[str, Any] = {"keys": (), "token_endpoint_auth_method": "client_secret_basic"}


class Views(Reported):
    phases = ("refresh", "up", "heal")


@pytest.fixture(scope="module")
def at(
    portal: RunningPortal,
    registry: Registry,
    random_plugin: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Views:
    return Views.connected(tmp_path_factory, portal, registry)


@together
def test_what_was_changed_by_hand_is_found_explained_and_repaired(at: Reported) -> Script:
    """Each change, with who made it, however often it is looked at; the history has both the hand
    and the repair."""
    form = write(at.project, "changed", scopes=(SEND, DOSSIERS), keys=("a", "b"))
    yield at.up
    client_id = at.client(form)["client_id"]
    yield at.up
    at.registry.set_scopes(client_id, [SEND, PLAIN])
    marked = new_key(MARKS[0])  # which the engine takes for a secret, as the key of a map
    at.registry.set_keys(client_id, [form.keys["a"], new_key("slipped-in"), marked])
    at.registry.change(
        client_id, enabled=False, contacts=["somebody@else.example"], client_name=rpc.UNKNOWN
    )
    at.registry.set_configuration(
        "notificaties", client_id, {**NOTIFICATIES, "merk_code": "another"}
    )
    at.registry.remove_configuration("dosis", client_id)
    state = at.project.exported()
    found = yield at.drift
    assert at.project.exported() == state, "drift writes nothing"
    by_hand = {
        ("scope_granted", PLAIN),
        ("scope_withdrawn", DOSSIERS),
        ("key_added", "slipped-in"),
        ("key_added", f"mark of the engine {MARKS[0][:8]}"),
        ("key_removed", "b"),
        ("client_disabled", None),
        ("client_updated", None),
        ("product_changed", "notificaties"),
        ("product_removed", "dosis"),
    }
    assert changes_of(found, form, "by_hand") == by_hand
    changes = change_list(found, form, "by_hand")
    assert {change["changed_by"] for change in changes} == {OPERATOR}
    assert all(
        datetime.now(UTC) - datetime.fromisoformat(change["changed_at"]) < timedelta(minutes=10)
        for change in changes
    )

    healed = yield at.heal
    assert changes_of(healed, form, "by_hand") == set()
    assert changes_of(healed, form, "repaired") == by_hand
    client = at.client(form)
    assert (client["client_id"], kids(client), client["enabled"]) == (client_id, {"a", "b"}, True)
    assert set(client["scopes"]) & {SEND, PLAIN, DOSSIERS} == {SEND, DOSSIERS}
    assert at.registry.configuration("dosis", client_id) == DOSIS

    words = ("history", form.application, "--stack", "tni")
    trail = at.acmidm.json(*words, "--since", "2020-01-01")
    assert trail["clients"] == 1
    said = [
        (change["kind"], change.get("subject"))
        for entry in trail["entries"]
        for change in entry["changes"]
    ]
    assert trail["entries"][-1]["changes"][0]["kind"] == "client_created", "the newest is first"
    for kind, undone, subject in (
        ("key_added", "key_removed", "slipped-in"),
        ("scope_granted", "scope_withdrawn", PLAIN),
    ):
        assert said.index((undone, subject)) < said.index((kind, subject))
    assert ("product_removed", "dosis") in said
    assert {entry["actor"] for entry in trail["entries"]} == {OPERATOR}
    assert f"UTC  {OPERATOR}  " in at.acmidm.run(*words).stdout
    yield at.up
    assert own((yield at.settled), form) == {}


@together
def test_a_client_that_somebody_removed_comes_back(at: Reported) -> Script:
    """With all that it had, and another client-ID; the history has one that no state has. A client
    that is nobody's is listed, and stays."""
    form = write(at.project, "removed")
    yield at.up
    gone = at.client(form)["client_id"]
    yield at.up
    at.registry.remove(gone)
    nobodys = client_document(client_name="Nobody's", managed_by=None)
    made = at.registry.http.post("/management/v1/clients", json=nobodys).json()["client_id"]
    found = yield at.drift
    assert changes_of(found, form, "by_hand") == {("client_removed", None)}
    undeclared = {client["client_id"] for client in found["undeclared"]}
    assert made in undeclared
    ours = {one["id"] for place, one in at.project.resources().items() if "OAuthClient" in place}
    assert ours
    assert not undeclared & ours
    healed = yield at.heal
    assert changes_of(healed, form, "repaired") == {("client_removed", None)}
    back = at.client(form)
    assert back["client_id"] != gone
    assert set(kids(back)) == {"key-1"}
    assert at.registry.configuration("notificaties", back["client_id"]) == NOTIFICATIES
    trail = at.acmidm.json("history", gone, "--stack", "tni")
    assert "client_removed" in {
        change["kind"] for entry in trail["entries"] for change in entry["changes"]
    }
    at.registry.remove(made)
    yield at.up
    assert own((yield at.settled), form) == {}


@together
def test_nobody_is_accused_of_what_was_refused(at: Reported) -> Script:
    """A takeover of what is not there, and a product that another configured: both wait, and the
    list has neither. No other command fails on them, then or later."""
    taken = write(at.project, "taken")
    yield at.up
    client_id = at.client(taken)["client_id"]
    adopting = write(at.project, "adopting")
    adopting.request()["adopt"] = {"acmidm": "no-such-client"}
    adopting.save()
    at.registry.set_configuration("dosis", client_id, {**DOSIS, "bron_uri": "urn://een/ander"})
    taken.request()["scopes"][DOSSIERS] = {}
    taken.request()["products"]["dosis"] = dict(DOSIS)
    taken.save()
    reviewed = yield at.review
    assert [problem.partition(": ")[0] for problem in reviewed["problems"]] == ["gent/adopting"]
    refused = yield at.up
    assert refused.code != 0
    found = yield at.drift
    assert found["problems"] == []
    for form, kind in ((adopting, "client_adopted"), (taken, "product_configured")):
        assert changes_of(found, form, "by_hand") == set()
        assert kind in {waits for waits, _ in changes_of(found, form, "not_applied")}
    assert at.listed(adopting) is None
    there = at.listed(taken)
    assert there is not None
    assert there["products"] == ["notificaties"]

    del adopting.request()["adopt"]
    adopting.save()
    del taken.request()["scopes"][DOSSIERS], taken.request()["products"]["dosis"]
    taken.save()
    at.registry.remove_configuration("dosis", client_id)
    healed = yield at.heal
    assert ("client_created", None) in changes_of(healed, adopting, "not_applied")
    yield at.up
    assert own((yield at.settled), adopting, taken) == {}


@together
def test_where_a_hand_and_a_form_meet_nothing_is_repaired(at: Reported) -> Script:
    """In one resource of a client, which the repair names; another resource of it is repaired."""
    form = write(at.project, "both", keys=("a",))
    yield at.up
    client_id = at.client(form)["client_id"]
    at.registry.set_scopes(client_id, [SEND, PLAIN])
    form.request()["scopes"][DOSSIERS] = {}
    form.request()["products"]["dosis"] = dict(DOSIS)
    form.save()
    yield at.up
    found = yield at.drift
    meet = {("scope_granted", PLAIN)}
    assert changes_of(found, form, "by_hand") == meet
    assert ("scope_granted", DOSSIERS) in changes_of(found, form, "not_applied")
    there = at.listed(form)
    assert there is not None
    assert there["scopes"] == [SEND], "what was refused is not there"

    at.registry.set_keys(client_id, [form.keys["a"], new_key("slipped-in")])
    healed = yield at.heal
    assert healed["healed"] is False
    assert changes_of(healed, form, "by_hand") == meet
    assert changes_of(healed, form, "repaired") == {("key_added", "slipped-in")}
    assert ("scope_granted", DOSSIERS) in changes_of(healed, form, "not_applied")
    assert healed["problems"] == [
        f"{form.key}: ClientScopes was changed by hand and has changes that wait, so"
        " that --heal leaves it; bring the stack up, or change the form"
    ]
    client = at.client(form)
    assert (set(kids(client)), set(client["scopes"]) & {SEND, PLAIN, DOSSIERS}) == (
        {"a"},
        {SEND, PLAIN},
    )
    at.registry.set_scopes(client_id, [SEND])
    yield at.up
    assert own((yield at.settled), form) == {}


@together
def test_the_repair_leaves_alone_what_waits(at: Reported) -> Script:
    """A scope, an exemption and a rename of forms; an ``up`` has them."""
    waiting, renamed = write(at.project, "waiting"), write(at.project, "renamed")
    waiting.add_key("key-2")
    ends(waiting, "key-2", TEN_DAYS)
    waiting.save()
    yield at.up
    yield at.up
    waiting.request()["scopes"][PLAIN] = {}
    exemption = {"reason": "a package of 2019", "reference": "SD-4810"}
    waiting.document["exemptions"] = {"key-lifetime": exemption}
    waiting.save()
    renamed.document["formerly"] = renamed.application
    renamed.document["application"] += "-anders"
    renamed.save()
    found = yield at.drift
    waits = changes_of(found, waiting, "not_applied")
    assert waits >= {("scope_granted", PLAIN), ("exemption_granted", "key-lifetime")}
    assert ("client_renamed", None) in changes_of(found, renamed, "not_applied")
    healed = yield at.heal
    assert changes_of(healed, waiting, "not_applied") == waits
    assert ("client_renamed", None) in changes_of(healed, renamed, "not_applied")
    assert PLAIN not in at.client(waiting)["scopes"]
    done = yield at.up
    assert done.code == 0, done.output
    assert own((yield at.settled), waiting, renamed) == {}


@together
def test_keys_that_end_are_listed_and_an_uploaded_one_is_its_organisations(at: Reported) -> Script:
    """Where all is in sync too, where they count with ``--strict``; neither a repair nor a run
    removes one. A list without the portal says what it does not know."""
    declared, uploads = write(at.project, "ending"), write(at.project, "uploads", keys=())
    declared.add_key("key-2")
    ends(declared, "key-2", TEN_DAYS)
    declared.save()
    yield at.up
    client_id = at.client(uploads)["client_id"]
    uploaded = {**public_jwk(new_key("uploaded")), "exp": int(time.time()) + 40 * DAY}
    at.registry.set_keys(client_id, [ECKey.import_key(uploaded)])
    assert at.listed(declared, "--expiring", "20") is not None
    assert at.listed(uploads, "--expiring", "20") is None
    there = at.listed(uploads)
    assert there is not None
    assert [(key["kid"], key["days_left"]) for key in there["keys"]] == [("uploaded", 39)]
    yield at.up
    at.registry.set_scopes(client_id, [SEND, PLAIN])
    found = yield at.drift
    assert changes_of(found, uploads, "by_hand") == {("scope_granted", PLAIN)}
    healed = yield at.heal
    assert changes_of(healed, uploads, "repaired") == {("scope_granted", PLAIN)}
    yield at.up
    report = yield at.strict_drift
    assert report["in_sync"], report
    assert report["undeclared"] == [], "so that keys alone are what counts"
    assert re.fullmatch(
        r"tni is in sync: all \d+ clients are as declared; \d+ keys end soon", report["headline"]
    )
    assert [
        (key["kid"], key["days_left"])
        for key in report["expiring"]
        if key["application"] in (declared.application, uploads.application)
    ] == [("key-2", 9), ("uploaded", 39)]
    assert own((yield at.settled), declared, uploads) == {}
    assert set(kids(at.client(uploads))) == {"uploaded"}

    with at.without_the_portal():
        outcome = at.acmidm.run("status", "Stad", uploads.application, "--stack", "tni")
    assert outcome.code == 0, outcome.output
    lines = outcome.stdout.splitlines()
    assert lines[0] == f'1 connection on tni with "Stad {uploads.application}"'
    assert "  keys      unknown: in the portal, which cannot be reached" in lines


@together
def test_a_secret_rotated_by_hand(at: Reported) -> Script:
    """Whoever knows the new one is let in: it is a danger, with who did it, and ``--heal`` puts the
    declared one back."""
    form = write(at.project, "rotated", **SECRET)
    yield at.up
    secret, client_id = secret_of(at.project, form), at.client(form)["client_id"]
    yield at.up
    rotated = rotate(at, client_id)
    found = yield at.drift
    (change,) = change_list(found, form, "by_hand")
    assert (change["kind"], change["severity"], change["changed_by"]) == (
        "secret_renewed",
        "danger",
        OPERATOR,
    )
    assert changes_of(found, form, "not_applied") == set()
    assert found["headline"].startswith("By hand on tni: ")
    healed = yield at.heal
    assert changes_of(healed, form, "repaired") == {("secret_renewed", None)}
    assert let_in(at, client_id, secret, rotated) == [True, False]
    yield at.up
    assert own((yield at.settled), form) == {}


@pytest.mark.exhaustive
@together
def test_a_secret_rotated_by_hand_that_a_refresh_has_seen(at: Reported) -> Script:
    """It is what waits for an ``up``, and a review says so too."""
    form = write(at.project, "rotated-before", **SECRET)
    yield at.up
    secret, client_id = secret_of(at.project, form), at.client(form)["client_id"]
    rotated = rotate(at, client_id)
    yield at.refresh
    restored = {("secret_restored", None)}
    found = yield at.drift
    assert changes_of(found, form, "not_applied") == restored
    assert changes_of(found, form, "by_hand") == set()
    assert changes_of((yield at.review_of_a_plan), form) == restored, (
        "a second look does not settle it"
    )
    assert own(at.planned(), form) == {f"OAuthClient {form.key}": ("update", ["client_secret"])}
    assert secret not in at.project.exported()
    yield at.up
    assert let_in(at, client_id, secret, rotated) == [True, False]


def rotate(at: Reported, client_id: str) -> str:
    """Somebody gives a client another secret."""
    rotated = rotate_by_hand(at.registry, client_id)
    at.project.secrets.append(rotated)
    return rotated


def let_in(at: Reported, client_id: str, *secrets: str) -> list[bool]:
    return [has_access(at.portal, client_id, one) for one in secrets]


@pytest.mark.exhaustive
@together
def test_a_secret_that_is_made_anew(at: Reported) -> Script:
    """A review shows it by its danger, among the rest and where nothing else changes."""
    alone, among = write(at.project, "anew-alone", **SECRET), write(at.project, "anew", **SECRET)
    yield at.up
    yield at.refresh
    among.document["contacts"] = ["nieuw@stad-gent.example"]
    among.save()
    for report in ((yield at.review_of_a_plan), at.review_of_changes_alone()):
        assert [change["kind"] for change in change_list(report, alone)] == ["secret_renewed"]
        assert [change["kind"] for change in change_list(report, among)] == [
            "secret_renewed",
            "client_updated",
        ]


@pytest.mark.exhaustive
@together
def test_a_type_in_no_report(at: Reported) -> Script:
    """A review shows what changes in it; there is no drift in it, whoever removes its client; it
    goes with its client."""
    form, other = write(at.project, "remarked"), write(at.project, "leaves")
    yield at.up
    yield at.refresh
    declare_remarks(at.project, {form.key: "one", other.key: "one"})
    report = yield at.review_of_a_plan
    for one in (form, other):
        assert changes_of(report, one) == {("other_changed", "Remark")}
    yield at.up
    assert remarks(at.project.resources()).keys() == {form.key, other.key}
    found = yield at.drift
    for part in ("by_hand", "not_applied"):
        assert [changes_of(found, one, part) for one in (form, other)] == [set(), set()]

    declare_remarks(at.project, {form.key: "one", other.key: "two"})
    at.registry.remove(at.client(form)["client_id"])
    report = yield at.review
    assert changes_of(report, form) == set()
    (change,) = change_list(report, other)
    assert change["text"] == "changes its Remark: text one → two"
    found = yield at.drift
    assert changes_of(found, form, "by_hand") == {("client_removed", None)}
    yield at.heal
    (remark,) = (one for key, one in remarks(at.project.resources()).items() if key == form.key)
    assert remark["inputs"]["client_id"] == at.client(form)["client_id"]

    other.path.unlink()
    report = yield at.review_without_the_portal
    assert changes_of(report, other) == {("client_removed", None)}
    yield at.up
    assert remarks(at.project.resources()).keys() == {form.key}
    assert own((yield at.settled), form) == {}


@pytest.mark.exhaustive
@together
def test_a_review_compares_what_the_authority_has_too(at: Reported) -> Script:
    """What a client that is taken over has already is no news; what it loses is, and each key that
    goes from the portal. Where the portal cannot be reached, that they go."""
    declares = write(at.project, "taken-back", keys=())
    yield at.up
    yield at.refresh
    yield at.up
    at.registry.set_keys(at.client(declares)["client_id"], [new_key("uploaded")])
    declares.add_key("key-1")
    declares.save()
    with at.portal.operator() as operator:
        client = register_client(
            operator, scopes=[SEND, PLAIN], keys=[new_key("old")], software_id=None, managed_by=None
        )
    taken_over = write(at.project, "taken-over", platforms=["acmidm"])
    taken_over.request()["adopt"] = {"acmidm": client["client_id"]}
    taken_over.save()
    report = yield at.review
    declared = {("keys_declared", None), ("key_added", "key-1")}
    of_portal = {("key_removed", "uploaded"), ("keys_replaced", None)}
    assert changes_of(report, declares) == declared | of_portal
    assert changes_of(report, taken_over) == {
        ("client_adopted", client["client_id"]),
        ("client_updated", None),
        ("scope_withdrawn", PLAIN),
        ("key_added", "key-1"),
        ("key_removed", "old"),
        ("keys_replaced", None),
        ("product_configured", "notificaties"),
    }
    for form in (declares, taken_over):
        gone = [one for one in change_list(report, form) if one["kind"] == "key_removed"]
        assert all(change["thumbprint"] for change in gone)
    taken_over.path.unlink()
    at.registry.remove(client["client_id"])
    yield at.heal
    assert changes_of((yield at.review_without_the_portal), declares) == declared


@together
def test_a_review_says_whom_to_ask_for_the_right_to_upload(at: Reported) -> Script:
    """For a client that is new, where nobody of its organisation has the right."""
    database = at.portal.settings.database
    ovo = {
        "nobody": "OVO019996",
        "without": "OVO019997",
        "with": "OVO019998",
        "no more": "OVO019999",
    }

    def write_of(name: str, application: str = "wacht") -> FormFile:
        organisation = {"name": f"Stad {name}", "ovo": ovo[name]}
        folder = name.replace(" ", "-")
        return write_form(
            at.forms, f"{folder}/{application}", keys=(), scopes=(PLAIN,), organisation=organisation
        )

    there = write_of("nobody", "er-al")
    yield at.up
    add_user(database, "zonder", [ovo["without"]], api_beheerder=False)
    add_user(database, "met", [ovo["with"]], api_beheerder=True)
    add_user(database, "niet-meer", [ovo["no more"]], api_beheerder=True)
    set_right(database, "niet-meer", api_beheerder=False)
    forms = {name: write_of(name) for name in ovo}
    yield at.review
    warned = [
        line.partition(" Lokale Beheerder")[0]
        for line in at.warned.splitlines()
        if line.startswith("warning: Stad ")
    ]
    assert sorted(warned) == [
        f"warning: Stad {name} has nobody with the right API-beheerder on tni (acmidm), who could"
        f" upload the key of {forms[name].application} in the Beheerportaal; ask its"
        for name in ("no more", "nobody", "without")
    ]
    assert about(there, warned) == [], "it is no new client any more"


@together
def test_a_program_that_declares_its_connections_in_python(at: Reported) -> Script:
    """Without a folder of forms what is recorded is compared with what is real, and the report says
    what it cannot know."""
    form = write(at.project, "in-python")
    yield at.up
    yield at.up
    yield at.heal
    yield at.up
    yield at.settled
    at.registry.set_scopes(at.client(form)["client_id"], [SEND, PLAIN])
    elsewhere = at.project.folder / "elsewhere"
    shutil.move(at.forms, elsewhere)
    report = at.acmidm.json("drift", "--stack", "tni", code=1)
    shutil.move(elsewhere, at.forms)
    assert changes_of(report, form, "by_hand") == {("scope_granted", PLAIN)}
    assert report["not_applied"] == []
    assert "changes that wait need pulumi preview" in report["notes"][0]


@together
def test_on_a_terminal_it_says_what_it_waits_for(at: Reported) -> Script:
    """And takes that away again: on standard output there is the report alone."""
    form = write(at.project, "in-terminal")
    yield at.up
    at.registry.set_scopes(at.client(form)["client_id"], [SEND, PLAIN])
    terminal, side = os.openpty()
    shown = bytearray()
    with subprocess.Popen(
        ["acmidm", "drift", "--stack", "tni"],
        cwd=at.project.folder,
        env={**at.project.variables(), "TERM": "xterm"},
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
    assert running.returncode == 1
    assert report.splitlines()[0] == at.acmidm.json("drift", "--stack", "tni", code=1)["headline"]
    looked = at.acmidm.run("history", "\udcff\x1b[31m", "--stack", "tni")
    nobody = r'nobody knows "\udcff\x1b[31m": '
    assert (looked.code, looked.stderr.startswith(nobody)) == (2, True), ascii(looked)


@together
def test_a_word_that_nobody_knows_has_no_history(at: Reported) -> Script:
    """The path of a form is none that a state, a form or a trail has; a form that waits is known,
    though it has no client yet."""
    waiting = write(at.project, "waits-for-a-run")
    file = f"onboardings/gent/{waiting.application}.yaml"
    for words in ([file], ["gent", "unheard-of"]):
        looked = at.acmidm.run("history", *words, "--stack", "tni")
        sentence = (
            f'nobody knows "{" ".join(words)}": it is in no form and no state of tni, and in no'
            " audit trail that this operator is shown (on Keycloak: view-events); give words of a"
            " connection, such as its key or application, or a client-ID\n"
        )
        assert (looked.code, looked.stderr) == (2, sentence)
    assert at.acmidm.run("history", waiting.application, "--stack", "tni").code == 0
    yield at.up


def test_what_keeps_it_from_looking(project: Project) -> None:
    """Mistakes in settings and in what all forms share are wrong use (2), an authority that does
    not answer is 3: neither looks like drift.

    That is reported before the engine runs, which is not on PATH here, and however patient the
    settings are.
    """
    acmidm, catalogue = CommandLine(project), project.folder / "wrong"
    write(project, "loket")
    catalogue.mkdir()
    (catalogue / "dosis.yaml").write_text("product: dosis\n")
    right = yaml.safe_load((project.folder / "Pulumi.tni.yaml").read_text())["config"]
    project.configure({"catalogueFolder": "wrong"})
    project.environment["PATH"] = str(ROOT / ".venv" / "bin")
    for stack, mistake in {
        "nowhere": 'there is no stack "nowhere" here; use tni',
        "tni": "wrong/dosis.yaml:1:1: ",
    }.items():
        outcome = acmidm.run("drift", "--stack", stack)
        assert (outcome.code, mistake in outcome.stderr) == (2, True), outcome.output
    project.configure(
        {"catalogueFolder": right["acmidm:catalogueFolder"], "retryDeadlineSeconds": "3600"}
    )
    for setting, url in {
        "productsUrl": "http://127.0.0.1:9/products/v1",
        "managementUrl": NOWHERE,
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
