"""Where two features meet, as people who did not know the code tried them: nobody's client is
taken, lost, doubled or forgotten."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.values.terms import Platform
from tests.end_to_end.platforms.conftest import connected_to_both
from tests.support.engine import Project
from tests.support.forms import DOSSIERS, SEND, write_form
from tests.support.made_anew import urn_of
from tests.support.offered import offered
from tests.support.own_portal import portal, registry
from tests.support.portal import new_key, register_client, running_portal
from tests.support.registry import Registry, kids
from tests.support.retired import DUE, retire
from tests.support.rotating import drop

__all__ = ["portal", "registry"]


def report(project: Project, *words: str) -> dict[str, Any]:
    """What a report says as JSON."""
    return dict(
        json.loads(project.acmidm(*words, "--stack", project.stack, "--output", "json").stdout)
    )


def kinds(project: Project) -> set[str]:
    """The kinds of change in the engine's review."""
    return {
        change["kind"]
        for one in report(project, "review")["connections"]
        for change in one["changes"]
    }


def test_a_number_that_was_given_out_again_takes_nobody_elses_client(tmp_path: Path) -> None:
    """GeoSecure is restored from a backup of before our client was made, and gives its number,
    7001, to another organisation's client.

    Once a refresh has seen that, the run is refused: nothing of that client is changed.
    """
    geosecure = offered(Platform.GEOSECURE)
    with running_portal(tmp_path / "acmidm", **offered()) as acmidm:
        with running_portal(tmp_path / "geosecure", platform="geosecure", **geosecure) as first:
            project = connected_to_both(acmidm, first, tmp_path / "project")
            write_form(
                project.forms, "gent/loket", application="loket", platforms=["acmidm", "geosecure"]
            )
            project.apply()
            port, key = first.settings.port, first.operator_key
        shutil.rmtree(tmp_path / "geosecure")
        restored = running_portal(
            tmp_path / "geosecure", platform="geosecure", port=port, operator_key=key, **geosecure
        )
        with restored as portal, portal.operator() as http:
            registry = Registry(http)
            theirs = {"name": "Politie", "ovo": "OVO009999", "kbo": None}
            owner = {"software_id": "politie/loket", "managed_by": "andere/tool"}
            register_client(
                http,
                scopes=["DosisImport"],
                keys=[new_key("hun")],
                organisation=theirs,
                application="politie",
                **owner,
            )
            before = registry.client("politie")
            project.succeed("refresh", "--yes", "--skip-preview")
            refused = project.recover()
            assert refused.code != 0
            assert (
                'client 7001 is that of "andere/tool" by now, and nothing was written'
                in refused.output
            )
            assert registry.clients("politie") == [before]


@pytest.mark.parametrize("day", [DUE, {"on": DUE, "keep": True}], ids=["retire", "keep"])
def test_what_somebody_removed_is_not_made_anew_to_leave(
    project: Project, registry: Registry, day: Any
) -> None:
    """A client is removed by hand, a refresh sees it, the product's configuration is left; then its
    form retires or keeps it."""
    project.configure({"protectClients": True})
    form = write_form(project.forms, application="loket")
    write_form(project.forms, "gent/ander", application="ander")
    project.apply()
    client_id = registry.client("loket")["client_id"]
    registry.remove(client_id)
    project.succeed("refresh", "--yes", "--skip-preview")
    retire(form, day)
    reviewed = kinds(project)
    project.recover()
    made = {one["client_id"] for one in registry.audit() if one["action"] == "client.created"} - {
        client_id
    }
    assert ("client_created" in reviewed, registry.clients("loket"), len(made)) == (
        False,
        [],
        1,
    ), "1 is that of the other form"


@pytest.mark.parametrize(
    "how",
    ["replace", *(pytest.param(how, marks=pytest.mark.exhaustive) for how in ("taint", "delete"))],
)
def test_a_resource_that_is_made_anew_is_no_way_around_the_overlap(
    project: Project, registry: Registry, how: str
) -> None:
    """All keys of a client are replaced at once, which is refused; and so it is where
    ``ClientJwks`` is made anew for it."""
    project.configure({"keyOverlapDays": 14})
    form = write_form(project.forms, application="loket")
    project.apply()
    form.add_key("key-2")
    drop(form, "key-1")
    assert "cannot leave" in project.preview().output
    urn = urn_of(project, f"ClientJwks {form.key}")
    if how != "replace":
        project.succeed(
            "state", how, "--yes", *(("--target-dependents",) if how == "delete" else ()), urn
        )
    project.up(*(("--replace", urn) if how == "replace" else ()))
    assert "key-1" in kids(registry.client("loket"))


def test_a_configuration_that_the_state_has_lost_is_named_until_it_goes(
    project: Project, registry: Registry
) -> None:
    """The engine forgets a configuration, and the form drops the product and gets another name: the
    configuration bears the marks of a connection that the client has no more."""
    form = write_form(project.forms, application="loket", scopes=(SEND, DOSSIERS))
    project.apply()
    client_id = registry.client("loket")["client_id"]
    urn = urn_of(project, f"ProductConfiguration {form.key}/dosis")
    project.succeed("state", "delete", "--yes", urn)
    del form.request()["products"]["dosis"], form.request()["scopes"][DOSSIERS]
    form.document |= {"application": "balie", "formerly": "loket"}
    form.save()
    project.apply()
    assert registry.client("balie")["client_id"] == client_id
    (left,) = report(project, "drift")["left_behind"]
    assert (left["client_id"], left["products"]) == (client_id, ["dosis"])
    name = registry.client("balie")["client_name"]
    assert (
        f"dosis of {name}, which is another's: {client_id} on acmidm, made by acmidm/tni"
        in project.acmidm("drift", "--stack", "tni").stdout
    )
    registry.remove_configuration("dosis", client_id)
    assert report(project, "drift")["in_sync"]
