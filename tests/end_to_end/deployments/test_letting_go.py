"""Clients that their forms keep, where something comes in between: nothing is removed by accident,
and no compromised key stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.engine import Project, kind_of
from tests.support.forms import SEND, FormFile, write_form
from tests.support.registry import Registry, kids

KEPT = {"on": "2020-03-31", "keep": True}
_PRESERVED = json.loads((Path(__file__).parent / "preserved.json").read_text("utf-8"))
"""The resources of a client as the version wrote them that had ``preserve``: ``half`` after the
first of two runs, ``whole`` after both. Their provider, keys and component's outputs are left
out."""


def keep(form: FormFile) -> None:
    form.document["retire"] = KEPT
    form.save()


def report(project: Project, *words: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(
        project.acmidm(*words, "--stack", "tni", "--output", "json").stdout
    )
    return shown


def is_nobodys(registry: Registry, client_id: str) -> bool:
    client = registry.client("loket")
    assert client["client_id"] == client_id
    document = registry.product_document("notificaties", client_id)
    assert document is not None
    marks = [each[name] for each in (client, document) for name in ("software_id", "managed_by")]
    return set(marks) == {None}


@pytest.fixture
def form(project: Project, registry: Registry) -> FormFile:
    """One that is deployed, beside another that stays."""
    registry.clear()
    write_form(project.forms, "gent/stays", application="stays", scopes=(SEND,))
    form = write_form(project.forms, "gent/goes", application="loket", scopes=(SEND,))
    project.apply()
    return form


def _client_id(resources: dict[str, dict[str, Any]]) -> str:
    return next(str(one["id"]) for urn, one in resources.items() if kind_of(urn) == "OAuthClient")


def as_preserved(project: Project, form: FormFile, how: str) -> None:
    """Have the state that the version with ``preserve`` wrote of a client."""

    place = f"::{form.key}/"

    def change(deployment: dict[str, Any]) -> None:
        now = {one["urn"]: one for one in deployment["resources"] if place in f"{one['urn']}/"}
        marks = {
            kind_of(urn): one.get("outputs", {}).get("incarnation") for urn, one in now.items()
        }
        text = json.dumps(_PRESERVED[how])
        for name, value in (
            ("CLIENT_MARK", marks["OAuthClient"]),
            ("PRODUCT_MARK", marks["ProductConfiguration"]),
            ("CLIENT_ID", _client_id(now)),
        ):
            text = text.replace(name, str(value))
        written = {one["urn"]: one for one in json.loads(text)}
        deployment["resources"] = [
            one for one in deployment["resources"] if one["urn"] not in now or one["urn"] in written
        ]
        for urn, one in written.items():
            was = now[urn]
            for side in ("inputs", "outputs"):
                kept = {
                    name: was[side][name]
                    for name in ("__provider", "jwks", "connections")
                    if name in was.get(side, {})
                }
                was[side] = {**kept, **one.get(side, {})}
            was["retainOnDelete"] = one.get("retainOnDelete", False)

    project.change_state(change)


def test_a_client_that_was_preserved_in_part_is_let_go(
    project: Project, registry: Registry, form: FormFile
) -> None:
    """By a state of the version that had ``preserve``: nothing else of it changes."""
    before = registry.everything("loket")["loket"][0]
    as_preserved(project, form, "half")
    registry.change(before["client_id"], keys_declared=False)
    keep(form)
    assert project.recover().code == 0
    assert is_nobodys(registry, before["client_id"])
    (after,) = registry.everything("loket")["loket"]
    names = ("scopes", "jwks", "products", "contacts", "client_name", "enabled")
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
    assert not any(form.key in place for place in project.resources())
    assert report(project, "drift")["in_sync"]


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "form gone"])
def test_a_client_that_was_preserved_drops_out_of_the_state(
    project: Project, registry: Registry, form: FormFile, is_kept: bool
) -> None:
    """The version that had ``preserve`` had forgotten it: no run changes it, and drift names it
    until somebody takes it back."""
    before = registry.everything("loket")
    as_preserved(project, form, "whole")
    if is_kept:
        keep(form)
    else:
        form.path.unlink()
    assert project.recover().code == 0
    assert registry.everything("loket") == before
    assert f'::{form.key}"' not in project.exported()
    client_id = before["loket"][0]["client_id"]
    assert [one["client_id"] for one in report(project, "drift")["left_behind"]] == [client_id]

    form.document.pop("retire", None)
    form.save()
    project.apply()
    keep(form)
    assert project.recover().code == 0
    assert is_nobodys(registry, client_id)
    assert report(project, "drift")["in_sync"]


def test_a_form_that_goes_after_preserving_in_part_removes_nothing(
    project: Project, registry: Registry, form: FormFile
) -> None:
    before = registry.everything("loket")
    as_preserved(project, form, "half")
    form.path.unlink()
    assert project.recover().code == 0
    assert registry.everything("loket") == before
    assert f'::{form.key}"' not in project.exported()


def test_a_form_that_goes_between_the_two_runs_lets_its_client_go(
    project: Project, registry: Registry, form: FormFile
) -> None:
    """The first run has recorded that it stays."""
    client_id = registry.client("loket")["client_id"]
    keep(form)
    project.apply()
    form.path.unlink()
    project.apply()
    assert is_nobodys(registry, client_id)


def test_a_compromised_key_goes_before_the_client_is_let_go(
    project: Project, registry: Registry, form: FormFile
) -> None:
    """Also one that is marked between the two runs: the same command goes on until it has gone."""
    form.add_key("key-2")
    project.apply()
    client_id = registry.client("loket")["client_id"]
    keep(form)
    project.apply()
    stolen, good = form.request()["jwks"]
    form.request()["jwks"] = [{"file": stolen, "compromised": True}, good]
    form.save()
    assert project.recover().code == 0
    assert kids(registry.client("loket")) == {"key-2"}
    assert is_nobodys(registry, client_id)
    assert not any(form.key in place for place in project.resources())


def test_a_day_that_is_called_off_between_the_two_runs_keeps_it_ours(
    project: Project, registry: Registry, form: FormFile
) -> None:
    before = registry.everything("loket")
    keep(form)
    project.apply()
    del form.document["retire"]
    form.save()
    (reviewed,) = report(project, "review")["connections"]
    assert [change["kind"] for change in reviewed["changes"]] == ["retirement_called_off"]
    project.apply()
    assert registry.everything("loket") == before
    project.in_sync()


def test_what_another_has_taken_over_meanwhile_stays_as_it_is(
    project: Project, registry: Registry, form: FormFile
) -> None:
    """Its marks are another's: they are not ours to take off."""
    keep(form)
    project.apply()
    client_id = registry.client("loket")["client_id"]
    registry.change(client_id, software_id="acmidm/tni/ander", managed_by="ander/tni")
    done = project.up()
    assert (done.code, f"client {client_id} is left where it is" in done.output) == (0, True)
    assert registry.client("loket")["managed_by"] == "ander/tni"
