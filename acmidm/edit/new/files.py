"""Put forms in place, and their organisations' files where those are new: once all are known to be
valid, all of them or none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from acmidm.edit.lines import Edit, edited, put_files
from acmidm_onboarding.forms.files import absolute, shown
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.stack_files import Stacks
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Failure, Problem, on_one_line


def write_files(files: Mapping[Path, str], forms: Path, stacks: Stacks) -> tuple[Path, ...]:
    """Write new files, named from the folder of forms, in their order; return where they are.

    Where one cannot be written, those before it are taken away again; a kill in between leaves an
    organisation without its form, which is valid.

    Raises:
        Failure: with what would be wrong; nothing is written then.
    """
    texts = {forms / name: text for name, text in files.items()}
    if existing := next((file for file in texts if file.exists()), None):
        raise _exists(existing)
    if problems := problems_about(texts, [forms], stacks):
        raise Failure("\n".join(sorted(set(map(not_written, problems)))))
    try:
        put_files(texts, {})
    except FileExistsError as error:
        raise _exists(Path(error.filename2 or error.filename)) from None
    return tuple(texts)


def edit_forms(edits: Mapping[Path, Edit], among: Sequence[Path], stacks: Stacks) -> None:
    """Edit forms, all of them or none, once they are known to be valid. ``among`` are the forms, or
    the folders of forms, that they are checked with.

    Raises:
        Failure: with what would be wrong with any of them; nothing is written then.
    """
    before = {absolute(file): file.read_bytes() for file in edits}
    texts: dict[Path, str] = {}
    wrong: list[str] = []
    for file, edit in edits.items():
        try:
            texts[absolute(file)] = edited(before[absolute(file)].decode("utf-8"), edit)
        except Failure as failure:
            wrong.append(f"{shown(file)}: {failure}")
    if not wrong:
        wrong = [str(problem) for problem in problems_about(texts, among, stacks)]
    if wrong:
        raise Failure("\n".join(wrong))
    put_files(texts, before)


def problems_about(
    texts: Mapping[Path, str], among: Sequence[Path], stacks: Stacks
) -> list[Problem]:
    """Return what is wrong with texts as files among forms, whose own mistakes are for others."""
    found = read_onboardings(
        among, own_catalogue(), stacks.profiles, stacks.served, unwritten=texts
    )
    return about(texts, found.problems)


def about(files: Iterable[Path], problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems in some files, those of the folders that they are in, such as a link, and
    those in other files on account of them."""
    paths = [shown(absolute(file)) for file in files]
    own = {place for path in paths for place in (path, *path.parents)}
    return [problem for problem in problems if not own.isdisjoint({problem.file, problem.also})]


def not_written(problem: Problem) -> str:
    """Return the sentence about a file that is not written: nobody can look up a line of it."""
    facts = {"file": problem.shown_file, "what": problem.what, "remedy": problem.remedy}
    return on_one_line(say("edit.not_written", **facts))


def _exists(file: Path) -> Failure:
    return Failure(say("edit.exists", file=file.as_posix()))
