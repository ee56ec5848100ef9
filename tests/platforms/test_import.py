"""Import lists the clients of both platforms."""

from __future__ import annotations

from tests.adoption.by_hand import made_by_hand
from tests.support.engine import Project
from tests.support.forms import PLAIN, write_form
from tests.support.registry import Registry


def test_a_platform_is_read_for_the_products_that_it_offers(project: Project, at_acmidm: Registry) -> None:
    """GeoSecure answers 404 for a product that it lacks, which ended the import."""
    model = write_form(project.folder / "model", scopes=(PLAIN,))
    client_id = made_by_hand(at_acmidm, model)
    (project.folder / "klanten.csv").write_text(f"KBOnummer;Klant;CliëntID TEST\n0207451227;Stad Gent;{client_id}\n")
    done = project.acmidm("import", "klanten.csv", "--tni", "tni")
    assert "1 row: 1 form written" in done.stdout, done.output
    assert (project.forms / f"stad-gent/{model.application}.yaml").exists()
    assert done.code in (0, 1), "1 where the portal has clients of other tests"
