"""What an authority would refuse in the middle of a run, a form refuses: by the contract of the
management API, which both have alike."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter

from acmidm_onboarding.forms.catalogue import ScopeToken
from acmidm_onboarding.values import names, terms
from acmidm_onboarding.values.attributes import ATTRIBUTE
from acmidm_onboarding.values.identifiers import is_visible
from acmidm_onboarding.values.jwk import InvalidJwk, public_jwk
from acmidm_onboarding.values.terms import Environment, is_name
from acmidm_sandbox.beheerportaal.documents import ClientDeclaration, JwksDocument, ScopesDocument
from acmidm_sandbox.beheerportaal.jwk import find_key_mistakes
from acmidm_sandbox.beheerportaal.limits import LONGEST_ATTRIBUTE_NAME
from acmidm_sandbox.beheerportaal.untrusted import require_visible
from tests.support.workspace import FORM, ORGANISATION, WITHOUT_KEYS, Workspace, public_key


def contract(document: type, field: str) -> Mapping[str, Any]:
    """What the contract says of a field."""
    properties: Mapping[str, Any] = document.model_json_schema()["properties"]  # type: ignore[attr-defined]
    found: Mapping[str, Any] = properties[field]
    return found


def number(bits: int) -> str:
    """An odd number of so many bits, as a key has it."""
    return base64.urlsafe_b64encode((2**bits - 1).to_bytes((bits + 7) // 8)).rstrip(b"=").decode()


def test_the_limits_are_those_of_the_contract() -> None:
    contacts = contract(ClientDeclaration, "contacts")
    assert (contacts["maxItems"], contacts["items"]["maxLength"]) == (
        terms.MOST_CONTACTS,
        terms.LONGEST_ADDRESS,
    )
    attributes = contract(ClientDeclaration, "attributes")
    [(pattern, value)] = attributes["patternProperties"].items()
    assert (attributes["maxProperties"], value["maxLength"], pattern) == (
        terms.MOST_ATTRIBUTES,
        terms.LONGEST_TEXT,
        f"^{ATTRIBUTE.pattern}$",
    )
    assert LONGEST_ATTRIBUTE_NAME == terms.LONGEST_ATTRIBUTE_NAME
    assert contract(JwksDocument, "keys")["maxItems"] == terms.MOST_KEYS
    assert {
        contract(ClientDeclaration, name)["maxLength"] for name in ("client_name", "application")
    } == {terms.LONGEST_TEXT}
    assert (
        TypeAdapter(ScopeToken).json_schema()["maxLength"]
        == contract(ScopesDocument, "scopes")["items"]["maxLength"]
    )


BELOW, TAGS = range(0x40000), range(0xE0000, 0xF0000)
"""The planes of Unicode that have characters, but for those of private use."""


def test_what_is_visible_is_so_for_the_authority_too() -> None:
    """Of all characters, in the planes of Unicode that have any."""

    def accepted(text: str) -> bool:
        try:
            return bool(require_visible(text))
        except ValueError:
            return False

    texts = (*(f"a{chr(number)}b" for number in (*BELOW, *TAGS)), " a", "a ", "\u00a0a")
    assert [ascii(text) for text in texts if is_visible(text) != accepted(text)] == []


@pytest.mark.parametrize(
    ("member", "longest"), [("kid", "\u00e9" * 127 + "k"), ("e", number(64)), ("n", number(16384))]
)
def test_a_key_is_as_large_as_the_authority_accepts(member: str, longest: str) -> None:
    key = public_key("tni")
    larger = longest + "k" if member == "kid" else number(65 if member == "e" else 16385)
    assert list(find_key_mistakes([{**key, member: longest}])) == []
    public_jwk({**key, member: longest})
    assert [mistake.pointer for mistake in find_key_mistakes([{**key, member: larger}])] == [
        f"/keys/0/{member}"
    ]
    with pytest.raises(InvalidJwk) as refused:
        public_jwk({**key, member: larger})
    assert [reason.member for reason in refused.value.reasons] == [member]


def test_what_is_as_long_as_may_be_is_accepted_by_the_authority(workspace: Workspace) -> None:
    application, name = "a" * 64, "n" * names.LONGEST_ORGANISATION_NAME
    domain = ".".join("d" * 60 for _ in range(3)) + ".example"
    contacts = [
        f"{number:02}{'c' * (terms.LONGEST_ADDRESS - len(domain) - 3)}@{domain}"
        for number in range(terms.MOST_CONTACTS)
    ]
    assert is_name(application)
    assert not is_name(f"{application}a")
    workspace.write_organisation(ORGANISATION.replace("Stad Gent", name))
    text = WITHOUT_KEYS.replace("application: mijn-gent", f"application: {application}")
    workspace.write_form(text.replace("[api-beheer@stad-gent.example]", str(contacts)))
    [connection] = workspace.load().connections(Environment.TNI)
    declared = ClientDeclaration(
        client_name=connection.metadata.client_name,
        software_id=connection.software_id,
        organisation={
            "name": name,
            "ovo": connection.declared_by.ovo,
            "kbo": connection.declared_by.kbo,
        },  # type: ignore[arg-type]
        application=connection.application,
        grant_types=["client_credentials"],
        token_endpoint_auth_method="private_key_jwt",
        contacts=list(connection.metadata.contacts),
    )
    assert (len(declared.contacts), len(declared.client_name)) == (
        terms.MOST_CONTACTS,
        terms.LONGEST_TEXT,
    )


def test_no_form_has_more_keys_than_the_authority_keeps(workspace: Workspace) -> None:
    names = [f"key-{number}.jwk.json" for number in range(terms.MOST_KEYS + 1)]
    for name in names:
        workspace.write_key(
            public_key(name.removesuffix(".jwk.json"), kty="EC", crv="P-256"),
            f"gent/{name.removesuffix('.jwk.json')}",
        )
    for count, expected in ((-1, []), (None, ['"jwks" has more than 5 items'])):
        workspace.write_form(FORM.replace("tni.jwk.json", ", ".join(names[:count]), 1))
        assert [problem.what for problem in workspace.problems()] == expected


@pytest.mark.parametrize(
    ("right", "wrong", "what"),
    [
        (
            "[api-beheer@stad-gent.example]",
            str([f"a{number}@b.example" for number in range(51)]),
            '"contacts" has more than 50 items',
        ),
        ("api-beheer@", f"{'a' * 240}@", "is not an e-mail address"),
        ("api-beheer@", '"a\\u034fb@stad-gent.example", a@', "is not an e-mail address"),
        ("reason: dossiers", 'reason: "dossi\\u3164ers"', "invisible character"),
        ("    scopes:", '    adopt: {acmidm: ".."}\n    scopes:', '".." is no client-ID'),
        ("    scopes:", '    adopt: {acmidm: "."}\n    scopes:', '"." is no client-ID'),
        (
            "    scopes:",
            '    adopt: {acmidm: "\\u0430ccount"}\n    scopes:',
            '"\u0430ccount" is no client-ID',
        ),
    ],
)
def test_what_the_authority_would_refuse_is_refused_in_the_form(
    right: str, wrong: str, what: str, workspace: Workspace
) -> None:
    assert right in FORM
    workspace.write_form(FORM.replace(right, wrong, 1))
    [problem] = workspace.problems()
    assert what in problem.what


def test_a_client_is_taken_over_by_one_form_however_its_id_is_written(workspace: Workspace) -> None:
    """Some authorities tell the case of letters apart and others do not."""
    for name, client_id in (("mijn-gent", "8ABAE908"), ("tweede", "8abae908")):
        text = WITHOUT_KEYS.replace("application: mijn-gent", f"application: {name}")
        workspace.write_form(
            text.replace("    scopes:", f'    adopt: {{acmidm: "{client_id}"}}\n    scopes:', 1),
            f"gent/{name}",
        )
    [problem] = workspace.problems()
    assert (
        problem.what == 'client "8abae908" is taken over by onboardings/gent/mijn-gent.yaml already'
    )
