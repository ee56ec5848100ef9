"""Rows and clients, without an authority: what a form has, and every reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from acmidm.edit.new.rows import Heading
from acmidm.importing.clients import ClientRows
from acmidm.importing.listed import ExistingClients, ListedClient
from acmidm.sheet import SheetRow
from acmidm.words import slug
from acmidm_onboarding.authorities.keycloak.wire import WireClient
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.files import form_file
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.values.metadata import Owner, ProductDocument
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import filled
from acmidm_onboarding.values.terms import Environment, Platform
from tests.importing.listed import GENT, LETTERS, client, registers_of
from tests.support.offered import catalogue_folder
from tests.support.portal import new_key, public_jwk

TNI, PROD = Environment.TNI, Environment.PROD
FORMS = Onboardings(load_catalogue(catalogue_folder()), ())


def row(
    number: int = 2, tni: str | None = "a-1", prod: str | None = None, kbo: str | None = GENT
) -> SheetRow:
    values: dict[str, str | None] = {
        Heading.KBO: kbo,
        Heading.CLIENT_TEST: tni,
        Heading.CLIENT_PROD: prod,
    }
    return SheetRow(None, number, filled(values), LETTERS)


def planned(
    rows: list[SheetRow],
    *clients: ListedClient,
    contact: str | None = None,
    folders: Mapping[str, Organisation] | None = None,
) -> ClientRows:
    def read(**_: object) -> Onboardings:
        raise AssertionError("the forms were read before, and nothing is written yet")

    forms = replace(FORMS, organisations=folders or {})
    plan = ClientRows(
        read, forms, Path("onboardings"), "klanten.csv", registers_of(clients), contact
    )
    plan.make_drafts(rows)
    return plan


def only_reason(plan: ClientRows) -> str:
    assert plan.drafts == []
    [reason] = [*plan.wrong(), *plan.unnamed()][:1]
    return reason


def name_of(draft: ExistingClients) -> str:
    """Where a form goes, and whether its organisation is new."""
    file = form_file(draft.form["application"]).removesuffix(".yaml")
    return f"{draft.owner.folder}/{file}"


def whose(draft: ExistingClients) -> tuple[str, str, str | None, str | None, bool]:
    own = draft.owner.organisation
    return draft.owner.folder, own.name, own.ovo, own.kbo, draft.owner.is_new


def test_a_row_becomes_a_form() -> None:
    """Scopes by the catalogue's names; what providers assign by themselves is left out."""
    plan = planned(
        [row()],
        client(
            scopes={"dv_dosis_schrijven": True, "vo_info": True},
            jwks={"k": public_jwk(new_key("k"))},
        ),
    )
    (draft,) = plan.drafts
    assert name_of(draft) == "stad-gent/loket"
    assert whose(draft) == ("stad-gent", "Stad Gent", None, GENT, True)
    assert draft.form["environments"]["tni"]["scopes"] == {"dv_dosis_schrijven": {"default": True}}
    assert [key.kid for key in draft.keys[TNI]] == ["k"]
    assert (draft.notes, plan.wrong()) == ([], [])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"grant_types": ("authorization_code", "client_credentials")},
            "has the grant types authorization_code, client_credentials",
        ),
        ({"enabled": False}, "is disabled, and a form would enable it"),
        ({"managed_by": "elders/tni"}, "is managed by elders/tni: only that stack can declare it"),
        (
            {"attributes": {"setbyclient_onbekend": "x"}},
            (
                'has the attribute "setbyclient_onbekend", which is not in the catalogue: add it'
                " there, or remove it first"
            ),
        ),
        (
            {"scopes": {"dv_onbekend": False}},
            'has the scope "dv_onbekend", which is not in the catalogue: add it there',
        ),
        (
            {
                "configurations": {
                    "dosis": ProductDocument({}, Owner("acmidm/tni/x/y", "elders/tni"))
                }
            },
            (
                'the dosis configuration of client a-1 ("Stad Gent - loket", Stad Gent) on tni is'
                " managed by elders/tni"
            ),
        ),
        (
            {"kbo": "0207437468"},
            f'(KBOnummer): stad-gent has "0207437468" and not "{GENT}": see which is right; give',
        ),
        (
            {"application": "!", "client_name": "Stad Gent"},
            "neither application nor client_name of its clients can name the application",
        ),
        ({"contacts": ()}, "its clients have no contacts: name one with --contact"),
        (
            {"kbo": "0316380841"},
            '"0316380841" alone names no organisation here; give its OVO code, or a KBO number',
        ),
    ],
)
def test_what_a_form_cannot_have_is_a_reason(changes: dict[str, Any], reason: str) -> None:
    assert reason in only_reason(planned([row()], client(**changes)))


def test_a_weak_key_is_a_reason_and_its_value_is_not_repeated() -> None:
    weak = {"kty": "RSA", "kid": "old", "n": "AQAB", "e": "AQAB"}
    reason = only_reason(planned([row()], client(jwks={"old": weak})))
    assert 'key "old" of client a-1' in reason
    assert "is an RSA key of 17 bits" in reason
    assert "AQAB" not in reason


def test_every_reason_at_once() -> None:
    plan = planned([row(kbo="0207451228")], client(enabled=False, contacts=()))
    assert len(plan.wrong()) == 1, "the KBO number first: what it identifies is in doubt"
    assert len(planned([row()], client(enabled=False, contacts=())).wrong()) == 2


def test_a_lost_leading_zero_is_put_back() -> None:
    """What Excel does to a KBO number; the check digits say whether it was one."""
    assert len(planned([row(kbo="207451227")], client()).drafts) == 1
    assert "check digits" in only_reason(planned([row(kbo="207451228")], client()))


def test_production_counts_where_the_environments_differ() -> None:
    plan = planned(
        [row(prod="b-1")],
        client(contacts=("test@stad-gent.example",), application="loket-test"),
        client("b-1", PROD, contacts=("api@stad-gent.example",), application="loket"),
    )
    (draft,) = plan.drafts
    assert draft.form["application"] == "loket"
    assert draft.form["contacts"] == ["api@stad-gent.example", "test@stad-gent.example"]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"kbo": None, "ovo": "OVO002067"}, "its clients are of different organisations"),
        (
            {"token_endpoint_auth_method": "client_secret_basic"},
            (
                "its clients differ in token_endpoint_auth_method (client_secret_basic,"
                " private_key_jwt)"
            ),
        ),
    ],
)
def test_environments_that_fit_in_no_one_form(other: dict[str, Any], reason: str) -> None:
    assert reason in only_reason(planned([row(prod="b-1")], client(), client("b-1", PROD, **other)))


KNOWN = Organisation(name="Stad Gent", ovo="OVO002067", kbo=GENT, formerly=("OVO000001",))


@pytest.mark.parametrize(
    "codes", [{"kbo": GENT}, {"kbo": None, "ovo": "OVO002067"}, {"kbo": None, "ovo": "OVO000001"}]
)
def test_an_organisation_that_has_a_folder_is_found_by_any_of_its_codes(
    codes: dict[str, Any],
) -> None:
    """Its name and codes are those of the folder."""
    (draft,) = planned([row()], client(name="Gent", **codes), folders={"gent": KNOWN}).drafts
    assert name_of(draft) == "gent/loket"
    assert whose(draft) == ("gent", "Stad Gent", "OVO002067", GENT, False)


def test_one_organisation_has_one_folder_and_one_name() -> None:
    """Whichever of its clients has both codes, and however its name is written."""
    plan = planned(
        [row(2, "a-1"), row(3, "a-2")],
        client("a-1", name="STAD GENT", application="een"),
        client("a-2", name="Stad Gent", ovo="OVO002067", application="twee"),
    )
    assert [name_of(draft) for draft in plan.drafts] == ["stad-gent/een", "stad-gent/twee"]
    of_both = ("stad-gent", "STAD GENT", "OVO002067", GENT, True)
    assert [whose(draft) for draft in plan.drafts] == [of_both, of_both]


def test_an_organisation_of_the_same_name_gets_a_folder_apart() -> None:
    other = Organisation(name="Stad Gent", ovo="OVO000009")
    (draft,) = planned([row()], client(), folders={"stad-gent": other}).drafts
    assert name_of(draft) == f"stad-gent-{GENT}/loket"


def test_no_form_takes_the_place_of_its_organisation() -> None:
    (draft,) = planned([row()], client(application="organisation")).drafts
    assert name_of(draft) == "stad-gent/organisation-form"


def test_an_address_serves_where_there_are_no_contacts() -> None:
    (draft,) = planned([row()], client(contacts=()), contact="api@leverancier.example").drafts
    assert draft.form["contacts"] == ["api@leverancier.example"]


def test_a_client_without_codes_is_a_note() -> None:
    (draft,) = planned([row()], client(kbo=None)).drafts
    assert [note.partition(" on tni ")[2] for note in draft.notes] == [
        "has no code of an organisation there; adopts has it in stad-gent/organisation.yaml:"
        " see whether it is Stad Gent's"
    ]


@pytest.mark.parametrize(
    ("own", "notes"),
    [
        ({}, []),
        ({"name": "STAD  GENT"}, []),
        (
            {"name": "Stad Aalst"},
            ['column B (Klant): stad-aalst is "Stad Aalst" here, and not "Stad Gent"'],
        ),
        (
            {"kbo": None, "ovo": "OVO002067"},
            [
                f'column A (KBOnummer): organisation.yaml of stad-gent lacks "{GENT}", and stays as'
                " it is"
            ],
        ),
    ],
)
def test_a_row_of_another_organisation_than_its_client_is_a_note(
    own: dict[str, Any], notes: list[str]
) -> None:
    """Perhaps its client-ID is another's: the form was written without a word."""
    of_gent = replace(row(), values={**row().values, Heading.CUSTOMER: "Stad Gent"})
    (draft,) = planned([of_gent], client(**own)).drafts
    see = ": see whether it is the same organisation"
    assert [note.removesuffix(see) for note in draft.notes if note.endswith(see)] == notes


AALST = Organisation(name="Stad Aalst", ovo="OVO001992", kbo="0207437468")
OF_TWO: dict[str, tuple[Organisation, dict[str, str], str]] = {
    "a number that is not that of its folder": (
        KNOWN,
        {Heading.KBO: "0207495470"},
        f'column A (KBOnummer): gent has "{GENT}" and not "0207495470": see which is right',
    ),
    "a number of another, where its folder has none": (
        KNOWN.model_copy(update={"kbo": None}),
        {Heading.KBO: "0207437468"},
        'column A (KBOnummer): "0207437468" is that of aalst; give the codes and the name of one',
    ),
    "a name of another": (
        KNOWN,
        {Heading.CUSTOMER: "STAD AALST"},
        'column B (Klant): "STAD AALST" is that of aalst; give the codes and the name of one',
    ),
}


@pytest.mark.parametrize("name", OF_TWO)
def test_a_row_of_two_organisations_is_a_reason(name: str) -> None:
    """Its client is one's, its number or its name another's: a row has one identity."""
    own, values, reason = OF_TWO[name]
    of_two = replace(row(kbo=None), values={Heading.CLIENT_TEST: "a-1", **values})
    folders = {"gent": own, "aalst": AALST}
    of_gent = client(kbo=None, ovo="OVO002067")
    assert reason in only_reason(planned([of_two], of_gent, folders=folders))


def test_a_key_that_has_ended_is_a_note() -> None:
    """It is in the form all the same, for the client has it."""
    ended = {**public_jwk(new_key("oud")), "exp": 1_600_000_000}
    (draft,) = planned([row()], client(jwks={"oud": ended})).drafts
    assert any('key "oud" of client a-1' in note and "2020-09-13" in note for note in draft.notes)


def test_a_cell_without_its_value_is_a_reason() -> None:
    """It alone: that no client-ID is filled in follows from it."""
    faulty = replace(
        row(tni=None), faults=("column F (CliëntID TEST) has a formula without its value: …",)
    )
    assert (
        only_reason(planned([faulty]))
        == "row 2: column F (CliëntID TEST) has a formula without its value: …"
    )


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        (
            {"use.jwks.url": "true", "jwks.url": "https://x.example"},
            "has its keys at an address: register the keys themselves there first",
        ),
        (
            {"jwt.credential.certificate": "MII"},
            "has its key as a certificate: register its public key as a JSON Web Key there first",
        ),
        (
            {"use.jwks.string": "true", "jwks.string": "{"},
            "has keys that cannot be read: register them anew there first",
        ),
    ],
)
def test_keys_that_keycloak_has_elsewhere_are_reported_as_such(
    attributes: dict[str, str], reason: str
) -> None:
    """Not as a key of an unknown kind. The keys are as the adapter gives them."""
    jwks = WireClient.model_validate({"id": "1", "clientId": "a-1", "attributes": attributes}).jwks
    assert (
        only_reason(planned([row()], client(jwks=jwks)))
        == f'row 2: client a-1 ("Stad Gent - loket", Stad Gent) on tni {reason}'
    )


def test_a_client_that_is_not_there_is_a_reason() -> None:
    """With where it is, where that is on another stack."""
    assert 'there is no client "x" on stack tni' in only_reason(planned([row(tni="x")]))
    reason = only_reason(planned([row(tni="b-1")], client("b-1", PROD)))
    assert "but there is on prod: perhaps it is in the wrong column" in reason


def test_a_client_of_geosecure_is_reported_with_what_to_do() -> None:
    reason = only_reason(planned([row(tni="6776")], client("6776", platform=Platform.GEOSECURE)))
    assert (
        "is one of geosecure; put the client of ACM/IDM there, and add to its form platforms:"
        " [acmidm, geosecure]" in reason
    )


def test_two_rows_for_one_connection_are_both_named() -> None:
    plan = planned([row(2, "a-1"), row(3, "a-2")], client("a-1"), client("a-2"))
    assert plan.drafts == []
    assert [line.partition(":")[0] for line in plan.wrong()] == ["row 2", "row 3"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Stad Gênt (loket)", "stad-gent-loket"),
        ("  ", ""),
        ("!", ""),
        ("Sint-Niklaas", "sint-niklaas"),
        ("x" * 80, "x" * 64),
    ],
)
def test_names_of_files(text: str, name: str) -> None:
    assert slug(text) == name


def test_a_name_is_written_without_stray_spaces() -> None:
    """As a form has it: the authority may have been less strict."""
    (draft,) = planned([row()], client(name=" Stad  Gent ")).drafts
    assert whose(draft)[1] == "Stad Gent"


def test_a_client_that_is_refused_teaches_no_code() -> None:
    """It would give its organisation's other clients to the one that it contradicts."""
    plan = planned(
        [row(2, "a-1", kbo=None), row(3, "a-2", kbo=None)],
        client("a-1", name="Stad Brugge", ovo="OVO001234", kbo=GENT, application="een"),
        client("a-2", name="Stad Brugge", ovo="OVO001234", kbo=None, application="twee"),
        folders={"gent": KNOWN},
    )
    assert [name_of(draft) for draft in plan.drafts] == ["stad-brugge/twee"]
    assert f'"{GENT}" is the KBO number of gent too, with another OVO code' in plan.wrong()[0]


def test_a_number_that_many_bodies_share_is_not_that_of_the_one_listed_client() -> None:
    """Which has an OVO code: any other body may have the client without one."""
    plan = planned(
        [row(2, "a-1", kbo=None), row(3, "a-2", kbo=None)],
        client("a-1", name="Cultuur", ovo="OVO003323", kbo="0316380841", application="een"),
        client("a-2", name="Cultuur", kbo="0316380841", application="twee"),
    )
    assert [name_of(draft) for draft in plan.drafts] == ["cultuur/een"]
    assert '"0316380841" alone names no organisation here' in plan.wrong()[0]


def test_the_other_clients_of_an_organisation_are_taken_after_one_with_an_earlier_code() -> None:
    """The earlier code passed for its own one, so that the present one contradicted it."""
    known = Organisation(name="Stad Gent", kbo=GENT, formerly=("OVO001001",))
    plan = planned(
        [row(2, "a-1", kbo=None), row(3, "a-2", kbo=None), row(4, "a-3", kbo=None)],
        client("a-1", kbo=None, ovo="OVO001001", application="een"),
        client("a-2", ovo="OVO001001", application="twee"),
        client("a-3", ovo="OVO002067", application="drie"),
        folders={"gent": known},
    )
    assert [name_of(draft) for draft in plan.drafts] == ["gent/een", "gent/twee", "gent/drie"]


def test_a_client_with_the_earlier_code_of_one_and_the_number_of_another_is_nobodys() -> None:
    """Its number was not looked at."""
    plan = planned(
        [row(kbo=None)], client(kbo=AALST.kbo, ovo="OVO000001"), folders={"gent": KNOWN, "a": AALST}
    )
    assert '"0207437468" is that of a; give the codes' in only_reason(plan)


def test_a_client_with_a_number_that_several_here_have_is_of_none_of_them() -> None:
    """It went to the one of which another client is listed."""
    haven = Organisation(name="Haven", ovo="OVO002277", kbo=GENT)
    plan = planned(
        [row(2, "a-1", kbo=None), row(3, "a-2", kbo=None)],
        client("a-1", ovo="OVO002067", application="een"),
        client("a-2", application="twee"),
        folders={"gent": KNOWN, "haven": haven},
    )
    assert [name_of(draft) for draft in plan.drafts] == ["gent/een"]
    assert f'"{GENT}" is that of several, gent, haven' in plan.wrong()[0]


def test_a_number_is_learned_as_the_register_writes_it_and_one_of_many_is_not() -> None:
    """Its own number was then another one, and its client that of a new organisation."""
    plan = planned(
        [row(2, "a-1", kbo=None), row(3, "a-2", kbo=None), row(4, "a-3", kbo=None)],
        client("a-1", ovo="OVO002067", kbo="0316380841", application="een"),
        client("a-2", ovo="OVO002067", kbo="0207.451.227", application="twee"),
        client("a-3", kbo=GENT, application="drie"),
        folders={"gent": KNOWN.model_copy(update={"kbo": None})},
    )
    assert [name_of(draft) for draft in plan.drafts] == ["gent/een", "gent/twee", "gent/drie"]
