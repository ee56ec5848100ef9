"""The review of a real preview, and that of the forms alone: both say the same, whatever changes,
on a stack with two platforms that protects its clients."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from acmidm.report.kinds import Kind
from acmidm_onboarding.engine_resources import Resource
from acmidm_onboarding.values.terms import Platform
from tests.support.command_line import CommandLine, changes_in
from tests.support.engine import Outcome, Project, settings_of
from tests.support.evidence import write_evidence
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile
from tests.support.key_ends import DAY, FIVE_YEARS, TEN_DAYS, ends
from tests.support.named_forms import write
from tests.support.offered import ATTRIBUTE, offered
from tests.support.portal import RunningPortal, register_client, running_portal
from tests.support.registry import Registry

LONG_AGO = "2020-03-31"
SECRET: dict[str, Any] = {"keys": (), "token_endpoint_auth_method": "client_secret_basic"}
TAKEN_OVER = f"taken-over-{uuid.uuid4().hex[:12]}"

Changes = dict[str, tuple[str | None, ...]]
"""The kinds of change, each with its subjects."""
NOTHING = (None,)
"""The subject of a change that has none."""
NEW: Changes = {
    "client_created": NOTHING,
    "scope_granted": (SEND,),
    "key_added": ("key-1",),
    "product_configured": ("notificaties",),
}
AGREED: dict[str, Changes] = {
    "created": {
        "client_created": NOTHING,
        "scope_granted": (SEND, DOSSIERS, PLAIN),
        "key_added": ("key-1",),
        "product_configured": ("notificaties", "dosis"),
        "attributes_changed": NOTHING,
    },
    "removed": {"client_removed": NOTHING},
    "renamed": {"client_renamed": NOTHING, "client_updated": NOTHING},
    "another": {"client_removed": NOTHING},
    "another-anders": NEW,
    "granted": {"scope_granted": (DOSSIERS,), "product_configured": ("dosis",)},
    "withdrawn": {"scope_withdrawn": (PLAIN,)},
    "key-added": {"key_added": ("key-2",)},
    "key-removed": {"key_removed": ("c",)},
    "one-key": {"key_removed": ("b",), "client_with_one_key": ("a",)},
    "key-changed": {"key_changed": ("b",)},
    "compromised": {"key_compromised": ("b",), "client_with_one_key": ("a",)},
    "without-kid": {
        "evidence_changed": (None,),
        "key_added": ("key-2",),
        "second_key_without_kid": ("key-1",),
    },
    "key-expiring": {"key_added": ("key-2",), "key_expiring": ("key-2",)},
    "configured": {
        "product_changed": ("notificaties",),
        "product_removed": ("dosis",),
        "scope_withdrawn": (DOSSIERS,),
    },
    "unconfigured": {"scope_granted": (SEND,), "product_configured": ("notificaties",)},
    "described": {"client_updated": NOTHING, "contact_to_check": ("loket@elders.example",)},
    "handed-over": {"keys_handed_over": NOTHING},
    "taken-back": {"keys_declared": NOTHING, "key_added": ("key-1",)},
    "uploads": {"client_created": NOTHING, "key_awaited": NOTHING, "scope_granted": (PLAIN,)},
    "reason": {"scope_note_changed": (SEND,)},
    "until": {"scope_renewed": (SEND,), "scope_shortened": (PLAIN,)},
    "by-default": {
        "scope_default": (SEND,),
        "scope_on_request": (PLAIN,),
        "attributes_changed": NOTHING,
    },
    "key-replaced": {"keys_replaced": NOTHING, "key_changed": ("key-1",)},
    "key-described": {"key_changed": ("a",)},
    "key-ended": {"key_added": ("key-2",), "key_expired": ("key-2",)},
    "supplied": {"mandate_changed": NOTHING},
    "exempted": {"exemption_granted": ("key-lifetime",), "key_added": ("key-2",)},
    "exempted-otherwise": {"exemption_changed": ("key-lifetime",)},
    "exempt-no-more": {"exemption_removed": ("key-lifetime",), "key_changed": ("key-1",)},
    "taken-over": {
        "client_adopted": NOTHING,
        "scope_granted": (SEND,),
        "key_added": ("key-1",),
        "product_configured": ("notificaties",),
    },
}
"""By form; of the takeover, the client-ID is known as it is made."""
AGREED_ON_LEAVING: dict[str, Changes] = {
    "weaker": {"authentication_weakened": NOTHING, "key_removed": ("key-1",)},
    "stronger": {
        "authentication_changed": NOTHING,
        "key_awaited": NOTHING,
        "secret_until_key": NOTHING,
    },
    "renewed": {"secret_renewed": NOTHING},
    "uploaded": {"authentication_weakened": NOTHING, "keys_declared": NOTHING},
    "leaving": {
        "retirement_announced": NOTHING,
        "client_retired": NOTHING,
        "protection_lifted": NOTHING,
        "scope_withdrawn": ("NotificatiesImport",),
    },
    "staying": {"retirement_called_off": NOTHING},
    "without": {
        "retirement_announced": NOTHING,
        "product_retired": ("notificaties",),
        "product_unprotected": ("notificaties",),
        "scope_withdrawn": (SEND,),
    },
    "coming": {"retirement_coming": NOTHING, "client_updated": NOTHING},
    "kept": {
        "retirement_announced": NOTHING,
        "client_let_go": NOTHING,
        "protection_lifted": NOTHING,
    },
    "back": NEW,
}
"""Those of clients that leave, or need a client secret or a second platform."""
NOT_BY_FORMS = {
    *(Kind.SECRET_RESTORED, Kind.CHANGED_OTHERWISE, Kind.CLIENT_DISABLED, Kind.CLIENT_ENABLED),
    *(Kind.CLIENT_REPLACED, Kind.CLIENT_WITHOUT_KEY, Kind.NOT_RECORDED),
    *(
        Kind.PROTECTION_RESTORED,
        Kind.PRODUCT_PROTECTED,
    ),  # of what left by one step only, which no form says
    *(Kind.CLIENT_MARKED, Kind.PRODUCT_MARKED),
    *(kind for kind in Kind if kind.row.resource is Resource.OTHER),  # of types that no form knows
}
OF_KEYCLOAK = {Kind.KEYS_AT_ADDRESS, Kind.KEYS_OFF_ADDRESS}
"""The embedded authority knows no address of keys: see test_addresses.py."""
BESIDE = {kind for kind in Kind if kind.row.resource is Resource.NONE}
ENDED = {Kind.MANDATE_ENDED, Kind.SENDS_FOR_MORE, Kind.SENDS_FOR_FEWER}
"""Of a mandate that has ended, and of organisations that a client sends for: ``test_mandates.py``
tries them."""
AT_THE_GATE = {
    Kind.EXEMPTION_STANDS,
    Kind.UNPROVEN,
    Kind.GATE_PASSED,
    Kind.HELD_BACK,
}
"""Of production that needs evidence from TNI: ``test_gate_reports.py`` tries them."""
FORMS_ALONE = {
    *(Kind.EXEMPTION_UNNEEDED, Kind.KEY_MAY_STAY, Kind.SCOPE_ENDED),
    *BESIDE,
    *AT_THE_GATE,
}
"""A stack has one environment of a form; whether an exemption exempts anything is a matter of all.
And Git alone has what else changes, and what is wanted until a day that has passed."""


def each(table: dict[str, Changes]) -> set[tuple[str, str, str | None]]:
    """Form, kind and subject of each change."""
    return {
        (form, kind, subject)
        for form, kinds in table.items()
        for kind, subjects in kinds.items()
        for subject in subjects
    }


BY_HAND = {Kind.ORDERED, Kind.CONFIRMATION_MISSING}
"""Of an authority without an API: ``tests/end_to_end/by_hand`` tries them."""


@dataclass(frozen=True)
class Reviews:
    """What was reported of one stack: brought up, with its protection lifted, and with every
    change."""

    acmidm: CommandLine
    forms: dict[str, FormFile]
    taken_over: str
    """The client-ID of the client that is taken over."""
    in_sync: Outcome
    lifted: Two
    changed: Two
    as_markdown: Outcome
    drift: dict[str, Any]

    def found(self, name: str) -> dict[str, Any]:
        """What the engine's review has of an application."""
        connections = self.changed.by_engine["connections"]
        (one,) = [one for one in connections if one["application"].startswith(name)]
        return dict(one)


@dataclass(frozen=True)
class Two:
    """A change as both sources report it."""

    by_engine: dict[str, Any]
    by_forms: dict[str, Any]


@pytest.fixture(scope="module")
def reviews(
    portal: RunningPortal,
    registry: Registry,
    random_plugin: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Reviews]:
    folder = tmp_path_factory.mktemp("sources")
    project = Project(folder / "project")
    acmidm = CommandLine(project)
    with running_geosecure(folder) as geosecure:
        key = folder / "geosecure.jwk.json"
        key.write_text(json.dumps(geosecure.operator_key.as_dict(private=True)))
        project.connect(
            portal,
            **settings_of(geosecure, Platform.GEOSECURE),
            **{"geosecure:operatorPrivateKeyFile": str(key)},
            protectClients="true",
        )
        taken_over = register_as_declared(registry)
        forms = write_forms(project)
        acmidm.keep_in_git()
        done = project.recover()  # some of them have left: a bare ``up`` cannot know that
        assert done.code == 0, done.output
        in_sync = acmidm.run("drift", "--stack", "tni")

        def reviewed(code: int) -> Two:
            by_engine = acmidm.json("review", "--stack", "tni", code=code)
            return Two(by_engine, acmidm.review_of_forms("--environment", "tni", code=code))

        project.configure({"protectClients": "false"})
        lifted = reviewed(0)
        project.configure({"protectClients": "true"})
        acmidm.commit()
        change_forms(project, forms, taken_over)
        changed = reviewed(1)
        revisions = ("--base", "HEAD^", "--head", "HEAD", "--environment", "tni")
        as_markdown = acmidm.run("review", *revisions, "--output", "markdown")
        drift = acmidm.json("drift", "--stack", "tni", code=1)
        yield Reviews(acmidm, forms, taken_over, in_sync, lifted, changed, as_markdown, drift)


@contextmanager
def running_geosecure(folder: Path) -> Iterator[RunningPortal]:
    """A GeoSecure that has one product."""
    there = {**offered(), "scopes": {"NotificatiesImport": {}}}
    notificaties = {**there["products"]["notificaties"], "scope": "NotificatiesImport"}
    there["products"] = {"notificaties": notificaties}
    with running_portal(folder / "geosecure", platform="geosecure", **there) as running:
        yield running


def register_as_declared(registry: Registry) -> str:
    """A client made by hand that is described as its form will: all that a form alone cannot
    know."""
    client = register_client(
        registry.http,
        client_name=f"Stad Gent - {TAKEN_OVER}",
        application=TAKEN_OVER,
        contacts=["api-beheer@stad-gent.example"],
        managed_by=None,
    )
    return str(client["client_id"])


def test_every_kind_that_both_can_see_is_tried() -> None:
    tried = {
        kind for table in (AGREED, AGREED_ON_LEAVING) for kinds in table.values() for kind in kinds
    }
    assert tried == set(Kind) - NOT_BY_FORMS - FORMS_ALONE - OF_KEYCLOAK - BY_HAND - ENDED


def without_engine(report: dict[str, Any]) -> dict[str, Any]:
    """What is left when all that only one of the two knows is taken away."""
    only_one = ("client_id", "form")
    connections = [
        {name: value for name, value in one.items() if name not in only_one}
        for one in report["connections"]
    ]
    for one in connections:
        one["changes"] = [
            {
                name: value
                for name, value in change.items()
                if name not in ("note", "text") or change["kind"] != "client_adopted"
            }
            for change in one["changes"]
        ]
    notes = [note for note in report["notes"] if not note.startswith(LEFT_BEHIND)]
    headline = re.sub("; also changes [^;]*", "", report["headline"])
    needed = []
    for team in report["needed"]:
        beside_none = {name: whose for name, whose in team["subjects"].items() if whose}
        needed.append({**team, "subjects": beside_none})
    return {
        **report,
        "headline": headline,
        "needed": needed,
        "other_changes": [],
        "connections": connections,
        "notes": notes,
    }


LEFT_BEHIND = "No form names these key files any more; remove them too: "


def write_forms(project: Project) -> dict[str, FormFile]:
    """A form for each kind of change, as they are before."""
    as_usual = (
        *("removed", "renamed", "another", "key-added", "without-kid", "key-expiring", "described"),
        *("handed-over", "reason", "key-replaced", "key-ended", "exempted", "unchanged"),
    )
    wanted: dict[str, dict[str, Any]] = {
        **{name: {} for name in as_usual},
        "granted": {"scopes": (SEND,)},
        "withdrawn": {"scopes": (SEND, PLAIN)},
        "until": {"scopes": (SEND, PLAIN)},
        "supplied": {"keys": ()},
        "key-removed": {"keys": ("a", "b", "c")},
        "one-key": {"keys": ("a", "b")},
        "key-changed": {"keys": ("a", "b")},
        "compromised": {"keys": ("a", "b")},
        "configured": {
            "scopes": (SEND, DOSSIERS),
            "products": {"notificaties": NOTIFICATIES, "dosis": DOSIS},
        },
        "unconfigured": {"scopes": (PLAIN,), "products": {}},
        "taken-back": {"keys": ()},
        "by-default": {"scopes": (SEND, PLAIN)},
        "key-described": {"keys": ("a", "b")},
        "exempted-otherwise": {"exemptions": exempted("a package of 2019")},
        "exempt-no-more": {"exemptions": exempted("a package of 2019")},
        "weaker": {},
        "stronger": SECRET,
        "renewed": SECRET,
        "uploaded": {"keys": ()},
        "leaving": {"platforms": ["acmidm", "geosecure"]},
        "staying": {"retire": "2999-03-31"},
        "without": {},
        "coming": {"scopes": (SEND, DOSSIERS), "retire": "2999-03-31"},
        "kept": {},
        "back": {"retire": {"on": LONG_AGO, "keep": True}},
        "left": {"retire": LONG_AGO},
    }
    forms = {name: write(project, name, **how) for name, how in wanted.items()}
    forms["by-default"].request()["scopes"][PLAIN] = {"default": True}
    forms["by-default"].request()["attributes"] = {ATTRIBUTE: "loket"}
    forms["by-default"].save()
    forms["until"].request()["scopes"][SEND] = {"until": "2998-12-31"}
    forms["until"].save()
    forms["supplied"].use_supplier("theirs")
    for name in ("exempted-otherwise", "exempt-no-more"):
        ends(forms[name], "key-1", FIVE_YEARS)
    ends(forms["unchanged"], "key-1", TEN_DAYS)
    return forms


def change_those_that_leave(forms: dict[str, FormFile]) -> None:
    """And those with a secret."""
    forms["weaker"].document["token_endpoint_auth_method"] = "client_secret_basic"
    del forms["weaker"].request()["jwks"]
    del forms["stronger"].document["token_endpoint_auth_method"]
    forms["renewed"].request()["secret_generation"] = 2
    forms["uploaded"].document["token_endpoint_auth_method"] = "client_secret_basic"
    forms["leaving"].document["retire"] = {"geosecure": LONG_AGO}
    del forms["staying"].document["retire"]
    forms["without"].document["retire"] = {"notificaties": LONG_AGO}
    forms["kept"].document["retire"] = {"on": LONG_AGO, "keep": True}
    del forms["back"].document["retire"]
    for name in ("coming", "left"):
        forms[name].document["contacts"] = ["loket@stad-gent.example"]


def exempted(reason: str) -> dict[str, Any]:
    return {"key-lifetime": {"reason": reason, "reference": "SD-4810"}}


def change_forms(project: Project, forms: dict[str, FormFile], client_id: str) -> None:
    """Makes each change, and new forms, one of which takes over ``client_id``."""
    created = write(project, "created", scopes=(SEND, DOSSIERS, PLAIN))
    created.request()["scopes"][PLAIN] = {"default": True}
    created.request()["attributes"] = {ATTRIBUTE: "balie"}
    created.save()
    write(project, "uploads", scopes=(PLAIN,), keys=())
    taken_over = write(project, "taken-over", application=TAKEN_OVER)
    taken_over.request()["adopt"] = {"acmidm": client_id}
    taken_over.save()
    forms["removed"].path.unlink()
    forms["another"].document["application"] += "-anders"
    forms["renamed"].document["formerly"] = forms["renamed"].application
    forms["renamed"].document["application"] = f"renamed-{uuid.uuid4().hex[:12]}"
    forms["granted"].request()["scopes"][DOSSIERS] = {
        "reason": "dossiers | in `Mijn Burgerprofiel`",
        "reference": "SD-4711",
    }
    forms["granted"].request()["products"]["dosis"] = dict(DOSIS)
    del forms["withdrawn"].request()["scopes"][PLAIN]
    forms["key-added"].add_key("key-2")
    forms["key-removed"].request()["jwks"].pop()
    forms["one-key"].request()["jwks"].pop()
    forms["key-changed"].request()["jwks"].pop()
    forms["key-changed"].add_key("b")
    forms["compromised"].request()["jwks"][1] = {
        "file": forms["compromised"].request()["jwks"][1],
        "compromised": True,
    }
    proven = forms["without-kid"]
    private = proven.keys["key-1"].as_dict(private=True)
    write_evidence(
        proven.path.parent,
        private,
        organisation=proven.code,
        application=proven.application,
        signs_with_kid=False,
    )
    proven.add_key("key-2")
    for name, seconds in {
        "key-expiring": TEN_DAYS,
        "key-ended": -TEN_DAYS,
        "exempted": FIVE_YEARS,
    }.items():
        forms[name].add_key("key-2")
        ends(forms[name], "key-2", seconds)
    forms["key-replaced"].request()["jwks"].pop()
    forms["key-replaced"].add_key("key-1")
    ends(forms["key-described"], "a", 100 * DAY)
    forms["configured"].request()["products"]["notificaties"]["merk_code"] = "gent"
    forms["configured"].request()["products"]["notificaties"]["product_ids"] = ["10244", "10245"]
    del forms["configured"].request()["products"]["dosis"]
    del forms["configured"].request()["scopes"][DOSSIERS]
    forms["unconfigured"].request()["scopes"][SEND] = {}
    forms["unconfigured"].request()["products"]["notificaties"] = dict(NOTIFICATIES)
    forms["described"].document["contacts"] = ["loket@stad-gent.example", "loket@elders.example"]
    forms["unchanged"].rename("gent/moved-here")
    del forms["handed-over"].request()["jwks"]
    forms["taken-back"].add_key("key-1")
    mandates = forms["supplied"].path.with_name("mandates.yaml")
    mandates.write_text(mandates.read_text().replace("2999-12-31", "2999-06-30"))
    forms["exempted"].document["exemptions"] = exempted("a package that knows no other")
    forms["exempted-otherwise"].document["exemptions"] = exempted("a package of 2024")
    del forms["exempt-no-more"].document["exemptions"]
    ends(forms["exempt-no-more"], "key-1", 100 * DAY)
    forms["by-default"].request()["scopes"].update({SEND: {"default": True}, PLAIN: {}})
    forms["by-default"].request()["attributes"] = {ATTRIBUTE: "balie"}
    forms["reason"].request()["scopes"][SEND] = {"reason": "berichten"}
    forms["until"].request()["scopes"][SEND] = {"until": "2999-12-31"}
    forms["until"].request()["scopes"][PLAIN] = {"until": "2999-12-31"}
    change_those_that_leave(forms)
    for name, form in forms.items():
        if name != "removed":
            form.save()


def test_engine_and_forms_agree(reviews: Reviews) -> None:
    """For every kind of change that forms can have, the two sources make the same report, word for
    word."""
    by_engine, by_forms = reviews.changed.by_engine, reviews.changed.by_forms
    assert without_engine(by_engine) == without_engine(by_forms)
    assert by_engine["unchanged"] == {"tni": 1}, "a form that was moved changes nothing"
    assert changes_in(by_engine) == {
        (form, kind, reviews.taken_over if kind == "client_adopted" else of)
        for form, kind, of in each({**AGREED, **AGREED_ON_LEAVING})
    }
    assert by_forms["notes"][0] == f"{LEFT_BEHIND}onboardings/gent/removed-key-1.jwk.json."
    (other,) = by_engine["notes"]
    assert (
        ", other clients than those that go:"
        f" OVO002067/another-{reviews.forms['another'].application[8:20]}, OVO002067/removed-"
        in other
    )
    assert other.endswith(
        "To keep one of these under another name, write formerly in its form, or in"
        " organisation.yaml for another code."
    )


def test_a_review_describes_each_change(reviews: Reviews) -> None:
    described = reviews.found("key-described")["changes"][0]
    assert [field["field"] for field in described["fields"]] == ["exp"]
    assert described["text"].startswith("describes key a otherwise: exp none → ")
    assert {
        (change["kind"], change["text"])
        for name in ("by-default", "created")
        for change in reviews.found(name)["changes"]
    } >= {
        ("scope_default", f"gets scope {SEND} in every token, whatever its request names"),
        ("attributes_changed", f"has other attributes in its tokens: {ATTRIBUTE} loket → balie"),
        ("attributes_changed", f"has other attributes in its tokens: {ATTRIBUTE} none → balie"),
        ("scope_granted", f"gains scope {PLAIN} (owner Digitaal Vlaanderen, by default)"),
    }
    granted = reviews.found("granted")
    assert granted["changes"][0]["note"] == "dossiers | in `Mijn Burgerprofiel` (SD-4711)"
    assert (granted["changes"][0]["owner"], granted["changes"][0]["verified"]) == (
        "Digitaal Vlaanderen",
        False,
    )
    assert granted["form"] == "gent/granted"
    handed_over = reviews.found("handed-over")["changes"][0]
    assert [field["field"] for field in handed_over["fields"]] == ["key-1"]


def test_they_agree_on_what_protection_stops(reviews: Reviews) -> None:
    """A protected client that goes or is replaced is refused by both, and nobody did it by hand.

    The reason stands beside the report too: a job writes that to a file, and nobody sees it in the
    log.
    """
    refused = reviews.changed.by_forms
    names = ("another", "configured", "removed")
    assert [
        problem.partition(": its client is protected")[0] for problem in refused["problems"]
    ] == [reviews.forms[name].key.removesuffix("-anders") for name in names]
    assert reviews.changed.by_engine["headline"] == (
        "1 client is exempted from 1 policy, 2 clients are removed, 1 client takes over a client,"
        " 40 more kinds of change on tni; what is refused is held back"
    )
    shown = reviews.as_markdown
    assert (shown.code, shown.stdout.splitlines()[0]) == (1, f"### {refused['headline']}")
    assert all(f"\n- **refused** {problem}\n" in shown.stdout for problem in refused["problems"])
    assert shown.stderr.splitlines() == [f"refused: {problem}" for problem in refused["problems"]]
    drift = reviews.drift
    assert (drift["by_hand"], drift["problems"]) == ([], refused["problems"])
    assert ("removed", "client_removed", None) in changes_in(drift, "not_applied")


def test_they_agree_that_the_protection_of_all_is_lifted(reviews: Reviews) -> None:
    by_engine, by_forms = reviews.lifted.by_engine, reviews.lifted.by_forms
    assert without_engine(by_engine) == without_engine(by_forms)
    there = reviews.forms.keys() - {"back", "left"}
    assert changes_in(by_forms) == {
        *((name, "protection_lifted", None) for name in there),
        ("staying", "retirement_coming", None),
        ("coming", "retirement_coming", None),
        ("unchanged", "key_expiring", "key-1"),
    }


def test_a_stack_with_two_platforms_is_in_sync(reviews: Reviews) -> None:
    """A product is read where clients have it: GeoSecure offers one."""
    assert reviews.in_sync.code == 0, reviews.in_sync.output


@pytest.mark.exhaustive
def test_a_repair_leaves_what_is_protected(project: Project, registry: Registry) -> None:
    """A product with the configuration of a client that somebody removed."""
    registry.clear()
    project.configure({"protectClients": True})
    form = write(project, "kept")
    write(project, "other")  # an authority without any recorded client would be a wrong one
    project.apply()
    registry.remove(registry.client(form.application)["client_id"])
    healed = CommandLine(project).json("drift", "--stack", "tni", "--heal", code=1)
    (problem,) = healed["problems"]
    assert problem.startswith(f"{form.key}: its client is protected: ")
