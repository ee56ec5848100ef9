"""Drift made by hand on a real portal: found, explained, repaired."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from pulumi.runtime import rpc

from acmidm_onboarding.model.marks import MARKS
from tests.engine.test_secrets import has_access, rotate_by_hand, secret_of
from tests.report.conftest import CommandLine, changes_in, write
from tests.report.test_sources import TEN_DAYS, ends
from tests.support.engine import ROOT, Project, details, settings_of
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND
from tests.support.offered import offered
from tests.support.portal import OPERATOR, RunningPortal, client_document, new_key, public_jwk, running_portal
from tests.support.registry import Registry, kids


def test_drift_by_hand_is_found_explained_and_repaired(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """Each kind of drift, who did it, and the repair, which leaves alone what a form asks and nobody applied yet."""
    changed = write(project, "changed", scopes=(SEND, DOSSIERS), keys=("a", "b"))
    removed = write(project, "removed")
    waiting = write(project, "waiting")
    waiting.add_key("key-2")
    ends(waiting, "key-2", TEN_DAYS)
    waiting.save()
    project.apply()
    quiet = acmidm.json("drift", "--stack", "tni", "--days", "30")
    assert (quiet["in_sync"], quiet["headline"]) == (True, "tni is in sync: all 3 clients are as declared; 1 key ends soon")
    assert [(key["kid"], key["days_left"]) for key in quiet["expiring"]] == [("key-2", 9)]
    assert acmidm.run("drift", "--stack", "tni", "--days", "5").code == 0
    assert acmidm.run("drift", "--stack", "tni", "--strict").code == 1

    client_id, slipped_in = registry.client(changed.application)["client_id"], new_key("slipped-in")
    marked = new_key(MARKS[0])  # which the engine takes for a secret, as the key of a map
    before = datetime.now(UTC).replace(microsecond=0)
    registry.set_scopes(client_id, [SEND, PLAIN])
    registry.set_keys(client_id, [changed.keys["a"], slipped_in, marked])
    registry.change(client_id, enabled=False, contacts=["somebody@else.example"], client_name=rpc.UNKNOWN)
    registry.set_configuration("notificaties", client_id, {**NOTIFICATIES, "merk_code": "another"})
    registry.remove_configuration("dosis", client_id)
    old_id = registry.client(removed.application)["client_id"]
    registry.remove(old_id)
    by_hand = registry.http.post("/management/v1/clients", json=client_document(client_name="Nobody's", managed_by=None)).json()
    waiting.request()["scopes"][PLAIN] = {}
    waiting.document["exemptions"] = {"key-lifetime": {"reason": "a package of 2019", "reference": "SD-4810"}}
    waiting.save()
    wanted = {("waiting", "scope_granted", PLAIN), ("waiting", "exemption_granted", "key-lifetime")}

    state = project.exported()
    report = acmidm.json("drift", "--stack", "tni", code=1)
    assert project.exported() == state, "drift writes nothing"
    assert changes_in(report, "by_hand") == {
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
    }
    assert changes_in(report, "not_applied") == wanted
    changes = [change for one in report["by_hand"] for change in one["changes"]]
    assert {change["changed_by"] for change in changes} == {OPERATOR}
    assert all(datetime.fromisoformat(change["changed_at"]) >= before for change in changes)
    undeclared = {client["client_id"] for client in report["undeclared"]}
    assert by_hand["client_id"] in undeclared
    assert client_id not in undeclared

    healed = acmidm.json("drift", "--stack", "tni", "--heal", code=1)
    assert (healed["healed"], healed["by_hand"], len(healed["repaired"])) == (True, [], 2)
    assert changes_in(healed, "not_applied") == wanted, "it repairs exactly what drifted"
    assert PLAIN not in registry.client(waiting.application)["scopes"]
    client = registry.client(changed.application)
    assert (client["client_id"], kids(client), client["enabled"]) == (client_id, {"a", "b"}, True)
    assert {SEND, DOSSIERS} <= set(client["scopes"])
    assert PLAIN not in client["scopes"]
    assert registry.configuration("dosis", client_id) == DOSIS
    again = registry.client(removed.application)
    assert again["client_id"] != old_id
    assert set(kids(again)) == {"key-1"}
    assert registry.configuration("notificaties", again["client_id"]) == NOTIFICATIES
    project.apply()
    assert acmidm.run("drift", "--stack", "tni").code == 0

    trail = acmidm.json("history", "changed", "--stack", "tni")
    assert trail["clients"] == 1
    said = [(change["kind"], change.get("subject")) for entry in trail["entries"] for change in entry["changes"]]
    assert trail["entries"][-1]["changes"][0]["kind"] == "client_created", "the newest is first"
    for kind, other in ("key_added", "key_removed"), ("scope_granted", "scope_withdrawn"):
        subject = "slipped-in" if kind == "key_added" else PLAIN
        assert said.index((other, subject)) < said.index((kind, subject)), "done by hand, and undone by the repair"
    assert ("product_removed", "dosis") in said
    assert {entry["actor"] for entry in trail["entries"]} == {OPERATOR}
    gone = acmidm.json("history", old_id, "--stack", "tni")
    assert "client_removed" in {change["kind"] for entry in gone["entries"] for change in entry["changes"]}, "of a client that no state has"
    shown = acmidm.run("history", "changed", "--stack", "tni", "--output", "markdown").stdout
    assert f"| `{OPERATOR}` |" in shown
    later = acmidm.json("history", "changed", "--stack", "tni", "--since", "2020-01-01")
    assert later["entries"] == trail["entries"]


@pytest.mark.usefixtures("random_plugin")
def test_a_secret_rotated_by_hand_is_drift(project: Project, acmidm: CommandLine, portal: RunningPortal, registry: Registry) -> None:
    """Whoever knows the new one is let in: it is a danger, with who did it, and --heal puts the declared one back.

    Written to the state by a refresh, it is what waits for an ``up``, and a review says so too.
    """
    form = write(project, "loket", keys=(), token_endpoint_auth_method="client_secret_basic")
    project.apply()
    secret, client_id = secret_of(project, form), registry.client(form.application)["client_id"]
    project.secrets.append(rotate_by_hand(registry, client_id))

    report = acmidm.json("drift", "--stack", "tni", code=1)
    assert (changes_in(report, "by_hand"), report["not_applied"]) == ({("loket", "secret_renewed", None)}, [])
    (change,) = report["by_hand"][0]["changes"]
    assert (change["severity"], change["changed_by"]) == ("danger", OPERATOR)
    assert report["headline"] == "By hand on tni: 1 client gets a new secret"
    healed = acmidm.json("drift", "--stack", "tni", "--heal")
    assert (healed["healed"], changes_in(healed, "repaired")) == (True, changes_in(report, "by_hand"))
    assert has_access(portal, client_id, secret)

    rotated = rotate_by_hand(registry, client_id)
    project.secrets.append(rotated)
    assert details(project.steps("--refresh")) == {f"OAuthClient {form.key}": ("update", ["client_secret"])}
    for _ in range(2):
        project.succeed("refresh", "--yes")
    restored = {("loket", "secret_restored", None)}
    assert changes_in(acmidm.json("drift", "--stack", "tni", code=1), "not_applied") == restored
    assert changes_in(acmidm.json("review", "--stack", "tni")) == restored
    assert details(project.steps()) == {f"OAuthClient {form.key}": ("update", ["client_secret"])}, "a second look does not settle it"
    assert secret not in project.exported()
    project.apply()
    assert (has_access(portal, client_id, secret), has_access(portal, client_id, rotated)) == (True, False)
    project.in_sync()


@pytest.mark.usefixtures("random_plugin")
def test_a_secret_that_is_made_anew_is_shown_among_the_rest_by_its_danger(project: Project, acmidm: CommandLine) -> None:
    """And where nothing else changes too."""
    form = write(project, "loket", keys=(), token_endpoint_auth_method="client_secret_basic")
    project.apply()
    (urn,) = re.findall(r"urn:\S+RandomPassword::[^\"\s]+", project.exported())[:1]
    plan = project.folder / "plan.json"
    plan.write_text(project.succeed("preview", "--json", "--replace", urn).stdout)
    assert changes_in(acmidm.json("review", "--plan", "plan.json")) == {("loket", "secret_renewed", None)}

    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    plan.write_text(project.succeed("preview", "--json", "--replace", urn).stdout)
    (connection,) = acmidm.json("review", "--plan", "plan.json")["connections"]
    assert [change["kind"] for change in connection["changes"]] == ["secret_renewed", "client_updated"]


def test_where_a_hand_and_a_form_meet_the_repair_leaves_it(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """And names it; what is in another resource of the same client is repaired, and nothing that waits is applied.

    A rename that waits keeps nothing else from being repaired.
    """
    form, renamed = write(project, "loket", keys=("a",)), write(project, "renamed")
    project.apply()
    renamed.document["formerly"] = renamed.application
    renamed.document["application"] += "-anders"
    renamed.save()
    client_id = registry.client(form.application)["client_id"]
    registry.set_scopes(client_id, [SEND, PLAIN])
    registry.set_keys(client_id, [form.keys["a"], new_key("slipped-in")])
    form.request()["scopes"][DOSSIERS] = {}
    form.request()["products"]["dosis"] = dict(DOSIS)
    form.save()
    healed = acmidm.json("drift", "--stack", "tni", "--heal", code=1)
    assert (healed["healed"], changes_in(healed, "by_hand")) == (False, {("loket", "scope_granted", PLAIN)})
    assert changes_in(healed, "repaired") == {("loket", "key_added", "slipped-in")}
    assert changes_in(healed, "not_applied") == {
        ("loket", "scope_granted", DOSSIERS),
        ("loket", "product_configured", "dosis"),
        ("renamed-anders", "client_renamed", None),
        ("renamed-anders", "client_updated", None),
    }
    assert healed["problems"] == [
        f"{form.key}: ClientScopes was changed by hand and has changes that wait, so that --heal leaves it; "
        "bring the stack up, or change the form"
    ]
    client = registry.client(form.application)
    assert (set(kids(client)), set(client["scopes"]) & {SEND, PLAIN, DOSSIERS}) == ({"a"}, {SEND, PLAIN})


def test_nobody_is_accused_of_what_was_refused_or_removed(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """A client that cannot be taken over, a product that somebody configured first, a protected client whose form went."""
    project.configure({"protectClients": "true"})
    write(project, "stays")
    removed, meets = write(project, "removed"), write(project, "meets")
    project.apply()
    adopting = write(project, "adopting")
    adopting.request()["adopt"] = {"acmidm": "no-such-client"}
    adopting.save()
    registry.set_configuration("dosis", registry.client(meets.application)["client_id"], {**DOSIS, "bron_uri": "urn://een/ander"})
    meets.request()["scopes"][DOSSIERS] = {}
    meets.request()["products"]["dosis"] = dict(DOSIS)
    meets.save()
    removed.path.unlink()
    assert project.up().code != 0
    report = acmidm.json("drift", "--stack", "tni", code=1)
    assert report["by_hand"] == []
    assert {(name, kind) for name, kind, _ in changes_in(report, "not_applied")} >= {
        ("adopting", "client_adopted"),
        ("meets", "product_configured"),
        ("removed", "client_removed"),
    }
    assert [problem.partition(": its client is protected: put its form back")[0] for problem in report["problems"]] == [removed.key]
    shown = {one["application"]: one["products"] for one in acmidm.json("status", "--stack", "tni")["connections"]}
    assert adopting.application not in shown
    assert shown[meets.application] == ["notificaties"]


def test_keys_in_the_portal_stay_there(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """The guide's step 5: an uploaded key is no drift, is not removed by a repair, and is listed with its end."""
    form = write(project, "uploads", keys=())
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    uploaded = {**public_jwk(new_key("uploaded")), "exp": int(time.time()) + TEN_DAYS}
    registry.set_keys(client_id, [ECKey.import_key(uploaded)])
    report = acmidm.json("drift", "--stack", "tni", "--heal")
    assert report["in_sync"]
    assert [(key["kid"], key["days_left"]) for key in report["expiring"]] == [("uploaded", 9)]
    registry.set_scopes(client_id, [SEND, PLAIN])
    assert acmidm.json("drift", "--stack", "tni", "--heal")["healed"] is True
    project.apply()
    project.in_sync()
    assert set(kids(registry.client(form.application))) == {"uploaded"}


def test_a_program_that_declares_its_connections_in_python(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """Without a folder of forms what is recorded is compared with what is real, and the report says what it cannot know."""
    form = write(project, "loket")
    project.apply()
    shutil.move(project.forms, project.folder / "elsewhere")
    report = acmidm.json("drift", "--stack", "tni")
    assert (report["headline"], report["in_sync"]) == ("tni is in sync: its 1 client is as declared", True)
    assert "changes that wait need pulumi preview" in report["notes"][0]
    registry.set_scopes(registry.client(form.application)["client_id"], [SEND, PLAIN])
    assert changes_in(acmidm.json("drift", "--stack", "tni", code=1), "by_hand") == {("loket", "scope_granted", PLAIN)}


def test_products_are_read_only_where_clients_have_them(project: Project, acmidm: CommandLine, tmp_path: Path) -> None:
    """GeoSecure offers what the catalogue has for it alone."""
    offered_there = {**offered(), "scopes": {"NotificatiesImport": {}}, "products": {}}
    with running_portal(tmp_path / "geosecure", platform="geosecure", **offered_there) as geosecure:
        key = tmp_path / "geosecure.jwk.json"
        key.write_text(json.dumps(geosecure.operator_key.as_dict(private=True)))
        project.configure({**settings_of(geosecure, prefix="geosecure"), "geosecureOperatorPrivateKeyFile": str(key)})
        write(project, "loket")
        write(project, "both", platforms=["acmidm", "geosecure"], scopes=(), products={})
        project.apply()
        assert acmidm.run("drift", "--stack", "tni").code == 0
    settings = project.folder / "Pulumi.tni.yaml"
    settings.write_text("".join(line for line in settings.read_text().splitlines(keepends=True) if "geosecure" not in line))
    outcome = acmidm.run("drift", "--stack", "tni")
    assert (outcome.code, outcome.stderr.startswith('platform "geosecure" has no authority in this stack; set acmidm:')) == (2, True)


def test_what_keeps_it_from_looking(project: Project, acmidm: CommandLine) -> None:
    """Mistakes in forms and settings are wrong use (2), an authority that does not answer is 3: neither looks like drift."""
    form = write(project, "loket")
    project.configure({"retryDeadlineSeconds": "1"})
    project.apply()
    assert acmidm.run("drift", "--stack", "nowhere").code == 2
    form.document["contacts"] = []
    form.save()
    assert acmidm.run("drift", "--stack", "tni").code == 2
    form.document["contacts"] = ["api@stad.example"]
    form.save()
    project.configure({"managementUrl": "http://127.0.0.1:9/management/v1"})
    outcome = acmidm.run("drift", "--stack", "tni")
    assert outcome.code == 3, outcome.output
    assert "stack tni could not be compared" in outcome.stderr
    assert "http://127.0.0.1:9" in outcome.stderr


@pytest.mark.parametrize("deployed", [True, False])
def test_an_authority_that_is_down_is_reported_before_the_engine_runs(project: Project, acmidm: CommandLine, deployed: bool) -> None:
    """However patient the settings are, and whether or not the stack was ever deployed. Without an engine on PATH, it cannot have been."""
    write(project, "loket")
    if deployed:
        project.apply()
    project.configure({"retryDeadlineSeconds": "3600"})
    project.environment["PATH"] = str(ROOT / ".venv" / "bin")
    project.configure({"productsUrl": "http://127.0.0.1:9/products/v1"})
    assert "GET http://127.0.0.1:9/products/v1/" in refused(acmidm)
    project.configure({"managementUrl": "http://127.0.0.1:9/management/v1"})
    assert "GET http://127.0.0.1:9/management/v1/" in refused(acmidm)


def refused(acmidm: CommandLine) -> str:
    """What it says where a server refuses the connection."""
    outcome = acmidm.run("drift", "--stack", "tni")
    assert (outcome.code, outcome.stdout) == (3, ""), outcome.output
    assert "the server cannot be reached (connection refused)" in outcome.stderr
    assert outcome.stderr.splitlines()[-1] == "stack tni could not be compared: not all of its authorities can be reached"
    return outcome.stderr


def test_on_a_terminal_it_says_what_it_waits_for(project: Project) -> None:
    """And takes that away again: on standard output there is the report alone."""
    write(project, "loket")
    project.apply()
    terminal, side = os.openpty()
    shown = bytearray()
    with subprocess.Popen(
        ["acmidm", "drift", "--stack", "tni"],
        cwd=project.folder,
        env={**project.variables(), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=side,
        text=True,
    ) as running:
        os.close(side)
        with suppress(OSError):  # what reading a terminal ends with once nobody writes there any more
            while read := os.read(terminal, 4096):
                shown += read
        assert running.stdout is not None
        report = running.stdout.read()
    os.close(terminal)
    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    for sentence in ("reaching acmidm at http://127.0.0.1:", "comparing tni with what its authorities have", "finding who changed it"):
        assert sentence in said
    assert report.splitlines()[0] == "tni is in sync: its 1 client is as declared"
