"""``make story`` and ``make demo``: tell a story on the screen, on the embedded authority or on Keycloak. ``make tour``: write the page."""

import argparse
import sys
import tempfile
import textwrap
from pathlib import Path

from acmidm_onboarding.model.problems import Failure
from acmidm_onboarding.settings import AuthorityKind
from story.application import Application
from story.authorities import Authorities
from story.scratch import Scratch
from story.telling import Step, Telling
from story.tour import STORIES, TOUR, write

TOLD: dict[str, tuple[type[Telling], ...]] = {"onboarding": STORIES, "application": (Application,)}

parser = argparse.ArgumentParser(prog="python -m story", description=__doc__)
parser.add_argument("story", choices=TOLD)
parser.add_argument("authority", choices=[kind.value for kind in AuthorityKind], nargs="?", default=AuthorityKind.BEHEERPORTAAL.value)
parser.add_argument("--tour", action="store_true", help=f"write {TOUR} anew")
wanted = parser.parse_args()

steps: list[Step] = []


def say(step: Step) -> None:
    steps.append(step)
    shown = f"{step.text}\n\n$ {step.command}\n{step.output}".strip()
    sys.stdout.write(f"{len(steps)}. {step.title}\n{textwrap.indent(shown, '   ')}\n\n")
    sys.stdout.flush()


kind = AuthorityKind(wanted.authority)
for story in TOLD[wanted.story]:
    if kind not in story.told_on:
        continue
    with tempfile.TemporaryDirectory(prefix="acmidm-story-") as folder:
        scratch = Scratch(Path(folder) / "repository")
        try:
            story(scratch, Authorities(scratch, kind), say).tell()
        except Failure as failure:
            sys.exit(f"the story stopped: {failure}")
if wanted.tour:
    write(steps)
    sys.stdout.write(f"{TOUR} written\n")
