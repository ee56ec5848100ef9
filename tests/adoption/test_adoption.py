"""A client that exists already is taken over by naming its client-ID once; the preview shows what that changes."""

from __future__ import annotations

from typing import Any

from tests.adoption.by_hand import adopt, made_by_hand, stop_adopting
from tests.support.engine import Project, place_of
from tests.support.forms import DOSIS, DOSSIERS, PLAIN, SEND, write_form
from tests.support.portal import new_key
from tests.support.registry import Registry, kids

OWNERSHIP = {"software_id": "added", "managed_by": "added"}


def shown_changes(project: Project) -> dict[str, dict[str, str]]:
    """Per resource what a preview says that its adoption changes."""
    return {place_of(step["urn"]): step["newState"]["inputs"]["adopt"]["changes"] for step in project.steps()}


def parts(client: dict[str, Any]) -> dict[str, Any]:
    return {name: client[name] for name in ("client_id", "scopes", "jwks", "contacts", "token_endpoint_auth_method", "client_name")}


def test_a_form_that_says_what_exists_changes_the_owner_alone(project: Project, registry: Registry) -> None:
    """Scopes, keys and configuration: empty changes, and not one write to them."""
    form = write_form(project.forms, scopes=(SEND, DOSSIERS))
    adopt(form, made_by_hand(registry, form))
    before = registry.client(form.application)

    assert shown_changes(project) == {
        f"OAuthClient {form.key}": OWNERSHIP,
        f"ClientScopes {form.key}": {},
        f"ClientJwks {form.key}": {},
        f"ProductConfiguration {form.key}/notificaties": {},
        f"ProductConfiguration {form.key}/dosis": {},
    }
    trail = registry.audit()
    project.apply()

    after = registry.client(form.application)
    assert parts(after) == parts(before)
    assert after["software_id"] == f"acmidm/tni/OVO002067/{form.application}"
    assert after["managed_by"] == "acmidm/tni:gent/loket"
    assert {name: after["etags"][name] for name in ("scopes", "jwks")} == {name: before["etags"][name] for name in ("scopes", "jwks")}
    assert len(registry.audit()) == len(trail) + 1, "one write: the client document"
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

    assert shown_changes(project) == {
        f"OAuthClient {form.key}": {
            **OWNERSHIP,
            "client_name": f"Gent loket (oud) → Stad Gent - {form.application}",
            "contacts": '["iemand@elders.example"] → ["api-beheer@stad-gent.example"]',
        },
        f"ClientScopes {form.key}": {PLAIN: "removed", DOSSIERS: "added"},
        f"ClientJwks {form.key}": {"of-2019": "removed", "key-1": "added"},
        f"ProductConfiguration {form.key}/notificaties": {"merk_code": "gent → stad-gent"},
        f"ProductConfiguration {form.key}/dosis": dict.fromkeys(DOSIS, "added"),
    }
    text = project.preview("--diff").stdout
    for line in (f'client_id: "{client_id}"', f'{PLAIN}: "removed"', 'of-2019: "removed"', 'merk_code: "gent → stad-gent"'):
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
    assert shown_changes(project)[f"ProductConfiguration {form.key}/notificaties"] == {}
    project.apply()
    assert registry.configuration("notificaties", client_id) == reversed_, "nothing was written"
    project.in_sync()

    registry.set_configuration("notificaties", client_id, {**ordered, "merk_code": "ander"})
    project.apply("--refresh")
    registry.set_configuration("notificaties", client_id, reversed_)
    project.in_sync()
    form.request()["products"]["notificaties"]["merk_code"] = "nieuw"
    form.save()
    project.apply()
    assert registry.configuration("notificaties", client_id) == {**ordered, "merk_code": "nieuw"}


def test_removing_the_line_afterwards_is_no_change(project: Project, registry: Registry) -> None:
    """And neither is leaving it: the adoption is done."""
    form = write_form(project.forms)
    client_id = made_by_hand(registry, form)
    adopt(form, client_id)
    project.apply()
    assert project.preview("--expect-no-changes").code == 0
    stop_adopting(form)
    assert project.preview("--expect-no-changes").code == 0
    assert project.steps() == []
    project.in_sync()
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    project.apply()
    assert registry.client(form.application)["client_id"] == client_id


def test_a_product_that_is_added_later_is_compared_with_what_is_there(project: Project, registry: Registry) -> None:
    """The line may stay in the form: what comes later is a change of its own."""
    form = write_form(project.forms)
    adopt(form, made_by_hand(registry, form))
    project.apply()
    form.request()["scopes"][DOSSIERS] = {}
    form.request()["products"]["dosis"] = DOSIS
    form.save()
    project.apply()
    assert set(registry.client(form.application)["scopes"]) == {SEND, DOSSIERS, "vo_info"}
    project.in_sync()


def test_a_secret_is_replaced_and_the_preview_says_so(project: Project, registry: Registry) -> None:
    """Nobody can read the old one: the organisation has to be given the new one."""
    form = write_form(project.forms, keys=(), token_endpoint_auth_method="client_secret_basic")
    client_id = made_by_hand(
        registry, form, token_endpoint_auth_method="client_secret_basic", client_secret="a-secret-that-was-made-by-hand-years-ago"
    )
    adopt(form, client_id)
    assert shown_changes_of_client(project) == {**OWNERSHIP, "client_secret": "the one it has → a new one"}
    project.apply()
    assert registry.client(form.application)["client_id"] == client_id
    project.in_sync()


def shown_changes_of_client(project: Project) -> dict[str, str]:
    step = next(step for step in project.steps() if place_of(step["urn"]) == f"OAuthClient {form.key}")
    changes: dict[str, str] = step["newState"]["inputs"]["adopt"]["changes"]
    return changes
