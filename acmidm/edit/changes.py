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
from contextlib import contextmanager, suppress
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
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.problems import DocumentPath, Failure, Problem, on_one_line

Content = str | Edit
"""The text of a new file, or an edit of a file that exists."""
Read = Callable[..., Onboardings]
"""``read_onboardings`` for the forms of a command: ``read()`` reads them from disk,
``read(files=Files(texts))`` as if those texts were written, ``read(paths=[folder])`` only the forms
in a folder."""

Label = Callable[[DocumentPath], str]
"""Returns what the author of a form calls one of its fields, such as ``--contact`` or ``column F
(Contact)``; empty for a field that the author does not write."""


def _no_label(_: DocumentPath) -> str:
    return ""


def reading(among: Sequence[Path], stacks: Stacks) -> Read:
    """Return a function that reads the forms ``among`` (files, or folders of forms), with the
    catalogue of this folder and the settings of its stacks."""
    return partial(
        read_onboardings,
        paths=among,
        catalogue_folder=own_catalogue(),
        profiles=stacks.profiles,
        served=stacks.served,
    )


def forms_named(forms: Iterable[Path], onboardings: Onboardings) -> list[LoadedForm]:
    """Return the form in each file that a command names, each once. Raises Failure with a line for
    each path that is no form."""
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
    """Changes of files in memory, until ``write``: new files, and edits of files that exist. All
    paths are absolute."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self._before: dict[Path, bytes] = {}
        """What each file that exists and changes has on disk."""
        self.texts: dict[Path, str] = {}
        """What each file that is new or changes will have."""

    def copy(self) -> Changes:
        """Return the same changes, to which others can be added."""
        copy = Changes(self.read)
        copy._before, copy.texts = dict(self._before), dict(self.texts)
        return copy

    def add(self, files: Mapping[Path, Content]) -> list[Path]:
        """Add new files and edits, on top of those added before. Return the files that are new or
        get another text.

        Raises:
            Failure: with a line for each file that cannot be made or edited; then none is added.
        """
        before: dict[Path, bytes] = {}
        texts: dict[Path, str] = {}
        wrong: list[str] = []
        for path, content in files.items():
            file = absolute(path)
            if isinstance(content, str):
                texts[file] = content
                # Two rows may make one file, as that of their organisation, if with the same text.
                if file.exists() or self.texts.get(file, content) != content:
                    wrong.append(about_existing(file))
                continue
            old = self.texts.get(file)
            try:
                if old is None:
                    old = file.read_bytes().decode("utf-8")
                text = edited(old, content)
            except FileNotFoundError:  # the row that would make it has mistakes, and is left out
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

    def problems(self, **paths: Sequence[Path]) -> list[Problem]:
        """Return the problems that the changed files would have once they are written, checked
        among all forms, or ``paths=[folder]``. Problems of other files are left out."""
        if not self.texts:
            return []
        return problems_about(self.texts, self.read(files=Files(self.texts), **paths).problems)

    def require_valid(self, label: Label, mistakes: Iterable[str]) -> None:
        """Raises Failure with the ``mistakes`` that the caller found, and a sentence for each
        problem that the changed files would have."""
        sentences = [*mistakes, *self.sentences(self.problems(), label)]
        if sentences:
            raise Failure("\n".join(dict.fromkeys(sentences)))

    def sentences(self, problems: Iterable[Problem], label: Label) -> Iterator[str]:
        """Yield a sentence for each problem. It begins with what ``label`` calls the field, or with
        the file where the author does not write that field."""
        for problem in problems:
            name = label(field_path(self.texts, problem))
            if name:
                yield on_one_line(f"{name}: {problem.sentence}")
            else:
                yield _about_file(problem)

    def write(self) -> list[Path]:
        """Write all files, or none; return them relative to this folder, as messages show them.
        Raises Failure where a file has appeared or changed meanwhile; OSError."""
        try:
            put_files(self.texts, self._before)
        except FileExistsError as error:
            raise Failure(about_existing(Path(error.filename2 or error.filename))) from None
        return list(map(shown, self.texts))


S = TypeVar("S")


@dataclass(frozen=True)
class Placed(Generic[S]):
    """The new files and edits that a row of a spreadsheet asks for."""

    source: S
    """The row, or what was made of it; its ``str`` names the row."""
    files: Mapping[Path, Content] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What a person has to look at, though nothing is wrong."""
    label: Label = _no_label
    """What the row's author calls a field: its column."""


class Rows(ABC, Generic[S]):
    """Sorts the rows of a spreadsheet: ``changes`` has the files of those without mistakes, in
    ``placed``, and ``wrong`` returns the mistakes of the others."""

    def __init__(self, read: Read, onboardings: Onboardings) -> None:
        self.placed: list[Placed[S]] = []
        self.changes = Changes(read)
        self._wrong: dict[str, list[str]] = defaultdict(list)
        """The rows that have each mistake, by its sentence."""
        self.onboardings = onboardings
        """The forms on disk."""

    @abstractmethod
    def place(self, source: S) -> Placed[S]:
        """Return the files of a row. Raises Failure with a line for each mistake in it."""

    def note(self, source: object, sentences: Iterable[str]) -> None:
        """Note the mistakes of a row, each once."""
        for sentence in dict.fromkeys(sentences):
            self._wrong[sentence].append(str(source))

    def wrong(self) -> list[str]:
        """Return each mistake with the rows that have it: "row 3, row 5: column F (Contact): …"."""
        return [f"{first_of(rows)}: {sentence}" for sentence, rows in self._wrong.items()]

    @contextmanager
    def noting(self, source: object) -> Iterator[None]:
        """Note each line of a Failure as a mistake of a row, and go on."""
        try:
            yield
        except Failure as failure:
            self.note(source, str(failure).splitlines())

    def sort_out(self, sources: Iterable[S]) -> None:
        """Place each row without mistakes, and note those of the others: first what is wrong with
        a row by itself, then what its files would have wrong among all forms."""
        for source in sources:
            with self.noting(source):
                self._add(self.place(source))
        # A row may have been wrong only because of one that is left out now.
        while problems := self.changes.problems():
            self._leave_out_wrong(problems)

    def _add(self, placed: Placed[S]) -> None:
        """Add the files of a row to ``changes``. Raises Failure where one cannot be made or
        edited."""
        self.changes.add(placed.files)
        self.placed.append(placed)

    def _leave_out_wrong(self, problems: Sequence[Problem]) -> None:
        """Collect the changes of the placed rows anew, but for each row whose files have one of
        these problems."""
        changes, all_placed = self.changes, self.placed
        self.changes, self.placed = Changes(changes.read), []
        for placed in all_placed:
            if wrong := problems_about(placed.files, problems):
                self.note(placed.source, changes.sentences(wrong, placed.label))
                continue
            with self.noting(placed.source):
                self._add(placed)


def edit_file(
    path: Path, edit: Edit, new_files: Mapping[Path, str], checked: Path, *, first: str = ""
) -> Callable[[], list[Path]]:
    """Check an edit of a form, ``keys.yaml`` or the like, with the new files that it names, and
    return the function that writes them. ``checked`` is the form, or the folder of forms, that has
    to be valid then. A file that is not there yet is edited from the text ``first``.

    The returned function writes the new files, never over another, then the edited one. Where one
    of these fails, it removes the new files again. Only a kill in between leaves them, and no form
    names them.

    Raises:
        InvalidForms: with every mistake in what is ``checked``.
        Failure: where the file cannot be edited.
    """
    file = Path.cwd() / path
    changes = Changes(reading([checked], stacks_in(Path())))
    changes.add({**new_files, file: edit if file.exists() else edited(first, edit)})
    changes.read(files=Files(changes.texts)).valid()
    return changes.write


def put_files(texts: Mapping[Path, str], before: Mapping[Path, bytes]) -> None:
    """Write files, all of them or none: where one fails, the others are put back or removed again.
    A file in ``before`` exists, and is replaced if it still has that content; each other file is
    new, and never replaces one.

    Raises:
        FileExistsError: where a new file exists by now.
        Failure: where an existing file was changed meanwhile.
    """
    new = without(texts, before)
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
    """Replace a file at once, with the same permissions."""
    write_whole(file, text, file.stat().st_mode & 0o777)


def problems_about(files: Iterable[Path], problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems of these files: those in them, in the folders above them (a folder that
    is a link), and those in another file that one of these contradicts (``Problem.also``)."""
    concerned: set[Path] = set()
    for file in files:
        path = shown(absolute(file))
        concerned.update((path, *path.parents))
    return [
        problem for problem in problems if not concerned.isdisjoint({problem.file, problem.also})
    ]


def field_path(files: Collection[Path], problem: Problem) -> DocumentPath:
    """Return the field that a problem of these files is about, as ("contacts", 0); ("keys",) for a
    key file as a whole; () where the problem is in another file."""
    if absolute(problem.file) not in files:
        return ()
    return ("keys",) if KEY_FILE.fullmatch(problem.file.name) else problem.path


def _about_file(problem: Problem) -> str:
    """Return a problem with its file and without its line: the file is not written, so that nobody
    could look that line up."""
    return on_one_line(
        tr(
            "not written: {file}: {what}; {remedy}",
            file=problem.shown_file,
            what=problem.what,
            remedy=problem.remedy,
        )
    )


def about_existing(file: Path) -> str:
    """Return the refusal to write a new file where one exists."""
    return tr(
        "{file} exists already, and is left as it is; edit it, or name another application",
        file=shown(file).as_posix(),
    )
