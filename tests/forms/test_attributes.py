"""Default scopes and attributes: what a form may have of them, and what it says by them in nobody
else's name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acmidm_onboarding.authority_types import installed_authorities
from acmidm_onboarding.forms import abilities
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.values.identifiers import codes_within
from acmidm_onboarding.values.terms import Environment
from tests.support.workspace import CATALOGUE, FORM, SPEAKS_FOR, Workspace

GENT = "onboardings/gent/mijn-gent.yaml"
ATTRIBUTES = """\
attributes:
  setbyclient_proef: {title: Whatever, source: the tests}
  setbyclient_overal: {title: Whatever, source: the tests, platforms: [acmidm, geosecure]}
  setbyclient_bron: {title: The source, source: the tests, speaks_for: beginning}
"""
TNI = "    products:\n      notificaties:\n"
NO_TEXT = (
    '"setbyclient_proef" is not a text; write one value, in quotes where it could be read otherwise'
)
MISTAKES = {
    "a name that is not in the catalogue": (
        "{▶setbyclient_prof: loket}",
        'attribute "setbyclient_prof" is not in the catalogue; did you mean "setbyclient_proef"?',
    ),
    **{
        f"a claim of identity, {name}": (
            f"{{▶{name}: OVO002068}}",
            (
                f'attribute "{name}" is not in the catalogue; known here: setbyclient_bron,'
                " setbyclient_overal, setbyclient_proef"
            ),
        )
        for name in ("vo_ovocode", "sub", "VO_OrgCode", "client_id", "SETBYCLIENT_PROEF")
    },
    "nothing": ('{setbyclient_proef: ▶""}', '"setbyclient_proef" is empty; fill it in'),
    "a value that is too long": (
        f"{{setbyclient_proef: ▶{'x' * 256}}}",
        '"setbyclient_proef" is longer than 255 characters; shorten it',
    ),
    "neither a text nor a number": ("{setbyclient_proef: ▶true}", NO_TEXT),
    "a list": ("{setbyclient_proef: ▶[loket]}", NO_TEXT),
    "what is not seen": (
        '{setbyclient_proef: ▶"lo\\u202eket"}',
        (
            '"setbyclient_proef" contains a line break, a control or invisible character, or a'
            " space at an end; write it on one line"
        ),
    ),
    **{
        f"another's code, {written}": (
            f'{{setbyclient_proef: ▶"{written}"}}',
            (
                f"attribute setbyclient_proef has {code} in it, which is no code of Stad Gent; "
                "write its own, or none: a client says nothing in the name of another"
            ),
        )
        for written, code in {
            "https://data.vlaanderen.be/id/organisatie/ovo002068": "OVO002068",
            "0207.437.468": "0207437468",
            "\uff2f\uff36\uff2f 002-068": "OVO002068",
        }.items()
    },
    "another's source": (
        "{setbyclient_bron: ▶urn://aalst/x}",
        (
            'attribute setbyclient_bron is "urn://aalst/x", for which Stad Gent does not speak; use'
            ' what begins with "urn://gent/"; the onboarding team adds others under speaks_for in'
            " onboardings/gent/organisation.yaml"
        ),
    ),
    "a private key": (
        '{setbyclient_proef: ▶"-----BEGIN PRIVATE KEY-----"}',
        (
            "this is a private key or a token; take it out and have another made, as this one has"
            " been shared"
        ),
    ),
}


@pytest.fixture
def listing(workspace: Workspace) -> Workspace:
    """A workspace whose catalogue has attributes for DOSIS, which the form is for on TNI alone."""
    workspace.write("catalogue/dosis.yaml", CATALOGUE["dosis.yaml"] + ATTRIBUTES)
    own = SPEAKS_FOR.replace("{", "{setbyclient_bron: ['urn://gent/'], ")
    workspace.write_organisation(f'name: Stad Gent\novo: OVO002067\nkbo: "0207.451.227"\n{own}')
    return workspace


def with_attributes(text: str, request: str = TNI) -> str:
    return FORM.replace(request, f"    attributes: {text}\n{request}", 1)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_its_place(listing: Workspace, name: str) -> None:
    attributes, sentence = MISTAKES[name]
    listing.assert_reported(GENT, with_attributes(attributes), sentence)


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        (
            "platforms: [acmidm]",
            "platforms: [acmidm, geosecure]",
            (
                'attribute "setbyclient_proef" is not known on platform geosecure; remove the'
                " attribute, or geosecure"
            ),
        ),
        (
            "      dv_dosis_schrijven: {reason: dossiers, reference: SD-4711}\n",
            "",
            (
                'attribute "setbyclient_proef" is for product "dosis", none of whose scopes is'
                " here; add one of dv_dosis_schrijven under scopes, or remove the attribute"
            ),
        ),
        (
            "{reason: dossiers, ",
            "{default: yes please, reason: dossiers, ",
            '"default" is not true or false; write true or false',
        ),
        (
            "{reason: dossiers, ",
            "{default: 1, reason: dossiers, ",
            '"default" is not true or false; write true or false',
        ),
    ],
)
def test_what_does_not_go_with_the_rest(
    listing: Workspace, right: str, wrong: str, sentence: str
) -> None:
    listing.write_form(with_attributes("{setbyclient_proef: loket}").replace(right, wrong))
    assert any(found.endswith(f": {sentence}") for found in listing.sentences())


def test_no_name_is_invented(workspace: Workspace) -> None:
    """The catalogue has none, until one is public."""
    workspace.write_form(with_attributes("{setbyclient_proef: loket}"))
    assert workspace.sentences()[0].endswith(
        '"setbyclient_proef" is not in the catalogue; it has none yet, so remove it here'
    )


def test_no_form_has_more_than_the_authority_keeps(listing: Workspace) -> None:
    listing.write_form(
        with_attributes(f"{{{', '.join(f'setbyclient_x{number}: x' for number in range(21))}}}")
    )
    assert any(
        '"attributes" has more than 20 items' in sentence for sentence in listing.sentences()
    )


def test_what_a_connection_has(listing: Workspace) -> None:
    """By the platform's names; its own code may be in a value, and a source below its own."""
    own = "{setbyclient_proef: 'Gent, OVO002067 (BE 0207.451.227)', setbyclient_bron: urn://gent/x}"
    listing.write_form(
        with_attributes(own).replace("{reason: dossiers, ", "{default: true, reason: dossiers, ")
    )
    connections = {
        environment: listing.load().connections(environment) for environment in Environment
    }
    [tni], [prod] = connections[Environment.TNI], connections[Environment.PROD]
    assert {scope for scope, grant in tni.scopes.items() if grant.default} == {"dv_dosis_schrijven"}
    assert tni.attributes == {
        "setbyclient_proef": "Gent, OVO002067 (BE 0207.451.227)",
        "setbyclient_bron": "urn://gent/x",
    }
    assert (any(grant.default for grant in prod.scopes.values()), prod.attributes) == (False, {})


@pytest.mark.parametrize(
    "name",
    [
        *("vo_ovocode", "sub", "setbyapi_proef", "SETBYCLIENT_PROEF"),
        *("setbyclient_", "setbyclient_a__b", "setbyclient_é", "setbyclient_a.b"),
        *(
            "setbyclient_sub",
            "setbyclient_vo_orgcode_ovo",
            "setbyclient_mijnorgcode",
            "setbyclient_client_id",
            "setbyclient_clientid",
        ),
        f"setbyclient_{'x' * 64}",
    ],
)
def test_what_says_who_a_client_is_is_in_no_catalogue(workspace: Workspace, name: str) -> None:
    workspace.write(
        "catalogue/dosis.yaml",
        CATALOGUE["dosis.yaml"] + f"attributes:\n  {name}: {{title: x, source: x}}\n",
    )
    workspace.write_form(FORM)
    [sentence] = workspace.sentences()
    assert sentence.startswith("catalogue/dosis.yaml:19:3: ")
    assert any(
        what in sentence
        for what in ("no attribute that a client sets", "says who a client is", "longer than 64")
    )


def test_an_attribute_is_one_products(listing: Workspace) -> None:
    listing.write("catalogue/proef.yaml", CATALOGUE["proef.yaml"] + ATTRIBUTES)
    listing.write_form(FORM)
    assert any(
        'attribute "setbyclient_proef" is in catalogue/dosis.yaml too; keep one of the two' in one
        for one in listing.sentences()
    )


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("OVO002067", {"OVO002067"}),
        ("x-ovo 002 067-y", {"OVO002067"}),
        ("urn:kbo:0207451227", {"0207451227"}),
        ("0207451228", set()),  # its check digits are wrong, so it is no number of an organisation
        ("10207451227", set()),
        ("OVO00206", set()),
        ("Ovophile 12", set()),
    ],
)
def test_codes_within_a_text(text: str, codes: set[str]) -> None:
    assert codes_within(text) == codes


def test_an_authority_that_lacks_default_scopes_or_attributes_is_named(
    listing: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its type says so, and each stack of the environment has to have them: a run on one that does
    not would be refused."""
    installed = installed_authorities()
    lacking = replace(installed["keycloak"], takes_default_scopes=False, takes_attributes=False)
    found = {**installed, "keycloak": lacking}
    monkeypatch.setattr(abilities, "installed_authorities", lambda: found)
    wanting = "dv_notificaties_import: {default: true}"
    form = with_attributes("{setbyclient_proef: loket}")
    listing.write_form(form.replace("dv_notificaties_import: {}", wanting, 1))
    listing.write("Pulumi.tni.yaml", "config: {acmidm:environment: tni}\n")
    assert listing.sentences(served=stacks_in(listing.root).served) == []
    realm = "config: {acmidm:environment: tni, acmidm:authority: keycloak}\n"
    listing.write("Pulumi.realm.yaml", realm)
    said = listing.sentences(served=stacks_in(listing.root).served)
    where = "keycloak, the authority of acmidm in a stack of tni, "
    assert [sentence.partition(where)[2] for sentence in said] == [
        "gives no client default scopes; leave default out, and request the scope with each token;"
        " taken by beheerportaal, by_hand",
        "puts no attributes into tokens; leave them out; taken by beheerportaal, by_hand",
    ]
