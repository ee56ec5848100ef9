"""The list of connections, the promotion report, and the schemas of all JSON outputs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from acmidm.keys import Key
from acmidm.report.drift import Drift, expiring_keys
from acmidm.report.markdown import as_markdown
from acmidm.report.review import Review
from acmidm.report.status import ListedConnection, Status, listed, matching
from acmidm.terminal import as_json
from acmidm_onboarding.model.form import Platform
from tests.report.conftest import CommandLine
from tests.report.samples import NOW, by_hand, client, drift_report, reviewed
from tests.support.engine import ROOT, Project
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, write_form
from tests.support.offered import ATTRIBUTE, catalogue_folder
from tests.support.portal import new_key
from tests.support.registry import Registry

PROMOTED = """\
Stad Gent · loket: production lacks 2 of what TNI has, TNI lacks 1 of what production has, 1 set differently

on TNI, not on production
  scope       dv_dosis_schrijven
  product     dosis

on production, not on TNI
  scope       dv_organisatieregister_info

set differently, TNI → production
  field       notificaties.merk_code: stad-gent → gent

ready for production: yes
  ok    the form has TNI, where it is validated first
  ok    the form has production
  ok    the policies allow how the client authenticates
  note  the organisation uploads its key for production in the portal (step 9): only the portal knows whether it is there
  note  names not verified: dv_notificaties_schrijven; have Digitaal Vlaanderen confirm them, then correct the catalogue
  ok    production has a scope
  note  acmidm: there is no evidence from TNI; run acmidm probe with --record on TNI, and add the file

On both: platforms acmidm; private_key_jwt. Keys: 1 on TNI, in the portal on production.
"""


def connections() -> list[ListedConnection]:
    """A client with two keys, one of which ends soon; one with a secret; and two with keys in the portal, one of them unreachable."""
    kbo = {"organisation.name": "VLAIO", "organisation.ovo": None, "organisation.kbo": "0123456789", "contacts": ["steun@vlaio.example"]}
    keys = {"a": Key("tA", NOW + timedelta(days=9, hours=1)), "b": Key("tB")}
    states = (
        client(client_id="1234", scopes={"vo_info": "x", "dv_dosis_schrijven": "x"}, keys=keys, products={"dosis": {}}),
        client(
            "steun",
            platform=Platform.GEOSECURE,
            client_id="40001",
            fields={**kbo, "token_endpoint_auth_method": "client_secret_basic", "attributes.setbyclient_proef": "balie 7"},
            scopes={"DosisImport": "x"},
            keys={},
            products={},
        ),
        client(
            "agentschap",
            client_id="5",
            fields={"organisation.name": "Agentschap"},
            keys=None,
            uploaded={"u": Key("tU", NOW + timedelta(days=3, hours=1))},
        ),
        client("onbereikbaar", client_id="6", fields={"organisation.name": "Agentschap"}, keys=None),
    )
    return [listed("tni", state, NOW) for state in states]


def test_status_searches_and_filters() -> None:
    """Every word counts, where a word begins with it; a client without a key that ends is not one that ends soon."""

    def found(**how: Any) -> list[str]:
        return [one.application for one in matching(connections(), **how)]

    assert found() == ["agentschap", "onbereikbaar", "loket", "steun"]
    assert found(search="GENT 1234 tB") == ["loket"], "gent is no word of Agentschap"
    assert found(search="Stad Gent loket") == ["loket"]
    assert found(search="gent 40001") == []
    assert found(search="0123456789 geosecure") == found(search="0123.456.789") == found(search="steun@vlaio") == ["steun"]
    assert found(search="schrijven") == ["loket"], "of a scope's name each part is a word"
    assert found(search="osis") == []
    assert found(search="setbyclient_proef balie") == ["steun"]
    assert found(scopes={"DosisImport"}) == ["steun"]
    assert found(scopes={"DosisImport", "dv_dosis_schrijven"}) == ["loket", "steun"], "one scope has a name on each platform"
    assert found(days=9) == ["agentschap", "loket"]
    assert found(days=2) == []


def test_status_as_markdown() -> None:
    """Whose it is and whom to write to; keys that end soon stand out, in words too; keys in the portal are shown, or unknown."""
    whose = "<br>OVO002067<br>api@&#8203;stad.example"
    shown = Status(checked_at=NOW, stacks=("tni",), connections=matching(connections()))
    assert as_markdown(shown).splitlines() == [
        "### 4 connections on tni",
        "",
        "| where | client | client-ID | scopes | keys | products |",
        "|---|---|---|---|---|---|",
        f"| tni | **Agentschap** · agentschap{whose} | `5` | `vo_info` "
        "| **u until 2026-11-28 (3 days left)** (in the portal) | notificaties |",
        f"| tni | **Agentschap** · onbereikbaar{whose} | `6` | `vo_info` "
        "| unknown: in the portal, which cannot be reached | notificaties |",
        f"| tni | **Stad Gent** · loket{whose} | `1234` | `dv_dosis_schrijven`<br>`vo_info` "
        "| **a until 2026-12-04 (9 days left)**<br>b | dosis |",
        "| tni (geosecure) | **VLAIO** · steun<br>0123456789<br>steun@&#8203;vlaio.example | `40001` | `DosisImport` | client secret |  |",
    ]


def test_status_of_a_stack(project: Project, acmidm: CommandLine) -> None:
    """Before and after the first up; no line of it ends in blanks; an unknown stack is wrong use."""
    assert acmidm.run("status", "--stack", "tni").stdout == (
        "stack tni has no connections; acmidm deploy --stack tni brings up what the forms have, and says what is held back\n"
    )
    form = write_form(project.forms)
    project.apply()
    outcome = acmidm.run("status", "--stack", "tni")
    lines = outcome.stdout.splitlines()
    assert lines[0] == "1 connection on tni"
    assert lines[1].startswith(f"Stad Gent · {form.application}  ")
    assert lines[2] == "  whose    OVO002067, 0207451227, api-beheer@stad-gent.example"
    assert lines[3:] == ["  scopes   dv_notificaties_schrijven", "  keys     key-1", "  products notificaties"]
    assert acmidm.run("status", "Stad", "Gent", "--stack", "tni").stdout.startswith('1 connection on tni with "Stad Gent"')
    assert acmidm.run("status", "nobody", "--stack", "tni").stdout == 'no connection on tni has "nobody"\n'
    assert acmidm.run("status", "--stack", "tni", "--scope", "x", "--expiring", "3").stdout == (
        'no connection on tni has scope "x" and has a key that ends within 3 days\n'
    )
    assert acmidm.run("status", "nobody", "--stack", "tni", "--output", "markdown").stdout == '### 0 connections on tni with "nobody"\n'
    assert acmidm.run("status", "--stack", "nowhere").code == 2
    assert acmidm.json("status", "--stack", "tni")["connections"][0]["keys"][0]["kid"] == "key-1"
    page = acmidm.run("status", "--stack", "tni", "--output", "html").stdout
    assert page.startswith("<!doctype html>")


def test_status_shows_what_is_there(project: Project, acmidm: CommandLine, registry: Registry) -> None:
    """Keys in the portal with their end, or "unknown"; a client that was refused is not there, and keeps no command from working.

    A scope that was refused is not shown either: here somebody else writes the scopes, and the run stops before them.
    """
    form = write_form(project.forms, keys=())
    refused = write_form(project.forms, "gent/refused")
    refused.request()["adopt"] = {"acmidm": "no-such-client"}
    refused.save()
    assert project.up().code != 0
    key: Any = {**new_key("uploaded").as_dict(private=False), "exp": int(time.time()) + 10 * 86_400 + 60}
    client_id = registry.client(form.application)["client_id"]
    registry.set_keys(client_id, [ECKey.import_key(key)])
    registry.set_scopes(client_id, [])
    form.request()["scopes"][PLAIN] = {}
    form.save()
    assert any("scopes" in line and PLAIN in line for line in project.up().errors)
    (shown,) = acmidm.json("status", "--stack", "tni", "--expiring", "30")["connections"]
    assert shown["scopes"] == [SEND]
    assert (shown["application"], shown["keys"][0]["kid"], shown["keys"][0]["days_left"]) == (form.application, "uploaded", 10)
    assert "uploaded until" in acmidm.run("status", "--stack", "tni").stdout

    project.configure({"managementUrl": "http://127.0.0.1:9/management/v1"})
    outcome = acmidm.run("status", "--stack", "tni")
    assert outcome.code == 0
    assert "  keys     unknown: in the portal, which cannot be reached" in outcome.stdout.splitlines()


@pytest.fixture
def promoting(tmp_path: Path) -> Callable[..., Any]:
    project = Project(tmp_path / "project")
    (project.folder / "state").mkdir(parents=True)

    def run(*words: str, catalogue: Path = ROOT / "catalogue") -> Any:
        return CommandLine(project).run("promote", *words, "--catalogue", str(catalogue))

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
    assert report["ready"] is True
    assert "- [ ] the organisation uploads its key" in promoting(str(form.path), "--output", "markdown").stdout

    form.document["environments"]["prod"] = {
        "scopes": {SEND: {}, DOSSIERS: {}},
        "products": {"notificaties": deepcopy(NOTIFICATIES), "dosis": deepcopy(DOSIS)},
    }
    form.add_key("prod-key", "prod")
    form.save()
    outcome = promoting(str(form.path))
    assert outcome.code == 0, outcome.output
    assert "ready for production: yes" in outcome.stdout


def test_promote_compares_default_scopes_and_attributes(tmp_path: Path, promoting: Callable[..., Any]) -> None:
    form = write_form(tmp_path / "project" / "onboardings", scopes=(PLAIN,), application="loket")
    form.request()["scopes"] = {PLAIN: {"default": True}}
    form.document["environments"]["prod"] = {"scopes": {PLAIN: {}}, "attributes": {ATTRIBUTE: "balie"}}
    form.save()
    outcome = promoting(str(form.path), catalogue=catalogue_folder())
    assert outcome.code == 1, outcome.output
    assert "on production, not on TNI\n  attribute   setbyclient_proef\n" in outcome.stdout
    assert f"set differently, TNI → production\n  scope       {PLAIN}, default: true → false\n" in outcome.stdout
    form.request()["attributes"] = {ATTRIBUTE: "loket"}
    form.save()
    assert "  attribute   setbyclient_proef: loket → balie" in promoting(str(form.path), catalogue=catalogue_folder()).stdout


def test_what_production_does_not_offer_is_nothing_to_promote(tmp_path: Path, promoting: Callable[..., Any]) -> None:
    """It is shown, and no change of the form can take it away: the exit code is not 1 for ever."""
    form = write_form(tmp_path / "project" / "onboardings", application="loket")
    form.document["environments"]["prod"] = deepcopy(form.request())
    del form.document["environments"]["prod"]["jwks"]
    form.request()["scopes"]["dv_organisatieregister_testclient"] = {}
    form.save()
    outcome = promoting(str(form.path))
    assert outcome.code == 0, outcome.output
    assert outcome.stdout.splitlines()[:4] == [
        "Stad Gent · loket: production is as TNI, but for what is expected to differ",
        "",
        "on TNI, not on production",
        "  scope       dv_organisatieregister_testclient (offered there only)",
    ]


HEADER = {"widget_id": "w-tni", "app_id": "mijn-gent", "test_url": "https://test.gent.example"}


def test_what_differs_per_environment_is_nothing_to_promote(tmp_path: Path, promoting: Callable[..., Any]) -> None:
    """It is shown with why, and counts no more than what is offered there only; another field of the same product does."""
    products = {"mijn-burgerprofiel": HEADER}
    form = write_form(tmp_path / "project" / "onboardings", scopes=("dv_mbp_incidents",), products=products, keys=(), application="loket")
    prod = form.document["environments"]["prod"] = deepcopy(form.request())
    prod["products"]["mijn-burgerprofiel"] |= {"widget_id": "w-prod", "production_url": "https://gent.example"}
    form.save()
    outcome = promoting(str(form.path))
    assert outcome.code == 0, outcome.output
    assert outcome.stdout.splitlines()[:5] == [
        "Stad Gent · loket: production is as TNI, but for what is expected to differ",
        "",
        "set differently, TNI → production",
        "  field       mijn-burgerprofiel.production_url: nothing → https://gent.example (differs per environment)",
        "  field       mijn-burgerprofiel.widget_id: w-tni → w-prod (differs per environment)",
    ]
    assert "`w-tni` → `w-prod` (differs per environment)" in promoting(str(form.path), "--output", "markdown").stdout
    prod["products"]["mijn-burgerprofiel"]["app_id"] = "gent"
    form.save()
    outcome = promoting(str(form.path))
    assert (outcome.code, outcome.stdout.splitlines()[0]) == (1, "Stad Gent · loket: 1 set differently")


def test_promote_where_the_organisation_manages_its_keys(tmp_path: Path, promoting: Callable[..., Any]) -> None:
    """The form cannot tell whether there is a key, and does not say that there is none; that keeps nothing from being ready."""
    form = write_form(tmp_path / "project" / "onboardings", application="loket")
    form.document["environments"]["prod"] = deepcopy(form.request())
    del form.document["environments"]["prod"]["jwks"]
    form.save()
    outcome = promoting(str(form.path))
    assert outcome.code == 0, outcome.output
    assert "ready for production: yes" in outcome.stdout
    assert "  note  the organisation uploads its key for production in the portal (step 9): only the portal knows" in outcome.stdout
    assert outcome.stdout.splitlines()[-1].endswith("Keys: 1 on TNI, in the portal on production.")
    report = json.loads(promoting(str(form.path), "--output", "json").stdout)
    assert report["keys"] == {"tni": 1}


def test_promote_knows_the_policies(tmp_path: Path, promoting: Callable[..., Any]) -> None:
    """A client that may have a secret on TNI is warned before production is in the form, and stopped once it is."""
    form = write_form(tmp_path / "project" / "onboardings", keys=(), token_endpoint_auth_method="client_secret_basic")
    said = promoting(str(form.path)).stdout
    assert said.splitlines()[0] == "Stad Gent · " + form.application + ": production is not in the form yet, and lacks 2 of what TNI has"
    assert "environment" not in said.partition("ready for production")[0], "it is none of what TNI has"
    assert "  TO DO the form has no prod under environments: add it" in said
    assert "  TO DO the client authenticates with client_secret_basic on prod: use private_key_jwt, or agree on an exemption" in said
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


def test_a_headline_of_drift_counts_keys_that_end() -> None:
    """Beside whatever else it has: an application whose key has expired is cut off, in sync or not."""
    ends = {"a": Key("t", NOW + timedelta(days=3)), "b": Key("u", NOW - timedelta(days=3)), "c": Key("v", NOW - timedelta(days=9))}
    keys = expiring_keys(by_hand((client(keys=ends), client(keys=ends))), NOW, 30)
    assert drift_report(expiring=keys).headline.endswith("there is none; 2 keys have expired, 1 key ends soon")
    assert drift_report(*by_hand((client(), None)), expiring=keys[:1]).headline.endswith("is removed; 1 key has expired")


def test_json_is_ascii_and_can_be_read_back() -> None:
    """A change's sentence and severity are in it for programs, and made anew from its kind."""
    key = Key("t", NOW + timedelta(days=3))
    review = reviewed((client(), None), (client("x"), client("x", scopes={"dv_dosis_schrijven": "waaróm"}, keys={"a": key})))
    drift = drift_report(*by_hand((client(), None)), expiring=expiring_keys(by_hand((client(keys={"a": key}),) * 2), NOW, 30))
    for report, kind in ((review, Review), (drift, Drift)):
        text = as_json(report)
        assert text.isascii()
        assert kind.model_validate_json(text) == report
    (change,) = json.loads(as_json(drift))["by_hand"][0]["changes"]
    assert (change["severity"], change["text"][:11]) == ("danger", "was removed")
