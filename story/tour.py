"""Writes ``docs/tour.md`` from a telling: its steps, their commands, and what these said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from story.guide import Guide
from story.lifetime import Lifetime
from story.onboarding import Onboarding
from story.scratch import PROJECT
from story.stable import Stable
from story.telling import Shown, Step, Telling

TOUR = Path("docs/tour.md")
STORIES: tuple[type[Telling], ...] = (Onboarding, Lifetime, Guide)
"""What it is made from, in this order."""
_INTRODUCTION = """\
<!-- Written by `make tour` from what `make story` really does: change the story, not this page. -->
# A tour

Three stories. One organisation, from its form to production, as its reviewers and the team that runs the onboarding see it. Then, from
*A key pair* on, the life of one connection, until it leaves. Then, from *Step 1* on, the ten steps of the guide, with the board, the mails
and the reminders, in Dutch, as an API-beheerder reads them. All of it was really run, in scratch repositories with an embedded authority:
`make story` does it again. `make story AUTHORITY=keycloak` tells the first on a real Keycloak, word for word, but that whoever changes
something by hand is named by a user's id there. A week passes by setting back the times in the state.
Client-IDs, thumbprints, dates and times are stand-ins.
"""


def tour(steps: Iterable[Step]) -> str:
    """The page."""
    stable = Stable(datetime.now(UTC).date())
    parts = [_INTRODUCTION]
    for number, step in enumerate(steps, 1):
        command, output = stable.text(step.command), stable.text(step.output).rstrip()
        step = replace(step, command=command)
        parts.append("\n\n".join(part for part in (f"## {number}. {step.title}", step.text, *_shown(step, output)) if part) + "\n")
    return "\n".join(parts)


def write(steps: Iterable[Step]) -> None:
    (PROJECT / TOUR).write_text(tour(steps), encoding="utf-8")


def _shown(step: Step, output: str) -> Iterable[str]:
    match step.shown:
        case Shown.CONSOLE:
            yield f"```console\n$ {step.command}\n{output}\n```"
        case Shown.MARKDOWN:
            yield f"```console\n$ {step.command}\n```"
            yield "\n".join(f"> {line}".rstrip() for line in output.splitlines())
        case Shown.YAML | Shown.DIFF:
            yield f"`{step.command}`"
            yield f"```{step.shown}\n{output}\n```"
