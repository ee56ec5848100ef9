"""Mistakes of one form, and of several, are reported together: none hides another, and none is
reported twice."""

from __future__ import annotations

import pytest

from tests.support.workspace import FORM, WITHOUT_KEYS, Workspace, public_key

GENT = "onboardings/gent/mijn-gent.yaml"
OWNER = "onboardings/gent/organisation.yaml"


def test_a_duplicate_key_is_refused_and_hides_no_other_mistake(workspace: Workspace) -> None:
    workspace.write_form(
        FORM.replace(
            "application: mijn-gent\n", "application: mijn-gent\napplication: Ander\n"
        ).replace("[acmidm]", "[x]")
    )
    assert workspace.sentences() == [
        f'{GENT}:2:1: key "application" is there twice; keep one of the two',
        f'{GENT}:4:13: item 1 of "platforms": "x" is not known; use acmidm, geosecure',
    ]


def test_a_mistake_knows_its_field(workspace: Workspace) -> None:
    """By its path, whatever finds it: a field that is missing, of a form and of a product, too."""
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"
    workspace.write_form(
        FORM.replace("contacts: [api-beheer@stad-gent.example]\n", "")
        .replace("        merk_code: stad-gent\n", "", 1)
        .replace("reason: dossiers", f"reason: {token}", 1)
    )
    tni = ("environments", "tni")
    assert {problem.path for problem in workspace.problems()} >= {
        ("contacts",),
        (*tni, "products", "notificaties", "merk_code"),
        (*tni, "scopes", "dv_dosis_schrijven", "reason"),
    }


def test_ten_mistakes_in_one_form_are_reported_at_once(workspace: Workspace) -> None:
    """Shape, identifiers, catalogue, configuration and keys, in one run: nobody fixes a form in
    rounds."""
    workspace.write_key({**public_key("tni"), "use": "enc"})
    workspace.write_organisation('name: Stad Gent\novo: OVO2067\nkbo: "0207.451.200"\n')
    workspace.write_form("""\
application: Mijn Gent
contacts: [api-beheer]
platforms: [acmidm, geosecur]
token_endpoint_auth_method: private_key
environments:
  tni:
    jwks: [tni.jwk.json, absent.jwk.json]
    scopes:
      dv_notificatie_import: {}
      dv_dosis_schrijven: {raeson: dossiers}
    products:
      dosis:
        bron_url: urn://gent/mijn-gent
""")
    assert workspace.sentences() == [
        (
            f'{GENT}:1:14: "Mijn Gent" is not an application name; use lower case letters, digits'
            " and single hyphens, 64 at most"
        ),
        (
            f'{GENT}:2:12: "api-beheer" is not an e-mail address; write one such as'
            " api-beheer@stad.example"
        ),
        f'{GENT}:3:21: item 2 of "platforms": "geosecur" is not known; did you mean "geosecure"?',
        (
            f'{GENT}:4:29: "token_endpoint_auth_method": "private_key" is not known; did you mean'
            ' "private_key_jwt"?'
        ),
        (
            f'{GENT}:7:26: key file "absent.jwk.json" cannot be read: No such file or directory;'
            " check its name and its rights"
        ),
        (
            f'{GENT}:9:7: scope "dv_notificatie_import" is not in the catalogue; did you mean'
            ' "dv_notificaties_import"?'
        ),
        f'{GENT}:10:28: unknown field "raeson"; did you mean "reason"?',
        f'{GENT}:13:9: dosis: "bron_uri" is missing; give the source\'s URI',
        f'{GENT}:13:9: dosis: unknown field "bron_url"; did you mean "bron_uri"?',
        f'{OWNER}:2:6: "OVO2067" is not an OVO code; write OVO and six digits, such as OVO002067',
        (
            f'{OWNER}:3:6: KBO number "0207.451.200" has check digits 00 where 27 is due; check the'
            " number for a typing error"
        ),
        (
            'onboardings/gent/tni.jwk.json:6:3: the key has use "enc"; a key that authenticates a'
            " client has use sig"
        ),
    ]


def test_mistakes_of_all_files_are_reported_at_once(workspace: Workspace) -> None:
    workspace.write_organisation("name: Stad Gent\n")
    workspace.write_form(FORM.replace("mijn-gent\n", "Ander\n", 1), "aalst/ander")
    workspace.write("catalogue/extra.yaml", "product: extra\n")
    workspace.write_form(WITHOUT_KEYS, "aalst/loket")
    files = [problem.file.as_posix() for problem in workspace.problems()]
    assert set(files) == {
        "catalogue/extra.yaml",
        "onboardings/aalst/ander.yaml",
        missing := "onboardings/aalst/organisation.yaml",
        OWNER,
    }
    assert files.count(missing) == 1, "it is missed once for all forms beside it"
    assert (
        f"{missing}:1:1: there is no organisation.yaml, which names the organisation of these"
        " forms; " in "".join(workspace.sentences())
    )


def test_a_second_form_for_an_application_is_reported_though_it_has_other_mistakes(
    workspace: Workspace,
) -> None:
    workspace.write_form(FORM.replace("api-beheer@stad-gent.example", "x"), "gent/z")
    assert workspace.sentences() == [
        (
            f"onboardings/gent/z.yaml:1:14: {GENT} is already the form of mijn-gent; keep one of"
            " the two, or name the application differently"
        ),
        (
            'onboardings/gent/z.yaml:2:12: "x" is not an e-mail address; write one such as'
            " api-beheer@stad.example"
        ),
    ]


def test_forms_with_mistakes_in_what_identifies_them_are_not_taken_for_one_another(
    workspace: Workspace,
) -> None:
    for name in ("gent/a", "gent/b"):
        workspace.write_form(FORM.replace("mijn-gent\n", "X\n", 1), name)
    assert len(workspace.problems()) == 2


def test_a_mistake_in_the_platforms_is_reported_once_and_not_again_of_what_speaks_of_them(
    workspace: Workspace,
) -> None:
    text = FORM.replace("[acmidm]\n", "[acmidm, geosecur]\nretire: {geosecure: 2027-03-31}\n")
    workspace.write_form(
        text.replace("    jwks: [tni", '    adopt: {geosecure: "6776"}\n    jwks: [tni')
    )
    assert [problem.what for problem in workspace.problems()] == [
        'item 2 of "platforms": "geosecur" is not known'
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ("  tni:\n", "  tin:\n", '"tin" is not known; did you mean "tni"?'),
        (
            "environments:\n",
            "environmnts:\n",
            'unknown field "environmnts"; did you mean "environments"?',
        ),
    ],
)
def test_what_stands_under_a_misspelt_name_is_judged_as_under_its_nearest(
    right: str, wrong: str, sentence: str, workspace: Workspace
) -> None:
    """All mistakes at once: those below it do not wait until the name is right."""
    text = FORM.replace("dv_dosis_schrijven:", "dv_dosis_schrijve:", 1).replace(
        "[tni.jwk.json]", "[absent.jwk.json]"
    )
    workspace.write_form(text.replace(right, wrong, 1))
    assert [
        problem.line
        for problem in workspace.problems()
        if problem.what.startswith(("key file", "scope"))
    ] == [
        7,
        10,
    ]
    assert sentence in "".join(workspace.sentences())


@pytest.mark.parametrize(
    ("right", "wrong"), [("products", "prodcts"), ("scopes", "scpes"), ("jwks", "jwk")]
)
def test_a_misspelt_name_is_reported_once_and_not_again_of_what_it_stands_for(
    right: str, wrong: str, workspace: Workspace
) -> None:
    workspace.write_form(FORM.replace(f"    {right}:", f"    {wrong}:", 1))
    assert [problem.what for problem in workspace.problems()] == [f'unknown field "{wrong}"']


def test_a_semicolon_in_what_was_written_does_not_part_the_sentence(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("mijn-gent\n", '"a; b"\n', 1))
    [problem] = workspace.problems()
    assert (problem.what, problem.remedy) == (
        '"a; b" is not an application name',
        "use lower case letters, digits and single hyphens, 64 at most",
    )


def test_a_message_keeps_to_its_line(workspace: Workspace) -> None:
    """A name with line breaks, terminal codes and commands to a pipeline in it can fake no message
    of its own."""
    workspace.write_form(
        FORM.replace(
            "      dv_dosis", '      "x\\n::error::\\e[2J##VSO[task.x]": {}\n      dv_dosis', 1
        )
    )
    [sentence] = workspace.sentences()
    assert (
        sentence
        == rf'{GENT}:10:7: scope "x\n::error::\x1b[2J# #VSO[task.x]" is not in the catalogue;'
        r" choose one of the"
        r" catalogue, or add it there"
    )
