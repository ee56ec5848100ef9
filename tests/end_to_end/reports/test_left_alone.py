"""A client that its form left where it is: a key of it that is compromised, and a form that goes,
are in every report."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.reports.conftest import CommandLine, changes_in, write
from tests.end_to_end.reports.test_sources import without_engine
from tests.support.engine import Project
from tests.support.forms import DOSSIERS, SEND
from tests.support.registry import Registry, kids

SINCE = "2020-03-31"


def reviews(acmidm: CommandLine) -> dict[str, Any]:
    """What both reviews say, which is the same."""
    by_engine, by_forms = (
        acmidm.json("review", "--stack", "tni"),
        acmidm.review_of_forms("--environment", "tni"),
    )
    assert without_engine(by_engine) == without_engine(by_forms)
    return by_forms


@pytest.fixture(autouse=True)
def alone(registry: Registry) -> None:
    """What other tests left, by a stack of the same name, would be left behind."""
    registry.clear()


def test_a_compromised_key_of_a_client_that_has_left_is_never_silent(
    project: Project, acmidm: CommandLine, registry: Registry
) -> None:
    """Forms, run, reviews and drift say so, until the client has been managed again without the
    key; then all is well."""
    form = write(project, "kept", keys=("stolen", "good"), retire=SINCE, preserve=True)
    write(project, "stays")
    form.document["retire"] = "2999-03-31"
    form.save()
    acmidm.keep_in_git()
    project.apply()
    form.document["retire"] = SINCE
    form.save()
    acmidm.commit()
    assert project.recover().code == 0
    assert acmidm.json("drift", "--stack", "tni")["in_sync"]

    stolen, good = form.request()["jwks"]
    form.request()["jwks"] = [{"file": stolen, "compromised": True}, good]
    form.save()
    said = (
        f"{form.key} on tni keeps a compromised key, for its form preserves the client and nobody"
        " manages it"
    )
    assert said in project.acmidm("validate").stdout
    assert said in project.preview().output
    report = reviews(acmidm)
    assert changes_in(report) == {("kept", "key_left", None)}
    assert report["headline"] == "1 client keeps a compromised key on tni"
    assert said in project.recover().output
    assert acmidm.run("review", "--stack", "tni", "--fail-on", "danger").code == 1
    drift = acmidm.json("drift", "--stack", "tni", code=1)
    assert (changes_in(drift, "not_applied"), drift["in_sync"]) == (
        {("kept", "key_left", "stolen")},
        False,
    )

    del form.document["retire"], form.document["preserve"]
    form.save()
    assert project.recover().code == 0
    form.document |= {"retire": SINCE, "preserve": True}
    form.save()
    assert project.recover().code == 0
    assert kids(registry.client(form.application)) == {"good"}
    assert acmidm.json("drift", "--stack", "tni")["in_sync"]


def test_a_key_that_is_marked_between_the_two_runs_goes_before_the_client_is_left(
    project: Project, registry: Registry, acmidm: CommandLine
) -> None:
    """The second run forgets no client that still has such a key: the same command goes on until it
    has not."""
    form = write(project, "between", keys=("stolen", "good"))
    write(project, "stays")
    project.apply()
    form.document |= {"retire": SINCE, "preserve": True}
    form.save()
    project.apply()
    stolen, good = form.request()["jwks"]
    form.request()["jwks"] = [{"file": stolen, "compromised": True}, good]
    form.save()
    assert project.recover().code == 0
    assert kids(registry.client(form.application)) == {"good"}
    assert not any(form.key in place for place in project.resources())
    assert acmidm.json("drift", "--stack", "tni")["in_sync"]


def test_removing_a_preserved_form_is_a_danger(
    project: Project, acmidm: CommandLine, registry: Registry
) -> None:
    """The client lives on, and nobody declares it from then on; both reviews say so, and the
    deployment that does it."""
    form = write(project, "kept", platforms=["acmidm"])
    write(project, "stays")
    project.apply()
    form.document["preserve"] = True
    form.save()
    assert project.recover().code == 0
    project.in_sync()
    acmidm.keep_in_git()
    before = registry.client(form.application)

    form.path.unlink()
    report = reviews(acmidm)
    assert report["headline"] == "1 client is declared by nobody on tni"
    (one,) = report["connections"]
    assert one["organisation"] == "Stad Gent"
    assert [(change["severity"], change["text"]) for change in one["changes"]] == [
        (
            "danger",
            (
                "lives on at its authority, and nobody declares it from now on: name it under"
                " formerly in a form, or remove it there"
            ),
        )
    ]
    deployed = project.recover()
    assert (deployed.code, "nobody declares it from now on" in deployed.output) == (0, True)
    assert registry.client(form.application) == before
    assert changes_in(acmidm.json("review", "--stack", "tni")) == set()

    (left,) = acmidm.json("drift", "--stack", "tni", code=1)["left_behind"]
    assert (left["client_id"], left["made_by"], left["products"]) == (
        before["client_id"],
        "acmidm/tni",
        ["notificaties"],
    )
    another = write(project, "another", scopes=(SEND,))
    another.document["formerly"] = form.application
    another.save()
    project.apply()
    assert registry.client(another.application)["client_id"] == before["client_id"]
    assert acmidm.json("drift", "--stack", "tni")["in_sync"]


def test_what_comes_back_without_a_product_does_not_hide_it(
    project: Project, acmidm: CommandLine, registry: Registry
) -> None:
    """A preserved client is declared again under another name, without a product that it had: the
    configuration is named until it goes."""
    form = write(project, "kept", scopes=(SEND, DOSSIERS))
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    form.document["preserve"] = True
    form.save()
    assert project.recover().code == 0
    assert acmidm.json("drift", "--stack", "tni")["in_sync"]

    del (
        form.document["preserve"],
        form.request()["products"]["dosis"],
        form.request()["scopes"][DOSSIERS],
    )
    form.document |= {"application": f"{form.application}-nieuw", "formerly": form.application}
    form.save()
    assert acmidm.json("drift", "--stack", "tni", code=1)["left_behind"] == [], (
        "the next run takes it over"
    )
    project.apply()
    assert registry.client(form.application)["client_id"] == client_id, "by its former key"
    (left,) = acmidm.json("drift", "--stack", "tni", code=1)["left_behind"]
    assert (left["client_id"], left["products"]) == (client_id, ["dosis"])
    text, client_name = (
        acmidm.run("drift", "--stack", "tni").output,
        registry.client(form.application)["client_name"],
    )
    assert (
        f"dosis of {client_name}, which is another's: {client_id} on acmidm, made by acmidm/tni"
        in text
    )
    registry.remove_configuration("dosis", client_id)
    assert acmidm.json("drift", "--stack", "tni")["in_sync"]
