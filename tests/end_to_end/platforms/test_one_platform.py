"""A platform on which somebody removed a client; and an import from one that lacks a product."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.end_to_end.platforms.conftest import connected_to_both
from tests.support.by_hand import made_by_hand
from tests.support.engine import Outcome, Project
from tests.support.forms import PLAIN, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.retired import DUE, retire
from tests.support.together import OneStack, Script, own, together

BOTH = ["acmidm", "geosecure"]


@dataclass(kw_only=True)
class OnBoth(OneStack):
    """A stack on both platforms that protects its clients. ``registry`` is that of ACM/IDM."""

    at_geosecure: Registry


@pytest.fixture(scope="module")
def at(
    acmidm: RunningPortal,
    geosecure: RunningPortal,
    at_acmidm: Registry,
    at_geosecure: Registry,
    tmp_path_factory: pytest.TempPathFactory,
) -> OnBoth:
    project = connected_to_both(acmidm, geosecure, tmp_path_factory.mktemp("both") / "project")
    project.configure({"protectClients": True})
    return OnBoth(project, at_acmidm, acmidm, at_geosecure=at_geosecure)


@pytest.mark.exhaustive
@pytest.mark.parametrize("is_seen", [False, True], ids=["unseen", "seen by a refresh"])
@together
def test_what_is_left_on_one_platform_leaves_beside_the_client_on_the_other(
    at: OnBoth, is_seen: bool
) -> Script:
    """Somebody removed the one on GeoSecure, which its form then retires. One deployment ends it,
    whether or not a refresh has seen it before."""
    organisation = "gezien" if is_seen else "ongezien"
    both = write_form(at.forms, f"{organisation}/loket", platforms=BOTH)
    write_form(at.forms, f"{organisation}/blijft", platforms=BOTH)  # else GeoSecure has lost all
    yield at.up
    before = at.registry.everything(both.application)
    client_id = at.at_geosecure.client(both.application)["client_id"]
    if is_seen:
        at.at_geosecure.remove(client_id)
    yield at.refresh
    if not is_seen:
        at.at_geosecure.remove(client_id)
    retire(both, {"geosecure": DUE})
    done: Outcome = yield at.deploy
    assert done.code == 0, done.output
    assert at.at_geosecure.clients(both.application) == []
    assert at.at_geosecure.configuration("notificaties", client_id) is None
    resources = yield at.resources
    assert not any("geosecure" in place for place in own(resources, both))
    assert at.registry.everything(both.application) == before
    done = yield at.deploy
    assert done.code == 0, done.output


def test_an_import_reads_a_platform_for_the_products_that_it_offers(
    project: Project, at_acmidm: Registry
) -> None:
    """GeoSecure answers 404 for a product that it lacks, which ended the import."""
    model = write_form(project.folder / "model", scopes=(PLAIN,))
    client_id = made_by_hand(at_acmidm, model)
    (project.folder / "klanten.csv").write_text(
        f"KBOnummer;Klant;CliëntID TEST\n0207451227;Stad Gent;{client_id}\n"
    )
    done = project.acmidm("import", "klanten.csv", "--tni", "tni")
    assert "1 row: 1 form written" in done.stdout, done.output
    assert (project.forms / f"stad-gent/{model.application}.yaml").exists()
    assert done.code in (0, 1), "1 where the portal has clients of other tests"
