"""Changes of files: new ones, and edits of those that are there. They are checked among all forms,
and written all or none.

Every command that writes forms makes its changes here: one form out of options, those of the page's
files, the rows of a spreadsheet, clients that exist, what a hand changed, and what production
lacks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from acmidm.edit.lines import Edit, edited
from acmidm.words import first_of
from acmidm_onboarding.files import make_folder, write_whole, written_together
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import KEY_FILE, Files, absolute, shown
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.stack_files import Stacks, stacks_in
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import DocumentPath, Failure, Problem, on_one_line

Content = str | Edit
"""The text of a new file, or what edits one that is there."""
Read = Callable[..., Onboardings]
"""Reads forms, all or those of ``paths``, in the ``files`` that are given. See
``read_onboardings``."""

Label = Callable[[DocumentPath], str]
"""Returns what the author of a form calls one of its fields; empty for what is not theirs."""


def _no_label(_: DocumentPath) -> str:
    return ""


def reading(among: Sequence[Path], stacks: Stacks) -> Read:
    """Return what reads forms, or folders of forms, with the catalogue of this folder."""
    return partial(
        read_onboardings,
        paths=among,
        catalogue_folder=own_catalogue(),
        profiles=stacks.profiles,
        served=stacks.served,
    )


def forms_named(forms: Iterable[Path], onboardings: Onboardings) -> list[LoadedForm]:
    """Return the forms by their files. Raises Failure with each that is no form."""
    by_file = {loaded.file: loaded for loaded in onboardings.forms}
    named: dict[Path, LoadedForm] = {}
    wrong: dict[str, None] = {}
    for form in forms:
        file = shown(absolute(form))
        if file in by_file:
            named[file] = by_file[file]
        elif form.is_dir():
            wrong[tr("{file} is a folder; name one form", file=form)] = None
        else:
            wrong[tr("{file} is no form; name one", file=form)] = None
    if wrong:
        raise Failure("\n".join(wrong))
    return list(named.values())


class Changes:
    """Changes of files, which nobody sees before they are written."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self._before: dict[Path, bytes] = {}
        self.texts: dict[Path, str] = {}
        """Of each file that changes."""

    def copy(self) -> Changes:
        """Return the same changes, to which others can be added."""
        copy = Changes(self.read)
        copy._before, copy.texts = dict(self._before), dict(self.texts)
        return copy

    def add(self, files: Mapping[Path, Content]) -> list[Path]:
        """Add new files and edits, all or none of them; return those that change by it. Raises
        Failure."""
        before: dict[Path, bytes] = {}
        texts: dict[Path, str] = {}
        wrong: list[str] = []
        for named, content in files.items():
            file = absolute(named)
            if isinstance(content, str):
                texts[file] = content
                if file.exists() or self.texts.get(file, content) != content:
                    wrong.append(about_existing(file))
                continue
            old = self.texts.get(file)
            try:
                if old is None:
                    old = file.read_bytes().decode("utf-8")
                text = edited(old, content)
            except FileNotFoundError:  # what would make it is left out
                wrong.append(
                    tr("{file} is not there yet; correct what makes it first", file=shown(file))
                )
                continue
            except Failure as failure:
                wrong.append(f"{shown(file)}: {failure}")
                continue
            if text == old:
                continue
            texts[file] = text
            if file not in self.texts:
                before[file] = old.encode("utf-8")
        if wrong:
            raise Failure("\n".join(wrong))
        self.texts |= texts
        self._before |= before
        return list(texts)

    def problems(self, **among: Sequence[Path]) -> list[Problem]:
        """Return what would be wrong with these files among all forms, or those of ``paths``, whose
        own mistakes are for others."""
        if not self.texts:
            return []
        return problems_about(self.texts, self.read(files=Files(self.texts), **among).problems)

    def require_valid(self, label: Label = _no_label, wrong: Iterable[str] = ()) -> None:
        """Raises Failure with all that would be wrong, and what is known to be ``wrong``."""
        sentences = [*wrong, *self.sentences(self.problems(), label)]
        if sentences:
            raise Failure("\n".join(dict.fromkeys(sentences)))

    def sentences(self, problems: Iterable[Problem], label: Label) -> Iterator[str]:
        """Yield each problem as a sentence, by how ``label`` calls the field that it is about."""
        for problem in problems:
            name = label(path_in(self.texts, problem))
            if name:
                yield on_one_line(f"{name}: {problem.sentence}")
            else:
                yield not_written(problem)

    def require_sound(self) -> None:
        """Raises InvalidForms with every mistake in all forms that are read."""
        self.read(files=Files(self.texts)).valid()

    def write(self) -> list[Path]:
        """Write all files, or none; return them as messages show them. Raises Failure, OSError."""
        try:
            put_files(self.texts, self._before)
        except FileExistsError as error:
            raise Failure(about_existing(Path(error.filename2 or error.filename))) from None
        return list(map(shown, self.texts))


S = TypeVar("S")


@dataclass(frozen=True)
class Placed(Generic[S]):
    """What a row of a spreadsheet comes to."""

    source: S
    files: Mapping[Path, Content] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What a person looks at, though nothing is wrong."""
    label: Label = _no_label


class Rows(ABC, Generic[S]):
    """The rows of a spreadsheet, among the forms that there are: what those that are right come to,
    and what is wrong with the others."""

    def __init__(self, read: Read, onboardings: Onboardings) -> None:
        self.placed: list[Placed[S]] = []
        self.changes = Changes(read)
        self._wrong: dict[str, list[str]] = defaultdict(list)
        """The rows of each sentence."""
        self.onboardings = onboardings
        """The forms that there are."""

    @abstractmethod
    def place(self, source: S) -> Placed[S]:
        """Return what a row comes to. Raises Failure, with a line for each thing that is wrong with
        it."""

    def note(self, source: object, sentences: Iterable[str]) -> None:
        """Note what is wrong with a row, each sentence once."""
        for sentence in dict.fromkeys(sentences):
            self._wrong[sentence].append(str(source))

    def wrong(self) -> list[str]:
        """Return each sentence about what is wrong, with its rows."""
        return [f"{first_of(rows)}: {sentence}" for sentence, rows in self._wrong.items()]

    def sort_out(self, sources: Iterable[S]) -> None:
        """Place each one that is right by itself, and leave out those whose files would be wrong
        among all forms."""
        for source in sources:
            try:
                self.placed.append(self.place(source))
            except Failure as failure:
                self.note(source, str(failure).splitlines())
        while not self._leave_out_wrong():
            # What was wrong on account of one that is left out may be right now.
            pass

    def _leave_out_wrong(self) -> bool:
        """Add the changes of all placed rows anew, and leave out each row whose files would be
        wrong; return whether none was wrong among all forms."""
        self.changes = Changes(self.changes.read)
        for placed in list(self.placed):
            try:
                self.changes.add(placed.files)
            except Failure as failure:
                self.placed.remove(placed)
                self.note(placed.source, str(failure).splitlines())
        problems = self.changes.problems()
        for placed in list(self.placed):
            if wrong := problems_about(placed.files, problems):
                self.placed.remove(placed)
                self.note(placed.source, self.changes.sentences(wrong, placed.label))
        return not problems


def edit_file(
    named: Path, edit: Edit, new_files: Mapping[Path, str], checked: Path, *, first: str = ""
) -> Callable[[], list[Path]]:
    """Return what puts an edited form, or another file of its folder, in place, once ``checked`` is
    known to be valid by the stacks of this folder, with the new files beside it. A
    file that is not there begins as ``first``.

    Nothing is written before. What it returns writes the files, none over another, then replaces
    the form; where one of that fails, the files are taken away again. Only a kill in between leaves
    files, which no form names.

    Raises:
        InvalidForms: with the mistakes of what is edited.
        Failure: where it cannot be edited.
    """
    file = Path.cwd() / named
    changes = Changes(reading([checked], stacks_in(Path())))
    changes.add({**new_files, file: edit if file.exists() else edited(first, edit)})
    changes.require_sound()
    return changes.write


def put_files(texts: Mapping[Path, str], before: Mapping[Path, bytes]) -> None:
    """Write files, all of them or none: those in ``before`` in the place of what they were, the
    others never over a file.

    Raises:
        FileExistsError: where one that is new is there.
        Failure: where one is not what it was.
    """
    new = {file: text for file, text in texts.items() if file not in before}
    folders = {file.parent for file in new if not file.parent.exists()}
    done: list[Path] = []
    try:
        for file in new:
            make_folder(file)
        with written_together(new):
            for file, old in before.items():
                if file.read_bytes() != old:
                    raise Failure(
                        tr(
                            "{file} was changed meanwhile, and left as it is; run the command"
                            " again",
                            file=shown(file),
                        )
                    )
                _rewrite(file, texts[file])
                done.append(file)
    except BaseException:
        for file in done:
            _rewrite(file, before[file].decode("utf-8"))
        for folder in folders:
            with suppress(OSError):  # the folder is missing, or has another file by now
                folder.rmdir()
        raise


def _rewrite(file: Path, text: str) -> None:
    write_whole(file, text, file.stat().st_mode & 0o777)


def problems_about(files: Iterable[Path], problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems in some files, those of the folders that they are in, such as a link, and
    those in other files on account of them."""
    concerned: set[Path] = set()
    for file in files:
        path = shown(absolute(file))
        concerned.update((path, *path.parents))
    return [
        problem for problem in problems if not concerned.isdisjoint({problem.file, problem.also})
    ]


def path_in(files: Collection[Path], problem: Problem) -> DocumentPath:
    """Return the field of one of these files that a problem is about: of a key, all of it; nothing
    where it is about another file."""
    if absolute(problem.file) not in files:
        return ()
    return ("keys",) if KEY_FILE.fullmatch(problem.file.name) else problem.path


def not_written(problem: Problem) -> str:
    """Return the sentence about a file that is not written: nobody can look up a line of it."""
    return on_one_line(
        tr(
            "not written: {file}: {what}; {remedy}",
            file=problem.shown_file,
            what=problem.what,
            remedy=problem.remedy,
        )
    )


def about_existing(file: Path) -> str:
    """Return why no new file takes the place of one that is there."""
    return tr(
        "{file} exists already, and is left as it is; edit it, or name another application",
        file=shown(file).as_posix(),
    )
