"""The address where an organisation publishes its keys (RFC 7591 ``jwks_uri``): what it looks like,
and where it may stand."""

from __future__ import annotations

import pytest

from acmidm_onboarding.authority_types import installed_authorities
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.values.key_address import key_address
from acmidm_onboarding.values.terms import LONGEST_TEXT, Environment, Platform
from tests.support.workspace import FORM, Workspace

ADDRESS = "https://keys.gent.example/jwks.json"
WITH_ADDRESS = FORM.replace("jwks: [tni.jwk.json]", f"jwks_uri: {ADDRESS}")


def test_a_connection_has_its_address_and_no_keys(workspace: Workspace) -> None:
    workspace.write_form(WITH_ADDRESS)
    [tni] = workspace.load().connections(Environment.TNI)
    [prod] = workspace.load().connections(Environment.PROD)
    assert (tni.jwks_uri, tni.keys.declared) == (ADDRESS, None)
    assert (prod.jwks_uri, list(prod.keys.declared or ())) == (None, ["prod"])


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS,
        "https://a.b:443/",
        "https://xn--bcher-kva.example",
        "https://keys.gent.example/a/b?of=x&y=1",
    ],
)
def test_an_address_leads_to_a_public_web_server(address: str) -> None:
    assert key_address(address) == address


NO_HOSTS = r"""keys.gent.example:8443 keys.gent.example:0443x keys.gent.example:99999 user@keys.gent.example
user:hunter2@keys.gent.example
    @keys.gent.example 127.0.0.1 2130706433 0x7f000001 0177.0.0.1 127.1 10.0.0.0x1 [::1] [::ffff:127.0.0.1]
    [keys.gent.example localhost
    keys.localhost printer.local metadata.google.internal intranet keys..example keys.gent.example. -keys.example
    keys_1.example
    keys.gent.example\@127.0.0.1 kéys.example 127。0。0。1"""  # noqa: E501
NO_ADDRESSES = """http://keys.gent.example/jwks ftp://keys.gent.example/jwks HTTPS://keys.gent.example/jwks
//keys.gent.example/jwks
    keys.gent.example/jwks https://keys.gent.example/jwks#one https://keys.gent.example/jwks# https:///jwks
    https://keys.gent.example/\u2025"""


def test_any_other_address_is_refused(workspace: Workspace) -> None:
    hosts = [*NO_HOSTS.split(), "keys.gent.example\t"]
    for address in (*(f"https://{host}/jwks" for host in hosts), *NO_ADDRESSES.split()):
        with pytest.raises(
            ValueError, match=r"such as https://keys\.stad\.example/jwks\.json|on port"
        ):
            key_address(address)
        quoted = address.replace("\\", "\\\\").replace("\t", "\\t")
        workspace.write_form(FORM.replace("jwks: [tni.jwk.json]", f'jwks_uri: "{quoted}"'))
        [problem] = workspace.problems()
        assert (problem.line, problem.column) == (7, 15), address
        assert "hunter2" not in str(problem)


def test_it_is_no_longer_than_an_authority_keeps(workspace: Workspace) -> None:
    workspace.write_form(WITH_ADDRESS.replace(ADDRESS, f"{ADDRESS}{'x' * LONGEST_TEXT}"))
    assert workspace.sentences() == [
        f'onboardings/gent/mijn-gent.yaml:7:15: "jwks_uri" is longer than {LONGEST_TEXT}'
        " characters; shorten it"
    ]


def test_keys_are_in_one_place(workspace: Workspace) -> None:
    workspace.write_form(
        FORM.replace(
            "    jwks: [tni.jwk.json]\n", f"    jwks: [tni.jwk.json]\n    jwks_uri: {ADDRESS}\n"
        )
    )
    assert workspace.sentences() == [
        "onboardings/gent/mijn-gent.yaml:8:5: the keys are both in files (jwks) and at an address"
        " (jwks_uri); keep one of the two"
    ]
    secret = WITH_ADDRESS.replace("private_key_jwt", "client_secret_basic").replace(
        "    jwks: [prod.jwk.json]\n", ""
    )
    workspace.write_form(secret)
    assert workspace.sentences() == [
        "onboardings/gent/mijn-gent.yaml:7:5: an address of keys is given while the client"
        " authenticates with client_secret_basic; choose token_endpoint_auth_method"
        " private_key_jwt, or remove the address"
    ]


def test_an_authority_that_takes_no_keys_from_an_address_is_named(workspace: Workspace) -> None:
    """By the settings of each stack of the environment: of two, one that does not know it is
    enough."""
    workspace.write_form(WITH_ADDRESS)
    workspace.write(
        "Pulumi.realm.yaml", "config: {acmidm:environment: tni, acmidm:authority: keycloak}\n"
    )
    assert workspace.sentences(served=stacks_in(workspace.root).served) == []
    workspace.write("Pulumi.tni.yaml", "config: {acmidm:environment: tni}\n")
    known = ", ".join(
        name for name, one in installed_authorities().items() if one.takes_keys_from_address
    )
    assert workspace.sentences(served=stacks_in(workspace.root).served) == [
        "onboardings/gent/mijn-gent.yaml:7:5: beheerportaal, the authority of acmidm in a stack of"
        " tni, takes no keys from an address; name the keys under jwks, or leave both out and"
        f" upload them in the portal; known by {known}"
    ]
    workspace.write("Pulumi.tni.yaml", "config: {acmidm:environment: prod}\n")
    assert workspace.sentences(served=stacks_in(workspace.root).served) == []


def test_what_a_stack_serves_is_known_by_platform_and_kind(workspace: Workspace) -> None:
    workspace.write(
        "Pulumi.a.yaml",
        "config: {acmidm:environment: tni, acmidm:authority: keycloak, geosecure:authority:"
        " beheerportaal}\n",
    )
    workspace.write("Pulumi.b.yaml", "config: {acmidm:environment: tni}\n")
    assert stacks_in(workspace.root).served == {
        Environment.TNI: {Platform.ACMIDM: {"keycloak", "beheerportaal"}}
    }
