"""The list of connections, the promotion report, and the schemas of all JSON outputs."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Collection
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.desk import filters
from acmidm.desk.history import entry_of
from acmidm.desk.status import ListedConnection, Status, in_order, listed, matcher
from acmidm.engine.pulumi import UnknownStack
from acmidm.render.table import as_csv
from acmidm.render.text import print_report
from acmidm.report.drift import Drift, expiring_keys
from acmidm.report.review import Review
from acmidm.terminal import as_json
from acmidm_onboarding.authorities.port import RecordedChange
from acmidm_onboarding.values.keys import Key
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.forms import DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.offered import ATTRIBUTE, catalogue_folder
from tests.support.samples import NOW, by_hand, client, drift_report, listed_connection, reviewed

WHY = "dossiers in Mijn Burgerprofiel (SD-4711)"
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
  ok    the names of all scopes are verified
  ok    production has a scope
  note  acmidm: there is no evidence from TNI; run acmidm probe with --record on TNI, and add the file

On both: platforms acmidm; private_key_jwt. Keys: 1 on TNI, in the portal on production.
"""


def connections() -> list[ListedConnection]:
    """A client with two keys, one of which ends soon; one with a secret; and two with keys in the
    portal, one of them unreachable."""
    kbo = {
        "organisation.name": "VLAIO",
        "organisation.ovo": None,
        "organisation.kbo": "0123456789",
        "contacts": ["steun@vlaio.example"],
    }
    keys = {"a": Key("tA", NOW + timedelta(days=9, hours=1)), "b": Key("tB")}
    states = (
        client(
            client_id="1234",
            scopes={"vo_info": "requested", "dv_dosis_schrijven": WHY},
            keys=keys,
            products={"dosis": {}},
        ),
        client(
            "steun",
            platform=Platform.GEOSECURE,
            client_id="40001",
            fields={
                **kbo,
                "token_endpoint_auth_method": "client_secret_basic",
                "attributes.setbyclient_proef": "balie 7",
            },
            scopes={"DosisImport": "requested"},
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
        client(
            "onbereikbaar", client_id="6", fields={"organisation.name": "Agentschap"}, keys=None
        ),
    )
    return [listed("tni", state, NOW) for state in states]


def test_status_searches_and_filters() -> None:
    """Every word counts, where a word begins with it; a client without a key that ends is not one
    that ends soon."""

    def found(search: str = "", scopes: Collection[str] = (), days: int | None = None) -> list[str]:
        return [
            one.application
            for one in in_order(filter(matcher(search, scopes, days), connections()))
        ]

    assert found() == ["agentschap", "onbereikbaar", "loket", "steun"]
    assert found(search="GENT 1234 tB") == ["loket"], "gent is no word of Agentschap"
    assert found(search="Stad Gent loket") == ["loket"]
    assert found(search="gent 40001") == []
    assert (
        found(search="0123456789 geosecure")
        == found(search="0123.456.789")
        == found(search="steun@vlaio")
        == ["steun"]
    )
    assert found(search="schrijven") == ["loket"], "of a scope's name each part is a word"
    assert found(search="osis") == []
    assert found(search="sd-4711") == ["loket"], "why it has a scope"
    assert found(search="setbyclient_proef balie") == ["steun"]
    assert found(scopes={"DosisImport"}) == ["steun"]
    assert found(scopes={"DosisImport", "dv_dosis_schrijven"}) == [
        "loket",
        "steun",
    ], "one scope has a name on each platform"
    assert found(days=9) == ["agentschap", "loket"]
    assert found(days=2) == []


def test_who_lacks_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By key and platform, on any stack; what a state has without a client-ID is not there."""
    on_production = client("both", environment=Environment.PROD, client_id="1")
    unmade = client("alone", environment=Environment.PROD, client_id=None)
    recorded = {
        "tni": [client("both"), client("alone")],
        "prod": [on_production, unmade],
    }

    def stack_of(name: str) -> SimpleNamespace:
        if name not in recorded:
            raise UnknownStack(name)
        clients = {each.client_key: each for each in recorded[name]}
        return SimpleNamespace(recorded=SimpleNamespace(clients=clients))

    monkeypatch.setattr(filters, "stack_of", stack_of)
    monkeypatch.setattr(filters, "stack_names", lambda _: ["tni", "prod", "never-made"])
    lacks = filters.Filters(without=Environment.PROD).matcher(["tni"])
    shown = [
        *(listed("tni", state, NOW) for state in recorded["tni"]),
        listed_connection("both", platform=Platform.GEOSECURE),
    ]
    assert [one.key for one in filter(lacks, shown)] == [shown[1].key, shown[2].key]


def test_status_as_a_table() -> None:
    """A row each, which a spreadsheet takes for text whatever it begins with; also one where
    semicolons part cells, as in Dutch."""
    hostile = listed_connection(
        "x", organisation='=HYPERLINK("http://evil.example")', contacts=("@x", "a\nb; =1")
    )
    kept = (*in_order(connections()), hostile)
    rows = list(
        csv.DictReader(
            as_csv(Status(checked_at=NOW, stacks=("tni",), connections=kept)).splitlines()
        )
    )
    assert len(rows) == 5
    assert {
        name: rows[2][name]
        for name in ("organisation", "codes", "client_id", "scopes", "keys", "leaves")
    } == {
        "organisation": "Stad Gent",
        "codes": "OVO002067",
        "client_id": "1234",
        "scopes": "dv_dosis_schrijven, vo_info",
        "keys": "a, b",
        "leaves": "",
    }
    assert (rows[2]["first_end"], rows[3]["first_end"]) == ("2026-12-04", "")
    assert (rows[4]["organisation"], rows[4]["contacts"]) == (
        '\'=HYPERLINK("http://evil.example")',
        r"'@x, a\nb;' =1",
    )


def test_status_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Four or five lines each, none of which ends in blanks; a scope with why, as far as that is
    known; what is not there takes no line."""
    print_report(
        Status(checked_at=NOW, stacks=("tni",), search="x", connections=in_order(connections()))
    )
    assert capsys.readouterr().out.splitlines() == [
        '4 connections on tni with "x"',
        "Agentschap · agentschap  5",
        "  whose    OVO002067, api@stad.example",
        "  scopes   vo_info",
        "  keys     u until 2026-11-28 (3 days left) (in the portal)",
        "  products notificaties",
        "Agentschap · onbereikbaar  6",
        "  whose    OVO002067, api@stad.example",
        "  scopes   vo_info",
        "  keys     unknown: in the portal, which cannot be reached",
        "  products notificaties",
        "Stad Gent · loket  1234",
        "  whose    OVO002067, api@stad.example",
        f"  scopes   dv_dosis_schrijven ({WHY}), vo_info",
        "  keys     a until 2026-12-04 (9 days left), b",
        "  products dosis",
        "VLAIO · steun (geosecure)  40001",
        "  whose    0123456789, steun@vlaio.example",
        "  scopes   DosisImport",
        "  keys     client secret",
    ]


@pytest.mark.parametrize("action", ["scopes.replaced", "client.created"])
def test_history_says_why_a_scope_was_granted(action: str) -> None:
    """As the state has it: an authority knows no reasons."""
    now = client(scopes={"vo_info": "requested", "dv_dosis_schrijven": WHY})
    before = None if action == "client.created" else {"scopes": ["vo_info"]}
    recorded = RecordedChange(
        NOW,
        "operator",
        action,
        "",
        before,
        {"scopes": ["dv_dosis_schrijven", "vo_info"], "default": ["vo_info"]},
    )
    entry = entry_of("tni", now, recorded)
    assert entry is not None
    assert f"dv_dosis_schrijven: {WHY}" in " ".join(change.text for change in entry.changes)


@pytest.fixture
def promote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What the command says of a form as it is now, and that it ends with the code."""
    monkeypatch.chdir(tmp_path)

    def run(form: FormFile, *words: str, code: int = 0) -> str:
        form.save()
        result = CliRunner().invoke(app, ["promote", str(form.path), *words])
        assert result.exit_code == code, result.output
        return result.output

    return run


def on_both(folder: Path, **how: Any) -> FormFile:
    """A form whose production is as its TNI, with its keys in the portal."""
    form = write_form(folder, **{"application": "loket", **how})
    form.document["environments"]["prod"] = deepcopy(form.request())
    form.request("prod").pop("jwks", None)
    return form


AS_EXPECTED = "Stad Gent · loket: production is as TNI, but for what is expected to differ"


def test_promote(tmp_path: Path, promote: Callable[..., str]) -> None:
    """What production lacks, the reverse, what differs, and why it is not ready; 1 until there is
    nothing to promote."""
    form = on_both(tmp_path, scopes=(SEND, DOSSIERS))
    whole = form.request("prod")
    form.document["environments"]["prod"] = {
        "scopes": {SEND: {}, PLAIN: {}},
        "products": {"notificaties": {**deepcopy(NOTIFICATIES), "merk_code": "gent"}},
    }
    assert promote(form, code=1) == PROMOTED
    report = json.loads(promote(form, "--output", "json", code=1))
    assert (report["ready"], report["keys"]) == (
        True,
        {"tni": 1},
    ), "only the portal knows whether there is one for production"
    form.document["environments"]["prod"] = whole
    form.add_key("prod-key", "prod")
    said = promote(form)
    assert "ready for production: yes" in said
    assert (
        "note  names not verified: dv_dosis_schrijven; have Digitaal Vlaanderen confirm them"
        in said
    )


def test_promote_compares_default_scopes_and_attributes(
    tmp_path: Path, promote: Callable[..., str]
) -> None:
    form = on_both(tmp_path, scopes=(PLAIN,))
    form.request()["scopes"] = {PLAIN: {"default": True}}
    form.request("prod")["attributes"] = {ATTRIBUTE: "balie"}
    shutil.copytree(catalogue_folder(), tmp_path / "catalogue")
    said = promote(form, code=1)
    assert "on production, not on TNI\n  attribute   setbyclient_proef\n" in said
    assert (
        f"set differently, TNI → production\n  scope       {PLAIN}, default: true → false\n" in said
    )
    form.request()["attributes"] = {ATTRIBUTE: "loket"}
    assert "  attribute   setbyclient_proef: loket → balie" in promote(form, code=1)


def test_what_production_does_not_offer_is_nothing_to_promote(
    tmp_path: Path, promote: Callable[..., str]
) -> None:
    """It is shown, and no change of the form can take it away: the exit code is not 1 for ever."""
    form = on_both(tmp_path)
    form.request()["scopes"]["dv_organisatieregister_testclient"] = {}
    lines = [
        AS_EXPECTED,
        "",
        "on TNI, not on production",
        "  scope       dv_organisatieregister_testclient (offered there only)",
    ]
    assert promote(form).splitlines()[:4] == lines


def test_what_differs_per_environment_is_nothing_to_promote(
    tmp_path: Path, promote: Callable[..., str]
) -> None:
    """It is shown with why, and counts no more than what is offered there only; another field of
    the same product does."""
    header = {"widget_id": "w-tni", "app_id": "mijn-gent", "test_url": "https://test.gent.example"}
    form = on_both(
        tmp_path, scopes=("dv_mbp_incidents",), products={"mijn-burgerprofiel": header}, keys=()
    )
    product = form.request("prod")["products"]["mijn-burgerprofiel"]
    product |= {"widget_id": "w-prod", "production_url": "https://gent.example"}
    assert promote(form).splitlines()[:5] == [
        AS_EXPECTED,
        "",
        "set differently, TNI → production",
        "  field       mijn-burgerprofiel.production_url: nothing → https://gent.example (differs per environment)",
        "  field       mijn-burgerprofiel.widget_id: w-tni → w-prod (differs per environment)",
    ]
    product["app_id"] = "gent"
    assert promote(form, code=1).startswith("Stad Gent · loket: 1 set differently\n")


def test_promote_knows_the_policies(tmp_path: Path, promote: Callable[..., str]) -> None:
    """A client that may have a secret on TNI is warned before production is in the form, and
    stopped once it is."""
    form = on_both(tmp_path, keys=(), token_endpoint_auth_method="client_secret_basic")
    prod = form.document["environments"].pop("prod")
    said = promote(form, code=1)
    assert (
        said.splitlines()[0]
        == "Stad Gent · loket: production is not in the form yet, and lacks 2 of what TNI has"
    )
    assert "environment" not in said.partition("ready for production")[0], (
        "it is none of what TNI has"
    )
    assert "  TO DO the form has no prod under environments: add it" in said
    assert (
        "  TO DO the client authenticates with client_secret_basic on prod: use private_key_jwt, or agree on an"
        " exemption" in said
    )
    form.document["environments"]["prod"] = prod
    assert (
        "the client authenticates with client_secret_basic on prod; use private_key_jwt"
        in promote(form, code=2)
    )


def test_promote_used_wrongly(tmp_path: Path, promote: Callable[..., str]) -> None:
    """2 for what is no form."""
    promote(write_form(tmp_path, contacts=[]), code=2)
    for path in (tmp_path / "gent", tmp_path / "none.yaml"):
        assert CliRunner().invoke(app, ["promote", str(path)]).exit_code == 2


def test_a_headline_of_drift_counts_keys_that_end() -> None:
    """Beside whatever else it has: an application whose key has expired is cut off, in sync or
    not."""
    ends = {
        "a": Key("t", NOW + timedelta(days=3)),
        "b": Key("u", NOW - timedelta(days=3)),
        "c": Key("v", NOW - timedelta(days=9)),
    }
    keys = expiring_keys(by_hand((client(keys=ends), client(keys=ends))), NOW, 30)
    assert drift_report(expiring=keys).headline.endswith(
        "there is none; 2 keys have expired, 1 key ends soon"
    )
    assert drift_report(*by_hand((client(), None)), expiring=keys[:1]).headline.endswith(
        "is removed; 1 key has expired"
    )


def test_json_is_ascii_and_can_be_read_back() -> None:
    """A change's sentence and severity are in it for programs, and made anew from its kind."""
    key = Key("t", NOW + timedelta(days=3))
    review = reviewed(
        (client(), None),
        (client("x"), client("x", scopes={"dv_dosis_schrijven": "waaróm"}, keys={"a": key})),
    )
    drift = drift_report(
        *by_hand((client(), None)),
        expiring=expiring_keys(by_hand((client(keys={"a": key}),) * 2), NOW, 30),
    )
    for report, kind in ((review, Review), (drift, Drift)):
        text = as_json(report)
        assert text.isascii()
        assert kind.model_validate_json(text) == report
    (change,) = json.loads(as_json(drift))["by_hand"][0]["changes"]
    assert (change["severity"], change["text"][:11]) == ("danger", "was removed")
