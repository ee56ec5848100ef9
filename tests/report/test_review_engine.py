"""The review of a real preview, and that of the forms alone: both say the same."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.report.conftest import CommandLine, told
from tests.support.engine import Project, settings_of
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.offered import offered
from tests.support.portal import RunningPortal, new_key, register_client, running_portal

TEN_DAYS = 10 * 86_400


def without_engine(report: dict[str, Any]) -> dict[str, Any]:
    """What is left when all that only the engine knows is taken away."""
    return {**report, "connections": [{name: value for name, value in one.items() if name != "client_id"} for one in report["connections"]]}


def write_forms(project: Project) -> dict[str, FormFile]:
    """A form for each kind of change, as they are before."""
    wanted: dict[str, dict[str, Any]] = {
        "removed": {},
        "replaced": {},
        "granted": {"scopes": (SEND,)},
        "withdrawn": {"scopes": (SEND, PLAIN)},
        "key-added": {},
        "key-removed": {"keys": ("a", "b", "c")},
        "one-key": {"keys": ("a", "b")},
        "no-key": {"keys": ("a",)},
        "key-changed": {"keys": ("a", "b")},
        "key-expiring": {},
        "configured": {"scopes": (SEND, DOSSIERS), "products": {"notificaties": NOTIFICATIES, "dosis": DOSIS}},
        "unconfigured": {"scopes": (PLAIN,), "products": {}},
        "described": {},
        "moved": {},
        "handed-over": {},
        "taken-back": {"keys": ()},
        "reason": {},
        "unchanged": {},
    }
    forms = {name: write_form(project.forms, f"gent/{name}", **how) for name, how in wanted.items()}
    forms["taken-back"].request()["keys_managed_in_portal"] = True
    forms["taken-back"].save()
    return forms


def change_forms(project: Project, forms: dict[str, FormFile]) -> None:
    """Makes each change, and a new form."""
    write_form(project.forms, "gent/created", scopes=(SEND, DOSSIERS))
    uploads = write_form(project.forms, "gent/uploads", scopes=(PLAIN,), keys=())
    uploads.request()["keys_managed_in_portal"] = True
    uploads.save()
    forms["removed"].path.unlink()
    forms["replaced"].document["application"] += "-anders"
    forms["granted"].request()["scopes"][DOSSIERS] = {"reason": "dossiers | in `Mijn Burgerprofiel`", "reference": "SD-4711"}
    forms["granted"].request()["products"]["dosis"] = dict(DOSIS)
    del forms["withdrawn"].request()["scopes"][PLAIN]
    forms["key-added"].add_key("key-2")
    forms["key-removed"].request()["jwks"].pop()
    forms["one-key"].request()["jwks"].pop()
    forms["no-key"].request()["jwks"].pop()
    forms["key-changed"].request()["jwks"].pop()
    forms["key-changed"].add_key("b")
    add_expiring_key(forms["key-expiring"])
    forms["configured"].request()["products"]["notificaties"]["merk_code"] = "gent"
    forms["configured"].request()["products"]["notificaties"]["product_ids"] = ["10244", "10245"]
    del forms["configured"].request()["products"]["dosis"]
    del forms["configured"].request()["scopes"][DOSSIERS]
    forms["unconfigured"].request()["scopes"][SEND] = {}
    forms["unconfigured"].request()["products"]["notificaties"] = dict(NOTIFICATIES)
    forms["described"].document["contacts"] = ["loket@stad-gent.example"]
    forms["moved"].rename("gent/moved-here")
    del forms["handed-over"].request()["jwks"]
    forms["handed-over"].request()["keys_managed_in_portal"] = True
    del forms["taken-back"].request()["keys_managed_in_portal"]
    forms["taken-back"].add_key("key-1")
    forms["reason"].request()["scopes"][SEND] = {"reason": "berichten"}
    for name, form in forms.items():
        if name != "removed":
            form.save()


def add_expiring_key(form: FormFile) -> None:
    """Replaces ``new_key`` for a key with an end."""
    key = new_key("key-2").as_dict(private=True)
    form.add_key("key-2")
    form.keys["key-2"] = ECKey.import_key(key)
    file = form.path.with_name(form.request()["jwks"][-1])
    public = {name: value for name, value in key.items() if name != "d"}
    file.write_text(json.dumps({**public, "exp": int(time.time()) + TEN_DAYS}))


def test_engine_and_forms_agree(project: Project, acmidm: CommandLine) -> None:
    """For every kind of change that forms can ask, the two sources make the same report, word for word."""
    forms = write_forms(project)
    acmidm.keep_in_git()
    project.apply()
    change_forms(project, forms)

    by_engine = acmidm.json("review", "--stack", "tni")
    by_forms = acmidm.json("review", "--base", "HEAD", "--environment", "tni")
    assert without_engine(by_engine) == without_engine(by_forms)
    assert by_engine["unchanged"] == {"tni": 1}
    assert {(form.removeprefix("gent/"), kind, subject) for form, kind, subject in told(by_engine)} == {
        ("created", "client_created", None),
        ("created", "scope_granted", SEND),
        ("created", "scope_granted", DOSSIERS),
        ("created", "key_added", "key-1"),
        ("created", "product_configured", "notificaties"),
        ("created", "product_configured", "dosis"),
        ("removed", "client_removed", None),
        ("replaced", "client_replaced", None),
        ("granted", "scope_granted", DOSSIERS),
        ("granted", "product_configured", "dosis"),
        ("withdrawn", "scope_withdrawn", PLAIN),
        ("key-added", "key_added", "key-2"),
        ("key-removed", "key_removed", "c"),
        ("one-key", "key_removed", "b"),
        ("one-key", "client_with_one_key", "a"),
        ("no-key", "key_removed", "a"),
        ("no-key", "client_without_key", None),
        ("key-changed", "key_changed", "b"),
        ("key-expiring", "key_added", "key-2"),
        ("key-expiring", "key_expiring", "key-2"),
        ("configured", "product_changed", "notificaties"),
        ("configured", "product_removed", "dosis"),
        ("configured", "scope_withdrawn", DOSSIERS),
        ("unconfigured", "scope_granted", SEND),
        ("unconfigured", "product_configured", "notificaties"),
        ("described", "client_updated", None),
        ("handed-over", "keys_handed_over", None),
        ("taken-back", "keys_declared", None),
        ("taken-back", "key_added", "key-1"),
        ("uploads", "client_created", None),
        ("uploads", "key_awaited", None),
        ("uploads", "scope_granted", PLAIN),
        ("moved-here", "client_moved", None),
        ("reason", "scope_note_changed", SEND),
    }
    granted = next(one for one in by_engine["connections"] if one["form"] == "gent/granted")
    assert granted["changes"][0]["note"] == "dossiers | in `Mijn Burgerprofiel` (SD-4711)"
    assert (granted["changes"][0]["owner"], granted["changes"][0]["verified"]) == ("Digitaal Vlaanderen", False)
    assert granted["stays"] == {"scopes": [SEND], "keys": ["key-1"], "products": ["notificaties"]}


def test_fail_on(project: Project, acmidm: CommandLine) -> None:
    """A pipeline stops on the kinds that it names, and on a name that means nothing it does not pass."""
    write_form(project.forms)
    assert acmidm.run("review", "--stack", "tni", "--fail-on", "client_removed,danger").code == 0
    assert acmidm.run("review", "--stack", "tni", "--fail-on", "prod:scope_granted").code == 0
    assert acmidm.run("review", "--stack", "tni", "--fail-on", "client_removed, scope_granted").code == 1
    wrong = acmidm.run("review", "--stack", "tni", "--fail-on", "scope_grant")
    assert (wrong.code, wrong.stderr) == (2, '--fail-on: "scope_grant" is no kind of change; did you mean "scope_granted"?\n')


def test_a_takeover_tells_what_it_changes(project: Project, acmidm: CommandLine, portal: RunningPortal) -> None:
    """What the client has already is no news; what it loses is."""
    with portal.operator() as operator:
        client = register_client(
            operator, scopes=[SEND, PLAIN], keys=[new_key("old")], application="by-hand", software_id=None, managed_by=None
        )
    form = write_form(project.forms, application="by-hand", platforms=["acmidm"])
    form.request()["adopt"] = {"acmidm": client["client_id"]}
    form.save()
    report = acmidm.json("review", "--stack", "tni")
    assert told(report) == {
        ("gent/loket", "client_adopted", client["client_id"]),
        ("gent/loket", "client_updated", None),
        ("gent/loket", "scope_withdrawn", PLAIN),
        ("gent/loket", "key_added", "key-1"),
        ("gent/loket", "key_removed", "old"),
        ("gent/loket", "product_configured", "notificaties"),
    }


def test_what_the_engine_refuses(project: Project, acmidm: CommandLine) -> None:
    """A protected client that would be removed: the review says so, and what it was about; the exit code is not that of a clean one."""
    project.configure({"protectClients": "true"})
    form = write_form(project.forms)
    project.apply()
    form.path.unlink()
    outcome = acmidm.run("review", "--stack", "tni", "--output", "markdown")
    assert outcome.code == 3
    assert outcome.stdout.splitlines()[0] == "### 1 client is removed on tni; the engine refuses this change"
    assert "> **refused** gent/loket: its client is protected" in outcome.stdout


def test_wrong_use(project: Project, acmidm: CommandLine) -> None:
    """Each ends with 2 and one sentence."""
    (project.folder / "plan.json").write_text("{}")
    for words, sentence in {
        (): "say what to review: either --stack, or --plan, or --base; such as: acmidm review --base origin/main",
        ("--stack", "nowhere"): "pulumi preview --json: no stack named 'nowhere' found",
        ("--plan", "plan.json"): "this is not the output of pulumi preview --json; make it with: pulumi preview --json > plan.json",
        ("--plan", "none.json"): "none.json cannot be read: No such file or directory; name the output of pulumi preview --json",
        ("--base", "nothing"): 'Git knows no revision "nothing" here; fetch it, or name another branch, tag or commit',
        ("--base", "HEAD", "--environment", "acc"): 'environment "acc" is not known; use tni or prod',
    }.items():
        outcome = acmidm.run("review", *words)
        assert (outcome.code, outcome.output) == (2, f"{sentence}\n")


@pytest.mark.usefixtures("random_plugin")
def test_they_agree_on_authentication_and_protection(project: Project, acmidm: CommandLine, tmp_path: Path) -> None:
    """A client that goes from a key to a secret, and one whose second platform is about to be left."""
    offered_there = {**offered(), "scopes": {"NotificatiesImport": {}}}
    offered_there["products"] = {"notificaties": {**offered_there["products"]["notificaties"], "scope": "NotificatiesImport"}}
    with running_portal(tmp_path / "geosecure", platform="geosecure", **offered_there) as geosecure:
        key = tmp_path / "geosecure.jwk.json"
        key.write_text(json.dumps(geosecure.operator_key.as_dict(private=True)))
        project.configure(
            {**settings_of(geosecure, prefix="geosecure"), "geosecureOperatorPrivateKeyFile": str(key), "protectClients": "true"}
        )
        weaker = write_form(project.forms, "gent/weaker")
        leaving = write_form(project.forms, "gent/leaving", platforms=["acmidm", "geosecure"])
        acmidm.keep_in_git()
        project.apply()
        weaker.document["token_endpoint_auth_method"] = "client_secret_basic"
        weaker.request()["jwks"] = []
        weaker.save()
        leaving.document["ending"] = ["geosecure"]
        leaving.save()
        by_engine = acmidm.json("review", "--stack", "tni", "--fail-on", "authentication_weakened", code=1)
        by_forms = acmidm.json("review", "--base", "main", "--environment", "tni")
    assert without_engine(by_engine) == without_engine(by_forms)
    assert by_engine["headline"] == "1 client authenticates less safely, 1 client loses its protection, 1 client loses 1 key on tni"
    assert told(by_engine) == {
        ("gent/weaker", "authentication_weakened", None),
        ("gent/weaker", "key_removed", "key-1"),
        ("gent/leaving", "protection_lifted", None),
    }
