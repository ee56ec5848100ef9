"""What is removed by mistake is not removed: a client behind a wrong address. A protected one: see the engine's."""

from __future__ import annotations

from tests.identity.places import everything, recorded
from tests.support.engine import Project, settings_of
from tests.support.forms import DOSSIERS, SEND, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry


def test_a_wrong_address_removes_nothing(project: Project, portal: RunningPortal, registry: Registry) -> None:
    """It answers 404 to everything, which is what a removed client answers too."""
    form = write_form(project.forms, "gent/weg", scopes=(SEND, DOSSIERS))
    write_form(project.forms, "gent/blijft")
    product = write_form(project.forms, "gent/minder", scopes=(SEND, DOSSIERS))
    project.apply()
    before, known = everything(registry, form.application, product.application), recorded(project)
    form.remove()
    del product.request()["scopes"][DOSSIERS]
    del product.request()["products"]["dosis"]
    product.save()
    right, wrong = settings_of(portal), {"managementUrl": f"{portal.origin}/management/v9", "productsUrl": f"{portal.origin}/products/v9"}
    for addresses in (wrong, {**right, "productsUrl": wrong["productsUrl"]}, {**right, "managementUrl": wrong["managementUrl"]}):
        project.configure(addresses)
        refused = project.up()
        assert refused.code != 0, refused.output
        assert any("404" in sentence for sentence in refused.errors), refused.errors
        assert registry.client(form.application)["client_id"] == before[form.application][0]["client_id"]
        stays = {f"OAuthClient {form.key}"}
        if addresses == wrong:
            stays |= {f"ClientScopes {form.key}", f"ClientJwks {form.key}"}
        assert stays <= recorded(project).keys()
        if addresses["productsUrl"] == wrong["productsUrl"]:
            assert everything(registry, form.application) == {form.application: before[form.application]}
            (client,) = before[product.application]
            assert registry.configuration("dosis", client["client_id"]) == client["products"]["dosis"]
            assert {place for place in known if place.startswith("ProductConfiguration ")} <= recorded(project).keys()

    project.configure(settings_of(portal))
    project.apply()
    assert registry.clients(form.application) == []
