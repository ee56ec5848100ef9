"""Mistakes in the catalogue are reported like those in forms, before any form is checked with
it."""

from __future__ import annotations

import pytest

from tests.support.workspace import Workspace

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

SCOPE = "source: the tests}"
"""The end of the scope."""
OWN = "is a scope that an authority keeps for itself; name the product's own"
NO_ENVIRONMENT = '"environments" is empty; give at least one'

ON_THE_SCOPE = {
    "environment": (
        "environments: [▶test]",
        'item 1 of "environments": "test" is not known; use prod, tni',
    ),
    "no environment": ("environments: ▶[]", NO_ENVIRONMENT),
    "the authority's own scope, by its name on a platform": (
        "names: {geosecure: ▶management_write}",
        f'"management_write" {OWN}',
    ),
    "a name that another scope has on a platform": (
        "names: {geosecure: ▶DosisImport}",
        (
            'scope "dv_dosis_schrijven" is called "DosisImport" on geosecure too; give each scope a'
            " name of its own"
        ),
    ),
    "a name that is another scope's": (
        "names: {acmidm: ▶dv_dosis_schrijven}",
        (
            'scope "dv_dosis_schrijven" is called "dv_dosis_schrijven" on acmidm too; give each'
            " scope a name of its own"
        ),
    ),
}
NAMED = {
    "scope with a space": (
        "dv nieuw",
        (
            '"dv nieuw" is not a scope; write visible ASCII characters without space, quote or'
            " backslash"
        ),
    ),
    **{
        f"the authority's own scope {name}": (name, f'"{name}" {OWN}')
        for name in (
            "management_write",
            "management_read",
            "MANAGEMENT_WRITE",
            "openid",
            "offline_access",
            "roles",
            "service_account",
        )
    },
    "a scope longer than an authority accepts": (
        "x" * 256,
        f'"{"x" * 79}…" is longer than 255 characters; shorten it',
    ),
    "a scope of another product": (
        "dv_dosis_schrijven",
        'scope "dv_dosis_schrijven" is in catalogue/dosis.yaml too; keep one of the two',
    ),
}
SCHEMA = {
    "a reference": (
        '$ref: "https://elsewhere.example/schema"',
        'uses "$ref"; write the schema out, each product in one piece',
    ),
    "a format that nobody checks": (
        "format: iri",
        'uses format "iri", which is not checked here; use a pattern instead',
    ),
    "a pattern": ('pattern: "("', "is no JSON Schema: '(' is not a 'regex'; correct the schema"),
    "a pattern too large": (
        'pattern: "a{99999999999}"',
        "is no JSON Schema that can be used; simplify its patterns",
    ),
}
MISTAKES = {
    **{
        kind: (SCOPE, f"{SCOPE[:-1]}, {more}}}", sentence)
        for kind, (more, sentence) in ON_THE_SCOPE.items()
    },
    **{kind: ("  dv_nieuw:", f"  ▶{name}:", sentence) for kind, (name, sentence) in NAMED.items()},
    **{
        kind: ("{type: string}", f"{{{schema}}}", f"configuration {sentence}")
        for kind, (schema, sentence) in SCHEMA.items()
    },
    "unknown field": (
        "owner: Dig",
        "▶owned: x\nowner: Dig",
        'unknown field "owned"; did you mean "owner"?',
    ),
    "unknown field of a scope": (
        "verified: true, ",
        "verified: true, ▶name: x, ",
        'unknown field "name"; did you mean "names"?',
    ),
    "an approver that is no handle": (
        "source: the tests\nscopes",
        'approvers: ["@team/a", ▶"@team b\\n@all"]\nsource: the tests\nscopes',
        '"@team b\\n@all" is no owner; write @user, @organisation/team or an e-mail address',
    ),
    "missing": ("title: New\n", "", '"title" is missing; add it'),
    "name": (
        "product: nieuw",
        "product: ▶Nieuw!",
        '"product" does not have the form ^[a-z0-9]+(-[a-z0-9]+)*$; correct it',
    ),
    "the name of a client by what nobody fills in": (
        "fields:\n",
        (
            "coupling: {source: the tests, client_name: {tni: ▶'New {environment}"
            " {organisation}'}}\nfields:\n"
        ),
        (
            '"New {environment} {organisation}" is no template of a name; of what is in braces it'
            " may have {organisation} alone, once"
        ),
    ),
    "name of a platform": (
        "product: nieuw",
        "product: ▶geosecure",
        '"geosecure" is the name of a platform; name the product otherwise',
    ),
    "verified": (
        "verified: true",
        "verified: ▶perhaps",
        '"verified" is not true or false; write true or false',
    ),
    "no scopes": (
        "scopes:\n  dv_nieuw: {title: New, verified: true, source: the tests}",
        "scopes: ▶{}",
        '"scopes" is empty; give at least one',
    ),
    "environments of the product": (
        PRODUCT,
        "▶"
        + PRODUCT.replace("nieuw\n", "nieuw\nenvironments: [tni]\n", 1).replace(
            "tests}", "tests, environments: [tni, prod]}"
        ),
        (
            'scope "dv_nieuw" is offered in an environment where its product is not; correct'
            " environments"
        ),
    ),
    "a field without basis": (
        "  code: {source: the tests, basis: seen}",
        "  code: ▶{source: the tests}",
        '"basis" is missing; add it',
    ),
    "a basis that there is not": (
        "basis: seen",
        "basis: ▶know",
        '"basis": "know" is not known; use assumed, documented, seen',
    ),
    "a property that says not where it comes from": (
        "{code: {type: string}}",
        "{code: {type: string}, ▶name: {type: string}}",
        (
            '"name" is not under fields; add there its source, and its basis: documented, seen or'
            " assumed"
        ),
    ),
    "a field that is no property": (
        "fields:\n",
        "fields:\n  ▶cod: {source: the tests, basis: seen}\n",
        '"cod" is no property of configuration; did you mean "code"?',
    ),
    "a field that is no text and speaks": (
        PRODUCT,
        PRODUCT.replace("{type: string}", "{type: [string, object]}").replace(
            "seen}", "seen, speaks_for: ▶exactly}"
        ),
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
        (
            "configuration is no JSON Schema: 'objekt' is not valid under any of the given schemas;"
            " correct the schema"
        ),
    ),
    "another dialect": (
        "{type: object, ",
        "▶{$schema: 'http://json-schema.org/draft-07/schema#', type: object, ",
        (
            "configuration is of another dialect of JSON Schema; write it in"
            " https://json-schema.org/draft/2020-12/schema"
        ),
    ),
    "no environment of the product": (
        "product: nieuw\n",
        "product: nieuw\nenvironments: ▶[]\n",
        NO_ENVIRONMENT,
    ),
    "a product of another file": (
        "product: nieuw",
        "product: ▶dosis",
        'product "dosis" is in another file too; keep one of the two',
    ),
}
PLACES = {"missing": (1, 1), **dict.fromkeys(SCHEMA, (9, 16))}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_reported_with_its_place_and_its_remedy(
    kind: str, workspace: Workspace
) -> None:
    right, wrong, sentence = MISTAKES[kind]
    assert right in PRODUCT
    workspace.assert_reported(FILE, PRODUCT.replace(right, wrong, 1), sentence, PLACES.get(kind))


def test_a_new_product_is_a_file_and_no_code(workspace: Workspace) -> None:
    workspace.write(FILE, PRODUCT)
    assert "dv_nieuw" in workspace.load().catalogue.scopes


def test_while_the_catalogue_is_wrong_forms_are_not_checked_with_it(workspace: Workspace) -> None:
    (workspace.catalogue / "dosis.yaml").write_text("product: dosis\n")
    assert {problem.file.as_posix() for problem in workspace.problems()} == {"catalogue/dosis.yaml"}


def test_a_folder_without_catalogue(workspace: Workspace) -> None:
    for file in workspace.catalogue.iterdir():
        file.unlink()
    assert {problem.what for problem in workspace.problems()} >= {
        'scope "dv_dosis_schrijven" is not in the catalogue'
    }


def test_a_product_that_cannot_be_read_says_why(workspace: Workspace) -> None:
    workspace.write("catalogue/dosis.yaml", b"\xff")
    workspace.write("catalogue/map.yaml/README", "")
    sentences = workspace.sentences()
    assert "catalogue/dosis.yaml:1:1: the file is not UTF-8 text; save it as UTF-8" in sentences
    assert "catalogue/map.yaml:1:1: the file is a folder or a device, not a file; name a file" in (
        sentences
    )
