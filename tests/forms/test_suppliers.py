"""A form with the keys of a supplier: its ``keys.yaml`` has them, and ``mandates.yaml`` beside the
form lets it act."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from acmidm_onboarding.rules.desired import desired
from acmidm_onboarding.values.terms import Environment
from tests.support.workspace import HERE, MANDATE, SPEAKS_FOR, WITHOUT_KEYS, Workspace, public_key

FORM = f"keys_of: leverancier\n{WITHOUT_KEYS}"
KEYS = "{tni: [tni.jwk.json], prod: [prod.jwk.json]}\n"
TEXTS = {"gent/mijn-gent": FORM, "gent/mandates": MANDATE, "leverancier/keys": KEYS}
NO_FOLDER = "has no folder with an organisation.yaml; name a folder beside this one"
NO_KEY_FILE = (
    "this is not the name of a key file; put the public key in a file beside this one, named"
    " *.jwk.json, or name the supplier whose key it is under keys_of"
)
TWICE = "the keys are those of leverancier (keys_of), and here too; keep one of the two"
MISTAKES = {
    "no folder of this name": ("gent/mijn-gent", "leverancier", "▶derde", f'"derde" {NO_FOLDER}'),
    "a folder elsewhere": ("gent/mijn-gent", "leverancier", '▶".."', f'".." {NO_FOLDER}'),
    "a file of its own too": (
        *("gent/mijn-gent", "  tni:\n", "  tni:\n    ▶jwks: [tni.jwk.json]\n"),
        TWICE,
    ),
    "an address too": (
        *("gent/mijn-gent", "  tni:\n", "  tni:\n    ▶jwks_uri: https://gent.example/jwks\n"),
        TWICE,
    ),
    "inside an environment": (
        *("gent/mijn-gent", "  tni:\n", "  tni:\n    ▶keys_of: leverancier\n"),
        'unknown field "keys_of"; write it at the top of the form, beside environments: it is for'
        " all of them",
    ),
    "a secret": (
        *("gent/mijn-gent", "keys_of: leverancier\n", "▶keys_of: leverancier\n"),
        (
            "keys are given while the client authenticates with client_secret_basic; choose"
            " token_endpoint_auth_method private_key_jwt, or remove the keys"
        ),
    ),
    "a mandate of nobody": (
        *(
            "gent/mandates",
            "{supplier",
            "{supplier: ▶derde, applications: [x], until: 2999-12-31}, {supplier",
        ),
        f'"derde" {NO_FOLDER}',
    ),
    "a mandate without end": (
        "gent/mandates",
        ", until: 2999-12-31",
        "",
        '"until" is missing; add it',
    ),
    "a mandate until no day": (
        *("gent/mandates", "2999-12-31", "▶2999-02-30"),
        '"2999-02-30" is no day; write one such as 2027-03-31',
    ),
    "a mandate for nothing": (
        "gent/mandates",
        "[mijn-gent]",
        "▶[]",
        '"applications" is empty; give at least one',
    ),
    "a mandate for neither": (
        "gent/mandates",
        "{supplier: leverancier, applications: [mijn-gent],",
        "▶{supplier: leverancier,",
        "the mandate lets its supplier do nothing; give applications of this organisation's forms,"
        " or connections of the supplier that send for it",
    ),
    "a mandate to send without a key": (
        *("gent/mandates", ", until", ", connections: [▶mijn-gent], until"),
        '"mijn-gent" is no key of a connection; write one such as OVO000001/loket',
    ),
    "a key of tni on production": (
        *("leverancier/keys", "prod: [prod", "prod: ▶[tni"),
        (
            'key "of-supplier-tni" is that of tni too; make a pair for production alone: acmidm'
            " keys new"
        ),
    ),
    "a key twice": (
        *("leverancier/keys", "[tni.jwk.json]", "[tni.jwk.json, ▶tni.jwk.json]"),
        "this is the same key as key 1 here; keep one of the two",
    ),
    "a key that is not there": (
        *("leverancier/keys", "[tni.jwk.json]", "[▶weg.jwk.json]"),
        (
            'key file "weg.jwk.json" cannot be read: No such file or directory; check its name and'
            " its rights"
        ),
    ),
    "a key elsewhere": (
        "leverancier/keys",
        "[tni.jwk.json]",
        '[▶"../gent/tni.jwk.json"]',
        NO_KEY_FILE,
    ),
    "a client that is let go": (
        *("gent/mijn-gent", "keys_of", "retire: {on: 2027-03-31, ▶keep: true}\nkeys_of"),
        "keep lets a client go by which somebody acts by a mandate, which nobody would end; take"
        " keys_of and afzenders out first, with keys of its own for the client; or leave keep out",
    ),
    "an unknown environment": (
        *("leverancier/keys", "tni:", "▶test: [tni.jwk.json], tni:"),
        'unknown field "test"; known here: prod, tni',
    ),
}


@pytest.fixture
def supplied(workspace: Workspace) -> Workspace:
    workspace.write_supplier()
    return workspace


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes(case: str, supplied: Workspace) -> None:
    """Each is reported once, at its place; what only the form lacks, at its ``keys_of``."""
    name, old, new, sentence = MISTAKES[case]
    text = TEXTS[name].replace(old, new, 1)
    if case == "a secret":
        text = text.replace("private_key_jwt", "client_secret_basic")
    if HERE in text:
        supplied.assert_reported(f"onboardings/{name}.yaml", text, sentence)
    elif "is missing" in sentence:
        supplied.write(f"onboardings/{name}.yaml", text)
        assert supplied.sentences()[0].endswith(sentence)
    else:
        supplied.write(f"onboardings/{name}.yaml", text)
        assert supplied.sentences() == [f"onboardings/gent/mijn-gent.yaml:1:10: {sentence}"]


def test_its_keys_count(supplied: Workspace) -> None:
    """Those of a list that changes, in every form at once; a mandate that has ended is no mistake,
    and of two the later counts."""
    renewed = MANDATE.replace(
        "[{", "[{supplier: leverancier, applications: [mijn-gent], until: 2020-01-31}, {"
    )
    supplied.write("onboardings/gent/mandates.yaml", renewed)
    supplied.write_key(public_key("new"), "leverancier/new")
    supplied.write(
        "onboardings/leverancier/keys.yaml",
        KEYS.replace("[tni.jwk.json]", "[tni.jwk.json, new.jwk.json]"),
    )
    [tni], [prod] = map(supplied.load().connections, Environment)
    assert [*(tni.keys.declared or ())] == ["of-supplier-tni", "new"]
    assert [*(prod.keys.declared or ())] == ["of-supplier-prod"]
    assert (
        tni.form.mandate == prod.form.mandate == {"supplier": "leverancier", "until": "2999-12-31"}
    )
    supplied.write("onboardings/gent/mandates.yaml", MANDATE.replace("2999-12-31", "2020-01-31"))
    assert supplied.sentences() == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("gent/mandates", None),
        ("gent/mandates", "mandates: []\n"),
        ("gent/mandates", MANDATE.replace("mijn-gent", "loket")),
        ("gent/mandates", MANDATE.replace("supplier: leverancier", "supplier: gent")),
        ("leverancier/keys", None),
        ("leverancier/keys", "tni: [tni.jwk.json]\n"),
    ],
)
def test_who_takes_out_a_mandate_or_keys_ends_it(
    file: str, text: str | None, supplied: Workspace
) -> None:
    """Neither needs the other for that: the form stays valid, and nothing of it is carried out."""
    if text is None:
        (supplied.forms / f"{file}.yaml").unlink()
    else:
        supplied.write(f"onboardings/{file}.yaml", text)
    connections = supplied.load().connections(Environment.PROD)
    found = desired(connections, datetime.now(UTC))
    assert found.declared == ()
    [withheld] = found.held_back
    what = (
        "Stad Gent has no mandate that lets leverancier act in application mijn-gent"
        if "mandates" in file
        else "leverancier has no keys of prod for others"
    )
    assert withheld.missing[0].startswith(f"{what}: nothing of the form is carried out")


def test_a_suppliers_own_form_needs_its_keys(supplied: Workspace) -> None:
    supplied.write_organisation("name: Leverancier\novo: OVO000001\n", "leverancier")
    supplied.write("onboardings/leverancier/keys.yaml", "prod: [prod.jwk.json]\n")
    own = "keys_of: leverancier\napplication: eigen\ncontacts: [a@b.example]\n"
    supplied.write_form(f"{own}environments: {{tni: {{}}}}\n", "leverancier/eigen")
    assert supplied.sentences() == [
        "onboardings/leverancier/eigen.yaml:1:10: leverancier has no keys of tni for others; have"
        " its owners list them in its keys.yaml"
    ]


def test_a_suppliers_own_form_has_its_keys_without_a_mandate(supplied: Workspace) -> None:
    supplied.write_organisation("name: Leverancier\novo: OVO000001\n", "leverancier")
    own = "application: eigen\ncontacts: [a@b.example]\nenvironments: {tni: {}}\n"
    for line in ("keys_of: leverancier\n", "", own.replace("{}", "{jwks: [tni.jwk.json]}")):
        supplied.write_form(line if "application" in line else f"{line}{own}", "leverancier/eigen")
        assert supplied.sentences() == []
        [own_client] = [
            client
            for client in supplied.load().connections(Environment.TNI)
            if client.application == "eigen"
        ]
        assert own_client.keys.lent == {}, "no mandate ends it"


def test_a_key_is_its_suppliers(supplied: Workspace) -> None:
    """Whatever comes after: its form says once whose it is. What a supplier says is stolen is
    known of every client."""
    [client] = supplied.load().connections(Environment.TNI)
    assert client.keys.lent == dict.fromkeys(client.keys.thumbprints, "leverancier")
    assert len(client.keys.lent) == 1
    key = "{file: tni.jwk.json, compromised: true}"
    supplied.write("onboardings/leverancier/keys.yaml", f"{{tni: [{key}], prod: [prod.jwk.json]}}")
    [client] = supplied.load().connections(Environment.TNI)
    assert client.lenders.stolen == {"leverancier": client.keys.compromised}
    assert client.keys.compromised


def test_a_suppliers_key_is_nobody_elses(supplied: Workspace) -> None:
    """Copied into the folder of a customer it would outlive the mandate, and each rotation. Files
    do not have whose it was first: both places are named, so that whoever listed it sees it."""
    supplied.write_organisation(f"name: Ander\novo: OVO000002\n{SPEAKS_FOR}", "aalst")
    supplied.write_key(public_key("of-supplier-tni"), "aalst/copy")
    own = (
        "application: eigen\ncontacts: [a@b.example]\nenvironments: {tni: {jwks:"
        " [copy.jwk.json]}}\n"
    )
    supplied.write_form(own, "aalst/eigen")
    assert supplied.sentences() == [
        "onboardings/aalst/eigen.yaml:3:29: Ander has the same key as Leverancier in"
        " onboardings/leverancier/keys.yaml; give each a key of its own, or name the supplier whose"
        " key it is: keys_of",
        "onboardings/leverancier/keys.yaml:1:8: Leverancier has the same key as Ander in"
        " onboardings/aalst/eigen.yaml; give each a key of its own, or name the supplier whose"
        " key it is: keys_of",
    ]
    # A mistake in the supplier's own folder does not let the copy through.
    for file, name, text in (
        ("keys", "Leverancier", "tni: [tni.jwk.json]\nprod: 1\nx: 1\n"),
        ("organisation", "leverancier", "name: Leverancier\nx: 1\n"),
    ):
        supplied.write(f"onboardings/leverancier/{file}.yaml", text)
        assert any(
            f"Ander has the same key as {name} in" in sentence for sentence in supplied.sentences()
        )
