"""What a revision has below its folders of forms: organisations, forms, public keys and evidence,
each a plain file, and within bounds.

Nothing here reads other files, but every checkout makes them: a submodule, or a name, depth or size
that a machine refuses, would stop everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from acmidm.git import FILES, LINK, SUBMODULE, Tree, TreeEntry
from acmidm_onboarding.forms.files import refusal_of_link, refusal_of_stray
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import Problem, Refusal

MOST_FILES = 500
MOST_BYTES = 2_000_000
"""Of one folder, which is an organisation's."""
_MOST_SAID = 100
"""Problems of files that do not belong there."""


def is_in_place(path: Path, forms: Sequence[Path]) -> bool:
    """Return whether a file may be below the folders of forms, by its name."""
    return any(
        path.is_relative_to(folder) and refusal_of_stray(path, folder) is None for folder in forms
    )


def strays(before: Tree, after: Tree, forms: Sequence[Path]) -> list[Problem]:
    """Return a problem for each file that a change puts below the folders of forms, or changes
    there, and that does not belong there; the files that were there before stop nobody."""
    problems: list[Problem] = []
    for folder in forms:
        problems += _strays(before, after, folder)
    unlisted = len(problems) - _MOST_SAID
    if unlisted > 0:
        sentence = tr("{count} more files do not belong here", count=f"{unlisted:,}")
        problems[_MOST_SAID:] = [Problem(forms[0], 1, 1, sentence, tr("remove them"))]
    return problems


def is_below(path: Path, folders: Iterable[Path]) -> bool:
    """Return whether a file is in one of some folders, or in a folder there."""
    return any(map(path.is_relative_to, folders))


def submodules(tree: Tree, forms: Sequence[Path]) -> list[str]:
    """Return the submodules of a revision below the folders of forms: nobody sees what is in
    them."""
    found: list[str] = []
    for name, entry in tree.entries.items():
        if entry.mode == SUBMODULE and is_below(Path(name), forms):
            found.append(name)
    return found


def _strays(before: Tree, after: Tree, forms: Path) -> Iterator[Problem]:
    """Yield each changed file that does not belong in one folder of forms, then each folder that
    changes and is too large."""
    count, size, changed = Counter[str](), Counter[str](), set[str]()
    for name, entry in after.entries.items():
        if not f"{name}/".startswith(f"{forms}/"):
            continue
        folder = name.rpartition("/")[0]
        count[folder] += 1
        size[folder] += entry.size
        if before.entries.get(name) != entry:
            changed.add(folder)
            path = Path(name)
            if refusal := _refusal_of_mode(entry) or refusal_of_stray(path, forms):
                yield Problem(path, 1, 1, *refusal)
    for folder in sorted(changed):
        if count[folder] > MOST_FILES or size[folder] > MOST_BYTES:
            what = tr(
                "this folder has more than {files} files, or than {bytes} bytes",
                files=MOST_FILES,
                bytes=f"{MOST_BYTES:,}",
            )
            yield Problem(Path(folder), 1, 1, what, tr("remove what no form needs"))


def _refusal_of_mode(entry: TreeEntry) -> Refusal | None:
    """Return what is wrong with an entry that is no file, and what to do; None for a file."""
    if entry.mode == LINK:
        return refusal_of_link()
    if entry.mode == SUBMODULE:
        return tr("this is a submodule, whose files are not read"), tr(
            "remove it, or put the file itself here"
        )
    if entry.mode not in FILES:
        return tr("this is no file, but what Git keeps as {mode}", mode=entry.mode), tr(
            "remove it, or put the file itself here"
        )
    return None
