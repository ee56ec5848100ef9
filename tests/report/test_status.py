"""The list of connections, and the schemas of all JSON outputs."""

from __future__ import annotations

import csv
import json
import re
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from acmidm.desk import filters
from acmidm.desk.access import NamedApi, api_named
from acmidm.desk.history import entry_of
from acmidm.desk.status import (
    ListedConnection,
    ListedKey,
    ListedMandate,
    ListedScope,
    Step,
    row_of,
    rows_in_order,
)
from acmidm.desk.views import Status, View
from acmidm.engine.pulumi import UnknownStack
from acmidm.report.drift import Drift, expiring_keys
from acmidm.report.review import Review
from acmidm.terminal import as_json, speaking
from acmidm_onboarding.authorities.port import RecordedChange
from acmidm_onboarding.texts import Language
from acmidm_onboarding.values.keys import Key
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.engine import ROOT
from tests.support.rendering import as_csv, as_html, print_report
from tests.support.samples import (
    NOW,
    by_hand,
    client,
    drift_report,
    listed_connection,
    reviewed,
)

WHY = "dossiers in Mijn Burgerprofiel (SD-4711)"


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
    return [row_of("tni", state, NOW) for state in states]


def test_status_searches_and_filters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every word counts, where a word begins with it; a client without a key that ends is not one
    that ends soon."""

    def found(search: str = "", api: str | None = None, days: int | None = None) -> list[str]:
        named = api_named(api, "tni") if api else None
        wanted = filters.Filters(search, named, days).matcher(["tni"])
        return [one.application for one in rows_in_order(filter(wanted, connections()))]

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
    monkeypatch.chdir(ROOT)
    assert found(api="DosisImport") == ["loket", "steun"], "a scope has a name on each platform"
    assert found(api="dosis") == ["loket", "steun"], "a product has all its scopes"
    monkeypatch.chdir(tmp_path)
    assert found(api="DosisImport") == ["steun"], "where no catalogue can be read"
    assert found(days=9) == ["agentschap", "loket"]
    assert found(days=2) == []


def test_whom_a_client_sends_for_has_each_name_that_a_product_has() -> None:
    """Products are changed one by one, and an organisation that was renamed is found by both."""
    former = {"code": "OVO000002", "name": "Stad Aalst"}
    products = {
        "dosis": {"afzenders": [former]},
        "notificaties": {"afzenders": [{**former, "name": "Stad Aalst-Oost"}]},
    }
    state = client(products=products)
    assert row_of("tni", state, NOW).acts_for == ("Stad Aalst", "Stad Aalst-Oost")


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
        of_state = SimpleNamespace(clients=clients)
        return SimpleNamespace(state=SimpleNamespace(recorded=of_state))

    monkeypatch.setattr(filters, "stack_of", stack_of)
    monkeypatch.setattr(filters, "stack_names", lambda _: ["tni", "prod", "never-made"])
    lacks = filters.Filters(without=Environment.PROD).matcher(["tni"])
    shown = [
        *(row_of("tni", state, NOW) for state in recorded["tni"]),
        listed_connection("both", platform=Platform.GEOSECURE),
    ]
    assert [one.key for one in filter(lacks, shown)] == [shown[1].key, shown[2].key]


def test_status_as_a_table() -> None:
    """A row each, which a spreadsheet takes for text whatever it begins with; also one where
    semicolons part cells, as in Dutch."""
    hostile = listed_connection(
        "x", organisation='=HYPERLINK("http://evil.example")', contacts=("@x", "a\nb; =1")
    )
    kept = (*rows_in_order(connections()), hostile)
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
        Status(
            checked_at=NOW, stacks=("tni",), search="x", connections=rows_in_order(connections())
        )
    )
    assert capsys.readouterr().out.splitlines() == [
        '4 connections on tni with "x"',
        "",
        "Agentschap · agentschap  production, stack tni  5",
        "  whose     OVO002067, api@stad.example",
        "  scopes    vo_info",
        "  keys      u until 2026-11-28 (3 days left) (in the portal)",
        "  products  notificaties",
        "",
        "Agentschap · onbereikbaar  production, stack tni  6",
        "  whose     OVO002067, api@stad.example",
        "  scopes    vo_info",
        "  keys      unknown: in the portal, which cannot be reached",
        "  products  notificaties",
        "",
        "Stad Gent · loket  production, stack tni  1234",
        "  whose     OVO002067, api@stad.example",
        f"  scopes    dv_dosis_schrijven ({WHY}), vo_info",
        "  keys      a until 2026-12-04 (9 days left), b",
        "  products  dosis",
        "",
        "VLAIO · steun  production, GeoSecure, stack tni  40001",
        "  whose    0123456789, steun@vlaio.example",
        "  scopes   DosisImport",
        "  keys     client secret",
    ]


@pytest.mark.parametrize("view", [View.LIST, View.BOARD])
def test_a_last_day_counts_itself_in_each_view(
    view: View, capsys: pytest.CaptureFixture[str]
) -> None:
    """In Dutch "tot en met", as in a review; a key ends at a moment of its day, which is "tot"."""
    last = NOW.date() + timedelta(days=9)
    row = listed_connection(
        scopes_until=(ListedScope(scope="vo_info", until=last, days_left=9),),
        mandate=ListedMandate(supplier="leverancier", until=last, days_left=9),
        keys=(ListedKey(kid="k", expires=NOW + timedelta(days=9), days_left=9),),
        step=Step.DONE,
        order="done",
        to_do="Klaar.",
        values={"organisation": "Stad Gent"},
    )
    report = Status(view=view, checked_at=NOW, stacks=("tni",), connections=(row,))
    with speaking(Language.NL):
        print_report(report)
        page = as_html(report)
    said = capsys.readouterr().out
    for shown in (said, re.sub("<[^>]*>", "", page)):
        assert "tot en met 2026-12-04 (nog 9 dagen)" in shown
    assert "leverancier tot en met 2026-12-04" in said
    assert "k tot 2026-12-04 (nog 9 dagen)" in said


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


def accesses(name: str) -> Status:
    """What the owner of an API reads, where only the first client's authority tells of its use."""
    api = api_named(name, "tni")
    found: list[ListedConnection] = []
    for one in filter(api.is_accessible_to, connections()):
        told = {"last_token_at": NOW - timedelta(days=2)}
        unknown = {"unknown": ("last_token",)}
        known = told if one.application == "loket" else unknown
        found += api.row_per_scope(one.model_copy(update=known))
    return Status(
        view=View.API, api=name, checked_at=NOW, stacks=("tni",), connections=tuple(found)
    )


def test_the_list_of_an_apis_owner(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who has access to it, why, by which reference, and when it was last used; what no authority
    tells is unknown, and not never."""
    monkeypatch.chdir(ROOT)
    shown = accesses("dosis")
    assert [(one.application, one.scopes, one.reasons) for one in shown.connections] == [
        ("loket", ("dv_dosis_schrijven",), {"dv_dosis_schrijven": WHY}),
        ("steun", ("DosisImport",), {}),
    ]
    of_one = {one.scopes for one in accesses("vo_info").connections}
    assert of_one == {("vo_info",)}, "of that scope alone"
    assert shown.title == "2 clients have access to dosis on tni"
    rows = list(csv.DictReader(as_csv(shown).splitlines()))
    assert [(row["organisation"], row["why"], row["last_token"]) for row in rows] == [
        ("Stad Gent", WHY, f"{NOW - timedelta(days=2):%Y-%m-%d}"),
        ("VLAIO", "none given", "unknown"),
    ]
    print_report(shown)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "Stad Gent · loket  production, stack tni  1234"
    assert lines[4].split() == ["scope", "dv_dosis_schrijven"]


@pytest.mark.parametrize(
    ("mandate", "leaves", "until", "last"),
    [
        (None, {}, {}, None),
        (None, {}, {"dv_dosis_schrijven": "2027-12-31"}, "2027-12-31"),
        ("2027-03-31", {}, {"vo_info": "2026-12-31"}, "2027-03-31"),
        ("2027-03-31", {}, {"dv_dosis_schrijven": "2027-01-15"}, "2027-01-15"),
        (None, {"acmidm": "2027-03-01"}, {}, "2027-02-28"),
        ("2027-03-31", {"dosis": "2027-02-01", "notificaties": "2026-12-01"}, {}, "2027-01-31"),
    ],
)
def test_the_last_day_of_an_access(
    mandate: str | None, leaves: dict[str, str], until: dict[str, str], last: str | None
) -> None:
    """Whichever comes first; the end of another scope or product ends no access to this one."""
    given = ListedMandate(supplier="l", until=date.fromisoformat(mandate)) if mandate else None
    scopes = tuple(
        ListedScope(scope=scope, until=date.fromisoformat(day)) for scope, day in until.items()
    )
    connection = listed_connection(
        "x",
        scopes=("dv_dosis_schrijven", "vo_info"),
        mandate=given,
        leaves=leaves,
        scopes_until=scopes,
    )
    api = NamedApi(name="dosis", product="dosis", scopes=frozenset({"dv_dosis_schrijven"}))
    [access] = api.row_per_scope(connection)
    assert (access.last_day and access.last_day.isoformat()) == last
