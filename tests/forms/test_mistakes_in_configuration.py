"""What a product's schema refuses in its configuration is reported in sentences, with place and
remedy."""

from __future__ import annotations

import pytest

from acmidm_onboarding.values.terms import Environment
from tests.support.workspace import FORM, Workspace

GENT = "onboardings/gent/mijn-gent.yaml"

BRAND, IDS = "        merk_code: stad-gent\n", '["10244", "10245"]'
TOO_LARGE = (
    "volume is larger than JSON carries exactly (RFC 8259 §6); write at most 9007199254740991, or a"
    " text in quotes"
)
NUMBERS = "give IPDC numbers in quotes"
CODE = "give the brand's code"

INSTEAD = {
    "number without quotes": (
        IDS,
        '["10244", ▶10245]',
        "product_ids, item 2 is not a text; numbers need quotes; give an IPDC number in quotes",
    ),
    "not a list": (IDS, '▶"10244"', f"product_ids is not a list; {NUMBERS}"),
    "empty list": (IDS, "▶[]", f"product_ids has too few items; {NUMBERS}"),
    "twice": (IDS, '▶["10244", "10244"]', f"product_ids has the same value twice; {NUMBERS}"),
    "wrong form": (
        "stad-gent\n",
        "▶Stad Gent\n",
        f'merk_code is "Stad Gent", which does not have the required form; {CODE}',
    ),
    "too long": ("stad-gent\n", f"▶{'x' * 21}\n", f"merk_code is too long; {CODE}"),
    "a value that is no text is not repeated": (
        "stad-gent\n",
        "▶{d: secret}\n",
        f"merk_code is not a text; numbers need quotes; {CODE}",
    ),
}
ADDED = {
    "unknown field": ("▶merkcode: x", ': unknown field "merkcode"; did you mean "merk_code"?'),
    "unknown choice": (
        "choices: [info, ▶statsu]",
        ', choices, item 2 is "statsu", which is not known; did you mean "status"?',
    ),
    "an integer larger than JSON carries": ("volume: ▶9007199254740992", f", {TOO_LARGE}"),
    "an integer as small": ("volume: ▶-9007199254740992", f", {TOO_LARGE}"),
    "what another field needs": (
        "options: [plain, linked]",
        ': "link" is missing; give the address of the link',
    ),
}
CONFIGURATION = {
    **{
        kind: (right, wrong, f"notificaties, {sentence}")
        for kind, (right, wrong, sentence) in INSTEAD.items()
    },
    **{
        kind: (BRAND, f"{BRAND}        {line}\n", f"notificaties{sentence}")
        for kind, (line, sentence) in ADDED.items()
    },
    "missing": (BRAND, "", f'notificaties: "merk_code" is missing; {CODE}'),
    "control character": (
        "bron_uri: urn://gent/mijn-gent",
        'bron_uri: ▶"urn://gent\\n"',
        (
            "dosis, bron_uri contains a line break, a control or invisible character, or a space at"
            " an end; write it on one line"
        ),
    ),
}

PLACES = {"missing": (13, 9), "what another field needs": (13, 9)}


@pytest.mark.parametrize("kind", CONFIGURATION)
def test_a_mistake_is_reported_with_its_place_and_its_remedy(
    kind: str, workspace: Workspace
) -> None:
    right, wrong, sentence = CONFIGURATION[kind]
    assert right in FORM
    workspace.assert_reported(GENT, FORM.replace(right, wrong, 1), sentence, PLACES.get(kind))


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ("{not: {const: x}}", "x", "is not allowed by the product"),
        ("{anyOf: [{const: x}, {const: y}]}", "z", "is none of the possible choices"),
        (
            "{oneOf: [{type: string}, {minLength: 1}]}",
            "x",
            "is none of the possible choices, or more than one at once",
        ),
        ("{contains: {const: x}}", "[y]", "lacks an item that it needs"),
        ("{type: [boolean, integer]}", "x", "is not true or false or a whole number"),
        ("{minimum: 1}", "0", "is too small"),
        ("{maximum: 1}", "2", "is too large"),
        ("{minProperties: 1}", "{}", "has too few fields"),
        ("{format: email}", "x", "does not have the required form"),
        ("{dependentRequired: {x: [y]}}", "{x: z}", ': "y" is missing, which goes with "x"'),
    ],
)
def test_every_keyword_of_a_schema_has_a_sentence(
    schema: str, value: str, sentence: str, workspace: Workspace
) -> None:
    """In the words of a form's author, who has not read JSON Schema; a format is checked like the
    rest."""
    dosis = (workspace.catalogue / "dosis.yaml").read_text()
    dosis = dosis.replace("fields: {", "fields: {code: {source: the tests, basis: assumed}, ")
    workspace.write("catalogue/dosis.yaml", f"{dosis}    code: {schema}\n")
    workspace.write_form(
        FORM.replace(
            "bron_uri: urn://gent/mijn-gent",
            f"bron_uri: urn://gent/mijn-gent\n        code: {value}",
        )
    )
    [problem] = workspace.problems()
    assert problem.what == f"dosis, code{'' if sentence[0] == ':' else ' '}{sentence}"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("9007199254740991", 2**53 - 1),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("1.10", "1.10"),  # a version, not the number 1.1
        ("1e3", "1e3"),
        ("0207451227", "0207451227"),
        ("2026-01-01", "2026-01-01"),
        ('"1.5"', "1.5"),
    ],
)
def test_only_what_is_surely_a_number_is_one(
    written: str, value: object, workspace: Workspace
) -> None:
    workspace.write_form(
        FORM.replace(
            "merk_code: stad-gent\n", f"merk_code: stad-gent\n        volume: {written}\n", 1
        )
    )
    [connection] = workspace.load().connections(Environment.TNI)
    volume = connection.configurations["notificaties"]["volume"]
    assert (volume, type(volume)) == (value, type(value))
