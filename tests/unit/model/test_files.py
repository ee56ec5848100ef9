"""Files and folders: what cannot be read, what lies elsewhere, and the encodings that editors write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from components.model.documents import MAXIMUM_BYTES
from components.model.form import Environment
from components.model.loading import load_catalogue, load_onboardings
from components.model.problems import InvalidForms
from tests.unit.model.workspace import FORM, Workspace, public_key

GENT = "onboardings/gent/mijn-gent.yaml"


def with_key(name: str) -> str:
    return FORM.replace("tni.jwk.json", name)


@pytest.mark.parametrize(
    "name",
    [
        "../../elsewhere.jwk.json",
        "../../../../../../../../etc/passwd",
        "/etc/passwd",
        "gone/../../../elsewhere.jwk.json",
    ],
)
def test_a_key_file_outside_the_folder_of_forms_is_not_read(name: str, workspace: Workspace) -> None:
    workspace.write("elsewhere.jwk.json", public_key("tni"))
    workspace.write_form(with_key(name))
    assert workspace.sentences() == [f'{GENT}:11:12: key file "{name}" is outside the folder of forms; keep public keys beside their form']


def test_a_link_that_leads_outside_the_folder_of_forms_is_not_followed(workspace: Workspace) -> None:
    outside = workspace.write("elsewhere.jwk.json", public_key("tni"))
    (workspace.forms / "gent" / "link.jwk.json").symlink_to(outside)
    workspace.write_form(with_key("link.jwk.json"))
    assert workspace.sentences() == [
        f'{GENT}:11:12: key file "link.jwk.json" leads outside the folder of forms; keep public keys beside their form'
    ]


def test_a_key_may_lie_in_the_folder_of_a_supplier(workspace: Workspace) -> None:
    workspace.write_key(public_key("tni"), "leverancier/tni")
    workspace.write_form(with_key("../leverancier/tni.jwk.json"))
    assert workspace.sentences() == []


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("absent.jwk.json", "cannot be read: No such file or directory; check its name and its rights"),
        ("tni.jwk.json/x", "cannot be read: Not a directory; check its name and its rights"),
        ("folder", "is a folder or a device, not a file; name a file"),
        ("dangling.jwk.json", "cannot be read: No such file or directory; check its name and its rights"),
        ("pipe", "is a folder or a device, not a file; name a file"),
        ("latin1.jwk.json", "is not UTF-8 text; save it as UTF-8"),
        ("huge.jwk.json", f"is larger than {MAXIMUM_BYTES} bytes; keep one form, key or product per file"),
    ],
)
def test_a_key_file_that_cannot_be_read(name: str, what: str, workspace: Workspace) -> None:
    folder = workspace.forms / "gent"
    (folder / "folder").mkdir()
    (folder / "dangling.jwk.json").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe")
    workspace.write_key('{"kid": "é"}'.encode("latin-1"), "gent/latin1")
    workspace.write_key(b" " * (MAXIMUM_BYTES + 1), "gent/huge")
    workspace.write_form(with_key(name))
    assert workspace.sentences() == [f'{GENT}:11:12: key file "{name}" {what}']


def test_a_link_in_a_circle(workspace: Workspace) -> None:
    circle = workspace.forms / "gent" / "circle.jwk.json"
    circle.symlink_to(circle)
    workspace.write_form(with_key("circle.jwk.json"))
    [problem] = workspace.problems()
    assert problem.what == 'key file "circle.jwk.json" cannot be read: Too many levels of symbolic links'


def test_forms_that_cannot_be_read(workspace: Workspace) -> None:
    folder = workspace.forms / "gent"
    (folder / "a.yaml").mkdir()
    (folder / "b.yaml").symlink_to(folder / "nowhere")
    workspace.write("onboardings/gent/c.yaml", FORM.encode("utf-16"))
    workspace.write("onboardings/gent/d.yaml", b"name: caf\xe9\n")
    workspace.write("onboardings/gent/e.yaml", b"#" * (MAXIMUM_BYTES + 1))
    workspace.write("onboardings/gent/f.yaml", b"name: \x00\n")
    assert workspace.sentences() == [
        "onboardings/gent/a.yaml:1:1: the file is a folder or a device, not a file; name a file",
        "onboardings/gent/b.yaml:1:1: the file cannot be read: No such file or directory; check its name and its rights",
        "onboardings/gent/c.yaml:1:1: the file is not UTF-8 text; save it as UTF-8",
        "onboardings/gent/d.yaml:1:1: the file is not UTF-8 text; save it as UTF-8",
        f"onboardings/gent/e.yaml:1:1: the file is larger than {MAXIMUM_BYTES} bytes; keep one form, key or product per file",
        "onboardings/gent/f.yaml:1:1: this is not YAML: control characters are not allowed; save the file as plain UTF-8 text",
    ]


def test_a_folder_that_cannot_be_read_does_not_look_empty(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, whom modes do not stop: the operating system's answer is made up here."""

    def scandir(path: str) -> object:
        if str(path).endswith("gent"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    real = os.scandir
    monkeypatch.setattr(os, "scandir", scandir)
    assert workspace.sentences() == ["onboardings/gent:1:1: this folder cannot be read: Permission denied; check its rights"]


@pytest.mark.parametrize("ending", ["yml", "YAML", "YML"])
def test_a_form_whose_name_would_be_overlooked_is_told(ending: str, workspace: Workspace) -> None:
    workspace.write(f"onboardings/gent/ander.{ending}", FORM)
    assert workspace.sentences() == [f"onboardings/gent/ander.{ending}:1:1: forms and catalogue files end in .yaml; rename it"]


@pytest.mark.parametrize("encode", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")], ids=["BOM", "CRLF"])
def test_what_windows_editors_write_is_read_and_places_stay_right(encode: object, workspace: Workspace) -> None:
    assert callable(encode)
    workspace.write_form(encode(FORM))
    assert workspace.sentences() == []
    workspace.write_form(encode(FORM.replace("OVO002067", "OVO1").replace("organisation:\n", "Organisation: {}\norganisation:\n")))
    assert [(problem.line, problem.column) for problem in workspace.problems()] == [(1, 1), (4, 8)]


def test_the_column_counts_characters_and_not_bytes(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("{reason: dossiers,", "{reason: dossiers één, x: 1,"))
    assert [(problem.line, problem.column) for problem in workspace.problems()] == [(14, 50)]


@pytest.mark.parametrize("folder", ["absent", "x" * 5000, "catalogue/dosis.yaml/x"])
def test_a_path_that_does_not_exist(folder: str, workspace: Workspace) -> None:
    with pytest.raises(InvalidForms, match="there is no file or folder of this name; name an existing one"):
        load_onboardings([Path(folder)], workspace.catalogue)
    with pytest.raises(InvalidForms, match="this folder does not exist; name an existing file or folder"):
        load_catalogue(Path(folder))


def test_a_folder_behind_a_link_is_not_overlooked_in_silence(workspace: Workspace) -> None:
    """Its forms would look as if they had been removed."""
    (workspace.root / "elsewhere").mkdir()
    (workspace.forms / "aalst").symlink_to(workspace.root / "elsewhere")
    assert workspace.sentences() == [
        "onboardings/aalst:1:1: this is a link to a folder, which is not followed; put the folder itself here, or remove the link"
    ]


def test_a_form_given_by_name_is_the_one_that_is_read_and_once(workspace: Workspace) -> None:
    workspace.write_form("nonsense", "gent/ander")
    form = workspace.forms / "gent" / "mijn-gent.yaml"
    loaded = load_onboardings([form, form, Path(GENT)], workspace.catalogue)
    assert [(form.name, form.file.as_posix()) for form in loaded.forms] == [("gent/mijn-gent", GENT)]


def test_forms_are_found_at_any_depth_in_the_order_of_their_names(workspace: Workspace) -> None:
    workspace.write_form(
        FORM.replace("mijn-gent\n", "ander\n", 1).replace("[tni", "[../../gent/tni").replace("[prod", "[../../gent/prod"), "a/b/c"
    )
    assert [form.name for form in workspace.load().forms] == ["a/b/c", "gent/mijn-gent"]


def test_no_forms_are_no_mistake(workspace: Workspace) -> None:
    (workspace.forms / "gent" / "mijn-gent.yaml").unlink()
    assert workspace.load().forms == ()


def test_an_environment_that_a_form_does_not_name_gets_no_connection(workspace: Workspace) -> None:
    workspace.write_form(FORM[: FORM.index("  prod:")])
    assert [connection.environment for connection in workspace.load().connections(Environment.TNI)] == [Environment.TNI]
    assert workspace.load().connections(Environment.PROD) == []
