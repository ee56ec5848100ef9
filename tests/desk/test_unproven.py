"""What a connection on TNI still has to prove: what its form adds on production, by the evidence
beside it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from acmidm.desk.facts import not_covered
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.values.client import Client, Grant
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.terms import Environment, Platform
from tests.support.evidence import write_evidence
from tests.support.forms import DOSSIERS, PLAIN, SEND, FormFile, write_form
from tests.support.offered import catalogue_folder


@pytest.fixture
def form(tmp_path: Path) -> FormFile:
    return write_form(tmp_path, scopes=(SEND, DOSSIERS))


def prove(form: FormFile, *products: str, scopes: tuple[str, ...] = (SEND, DOSSIERS)) -> None:
    key = form.keys["key-1"]
    private = key.as_dict(private=True)
    about: dict[str, Any] = {"application": form.application, "scopes": list(scopes)}
    write_evidence(form.path.parent, private, **about, products=list(products))


def declare_for_production(form: FormFile) -> None:
    """Let the form have for production what it has for TNI, with a key of its own."""
    form.document["environments"]["prod"] = {**copy.deepcopy(form.request()), "jwks": []}
    form.add_key("key-of-prod", "prod")
    form.save()


def on_tni(form: FormFile) -> Declaration:
    [found] = (
        read_onboardings([form.folder], catalogue_folder()).valid().connections(Environment.TNI)
    )
    return found


def lacking(form: FormFile, on_production: Client | None = None) -> tuple[str, ...]:
    read = read_onboardings([form.folder], catalogue_folder()).valid()
    wanted = next(iter(read.connections(Environment.PROD)), None)
    return not_covered(on_tni(form), wanted, on_production, read.catalogue)


def test_a_product_that_failed_or_was_not_tried_is_not_proven(form: FormFile) -> None:
    """Whether its form has production already or not; a token is no proof of a product."""
    assert lacking(form) == (DOSSIERS, SEND, "dosis", "notificaties")
    prove(form, "dosis")
    assert lacking(form) == ("notificaties",)
    declare_for_production(form)
    assert lacking(form) == ("notificaties",)
    prove(form, "dosis", "notificaties")
    assert lacking(form) == ()


def test_what_production_has_is_not_proven_again(form: FormFile) -> None:
    """What is added there later is."""
    declare_for_production(form)
    key, products = form.key, on_tni(form).products
    made = Client(
        key,
        Platform.ACMIDM,
        Environment.PROD,
        client_id="c",
        scopes={SEND: Grant()},
        products={"notificaties": products["notificaties"]},
    )
    assert lacking(form, made) == (DOSSIERS, "dosis")
    prove(form, "dosis", scopes=(DOSSIERS,))
    assert lacking(form, made) == ()


def test_the_test_message_is_sent_where_nothing_else_proves_a_product(form: FormFile) -> None:
    """Of Notificaties no call that reads is public; DOSIS has some."""
    assert on_tni(form).proof_options == "--send-test-message --record"
    del form.request()["products"]["notificaties"]
    form.request()["scopes"] = {DOSSIERS: {}, PLAIN: {}}
    form.save()
    assert on_tni(form).proof_options == "--record"
