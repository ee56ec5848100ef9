"""``acmidm new --from``: what is mailed is said before it counts. Whoever takes a file in reads
which key to confirm, whose names are claimed, and what of a form is replaced, dropped or left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.values.jwk import public_jwk
from tests.support.sent_file import KEY, OTHER, of_gent, sent, take_in
from tests.support.workspace import Workspace, public_key

LAST_YEAR = int((datetime.now(UTC) - timedelta(days=365)).timestamp())
THUMBPRINT, THUMBPRINT_OF_OTHER = (public_jwk(key).thumbprint for key in (KEY, OTHER))


def taken(document: object) -> str:
    """What is said of a file that is taken in."""
    result = take_in(document)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(document: object) -> str:
    """What is said of a file that is not: both texts."""
    before = {file: file.read_bytes() for file in Path("onboardings").rglob("*") if file.is_file()}
    result = take_in(document)
    assert result.exit_code == 2, result.output
    after = {file: file.read_bytes() for file in Path("onboardings").rglob("*") if file.is_file()}
    assert before == after
    return result.output


@pytest.mark.usefixtures("workspace")
def test_what_is_confirmed_is_the_thumbprint_of_what_is_there() -> None:
    """RFC 7638. The file chose the kid: it may be that of another key."""
    with_its_own = {**KEY, "kid": THUMBPRINT}
    said = taken({**sent(), "keys": {"loket.jwk.json": with_its_own}})
    assert f"have the sender confirm its thumbprint, {THUMBPRINT}, which is its kid too" in said
    with_that_of_another = {**OTHER, "kid": THUMBPRINT}
    document = sent(application="twee")
    said = taken({**document, "keys": {"loket.jwk.json": with_that_of_another}})
    assert f"have the sender confirm its thumbprint, {THUMBPRINT_OF_OTHER}; " in said
    assert f'its kid, "{THUMBPRINT}", is another name, which confirms nothing' in said


@pytest.mark.usefixtures("workspace")
def test_what_a_list_and_a_value_lose_is_named() -> None:
    products = {
        "notificaties": {"merk_code": "stad-gent", "product_ids": ["10299", "10244"]},
        "dosis": {"bron_uri": "urn://gent/loket"},
    }
    said = taken(of_gent(scopes={}, products=products))
    file = "onboardings/gent/mijn-gent.yaml, tni"
    for change in (
        "dosis.bron_uri urn://gent/mijn-gent → urn://gent/loket",
        "notificaties.product_ids 10244, 10245 → 10299, 10244",
    ):
        assert f"{file} gets a value: {change}\n" in said


@pytest.mark.usefixtures("workspace")
def test_what_the_file_lacks_stays_and_is_named() -> None:
    """A sender who left a scope, a contact or a key out may think that it is gone."""
    document = of_gent(
        jwks=["loket.jwk.json"],
        scopes={"dv_dosis_schrijven": {"reason": "iets anders"}},
        products={"dosis": {"bron_uri": "urn://gent/mijn-gent"}},
    )
    said = taken(document)
    file = "onboardings/gent/mijn-gent.yaml"
    assert f"{file} keeps api-beheer@stad-gent.example, which the file lacks" in said
    kept = "dv_notificaties_import, jwks.tni, notificaties"
    assert f"{file}, tni keeps {kept}, which the file lacks" in said
    otherwise = "dv_dosis_schrijven.reason dossiers → iets anders"
    assert f"{file}, tni keeps its own where the file says otherwise: {otherwise}\n" in said


@pytest.mark.usefixtures("workspace")
def test_a_last_day_that_the_form_has_otherwise_stays_and_is_named() -> None:
    """A scope that a new form asks gets it."""
    document = of_gent(scopes={"dv_dosis_schrijven": {"until": "2027-12-31"}})
    file = "onboardings/gent/mijn-gent.yaml"
    otherwise = "dv_dosis_schrijven.until none → 2027-12-31"
    said = taken(document)
    assert f"{file}, tni keeps its own where the file says otherwise: {otherwise}\n" in said
    notificaties = {"merk_code": "stad-gent", "product_ids": ["10299"]}
    scopes = {"dv_notificaties_import": {"until": "2027-12-31"}}
    taken(of_gent("proef", scopes=scopes, products={"notificaties": notificaties}))
    assert "until: 2027-12-31" in Path("onboardings/gent/proef.yaml").read_text()


@pytest.mark.usefixtures("workspace")
def test_a_field_of_a_product_that_the_file_lacks_stays_and_is_named() -> None:
    products = {"notificaties": {"merk_code": "stad-gent"}}
    said = taken(of_gent(scopes={}, products=products))
    assert "notificaties.product_ids, which the file lacks" in said


def test_a_value_that_is_taken_away_is_no_value_that_stays(workspace: Workspace) -> None:
    """``null`` takes the place of a value: the form does not keep what the file empties."""
    request = "    scopes: {dv_proef: }\n    products: {proef: {x: abc, y: def}}\n"
    loket = "application: loket\ncontacts: [a@b.example]\nenvironments:\n  tni:\n" + request
    workspace.write_form(loket, "gent/loket")
    document = of_gent("loket", scopes={"dv_proef": {}}, products={"proef": {"x": None}})
    said = taken(document)
    assert "onboardings/gent/loket.yaml, tni gets a value: proef.x abc → none\n" in said
    assert "onboardings/gent/loket.yaml, tni keeps proef.y, which the file lacks" in said
    assert "abc" not in Path("onboardings/gent/loket.yaml").read_text()


@pytest.mark.usefixtures("workspace")
def test_a_key_that_is_there_stays_and_what_is_said_of_it_otherwise_is_named() -> None:
    """Its end above all: a person would think that it now ends later."""
    there = {**public_key("tni"), "kid": "anders", "exp": 4_000_000_000}
    document = of_gent(jwks=["loket.jwk.json"], scopes={})
    said = taken({**document, "keys": {"loket.jwk.json": there}})
    for otherwise in ("jwks.tni.exp none → 4000000000", "jwks.tni.kid tni → anders"):
        assert f"tni keeps its own where the file says otherwise: {otherwise}\n" in said


def test_a_change_by_hand_that_a_key_does_not_get_is_named(workspace: Workspace) -> None:
    """Also where the key at the authority has less: the form keeps what it says of the key."""
    workspace.write_key({**public_key("tni"), "use": "sig"}, "gent/tni")
    document = of_gent(jwks=["loket.jwk.json"], scopes={})
    by_hand = {**document, "keys": {"loket.jwk.json": public_key("tni")}, "without": {}}
    said = taken(by_hand)
    file = "onboardings/gent/mijn-gent.yaml"
    assert f"{file}, tni keeps jwks.tni.use, which the file lacks" in said


@pytest.mark.usefixtures("workspace")
def test_a_key_of_the_test_environment_is_refused_for_production() -> None:
    """It was left out, and the organisation thought that it had a key there."""
    document = of_gent(environment="prod", jwks=["loket.jwk.json"], scopes={})
    said = refused({**document, "keys": {"loket.jwk.json": public_key("tni")}})
    assert "- Publieke sleutel: " in said
    assert 'key "tni" is that of tni too' in said


@pytest.mark.usefixtures("workspace")
def test_a_key_that_no_environment_names_is_refused() -> None:
    document = sent()
    document["keys"]["over.jwk.json"] = OTHER
    assert 'key "over.jwk.json", which no environment names' in refused(document)


@pytest.mark.usefixtures("workspace")
def test_a_key_that_has_ended_is_refused() -> None:
    """Of a new form and of one that exists."""
    for document in (sent(), of_gent(jwks=["loket.jwk.json"], scopes={})):
        said = refused({**document, "keys": {"loket.jwk.json": {**KEY, "exp": LAST_YEAR}}})
        assert f'- Publieke sleutel: sleutel "{THUMBPRINT}" is op' in said
        assert f'Public key: key "{THUMBPRINT}" ended on' in said


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another's brand": ({"merk_code": "stad-gent"}, "merk_code stad-gent, of gent"),
    "another's source in capitals": (
        {"bron_uri": "URN://GENT/LOKET"},
        "bron_uri URN://GENT/LOKET, of gent",
    ),
    "what is below another's source": (
        {"bron_uri": "urn://gent/loket"},
        "bron_uri urn://gent/loket, of gent",
    ),
    "what is above another's source": ({"bron_uri": "urn://gent"}, "bron_uri urn://gent, of gent"),
    "a code of somebody who is not here": (
        {"bron_uri": "urn://x/OVO000009"},
        "bron_uri urn://x/OVO000009, of OVO000009",
    ),
    "another's code in a URI": (
        {"bron_uri": "urn://x/OVO002067"},
        "bron_uri urn://x/OVO002067, of gent",
    ),
}


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("name", CLAIMS)
def test_whose_names_a_new_organisation_claims_is_named(name: str) -> None:
    """All that it may then say, and of that what is another's."""
    values, claim = CLAIMS[name]
    said = taken(claiming(values))
    assert "stad-brugge is new, and its organisation.yaml lets it speak as" in said
    assert f"stad-brugge would speak in the name of another: {claim}; " in said


def claiming(values: dict[str, Any]) -> dict[str, Any]:
    """What a new organisation sends that speaks under these names."""
    products: dict[str, dict[str, Any]] = {}
    if "merk_code" in values:
        products["notificaties"] = {**values, "product_ids": ["10244"]}
    else:
        products["dosis"] = values
    scopes = {"notificaties": "dv_notificaties_import", "dosis": "dv_dosis_schrijven"}
    request = {"scopes": {scopes[name]: {} for name in products}, "products": products}
    return sent(environments={"tni": request})


@pytest.mark.usefixtures("workspace")
def test_names_of_its_own_are_only_listed() -> None:
    said = taken(sent())
    assert "stad-brugge is new, and its organisation.yaml lets it speak as merk_code brugge" in said
    assert "in the name of another" not in said


@pytest.mark.usefixtures("workspace")
def test_who_asks_for_production_reads_that_proof_is_wanted() -> None:
    """Of a new form, which has no test environment; and of one that has."""
    request = sent()["form"]["environments"]["tni"]
    said = taken(sent(environments={"prod": request}))
    form = "onboardings/stad-brugge/loket.yaml"
    assert f"{form} asks for production and has no tni" in said
    said = taken(of_gent(environment="prod", scopes={"dv_register_lezen": {}}))
    assert "onboardings/gent/mijn-gent.yaml asks for production, which wants proof from TNI" in said
    assert "acmidm validate onboardings/gent/mijn-gent.yaml" in said
    said = taken(of_gent(scopes={"dv_register_lezen": {}}))
    assert "production" not in said
