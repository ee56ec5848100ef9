"""A supplier for two towns, with one key for their clients, or one client for both: what an ended
mandate takes from the one and leaves the other, run by run."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from tests.support.engine import Project
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.messages import DOSSIER, NOTIFICATION
from tests.support.portal import RunningPortal, sign_assertion
from tests.support.registry import Registry, kids

ENDED = "2020-12-31"


def until(town: FormFile, day: str) -> None:
    town.use_supplier("theirs", until=day)


def reviewed(project: Project) -> dict[str, list[str]]:
    """The kinds of change in the engine's review, per form."""
    report = json.loads(project.acmidm("review", "--stack", "tni", "--output", "json").stdout)
    return {
        one["form"]: [change["kind"] for change in one["changes"]] for one in report["connections"]
    }


def test_scopes_go_and_then_the_key_of_that_connection_alone(
    project: Project, portal: RunningPortal, registry: Registry
) -> None:
    """Nothing else of its form is carried out meanwhile; a later mandate gives all of it back."""
    town, other = (
        write_form(project.forms, f"{folder}/loket", scopes=(SEND, PLAIN), keys=())
        for folder in ("aalst", "gent")
    )
    for form in (town, other):
        form.use_supplier("theirs")
    key = town.keys["theirs"]
    project.apply()
    before, of_other = registry.client(town.application), registry.client(other.application)

    def token(form: FormFile) -> int:
        client_id = registry.client(form.application)["client_id"]
        return portal.request_token(
            sign_assertion(key, client_id, portal.issuer), scope=PLAIN
        ).status_code

    assert (token(town), token(other)) == (200, 200)
    until(town, ENDED)
    town.document["contacts"] = ["ander@aalst.example"]
    town.save()
    said = project.acmidm("validate")
    assert said.code == 0, said.output
    assert (
        f"not carried out: aalst/loket on tni: the mandate of leverancier ended on {ENDED}"
        in said.stdout
    )
    assert reviewed(project) == {
        "aalst/loket": ["mandate_ended", "mandate_changed", "scope_withdrawn", "scope_withdrawn"]
    }
    project.apply()
    there = registry.client(town.application)
    assert set(there["scopes"]) - {"vo_info"} == set()
    assert (kids(there), there["contacts"]) == ({"theirs"}, before["contacts"])
    assert (token(town), token(other)) == (400, 200)
    assert (
        f"mandate  leverancier ENDED {ENDED}"
        in project.acmidm("status", "aalst", "--stack", "tni").stdout
    )
    assert (
        "van leverancier, met een mandaat tot en met 31 december 2020"
        in project.acmidm("status", "--board", "aalst").stdout
    )
    assert reviewed(project)["aalst/loket"] == [
        *("mandate_ended", "client_without_key", "key_removed")
    ]
    project.apply()
    assert kids(registry.client(town.application)) == set()
    project.in_sync()
    drift = project.acmidm("drift", "--stack", "tni")
    assert drift.code == 0, drift.output
    assert registry.client(other.application) == of_other

    until(town, "2999-06-30")
    project.apply()
    again = registry.client(town.application)
    assert (again["scopes"], kids(again), again["contacts"]) == (
        before["scopes"],
        {"theirs"},
        ["ander@aalst.example"],
    )
    assert token(town) == 200
    project.in_sync()


def town_of(forms: Path, name: str, application: str, until: str = "2999-12-31") -> None:
    """A town without forms that lets the supplier send for it, under names of its own."""
    (folder := forms / name).mkdir(exist_ok=True)
    code = {"aalst": "OVO001992", "zele": "OVO002339"}[name]
    speaks_for = {"merk_code": [f"stad-{name}"], "bron_uri": [f"urn://{name}/loket"]}
    organisation = {"name": f"Stad {name.title()}", "ovo": code, "speaks_for": speaks_for}
    (folder / "organisation.yaml").write_text(json.dumps(organisation))
    mandate = {"supplier": "gent", "applications": [application], "until": until}
    (folder / "mandates.yaml").write_text(json.dumps({"mandates": [mandate]}))


def test_one_client_sends_for_many_and_for_each_by_its_own_mandate(
    project: Project, portal: RunningPortal
) -> None:
    """The products accept what is of a registered sender alone; the review and the list name them
    together."""
    form = write_form(project.forms, "gent/berichten", scopes=(SEND, DOSSIERS))
    project.apply()
    for name in ("aalst", "zele"):
        town_of(project.forms, name, form.application)
    form.request()["afzenders"] = ["zele", "aalst"]
    form.save()
    review = project.acmidm("review", "--stack", "tni").stdout
    for product in ("dosis", "notificaties"):
        assert (
            f"sends for more organisations through {product}: 2 (Stad Aalst, Stad Zele)" in review
        )
    project.apply()
    project.in_sync()
    assert "acts for Stad Aalst, Stad Zele" in project.acmidm("status", "--stack", "tni").stdout
    client_id, key, number = project.client_id(form), form.keys["key-1"], iter(range(100))

    def sent(name: str) -> tuple[int, int]:
        """What both products answer to a message for a town."""
        notification = {**NOTIFICATION, "MerkCode": f"stad-{name}", "Id": f"n-{next(number)}"}
        source = {"Bron": f"urn://{name}/loket", "DossierNummer": "2026-17"}
        calls = (
            ("notificaties", "/api/v2/notificaties", notification),
            (
                "dosis",
                "/api/v2/dosis/dossiers",
                {**DOSSIER, "UploadId": None, "Identificatie": source, "Agenten": []},
            ),
        )
        answers = (
            httpx.post(
                f"{portal.origin}{path}",
                json=document,
                headers={"Authorization": f"Bearer {portal.client_token(key, client_id, product)}"},
                timeout=10,
            ).status_code
            for product, path, document in calls
        )
        first, second = answers
        return first, second

    towns = ("gent", "aalst", "zele", "ander")
    assert [sent(name) for name in towns] == [(200, 200), (200, 200), (200, 200), (403, 403)]
    town_of(project.forms, "aalst", form.application, ENDED)
    said = project.acmidm("validate")
    assert said.code == 0, said.output
    assert (
        "gent/berichten on tni: it sends no more for Stad Aalst, whose mandate has ended"
        in said.stdout
    )
    assert (
        "sends for fewer organisations through dosis: 1 (Stad Aalst)"
        in project.acmidm("review", "--stack", "tni").stdout
    )
    project.apply()
    assert [sent(name) for name in towns] == [(200, 200), (403, 403), (200, 200), (403, 403)]
    project.in_sync()
