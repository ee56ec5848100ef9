"""Forty new towns in one review: what is the same for many is one row, what is odd stands first,
and nothing is left out."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.report.alike import lines_beside_clients
from acmidm.report.kinds import Change, FieldChange, Kind
from story.offstage import TOWN_COLUMNS, towns
from tests.support.engine import ROOT
from tests.support.repository import git

NUMBER = 40
ELSEWHERE = "koppelingen@elders.example"


def acmidm(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture(scope="module")
def of_towns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository to which forty towns of one supplier were added: one with a scope more, one with
    an address elsewhere, one with a mandate that hardly ends."""
    folder = tmp_path_factory.mktemp("towns")
    for name in ("Pulumi.yaml", "Pulumi.tni.yaml", "Pulumi.prod.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("catalogue", "onboardings"):
        shutil.copytree(ROOT / name, folder / name)
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message=x"]):
        git(folder, *words)
    rows: list[tuple[str, ...]] = [(*TOWN_COLUMNS, "Contact")]
    for number, row in enumerate(towns(NUMBER), start=1):
        contact = f"loket@voorbeeldgemeente-{number:03}.example"
        rows.append((*row, ELSEWHERE if number == 17 else contact))
    text = "".join(f"{';'.join(row)}\n" for row in rows)
    day = rows[1][TOWN_COLUMNS.index("Mandaat tot")]
    before, town, after = text.partition("Voorbeeldgemeente 023")
    (folder / "towns.csv").write_text(before + town + after.replace(day, "2099-12-31", 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        words = ["--supplier", "leverancier", "--application", "verenigingen"]
        acmidm("new", "--from", "towns.csv", *words, "--scope", "dv_verenigingsregister_beheer")
    (folder / "towns.csv").unlink()
    form = folder / "onboardings/voorbeeldgemeente-009/verenigingen.yaml"
    form.write_text(form.read_text() + "      dv_organisatieregister_info: {}\n")
    return folder


@pytest.fixture(autouse=True)
def _there(of_towns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(of_towns)


def places(text: str, *words: str) -> Sequence[int]:
    assert all(word in text for word in words), text
    return [text.index(word) for word in words]


def test_what_is_odd_stands_first_and_all_of_it_fits_on_a_screen() -> None:
    said = acmidm("review")
    lines = said.splitlines()
    assert len(lines) <= 40, said
    assert lines[0].startswith("40 clients are new on tni, 3 of them unlike the 37 others; ")
    odd = [f"Voorbeeldgemeente {number} · verenigingen" for number in ("009", "017", "023")]
    *found, group = places(said, *odd, "\n37 clients · verenigingen\n")
    assert max(found) < group
    for shown in ("gains scope dv_organisatieregister_info", ELSEWHERE, "until 2099-12-31"):
        assert said.index(shown) < group
        assert shown not in said[group:]
    assert said.count("else as 37 others") == 3


@pytest.mark.parametrize("output", ["text", "markdown"])
def test_nothing_of_any_town_is_left_out(output: str) -> None:
    """Its form, its code, its address, its number, who owns it; what is the same stands once."""
    said = re.sub(r"&#8203;|\\|</?code>|&#\d+;|<wbr>", "", acmidm("review", "--output", output))
    for number in range(1, NUMBER + 1):
        folder = f"voorbeeldgemeente-{number:03}"
        assert f"{folder}/verenigingen" in said
        assert f"OVO9{number:05}" in said
        if output == "text":
            assert f"@{folder}/digitalisering" in said
            assert f"loket@{folder}.example" in said or number == 17
    assert said.count("is acted for by a supplier") <= 3
    below = said.partition("eside the clients")[2]
    assert " more" not in below, "only the lines of who decides name a few, for all stand below"


def test_a_program_gets_each_client_by_itself() -> None:
    report = json.loads(acmidm("review", "--output", "json"))
    assert len(report["connections"]) == NUMBER
    assert len(report["other_changes"]) == NUMBER


def test_half_is_no_rule() -> None:
    """Where no group has most of them, none of them is odd."""
    forms = sorted(Path("onboardings").glob("voorbeeldgemeente-*/verenigingen.yaml"))
    for form in forms[:20]:
        form.write_text(form.read_text().replace("api_", "api_") + "      vo_info: {}\n")
    try:
        assert "unlike" not in acmidm("review").splitlines()[0]
    finally:
        for form in forms[:20]:
            form.write_text(form.read_text().removesuffix("      vo_info: {}\n"))


def test_towns_that_are_known_by_their_kbo_number_are_alike_too() -> None:
    """That number is what each has of its own, though it is digits alone."""
    files = sorted(Path("onboardings").glob("voorbeeldgemeente-*/organisation.yaml"))
    before = {file: file.read_text() for file in files}
    try:
        for file, text in before.items():
            file.write_text(re.sub(r"^ovo: .*\n", "", text, flags=re.MULTILINE))
        said = acmidm("review")
    finally:
        for file, text in before.items():
            file.write_text(text)
    assert said.splitlines()[0].startswith("40 clients are new on tni, 3 of them unlike the 37")
    assert "also adds 40 organisations" in said


def test_a_name_that_is_too_short_is_looked_for_nowhere() -> None:
    """Of three organisations without a code: nothing is taken out of what they have."""
    fields = (FieldChange(field="name", new="Ab"), FieldChange(field="owners", new="@x/y"))
    changes = [
        Change(
            kind=Kind.ORGANISATION_ADDED,
            subject=f"onboardings/{name}/organisation.yaml",
            fields=fields,
        )
        for name in ("ab", "cd", "ef")
    ]
    (group,) = lines_beside_clients(changes)
    assert group.members == tuple(f"{name} (name Ab, owners @x/y)" for name in ("ab", "cd", "ef"))


def test_new_organisations_of_two_kinds_are_a_line_for_each_kind() -> None:
    """Three with a code and three without: neither line takes the place of the other."""
    changes: list[Change] = []
    for name in ("aalst", "brugge", "deinze", "evergem", "francorchamps", "geel"):
        fields = [FieldChange(field="name", new=name)]
        if name < "e":
            fields.append(FieldChange(field="owners", new="@x/y"))
        subject = f"onboardings/{name}/organisation.yaml"
        change = Change(kind=Kind.ORGANISATION_ADDED, subject=subject, fields=tuple(fields))
        changes.append(change)
    groups = lines_beside_clients(changes)
    assert [len(group.members) for group in groups] == [3, 3]
