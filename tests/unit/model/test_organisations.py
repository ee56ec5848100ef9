"""An organisation is a folder: its ``organisation.yaml``, and what it makes of the forms beside it."""

from __future__ import annotations

import pytest

from tests.unit.model.workspace import FORM, HERE, ORGANISATION, Workspace, place_of_mark, public_key

GENT = "onboardings/gent/mijn-gent.yaml"
OWNER = "onboardings/gent/organisation.yaml"
BOTH_CODES = 'ovo: OVO002067\nkbo: "0207.451.227"\n'

MISTAKES = {
    "unknown field": ("ovo:", "▶OVO: 1\novo:", 'unknown field "OVO"; known here: formerly, kbo, name, ovo, owners, speaks_for, suppliers'),
    "unknown field of what it speaks for": (
        "ovo:",
        "speaks_for: {▶merk_codes: [x]}\novo:",
        'unknown field "merk_codes"; did you mean "merk_code"?',
    ),
    "a field of a form": (
        "ovo:",
        "▶application: x\novo:",
        'unknown field "application"; known here: formerly, kbo, name, ovo, owners, speaks_for, suppliers',
    ),
    "name missing": ("name: Stad Gent\n", "▶", '"name" is missing; add it'),
    "name empty": ("name: Stad Gent", 'name: ▶""', '"name" is empty; fill it in'),
    "name too long": ("name: Stad Gent", f"name: ▶{'x' * 201}", '"name" is longer than 200 characters; shorten it'),
    "name on two lines": (
        "name: Stad Gent",
        'name: ▶"Stad\\nGent"',
        '"name" contains a line break or control character; write it on one line',
    ),
    "name read as true": (
        "name: Stad Gent",
        "name: ▶yes",
        '"name" is not a text; write one value, in quotes where it could be read otherwise',
    ),
    "OVO code of a wrong shape": (
        "ovo: OVO002067",
        "ovo: ▶OVO2067",
        '"OVO2067" is not an OVO code; write OVO and six digits, such as OVO002067',
    ),
    "KBO number of a wrong shape": (
        '"0207.451.227"',
        '▶"0207.451"',
        '"0207.451" is not a KBO number; write ten digits, such as "0207.451.227"',
    ),
    "KBO check digits": (
        '"0207.451.227"',
        '▶"0207.451.277"',
        'KBO number "0207.451.277" has check digits 77 where 27 is due; check the number for a typing error',
    ),
    "KBO check digits 00 where 97 is due": (
        '"0207.451.227"',
        "▶0200004300",
        'KBO number "0200004300" has check digits 00 where 97 is due; check the number for a typing error',
    ),
    "the shared KBO number alone": (
        ORGANISATION,
        '▶name: Departement\nkbo: "0316.380.841"\n',
        "KBO number 0316.380.841 is shared by all departments of the Flemish administration; add the OVO code of this one",
    ),
    "no code": (BOTH_CODES, "", "organisation has neither ovo nor kbo; give at least one: the forms beside it are named by it"),
    "earlier code that is none": (
        "ovo:",
        "formerly: [OVO000001, ▶OVO1]\novo:",
        '"OVO1" is not an OVO code; write OVO and six digits, such as OVO002067',
    ),
    "supplier that is not there": (
        "ovo:",
        "suppliers: [▶leverancier]\novo:",
        'supplier "leverancier" has no folder with an organisation.yaml; name a folder beside this one',
    ),
    "supplier outside the forms": (
        "ovo:",
        "suppliers: [▶..]\novo:",
        'supplier ".." has no folder with an organisation.yaml; name a folder beside this one',
    ),
    "a list": (ORGANISATION, "▶- Stad Gent\n", "the file is not a mapping of names to values; copy an existing file and change it"),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_reported_with_its_place_and_its_remedy(kind: str, workspace: Workspace) -> None:
    """Once, and no form beside it is blamed."""
    right, wrong, sentence = MISTAKES[kind]
    assert right in ORGANISATION
    text = ORGANISATION.replace(right, wrong, 1)
    text, line, column = place_of_mark(text if HERE in text else HERE + text)
    workspace.write_organisation(text)
    assert workspace.sentences() == [f"{OWNER}:{line}:{column}: {sentence}"]


def test_it_is_missed_once_for_all_forms_beside_it(workspace: Workspace) -> None:
    """Where it is named, other mistakes in the forms show too."""
    (workspace.forms / "gent/organisation.yaml").unlink()
    workspace.write_form(FORM.replace("mijn-gent\n", "Ander\n", 1), "gent/ander")
    assert [(problem.file.as_posix(), problem.what) for problem in workspace.problems()] == [
        ("onboardings/gent/ander.yaml", '"Ander" is not an application name'),
        (OWNER, "there is no organisation.yaml, which names the organisation of these forms"),
    ]


@pytest.mark.parametrize(
    ("other", "place", "code"),
    [
        ("name: Gent\novo: OVO002067\n", "2:6", "OVO002067"),
        ('name: Gent\nkbo: "0207451227"\n', "2:6", "0207451227"),
        ('name: Gent\novo: OVO000001\nkbo: "0207.451.227"\n', "3:6", "0207451227"),
    ],
)
def test_an_organisation_has_one_folder(other: str, place: str, code: str, workspace: Workspace) -> None:
    """By either code, so that a form in the second folder cannot claim the applications of the first."""
    workspace.write_organisation(other, "z")
    assert workspace.sentences() == [
        f"onboardings/z/organisation.yaml:{place}: {code} is the code of onboardings/gent too; "
        "an organisation has one folder: keep one of the two"
    ]


def test_organisations_that_share_a_name_or_the_shared_number_are_two(workspace: Workspace) -> None:
    """Each may have an application of the same name."""
    workspace.write_organisation('name: Departement\novo: OVO002949\nkbo: "0316.380.841"\n')
    workspace.write_organisation('name: Departement\novo: OVO002067\nkbo: "0316.380.841"\n', "z")
    for environment in ("tni", "prod"):
        workspace.write_key(public_key(environment), f"z/{environment}")
    workspace.write_form(FORM, "z/mijn-gent")
    assert workspace.sentences() == []


def test_a_supplier_needs_neither_code_nor_forms(workspace: Workspace) -> None:
    workspace.write_organisation("name: Leverancier\n", "leverancier")
    workspace.write_organisation(f"{ORGANISATION}suppliers: [leverancier]\n")
    assert workspace.sentences() == []


@pytest.mark.parametrize("seen", ["same folder", "with mistakes", "by the code"])
def test_an_earlier_name_is_refused_while_a_form_declares_it(seen: str, workspace: Workspace) -> None:
    loket = FORM.replace("mijn-gent\n", "loket\n", 1)
    claim, place, old = GENT, "1:11", "OVO002067/loket"
    match seen:
        case "by the code":
            workspace.write_organisation(f"formerly: OVO000001\n{ORGANISATION}")
            workspace.write_organisation("name: Old\novo: OVO000001\n", "oud")
            for environment in ("tni", "prod"):
                workspace.write_key(public_key(environment), f"oud/{environment}")
            workspace.write_form(FORM, "oud/mijn-gent")
            claim, old = OWNER, "OVO000001/mijn-gent"
        case _:
            workspace.write_form(f"formerly: loket\n{FORM}")
            workspace.write_form(loket.replace("[acmidm]", "[x]") if seen == "with mistakes" else loket, "gent/loket")
    declared = "onboardings/oud/mijn-gent.yaml" if seen == "by the code" else "onboardings/gent/loket.yaml"
    assert workspace.sentences()[-1] == (
        f"{claim}:{place}: {old} is still declared by {declared}; remove that form, or this line: a client has one form"
    )


def test_an_earlier_name_has_one_successor(workspace: Workspace) -> None:
    for name in ("mijn-gent", "z"):
        workspace.write_form(f"formerly: loket\n{FORM.replace('mijn-gent', name, 1)}", f"gent/{name}")
    assert workspace.sentences() == [
        f"onboardings/gent/z.yaml:1:11: OVO002067/loket is an earlier key in {GENT} too; keep it in the form that keeps its clients"
    ]


def test_two_forms_may_swap_nothing(workspace: Workspace) -> None:
    """Each would be the earlier name of the other, which is declared."""
    workspace.write_form(f"formerly: loket\n{FORM}")
    workspace.write_form(f"formerly: mijn-gent\n{FORM.replace('mijn-gent', 'loket', 1)}", "gent/loket")
    assert ["is still declared by" in sentence for sentence in workspace.sentences()] == [True, True]
