"""No field of a form changes unseen: a review of two revisions in Git names what each one does.

A field that the loader takes and no comparison looks at would be deployed unread.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from acmidm_onboarding.command_inputs import handing, read_handed
from acmidm_onboarding.forms.form import EnvironmentRequest, Form
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.values.terms import Environment
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, PLAIN, SEND, FormFile, write_form
from tests.support.offered import ATTRIBUTE
from tests.support.repository import Repository, repository

__all__ = ["repository"]

SECRET: dict[str, Any] = {
    "keys": (),
    "token_endpoint_auth_method": "client_secret_basic",
    "exemptions": {"client-secret": {"reason": "no keys", "reference": "SD-4810"}},
}
SENDS: dict[str, Any] = {"scopes": (SEND,), "products": {"notificaties": NOTIFICATIES}}
ADDRESS = "https://keys.stad-gent.example/jwks"


def _of_form(**members: object) -> Callable[[FormFile], object]:
    return lambda form: form.document.update(members)


def _of_request(**members: object) -> Callable[[FormFile], object]:
    return lambda form: form.request("prod").update(members)


def _address(form: FormFile) -> None:
    del form.request("prod")["jwks"]
    form.request("prod")["jwks_uri"] = ADDRESS


def _for_tests_too(form: FormFile) -> None:
    form.document["environments"]["tni"] = {"scopes": {PLAIN: {}}}


def _sends_for_ghent(form: FormFile) -> None:
    form.request("prod")["products"]["notificaties"]["merk_code"] = "gent"


CHANGES: dict[str, Callable[[FormFile], object]] = {
    "contacts": _of_form(contacts=["ander@stad-gent.example"]),
    "platforms": _of_form(platforms=["acmidm", "geosecure"]),
    "token_endpoint_auth_method": _of_form(token_endpoint_auth_method="client_secret_post"),
    "keys_of": lambda form: form.use_supplier("of-supplier", environment="prod"),
    "retire": _of_form(retire={"on": "2999-12-31"}),
    "exemptions": _of_form(
        exemptions={"client-secret": {"reason": "none", "reference": "SD-4811"}}
    ),
    "environments": _for_tests_too,
    "jwks": lambda form: form.add_key("second", "prod"),
    "jwks_uri": _address,
    "scopes": _of_request(scopes={PLAIN: {}, "dvl_dcbaas_info": {}}),
    "products": _sends_for_ghent,
    "afzenders": _of_request(afzenders=["aalst"]),
    "attributes": _of_request(attributes={ATTRIBUTE: "balie"}),
    "secret_generation": _of_request(secret_generation=2),
    "adopt": _of_request(adopt={"acmidm": "6f5c3a1e-0000-4000-8000-000000000000"}),
}
BEFORE: dict[str, dict[str, Any]] = {
    "token_endpoint_auth_method": SECRET,
    "exemptions": SECRET,
    "secret_generation": SECRET,
    "platforms": {"scopes": (DOSSIERS,), "products": {"dosis": DOSIS}},
    "products": SENDS,
    "afzenders": SENDS,
}
"""What a form has before, where it is not the plain one of the tests."""

NAMES = {"application", "formerly"}
"""What names a connection is no change of it: ``end_to_end/reports/test_agreement`` has those."""


def _let_it_send_for_aalst(folder: Path, form: FormFile) -> None:
    town = write_form(folder / "onboardings", "aalst/loket", environment="prod", scopes=(PLAIN,))
    town.organisation["speaks_for"] = {"merk_code": ["aalst"]}
    town.save()
    mandate = {"supplier": "gent", "connections": [form.key], "until": "2999-12-31"}
    town.path.with_name("mandates.yaml").write_text(json.dumps({"mandates": [mandate]}))


def test_each_field_of_a_form_shows(repository: Repository) -> None:
    """A field that has no row here fails: who adds one tries whether a reviewer sees it. A command
    hands each to the program as it is."""
    assert {*CHANGES, *NAMES} == {*Form.model_fields, *EnvironmentRequest.model_fields}
    forms = {}
    for field in CHANGES:
        name = field.replace("_", "-")
        forms[name] = repository.write(name, **BEFORE.get(field, {}))
    _let_it_send_for_aalst(repository.folder, forms["afzenders"])
    with (repository.folder / "catalogue" / "organisatieregister.yaml").open("a") as product:
        product.write(f"\nattributes: {{{ATTRIBUTE}: {{title: A desk, source: the tests}}}}\n")
    repository.merge()
    for field, change in CHANGES.items():
        form = forms[field.replace("_", "-")]
        change(form)
        form.save()
    changed = repository.of_clients()
    assert {name for name in forms if not changed.get(name)} == set()
    folders = repository.folder / "onboardings", repository.folder / "catalogue"
    declared = read_onboardings([folders[0]], folders[1]).connections(Environment.PROD)
    with handing("prod", {}, declared=declared) as (_, file):
        handed = read_handed(Path(file).with_name("handed.json"), Environment.PROD)
    assert handed.declared == declared
