"""Drafts become files: organisations, forms and keys, each checked before anything is put in
place."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from acmidm.edit.new.rows import Heading
from acmidm.importing.clients import ClientRows, Supplier
from acmidm.importing.listed import ListedClient
from acmidm.sheet import SheetRow
from acmidm_onboarding.files import write_once
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.values import metadata
from acmidm_onboarding.values.jwk import PublicJwk, public_jwk
from acmidm_onboarding.values.metadata import ProductDocument
from acmidm_onboarding.values.problems import Failure
from tests.importing.listed import client, registers_of
from tests.support.forms import PLAIN
from tests.support.offered import ATTRIBUTE, write_catalogue
from tests.support.portal import new_key
from tests.support.portal import public_jwk as public_half

CATALOGUE = Path(__file__).parents[2] / "catalogue"
SHARED, OWN = (
    public_jwk(public_half(new_key("leverancier-2024"))),
    public_jwk(public_half(new_key("eigen"))),
)
SECOND = public_jwk(public_half(new_key("leverancier-2025")))
SUPPLIER = Supplier("leverancier", date(2027, 12, 31))
GENT = {"name": "Stad Gent", "ovo": "OVO002067", "kbo": "0207451227"}
BEVEREN = {"name": "Beveren", "ovo": "OVO000007", "kbo": None}
AALST = {"name": "Stad Aalst", "ovo": None, "kbo": "0207437468"}
Row = tuple[SheetRow, ListedClient]
LETTERS = {column.value: "A" for column in Heading}


@pytest.fixture
def forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "onboardings").mkdir()
    return Path("onboardings")


def row(owner: dict[str, Any], *keys: PublicJwk, number: int = 2, **changes: Any) -> Row:
    """A row with a client as its authority has it."""
    jwks = {key.kid: dict(key.members) for key in keys}
    given = {"contacts": ("a@stad.example",), "client_name": f"{owner['name']} - loket", **changes}
    listed = client(f"a-{number}", jwks=jwks, **{**owner, **given})
    return SheetRow(None, number, {Heading.CLIENT_TEST: f"a-{number}"}, LETTERS), listed


def write(forms: Path, *rows: Row, supplier: Supplier | None = None) -> ClientRows:
    taken = clients_of(forms, CATALOGUE, *rows, supplier=supplier)
    taken.changes.write()
    read_onboardings([forms], CATALOGUE).valid()  # whatever it wrote is valid
    return taken


def clients_of(
    forms: Path, catalogue: Path, *rows: Row, supplier: Supplier | None = None
) -> ClientRows:
    read = partial(read_onboardings, paths=[forms], catalogue_folder=catalogue)
    registers = registers_of(listed for _, listed in rows)
    taken = ClientRows(read, read().valid(), forms, "klanten.xlsx", registers, None, supplier)
    taken.take(one for one, _ in rows)
    return taken


def put(forms: Path, name: str, text: str) -> None:
    file = forms / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def files(forms: Path, ending: str = "") -> list[str]:
    found = (file.relative_to(forms).as_posix() for file in forms.rglob("*") if file.is_file())
    return sorted(file for file in found if file.endswith(ending))


def content(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text())
    return loaded


def test_what_a_row_says_of_another_organisation_stays_with_its_form(forms: Path) -> None:
    one, listed = row({**GENT, "kbo": None})
    said = {**one.values, Heading.KBO: "0207437468", Heading.CUSTOMER: "Stad Aalst"}
    write(forms, (replace(one, values=said), listed))
    assert (
        "\n# From klanten.xlsx, row 2: KBOnummer 0207437468; Klant Stad Aalst\n"
        in (forms / "stad-gent/loket.yaml").read_text()
    )


def test_an_organisation_that_has_a_folder_is_left_as_it_is(forms: Path) -> None:
    text = "name: Stad Gent # as the register has it\novo: OVO002067\n"
    put(forms, "gent/organisation.yaml", text)
    write(forms, row(GENT))
    assert (forms / "gent/organisation.yaml").read_text() == text
    assert files(forms) == ["gent/loket.yaml", "gent/organisation.yaml"]


def test_a_shared_key_is_that_of_a_supplier(forms: Path) -> None:
    """Two organisations cannot have one key of their own: whoever signs for the one could sign for
    the other."""
    other_kid = public_jwk({**SHARED.members, "kid": "another"})
    outcome = write(forms, row(GENT, SHARED, OWN), row(AALST, other_kid, number=3))
    assert (outcome.placed, files(forms)) == ([], [])
    assert outcome.wrong() == [
        f'row {row}: key "{kid}" is that of another organisation too, in row {other}: '
        "--supplier FOLDER keeps it once, in the folder of the supplier"
        for row, kid, other in ((2, "leverancier-2024", 3), (3, "another", 2))
    ]


def test_a_shared_key_goes_to_the_supplier(forms: Path) -> None:
    """By a mandate of each organisation that shares it; a client gets what the others have."""
    other = {"name": "Wingene", "ovo": None, "kbo": "0207495470"}
    sharing = [
        row(GENT, SHARED, SECOND),
        row(AALST, SHARED, SECOND, number=3),
        row(BEVEREN, SHARED, number=4),
    ]
    outcome = write(forms, *sharing, row(other, OWN, number=5), supplier=SUPPLIER)
    assert outcome.wrong() == []
    assert files(forms, ".json") == [
        "leverancier/leverancier-2024.jwk.json",
        "leverancier/leverancier-2025.jwk.json",
        "wingene/loket-tni-eigen.jwk.json",
    ]
    assert content(forms / "leverancier/organisation.yaml") == {"name": "leverancier"}
    listed = ["leverancier-2024.jwk.json", "leverancier-2025.jwk.json"]
    assert content(forms / "leverancier/keys.yaml") == {"tni": listed}
    for folder in ("stad-gent", "stad-aalst", "beveren"):
        form, mandates = (
            content(forms / folder / "loket.yaml"),
            content(forms / folder / "mandates.yaml"),
        )
        assert (form["keys_of"], form["environments"]["tni"].get("jwks")) == ("leverancier", None)
        assert mandates == {
            "mandates": [
                {"supplier": "leverancier", "applications": ["loket"], "until": date(2027, 12, 31)}
            ]
        }
    assert not (forms / "wingene/mandates.yaml").exists()
    gains = ("gains key leverancier-2025 on tni, which leverancier has for others",)
    assert [one.notes for one in outcome.placed] == [(), (), gains, ()]


def test_what_is_there_of_a_supplier_stays(forms: Path) -> None:
    """A key that its list lacks would leave the clients; a mandate is the organisation's, without
    which nothing of a form is carried out; and a form has the keys of one."""
    put(forms, "leverancier/organisation.yaml", "name: Leverancier\n")
    put(forms, "leverancier/keys.yaml", "tni: [other.jwk.json]\n")
    put(forms, "leverancier/other.jwk.json", json.dumps(dict(SECOND.members)))
    write_both = partial(
        write, forms, row(GENT, SHARED), row(AALST, SHARED, OWN, number=3), supplier=SUPPLIER
    )
    remedy = "is not among those that leverancier has for others; add it to its keys.yaml first"
    assert write_both().wrong() == [
        f'row 2, row 3: key "leverancier-2024" {remedy}',
        f'row 3: key "eigen" {remedy}',
    ]
    for file in (forms / "leverancier").iterdir():
        file.unlink()
    (forms / "leverancier").rmdir()
    put(forms, "stad-gent/organisation.yaml", "name: Stad Gent\novo: OVO002067\n")
    put(
        forms,
        "stad-gent/mandates.yaml",
        "mandates: [{supplier: stad-gent, applications: [x], until: 2027-12-31}]\n",
    )
    outcome = write(
        forms,
        *(
            row(GENT, SHARED),
            row(AALST, SHARED, OWN, number=3),
            row(BEVEREN, SHARED, number=4),
        ),
        supplier=SUPPLIER,
    )
    assert [list(one.files)[-1] for one in outcome.placed] == [
        forms / "stad-gent/loket.yaml",
        forms / "beveren/loket.yaml",
    ]
    assert outcome.wrong() == [
        (
            'row 3: key "eigen" is its own, beside a key of leverancier: a form has the keys of one'
            " of them; take one of the two from the client"
        ),
    ]


def test_a_new_organisation_may_send_as_its_clients_do_and_the_reviewer_is_told(
    forms: Path,
) -> None:
    taken = write(
        forms,
        sending(GENT, "stad-gent", application="een"),
        sending(GENT, "gent", application="twee", number=3),
    )
    assert taken.wrong() == []
    assert content(forms / "stad-gent/organisation.yaml")["speaks_for"] == {
        "aanbieder_uri": ["https://OVO002067.example/"],
        "merk_code": ["gent", "stad-gent"],
    }
    note = (
        "stad-gent/organisation.yaml lets it send as its clients do now: "
        "aanbieder_uri https://OVO002067.example/; merk_code gent, stad-gent: see whether it may"
    )
    assert [one.notes for one in taken.placed] == [(note,), (note,)]


def test_whose_names_a_new_organisation_claims_is_a_note(forms: Path) -> None:
    """Those of an organisation that is here, or that the same sheet brings."""
    put(
        forms,
        "aalst/organisation.yaml",
        "name: Stad Aalst\novo: OVO001992\nspeaks_for: {merk_code: [stad-aalst]}\n",
    )
    taken = write(forms, sending(GENT, "stad-aalst"), sending(BEVEREN, "stad-aalst", number=3))
    one, other = taken.placed
    claim = "would speak in the name of another: merk_code stad-aalst, of"
    assert any(f"stad-gent {claim} aalst, beveren;" in note for note in one.notes), one.notes
    assert any(f"beveren {claim} aalst, stad-gent;" in note for note in other.notes), other.notes


def sending(owner: dict[str, Any], merk_code: str, **changes: Any) -> Row:
    """A row with a client that sends under a brand."""
    configuration = {
        "aanbieder_uri": f"https://{owner['ovo']}.example/",
        "merk_code": merk_code,
        "product_ids": ["10244"],
    }
    document = ProductDocument(configuration, metadata.Owner("x", None))
    name = f"{owner['name']} - {changes.get('application', 'loket')}"
    return row(
        owner,
        scopes={"dv_notificaties_import": True},
        configurations={"notificaties": document},
        client_name=name,
        **changes,
    )


def test_what_a_client_says_of_itself_is_in_its_form(forms: Path, tmp_path: Path) -> None:
    """With its default scopes; where it speaks for somebody, a new organisation may say so."""
    write_catalogue(catalogue := tmp_path / "catalogue")
    file = catalogue / "organisatieregister.yaml"
    file.write_text(
        file.read_text().replace("source: the tests}", "source: the tests, speaks_for: exactly}")
    )
    one = row(GENT, attributes={ATTRIBUTE: "balie"}, scopes={PLAIN: True})
    taken = clients_of(forms, catalogue, one)
    taken.changes.write()
    assert taken.wrong() == []
    request = content(forms / "stad-gent/loket.yaml")["environments"]["tni"]
    assert (request["scopes"], request["attributes"]) == (
        {PLAIN: {"default": True}},
        {ATTRIBUTE: "balie"},
    )
    assert content(forms / "stad-gent/organisation.yaml")["speaks_for"] == {ATTRIBUTE: ["balie"]}


def test_a_form_that_is_not_valid_takes_nobody_along(forms: Path) -> None:
    """The form of another organisation whose name is the end of the faulty one's was dropped
    too."""
    put(forms, "stad-gent/organisation.yaml", "name: Stad Gent\novo: OVO002067\n")
    put(
        forms,
        "stad-gent/z.yaml",
        "application: loket\ncontacts: [a@stad.example]\nenvironments: {tni: {}}\n",
    )
    other = {"name": "Gent", "ovo": "OVO000009", "kbo": None}
    outcome = write(forms, row(GENT), row(other, OWN, number=3))
    assert [list(one.files)[-1].as_posix() for one in outcome.placed] == [
        "onboardings/gent/loket.yaml"
    ]
    assert outcome.wrong() == [
        "row 2: not written: onboardings/stad-gent/z.yaml: onboardings/stad-gent/loket.yaml is"
        " already the form of loket; keep one of the two, or name the application differently"
    ]


def test_nothing_is_left_of_an_organisation_whose_forms_are_not_valid(forms: Path) -> None:
    """Neither its organisation.yaml, nor that of a supplier that nobody else lists, nor keys."""
    outcome = write(
        forms,
        row(GENT, SHARED, contacts=("x",)),
        row(AALST, SHARED, number=3, contacts=("x",)),
        supplier=SUPPLIER,
    )
    assert (len(outcome.wrong()), files(forms)) == (2, [])


def test_where_a_file_appears_meanwhile_nothing_is_written(
    forms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All forms or none, as whatever writes forms; the file that appeared stays."""
    taken = clients_of(forms, CATALOGUE, row(GENT), row(AALST, number=3))
    last = forms / "stad-aalst/loket.yaml"

    def racing(file: Path, text: str, mode: int) -> None:
        if file.name == last.name and file.parent.name == last.parent.name:
            last.write_text("another")
        write_once(file, text, mode)

    monkeypatch.setattr("acmidm_onboarding.files.write_once", racing)
    with pytest.raises(Failure, match=r"onboardings/stad-aalst/loket\.yaml"):
        taken.changes.write()
    assert (files(forms), last.read_text()) == (["stad-aalst/loket.yaml"], "another")
