"""The list of connections, the promotion report, and the schemas of all JSON outputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from acmidm.report.drifting import drift_of, expiring_keys
from acmidm.report.listing import Status, found, listed
from acmidm.report.schemas import report_schemas
from acmidm.report.state import Key
from acmidm.report.status_text import status_as_markdown
from acmidm.terminal import as_json
from acmidm.undeclared import UndeclaredClient, UndeclaredClients
from components.model.form import Environment, Platform
from tests.report.conftest import CommandLine
from tests.report.samples import NO_PLAN, NOW, client, reviewed
from tests.support.engine import ROOT, Project
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, SEND, write_form

PROMOTED = """\
Stad Gent · loket: production lacks 2 of what TNI has, TNI lacks 1 of what production has, 1 set differently

on TNI, not on production
  scope       dv_dosis_schrijven
  product     dosis

on production, not on TNI
  scope       dv_organisatieregister_info

set differently, TNI → production
  field       notificaties.merk_code: stad-gent → gent

ready for production: not yet
  ok    the form has TNI, where it is validated first
  ok    the form asks for production
  ok    the policies allow how the client authenticates
  TO DO production has no public key yet (step 9): add one under jwks
  note  names not verified: dv_notificaties_schrijven; have Digitaal Vlaanderen confirm them, then correct the catalogue
  ok    production asks for a scope

On both: platforms acmidm; private_key_jwt. Keys: 1 on TNI, 0 on production.
"""
OUTPUTS: dict[str, Any] = {
    "environment": "tni",
    "connections": {
        "gent/loket": {
            "acmidm": {
                "organisation": "Stad Gent",
                "organisation_code": "OVO002067",
                "application": "loket",
                "client_id": "1234",
                "token_endpoint_auth_method": "private_key_jwt",
                "scopes": ["vo_info", "dv_dosis_schrijven"],
                "keys": {
                    "a": {"thumbprint": "tA", "expires": (NOW + timedelta(days=9, hours=1)).isoformat()},
                    "b": {"thumbprint": "tB", "expires": None},
                },
                "products": ["dosis"],
            }
        },
        "vlaio/steun": {
            "geosecure": {
                "organisation": "VLAIO",
                "organisation_code": "OVO000001",
                "application": "steun",
                "client_id": "40001",
                "token_endpoint_auth_method": "client_secret_basic",
                "scopes": ["DosisImport"],
                "keys": {},
                "products": [],
            }
        },
    },
}


def test_status_searches_and_filters() -> None:
    """Every word counts, whatever it is a part of; a client without a key that ends is not one that ends soon."""
    both = listed("tni", OUTPUTS, NOW)

    def forms(**how: Any) -> list[str]:
        return [one.form for one in found(both, **how)]

    assert forms() == ["gent/loket", "vlaio/steun"]
    assert forms(search="GENT 1234 tB") == ["gent/loket"]
    assert forms(search="gent 40001") == []
    assert forms(search="ovo000001 geosecure") == ["vlaio/steun"]
    assert forms(scope="DosisImport") == ["vlaio/steun"]
    assert forms(days=9) == ["gent/loket"]
    assert forms(days=8) == []


def test_status_as_markdown() -> None:
    """Keys that end soon stand out, in words too."""
    shown = Status(checked_at=NOW, stacks=("tni",), connections=found(listed("tni", OUTPUTS, NOW)))
    assert status_as_markdown(shown).splitlines() == [
        "### 2 connections on tni",
        "",
        "| where | client | client-ID | scopes | keys | products |",
        "|---|---|---|---|---|---|",
        "| tni | **Stad Gent** · loket | `1234` | `vo_info`<br>`dv_dosis_schrijven` | **a until 2026-12-04 (9 days left)**<br>b | dosis |",
        "| tni (geosecure) | **VLAIO** · steun | `40001` | `DosisImport` | client secret |  |",
    ]


def test_status_of_a_stack(project: Project, acmidm: CommandLine) -> None:
    """Before and after the first up; no line of it ends in blanks; an unknown stack is wrong use."""
    assert acmidm.run("status", "--stack", "tni").stdout == "stack tni has no connections yet; bring it up first: pulumi up --stack tni\n"
    form = write_form(project.forms)
    project.apply()
    outcome = acmidm.run("status", "--stack", "tni")
    lines = outcome.stdout.splitlines()
    assert lines[0] == "1 connection on tni"
    assert lines[1].startswith(f"Stad Gent · {form.application}  ")
    assert lines[2:] == ["  scopes   dv_notificaties_schrijven", "  keys     key-1", "  products notificaties"]
    assert acmidm.run("status", "nobody", "--stack", "tni").stdout == 'no connection on tni holds "nobody"\n'
    assert acmidm.run("status", "--stack", "tni", "--scope", "x", "--expiring", "3").stdout == (
        'no connection on tni has scope "x" and has a key that ends within 3 days\n'
    )
    assert (
        acmidm.run("status", "nobody", "--stack", "tni", "--output", "markdown").stdout == '### 0 connections on tni that hold "nobody"\n'
    )
    assert acmidm.run("status", "--stack", "nowhere").code == 2
    assert acmidm.json("status", "--stack", "tni")["connections"][0]["keys"][0]["kid"] == "key-1"
    page = acmidm.run("status", "--stack", "tni", "--output", "html").stdout
    assert page.startswith("<!doctype html>")


@pytest.fixture
def promoting(tmp_path: Path) -> Callable[..., Any]:
    project = Project(tmp_path / "project")
    (project.folder / "state").mkdir(parents=True)

    def run(*words: str) -> Any:
        return CommandLine(project).run("promote", *words, "--catalogue", str(ROOT / "catalogue"))

    return run


def test_promote(tmp_path: Path, promoting: Callable[..., Any]) -> None:
    """What production lacks, the reverse, what differs, and why it is not ready; 1 until there is nothing to promote."""
    form = write_form(tmp_path / "project" / "onboardings", scopes=(SEND, DOSSIERS), application="loket")
    form.document["environments"]["prod"] = {
        "scopes": {SEND: {}, "dv_organisatieregister_info": {}},
        "products": {"notificaties": {**deepcopy(NOTIFICATIES), "merk_code": "gent"}},
    }
    form.save()
    outcome = promoting(str(form.path))
    assert (outcome.code, outcome.stdout) == (1, PROMOTED)
    report = json.loads(promoting(str(form.path), "--output", "json").stdout)
    Draft202012Validator(json.loads((ROOT / "schema" / "promote.schema.json").read_text())).validate(report)
    assert report["ready"] is False
    assert "- [ ] production has no public key yet" in promoting(str(form.path), "--output", "markdown").stdout

    form.document["environments"]["prod"] = {
        "scopes": {SEND: {}, DOSSIERS: {}},
        "products": {"notificaties": deepcopy(NOTIFICATIES), "dosis": deepcopy(DOSIS)},
    }
    form.add_key("prod-key", "prod")
    form.save()
    outcome = promoting(str(form.path))
    assert outcome.code == 0, outcome.output
    assert "ready for production: yes" in outcome.stdout


def test_what_production_does_not_offer_is_nothing_to_promote(tmp_path: Path, promoting: Callable[..., Any]) -> None:
    """It is shown, and no change of the form can take it away: the exit code is not 1 for ever."""
    form = write_form(tmp_path / "project" / "onboardings", application="loket")
    form.document["environments"]["prod"] = {**deepcopy(form.request()), "jwks": []}
    form.request()["scopes"]["dv_organisatieregister_testclient"] = {}
    form.save()
    outcome = promoting(str(form.path))
    assert outcome.code == 0, outcome.output
    assert outcome.stdout.splitlines()[:4] == [
        "Stad Gent · loket: production is as TNI, but for what is offered there only",
        "",
        "on TNI, not on production",
        "  scope       dv_organisatieregister_testclient (offered there only)",
    ]


def test_promote_where_the_organisation_manages_its_keys(tmp_path: Path, promoting: Callable[..., Any]) -> None:
    """The form cannot tell whether there is a key, and does not say that there is none; that keeps nothing from being ready."""
    form = write_form(tmp_path / "project" / "onboardings", application="loket")
    form.document["environments"]["prod"] = {**deepcopy(form.request()), "jwks": [], "keys_managed_in_portal": True}
    form.save()
    outcome = promoting(str(form.path))
    assert outcome.code == 0, outcome.output
    assert "ready for production: yes" in outcome.stdout
    assert "  note  the organisation uploads its key for production in the portal (step 9): only the portal tells" in outcome.stdout
    assert outcome.stdout.splitlines()[-1].endswith("Keys: 1 on TNI, in the portal on production.")
    report = json.loads(promoting(str(form.path), "--output", "json").stdout)
    Draft202012Validator(json.loads((ROOT / "schema" / "promote.schema.json").read_text())).validate(report)
    assert report["keys"] == {"tni": 1}


def test_promote_knows_the_policies(tmp_path: Path, promoting: Callable[..., Any]) -> None:
    """A client that may have a secret on TNI is told before production is asked, and stopped once it is."""
    form = write_form(tmp_path / "project" / "onboardings", keys=(), token_endpoint_auth_method="client_secret_basic")
    told = promoting(str(form.path)).stdout
    assert told.splitlines()[0] == "Stad Gent · " + form.application + ": production is not asked for yet, and lacks 2 of what TNI has"
    assert "environment" not in told.partition("ready for production")[0], "it is none of what TNI has"
    assert "  TO DO the form has no prod under environments: add it" in told
    assert "  TO DO the client authenticates with client_secret_basic on prod: use private_key_jwt, or agree on an exemption" in told
    form.document["environments"]["prod"] = deepcopy(form.request())
    form.save()
    refused = promoting(str(form.path))
    assert refused.code == 2
    assert "the client authenticates with client_secret_basic on prod; use private_key_jwt" in refused.stderr


def test_promote_used_wrongly(tmp_path: Path, promoting: Callable[..., Any]) -> None:
    """2 for what is no form."""
    form = write_form(tmp_path / "project" / "onboardings", contacts=[])
    assert promoting(str(form.path)).code == 2
    assert promoting(str(form.path.parent)).code == 2
    assert promoting("none.yaml").code == 2


def test_a_headline_of_drift_tells_of_keys_that_end() -> None:
    """Beside whatever else it says: an application whose key has expired is cut off, in sync or not."""
    ends = {"a": Key("t", NOW + timedelta(days=3)), "b": Key("u", NOW - timedelta(days=3)), "c": Key("v", NOW - timedelta(days=9))}
    keys = expiring_keys({client().place: client(keys=ends)}, NOW, 30)
    assert drift_of("tni", NO_PLAN, (), (), NOW, expiring=keys).headline.endswith("there is none; 2 keys have expired, 1 key ends soon")
    by_hand = reviewed((client(), None)).connections
    assert drift_of("tni", NO_PLAN, by_hand, (), NOW, expiring=keys[:1]).headline.endswith("is removed; 1 key has expired")


def test_json_outputs_are_as_their_schemas_say() -> None:
    """And the schemas that are shipped are those of the models."""
    key = Key("t", NOW + timedelta(days=3))
    state = client(keys={"a": key})
    review = reviewed((client(), None), (client("gent/x"), client("gent/x", scopes={"dv_dosis_schrijven": "why"}, keys={"a": key})))
    drift = drift_of("tni", NO_PLAN, review.connections, (), NOW, expiring=expiring_keys({state.place: state}, NOW, 30))
    shown = Status(checked_at=NOW, stacks=("tni",), connections=found(listed("tni", OUTPUTS, NOW)))
    other = UndeclaredClient(platform=Platform.ACMIDM, client_id="1", client_name="x", organisation="Gent", application="x")
    listed_there = UndeclaredClients(stack="tni", environment=Environment.TNI, clients=2, undeclared=(other,))
    for name, report in {"review": review, "drift": drift, "status": shown, "unmanaged": listed_there}.items():
        text = (ROOT / "schema" / f"{name}.schema.json").read_text()
        assert text == report_schemas()[f"{name}.schema.json"], "run make schema"
        Draft202012Validator(json.loads(text)).validate(json.loads(as_json(report)))
        assert as_json(report).isascii()
