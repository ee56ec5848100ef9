"""A platform that is down after a bad run; and an import from a platform that lacks a product."""

from __future__ import annotations

import pytest

from tests.support.by_hand import made_by_hand
from tests.support.engine import Project
from tests.support.forms import PLAIN, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry

BOTH = ["acmidm", "geosecure"]
AWAY = {"geosecure:managementUrl": "http://127.0.0.1:9/management/v1", "retryDeadlineSeconds": 0}


@pytest.mark.exhaustive
def test_after_a_bad_run_too(
    project: Project, geosecure: RunningPortal, at_acmidm: Registry, at_geosecure: Registry
) -> None:
    """The look at the authorities that ``make up`` begins with then fails: the rest is carried out,
    and the look is caught up later."""
    both = write_form(project.forms, "een/loket", platforms=BOTH)
    project.apply()
    taking = write_form(project.forms, "twee/loket")
    taking.request()["adopt"] = {"acmidm": "nobody-has-this"}
    taking.save()
    assert project.up().code != 0
    client_id = at_geosecure.client(both.application)["client_id"]
    at_geosecure.set_scopes(client_id, [])
    reachable = f"{geosecure.origin}/management/v1"
    project.configure(AWAY)
    other = write_form(project.forms, "drie/loket")

    refused = project.recover()
    assert refused.code != 0
    assert any("cannot be reached" in sentence for sentence in refused.errors), refused.output
    assert "the next run looks again" in refused.stderr
    assert "Refreshing" in refused.stdout
    assert at_acmidm.client(other.application)["jwks"]["keys"]

    # All that is declared goes well by now, but for the look.
    taking.path.unlink()
    refused = project.recover()
    assert refused.code != 0, refused.output
    project.configure({"geosecure:managementUrl": reachable})
    assert project.recover().code == 0
    assert at_geosecure.client(both.application)["scopes"] == ["NotificatiesImport"]
    assert "Refreshing" not in project.recover().stdout


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
