"""What somebody else made is there before a create, or comes between what a preview compared and
the write: nothing is lost unseen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import faults
from tests.support.between import ProxiedProject, require_as_declared
from tests.support.by_hand import adopt, made_by_hand
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.portal import new_key
from tests.support.registry import Registry, kids

BY_HAND = {**NOTIFICATIES, "merk_code": "met-de-hand"}


def configure_by_hand(registry: Registry, client_id: str) -> None:
    path = f"/products/v1/notificaties/configurations/{client_id}"
    registry.http.put(
        path, json={"configuration": BY_HAND}, headers={"If-None-Match": "*"}
    ).raise_for_status()


def ask_for_notificaties(form: FormFile) -> None:
    form.request()["scopes"][SEND] = {}
    form.request()["products"]["notificaties"] = dict(NOTIFICATIES)
    form.save()


def test_a_product_configured_by_hand_is_not_overwritten_by_a_create(
    project: ProxiedProject, registry: Registry, proxy: FaultProxy
) -> None:
    """Its preview says *create*, and shows nothing of it. The rest of the run is carried out, and a
    second run refuses it as well."""
    form = write_form(project.forms, scopes=(PLAIN,))
    project.apply()
    client_id = registry.client(form.application)["client_id"]
    configure_by_hand(registry, client_id)
    ask_for_notificaties(form)

    refused = project.up()
    assert refused.code != 0
    (said,) = refused.errors
    assert said.startswith(
        f"client {client_id} has a notificaties configuration already that is not this stack's:"
        " added aanbieder_uri, "
    )
    assert "and nothing was written; it was made by hand: write it into the form" in said
    assert registry.configuration("notificaties", client_id) == BY_HAND
    assert set(registry.client(form.application)["scopes"]) == {PLAIN, SEND, "vo_info"}
    assert proxy.seen("PUT", "/configurations/") == []
    assert project.up().code != 0
    assert registry.configuration("notificaties", client_id) == BY_HAND

    # What a person does about it without losing anything: the form says what is there, and changes
    # it afterwards.
    form.request()["products"]["notificaties"] = dict(BY_HAND)
    form.save()
    project.apply()
    form.request()["products"]["notificaties"] = dict(NOTIFICATIES)
    form.save()
    project.apply()
    require_as_declared(project, registry, [form])


@pytest.mark.exhaustive
def test_nobody_is_needed_after_a_create_that_was_cut_off_and_a_form_that_changed_since(
    project: ProxiedProject, registry: Registry, proxy: FaultProxy
) -> None:
    """What is there then is neither in the state nor declared, and yet nobody's work by hand."""
    project.configure({"retryDeadlineSeconds": 1})
    form = write_form(project.forms, scopes=(PLAIN,))
    project.apply()
    ask_for_notificaties(form)
    proxy.rule("GET|PUT", "/configurations/", faults.cut_after, first=2, times=None)
    assert project.up().code != 0
    assert (
        registry.configuration("notificaties", registry.client(form.application)["client_id"])
        == NOTIFICATIES
    )
    proxy.heal()
    form.request()["products"]["notificaties"]["merk_code"] = "nieuw"
    form.save()
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    require_as_declared(project, registry, [form])


def test_adoption_overwrites_what_it_compared_and_no_more(
    project: ProxiedProject, registry: Registry, proxy: FaultProxy
) -> None:
    """Four documents, each changed by another between the comparison and the write: left as they
    are; the next run compares anew."""
    form = write_form(project.forms, scopes=(SEND, PLAIN))
    client_id = made_by_hand(
        registry, form, scopes=[DOSSIERS], keys=[new_key("old")], products={"notificaties": BY_HAND}
    )
    adopt(form, client_id)
    contacts = ["van-een-ander@stad.example"]
    proxy.rule(
        "PUT",
        "/clients/[^/]+$",
        faults.after(lambda: registry.change(client_id, contacts=contacts)),
    )
    refused = project.up()
    assert (
        "changed contacts (declared: contacts api-beheer@stad-gent.example; found: contacts"
        " van-een-ander" in "\n".join(refused.errors)
    )
    assert registry.client(form.application)["contacts"] == contacts

    proxy.heal()
    others: dict[str, Callable[[], None]] = {
        "/scopes$": lambda: registry.set_scopes(client_id, ["dv_ar_adres_beheer"]),
        "/jwks$": lambda: registry.set_keys(client_id, [new_key("of-another")]),
        "/configurations/": lambda: registry.set_configuration(
            "notificaties", client_id, {**BY_HAND, "merk_code": "van-een-ander"}
        ),
    }
    for path, act in others.items():
        proxy.rule("PUT", path, faults.after(act))
    refused = project.up()
    assert len(refused.errors) == 3, refused.errors
    assert all(
        "someone else changed" in sentence and "nothing was written" in sentence
        for sentence in refused.errors
    )
    found = registry.client(form.application)
    assert set(found["scopes"]) == {"dv_ar_adres_beheer", "vo_info"}
    assert kids(found) == {"of-another"}
    assert (registry.configuration("notificaties", client_id) or {})["merk_code"] == "van-een-ander"

    proxy.heal()
    outcome = project.recover()
    assert outcome.code == 0, outcome.output
    require_as_declared(project, registry, [form])
