"""Files and folders: what cannot be read, what is elsewhere, and the encodings that editors
write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.documents import MAXIMUM_BYTES
from acmidm_onboarding.forms.files import FilesOfRevision, Findings, absolute, shown
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.values.problems import InvalidForms, on_one_line
from acmidm_onboarding.values.terms import Environment
from tests.support.workspace import FORM, Workspace, public_key

GENT = "onboardings/gent/mijn-gent.yaml"


def with_key(name: str) -> str:
    return FORM.replace("tni.jwk.json", name)


NO_KEY_FILE = (
    f"{GENT}:7:12: this is not the name of a key file; put the public key in a file beside this"
    " one, named *.jwk.json, or name the supplier whose key it is under keys_of"
)
LINK = (
    "this is a link, which is not followed; put the file or folder itself here, or remove the link"
)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../../elsewhere.jwk.json",
            "../../../../../../../../etc/passwd",
            "/etc/passwd",
            "gone/../../../elsewhere.jwk.json",
        ),
        *(
            "../root.jwk.json",
            "../leverancier/key.jwk.json",
            "../leverancier/../aalst/key.jwk.json",
            "../leverancier/keys/key.jwk.json",
            "keys/key.jwk.json",
        ),
        *(
            "./tni.jwk.json",
            "..\\\\leverancier\\\\key.jwk.json",
            ".jwk.json",
            "tni.json",
            "tni.jwk.json/",
            "organisation.yaml",
            "../.env",
        ),
        *(
            "**.jwk.json",
            "##vso[task.x].jwk.json",
            "a b.jwk.json",
            "a\\nb.jwk.json",
            "a\\e[2J.jwk.json",
            "-x.jwk.json",
            "é.jwk.json",
        ),
        "x" * 200 + ".jwk.json",
    ],
)
def test_a_key_file_has_a_plain_name_and_one_place(name: str, workspace: Workspace) -> None:
    """It is not repeated, as it may be a key that was pasted in."""
    workspace.write_organisation("name: Leverancier\n", "leverancier")
    for place in ("leverancier/key", "gent/keys/key", "leverancier/keys/key", "root"):
        workspace.write_key(public_key("tni"), place)
    workspace.write_form(with_key(f'"{name}"'))
    assert workspace.sentences() == [NO_KEY_FILE]


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ("onboardings/gent/link.jwk.json", "link.jwk.json"),
        ("onboardings/leverancier/tni.jwk.json", None),
        ("onboardings/leverancier/keys.yaml", None),
        ("onboardings/gent/mandates.yaml", None),
        ("onboardings/leverancier", None),
        ("onboardings/gent/organisation.yaml", None),
        ("onboardings/gent/ander.yaml", None),
        ("onboardings/gent/README", None),
        ("onboardings/aalst", None),
        ("onboardings/gent", None),
        ("onboardings", None),
        ("catalogue/meer.yaml", None),
        ("catalogue/meer", None),
        ("catalogue", None),
    ],
)
@pytest.mark.parametrize("leads", ["to the same", "nowhere", "in a circle"])
def test_no_link_is_followed(
    link: str,
    named: str | None,
    leads: str,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Wherever it leads, and what is behind it is not opened: it may be any file that whoever
    checks the forms can read."""
    workspace.write_supplier()
    workspace.write_key(public_key("tni"), "gent/link")
    if named:
        workspace.write_form(with_key(named))
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret"
    place = workspace.root / link
    if place.exists():
        place.rename(elsewhere)
    else:
        elsewhere.write_text("secret: x\n")
    place.symlink_to(
        {"to the same": str(elsewhere), "nowhere": "nowhere", "in a circle": str(place)}[leads]
    )
    opened: list[str] = []

    def opens(file: Path, mode: str = "r", **how: Any) -> object:
        opened.append(os.path.realpath(file))
        return os.fdopen(os.open(file, os.O_RDONLY), mode, **how)

    monkeypatch.setattr(Path, "open", opens)
    assert f"{link}:1:1: {LINK}" in workspace.sentences()
    assert not [file for file in opened if file.startswith(str(elsewhere.parent))]


def test_a_link_is_followed_by_no_other_way_to_name_it(workspace: Workspace) -> None:
    """Single forms and folders of organisations are given on the command line."""
    for file in ("gent", "gent/mijn-gent.yaml", "gent/organisation.yaml"):
        path = workspace.forms / file
        target = workspace.root / "elsewhere"
        path.rename(target)
        path.symlink_to(target)
        given = path / "mijn-gent.yaml" if path.is_dir() else path
        for one in (path, given):
            with pytest.raises(InvalidForms, match="this is a link, which is not followed"):
                read_onboardings([one], workspace.catalogue).valid()
        path.unlink()
        target.rename(path)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        (
            "absent.jwk.json",
            "cannot be read: No such file or directory; check its name and its rights",
        ),
        ("folder.jwk.json", "is a folder or a device, not a file; name a file"),
        ("pipe.jwk.json", "is a folder or a device, not a file; name a file"),
        ("latin1.jwk.json", "is not UTF-8 text; save it as UTF-8"),
        (
            "huge.jwk.json",
            f"is larger than {MAXIMUM_BYTES} bytes; keep one form, key or product per file",
        ),
    ],
)
def test_a_key_file_that_cannot_be_read(name: str, what: str, workspace: Workspace) -> None:
    folder = workspace.forms / "gent"
    (folder / "folder.jwk.json").mkdir()
    os.mkfifo(folder / "pipe.jwk.json")
    workspace.write_key('{"kid": "é"}'.encode("latin-1"), "gent/latin1")
    workspace.write_key(b" " * (MAXIMUM_BYTES + 1), "gent/huge")
    workspace.write_form(with_key(name))
    assert workspace.sentences() == [f'{GENT}:7:12: key file "{name}" {what}']


def test_forms_that_cannot_be_read(workspace: Workspace) -> None:
    folder = workspace.forms / "gent"
    (folder / "a.yaml").mkdir()
    workspace.write("onboardings/gent/c.yaml", FORM.encode("utf-16"))
    workspace.write("onboardings/gent/d.yaml", b"name: caf\xe9\n")
    workspace.write("onboardings/gent/e.yaml", b"#" * (MAXIMUM_BYTES + 1))
    workspace.write("onboardings/gent/f.yaml", b"name: \x00\n")
    assert workspace.sentences() == [
        "onboardings/gent/a.yaml:1:1: the file is a folder or a device, not a file; name a file",
        "onboardings/gent/c.yaml:1:1: the file is not UTF-8 text; save it as UTF-8",
        "onboardings/gent/d.yaml:1:1: the file is not UTF-8 text; save it as UTF-8",
        (
            f"onboardings/gent/e.yaml:1:1: the file is larger than {MAXIMUM_BYTES} bytes; keep one"
            " form, key or product per file"
        ),
        (
            "onboardings/gent/f.yaml:1:1: this is not YAML: control characters are not allowed;"
            " save the file as plain UTF-8 text"
        ),
    ]


def test_a_folder_that_cannot_be_read_does_not_look_empty(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as root, whom modes do not stop: the operating system's answer is made up
    here."""

    def scandir(path: str) -> object:
        if str(path).endswith("gent"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    assert workspace.sentences() == [
        "onboardings/gent:1:1: this folder cannot be read: Permission denied; check its rights"
    ]


@pytest.mark.parametrize("ending", ["yml", "YAML", "YML"])
def test_a_form_whose_name_would_be_overlooked_is_reported(
    ending: str, workspace: Workspace
) -> None:
    workspace.write(f"onboardings/gent/ander.{ending}", FORM)
    assert workspace.sentences() == [
        f"onboardings/gent/ander.{ending}:1:1: forms and catalogue files end in .yaml; rename it"
    ]


@pytest.mark.parametrize(
    "encode",
    [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")],
    ids=["BOM", "CRLF"],
)
def test_what_windows_editors_write_is_read_and_places_stay_right(
    encode: object, workspace: Workspace
) -> None:
    assert callable(encode)
    workspace.write_form(encode(FORM))
    assert workspace.sentences() == []
    workspace.write_form(
        encode(
            FORM.replace("application:", "Application: {}\napplication:").replace(
                "[acmidm]", "[acmid]"
            )
        )
    )
    assert [(problem.line, problem.column) for problem in workspace.problems()] == [(1, 1), (4, 13)]


def test_the_column_counts_characters_and_not_bytes(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("{reason: dossiers,", "{reason: dossiers één, x: 1,"))
    assert [(problem.line, problem.column) for problem in workspace.problems()] == [(10, 50)]


@pytest.mark.parametrize("folder", ["absent", "x" * 5000, "catalogue/dosis.yaml/x"])
def test_a_path_that_does_not_exist(folder: str, workspace: Workspace) -> None:
    with pytest.raises(
        InvalidForms, match="there is no file or folder of this name; name an existing one"
    ):
        read_onboardings([Path(folder)], workspace.catalogue).valid()
    with pytest.raises(
        InvalidForms, match="this folder does not exist; name an existing file or folder"
    ):
        load_catalogue(Path(folder))


def test_a_catalogue_that_changed_is_read_anew(workspace: Workspace) -> None:
    """Whatever its dates and its size: the texts count."""
    file = workspace.catalogue / "dosis.yaml"
    assert "dv_dosis_schrijven" in load_catalogue(workspace.catalogue).scopes
    before = file.stat()
    file.write_text(file.read_text().replace("dv_dosis_schrijven", "dv_dosis_schrijver"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "dv_dosis_schrijver" in load_catalogue(workspace.catalogue).scopes


def test_a_form_given_by_name_is_the_one_that_is_read_and_once(workspace: Workspace) -> None:
    workspace.write_form("nonsense", "gent/ander")
    form = workspace.forms / "gent" / "mijn-gent.yaml"
    loaded = read_onboardings([form, form, Path(GENT)], workspace.catalogue).valid()
    assert [(form.name, form.file.as_posix()) for form in loaded.forms] == [
        ("gent/mijn-gent", GENT)
    ]


BELOW = (
    "this is below the folder of an organisation; move it beside the organisation.yaml of its"
    " organisation"
)
NAMING = "use lower case letters, digits and single hyphens, 64 at most"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "top",
            (
                "there is no organisation.yaml beside this file; put forms in the folder of their"
                " organisation"
            ),
        ),
        ("gent/loket/form", BELOW),
        ("a/b/c/d", BELOW),
        ("gent/loket/organisation", BELOW),
        ("Gent/loket", f'"Gent" is no name for a folder; {NAMING}'),
        ("a::b$c/loket", f'"a::b$c" is no name for a folder; {NAMING}'),
        (f"{'x' * 65}/loket", f'"{"x" * 65}" is no name for a folder; {NAMING}'),
        ("stad_gent/organisation", f'"stad_gent" is no name for a folder; {NAMING}'),
        ("gent/a::b$c", f'"a::b$c" is no name for a form; {NAMING}'),
        ("gent/Organisation", f'"Organisation" is no name for a form; {NAMING}'),
        ("gent/.hidden", f'".hidden" is no name for a form; {NAMING}'),
        ("gent/loket--2", f'"loket--2" is no name for a form; {NAMING}'),
        ("gent/**", f'"**" is no name for a form; {NAMING}'),
        (
            "**",
            (
                "there is no organisation.yaml beside this file; put forms in the folder of their"
                " organisation"
            ),
        ),
        ("gent/lok\net", f'"lok\\net" is no name for a form; {NAMING}'),
        ("lok\x1b[2Jet/form", f'"lok\\x1b[2Jet" is no name for a folder; {NAMING}'),
        ("gent/##vso[task.x]", f'"# #vso[task.x]" is no name for a form; {NAMING}'),
        ("##[error]x/form", f'"# #[error]x" is no name for a folder; {NAMING}'),
    ],
)
def test_a_form_has_a_place_and_a_name(name: str, sentence: str, workspace: Workspace) -> None:
    """That alone is reported: what is in the file is not read."""
    workspace.write_form("nonsense", name)
    assert workspace.sentences() == [on_one_line(f"onboardings/{name}.yaml:1:1: ") + sentence]


def test_forms_are_read_in_the_order_of_their_names(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("mijn-gent\n", "ander\n", 1), "gent/a-form")
    assert [form.name for form in workspace.load().forms] == ["gent/a-form", "gent/mijn-gent"]


def test_no_forms_are_no_mistake(workspace: Workspace) -> None:
    (workspace.forms / "gent" / "mijn-gent.yaml").unlink()
    assert workspace.load().forms == ()


def test_an_environment_that_a_form_does_not_name_gets_no_connection(workspace: Workspace) -> None:
    workspace.write_form(FORM[: FORM.index("  prod:")])
    assert [
        connection.environment for connection in workspace.load().connections(Environment.TNI)
    ] == [Environment.TNI]
    assert workspace.load().connections(Environment.PROD) == []


def test_the_top_of_a_revision_has_what_is_in_its_folders() -> None:
    contents = {"Pulumi.yaml": b"", "onboardings/gent/loket.yaml": b""}
    files = FilesOfRevision(contents, (), Findings())
    for top in ("", "onboardings"):
        below = {str(shown(file)) for file in files.below(absolute(Path(top)))}
        assert below == {name for name in contents if name.startswith(top)}


def test_a_path_is_shown_from_where_somebody_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not below that is shown as a whole, also the root and what has a longer name."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    below = {here: ".", here / "a": "a", here / "a" / "b": "a/b"}
    elsewhere = [Path("/"), tmp_path, tmp_path / "here-too" / "a"]
    assert {file: str(shown(file)) for file in below} == below
    assert [shown(file) for file in elsewhere] == elsewhere
    monkeypatch.chdir("/")
    assert [str(shown(Path(file))) for file in ("/", "/a/b")] == [".", "a/b"]
