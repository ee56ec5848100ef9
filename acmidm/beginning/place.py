"""Put a new form in place, and its organisation's file where that is new: once both are known to be valid, and never over a file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from acmidm.beginning.talk import NotBegun
from acmidm.writing import copy_folder, naming, write_once
from acmidm_onboarding.model.form import Environment
from acmidm_onboarding.model.loading import Served, load_onboardings
from acmidm_onboarding.model.policies import Profile
from acmidm_onboarding.model.problems import InvalidForms


def place(
    files: Mapping[Path, str], forms: Path, catalogue: Path, profiles: Mapping[Environment, Profile], served: Served
) -> tuple[Path, ...]:
    """Write new files, named from the folder of forms, in their order; return where they are.

    They are checked in a copy of all forms, whose own mistakes are for others. Where one cannot be written, those before it are taken
    away again; a kill in between leaves an organisation without its form, which is valid.

    Raises:
        NotBegun: with what would be wrong; nothing is written then.
    """
    with tempfile.TemporaryDirectory(prefix=".acmidm-new-") as scratch, naming(Path(scratch)):
        stage = Path(scratch).resolve() / "forms"
        if forms.is_dir():
            copy_folder(forms, stage)
        for name, text in files.items():
            if (forms / name).exists():
                raise _exists(forms / name)
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_text(text, "utf-8")
        _require_valid(files, stage, forms, catalogue, profiles, served)
    made: list[Path] = []
    folder = forms / next(iter(files)).parent
    had_folder = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_once(forms / name, text)
            made.append(forms / name)
    except BaseException as error:
        for one in made:
            one.unlink(missing_ok=True)
        if not had_folder:
            with suppress(OSError):  # it is not there, or somebody else's file is in it by now
                folder.rmdir()
        if isinstance(error, FileExistsError):
            raise _exists(forms / name) from None
        raise
    return tuple(made)


def _require_valid(
    files: Mapping[Path, str], stage: Path, forms: Path, catalogue: Path, profiles: Mapping[Environment, Profile], served: Served
) -> None:
    try:
        load_onboardings([stage], catalogue, profiles, served)
    except InvalidForms as error:
        own, about = {stage / name for name in files}, set[str]()
        for problem in error.problems:
            places = [Path.cwd() / one for one in (problem.file, problem.also) if one]
            if not own.isdisjoint(places):
                about.add(f"{places[0]}: {problem.what}; {problem.remedy}".replace(str(stage), forms.as_posix()))
        if about:
            raise NotBegun("\n".join(f"not written: {sentence}" for sentence in sorted(about))) from None


def _exists(file: Path) -> NotBegun:
    return NotBegun(f"{file.as_posix()} exists already, and is left as it is; edit it, or name another application")
