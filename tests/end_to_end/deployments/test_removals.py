"""What is removed by mistake is not removed: a client behind a wrong address, or many clients at
once. A protected one: see the engine's."""

from __future__ import annotations

from tests.support.engine import Project, settings_of
from tests.support.forms import DOSSIERS, SEND, write_form
from tests.support.portal import RunningPortal
from tests.support.registry import Registry


def test_a_wrong_address_removes_nothing(
    project: Project, portal: RunningPortal, registry: Registry
) -> None:
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
        assert {
            f"{kind} {form.key}" for kind in ("OAuthClient", "ClientScopes", "ClientJwks")
        } <= kept.keys()
        assert (
            registry.client(form.application)["client_id"]
            == before[form.application][0]["client_id"]
        )
        if setting == "productsUrl":
            assert registry.everything(form.application) == {
                form.application: before[form.application]
            }
            (client,) = before[product.application]
            assert (
                registry.configuration("dosis", client["client_id"]) == client["products"]["dosis"]
            )
            assert {
                place for place in known if place.startswith("ProductConfiguration ")
            } <= kept.keys()

    project.configure(settings_of(portal))
    project.apply()
    assert registry.clients(form.application) == []


def test_many_clients_go_by_a_word_alone(project: Project, registry: Registry) -> None:
    """Also with the engine's own command: a folder that lost its forms, or a filter that takes
    none, removes nobody."""
    forms = [write_form(project.forms, f"gent/app-{number}") for number in range(10)]
    project.apply()
    for form in forms[:4]:
        form.remove()
    for outcome in (project.preview(), project.up()):
        assert outcome.code != 0
        (sentence,) = outcome.errors
        assert sentence.startswith(
            "4 clients of 10 that tni has are declared no more, more than 30%: OVO002067/loket-"
        )
        assert sentence.endswith(
            "if all of them are meant, run acmidm deploy --stack tni --allow-mass-change"
        )
    assert all(registry.clients(form.application) for form in forms)
    assert project.recover().code == 1
    assert project.recover("--allow-mass-change").code == 0
    assert [bool(registry.clients(form.application)) for form in forms] == [False] * 4 + [True] * 6
