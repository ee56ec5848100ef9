"""Drift made by hand on a real portal: found, explained, repaired."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from tests.engine.test_secrets import has_access, rotate_by_hand, secret_of
from tests.report.conftest import CommandLine, told
from tests.report.test_agreement import TEN_DAYS, ends
from tests.support.engine import ROOT, Project
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, write_form
from tests.support.portal import OPERATOR, RunningPortal, client_document, new_key
from tests.support.registry import Registry, kids


def test_drift_by_hand_is_found_explained_and_repaired(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """Each kind of drift, who did it, and the repair, which leaves alone what a form asks and nobody applied yet."""
    changed = write_form(project.forms, "gent/changed", scopes=(SEND, DOSSIERS), keys=("a", "b"))
    removed = write_form(project.forms, "gent/removed")
    waiting = write_form(project.forms, "gent/waiting")
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
    before = datetime.now(UTC).replace(microsecond=0)
    registry.set_scopes(client_id, [SEND, PLAIN])
    registry.set_keys(client_id, [changed.keys["a"], slipped_in])
    registry.change(client_id, enabled=False, contacts=["somebody@else.example"])
    registry.set_configuration("notificaties", client_id, {**NOTIFICATIES, "merk_code": "another"})
    registry.remove_configuration("dosis", client_id)
    old_id = registry.client(removed.application)["client_id"]
    registry.remove(old_id)
    by_hand = registry.http.post("/management/v1/clients", json=client_document(client_name="Nobody's", managed_by=None)).json()
    waiting.request()["scopes"][PLAIN] = {}
    waiting.document["exemptions"] = {"key-lifetime": {"reason": "a package of 2019", "reference": "SD-4810"}}
    waiting.save()
    asked = {("gent/waiting", "scope_granted", PLAIN), ("gent/waiting", "exemption_granted", "key-lifetime")}

    state = project.exported()
    report = acmidm.json("drift", "--stack", "tni", code=1)
    assert project.exported() == state, "drift writes nothing"
    assert told(report, "by_hand") == {
        ("gent/removed", "client_removed", None),
        ("gent/changed", "scope_granted", PLAIN),
        ("gent/changed", "scope_withdrawn", DOSSIERS),
        ("gent/changed", "key_added", "slipped-in"),
        ("gent/changed", "key_removed", "b"),
        ("gent/changed", "client_disabled", None),
        ("gent/changed", "client_updated", None),
        ("gent/changed", "product_changed", "notificaties"),
        ("gent/changed", "product_removed", "dosis"),
    }
    assert told(report, "not_applied") == asked
    changes = [change for one in report["by_hand"] for change in one["changes"]]
    assert {change["changed_by"] for change in changes} == {OPERATOR}
    assert all(datetime.fromisoformat(change["changed_at"]) >= before for change in changes)
    assert by_hand["client_id"] in {client["client_id"] for client in report["unmanaged"]}
    assert client_id not in {client["client_id"] for client in report["unmanaged"]}

    healed = acmidm.json("drift", "--stack", "tni", "--heal", code=1)
    assert (healed["healed"], healed["by_hand"], len(healed["repaired"])) == (True, [], 2)
    assert told(healed, "not_applied") == asked, "it repairs exactly what drifted"
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


@pytest.mark.usefixtures("random_plugin")
def test_a_secret_rotated_by_hand_is_drift(project: Project, acmidm: CommandLine, portal: RunningPortal, registry: Registry) -> None:
    """Whoever knows the new one is let in: it is told as danger, with who did it, and --heal puts the declared one back.

    Written to the state by a refresh, it is what waits for an ``up``, and a review says so too.
    """
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    project.apply()
    secret, client_id = secret_of(project), registry.client(form.application)["client_id"]
    project.secrets.append(rotate_by_hand(registry, client_id))

    report = acmidm.json("drift", "--stack", "tni", code=1)
    assert (told(report, "by_hand"), report["not_applied"]) == ({("gent/loket", "secret_renewed", None)}, [])
    (change,) = report["by_hand"][0]["changes"]
    assert (change["severity"], change["changed_by"]) == ("danger", OPERATOR)
    assert report["headline"] == "By hand on tni: 1 client gets a new secret"
    healed = acmidm.json("drift", "--stack", "tni", "--heal")
    assert (healed["healed"], told(healed, "repaired")) == (True, told(report, "by_hand"))
    assert has_access(portal, client_id, secret)

    project.secrets.append(rotate_by_hand(registry, client_id))
    project.succeed("refresh", "--yes")
    restored = {("gent/loket", "secret_restored", None)}
    assert told(acmidm.json("drift", "--stack", "tni", code=1), "not_applied") == restored
    assert told(acmidm.json("review", "--stack", "tni")) == restored


@pytest.mark.usefixtures("random_plugin")
def test_a_secret_that_is_made_anew_is_told_among_the_rest_by_its_danger(project: Project, acmidm: CommandLine) -> None:
    """And where nothing else changes too."""
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    project.apply()
    (urn,) = re.findall(r"urn:\S+RandomPassword::[^\"\s]+", project.exported())[:1]
    plan = project.folder / "plan.json"
    plan.write_text(project.succeed("preview", "--json", "--replace", urn).stdout)
    assert told(acmidm.json("review", "--plan", "plan.json")) == {("gent/loket", "secret_renewed", None)}

    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    plan.write_text(project.succeed("preview", "--json", "--replace", urn).stdout)
    (connection,) = acmidm.json("review", "--plan", "plan.json")["connections"]
    assert [change["kind"] for change in connection["changes"]] == ["secret_renewed", "client_updated"]


def test_what_keeps_it_from_looking(project: Project, acmidm: CommandLine) -> None:
    """Mistakes in forms and settings are wrong use (2), an authority that does not answer is 3: neither looks like drift."""
    form = write_form(project.forms)
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
def test_an_authority_that_is_down_is_told_of_before_the_engine_is_asked(project: Project, acmidm: CommandLine, deployed: bool) -> None:
    """However patient the settings are, and whether or not the stack was ever deployed. Without an engine on PATH, it cannot have been."""
    write_form(project.forms)
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
    assert outcome.stderr.splitlines()[-1] == "stack tni could not be compared: its authorities were not all asked"
    return outcome.stderr


def test_on_a_terminal_it_says_what_it_waits_for(project: Project) -> None:
    """And takes that away again: on standard output there is the report alone."""
    write_form(project.forms)
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
    told = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    for sentence in ("reaching acmidm at http://127.0.0.1:", "comparing tni with what its authorities have", "asking who changed it"):
        assert sentence in told
    assert report.splitlines()[0] == "tni is in sync: its 1 client is as declared"
