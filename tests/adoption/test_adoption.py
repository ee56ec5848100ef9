"""A client that exists already is taken over by naming its client-ID once; the preview shows what that changes."""

from __future__ import annotations

from typing import Any

from acmidm_onboarding.resources.client_scopes import NOT_DECLARED
from tests.adoption.by_hand import adopt, made_by_hand, stop_adopting
from tests.support.engine import Project, place_of
from tests.support.forms import DOSIS, DOSSIERS, PLAIN, SEND, write_form
from tests.support.portal import new_key, public_jwk
from tests.support.registry import Registry, kids


def before(project: Project) -> dict[str, dict[str, Any]]:
    """Per resource what a preview shows of the client before its adoption."""
    return {place_of(step["urn"]): step["newState"]["inputs"]["adopt"]["before"] for step in project.steps()}


def parts(client: dict[str, Any]) -> dict[str, Any]:
    return {name: client[name] for name in ("client_id", "scopes", "jwks", "contacts", "token_endpoint_auth_method", "client_name")}


def test_a_form_that_says_what_exists_changes_the_owner_alone(project: Project, registry: Registry) -> None:
    """Scopes and keys are not written; the preview shows all that is there."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    adopt(form, made_by_hand(registry, form))
    there = registry.client(form.application)

    shown = before(project)
    assert {"software_id", "managed_by"}.isdisjoint(shown[f"OAuthClient {form.key}"])
    assert shown[f"OAuthClient {form.key}"]["organisation"] == {"name": "Stad Gent", "ovo": "OVO002067", "kbo": "0207451227"}
    assert shown[f"ClientScopes {form.key}"] == {"scopes": dict.fromkeys((DOSSIERS, SEND), NOT_DECLARED), "default_scopes": {}}
    assert shown[f"ClientJwks {form.key}"] == {"jwks": {"key-1": public_jwk(form.keys["key-1"])}}
    assert shown[f"ProductConfiguration {form.key}/dosis"] == {"configuration": form.request()["products"]["dosis"]}
    trail = registry.audit()
    project.apply()

    after = registry.client(form.application)
    assert parts(after) == parts(there)
    assert (after["software_id"], after["managed_by"]) == (f"acmidm/tni/{form.key}", "acmidm/tni")
    assert {name: after["etags"][name] for name in ("scopes", "jwks")} == {name: there["etags"][name] for name in ("scopes", "jwks")}
    assert len(registry.audit()) == len(trail) + 3, "the owner in the client's document, and in those of its two products"
    project.in_sync()


def test_the_preview_shows_what_would_change(project: Project, registry: Registry) -> None:
    """Per scope, key, contact and value; as text for a person, as JSON for a pipeline; afterwards it is as the form says."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    old_key = new_key("of-2019")
    client_id = made_by_hand(
        registry,
        form,
        scopes=[SEND, PLAIN],
        keys=[old_key],
        contacts=["iemand@elders.example"],
        client_name="Gent loket (oud)",
        products={"notificaties": {**form.request()["products"]["notificaties"], "merk_code": "gent"}},
    )
    adopt(form, client_id)

    shown = before(project)
    assert shown[f"OAuthClient {form.key}"]["client_name"] == "Gent loket (oud)"
    assert shown[f"OAuthClient {form.key}"]["contacts"] == ["iemand@elders.example"]
    assert set(shown[f"ClientScopes {form.key}"]["scopes"]) == {SEND, PLAIN}
    assert set(shown[f"ClientJwks {form.key}"]["jwks"]) == {"of-2019"}
    assert shown[f"ProductConfiguration {form.key}/notificaties"]["configuration"]["merk_code"] == "gent"
    assert shown[f"ProductConfiguration {form.key}/dosis"] == {}
    text = project.preview("--diff").stdout
    for line in (f'client_id: "{client_id}"', f'{PLAIN}: "{NOT_DECLARED}"', 'kid: "of-2019"', 'merk_code: "gent"'):
        assert any(line in " ".join(shown.split()).replace(" :", ":") for shown in text.splitlines()), f"{line} is not in\n{text}"

    project.apply()
    client = registry.client(form.application)
    assert client["client_id"] == client_id
    assert set(client["scopes"]) == {SEND, DOSSIERS, "vo_info"}
    assert kids(client) == {"key-1"}
    assert client["contacts"] == ["api-beheer@stad-gent.example"]
    assert registry.configuration("notificaties", client_id) == form.request()["products"]["notificaties"]
    project.in_sync()


def test_the_order_of_a_set_is_no_difference(project: Project, registry: Registry) -> None:
    """Product numbers, whose schema says ``uniqueItems``: neither when taken over, nor when somebody reorders them."""
    form = write_form(project.forms)
    ordered = form.request()["products"]["notificaties"]
    ordered["product_ids"] = ["10244", "10245"]
    reversed_ = {**ordered, "product_ids": ["10245", "10244"]}
    client_id = made_by_hand(registry, form, products={"notificaties": reversed_})
    adopt(form, client_id)
    project.apply()
    assert set((registry.configuration("notificaties", client_id) or {})["product_ids"]) == {"10244", "10245"}
    project.in_sync()

    registry.set_configuration("notificaties", client_id, {**ordered, "merk_code": "ander"})
    project.apply("--refresh")
    registry.set_configuration("notificaties", client_id, reversed_)
    project.in_sync()
    form.request()["products"]["notificaties"]["merk_code"] = "nieuw"
    form.save()
    project.apply()
    assert registry.configuration("notificaties", client_id) == {**ordered, "merk_code": "nieuw"}


def test_the_line_may_stay_or_go_afterwards(project: Project, registry: Registry) -> None:
    """Neither is a change: the adoption is done, and what comes later, such as a product, is a change of its own."""
    stays, goes = write_form(project.forms, "gent/blijft"), write_form(project.forms, "gent/gaat")
    ids = {form.application: made_by_hand(registry, form) for form in (stays, goes)}
    for form in (stays, goes):
        adopt(form, ids[form.application])
    project.apply()
    assert project.preview("--expect-no-changes").code == 0
    stop_adopting(goes)
    assert project.preview("--expect-no-changes").code == 0
    goes.document["contacts"] = ["nieuw@stad-gent.example"]
    goes.save()
    stays.request()["scopes"][DOSSIERS] = {}
    stays.request()["products"]["dosis"] = DOSIS
    stays.save()
    project.apply()
    assert {form.application: registry.client(form.application)["client_id"] for form in (stays, goes)} == ids
    assert registry.client(goes.application)["contacts"] == ["nieuw@stad-gent.example"]
    assert set(registry.client(stays.application)["scopes"]) == {SEND, DOSSIERS, "vo_info"}
    project.in_sync()


def test_a_secret_is_replaced(project: Project, registry: Registry) -> None:
    """Nobody can read the old one: the organisation has to be given the new one."""
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    client_id = made_by_hand(
        registry, form, token_endpoint_auth_method="client_secret_basic", client_secret="a-secret-that-was-made-by-hand-years-ago"
    )
    adopt(form, client_id)
    project.apply()
    assert registry.client(form.application)["client_id"] == client_id
    project.in_sync()
