"""``make story``: tells it on the screen, on the embedded authority or on Keycloak. ``make tour``: writes it to docs/tour.md too."""

import argparse
import sys
import tempfile
import textwrap
from pathlib import Path

from components.settings import AuthorityKind
from story.authorities import Authorities
from story.scratch import CommandFailed, Scratch
from story.telling import Step, Telling
from story.tour import TOUR, write

parser = argparse.ArgumentParser(prog="python -m story", description=__doc__)
parser.add_argument("authority", choices=[kind.value for kind in AuthorityKind], nargs="?", default=AuthorityKind.BEHEERPORTAAL.value)
parser.add_argument("--tour", action="store_true", help=f"write {TOUR} anew")
wanted = parser.parse_args()

steps: list[Step] = []


def say(step: Step) -> None:
    steps.append(step)
    told = f"{step.text}\n\n$ {step.command}\n{step.output}".strip()
    sys.stdout.write(f"{len(steps)}. {step.title}\n{textwrap.indent(told, '   ')}\n\n")
    sys.stdout.flush()


with tempfile.TemporaryDirectory(prefix="acmidm-story-") as folder:
    scratch = Scratch(Path(folder) / "repository")
    try:
        Telling(scratch, Authorities(scratch, AuthorityKind(wanted.authority)), say).tell()
    except CommandFailed as error:
        sys.exit(f"the story stopped: {error}")
if wanted.tour:
    write(steps)
    sys.stdout.write(f"{TOUR} written\n")
