"""What reports have of the gate to production."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from acmidm.engine import pulumi as engine
from acmidm.engine import stacks
from tests.support.evidence import write_evidence
from tests.support.forms import PLAIN, FormFile
from tests.support.repository import Repository, repository

__all__ = ["repository"]

_EXEMPT = {
    "promotion-gate": {"reason": "a system of before, replaced in 2027", "reference": "SD-4810"}
}


@pytest.fixture
def gated(repository: Repository) -> Repository:
    """A repository whose production has the gate, and its form "loket" for both environments."""
    repository.set("prod", promotionGate="enforce")
    repository.form = for_both(repository, "loket")
    repository.merge()
    return repository


def for_both(repository: Repository, name: str, **how: Any) -> FormFile:
    form = repository.write(name, environment="tni", keys=("tni-key",), **how)
    form.document["environments"]["prod"] = {"scopes": {PLAIN: {}}}
    form.add_key("prod-key", "prod")
    form.save()
    return form


def prove(form: FormFile, *scopes: str) -> Path:
    private = form.keys["tni-key"].as_dict(private=True)
    return write_evidence(
        form.path.parent,
        private,
        organisation=form.code,
        application=form.application,
        scopes=list(scopes),
    )


def reviewed(repository: Repository) -> tuple[set[tuple[str, str]], list[dict[str, Any]]]:
    """What a change of production has of the gate, and its clients, the most dangerous first; then
    it is merged."""
    connections = [
        one for one in repository.report()["connections"] if one["environment"] == "prod"
    ]
    repository.merge()
    kinds = (
        "held_back",
        "gate_passed",
        "unproven",
        "exemption_granted",
        "exemption_stands",
        "exemption_unneeded",
    )
    found = {
        (one["application"], change["kind"])
        for one in connections
        for change in one["changes"]
        if change["kind"] in kinds
    }
    return found, connections


def test_a_review_of_revisions_says_what_is_held_back_and_what_passes_now(
    gated: Repository,
) -> None:
    """What a change adds needs evidence; evidence that is added is what lets a form through; an
    exemption comes first, each time."""
    before, loket = for_both(gated, "before"), gated.form
    gated.merge()

    added, exempted = for_both(gated, "added"), for_both(gated, "exempted", exemptions=_EXEMPT)
    before.document["contacts"] = ["elders@stad-gent.example"]
    before.save()
    evidence = prove(loket, PLAIN)
    found, connections = reviewed(gated)
    assert found == {
        ("added", "held_back"),
        ("exempted", "exemption_granted"),
        ("loket", "gate_passed"),
    }
    (text,) = [
        change["text"]
        for one in connections
        for change in one["changes"]
        if change["kind"] == "gate_passed"
    ]
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert text.endswith(
        f"lets it through to production, by evidence of {today} from https://tni.example/op"
    )
    assert connections[0]["changes"][0]["kind"] == "exemption_granted"
    (text,) = [
        change["text"]
        for one in connections
        for change in one["changes"]
        if change["kind"] == "held_back"
    ]
    assert "there is no evidence from TNI; run acmidm probe" in text

    evidence.unlink()
    prove(added, "vo")
    (on_tni,) = [
        one
        for one in gated.report()["connections"]
        if (one["environment"], one["application"]) == ("tni", "loket")
    ]
    assert [change["text"] for change in on_tni["changes"]] == [
        "has other evidence that it works: none any more"
    ]
    for form in (loket, exempted):
        form.request("prod")["scopes"]["vo"] = {}
        form.save()
    found, connections = reviewed(gated)
    assert found == {("loket", "held_back"), ("exempted", "exemption_stands")}
    assert [change["kind"] for change in connections[0]["changes"]] == [
        "exemption_stands",
        "scope_granted",
    ]

    prove(exempted, PLAIN, "vo")
    exempted.document["contacts"] = ["elders@stad-gent.example"]
    exempted.save()
    assert reviewed(gated)[0] == {
        ("exempted", "exemption_stands"),
        ("exempted", "exemption_unneeded"),
    }
    for mode, said in {"warn": {("warn", "unproven")}, "off": set()}.items():
        gated.set("prod", promotionGate=mode)
        gated.merge()
        for_both(gated, mode)
        assert reviewed(gated)[0] == said


def test_validate_lists_what_is_missing_and_stays_well(gated: Repository) -> None:
    """From forms and evidence alone, per form; nothing where no stack has the gate."""
    prove(for_both(gated, "proven"), PLAIN)
    gated.commit()
    assert [line.partition(";")[0] for line in gated.run("validate").stdout.splitlines()[1:]] == [
        "not proven on TNI, so that production gets nothing of it that it does not have already:",
        "  gent/loket on prod: there is no evidence from TNI",
    ]
    file = prove(gated.form, PLAIN)
    file.write_text(file.read_text().replace('"payload": "', '"payload": "e'))
    assert (
        "gent/loket on prod: its evidence from TNI counts as none, for "
        in gated.run("validate").stdout
    )
    gated.set("prod", promotionGate="off")
    gated.commit()
    assert len(gated.run("validate").stdout.splitlines()) == 1


def test_what_has_left_is_not_held_back(gated: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command wants evidence of a connection that no run declares any more; a review of a stack
    does of the others."""
    prove(gated.form, PLAIN)
    gated.merge()
    for_both(gated, "weg", retire="2020-03-31")
    for_both(gated, "bewaard", retire={"on": "2020-03-31", "keep": True})
    gated.commit()
    assert gated.run("validate").stdout.splitlines() == ["3 forms, 6 connections: all valid"]
    assert reviewed(gated)[0] == set()
    for_both(gated, "nieuw")
    monkeypatch.setattr(engine, "stack_deployment", lambda _: {})
    held_back = {
        one.connection.key
        for one in stacks.stack_of("prod").desired.held_back
        if not one.is_declared
    }
    assert held_back == {"OVO002067/loket", "OVO002067/nieuw"}, "no stack has proven it"
