"""What a change of Git says of suppliers and mandates: who is reached, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.forms import NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.repository import Repository, repository

__all__ = ["repository"]

ENDED = "2020-12-31"


def of_town(repository: Repository, name: str) -> FormFile:
    how: dict[str, Any] = {
        "application": name.partition("/")[2],
        "scopes": (PLAIN,),
        "keys": (),
        "environment": "prod",
    }
    return write_form(repository.folder / "onboardings", name, **how)


@pytest.fixture
def town(repository: Repository) -> FormFile:
    """A town whose form has the keys of a supplier, beside one whose form has them too."""
    town = write_form(
        repository.folder / "onboardings",
        "aalst/balie",
        application="balie",
        scopes=(PLAIN,),
        environment="prod",
        keys=(),
    )
    for form in (town, repository.form):
        form.use_supplier("theirs", environment="prod")
    repository.merge()
    return town


def kinds(repository: Repository, code: int = 0) -> dict[str, list[str]]:
    report: dict[str, Any] = repository.report(code)
    return {
        one["form"]: [change["kind"] for change in one["changes"]] for one in report["connections"]
    }


def test_a_rotation_reaches_all_who_have_the_key(repository: Repository, town: FormFile) -> None:
    """It is one key, whoever gets it. Three that change alike are shown once, and another one
    apart; programs get each."""
    for name in ("zele/balie", "lede/balie"):
        of_town(repository, name).use_supplier("theirs", environment="prod")
    repository.merge()
    town.use_supplier("theirs", "new", environment="prod")
    repository.form.document["contacts"] = ["ander@stad-gent.example"]
    repository.form.save()
    report = repository.report()
    assert report["headline"].startswith("4 clients gain 1 key, ")
    assert len(report["connections"]) == 4
    text = repository.review().stdout
    assert "\n3 clients · balie\n" in text
    assert "\n  each     aalst/balie; lede/balie; zele/balie\n" in text
    assert "\nStad Gent · loket  " in text
    assert text.count("gains key new") == 2
    page = repository.review("--output", "markdown").stdout
    assert page.count("gains key") == 2
    assert "\n- **3 clients** · balie\n" in page


def test_what_an_end_takes_is_shown_once(repository: Repository, town: FormFile) -> None:
    """With the change that ends it; a later change shows what a form has besides, and a new mandate
    what it gives."""
    town.use_supplier("theirs", environment="prod", until=ENDED)
    assert kinds(repository) == {"aalst/balie": ["mandate_changed", "scope_withdrawn"]}
    repository.merge()
    assert kinds(repository) == {}
    town.use_supplier("theirs", environment="prod", until="2999-06-30")
    assert kinds(repository) == {"aalst/balie": ["mandate_changed", "scope_granted"]}


def test_a_town_ends_a_mandate_by_taking_it_out(repository: Repository, town: FormFile) -> None:
    """As one that ended; a form that comes to need one is refused, as a new one is."""
    mandates = town.path.with_name("mandates.yaml")
    given = mandates.read_text()
    mandates.unlink()
    assert kinds(repository) == {"aalst/balie": ["mandate_changed", "scope_withdrawn"]}
    repository.merge()
    assert kinds(repository) == {}
    mandates.write_text(given)
    assert kinds(repository) == {"aalst/balie": ["mandate_changed", "scope_granted"]}
    own = of_town(repository, "zele/balie")
    repository.merge()
    own.use_supplier("theirs", environment="prod")
    own.path.with_name("mandates.yaml").unlink()
    assert "mandate_ended" in kinds(repository, code=1)["zele/balie"]
    [problem] = repository.report(code=1)["problems"]
    assert problem.startswith("zele/balie on prod: Zele has no mandate that lets leverancier act")


@pytest.mark.usefixtures("town")
def test_a_supplier_takes_its_keys_out(repository: Repository) -> None:
    """Whoever names it: nobody needs to have agreed before, and no form of others stops it."""
    (repository.folder / "onboardings" / "leverancier" / "keys.yaml").unlink()
    found = kinds(repository)
    assert found.keys() == {"aalst/balie", "gent/loket"}
    assert "client_without_key" in found["aalst/balie"]
    assert "scope_withdrawn" in found["aalst/balie"]


def test_a_change_of_a_form_without_mandate_is_refused(
    repository: Repository, town: FormFile
) -> None:
    """A rotation of its supplier is not, nor a change of another form, nor that the form goes."""
    town.use_supplier("theirs", environment="prod", until=ENDED)
    repository.merge()
    town.document["contacts"] = ["ander@aalst.example"]
    town.save()
    assert kinds(repository, code=1) == {"aalst/balie": ["mandate_ended"]}
    assert repository.report(code=1)["problems"] == [
        f"aalst/balie on prod: the mandate of leverancier ended on {ENDED}: nothing of the form is"
        " carried out, and the client's scopes and then its keys are withdrawn; a later mandate"
        " goes into mandates.yaml"
    ]
    repository.merge()
    town.use_supplier("theirs", "new", environment="prod", until=ENDED)
    assert kinds(repository) == {"gent/loket": ["key_added"]}
    repository.merge()
    for file in (town.path, town.path.with_name("mandates.yaml")):
        file.unlink()
    assert kinds(repository, code=1) == {"aalst/balie": ["client_removed"]}
    new = write_form(
        repository.folder / "onboardings",
        "zele/nieuw",
        application="nieuw",
        scopes=(PLAIN,),
        environment="prod",
        keys=(),
    )
    new.use_supplier("theirs", environment="prod", until=ENDED)
    assert kinds(repository, code=1)["zele/nieuw"] == ["mandate_ended"]


def test_a_mandate_that_no_form_uses_is_shown_too(repository: Repository, town: FormFile) -> None:
    """One that a form has is shown with its client alone."""
    mandates = town.path.with_name("mandates.yaml")
    lets = json.loads(mandates.read_text())["mandates"]
    later = {**lets[0], "applications": ["later"], "until": "2030-01-31", "reference": "M-1"}
    for written, said in (
        ([*lets, later], "none → 2030-01-31 (M-1)"),
        ([*lets, {**later, "until": "2031-01-31"}], "2030-01-31 (M-1) → 2031-01-31 (M-1)"),
        (lets, "2031-01-31 (M-1) → none"),
    ):
        mandates.write_text(json.dumps({"mandates": written}))
        report = repository.report()
        assert report["headline"].endswith("also changes what suppliers may do")
        assert [change["text"] for change in report["other_changes"]] == [
            f"also changes what suppliers may do, in aalst/mandates.yaml: leverancier: later {said}"
        ]
        assert report["connections"] == []
        repository.merge()
    town.use_supplier("theirs", environment="prod", until="2998-12-31")
    assert repository.other_changes() == []
    assert kinds(repository) == {"aalst/balie": ["mandate_changed"]}


def test_a_mandate_that_ends_proves_nothing(repository: Repository, town: FormFile) -> None:
    """What is not asked any more passes no gate; nor is what has an exemption proven."""
    repository.set("prod", promotionGate="enforce")
    repository.merge()
    town.path.with_name("mandates.yaml").unlink()
    assert kinds(repository) == {"aalst/balie": ["mandate_changed", "scope_withdrawn"]}


def test_a_first_mandate_and_the_end_of_the_last_are_said_so(repository: Repository) -> None:
    own = of_town(repository, "zele/balie")
    own.add_key("own", "prod")
    own.save()
    repository.merge()
    jwks = own.request("prod")["jwks"]
    own.use_supplier("theirs", environment="prod", until="2998-12-31")
    said = repository.of_client("balie")["mandate_changed"]["text"]
    assert said == "is acted for by a supplier: supplier leverancier, until 2998-12-31"
    repository.merge()
    own.use_supplier("theirs", environment="prod", until="2999-12-31")
    said = repository.of_client("balie")["mandate_changed"]["text"]
    assert said == "is acted for by another mandate: until 2998-12-31 → 2999-12-31"
    own.use_supplier("theirs", environment="prod", until="2998-12-31")
    own.request("prod")["jwks"] = jwks
    del own.document["keys_of"]
    own.save()
    own.path.with_name("mandates.yaml").unlink()
    said = repository.of_client("balie")["mandate_changed"]["text"]
    assert said == (
        "is acted for by mandate no more: supplier leverancier → none, until 2998-12-31 → none"
    )


def test_another_day_to_send_for_a_town_is_shown(repository: Repository, town: FormFile) -> None:
    """Its client does not have that day."""
    form = repository.form
    form.request("prod")["afzenders"] = ["aalst"]
    form.request("prod")["scopes"] = {SEND: {}}
    form.request("prod")["products"] = {"notificaties": dict(NOTIFICATIES)}
    form.save()
    mandates = town.path.with_name("mandates.yaml")
    [lets] = json.loads(mandates.read_text())["mandates"]
    sends = {"supplier": "gent", "connections": [form.key], "until": "2998-12-31"}
    mandates.write_text(json.dumps({"mandates": [lets, sends]}))
    town.organisation["speaks_for"] = {"merk_code": ["aalst"]}
    repository.merge()
    later = {**sends, "until": "2999-12-31"}
    mandates.write_text(json.dumps({"mandates": [lets, later]}))
    assert repository.other_changes() == [
        "also changes what suppliers may do, in aalst/mandates.yaml:"
        f" gent: {form.key} 2998-12-31 → 2999-12-31"
    ]
