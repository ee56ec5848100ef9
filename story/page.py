"""Tells the stories of a page of Markdown: what the page shows is what is done, in a scratch
repository with authorities of its own.

A part of the page that starts with a heading of the second level is a story. In it, from top to
bottom:

- A block of code under a line that has a path alone is written to that file; a ``diff`` changes it.
- A ``console`` block has commands, and under each what it says. A command that fails has its code
  behind: ``console exit=1``.
- A comment has commands that nobody has to see. A variable that a later command needs is one line
  in the file ``$BASH_ENV``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from acmidm_onboarding.values.problems import Failure
from story.authorities import StoryAuthorities
from story.scratch import PROJECT, CommandFailed, Scratch
from story.stable import Stable

TOUR = PROJECT / "docs" / "tour.md"
_EXAMPLES = (
    "examples/acmidm.env",
    "examples/documents",
    "examples/public_jwk.py",
    "examples/python",
)
_PART = re.compile(
    r"^<!--\n(?P<hidden>\$ .*?)^-->\n"
    r"|^`(?P<file>[^`\n]+)`\n\n```(?P<language>\w+)\n(?P<text>.*?)^```\n"
    r"|^```console(?: exit=(?P<code>\d+))?\n(?P<console>.*?)^```\n",
    re.MULTILINE | re.DOTALL,
)
_COMMAND = re.compile(r"^\$ ((?:[^\n]*\\\n)*[^\n]*)$", re.MULTILINE)
_RESOURCE = re.compile(r"[-+~]+ .*:.* (?:created|updated|deleted|replaced) ")
_DURATION = re.compile(r" \([0-9.]+s\)")
_NEXT_MAIL = re.compile(r"\n(?=\d{4}-\d\d-\d\d )")


class StalePage(Failure):
    """A diff of the page does not fit the file that it changes."""


def stories(page: str) -> tuple[str, list[str]]:
    """Return the introduction of a page, and each story with its heading."""
    introduction, *parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    return introduction, parts


def tell(story: str, folder: Path, *, stand_ins: bool) -> Iterator[str]:
    """Carry out a story in a folder, and yield its text part by part, with what its commands print
    now in place of what the page has.

    With ``stand_ins``, what differs from run to run (days, ports, UUIDs) is replaced by what the
    page always has.

    Raises CommandFailed where a command has another exit code than the page says, and StalePage.
    """
    shell = folder / "shell"
    shell.parent.mkdir(parents=True, exist_ok=True)
    shell.write_text(
        f"export PYTHONUNBUFFERED=1\noffstage() {{ PYTHONPATH={shlex.quote(str(PROJECT))} python -P"
        ' -m story.offstage "$@"; }\n'
    )
    scratch = Scratch(folder / "repository", _EXAMPLES, {"BASH_ENV": str(shell)})
    authorities = StoryAuthorities(scratch)
    scratch.lay_out()
    try:
        authorities.start()
        yield from _Telling(scratch, Stable(datetime.now(UTC).date()), stand_ins).tell(story)
    except BaseException:
        # The first failure is reported, not one of the stop that follows it.
        with suppress(CommandFailed, OSError):
            authorities.stop()
        raise
    authorities.stop()


@dataclass
class _Telling:
    """One run of one story, whose parts are the matches of `_PART`: a comment, a file or a console
    block each."""

    scratch: Scratch
    stable: Stable
    stand_ins: bool

    def tell(self, story: str) -> Iterator[str]:
        """Carry out a story's parts in their order, and yield the text of each: of a console block
        with what its commands print now, of all else as the page has it."""
        end = 0
        for part in _PART.finditer(story):
            yield story[end : part.start()]
            end = part.end()
            if part["console"]:
                yield from self._console(part)
                continue
            if part["hidden"]:
                self._run_hidden(part)
            else:
                self._write_file(part)
            yield part[0]
        yield story[end:]

    def _run_hidden(self, part: re.Match[str]) -> None:
        for command in _COMMAND.findall(part["hidden"]):
            self._run(command)

    def _write_file(self, part: re.Match[str]) -> None:
        """Write a block of code to the file above it, or change that file by a ``diff``."""
        file, text = part["file"], self.stable.of_today(part["text"])
        if part["language"] == "diff":
            text = apply_diff(self.scratch.folder / file, text)
        self.scratch.write(file, text)

    def _console(self, part: re.Match[str]) -> Iterator[str]:
        """Run the commands of a block, and yield its text with what each prints now."""
        yield part[0].partition("\n")[0] + "\n"
        for command in _COMMAND.findall(part["console"]):
            yield f"$ {command}\n"
            yield self._run(command, int(part["code"] or 0))
        yield "```\n"

    def _run(self, command: str, code: int = 0) -> str:
        """Run a command, which must end with this exit code, and return what the page shows of its
        output: of a deploy the lines about resources, of the mails the first."""
        printed = self.scratch.run("bash", "-c", self.stable.of_today(command), code=code)
        printed = printed.replace(str(self.scratch.folder.parent), "..")
        if command.startswith("acmidm deploy"):
            printed = _lines_about_resources(printed)
        elif command.startswith("acmidm sandbox mail"):
            printed = _NEXT_MAIL.split(printed)[0]
        printed = f"{printed.rstrip()}\n" if printed.strip() else ""
        return self.stable.with_stand_ins(printed) if self.stand_ins else printed


def apply_diff(file: Path, diff: str) -> str:
    """Return the text of a file, changed by a diff whose lines of context say where; ``@@`` is
    between two hunks. Raises StalePage where the lines of a hunk are in the file never, or more
    than once."""
    text = file.read_text(encoding="utf-8")
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] != "+")
        after = "".join(line[1:] for line in lines if line[0] != "-")
        if text.count(before) != 1:
            raise StalePage(f"{file.name} has this {text.count(before)} times, not once:\n{before}")
        text = text.replace(before, after)
    return text


def _lines_about_resources(printed: str) -> str:
    """Return those of Pulumi's lines that name a resource that was created, updated, deleted or
    replaced, sorted, and without its duration: both differ from run to run."""
    lines = [line.strip() for line in printed.splitlines()]
    return "\n".join(sorted(_DURATION.sub("", line) for line in lines if _RESOURCE.match(line)))
