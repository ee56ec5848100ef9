"""The story on the embedded authority, and the page that shows it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from acmidm_onboarding.settings import AuthorityKind
from story.authorities import HELPDESK, Authorities
from story.scratch import PROJECT, Scratch
from story.stable import Stable
from story.telling import Step
from story.tour import STORIES, TOUR, tour
from tests.support.keycloak import distribution_or_skip

_USER = re.compile(r"\buser [0-9a-f-]{36}\b")


def page_of(kind: AuthorityKind, folder: Path, rewritten: Callable[[str], str] = str) -> str:
    """The page as the stories on this kind of authority would write it."""
    steps: list[Step] = []
    for story in (one for one in STORIES if kind in one.told_on):
        scratch = Scratch(folder / story.__name__ / "repository")
        scratch.folder.parent.mkdir()
        story(scratch, Authorities(scratch, kind), steps.append).tell()
    return tour(replace(step, output=rewritten(step.output)) for step in steps)


def differences(now: str, written: str) -> str:
    return "\n".join(difflib.unified_diff(written.splitlines(), now.splitlines(), "docs/tour.md", "now", lineterm="", n=1))


@pytest.mark.exhaustive
def test_the_tour_shows_what_really_happens(tmp_path: Path) -> None:
    """From form to production, with a drift in between; what the page shows is what the commands said, but for stand-ins."""
    written = (PROJECT / TOUR).read_text(encoding="utf-8")
    now = page_of(AuthorityKind.BEHEERPORTAAL, tmp_path)
    assert now == written, f"docs/tour.md is stale; run: make tour\n{differences(now, written)}"


@pytest.mark.exhaustive
def test_on_keycloak_it_is_the_same_story(tmp_path: Path) -> None:
    """Its first part, word for word, but for who changed something by hand: people are named by the ids of their users there."""
    distribution_or_skip()
    now = page_of(AuthorityKind.KEYCLOAK, tmp_path, lambda output: _USER.sub(HELPDESK, output))
    written = (PROJECT / TOUR).read_text(encoding="utf-8")[: len(now)]
    assert now == written, differences(now, written)


def test_what_differs_from_run_to_run_is_replaced_and_nothing_else() -> None:
    """The same value by the same stand-in; an OVO code, a scope and a duration in days stay."""
    stable = Stable(date(2027, 1, 10))
    first = stable.text("client 0b0e6d2a-7c3f-4a55-9e0e-1a2b3c4d5e6f, until 2028-01-10, at 2027-01-10 12:34 UTC, OVO002067")
    again = stable.text("client 0b0e6d2a-7c3f-4a55-9e0e-1a2b3c4d5e6f and ffffffff-7c3f-4a55-9e0e-1a2b3c4d5e6f")
    assert stable.text("http://127.0.0.1:40123/op") == "http://127.0.0.1:8512/op"
    client = first.split()[1].rstrip(",")
    assert first == f"client {client}, until 2027-11-25, at 2026-11-25 03:17 UTC, OVO002067"
    assert again.startswith(f"client {client} and ")
    assert len({client, again.split()[-1], "0b0e6d2a-7c3f-4a55-9e0e-1a2b3c4d5e6f"}) == 3
    assert stable.text("tot 9 januari 2028 om 12:34 (UTC)") == "tot 24 november 2027 om 03:17 (UTC)"
    assert stable.text("valid until 9 January 2028") == "valid until 24 November 2027"
    assert stable.text("mijn-gent-tni-2027-2.jwk.json") == "mijn-gent-tni-2026-2.jwk.json", "a file that is named by the year"
    thumbprint = "QXXBNb2U0_HWTfu7RDW3e-ntWiLSvnNOJrLO9HwZ_-Y"
    text = stable.text(f"thumbprint `{thumbprint}` and kid {thumbprint}, scope dv_magda_organisaties_verenigingen_verenigingen_v1_G")
    assert thumbprint not in text
    assert text.endswith("scope dv_magda_organisaties_verenigingen_verenigingen_v1_G")
