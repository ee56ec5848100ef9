"""A key that its form says is compromised: read and known, and never declared."""

from __future__ import annotations

import json

from acmidm_onboarding.values.jwk import public_jwk
from acmidm_onboarding.values.terms import Environment
from tests.support.evidence import write_evidence
from tests.support.workspace import FORM, WITHOUT_KEYS, Workspace, private_key, public_key

STOLEN = "onboardings/gent/gestolen.jwk.json"
ENTRY = "{file: gestolen.jwk.json, compromised: true}"


def test_it_is_known_and_not_declared(workspace: Workspace) -> None:
    """Beside another, and alone: then the client has no key."""
    thumbprint = public_jwk(public_key("gestolen")).thumbprint
    workspace.write(STOLEN, public_key("gestolen"))
    for jwks, declared in ((f"[tni.jwk.json, {ENTRY}]", ["tni"]), (f"[{ENTRY}]", [])):
        workspace.write_form(FORM.replace("[tni.jwk.json]", jwks))
        [connection] = workspace.load().connections(Environment.TNI)
        assert (list(connection.keys.declared or ()), connection.keys.compromised) == (
            declared,
            frozenset({thumbprint}),
        )
        [on_production] = workspace.load().connections(Environment.PROD)
        assert on_production.keys.compromised == frozenset()


def test_what_it_signed_is_no_evidence(workspace: Workspace) -> None:
    """Whichever environment of the form says so: whoever stole it signs what he likes, also where
    the keys are in the portal."""
    stolen = private_key("gestolen", kty="RSA", size=2048)
    workspace.write(STOLEN, {name: stolen[name] for name in ("kty", "n", "e", "kid")})
    write_evidence(workspace.forms / "gent", stolen)
    for old, new in (
        ("[tni.jwk.json]", f"[tni.jwk.json, {ENTRY}]"),
        ("[prod.jwk.json]", f"[prod.jwk.json, {ENTRY}]"),
    ):
        form = FORM.replace(old, new)
        workspace.write_form(
            form if "tni" in old else form.replace("    jwks: [tni.jwk.json]\n", "")
        )
        [connection] = workspace.load().connections(Environment.TNI)
        assert (connection.evidence_file.evidence, connection.evidence_file.refused) == (
            None,
            "it is signed by a key that the form says is compromised",
        )


def test_an_entry_that_says_no_more_is_its_name(workspace: Workspace) -> None:
    workspace.write_form(
        FORM.replace("[tni.jwk.json]", "[{file: tni.jwk.json, compromised: false}]")
    )
    [connection] = workspace.load().connections(Environment.TNI)
    assert (list(connection.keys.declared or ()), connection.keys.compromised) == (
        ["tni"],
        frozenset(),
    )


def test_it_is_used_nowhere_else(workspace: Workspace) -> None:
    """One key for all clients is what organisations have: each place where it goes on is named."""
    workspace.write(STOLEN, public_key("gestolen"))
    workspace.write_form(
        FORM.replace("[tni.jwk.json]", f"[tni.jwk.json, {ENTRY}]").replace(
            "prod.jwk.json", "gestolen.jwk.json"
        )
    )
    what = (
        "this key is compromised, as onboardings/gent/mijn-gent.yaml says; mark it so here too, and"
        " name another"
    )
    assert [problem.partition(": ")[2] for problem in workspace.sentences()] == [what]
    other = FORM.replace("application: mijn-gent", "application: ander").replace(
        "tni.jwk.json", "gestolen.jwk.json"
    )
    workspace.write_form(FORM.replace("[tni.jwk.json]", f"[tni.jwk.json, {ENTRY}]"))
    workspace.write_form(other, "gent/ander")
    assert [problem.partition(": ")[2] for problem in workspace.sentences()] == [what]


def test_one_that_a_supplier_marks_leaves_all_its_customers(workspace: Workspace) -> None:
    """With one line; the supplier's own form may not go on with it either."""
    workspace.write_supplier("{tni: [{file: tni.jwk.json, compromised: true}]}\n")
    workspace.write_form(f"keys_of: leverancier\n{WITHOUT_KEYS[: WITHOUT_KEYS.index('  prod:')]}")
    [connection] = workspace.load().connections(Environment.TNI)
    thumbprint = public_jwk(public_key("of-supplier-tni")).thumbprint
    assert (dict(connection.keys.declared or {}), connection.keys.compromised) == (
        {},
        frozenset({thumbprint}),
    )
    workspace.write_organisation("name: Leverancier\novo: OVO000001\n", "leverancier")
    own = (
        "application: eigen\ncontacts: [a@b.example]\nenvironments: {tni: {jwks: [tni.jwk.json]}}\n"
    )
    workspace.write_form(own, "leverancier/eigen")
    assert workspace.sentences() == [
        "onboardings/leverancier/eigen.yaml:3:29: this key is compromised, as"
        " onboardings/leverancier/keys.yaml says; mark it so here too, and name another"
    ]


def test_mistakes_in_an_entry(workspace: Workspace) -> None:
    """A misspelt word, a word for a truth, an entry without file, and a key that was pasted in,
    which is not repeated."""
    pasted = json.dumps(public_key("tni"))
    for entry, sentence in (
        (
            "{file: tni.jwk.json, compromissed: true}",
            'unknown field "compromissed"; did you mean "compromised"?',
        ),
        (
            "{file: tni.jwk.json, compromised: ja}",
            '"compromised" is not true or false; write true or false',
        ),
        ("{compromised: true}", 'item 1 of "jwks" is not the name of a file; '),
        (pasted, 'item 1 of "jwks" is not the name of a file; '),
    ):
        workspace.write_form(FORM.replace("[tni.jwk.json]", f"[{entry}]"))
        (found,) = workspace.sentences()
        assert sentence in found
        assert public_key("tni")["n"] not in found
