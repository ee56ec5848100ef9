"""Who has to agree to a change: each review begins with it, and what was there before decides."""

from __future__ import annotations

import shutil
from itertools import chain
from typing import Any

import pytest

from acmidm.report.kinds import Change, Decider, FieldChange, Kind, KindRow, Severity
from acmidm_onboarding.engine_resources import Resource
from tests.support.forms import DOSSIERS, PLAIN, FormFile, write_form
from tests.support.repository import Repository, repository

__all__ = ["repository"]

TEAM, DOSIS = "@digitaal-vlaanderen/onboarding", "@digitaal-vlaanderen/dosis"
REGISTER, OWNERS = "@digitaal-vlaanderen/organisatieregister", "@stad-gent/api-beheer"
PROJECT = f'[tool.acmidm]\nonboarding_team = "{TEAM}"\n'


@pytest.fixture
def town(repository: Repository) -> FormFile:
    """Ghent, which has owners, in a project with an onboarding team."""
    repository.add("pyproject.toml", PROJECT)
    repository.form.organisation["owners"] = [OWNERS]
    repository.form.save()
    repository.merge()
    return repository.form


def needed(repository: Repository, code: int = 0) -> dict[str, dict[str, list[str]]]:
    """Who has to agree, and to what of whom."""
    return {
        " or ".join(one["approvers"]): one["subjects"] for one in repository.report(code)["needed"]
    }


def grant(form: FormFile, *scopes: str) -> None:
    for scope in scopes:
        form.document["environments"]["prod"]["scopes"][scope] = {}
    if DOSSIERS in scopes:
        settings = {"bron_uri": "urn://gent/loket", "product_ids": ["10244"]}
        form.document["environments"]["prod"]["products"]["dosis"] = settings
    form.save()


def test_a_review_begins_with_who_has_to_agree(
    repository: Repository, town: FormFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API's owner to its scope and its product, the organisation to its keys and contacts."""
    grant(town, DOSSIERS)
    town.add_key("key-2", "prod")
    town.save()
    lines = repository.review().stdout.splitlines()
    assert lines[1:4] == [
        f"needs    {DOSIS}: dv_dosis_schrijven, dosis for Stad Gent",
        f"needs    {OWNERS}: loket for Stad Gent",
        "",
    ]
    page = repository.review("--output", "markdown").stdout
    assert page.splitlines()[2] == (
        "- **needs** `@digitaal-vlaanderen/dosis`: dv_dosis_schrijven, dosis for Stad Gent"
    )
    assert needed(repository) == {
        DOSIS: {"dv_dosis_schrijven": ["Stad Gent"], "dosis": ["Stad Gent"]},
        OWNERS: {"loket": ["Stad Gent"]},
    }
    monkeypatch.setenv("ACMIDM_LANGUAGE", "nl")
    dutch = repository.review().stdout
    assert dutch.splitlines()[2] == f"vereist  {OWNERS}: loket voor Stad Gent"


def test_what_lowers_rights_needs_the_organisation_alone(
    repository: Repository, town: FormFile
) -> None:
    grant(town, "vo_info")
    repository.merge()
    town.document["environments"]["prod"]["scopes"].pop("vo_info")
    town.save()
    assert needed(repository) == {OWNERS: {"loket": ["Stad Gent"]}}


def test_the_catalogue_before_the_change_decides(repository: Repository, town: FormFile) -> None:
    """A change that names its author as approver, and takes a scope with it, gains nothing."""
    repository.replace("catalogue/dosis.yaml", DOSIS, "@evil/dosis")
    repository.replace("onboardings/gent/organisation.yaml", OWNERS, "@evil/gent")
    town.organisation["owners"] = ["@evil/gent"]
    repository.replace("pyproject.toml", TEAM, "@evil/onboarding")
    grant(town, DOSSIERS)
    report = repository.report()
    assert [one["approvers"] for one in report["needed"]] == [[DOSIS], [TEAM]]
    assert report["needed"][1]["subjects"] == {
        "what can be granted": [],
        "who an organisation is": [],
        "code": [],
    }
    sentences = [change["text"] for change in report["other_changes"]]
    assert any(f"approvers {DOSIS} → @evil/dosis" in sentence for sentence in sentences)


def test_any_of_several_decides(repository: Repository, town: FormFile) -> None:
    repository.replace("catalogue/dosis.yaml", f'"{DOSIS}"', '"@b/dosis", dosis@example.org')
    repository.merge()
    grant(town, DOSSIERS)
    text = repository.review().stdout
    assert "\nneeds    @b/dosis or dosis@example.org: dv_dosis_schrijven, dosis for " in text


@pytest.mark.parametrize("is_new", [True, False])
def test_the_onboarding_team_decides_where_nobody_is_named(
    repository: Repository, town: FormFile, *, is_new: bool
) -> None:
    """Of a product without approvers, and of one that the change itself brings; also of an
    organisation without owners, and of a new one."""
    named = 'approvers: ["@evil/nieuw"]' if is_new else ""
    product = (
        f"product: nieuw\ntitle: Nieuw\nowner: A\n{named}"
        "\nsource: s\nscopes: {dv_nieuw: {title: N, verified: true, source: s}}\n"
    )
    repository.add("catalogue/nieuw.yaml", product)
    if not is_new:
        repository.merge()
    grant(town, "dv_nieuw")
    new = write_form(
        repository.folder / "onboardings",
        "zele/balie",
        environment="prod",
        scopes=(PLAIN,),
        application="balie",
    )
    new.organisation["owners"] = ["@zele/ict"]
    new.save()
    subjects = needed(repository)
    assert subjects[TEAM]["dv_nieuw"] == ["Stad Gent"]
    assert subjects[TEAM]["balie"] == ["Zele"]
    assert subjects[REGISTER] == {PLAIN: ["Zele"]}
    assert set(subjects) == {TEAM, REGISTER}


def test_a_project_that_names_no_team_says_which(repository: Repository) -> None:
    grant(repository.form, DOSSIERS)
    repository.replace("catalogue/dosis.yaml", "owner: Digitaal", "owner: D")
    text = repository.review().stdout
    assert "\nneeds    the onboarding team: what can be granted" in text


def test_who_is_left_has_to_agree_too(repository: Repository, town: FormFile) -> None:
    """A form that goes to another organisation, and keeps its client, needs both; the name of the
    file that it is renamed to needs nobody."""
    other = write_form(
        repository.folder / "onboardings",
        "zele/balie",
        environment="prod",
        scopes=(PLAIN,),
        application="balie",
    )
    other.organisation["owners"] = ["@zele/ict"]
    other.save()
    repository.merge()
    write_form(
        repository.folder / "onboardings",
        "zele/verhuisd",
        environment="prod",
        scopes=(PLAIN,),
        application="verhuisd",
        formerly="loket",
        organisation=other.organisation | {"formerly": [town.code, town.key]},
    )
    shutil.rmtree(town.path.parent)
    assert "client_renamed" in repository.of_client("verhuisd")
    subjects = needed(repository)
    assert subjects["@zele/ict"] == {"verhuisd": ["Zele"]}
    assert subjects[OWNERS]["verhuisd"] == ["Zele"]


@pytest.mark.usefixtures("town")
def test_forty_towns_are_one_line_per_team(repository: Repository) -> None:
    """And the owners of forty towns are a few, and how many more: each town stands below."""
    names = [f"Dorp {number:02}" for number in range(40)]
    forms = [dorp(repository, number, name) for number, name in enumerate(names)]
    repository.merge()
    for form in forms:
        grant(form, "dv_organisatieregister_cjmbeheerder")
        form.document["contacts"] = [f"nieuw@{form.name.partition('/')[0]}.example"]
        form.save()
    text = repository.review().stdout
    lines = [line for line in text.splitlines() if line.startswith("needs")]
    assert lines[0] == (
        f"needs    {REGISTER}: {'dv_organisatieregister_cjmbeheerder'} for"
        " Dorp 00, Dorp 01, Dorp 02 and 37 more"
    )
    assert len(lines) <= 13
    assert lines[-1].endswith(
        "more organisations, each for its own forms: Dorp 11, Dorp 12, Dorp 13 and 26 more"
    )
    assert len(repository.report()["needed"]) == 41


def test_a_key_that_a_supplier_lends_is_the_suppliers(
    repository: Repository, town: FormFile
) -> None:
    """Who gave it a mandate has agreed to that: a rotation for forty towns needs one team. Another
    supplier needs its organisation, and the onboarding team."""
    town.use_supplier("theirs", environment="prod")
    assert set(needed(repository)) >= {OWNERS, TEAM}
    lend(repository, town, "theirs")
    repository.merge()
    lend(repository, town, "theirs", "new")
    assert needed(repository) == {"@leverancier/ict": {"loket": ["Stad Gent"]}}


def lend(repository: Repository, town: FormFile, *kids: str) -> None:
    """Have the keys of a supplier that has owners."""
    town.use_supplier(*kids, environment="prod")
    file = repository.folder / "onboardings/leverancier/organisation.yaml"
    file.write_text("name: Leverancier\nowners: ['@leverancier/ict']\n")


def dorp(repository: Repository, number: int, name: str) -> FormFile:
    folder = f"dorp-{number:02}"
    organisation = {"name": name, "ovo": f"OVO1{number:05}", "owners": [f"@{folder}/ict"]}
    return write_form(
        repository.folder / "onboardings",
        f"{folder}/balie",
        environment="prod",
        scopes=(PLAIN,),
        application="balie",
        organisation=organisation,
        contacts=[f"ict@{folder}.example"],
    )


def test_names_do_nothing_to_a_comment(repository: Repository, town: FormFile) -> None:
    """Neither a name with markup, nor that of an organisation that looks like a line of ours."""
    name = "Gent | **x** <img src=x> @all needs @evil/team: niets"
    town.organisation |= {"name": name, "owners": [OWNERS]}
    town.save()
    repository.merge()
    grant(town, DOSSIERS)
    line = repository.review("--output", "markdown").stdout.splitlines()[2]
    assert line.startswith(
        "- **needs** `@digitaal-vlaanderen/dosis`: dv_dosis_schrijven, dosis for "
    )
    assert "<img" not in line
    assert "@all" not in line
    assert "@evil" not in line
    assert "**x**" not in line


def test_a_row_without_decider_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="decides"):
        KindRow("client_removed", Severity.DANGER, Resource.CLIENT)  # type: ignore[call-arg]


def test_every_kind_has_who_decides_it() -> None:
    field = FieldChange(field="x", new="1")
    deciders = {kind: Change(kind=kind, subject="x", fields=(field,)).deciders for kind in Kind}
    assert [kind for kind, named in deciders.items() if not named] == []
    assert set(chain.from_iterable(deciders.values())) <= set(Decider)


@pytest.mark.parametrize(
    ("change", "deciders"),
    [
        ({"kind": "client_updated", "fields": ("contacts",)}, {"organisation"}),
        ({"kind": "client_updated", "fields": ("organisation.ovo",)}, {"onboarding team"}),
        (
            {"kind": "client_updated", "fields": ("contacts", "grant_types")},
            {"organisation", "onboarding team"},
        ),
        ({"kind": "changed_otherwise", "subject": "ClientJwks"}, {"organisation"}),
        ({"kind": "changed_otherwise", "subject": "OAuthClient"}, {"onboarding team"}),
        (
            {"kind": "changed_otherwise", "subject": "ClientJwks, ProductConfiguration"},
            {"organisation", "API's owner"},
        ),
        ({"kind": "product_changed", "fields": ("channels",)}, {"API's owner"}),
        ({"kind": "product_changed", "gone": ("channels",)}, {"organisation"}),
        ({"kind": "attributes_changed", "gone": ("a",)}, {"organisation"}),
        ({"kind": "attributes_changed", "fields": ("b",), "gone": ("a",)}, {"API's owner"}),
        ({"kind": "sends_for_more", "subject": "dosis"}, {"API's owner", "onboarding team"}),
    ],
)
def test_who_decides_by_what_changes(change: dict[str, Any], deciders: set[str]) -> None:
    fields = tuple(FieldChange(field=name, old="0", new="1") for name in change.pop("fields", ()))
    gone = tuple(FieldChange(field=name, old="0") for name in change.pop("gone", ()))
    assert set(Change(**change, fields=fields + gone).deciders) == deciders
