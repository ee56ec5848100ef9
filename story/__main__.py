"""``make story`` and ``make demo``: tell the stories of ``docs/tour.md`` on the screen. ``make
tour``: write the page anew."""

import argparse
import sys
import tempfile
from pathlib import Path

from acmidm_onboarding.authority_types import DEFAULT_AUTHORITY
from acmidm_onboarding.values.problems import Failure
from story.page import TOUR, stories, tell

parser = argparse.ArgumentParser(prog="python -m story", description=__doc__)
parser.add_argument(
    "authority",
    choices=["beheerportaal", "keycloak"],
    nargs="?",
    default=DEFAULT_AUTHORITY,
)
parser.add_argument(
    "--only", default="", metavar="WORDS", help="tell the stories whose heading has these words"
)
parser.add_argument("--write", action="store_true", help=f"write {TOUR.name} anew")
wanted = parser.parse_args()

introduction, told = stories(TOUR.read_text(encoding="utf-8"))
# The others are about what only the portal has: its mails, its users, their uploads.
possible = told if wanted.authority == DEFAULT_AUTHORITY else told[:1]
for number, story in enumerate(told):
    if story not in possible or wanted.only not in story.partition("\n")[0]:
        continue
    parts = []
    with tempfile.TemporaryDirectory(prefix="acmidm-story-") as folder:
        try:
            for part in tell(story, wanted.authority, Path(folder), stand_ins=wanted.write):
                parts.append(part)
                if not part.startswith("<!--"):
                    sys.stdout.write(part)
                    sys.stdout.flush()
        except Failure as failure:
            sys.exit(f"the story stopped: {failure}")
    if wanted.write:
        told[number] = "".join(parts)
        TOUR.write_text("".join([introduction, *told]), encoding="utf-8")
