"""What is removed by mistake is not removed: a client behind a wrong address. A protected one: see the engine's."""

from __future__ import annotations

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
    before, known = registry.everything(form.application, product.application), project.resources()
    form.remove()
    del product.request()["scopes"][DOSSIERS]
    del product.request()["products"]["dosis"]
    product.save()
    right, wrong = settings_of(portal), f"{portal.origin}/{{}}/v9"
    for setting, api in (("productsUrl", "products"), ("managementUrl", "management")):
        project.configure({**right, setting: wrong.format(api)})
        refused = project.up()
        assert refused.code != 0, refused.output
        assert any("404" in sentence for sentence in refused.errors), refused.errors
        kept = project.resources()
        assert {f"{kind} {form.key}" for kind in ("OAuthClient", "ClientScopes", "ClientJwks")} <= kept.keys()
        assert registry.client(form.application)["client_id"] == before[form.application][0]["client_id"]
        if setting == "productsUrl":
            assert registry.everything(form.application) == {form.application: before[form.application]}
            (client,) = before[product.application]
            assert registry.configuration("dosis", client["client_id"]) == client["products"]["dosis"]
            assert {place for place in known if place.startswith("ProductConfiguration ")} <= kept.keys()

    project.configure(settings_of(portal))
    project.apply()
    assert registry.clients(form.application) == []
