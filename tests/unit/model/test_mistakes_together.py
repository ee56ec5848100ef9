"""Mistakes of one form, and of several, are told together: none hides another, and none is told twice."""

from __future__ import annotations

import pytest

from tests.unit.model.workspace import FORM, Workspace, public_key

GENT = "onboardings/gent/mijn-gent.yaml"


def test_a_duplicate_key_is_refused_and_hides_no_other_mistake(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("application: mijn-gent\n", "application: mijn-gent\napplication: Ander\n").replace("OVO002067", "X"))
    assert workspace.sentences() == [
        f'{GENT}:3:8: "X" is not an OVO code; write OVO and six digits, such as OVO002067',
        f'{GENT}:6:1: key "application" stands twice; keep one of the two',
    ]


def test_ten_mistakes_in_one_form_are_told_at_once(workspace: Workspace) -> None:
    """Shape, identifiers, catalogue, configuration and keys, in one run: nobody fixes a form in rounds."""
    workspace.write_key({**public_key("tni"), "use": "enc"})
    workspace.write_form("""\
organisation:
  name: Stad Gent
  ovo: OVO2067
  kbo: "0207.451.200"
application: Mijn Gent
contacts: [api-beheer]
platforms: [acmidm, geosecur]
token_endpoint_auth_method: private_key
environments:
  tni:
    jwks: [tni.jwk.json, absent.jwk.json]
    scopes:
      dv_notificatie_schrijven: {}
      dv_dosis_schrijven: {raeson: dossiers}
    products:
      dosis:
        bron_url: urn://gent/mijn-gent
""")
    assert workspace.sentences() == [
        f'{GENT}:3:8: "OVO2067" is not an OVO code; write OVO and six digits, such as OVO002067',
        f'{GENT}:4:8: KBO number "0207.451.200" has check digits 00 where 27 is due; check the number for a typing error',
        f'{GENT}:5:14: "Mijn Gent" is not an application name; use lower case letters, digits and single hyphens, 64 at most',
        f'{GENT}:6:12: "api-beheer" is not an e-mail address; write one such as api-beheer@stad.example',
        f'{GENT}:7:21: item 2 of "platforms": "geosecur" is not known; did you mean "geosecure"?',
        f'{GENT}:8:29: "token_endpoint_auth_method": "private_key" is not known; did you mean "private_key_jwt"?',
        f'{GENT}:11:26: key file "absent.jwk.json" cannot be read: No such file or directory; check its name and its rights',
        f'{GENT}:13:7: scope "dv_notificatie_schrijven" is not in the catalogue; did you mean "dv_notificaties_schrijven"?',
        f'{GENT}:14:28: unknown field "raeson"; did you mean "reason"?',
        f'{GENT}:17:9: dosis: "bron_uri" is missing; it asks for the source\'s URI',
        f'{GENT}:17:9: dosis: unknown field "bron_url"; did you mean "bron_uri"?',
        'onboardings/gent/tni.jwk.json:6:3: the key has use "enc"; a key that authenticates a client has use sig',
    ]


def test_mistakes_of_all_files_are_told_at_once(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("OVO002067", "OVO1"))
    workspace.write_form(FORM.replace("mijn-gent\n", "Ander\n", 1), "aalst/ander")
    workspace.write("catalogue/extra.yaml", "product: extra\n")
    files = {problem.file.as_posix() for problem in workspace.problems()}
    assert files == {"catalogue/extra.yaml", "onboardings/aalst/ander.yaml", GENT}


def test_two_forms_for_one_connection(workspace: Workspace) -> None:
    """By OVO code, or by KBO number where one of them has no OVO code. The shared KBO number says nothing."""
    workspace.write_form(
        FORM.replace("  ovo: OVO002067\n", "").replace("tni.jwk", "../gent/tni.jwk").replace("[prod", "[../gent/prod"), "zz/b"
    )
    assert workspace.sentences() == [
        "onboardings/zz/b.yaml:4:14: onboardings/gent/mijn-gent.yaml is already the form of mijn-gent for OVO002067; "
        "keep one of the two, or name the application differently"
    ]


def test_a_second_form_for_a_connection_is_told_though_it_has_other_mistakes(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("api-beheer@stad-gent.example", "x"), "gent/z")
    assert [problem.what for problem in workspace.problems()] == [
        f"{GENT} is already the form of mijn-gent for OVO002067",
        '"x" is not an e-mail address',
    ]


def test_forms_with_mistakes_in_what_identifies_them_are_not_taken_for_one_another(workspace: Workspace) -> None:
    for name in ("gent/a", "gent/b"):
        workspace.write_form(FORM.replace("OVO002067", "x").replace("mijn-gent\n", "X\n", 1), name)
    assert len(workspace.problems()) == 4


def test_a_mistake_in_the_platforms_is_told_once_and_not_again_of_what_speaks_of_them(workspace: Workspace) -> None:
    text = FORM.replace("[acmidm]\n", "[acmidm, geosecur]\nending: [geosecure]\n")
    workspace.write_form(text.replace("    jwks: [tni", '    adopt: {geosecure: "6776"}\n    jwks: [tni'))
    assert [problem.what for problem in workspace.problems()] == ['item 2 of "platforms": "geosecur" is not known']


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ("  tni:\n", "  tin:\n", '"tin" is not known; did you mean "tni"?'),
        ("environments:\n", "environmnts:\n", 'unknown field "environmnts"; did you mean "environments"?'),
    ],
)
def test_what_stands_under_a_misspelt_name_is_judged_as_under_its_nearest(
    right: str, wrong: str, sentence: str, workspace: Workspace
) -> None:
    """All mistakes at once: those below it do not wait until the name is right."""
    text = FORM.replace("dv_dosis_schrijven:", "dv_dosis_schrijve:", 1).replace("[tni.jwk.json]", "[absent.jwk.json]")
    workspace.write_form(text.replace(right, wrong, 1))
    assert [problem.line for problem in workspace.problems() if problem.what.startswith(("key file", "scope"))] == [11, 14]
    assert sentence in "".join(workspace.sentences())


@pytest.mark.parametrize(("right", "wrong"), [("products", "prodcts"), ("scopes", "scpes"), ("jwks", "jwk")])
def test_a_misspelt_name_is_told_once_and_not_again_of_what_it_stands_for(right: str, wrong: str, workspace: Workspace) -> None:
    workspace.write_form(FORM.replace(f"    {right}:", f"    {wrong}:", 1))
    assert [problem.what for problem in workspace.problems()] == [f'unknown field "{wrong}"']


def test_two_departments_with_the_shared_kbo_number_are_two(workspace: Workspace) -> None:
    shared = FORM.replace("0207.451.227", "0316.380.841")
    workspace.write_form(shared)
    workspace.write_form(shared.replace("OVO002067", "OVO002949"), "gent/ander")
    assert workspace.sentences() == []


def test_two_organisations_may_have_an_application_of_one_name(workspace: Workspace) -> None:
    aalst = FORM.replace("OVO002067", "OVO001992").replace("0207.451.227", "0207.437.468")
    workspace.write_form(aalst, "gent/aalst")
    assert workspace.sentences() == []


def test_a_semicolon_in_what_was_written_does_not_part_the_sentence(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("OVO002067", '"a; b"'))
    [problem] = workspace.problems()
    assert (problem.what, problem.remedy) == ('"a; b" is not an OVO code', "write OVO and six digits, such as OVO002067")


def test_a_message_keeps_to_its_line(workspace: Workspace) -> None:
    """A name with line breaks, terminal codes and commands to a pipeline in it can fake no message of its own."""
    workspace.write_form(FORM.replace("      dv_dosis", '      "x\\n::error::\\e[2J##VSO[task.x]": {}\n      dv_dosis', 1))
    [sentence] = workspace.sentences()
    assert (
        sentence
        == rf'{GENT}:14:7: scope "x\n::error::\x1b[2J# #VSO[task.x]" is not in the catalogue; choose one of the catalogue, or add it there'
    )
