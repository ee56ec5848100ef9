"""What reports have of the gate to production, and whom to ask for the right to upload a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from beheerportaal.users import add_user, set_right
from tests.report.conftest import CommandLine, changes_in, write
from tests.support.engine import Project
from tests.support.evidence import write_evidence
from tests.support.forms import PLAIN, FormFile
from tests.support.portal import RunningPortal

_EXEMPT = {"promotion-gate": {"reason": "a system of before, replaced in 2027", "reference": "SD-4810"}}


@pytest.fixture
def gated(project: Project) -> Project:
    """A project whose stack is production's, with the gate; its commands look at forms and evidence, and no engine."""
    project.configure({"environment": "prod", "promotionGate": "enforce"})
    return project


def for_both(project: Project, name: str, **how: Any) -> FormFile:
    form = write(project, name, scopes=(PLAIN,), keys=("tni-key",), **how)
    form.document["environments"]["prod"] = {"scopes": {PLAIN: {}}}
    form.add_key("prod-key", "prod")
    form.save()
    return form


def prove(form: FormFile, *scopes: str, kid: str = "tni-key") -> Path:
    private = form.keys[kid].as_dict(private=True)
    return write_evidence(form.path.parent, private, application=form.application, scopes=list(scopes))


def of_gate(report: dict[str, Any]) -> set[tuple[str, str]]:
    kinds = ("held_back", "gate_passed", "unproven", "exemption_granted", "exemption_stands")
    return {(name, kind) for name, kind, _ in changes_in(report) if kind in kinds}


def test_a_review_of_revisions_says_what_is_held_back_and_what_passes_now(gated: Project, acmidm: CommandLine) -> None:
    """What a change adds needs evidence; evidence that is added is what lets a form through; an exemption comes first, each time."""
    before, loket = for_both(gated, "before"), for_both(gated, "loket")
    acmidm.keep_in_git()

    added, exempted = for_both(gated, "added"), for_both(gated, "exempted", exemptions=_EXEMPT)
    before.document["contacts"] = ["elders@stad-gent.example"]
    before.save()
    evidence = prove(loket, PLAIN)
    report = acmidm.review_of_forms()
    assert of_gate(report) == {("added", "held_back"), ("exempted", "exemption_granted"), ("loket", "gate_passed")}
    first = report["connections"][0]
    assert (first["environment"], first["changes"][0]["kind"]) == ("prod", "exemption_granted")
    (text,) = [change["text"] for one in report["connections"] for change in one["changes"] if change["kind"] == "held_back"]
    assert "there is no evidence from TNI; run acmidm probe" in text

    evidence.unlink()
    prove(added, "vo")
    loket.request("prod")["scopes"]["vo"] = {}
    exempted.request("prod")["scopes"]["vo"] = {}
    for form in (loket, exempted):
        form.save()
    report = acmidm.review_of_forms()
    assert of_gate(report) == {("loket", "held_back"), ("exempted", "exemption_stands")}
    assert [change["kind"] for change in report["connections"][0]["changes"]] == ["exemption_stands", "scope_granted"]

    prove(exempted, PLAIN, "vo")
    exempted.document["contacts"] = ["elders@stad-gent.example"]
    exempted.save()
    assert ("exempted", "exemption_unneeded", "promotion-gate") in changes_in(acmidm.review_of_forms())

    gated.configure({"promotionGate": "warn"})
    for_both(gated, "warned")
    assert of_gate(acmidm.review_of_forms()) == {("warned", "unproven")}
    gated.configure({"promotionGate": "off"})
    for_both(gated, "free")
    assert of_gate(acmidm.review_of_forms()) == set()


def test_validate_lists_what_is_missing_and_stays_well(gated: Project, acmidm: CommandLine) -> None:
    """From forms and evidence alone, per form; nothing where no stack has the gate."""
    loket, proven = for_both(gated, "loket"), for_both(gated, "proven")
    prove(proven, PLAIN)
    outcome = acmidm.run("validate")
    assert outcome.code == 0, outcome.output
    assert [line.partition(";")[0] for line in outcome.stdout.splitlines()[1:]] == [
        "not proven on TNI, so that production gets nothing of it that it does not have already:",
        "  gent/loket on prod: there is no evidence from TNI",
    ]
    file = prove(loket, PLAIN)
    file.write_text(file.read_text().replace('"payload": "', '"payload": "e'))
    assert "gent/loket on prod: its evidence from TNI counts as none, for " in acmidm.run("validate").stdout
    gated.configure({"promotionGate": "off"})
    assert len(acmidm.run("validate").stdout.splitlines()) == 1


def test_what_has_left_is_not_held_back(gated: Project, acmidm: CommandLine) -> None:
    """No command wants evidence of a connection that no run declares any more."""
    acmidm.keep_in_git()
    for_both(gated, "weg", retire="2020-03-31")
    for_both(gated, "bewaard", preserve=True)
    assert acmidm.run("validate").stdout.splitlines() == ["2 forms, 4 connections: all valid"]
    assert of_gate(acmidm.json("review", "--stack", "tni")) == set()
    assert of_gate(acmidm.review_of_forms()) == set()


def test_promote_has_evidence_and_rights_among_its_checks(gated: Project, acmidm: CommandLine, portal: RunningPortal) -> None:
    """Required where production has the gate. Who may upload a key is seen with --stack alone, and whom to ask where nobody may."""
    loket = for_both(gated, "loket", organisation={"name": "Gemeente Wingene", "ovo": "OVO019997", "kbo": "0207498044"})
    del loket.request("prod")["jwks"]
    loket.save()

    def proven() -> tuple[bool, bool, bool]:
        report = acmidm.json("promote", str(loket.path))
        (check,) = [check for check in report["checks"] if check["name"] == "proven"]
        return check["passed"], check["required"], report["ready"]

    assert proven() == (False, True, False)
    prove(loket, "vo")
    assert proven() == (False, True, False)
    write_evidence(loket.path.parent, loket.keys["tni-key"].as_dict(private=True), organisation="OVO019997",
        application=loket.application, scopes=[PLAIN])  # fmt: skip
    assert proven() == (True, True, True)

    words = ("promote", str(loket.path), "--stack", "tni")
    assert acmidm.run(*words).stderr == (
        "warning: Gemeente Wingene has nobody with the right API-beheerder on prod (acmidm), who could upload the key of "
        f"{loket.application} in the Beheerportaal; ask its Lokale Beheerder, or phone 1700, choice 5\n"
    )
    add_user(portal.settings.database, "van-wingene", ["0207.498.044"], api_beheerder=False)
    assert "nobody with the right" in acmidm.run(*words).stderr
    set_right(portal.settings.database, "van-wingene", api_beheerder=True)
    assert acmidm.run(*words).stderr == ""


def test_deploy_and_review_say_whom_to_ask_for_the_right(project: Project, acmidm: CommandLine, portal: RunningPortal) -> None:
    """A review of a client that is new, deploy after each run; no longer once somebody has the right."""
    form = write(project, "wacht", keys=(), scopes=(PLAIN,), organisation={"name": "Stad Roeselare", "ovo": "OVO019996"})
    warning = "warning: Stad Roeselare has nobody with the right API-beheerder on tni (acmidm), who could upload the key of "
    assert f"{warning}{form.application} in the Beheerportaal; ask its Lokale Beheerder" in acmidm.run("review", "--stack", "tni").stderr
    deployed = project.recover()
    assert deployed.code == 0, deployed.output
    assert warning in deployed.stderr
    assert acmidm.run("review", "--stack", "tni").stderr == "", "it is no new client any more"
    add_user(portal.settings.database, "van-roeselare", ["OVO019996"], api_beheerder=True)
    assert warning not in project.recover().stderr
