"""Two connections that cannot both have the name that they want keep their clients: a merger, a
chain and a swap of names."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.command_line import CommandLine
from tests.support.engine import Project, details
from tests.support.forms import DOSSIERS, SEND, FormFile, write_form
from tests.support.registry import Registry


def move(form: FormFile, name: str, organisation: dict[str, Any], **changes: Any) -> None:
    """Move a form to the folder of another organisation, with its keys."""
    old = form.path
    files = [form.path.with_name(file) for file in form.request()["jwks"]]
    form.name, form.organisation = name, organisation
    form.document |= changes
    form.request()["jwks"] = [f"uit-{file.name}" for file in files]
    form.save()
    old.unlink()
    for file in files:
        file.rename(form.path.with_name(f"uit-{file.name}"))


def clients_of(registry: Registry, *forms: FormFile) -> list[dict[str, Any]]:
    """The one client of each form, with its keys, scopes and products, but for what a rename
    changes."""
    renamed = ("etags", "application", "client_name", "software_id", "organisation")
    found = []
    for form in forms:
        named = registry.everything(form.application)[form.application]
        (client,) = [one for one in named if one["software_id"] == f"acmidm/tni/{form.key}"]
        found.append({name: value for name, value in client.items() if name not in renamed})
    return found


def rename(form: FormFile, application: str, formerly: str | None = None) -> None:
    form.document["application"] = application
    form.document.pop("formerly", None)
    if formerly:
        form.document["formerly"] = formerly
    form.save()


@pytest.mark.parametrize("protects", [pytest.param(True, marks=pytest.mark.exhaustive), False])
def test_two_organisations_with_the_same_application_merge(
    protects: bool, project: Project, registry: Registry, acmidm: CommandLine
) -> None:
    """A whole earlier key keeps the one client, the code beside it another that has its name; the
    lines may go afterwards."""
    project.configure({"protectClients": protects})
    name, codes = (
        f"loket-{uuid.uuid4().hex[:12]}",
        [f"OVO{number:06d}" for number in (810 + protects, 820 + protects)],
    )
    organisations: list[dict[str, Any]] = [{"name": f"Fusie {code}", "ovo": code} for code in codes]
    into, merged = organisations
    ours = write_form(project.forms, "fusie/loket", application=name, organisation=into)
    theirs = write_form(
        project.forms, "oud/loket", application=name, scopes=(SEND, DOSSIERS), organisation=merged
    )
    desk = write_form(project.forms, "oud/balie", organisation=merged)
    project.apply()
    before = clients_of(registry, ours, theirs, desk)
    acmidm.keep_in_git()

    into["formerly"] = [codes[1], f"{codes[1]}/{name}"]
    move(theirs, "fusie/loket-oud", into, application=f"{name}-oud", formerly=name)
    move(desk, "fusie/balie", into)
    (project.forms / "oud" / "organisation.yaml").unlink()
    (project.forms / "oud").rmdir()
    assert {operation for operation, _ in details(project.steps()).values()} == {"update"}
    for report in (
        acmidm.json("review", "--stack", "tni"),
        acmidm.review_of_forms("--environment", "tni"),
    ):
        assert [[change["kind"] for change in one["changes"]] for one in report["connections"]] == [
            ["client_renamed", "client_updated"]
        ] * 2
        assert not any("another client" in note for note in report["notes"])
    project.apply()
    assert clients_of(registry, ours, theirs, desk) == before
    assert [len(registry.clients(form.application)) for form in (ours, theirs, desk)] == [1, 1, 1]
    project.in_sync()

    del into["formerly"], theirs.document["formerly"]
    theirs.save()
    project.in_sync()


@pytest.mark.parametrize("protects", [pytest.param(True, marks=pytest.mark.exhaustive), False])
def test_a_chain_of_names_takes_two_deployments(
    protects: bool, project: Project, registry: Registry
) -> None:
    """One connection gets the name that another has, which gets a third: what is refused says how
    both keep their clients."""
    project.configure({"protectClients": protects})
    one, two, three = (
        f"{name}-{'beschermd' if protects else 'vrij'}" for name in ("eerste", "tweede", "derde")
    )
    first, second = (
        write_form(project.forms, f"gent/{name}", application=name) for name in (one, two)
    )
    project.apply()
    before = clients_of(registry, first, second)

    rename(second, three, two)
    rename(first, two, one)
    refused = project.up()
    assert refused.code != 0
    (sentence,) = refused.errors
    assert sentence.endswith(
        f"{second.code}/{two} is still declared by {first.path.relative_to(project.folder)}; two"
        " that get another name take two deployments: first give that form an application that no"
        f" form has and run acmidm deploy, then give it {two} with that one under formerly, and"
        " remove this line; or remove it, if it is a copy"
    )
    rename(first, f"{one}-tijdelijk", one)
    assert project.recover().code == 0
    rename(first, two, f"{one}-tijdelijk")
    rename(second, three)
    assert project.recover().code == 0
    assert clients_of(registry, first, second) == before
    assert registry.clients(one) == registry.clients(f"{one}-tijdelijk") == []
    project.in_sync()


def test_a_swap_of_names_takes_two_deployments(project: Project, registry: Registry) -> None:
    """Each is refused with the same advice; on a stack that protects its clients."""
    project.configure({"protectClients": True})
    first, second = (write_form(project.forms, f"gent/{name}") for name in ("een", "ander"))
    project.apply()
    before, (one, two) = (
        clients_of(registry, first, second),
        (first.application, second.application),
    )

    rename(first, two, one)
    rename(second, one, two)
    refused = project.up()
    assert (refused.code != 0, ["two deployments" in sentence for sentence in refused.errors]) == (
        True,
        [True, True],
    )
    rename(first, f"{two}-tijdelijk", one)
    rename(second, f"{one}-tijdelijk", two)
    assert project.recover().code == 0
    rename(first, two, f"{two}-tijdelijk")
    rename(second, one, f"{one}-tijdelijk")
    assert project.recover().code == 0
    assert clients_of(registry, first, second) == before
    project.in_sync()
