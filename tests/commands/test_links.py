"""No command writes through a link out of the working directory: a folder of forms comes from
others, and a link in it may lead anywhere."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.edit.changes import put_files
from acmidm_onboarding.files import private_folder, write_once, write_whole
from tests.support.sent_file import sent
from tests.support.terminal import contents
from tests.support.workspace import Workspace

NEW = "--ovo OVO001234 --application loket --contact a@b.example --product notificaties"
VALUES = "--set notificaties.product_ids=10244 --set notificaties.merk_code=brugge"


@pytest.fixture
def outside(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder beside the repository, to which links in it lead."""
    folder = tmp_path_factory.mktemp("outside")
    workspace.write("Pulumi.tni.yaml", "config: {acmidm:environment: tni}\n")
    return folder


def by_page() -> str:
    Path("loket.yaml").write_text(yaml.safe_dump(sent()))
    return "new --from loket.yaml"


def by_sheet() -> str:
    Path("onboardings/leverancier").mkdir()
    Path("onboardings/leverancier/organisation.yaml").write_text("name: Leverancier\n")
    key = Path("onboardings/gent/tni.jwk.json")
    key.rename("onboardings/leverancier/tni.jwk.json")
    Path("onboardings/gent/mijn-gent.yaml").unlink()
    Path("onboardings/leverancier/keys.yaml").write_text("tni: [tni.jwk.json]\n")
    with Path("towns.csv").open("w") as file:
        rows = csv.writer(file)
        rows.writerow(["OVO-code", "Klant", "Mandaat tot"])
        rows.writerow(["OVO001234", "Stad Brugge", "2099-12-31"])
    return (
        "new --from towns.csv --supplier leverancier --application loket --contact a@b.example"
        " --scope dv_register_lezen"
    )


COMMANDS: dict[str, Callable[[], str]] = {
    "the page's file": by_page,
    "a sheet": by_sheet,
    "options": lambda: f"new --organisation stad-brugge --name Brugge {NEW} {VALUES}",
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("is_there", [True, False], ids=["there", "dangling"])
def test_a_linked_folder_of_an_organisation_is_not_written_into(
    workspace: Workspace, outside: Path, name: str, *, is_there: bool
) -> None:
    arguments = COMMANDS[name]()
    target = outside if is_there else outside / "not-there"
    (workspace.forms / "stad-brugge").symlink_to(target)
    before = contents()
    result = CliRunner().invoke(app, arguments.split())
    assert result.exit_code == 2, result.output
    assert "onboardings/stad-brugge" in result.stderr
    assert "this is a link, which is not followed" in result.stderr
    assert (list(outside.iterdir()), contents()) == ([], before)


def test_a_linked_folder_of_forms_is_not_written_into(workspace: Workspace, outside: Path) -> None:
    arguments = COMMANDS["options"]()
    workspace.forms.rename(workspace.root / "elsewhere")
    workspace.forms.symlink_to(outside)
    result = CliRunner().invoke(app, arguments.split())
    assert result.exit_code == 2, result.output
    assert list(outside.iterdir()) == []


WRITERS: dict[str, Callable[[Path], object]] = {
    "once": lambda file: write_once(file, "x"),
    "whole": lambda file: write_whole(file, "x"),
    "together": lambda file: put_files({file: "x"}, {}),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("place", ["linked/x", "linked/deeper/x", "in/linked/x"])
@pytest.mark.usefixtures("workspace")
def test_whatever_writes_a_file_refuses_a_link_on_the_way(
    outside: Path, name: str, place: str
) -> None:
    """As a relative and as an absolute path: orders, evidence and schemas are written by these
    too."""
    Path("in").mkdir()
    for link in ("linked", "in/linked"):
        Path(link).symlink_to(outside)
    (outside / "deeper").mkdir()
    for file in (Path(place), Path(place).absolute()):
        with pytest.raises(Exception, match="is a link"):
            WRITERS[name](file)
    assert [*outside.rglob("*")] == [outside / "deeper"]


@pytest.mark.usefixtures("workspace")
def test_a_place_outside_that_a_person_names_is_written(outside: Path) -> None:
    """A home may be behind a link, and so may the working directory."""
    (outside / "home").mkdir()
    link = outside / "link"
    link.symlink_to(outside / "home")
    write_once(link / "x", "x")
    assert (outside / "home/x").read_text() == "x"


def test_a_repository_behind_a_link_is_written(
    workspace: Workspace, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = outside / "link"
    link.symlink_to(workspace.root)
    monkeypatch.chdir(link)
    write_once(Path("x"), "x")
    write_once(link / "y", "y")
    assert (workspace.root / "x").read_text() == "x"


def test_no_private_folder_is_made_behind_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout has links of others: servers' files and keys would be written where they lead."""
    outside = tmp_path / "outside"
    outside.mkdir()
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    Path(".local").symlink_to(outside)
    with pytest.raises(OSError, match=r"\.local"):
        private_folder(Path(".local/tni").absolute())
    assert list(outside.iterdir()) == []
