"""The stories of ``docs/tour.md``, run from the page itself."""

from __future__ import annotations

import difflib
import shutil
from datetime import date
from pathlib import Path

import pytest

from story.page import TOUR, StalePage, apply_diff, stories, tell
from story.scratch import CommandFailed, Scratch
from story.stable import Stable
from tests.support.warm_server import warm_environment

STORIES = {
    story.partition("\n")[0].removeprefix("## "): story
    for story in stories(TOUR.read_text(encoding="utf-8"))[1]
}
OF_THE_DEMO = "An application's first steps"
"""test_pages_in_a_clone.py tells it, by ``make demo``."""


def assert_told_as_written(story: str, folder: Path) -> None:
    now = "".join(tell(story, folder, stand_ins=True))
    changed = difflib.unified_diff(
        story.splitlines(), now.splitlines(), "docs/tour.md", "now", lineterm="", n=1
    )
    assert now == story, "docs/tour.md is stale; run: make tour\n" + "\n".join(changed)


@pytest.fixture
def _python_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("story.scratch", "toolchain.environment"):
        monkeypatch.setattr(f"{module}.VENV", warm_environment())


@pytest.mark.exhaustive
@pytest.mark.usefixtures("_python_is_forked")
@pytest.mark.timeout(1800)  # s; a busy machine takes long over it
@pytest.mark.parametrize("heading", sorted(STORIES.keys() - {OF_THE_DEMO}))
def test_the_tour_shows_what_really_happens(heading: str, tmp_path: Path) -> None:
    """What the page shows is what the commands said, but for stand-ins, and nothing runs on."""
    assert_told_as_written(STORIES[heading], tmp_path)
    assert "stopped" in Scratch(tmp_path / "repository").run("acmidm", "sandbox", "status", code=1)


def test_no_private_key_member_is_shown() -> None:
    assert '"d"' not in "".join(STORIES.values())


def test_what_went_wrong_first_is_what_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopping the authorities then fails too, and says nothing of use."""
    (tmp_path / "git").symlink_to(shutil.which("git") or "")
    (tmp_path / "pulumi").symlink_to("/bin/false")
    monkeypatch.setattr(Scratch, "variables", {"PATH": str(tmp_path)})
    with pytest.raises(CommandFailed, match=r"^pulumi stack init"):
        list(tell("## Nothing\n", tmp_path, stand_ins=False))


def test_a_diff_fits_one_place_of_its_file(tmp_path: Path) -> None:
    """Each of its hunks. One that fits nowhere, or twice, stops the story: the page is stale."""
    file = tmp_path / "form.yaml"
    file.write_text("a: 1\nb: 1\nc: 1\n")
    assert apply_diff(file, "-a: 1\n+a: 2\n@@\n b: 1\n+bb: 1\n") == "a: 2\nb: 1\nbb: 1\nc: 1\n"
    for stale, times in ((" d: 1\n+e: 1\n", 0), (" : 1\n+e: 1\n", 3)):
        with pytest.raises(StalePage, match=f"form.yaml has this {times} times"):
            apply_diff(file, stale)


def test_what_differs_from_run_to_run_is_replaced_and_nothing_else() -> None:
    """The same value by the same stand-in; an OVO code, a scope and a duration in days stay."""
    stable = Stable(date(2027, 1, 10))
    first = stable.with_stand_ins(
        "client 0b0e6d2a-7c3f-4a55-9e0e-1a2b3c4d5e6f, until 2028-01-10, at 2027-01-10 12:34 UTC,"
        " OVO002067"
    )
    again = stable.with_stand_ins(
        "client 0b0e6d2a-7c3f-4a55-9e0e-1a2b3c4d5e6f and ffffffff-7c3f-4a55-9e0e-1a2b3c4d5e6f"
    )
    assert stable.with_stand_ins("http://127.0.0.1:40123/op") == "http://127.0.0.1:8512/op"
    client = first.split()[1].rstrip(",")
    assert first == f"client {client}, until 2027-11-25, at 2026-11-25 03:17 UTC, OVO002067"
    assert again.startswith(f"client {client} and ")
    assert len({client, again.split()[-1], "0b0e6d2a-7c3f-4a55-9e0e-1a2b3c4d5e6f"}) == 3
    assert (
        stable.with_stand_ins("tot 9 januari 2028 om 12:34 (UTC)")
        == "tot 24 november 2027 om 03:17 (UTC)"
    )
    assert stable.with_stand_ins("valid until 9 January 2028") == "valid until 24 November 2027"
    assert (
        stable.with_stand_ins("mijn-gent-tni-2027-2.jwk.json") == "mijn-gent-tni-2026-2.jwk.json"
    ), "a file that is named by the year"
    assert stable.with_stand_ins("at 2027-01-10T12:34:56.789") == "at 2026-11-25T03:17"
    assert (
        stable.of_today("retire: 2027-11-25, a-2026.jwk.json")
        == "retire: 2028-01-10, a-2027.jwk.json"
    ), "what a page has somebody type"
    thumbprint = "QXXBNb2U0_HWTfu7RDW3e-ntWiLSvnNOJrLO9HwZ_-Y"
    text = stable.with_stand_ins(
        f"thumbprint `{thumbprint}` and kid {thumbprint}, scope"
        " dv_magda_organisaties_verenigingen_verenigingen_v1_G"
    )
    assert thumbprint not in text
    assert text.endswith("scope dv_magda_organisaties_verenigingen_verenigingen_v1_G")
