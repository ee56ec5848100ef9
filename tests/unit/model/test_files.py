"""Files and folders: what cannot be read, what is elsewhere, and the encodings that editors write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from acmidm_onboarding.model.documents import MAXIMUM_BYTES
from acmidm_onboarding.model.form import Environment
from acmidm_onboarding.model.loading import load_catalogue, load_onboardings
from acmidm_onboarding.model.problems import InvalidForms
from tests.unit.model.workspace import FORM, ORGANISATION, Workspace, public_key

GENT = "onboardings/gent/mijn-gent.yaml"


def with_key(name: str) -> str:
    return FORM.replace("tni.jwk.json", name)


ELSEWHERE = (
    "is neither beside the form nor in the folder of a supplier of its organisation; "
    "keep the key beside the form, or have the supplier added in organisation.yaml"
)
LINK = "is a link that leads elsewhere; keep the key itself beside the form"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../../elsewhere.jwk.json", ELSEWHERE),
        ("../../../../../../../../etc/passwd", ELSEWHERE),
        ("/etc/passwd", ELSEWHERE),
        ("gone/../../../elsewhere.jwk.json", ELSEWHERE),
        ("../root.jwk.json", ELSEWHERE),
        ("../aalst/key.jwk.json", ELSEWHERE),
        ("../leverancier/../aalst/key.jwk.json", ELSEWHERE),
        ("../gent-2/key.jwk.json", ELSEWHERE),
        ("link.jwk.json", LINK),
        ("to-aalst.jwk.json", LINK),
        ("../leverancier/to-aalst.jwk.json", LINK),
        ("../leverancier/key.jwk.json", None),
        ("keys/key.jwk.json", None),
        ("to-supplier.jwk.json", None),
    ],
)
def test_a_key_is_beside_its_form_or_with_a_listed_supplier(name: str, sentence: str | None, workspace: Workspace) -> None:
    workspace.write_organisation(f"{ORGANISATION}suppliers: [leverancier]\n")
    for folder in ("aalst", "leverancier", "gent-2"):
        workspace.write_organisation("name: Ander\n", folder)
    for place in ("aalst/key", "leverancier/key", "gent-2/key", "gent/keys/key", "root"):
        workspace.write_key(public_key("tni"), place)
    outside = workspace.write("elsewhere.jwk.json", public_key("tni"))
    (workspace.forms / "gent/link.jwk.json").symlink_to(outside)
    for folder, to in (("gent", "aalst"), ("leverancier", "aalst")):
        (workspace.forms / folder / "to-aalst.jwk.json").symlink_to(workspace.forms / to / "key.jwk.json")
    (workspace.forms / "gent/to-supplier.jwk.json").symlink_to("../leverancier/key.jwk.json")
    workspace.write_form(with_key(name))
    assert workspace.sentences() == ([f'{GENT}:7:12: key file "{name}" {sentence}'] if sentence else [])


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
    assert workspace.sentences() == [f'{GENT}:7:12: key file "{name}" {what}']


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
def test_a_form_whose_name_would_be_overlooked_is_reported(ending: str, workspace: Workspace) -> None:
    workspace.write(f"onboardings/gent/ander.{ending}", FORM)
    assert workspace.sentences() == [f"onboardings/gent/ander.{ending}:1:1: forms and catalogue files end in .yaml; rename it"]


@pytest.mark.parametrize("encode", [lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n")], ids=["BOM", "CRLF"])
def test_what_windows_editors_write_is_read_and_places_stay_right(encode: object, workspace: Workspace) -> None:
    assert callable(encode)
    workspace.write_form(encode(FORM))
    assert workspace.sentences() == []
    workspace.write_form(encode(FORM.replace("application:", "Application: {}\napplication:").replace("[acmidm]", "[acmid]")))
    assert [(problem.line, problem.column) for problem in workspace.problems()] == [(1, 1), (4, 13)]


def test_the_column_counts_characters_and_not_bytes(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("{reason: dossiers,", "{reason: dossiers één, x: 1,"))
    assert [(problem.line, problem.column) for problem in workspace.problems()] == [(10, 50)]


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


BELOW = "this is below the folder of an organisation; move it beside the organisation.yaml of its organisation"
NAMING = "use lower case letters, digits and single hyphens, 64 at most"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("top", "there is no organisation.yaml beside this file; put forms in the folder of their organisation"),
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
    ],
)
def test_a_form_has_a_place_and_a_name(name: str, sentence: str, workspace: Workspace) -> None:
    """That alone is reported: what is in the file is not read."""
    workspace.write_form("nonsense", name)
    assert workspace.sentences() == [f"onboardings/{name}.yaml:1:1: {sentence}"]


def test_forms_are_read_in_the_order_of_their_names(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("mijn-gent\n", "ander\n", 1), "gent/a-form")
    assert [form.name for form in workspace.load().forms] == ["gent/a-form", "gent/mijn-gent"]


def test_no_forms_are_no_mistake(workspace: Workspace) -> None:
    (workspace.forms / "gent" / "mijn-gent.yaml").unlink()
    assert workspace.load().forms == ()


def test_an_environment_that_a_form_does_not_name_gets_no_connection(workspace: Workspace) -> None:
    workspace.write_form(FORM[: FORM.index("  prod:")])
    assert [connection.environment for connection in workspace.load().connections(Environment.TNI)] == [Environment.TNI]
    assert workspace.load().connections(Environment.PROD) == []
