"""Who an organisation is: one rule finds it, for options, a sent file, a row of either sheet and an
import. What differs among these is only which differences a person checks and which are refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.edit.new.answers import Answers, Mistakes
from acmidm.edit.new.organisations import Found, Kind, code_in, find, owner_of
from acmidm.edit.new.rows import Heading
from acmidm.importing.clients import ClientRows
from acmidm.sheet import SheetRow
from acmidm_onboarding.forms.loading import load_organisations, read_onboardings
from tests.importing.listed import LETTERS, client, registers_of
from tests.support.sent_file import of_gent, take_in
from tests.support.workspace import Workspace, public_key

GENT, AALST, WINGENE, HAVEN, CULTUUR = (
    *("OVO002067", "OVO001992", "OVO002288", "OVO002277", "OVO003323"),
)
NEW, EARLIER = "OVO000009", "OVO001001"
OF_GENT, OF_WINGENE, OF_NOBODY, SHARED = "0207451227", "0207495470", "0207437468", "0316380841"
HERE = {
    "gent": f'name: Stad Gent\novo: {GENT}\nkbo: "{OF_GENT}"\nformerly: {EARLIER}\n',
    "aalst": f"name: Stad Aalst\novo: {AALST}\n",
    "wingene": f'name: Wingene\nkbo: "{OF_WINGENE}"\n',
    "haven": f'name: Haven van Gent\novo: {HAVEN}\nkbo: "{OF_GENT}"\n',
    "cultuur": f'name: Cultuur\novo: {CULTUUR}\nkbo: "{SHARED}"\n',
}
FORM = """\
application: loket
contacts: [api@stad.example]
environments: {tni: {scopes: {dv_register_test: {}}}}
"""


@pytest.fixture
def here(workspace: Workspace) -> Workspace:
    """Organisations that have both codes, one of them, or a KBO number that others have too; each
    with a form of loket. And a supplier."""
    (workspace.forms / "gent/mijn-gent.yaml").unlink()
    for folder, text in HERE.items():
        workspace.write_organisation(text, folder)
        workspace.write_form(FORM, f"{folder}/loket")
    workspace.write_organisation("name: Leverancier\n", "leverancier")
    workspace.write("onboardings/leverancier/keys.yaml", "tni: [tni.jwk.json]\n")
    workspace.write_key(public_key("of-supplier"), "leverancier/tni")
    return workspace


RULE: dict[str, tuple[tuple[str, str, str], str | None, list[tuple[Kind, str]]]] = {
    "both codes": (("Stad Gent", GENT, OF_GENT), "gent", []),
    "an OVO code alone": (("", GENT.lower(), ""), "gent", []),
    "a KBO number alone": (("", "", "BE0207.495.470"), "wingene", []),
    "a name that looks the same": (("STAD GÊNT", GENT, ""), "gent", []),
    "one of two with a KBO number": (("", HAVEN, OF_GENT), "haven", []),
    "one of many with a KBO number": (("Cultuur", CULTUUR, SHARED), "cultuur", []),
    "a KBO number of two": (("", "", OF_GENT), None, [(Kind.SEVERAL, "kbo")]),
    "a KBO number of many": (("", "", SHARED), None, [(Kind.NOBODY, "kbo")]),
    "a name alone": (("Stad Gent", "", ""), None, [(Kind.MISSING, "ovo")]),
    "codes of two": (("", GENT, OF_WINGENE), "gent", [(Kind.OTHER, "kbo")]),
    "codes of two, and the name": (
        ("Wingene", GENT, OF_WINGENE),
        "gent",
        [(Kind.OTHER, "name"), (Kind.OTHER, "kbo")],
    ),
    "a KBO number of others, where the file has none": (
        ("Stad Aalst", AALST, OF_GENT),
        "aalst",
        [(Kind.OTHER, "kbo")],
    ),
    "a KBO number of many, where the file has none": (
        ("Stad Aalst", AALST, SHARED),
        "aalst",
        [(Kind.LACKS, "kbo")],
    ),
    "a KBO number of many, where the file has its own": (
        ("Stad Gent", GENT, SHARED),
        "gent",
        [(Kind.CODE, "kbo")],
    ),
    "an earlier code of another": (
        ("Wingene", EARLIER, OF_WINGENE),
        "wingene",
        [(Kind.OTHER, "ovo")],
    ),
    "a name that looks like another's": (("Stad Ģent", AALST, ""), "aalst", [(Kind.OTHER, "name")]),
    "another name": (("Aalst", AALST, ""), "aalst", [(Kind.NAME, "name")]),
    "another KBO number": (("", GENT, OF_NOBODY), "gent", [(Kind.CODE, "kbo")]),
    "another OVO code": (("Wingene", NEW, OF_WINGENE), "wingene", [(Kind.LACKS, "ovo")]),
    "another OVO code, where the file has one": (
        ("Stad Gent", NEW, OF_GENT),
        None,
        [(Kind.SHARED, "kbo"), (Kind.SHARED, "kbo")],
    ),
    "a code that the file lacks": (("", AALST, OF_NOBODY), "aalst", [(Kind.LACKS, "kbo")]),
    "and a name that fits": (
        ("Aalst", AALST, OF_NOBODY),
        "aalst",
        [(Kind.NAME, "name"), (Kind.LACKS, "kbo")],
    ),
    "and a name that does not": (
        ("Elders", AALST, OF_NOBODY),
        "aalst",
        [(Kind.NAME, "name"), (Kind.UNLIKE, "kbo")],
    ),
    "a number with a mistake, which the file lacks": (
        ("Stad Aalst", AALST, "0207437469"),
        "aalst",
        [(Kind.NO_CODE, "kbo")],
    ),
    "a number in the place of an OVO code": (
        ("Wingene", OF_WINGENE, ""),
        None,
        [(Kind.OTHER, "ovo"), (Kind.TAKEN, "name")],
    ),
    "an earlier code": (("Stad Gent", EARLIER, ""), None, [(Kind.EARLIER, "ovo")]),
    "a new one": (("Dorp", NEW, OF_NOBODY), None, []),
    "a new one, in the folder of another": (("Gent", NEW, ""), None, [(Kind.TAKEN, "name")]),
}


def folder_of(found: Found) -> str | None:
    """The folder of one that is here."""
    return found.owner.folder if found.owner and not found.owner.is_new else None


@pytest.mark.parametrize("case", RULE)
def test_codes_find_an_organisation_and_the_rest_speaks_for_or_against_it(
    here: Workspace, case: str
) -> None:
    (name, ovo, kbo), folder, differences = RULE[case]
    found = find(Answers(name=name, ovo=ovo, kbo=kbo), load_organisations(here.forms))
    assert folder_of(found) == folder
    assert [(one.kind, one.field) for one in found.differences] == differences
    assert all(one.given in one.sentence for one in found.differences)


TEXTS = {
    "gent": "gent",
    "STAD AALST": "aalst",
    "ovo001992": "aalst",
    "BE 0207.495.470": "wingene",
    SHARED: None,
    "stad-gent": "gent",
    "elders": None,
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_a_folder_a_code_or_a_name(here: Workspace, text: str) -> None:
    owner = owner_of(Answers(organisation=text), load_organisations(here.forms), Mistakes())
    assert (owner and owner.folder) == TEXTS[text]


OF_ONE_THAT_IS_HERE = {
    "its number, where it has no OVO code": (
        ("--ovo", NEW, "--kbo", OF_WINGENE),
        f'--ovo: organisation.yaml of wingene lacks "{NEW}"',
    ),
    "and another folder": (
        ("--organisation", "dorp", "--ovo", NEW, "--kbo", OF_WINGENE),
        f'--kbo: "{OF_WINGENE}" is that of wingene; give the codes',
    ),
    "its OVO code, and another folder": (
        ("--organisation", "dorp", "--ovo", AALST),
        f'--ovo: "{AALST}" is that of aalst; give the codes',
    ),
    "its number alone, and another folder": (
        ("--organisation", "dorp", "--kbo", OF_GENT),
        f'--kbo: "{OF_GENT}" is that of haven; give the codes',
    ),
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("case", OF_ONE_THAT_IS_HERE)
def test_codes_of_one_that_is_here_make_no_new_one(case: str) -> None:
    """Only where both have an OVO code, two share a KBO number. The loader of forms refuses it in
    any case, but on the file of the one that is here, which nobody named."""
    named, sentence = OF_ONE_THAT_IS_HERE[case]
    is_taken, said = with_options(*named)
    assert not is_taken
    assert sentence in said


@pytest.mark.usefixtures("here")
def test_a_number_as_text_is_that_of_the_one_with_the_ovo_code() -> None:
    is_taken, said = with_options("--organisation", OF_GENT, "--ovo", HAVEN)
    assert is_taken, said
    assert "onboardings/haven/nieuw.yaml" in said


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "twice",
    [(NEW, "--ovo", "OVO000008", "--name", "Dorp"), ("Het Dorp", "--name", "Elders", "--ovo", NEW)],
)
def test_an_organisation_is_not_given_twice_in_two_ways(twice: tuple[str, ...]) -> None:
    """The text was dropped without a word."""
    is_taken, said = with_options("--organisation", *twice)
    assert not is_taken
    assert f'--organisation: "{twice[0]}" is not what {twice[1]} has; give one' in said


def test_a_folder_called_as_an_earlier_code_is_a_folder(here: Workspace) -> None:
    """Its name passed for an OVO code, which its organisation does not have any more."""
    text = f"name: Dorp\novo: {NEW}\nformerly: OVO000008\n"
    here.write_organisation(text, "ovo000008")
    is_taken, said = with_options("--organisation", "ovo000008", "--ovo", NEW)
    assert is_taken, said
    assert "onboardings/ovo000008/nieuw.yaml" in said


@pytest.mark.usefixtures("here")
def test_who_may_be_right_reads_what_to_do() -> None:
    """The same refusal came again, however often somebody saw that it is the same one."""
    _, said = with_options("--organisation", "aalst", "--name", "Aalst", "--kbo", OF_NOBODY)
    assert said.count("see whether it is the same organisation; if so, leave the option out") == 2
    _, said = towns(Answers(name="Dorp", ovo=NEW, kbo=OF_GENT))
    assert "see whether both are right; if so, make the new one first, by acmidm new" in said


@pytest.mark.usefixtures("here")
def test_two_rows_with_one_number_are_of_two_where_each_has_its_ovo_code() -> None:
    """The number that both share made them one."""
    Path("sheet.csv").write_text(
        "KBOnummer;OVO-code;Mandaat tot\n"
        f"{OF_GENT};{GENT};2099-12-31\n{OF_GENT};{HAVEN};2099-12-31\n"
    )
    is_taken, said = with_options("--from", "sheet.csv", "--supplier", "leverancier")
    assert is_taken, said


@pytest.mark.usefixtures("here")
def test_a_row_without_a_code_says_so_and_one_with_a_shared_number_repeats_it() -> None:
    """Both said that "" names no organisation."""
    assert "column B (OVO-code): no code is given" in towns(Answers())[1]
    assert f'column A (KBOnummer): "{SHARED}" alone names no' in scopes(Answers(kbo=SHARED))[1]


Outcome = tuple[bool, str]
"""Whether a form was written or changed, and what was said."""


def options(given: Answers) -> Outcome:
    named = {"--name": given.name, "--ovo": given.ovo, "--kbo": given.kbo}
    arguments = [part for option, text in named.items() if text for part in (option, text)]
    return with_options(*arguments)


def with_options(*named: str) -> Outcome:
    more = ("--application", "nieuw", "--contact", "a@b.example", "--scope", "dv_register_lezen")
    result = CliRunner().invoke(app, ["new", *named, *more])
    return result.exit_code == 0, result.output


def sent(given: Answers) -> Outcome:
    document = of_gent("nieuw", scopes={"dv_register_lezen": {}})
    organisation = {"name": given.name, "ovo": given.ovo, "kbo": given.kbo}
    result = take_in({**document, "organisation": {k: v for k, v in organisation.items() if v}})
    return result.exit_code == 0, result.output


def sheet(headings: str, cells: str, given: Answers, *options: str) -> Outcome:
    codes = f"{given.kbo or ''};{given.ovo or ''}"
    Path("sheet.csv").write_text(f"KBOnummer;OVO-code;{headings}\n{codes};{cells}\n")
    result = CliRunner().invoke(app, ["new", "--from", "sheet.csv", *options])
    return result.exit_code == 0, result.output


def towns(given: Answers) -> Outcome:
    supplier = ("--supplier", "leverancier", "--application", "nieuw", "--contact", "a@b.example")
    options = (*supplier, "--scope", "dv_register_lezen")
    return sheet("Klant;Mandaat tot", f"{given.name or ''};2099-12-31", given, *options)


def scopes(given: Answers) -> Outcome:
    return sheet("Toepassing;Scope", "loket;dv_register_lezen", given)


def importing(given: Answers) -> Outcome:
    """The authority has the codes of the client, and the row has its name."""
    listed = client(
        "a-1",
        name=given.name or "",
        ovo=given.ovo,
        kbo=code_in("kbo", given.kbo) or given.kbo,
        application="nieuw",
    )
    values: dict[str, str] = {Heading.CLIENT_TEST: "a-1", Heading.CUSTOMER: given.name or ""}
    read = partial(read_onboardings, [Path("onboardings")], Path("catalogue"))
    rows = ClientRows(read, read(), Path("onboardings"), "clients.csv", registers_of([listed]))
    rows.take([SheetRow(None, 2, values, LETTERS)])
    said = [*rows.wrong(), *(note for placed in rows.placed for note in placed.notes)]
    return bool(rows.placed), "\n".join(said)


WAYS: list[Callable[[Answers], Outcome]] = [options, sent, towns, scopes, importing]
KINDS: dict[Kind, tuple[Answers, str, str]] = {
    # what is given, what is said of it, and who refuses it
    Kind.OTHER: (
        Answers(name="Stad Gent", ovo=GENT, kbo=OF_WINGENE),
        f'"{OF_WINGENE}" is that of wingene; give the codes',
        "options sent towns scopes importing",
    ),
    Kind.SEVERAL: (
        Answers(name="Stad Gent", kbo=OF_GENT),
        f'"{OF_GENT}" is that of several, gent, haven; give the OVO code',
        "options sent towns scopes importing",
    ),
    Kind.EARLIER: (
        Answers(name="Stad Gent", ovo=EARLIER),
        f'gent had "{EARLIER}" earlier, and has "{GENT}" now',
        "options sent towns scopes",
    ),
    Kind.SHARED: (
        Answers(name="Dorp", ovo=NEW, kbo=OF_GENT),
        "is the KBO number of gent too",
        "towns scopes importing",
    ),
    Kind.CODE: (
        Answers(name="Stad Gent", ovo=GENT, kbo=OF_NOBODY),
        f'gent has "{OF_GENT}" and not "{OF_NOBODY}"',
        "options towns scopes",
    ),
    Kind.LACKS: (
        Answers(name="Stad Aalst", ovo=AALST, kbo=OF_NOBODY),
        f'organisation.yaml of aalst lacks "{OF_NOBODY}", and stays',
        "options",
    ),
    Kind.UNLIKE: (
        Answers(name="Elders", ovo=AALST, kbo=OF_NOBODY),
        f'organisation.yaml of aalst lacks "{OF_NOBODY}", and its name is "Stad Aalst"',
        "options sent towns",
    ),
    Kind.NAME: (
        Answers(name="Aalst", ovo=AALST),
        'aalst is "Stad Aalst" here, and not "Aalst"',
        "options",
    ),
    Kind.TAKEN: (
        Answers(name="Gent", ovo=NEW),
        'another organisation here is called "Gent", with other codes',
        "options sent towns scopes",
    ),
    Kind.NO_CODE: (
        Answers(name="Stad Aalst", ovo=AALST, kbo="0207437469"),
        '"0207437469" is no OVO code or KBO number; check it',
        "options sent towns scopes",
    ),
    Kind.NOBODY: (
        Answers(name="Dorp", kbo=SHARED),
        f'"{SHARED}" alone names no organisation here; give its OVO code',
        "options sent towns scopes importing",
    ),
    Kind.MISSING: (
        Answers(name="Dorp"),
        "no code is given; give its OVO code",
        "options sent towns scopes importing",
    ),
}
SAID_BY_NOBODY = {
    (Kind.SHARED, "options"): "whoever types both codes says so",
    (Kind.EARLIER, "importing"): "its clients keep their earlier code",
    (Kind.NAME, "scopes"): "a row has no name",
    (Kind.UNLIKE, "scopes"): "a row has no name, so that it does not contradict",
    (Kind.TAKEN, "importing"): "its folder gets the code too",
    (Kind.TAKEN, "scopes"): "it only adds to forms that are here",
    (Kind.NO_CODE, "sent"): "its own shape refuses it",
    (Kind.NOBODY, "sent"): "its own shape refuses it",
    (Kind.MISSING, "options"): "the name may be that of one that is here",
    (Kind.MISSING, "importing"): "it says where a code may be",
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_way_in_refuses_a_difference_or_has_it_checked(
    kind: Kind, way: Callable[[Answers], Outcome]
) -> None:
    """In the same sentence everywhere."""
    given, sentence, refusing = KINDS[kind]
    is_taken, said = way(given)
    assert is_taken is (way.__name__ not in refusing.split()), said
    is_unsaid = (kind, way.__name__) in SAID_BY_NOBODY
    assert (sentence in said) is not is_unsaid, said


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("way", WAYS)
def test_a_name_alone_names_no_organisation_but_as_an_option(
    way: Callable[[Answers], Outcome],
) -> None:
    """Where a person types it, who reads what was written."""
    is_taken, said = way(Answers(name="Stad Gent"))
    assert is_taken is (way is options), said


@pytest.mark.usefixtures("here")
def test_a_supplier_without_codes_gets_no_form() -> None:
    """Its folder is named by an option alone, and its file does not change."""
    is_taken, said = options(Answers(name="Leverancier"))
    assert not is_taken
    assert said.startswith("--organisation: leverancier has neither ovo nor kbo; the team")
