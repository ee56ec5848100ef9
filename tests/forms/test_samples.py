"""The forms and the catalogue that the project ships, and the schemas that an editor checks them
with."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from acmidm.render.catalogue_page import catalogue_page
from acmidm_onboarding.forms.catalogue import Catalogue, Coupling
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.editor import schemas
from acmidm_onboarding.forms.files import OWN_FILES
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.values.identifiers import SHARED_KBO_NUMBER
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform
from tests.support.offered import catalogue_folder

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "onboardings").rglob("*.yaml"))
PRODUCTS = sorted((ROOT / "catalogue").rglob("*.yaml"))


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> Onboardings:
    monkeypatch.chdir(ROOT)
    return read_onboardings([Path("onboardings")], Path("catalogue")).valid()


def schema(name: str) -> Any:
    return json.loads((ROOT / "schema" / name).read_text(encoding="utf-8"))


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_the_schemas_are_up_to_date() -> None:
    """With the page of the catalogue; else: acmidm schema."""
    catalogue = load_catalogue(ROOT / "catalogue")
    made = {f"schema/{name}": text for name, text in schemas(catalogue).items()} | {
        "docs/catalogue.md": catalogue_page(catalogue)
    }
    for name, text in made.items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, (
            f"{name} is not up to date; run: acmidm schema"
        )


def test_the_schemas_are_schemas() -> None:
    for file in (ROOT / "schema").iterdir():
        Draft202012Validator.check_schema(schema(file.name))


@pytest.mark.parametrize("file", [*FILES, *PRODUCTS], ids=name_of)
def test_a_file_satisfies_its_schema_and_names_it(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    of_folder = file.stem if file.name in OWN_FILES else "onboarding"
    kind = "catalogue" if file in PRODUCTS else of_folder
    up = "../" if file in PRODUCTS else "../../"
    assert text.startswith(f"# yaml-language-server: $schema={up}schema/{kind}.schema.json\n")
    # A day is a text to them.
    as_editors_read_it = json.loads(json.dumps(yaml.safe_load(text), default=str))
    Draft202012Validator(schema(f"{kind}.schema.json")).validate(as_editors_read_it)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["ovo"], "OVO1"),
        (["kbo"], "207"),
        (["organisation"], {"name": "Stad Gent"}),
        (["application"], "Mijn Gent"),
        (["formerly"], ["Mijn Gent"]),
        (["platforms"], ["acm"]),
        (["environments", "acc"], {}),
        (["environments", "tni", "jwks"], []),
        (["environments", "tni", "scopes", "dv_unknown"], {}),
        (["environments", "prod", "scopes", "dv_organisatieregister_testclient"], {}),
        (["environments", "tni", "products", "dosi"], {}),
        (["environments", "tni", "products", "dosis", "bron_uri"], "gent"),
        (["environments", "tni", "products", "notificaties", "product_ids"], [10244]),
        (["environments", "tni", "products", "notificaties", "product_ids"], ["10244 10245"]),
        (["environments", "tni", "products", "dosis", "access_rights"], [""]),
        (["environments", "tni", "products", "notificaties", "channels"], ["sms"]),
    ],
)
def test_an_editor_shows_what_the_loader_would_refuse(path: list[str], value: object) -> None:
    kind, file = (
        ("organisation", "organisation")
        if path[0] in ("ovo", "kbo")
        else ("onboarding", "mijn-gent")
    )
    broken = yaml.safe_load(
        (ROOT / f"onboardings/stad-gent/{file}.yaml").read_text(encoding="utf-8")
    )
    part = broken
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    assert not Draft202012Validator(schema(f"{kind}.schema.json")).is_valid(broken)


@pytest.mark.parametrize(
    ("product", "field", "value"),
    [
        ("notificaties", "aanbieder_uri", "http://data.vlaanderen.be/id/organisatie/OVO002067"),
        ("notificaties", "merk_code", "Stad Gent"),
        ("notificaties", "product_ids", ["1984", "DVC-0012/a"]),
        ("dosis", "bron_uri", "urn://ovam/evoa"),
        ("dosis", "bron_uri", "urn://somebron/"),
        ("dosis", "access_rights", ["Raadpleger", "recht", "recht - context"]),
    ],
)
def test_what_is_not_known_is_not_refused(
    product: str, field: str, value: object, samples: Onboardings
) -> None:
    """What public clients send, and what no public rule excludes."""
    errors = samples.catalogue.validators[product].iter_errors({field: value})
    assert {error.validator for error in errors} == {"required"}


def test_an_editor_completes_scopes_and_products_with_their_titles() -> None:
    tni = schema("onboarding.schema.json")["$defs"]["tni"]["properties"]
    assert tni["scopes"]["properties"]["dv_dosis_schrijven"]["description"].startswith(
        "Write dossiers"
    )
    assert set(tni["products"]["properties"]) == {"notificaties", "dosis"}
    assert tni["products"]["properties"]["dosis"]["properties"]["bron_uri"]["description"]


def test_every_field_of_a_product_has_a_description(samples: Onboardings) -> None:
    """Messages end in it."""
    for product in samples.catalogue.products.values():
        for name, field in (product.configuration or {}).get("properties", {}).items():
            assert field.get("description"), f"{product.product}.{name}"


def test_the_page_of_the_catalogue_says_what_stands_behind_each_field(samples: Onboardings) -> None:
    """And what a form's author has to know of it."""
    lines = catalogue_page(samples.catalogue).splitlines()
    rows = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    fields = {
        name: field
        for product in samples.catalogue.products.values()
        for name, field in product.fields.items()
    }
    assert {
        name for name, field in fields.items() if f"| **{field.basis}** |" in rows[name]
    } == fields.keys()
    assert "(required, speaks for somebody) | **documented** |" in rows["aanbieder_uri"]
    of_tests = catalogue_page(load_catalogue(catalogue_folder()))
    assert "(required, speaks for somebody, differs per environment) | **seen** |" in of_tests
    assert (
        "| verified; acmidm: `dv_dosis_schrijven`, a **placeholder**; geosecure: `DosisImport` |"
        in rows["dv_dosis_schrijven"]
    )
    assert (
        "| verified; geosecure: `NotificatiesImport`, a **placeholder** |"
        in rows["dv_notificaties_import"]
    )


def test_nothing_in_the_catalogue_ends_a_cell_of_its_page(samples: Onboardings) -> None:
    """A title with a line break, a bar or a tag stays one cell, and is text."""
    dosis = samples.catalogue.products["dosis"]
    hostile = "one\n| two | <b>three"
    scope = dosis.scopes["dv_dosis_schrijven"].model_copy(update={"title": hostile})
    scopes = {"dv_dosis_schrijven": scope}
    changed = dosis.model_copy(update={"title": hostile, "scopes": scopes})
    lines = catalogue_page(Catalogue({"dosis": changed})).splitlines()
    shown = r"one \| two \| &lt;b>three"
    assert f"## {shown}" in lines
    (row,) = (line for line in lines if line.startswith("| `dv_dosis_schrijven` |"))
    assert f"| {shown} |" in row


def test_a_sentence_of_the_catalogue_ends_without_a_blank_on_its_page(samples: Onboardings) -> None:
    """As one of a folded scalar of YAML does, which has a line break at its end."""
    dosis = samples.catalogue.products["dosis"]
    said = {"beforehand": "Sign a protocol.\n", "afterwards": "Mail the client-ID. "}
    coupling = Coupling.model_validate({"source": "its owner", **said})
    changed = dosis.model_copy(update={"coupling": coupling})
    shown = "Coupling: first: Sign a protocol; afterwards: Mail the client-ID. Source: its owner."
    assert shown in catalogue_page(Catalogue({"dosis": changed})).splitlines()


def test_a_product_that_the_catalogue_has_no_more_stays_as_it_is(samples: Onboardings) -> None:
    """A state may have it still; of any other, a set is in one order."""
    configuration = {"product_ids": ["2", "1"]}
    assert samples.catalogue.in_order("gone", configuration) == configuration
    assert samples.catalogue.in_order("notificaties", configuration) == {"product_ids": ["1", "2"]}


def test_a_name_is_verified_per_platform(samples: Onboardings) -> None:
    """Reviews, promote and new say which are not; and a form that has the former name is told the
    present one."""
    verified = {
        platform: samples.catalogue.scopes["dv_notificaties_import"].is_verified(platform)
        for platform in Platform
    }
    assert verified == {Platform.ACMIDM: True, Platform.GEOSECURE: False}
    assert samples.catalogue.meant_scope("dv_notificaties_schrijven") == "dv_notificaties_import"


def test_the_samples_show_what_a_newcomer_looks_for(samples: Onboardings) -> None:
    forms = [loaded.form for loaded in samples.forms]
    assert len(forms) >= 8
    assert {platform for form in forms for platform in form.platforms} == {
        Platform.ACMIDM,
        Platform.GEOSECURE,
    }, "one is on both platforms"
    assert {form.token_endpoint_auth_method for form in forms} == {AuthMethod.PRIVATE_KEY_JWT}
    assert any(Environment.PROD not in form.environments for form in forms), (
        "one is not in production yet"
    )
    assert max(Counter(loaded.organisation.code for loaded in samples.forms).values()) >= 2, (
        "one organisation has two applications"
    )
    assert any(loaded.organisation.ovo is None for loaded in samples.forms), (
        "one has a KBO number alone"
    )
    assert any(loaded.organisation.kbo == SHARED_KBO_NUMBER for loaded in samples.forms), (
        "one shares its KBO number"
    )
    assert any(
        len(request.products) > 1 for form in forms for request in form.environments.values()
    ), "one has several products"
    extension = samples.forms[
        [loaded.name for loaded in samples.forms].index("stad-gent/mijn-gent")
    ].form
    extended = {
        environment: "dv_dosis_schrijven" in request.scopes
        for environment, request in extension.environments.items()
    }
    assert extended == {Environment.TNI: True, Environment.PROD: False}, (
        "one is being extended with DOSIS"
    )


def test_no_key_serves_both_environments(samples: Onboardings) -> None:
    thumbprints = {
        environment: {
            key.thumbprint
            for connection in samples.connections(environment)
            for key in (connection.keys.declared or {}).values()
        }
        for environment in Environment
    }
    assert not thumbprints[Environment.TNI] & thumbprints[Environment.PROD]


def test_every_key_file_belongs_to_a_form(samples: Onboardings) -> None:
    named = {
        (loaded.file.parent / key.file).resolve()
        for loaded in samples.forms
        for request in loaded.form.environments.values()
        for key in request.jwks or ()
    }
    assert {file.resolve() for file in (ROOT / "onboardings").rglob("*.jwk.json")} == named
