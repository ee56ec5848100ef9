"""Mistakes in the catalogue are reported like those in forms, before any form is checked with it."""

from __future__ import annotations

import pytest

from tests.unit.model.workspace import Workspace, place_of_mark

FILE = "catalogue/nieuw.yaml"
PRODUCT = """\
product: nieuw
title: New
owner: Digitaal Vlaanderen
source: the tests
scopes:
  dv_nieuw: {title: New, verified: true, source: the tests}
fields:
  code: {source: the tests, basis: seen}
configuration: {type: object, properties: {code: {type: string}}}
"""

MISTAKES = {
    "unknown field": ("owner: Dig", "▶owned: x\nowner: Dig", 'unknown field "owned"; did you mean "owner"?'),
    "unknown field of a scope": ("verified: true, ", "verified: true, ▶name: x, ", 'unknown field "name"; did you mean "names"?'),
    "missing": ("title: New\n", "", '"title" is missing; add it'),
    "name": ("product: nieuw", "product: ▶Nieuw!", '"product" does not have the form ^[a-z0-9]+(-[a-z0-9]+)*$; correct it'),
    "name of a platform": ("product: nieuw", "product: ▶geosecure", '"geosecure" is the name of a platform; name the product otherwise'),
    "verified": ("verified: true", "verified: ▶perhaps", '"verified" is not true or false; write true or false'),
    "no scopes": (
        "scopes:\n  dv_nieuw: {title: New, verified: true, source: the tests}",
        "scopes: ▶{}",
        '"scopes" is empty; give at least one',
    ),
    "environment": (
        "source: the tests}",
        "source: the tests, environments: [▶test]}",
        'item 1 of "environments": "test" is not known; use prod, tni',
    ),
    "environments of the product": (
        PRODUCT,
        "▶" + PRODUCT.replace("nieuw\n", "nieuw\nenvironments: [tni]\n", 1).replace("tests}", "tests, environments: [tni, prod]}"),
        'scope "dv_nieuw" is offered in an environment where its product is not; correct environments',
    ),
    "scope with a space": (
        "  dv_nieuw:",
        "  ▶dv nieuw:",
        '"dv nieuw" is not a scope; write visible ASCII characters without space, quote or backslash',
    ),
    **{
        f"the authority's own scope {name}": (
            "  dv_nieuw:",
            f"  ▶{name}:",
            f'"{name}" is a scope that an authority keeps for itself; name the product\'s own',
        )
        for name in ("management_write", "management_read", "MANAGEMENT_WRITE", "openid", "offline_access", "roles", "service_account")
    },
    "the authority's own scope, by its name on a platform": (
        "source: the tests}",
        "source: the tests, names: {geosecure: ▶management_write}}",
        '"management_write" is a scope that an authority keeps for itself; name the product\'s own',
    ),
    "a scope longer than an authority accepts": (
        "  dv_nieuw:",
        f"  ▶{'x' * 256}:",
        f'"{"x" * 79}…" is longer than 255 characters; shorten it',
    ),
    "a field without basis": ("  code: {source: the tests, basis: seen}", "  code: ▶{source: the tests}", '"basis" is missing; add it'),
    "a basis that there is not": (
        "basis: seen",
        "basis: ▶know",
        '"basis": "know" is not known; use assumed, documented, seen',
    ),
    "a property that says not where it comes from": (
        "{code: {type: string}}",
        "{code: {type: string}, ▶name: {type: string}}",
        '"name" is not under fields; add there its source, and its basis: documented, seen or assumed',
    ),
    "a field that is no property": (
        "fields:\n",
        "fields:\n  ▶cod: {source: the tests, basis: seen}\n",
        '"cod" is no property of configuration; did you mean "code"?',
    ),
    "a field that is no text and speaks": (
        PRODUCT,
        PRODUCT.replace("{type: string}", "{type: [string, object]}").replace("seen}", "seen, speaks_for: ▶exactly}"),
        '"code" speaks for somebody, and is no text or list of texts; give it type: string',
    ),
    "a way to speak that there is not": (
        "basis: seen",
        "basis: seen, speaks_for: ▶ending",
        '"speaks_for": "ending" is not known; did you mean "beginning"?',
    ),
    "fields of a product without configuration": (
        PRODUCT,
        PRODUCT.partition("configuration")[0].replace("  code", "  ▶code"),
        '"code" is no property of configuration; add it there, or remove it here',
    ),
    "no schema": (
        "{type: object,",
        "▶{type: objekt,",
        "configuration is no JSON Schema: 'objekt' is not valid under any of the given schemas; correct the schema",
    ),
    "a reference": (
        "{type: string}",
        '{$ref: "https://elsewhere.example/schema"}',
        'configuration uses "$ref"; write the schema out, each product in one piece',
    ),
    "another dialect": (
        "{type: object, ",
        "▶{$schema: 'http://json-schema.org/draft-07/schema#', type: object, ",
        "configuration is of another dialect of JSON Schema; write it in https://json-schema.org/draft/2020-12/schema",
    ),
    "a format that nobody checks": (
        "{type: string}",
        "{format: iri}",
        'configuration uses format "iri", which is not checked here; use a pattern instead',
    ),
    "no environment": ("source: the tests}", "source: the tests, environments: ▶[]}", '"environments" is empty; give at least one'),
    "no environment of the product": (
        "product: nieuw\n",
        "product: nieuw\nenvironments: ▶[]\n",
        '"environments" is empty; give at least one',
    ),
    "a name that another scope has on a platform": (
        "source: the tests}",
        "source: the tests, names: {geosecure: ▶DosisImport}}",
        'scope "dv_dosis_schrijven" is called "DosisImport" on geosecure too; give each scope a name of its own',
    ),
    "a name that is another scope's": (
        "source: the tests}",
        "source: the tests, names: {acmidm: ▶dv_dosis_schrijven}}",
        'scope "dv_dosis_schrijven" is called "dv_dosis_schrijven" on acmidm too; give each scope a name of its own',
    ),
    "a pattern": (
        "{type: string}",
        '{pattern: "("}',
        "configuration is no JSON Schema: '(' is not a 'regex'; correct the schema",
    ),
    "a pattern too large": (
        "{type: string}",
        '{pattern: "a{99999999999}"}',
        "configuration is no JSON Schema that can be used; simplify its patterns",
    ),
    "a scope of another product": (
        "  dv_nieuw:",
        "  ▶dv_dosis_schrijven:",
        'scope "dv_dosis_schrijven" is in catalogue/dosis.yaml too; keep one of the two',
    ),
    "a product of another file": ("product: nieuw", "product: ▶dosis", 'product "dosis" is in another file too; keep one of the two'),
}
PLACES = {
    "missing": (1, 1),
    "a reference": (9, 16),
    "a format that nobody checks": (9, 16),
    "a pattern": (9, 16),
    "a pattern too large": (9, 16),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_reported_with_its_place_and_its_remedy(kind: str, workspace: Workspace) -> None:
    right, wrong, sentence = MISTAKES[kind]
    assert right in PRODUCT
    text = PRODUCT.replace(right, wrong, 1)
    text, line, column = place_of_mark(text) if kind not in PLACES else (text, *PLACES[kind])
    workspace.write(FILE, text)
    assert workspace.sentences() == [f"{FILE}:{line}:{column}: {sentence}"]


def test_a_new_product_is_a_file_and_no_code(workspace: Workspace) -> None:
    workspace.write(FILE, PRODUCT)
    assert "dv_nieuw" in workspace.load().catalogue.scopes


def test_while_the_catalogue_is_wrong_forms_are_not_checked_with_it(workspace: Workspace) -> None:
    (workspace.catalogue / "dosis.yaml").write_text("product: dosis\n")
    assert {problem.file.as_posix() for problem in workspace.problems()} == {"catalogue/dosis.yaml"}


def test_a_folder_without_catalogue(workspace: Workspace) -> None:
    for file in workspace.catalogue.iterdir():
        file.unlink()
    assert {problem.what for problem in workspace.problems()} >= {'scope "dv_dosis_schrijven" is not in the catalogue'}
