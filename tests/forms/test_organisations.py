"""An organisation is a folder: its ``organisation.yaml``, and what it makes of the forms beside
it."""

from __future__ import annotations

import pytest

from acmidm_onboarding.values.identifiers import look_of, official_name
from acmidm_onboarding.values.terms import Environment
from tests.support.workspace import (
    CATALOGUE,
    FORM,
    HERE,
    ORGANISATION,
    SPEAKS_FOR,
    WITHOUT_KEYS,
    Workspace,
    public_key,
)

GENT = "onboardings/gent/mijn-gent.yaml"
OWNER = "onboardings/gent/organisation.yaml"
BOTH_CODES = 'ovo: OVO002067\nkbo: "0207.451.227"\n'

NOT_ONE_LINE = (
    "contains a line break, a control or invisible character, or a space at an end; write it on one"
    " line"
)
KNOWN = "known here: adopts, formerly, kbo, language, name, ovo, owners, speaks_for"
NO_OWNER = "is no owner; write @user, @organisation/team or an e-mail address"
NO_OVO = "is not an OVO code; write OVO and six digits, such as OVO002067"
LATIN = "write it in Latin letters"

NAMES = {
    "empty": ('▶""', '"name" is empty; fill it in'),
    "too long": (f"▶{'x' * 189}", '"name" is longer than 188 characters; shorten it'),
    "with a letter of another script": (
        "▶Stad G\u0435nt",
        f'"Stad G\u0435nt" has the character CYRILLIC SMALL LETTER IE; {LATIN}',
    ),
    "in wide letters": (
        "▶Stad \uff27ent",
        f'"Stad \uff27ent" has the character FULLWIDTH LATIN CAPITAL LETTER G; {LATIN}',
    ),
    "with an accent on a space": (
        "▶Stad \u0301Gent",
        f'"Stad \u0301Gent" has the character COMBINING ACUTE ACCENT; {LATIN}',
    ),
    **{
        f"with an invisible {char!a}": (f"▶Stad{char} Gent", f'"name" {NOT_ONE_LINE}')
        for char in "\u200b\u202e\u034f\u3164\ufe0f\u00ad"
    },
    "on two lines": ('▶"Stad\\nGent"', f'"name" {NOT_ONE_LINE}'),
    "read as true": (
        "▶yes",
        '"name" is not a text; write one value, in quotes where it could be read otherwise',
    ),
}
ADDED = {
    "unknown field": ("▶OVO: 1", f'unknown field "OVO"; {KNOWN}'),
    "a field of a form": ("▶application: x", f'unknown field "application"; {KNOWN}'),
    "owner that is none": (
        'owners: ["@stad-gent/api-beheer", "a@gent.example", "@jan", ▶"* @ander"]',
        f'"* @ander" {NO_OWNER}',
    ),
    "owner on two lines": ('owners: [▶"@jan\\n* @ander"]', f'"@jan\\n* @ander" {NO_OWNER}'),
    "earlier code that is none": ("formerly: [OVO000001, ▶OVO1]", f'"OVO1" {NO_OVO}'),
    "taking over what is no client-ID": (
        'adopts: [a-client, ▶".."]',
        '".." is no client-ID; copy the one that the authority shows',
    ),
}
MISTAKES = {
    **{
        f"name {kind}": ("name: Stad Gent", f"name: {name}", sentence)
        for kind, (name, sentence) in NAMES.items()
    },
    **{kind: ("ovo:", f"{line}\novo:", sentence) for kind, (line, sentence) in ADDED.items()},
    "unknown field of what it speaks for": (
        "{merk_code:",
        "{▶merk_codes: [x], merk_code:",
        'unknown field "merk_codes"; did you mean "merk_code"?',
    ),
    "nothing to speak for": (
        "[stad-gent]",
        '[stad-gent, ▶""]',
        'item 2 of "merk_code" is empty; fill it in',
    ),
    "name missing": ("name: Stad Gent\n", "▶", '"name" is missing; add it'),
    "OVO code of a wrong shape": ("ovo: OVO002067", "ovo: ▶OVO2067", f'"OVO2067" {NO_OVO}'),
    "KBO check digits": (
        '"0207.451.227"',
        '▶"0207.451.277"',
        (
            'KBO number "0207.451.277" has check digits 77 where 27 is due; check the number for a'
            " typing error"
        ),
    ),
    "the shared KBO number alone": (
        ORGANISATION,
        '▶name: Departement\nkbo: "0316.380.841"\n',
        (
            "KBO number 0316.380.841 is shared by all departments of the Flemish administration;"
            " add the OVO code of this one"
        ),
    ),
    "no code": (
        BOTH_CODES,
        "",
        (
            "organisation has neither ovo nor kbo; give at least one: the forms beside it, and what"
            " is sent for it, are named by it"
        ),
    ),
    "a list": (
        ORGANISATION,
        "▶- Stad Gent\n",
        "the file is not a mapping of names to values; copy an existing file and change it",
    ),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_reported_with_its_place_and_its_remedy(
    kind: str, workspace: Workspace
) -> None:
    """Once, and no form beside it is blamed."""
    right, wrong, sentence = MISTAKES[kind]
    assert right in ORGANISATION
    text = ORGANISATION.replace(right, wrong, 1)
    workspace.assert_reported(OWNER, text, sentence, None if HERE in text else (1, 1))


TAKEN = "is the code of onboardings/gent too"
ONE_FOLDER = "an organisation has one folder: keep one of the two"
OVO_EACH = f"{ONE_FOLDER}, or give each its own OVO code"


@pytest.mark.parametrize(
    ("one", "other", "place", "sentence"),
    [
        (ORGANISATION, "name: Ander\novo: OVO002067\n", "2:6", f"OVO002067 {TAKEN}; {ONE_FOLDER}"),
        (
            ORGANISATION,
            'name: Ander\nkbo: "0207451227"\n',
            "2:6",
            f"0207451227 {TAKEN}; {OVO_EACH}",
        ),
        (
            'name: A\nkbo: "0207.451.227"\n',
            "name: Ander\novo: OVO000001\nkbo: 0207451227\n",
            "3:6",
            f"0207451227 {TAKEN}; {OVO_EACH}",
        ),
        (
            "name: A\novo: OVO000000\n",
            "name: Ander\novo: OVO000000\n",
            "2:6",
            f"OVO000000 {TAKEN}; {ONE_FOLDER}",
        ),
    ],
)
def test_an_organisation_has_one_folder(
    one: str, other: str, place: str, sentence: str, workspace: Workspace
) -> None:
    """By either code and whatever its value, so that a form in the second folder cannot claim the
    applications of the first."""
    workspace.write_organisation(one if one == ORGANISATION else one + SPEAKS_FOR)
    workspace.write_organisation(other, "z")
    assert workspace.sentences() == [f"onboardings/z/organisation.yaml:{place}: {sentence}"]


@pytest.mark.parametrize(
    ("field", "code"), [("ovo", "OVO000067"), ("kbo", '"0207.437.468"'), ("formerly", "OVO000067")]
)
def test_an_earlier_code_is_no_code_of_another(field: str, code: str, workspace: Workspace) -> None:
    """One would get the clients of the other by it, once its form is gone."""
    of_another = {"ovo": "OVO000099", field: code}
    workspace.write_organisation(f"formerly: {code}\n{ORGANISATION}")
    workspace.write_organisation(
        "name: Ander\n" + "".join(f"{name}: {value}\n" for name, value in of_another.items()),
        "aalst",
    )
    (said,) = workspace.sentences()
    assert said.startswith("onboardings/gent/organisation.yaml:1:11: ")
    assert said.endswith(
        "is a code in onboardings/aalst/organisation.yaml too; an organisation keeps the clients of"
        " its own earlier codes alone: remove it here or there"
    )


def test_organisations_that_share_a_number_are_two_by_their_ovo_codes(workspace: Workspace) -> None:
    """Each may have an application of the same name."""
    for folder, ovo in (("gent", "OVO002949"), ("z", "OVO002067")):
        workspace.write_organisation(
            ORGANISATION.replace("OVO002067", ovo).replace("Stad Gent", f"Departement {folder}"),
            folder,
        )
    workspace.write_form(WITHOUT_KEYS, "z/mijn-gent")
    assert workspace.sentences() == []
    codes = [connection.codes for connection in workspace.load().connections(Environment.TNI)]
    assert codes == [
        ("OVO002949",),
        ("OVO002067",),
    ], "the number that both have says of no client whose it is"


@pytest.mark.parametrize(
    "name",
    [
        "Stad Gent",
        "STAD GENT",
        "stad-gent.",
        "Stad  Gênt",
        "Stadgent",
        "Stad Genț",
        "\u0160tad Gent",
        "Stad Ge\u0144t",
    ],
)
def test_two_names_that_look_alike_are_refused(name: str, workspace: Workspace) -> None:
    workspace.write_organisation(f'name: "{name}"\novo: OVO000001\n', "z")
    remedy = "write what tells the two apart, such as the place"
    assert workspace.sentences() == [
        f'onboardings/z/organisation.yaml:1:7: "{name}" looks like "Stad Gent" in {OWNER}; {remedy}'
    ]


ALIKE = """Lier 1ier, Lier LlER, Ieper leper, Oostende 0ostende, Hamme Harnme, Aalst Aa\u01c0st,
Dilbeek D\u0131lbeek, Borsbeek Børsbeek,
    Oedelem Œdelem, Boom BooM"""


@pytest.mark.parametrize("names", ALIKE.split(","))
def test_letters_that_are_taken_for_each_other_look_the_same(names: str) -> None:
    one, other = names.split()
    assert look_of(official_name(one)) == look_of(official_name(other))


def test_names_of_real_municipalities_differ() -> None:
    """Those nearest to each other."""
    names = """Aalst Aalter Balen Beerse Beersel Bree Brecht Damme Diest Duffel Genk Gent Halen Halle Ham Hamme
    Hamont-Achel Heers Ieper
        Lede Lennik Lier Lille Linter Lint Lo-Reninge Malle Meise Melle Menen Mol Nijlen Olen Pelt Peer Ronse Rumst
        Temse Tielt
        Tielt-Winge Tienen Wingene Zele Zelzate Zemst Zoersel Zulte"""  # noqa: E501
    assert len({look_of(name) for name in names.split()}) == len(names.split())


@pytest.mark.parametrize(
    "code", ["ovo: OVO000000", "kbo: '0316.380.841'\novo: OVO002067", "ovo: OVO002067"]
)
@pytest.mark.parametrize("application", ["stand-in", "loket"])
def test_one_key_has_one_form_whatever_the_values(
    application: str, code: str, workspace: Workspace
) -> None:
    """No name and no code is one that the check passes over."""
    workspace.write_organisation(f"name: Gent\n{code}\n{SPEAKS_FOR}")
    for name in ("mijn-gent", "tweede"):
        workspace.write_form(FORM.replace("mijn-gent\n", f"{application}\n", 1), f"gent/{name}")
    remedy = "keep one of the two, or name the application differently"
    assert workspace.sentences() == [
        f"onboardings/gent/tweede.yaml:1:14: {GENT} is already the form of {application}; {remedy}"
    ]


def test_a_key_is_that_of_one_organisation(workspace: Workspace) -> None:
    """Whatever its file and its kid are called: else whoever can sign for the one can sign for the
    other."""
    workspace.write_organisation(f"name: Ander\novo: OVO000001\n{SPEAKS_FOR}", "z")
    workspace.write_key({**public_key("prod"), "kid": "mine"}, "z/tni")
    workspace.write_form(FORM[: FORM.index("  prod:")], "z/loket")
    remedy = "give each a key of its own, or name the supplier whose key it is: keys_of"
    other = "onboardings/z/loket.yaml"
    assert workspace.sentences() == [
        f"{GENT}:18:12: Stad Gent has the same key as Ander in {other}; {remedy}",
        f"{other}:7:12: Ander has the same key as Stad Gent in {GENT}; {remedy}",
    ]


def test_a_key_of_production_is_no_key_of_tni(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("[prod.jwk.json]", "[tni.jwk.json]"))
    (sentence,) = workspace.sentences()
    assert "is that of tni too; make a pair for production alone" in sentence


ADDS = f"the onboarding team adds others under speaks_for in {OWNER}"
ONLY_GENT = f'for which Stad Gent does not speak; use "stad-gent"; {ADDS}'


@pytest.mark.parametrize("value", ["stad-aalst", "stad-gen", "stad-gent-x"])
def test_an_organisation_sends_under_its_own_names_alone(value: str, workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("merk_code: stad-gent", f"merk_code: {value}", 1))
    assert workspace.sentences() == [
        f'{GENT}:13:20: notificaties, merk_code is "{value}", {ONLY_GENT}'
    ]


def test_an_organisation_that_speaks_for_nobody_sends_nothing(workspace: Workspace) -> None:
    workspace.write_organisation("name: Stad Gent\novo: OVO002067\n")
    assert [problem.remedy for problem in workspace.problems()] == [
        f"no value of it is allowed yet; {ADDS}"
    ] * 3


@pytest.mark.parametrize(
    "allowed", ["urn://gent", "urn://gent/", "urn://gent/mijn-gent", "urn://gent/mijn-gent/"]
)
def test_a_source_begins_with_what_the_organisation_has(allowed: str, workspace: Workspace) -> None:
    workspace.write_organisation(ORGANISATION.replace("urn://gent/", allowed))
    for below in ("mijn-gent/a", "mijn-gent/a/b.c", "mijn-gent/"):
        workspace.write_form(FORM.replace("urn://gent/mijn-gent", f"urn://gent/{below}"))
        assert workspace.sentences() == [], below


OTHERS = r"""urn://gentle/x urn://gent-evil/x urn://gent.evil/x urn://aalst/x urn://gent/../aalst/x urn://gent/./x urn://gent//x
    urn://gent/a/.. urn://gent/%2e%2e/aalst urn://gent/..%2faalst urn://gent/x?y urn://gent/x#y urn://gent/x\y
    URN://gent/x urn://Gent/x
    xurn://gent/x urn:/gent/x"""  # noqa: E501


@pytest.mark.parametrize("allowed", ["urn://gent", "urn://gent/"])
def test_nothing_that_only_begins_alike_is_its_own(allowed: str, workspace: Workspace) -> None:
    workspace.write_organisation(ORGANISATION.replace("urn://gent/", allowed))
    expected, refused = [], []
    for value in (*OTHERS.split(), "urn://gent/\u0430", "urn://gent/x y"):
        workspace.write_form(FORM.replace("urn://gent/mijn-gent", f"'{value}'"))
        refused += workspace.sentences()
        expected.append(
            f'{GENT}:16:19: dosis, bron_uri is "{value}", for which Stad Gent does not speak; use'
            f' what begins with "{allowed}"; {ADDS}'
        )
    assert refused == expected


def test_each_item_of_a_list_speaks(workspace: Workspace) -> None:
    catalogue = CATALOGUE["notificaties.yaml"].replace(
        "choices: {source: the tests,", "choices: {source: the tests, speaks_for: exactly,"
    )
    workspace.write(
        "catalogue/notificaties.yaml",
        catalogue.replace("{description: info or status, enum", "{type: string, enum"),
    )
    workspace.write_form(
        FORM.replace(
            "        product_ids:", "        choices: [info, status]\n        product_ids:", 1
        )
    )
    workspace.write_organisation(
        ORGANISATION.replace("{merk_code:", "{choices: [info], merk_code:")
    )
    assert workspace.sentences() == [
        f'{GENT}:14:25: notificaties, choices is "status", for which Stad Gent does not speak; use'
        f' "info"; {ADDS}'
    ]


@pytest.mark.parametrize("seen", ["same folder", "with mistakes", "by the code"])
def test_an_earlier_name_is_refused_while_a_form_declares_it(
    seen: str, workspace: Workspace
) -> None:
    loket = FORM.replace("mijn-gent\n", "loket\n", 1)
    claim, place, old = GENT, "1:11", "OVO002067/loket"
    match seen:
        case "by the code":
            workspace.write_organisation(f"formerly: OVO000001\n{ORGANISATION}")
            workspace.write_organisation(f"name: Old\novo: OVO000001\n{SPEAKS_FOR}", "oud")
            workspace.write_form(WITHOUT_KEYS, "oud/mijn-gent")
            claim, old = OWNER, "OVO000001/mijn-gent"
        case _:
            workspace.write_form(f"formerly: loket\n{FORM}")
            workspace.write_form(
                loket.replace("[acmidm]", "[x]") if seen == "with mistakes" else loket, "gent/loket"
            )
    declared = (
        "onboardings/oud/mijn-gent.yaml" if seen == "by the code" else "onboardings/gent/loket.yaml"
    )
    remedy = "or this line: a client has one form"
    if seen != "by the code":
        remedy = f"which may come back once acmidm deploy has run, {remedy}"
    assert (
        workspace.sentences()[-1]
        == f"{claim}:{place}: {old} is still declared by {declared}; remove that form, {remedy}"
    )


def test_an_earlier_name_has_one_successor(workspace: Workspace) -> None:
    for name in ("mijn-gent", "z"):
        workspace.write_form(
            f"formerly: loket\n{FORM.replace('mijn-gent', name, 1)}", f"gent/{name}"
        )
    assert workspace.sentences() == [
        f"onboardings/gent/z.yaml:1:11: OVO002067/loket is an earlier key in {GENT} too; keep it in"
        " the form that keeps its clients"
    ]


def test_two_forms_may_swap_nothing(workspace: Workspace) -> None:
    """Each would be the earlier name of the other, which is declared: that takes two
    deployments."""
    workspace.write_form(f"formerly: loket\n{FORM}")
    workspace.write_form(
        f"formerly: mijn-gent\n{FORM.replace('mijn-gent', 'loket', 1)}", "gent/loket"
    )
    assert [sentence.partition(": ")[2] for sentence in workspace.sentences()] == [
        f"OVO002067/{former} is still declared by onboardings/gent/{former}.yaml; two that get"
        " another name take two deployments: first give that form an application that no form has"
        f" and run acmidm deploy, then give it {former} with that one under formerly, and remove"
        " this line; or remove it, if it is a copy"
        for former in ("mijn-gent", "loket")
    ]


MERGED = "OVO001992/loket"
WHOLE_KEY = (
    f"; after a merger, have the whole key, such as {MERGED}, added under formerly in"
    " organisation.yaml"
)


@pytest.mark.parametrize(
    ("formerly", "others", "gets"),
    [
        (
            f"[OVO001992, {MERGED}]",
            ["loket", "loket-oud"],
            {"loket": [], "loket-oud": [MERGED, "OVO001992/loket-oud"]},
        ),
        (MERGED, ["loket", "loket-oud"], {"loket": [], "loket-oud": [MERGED]}),
        (MERGED, ["loket"], {"loket": [MERGED]}),
        (MERGED, ["loket-oud"], {"loket-oud": [MERGED, "OVO002067/loket"]}),
        ("0207451227/loket", ["loket"], {"loket": ["0207451227/loket"]}),
    ],
)
def test_a_whole_earlier_key_is_that_of_one_form(
    formerly: str, others: list[str], gets: dict[str, list[str]], workspace: Workspace
) -> None:
    """Of the one that has its application under ``formerly``, else of the one whose application it
    is; by the code no other gets it."""
    workspace.write_organisation(f"formerly: {formerly}\n{ORGANISATION}")
    for name in others:
        line = "formerly: loket\n" if name == "loket-oud" else ""
        workspace.write_form(f"{line}{FORM.replace('mijn-gent', name, 1)}", f"gent/{name}")
    (workspace.forms / "gent" / "mijn-gent.yaml").unlink()
    assert {
        one.application: list(one.form.formerly)
        for one in workspace.load().connections(Environment.TNI)
    } == gets


def test_a_program_that_writes_its_forms_one_by_one_gets_what_each_names(
    workspace: Workspace,
) -> None:
    """Nobody knows the other forms there. And a whole key is no code by which a form may take over
    a client."""
    workspace.write_organisation(f"formerly: [OVO000001, {MERGED}]\n{ORGANISATION}")
    workspace.write_form(FORM.replace("mijn-gent", "loket", 1))
    workspace.write_form(
        f"formerly: loket\n{FORM.replace('mijn-gent', 'loket-oud', 1)}", "gent/loket-oud"
    )
    theirs, ours = workspace.load().connections(Environment.TNI, are_all=False)
    assert theirs.form.formerly == (MERGED, "OVO000001/loket-oud")
    assert ours.form.formerly == ("OVO000001/loket",)
    assert ours.codes == ("OVO002067", "0207451227", "OVO000001")


def test_a_merger_without_the_whole_key_says_how_to_write_it(workspace: Workspace) -> None:
    """In each sentence: the two forms want the same client, and one of them the client of the other
    too."""
    workspace.write_organisation(f"formerly: OVO001992\n{ORGANISATION}")
    workspace.write_form(FORM.replace("mijn-gent", "loket", 1))
    workspace.write_form(f"formerly: loket\n{FORM.replace('mijn-gent', 'loket-oud', 1)}", "gent/z")
    said = workspace.sentences()
    assert [sentence.endswith(WHOLE_KEY) for sentence in said] == [True, True]
    workspace.write_organisation(f"formerly: [OVO001992, {MERGED}]\n{ORGANISATION}")
    assert workspace.sentences() == []
    workspace.write_form(f"formerly: loket\n{FORM.replace('mijn-gent', 'derde', 1)}", "gent/derde")
    (twice,) = workspace.sentences()
    assert (
        twice.partition("; ")[2]
        == "keep it in the form that keeps its clients; organisations merge one after the other,"
        " with acmidm deploy in between"
    )


def test_a_whole_earlier_key_is_of_no_organisation_that_is_there(workspace: Workspace) -> None:
    """Nor of two."""
    key, sole = (
        "OVO000067/mijn-gent",
        "an organisation keeps the clients of its own earlier codes alone: remove it here or there",
    )
    workspace.write_organisation(f"formerly: {key}\n{ORGANISATION}")
    for line, what in (
        ("ovo: OVO000067", "OVO000067 is a code"),
        (f"ovo: OVO000099\nformerly: {key}", f"{key} is an earlier key"),
    ):
        workspace.write_organisation(f"name: Ander\n{line}\n", "aalst")
        (said,) = workspace.sentences()
        assert said == f"{OWNER}:1:11: {what} in onboardings/aalst/organisation.yaml too; {sole}"
