"""Put a new form in place, and its organisation's file where that is new: once both are known to be valid, and never
over a file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from acmidm.files import written_together
from acmidm_onboarding.forms.files import absolute, shown
from acmidm_onboarding.forms.loading import load_onboardings
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.stack_files import Stacks
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.problems import Failure, InvalidForms, on_one_line


def write_files(files: Mapping[Path, str], forms: Path, stacks: Stacks) -> tuple[Path, ...]:
    """Write new files, named from the folder of forms, in their order; return where they are.

    Where one cannot be written, those before it are taken away again; a kill in between leaves an organisation without
    its form, which is valid.

    Raises:
        Failure: with what would be wrong; nothing is written then.
    """
    texts = {forms / name: text for name, text in files.items()}
    if existing := next((file for file in texts if file.exists()), None):
        raise _exists(existing)
    _require_valid(texts, forms, stacks)
    folder = next(iter(texts)).parent
    had_folder = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with written_together(texts):
            return tuple(texts)
    except BaseException as error:
        if not had_folder:
            with suppress(OSError):  # the folder is missing, or has another file by now
                folder.rmdir()
        if isinstance(error, FileExistsError):
            raise _exists(Path(error.filename2 or error.filename)) from None
        raise


def _require_valid(texts: Mapping[Path, str], forms: Path, stacks: Stacks) -> None:
    """Check the new files among all forms, whose own mistakes are for others. Raises Failure."""
    try:
        load_onboardings([forms], own_catalogue(), stacks.profiles, stacks.served, unwritten=texts)
    except InvalidForms as error:
        own = {shown(absolute(file)) for file in texts}
        about = [problem for problem in error.problems if not own.isdisjoint({problem.file, problem.also})]
        if about:  # nobody can look up a line of a file that is not written
            sentences = {
                on_one_line(say("edit.not_written", file=problem.shown_file, what=problem.what, remedy=problem.remedy))
                for problem in about
            }
            raise Failure("\n".join(sorted(sentences))) from None


def _exists(file: Path) -> Failure:
    return Failure(say("edit.exists", file=file.as_posix()))
