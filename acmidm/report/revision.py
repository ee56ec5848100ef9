"""The forms as they are here and as a Git revision has them: no engine, no state, no credentials.

They are read from the object store, byte for byte, into a folder that is thrown away. Not ``git archive``, which leaves out and
rewrites what ``.gitattributes`` says; not ``git worktree``, which runs hooks and filters and leaves traces in the repository.
Symbolic links are left out: a form is a file.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from acmidm.report.client import ClientState, Place, states_of
from acmidm.report.plan import Plan
from acmidm.report.words import plain
from components.model.catalogue import Catalogue, Product, Scope
from components.model.connection import connection_key
from components.model.form import Environment, Platform
from components.model.loading import ORGANISATION_FILE, LoadedForm, Onboardings, load_onboardings
from components.model.policies import POLICIES, Planned, Profile, Situation
from components.model.problems import Failure, InvalidForms, Problem
from components.settings import InvalidSettings, stack_settings

_MOST_NAMED = 10
_FILE_MODES = ("100644", "100755")


class UnknownRevision(Failure):
    """A revision that cannot be read, as a sentence."""


@dataclass(frozen=True)
class Revision:
    """The forms of one revision, in which environments it protects clients, and which of its forms were not valid."""

    onboardings: Onboardings
    protecting: Mapping[Environment, bool]
    left_out: tuple[Path, ...] = ()

    def states(self, environment: Environment, profiles: Mapping[Environment, Profile], now: datetime) -> dict[Place, ClientState]:
        """The clients that the forms declare in an environment."""
        states = states_of(self.onboardings.connections(environment), protect=self.protecting.get(environment))
        for loaded in self.onboardings.forms:
            unneeded = unneeded_exemptions(loaded, profiles, now)
            last = max(loaded.form.environments, key=list(Environment).index)
            # Reported once: an exemption is the whole form's.
            key = connection_key(loaded.organisation.code, loaded.form.application)
            place = next((place for platform in Platform if (place := (key, platform, environment)) in states), None)
            if unneeded and place and environment is last:
                states[place] = replace(states[place], unneeded_exemptions=unneeded)
        return states


def plan_between(
    before: Revision, after: Revision, environment: Environment, profiles: Mapping[Environment, Profile], now: datetime
) -> Plan:
    """What the forms change in an environment."""
    return Plan(environment, before.states(environment, profiles, now), after.states(environment, profiles, now))


def unneeded_exemptions(loaded: LoadedForm, profiles: Mapping[Environment, Profile], now: datetime) -> frozenset[str]:
    """The policies that a form is exempted from and satisfies all the same, in each of its environments."""
    exempted = {policy.value for policy in loaded.form.exemptions}
    for environment in loaded.form.environments if exempted else ():
        keys = {key.kid: key.members for key in loaded.keys.get(environment, ())}
        planned, situation = Planned(loaded.form.token_endpoint_auth_method, keys=keys), Situation(environment, profiles[environment], now)
        exempted -= {policy.id for policy in POLICIES if policy.id in exempted and any(policy.violations(planned, situation))}
    return frozenset(exempted)


def here(onboardings: Onboardings) -> Revision:
    """The working tree, whose forms were read already."""
    return Revision(onboardings, protecting(Path()))


def revision(name: str, forms: Path, catalogue: Path) -> Revision:
    """The forms where the working tree's branch left the revision ``name``.

    What was no valid form there is left out, else the change that corrects it could not be reviewed.

    Raises:
        UnknownRevision: where Git does not have it.
        InvalidForms: for mistakes in its catalogue.
    """
    commit = merge_base(name)
    forms, catalogue = _below(forms), _below(catalogue)
    left_out: set[Path] = set()
    with exported(commit, [forms, catalogue], "Pulumi*.yaml") as root:
        while True:
            try:
                return Revision(load_onboardings([root / forms], root / catalogue), protecting(root), tuple(sorted(left_out)))
            except InvalidForms as error:
                faulty = {file for problem in error.problems for file in _faulty(problem.file, root / forms)}
                if not faulty:
                    raise InvalidForms(_as_of(commit, problem, root) for problem in error.problems) from None
                for file in faulty:  # a key too: the forms that name it go in the next round
                    file.unlink()
                left_out |= {file.relative_to(root) for file in faulty if file.suffix == ".yaml" and file.name != ORGANISATION_FILE}


def _faulty(file: Path, forms: Path) -> Iterator[Path]:
    """The files to leave out for a mistake in one: with the file of an organisation all forms beside it."""
    if not file.is_relative_to(forms):
        return
    if file.name == ORGANISATION_FILE:
        yield from (beside for beside in file.parent.glob("*.yaml") if beside.is_file())
    elif file.is_file():
        yield file


def notes_between(before: Revision, after: Revision, forms: Path) -> tuple[str, ...]:
    """What changes besides clients: the catalogue, and key files that a removed form leaves behind."""
    return (*_changed_catalogue(before.onboardings.catalogue, after.onboardings.catalogue), *_keys_left_behind(before, after, forms))


def _changed_catalogue(before: Catalogue, after: Catalogue) -> Iterator[str]:
    """How the catalogue changes: what it offers is no client's change, and in no form."""
    changed = [*_changed("product", before.products, after.products), *_changed("scope", before.scopes, after.scopes)]
    if changed:
        yield f"The catalogue changes: {_listed(changed, '; ')}."


def _changed(what: str, before: Mapping[str, Product | Scope], after: Mapping[str, Product | Scope]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            yield f"{what} {name} is {'new' if old is None else 'gone'}"
            continue
        fields = [field for field in type(new).model_fields if field != "scopes" and getattr(old, field) != getattr(new, field)]
        if fields:
            yield f"{what} {name} ({', '.join(fields)})"


def _keys_left_behind(before: Revision, after: Revision, forms: Path) -> Iterator[str]:
    still_named = {file for loaded in after.onboardings.forms for file in _key_files(loaded, forms)}
    names = {loaded.name for loaded in after.onboardings.forms}
    gone = (loaded for loaded in before.onboardings.forms if loaded.name not in names)
    files = sorted({file for loaded in gone for file in _key_files(loaded, forms) if file not in still_named and file.is_file()})
    if files:
        yield f"No form names these key files any more; remove them too: {_listed([plain(str(file)) for file in files], ', ')}."


def _key_files(loaded: LoadedForm, forms: Path) -> Iterator[Path]:
    folder = forms / loaded.name.partition("/")[0]
    for request in loaded.form.environments.values():
        yield from (Path(os.path.normpath(folder / name)) for name in request.jwks or ())


def _listed(items: Sequence[str], separator: str) -> str:
    more = [f"{len(items) - _MOST_NAMED:,} more"] if len(items) > _MOST_NAMED else []
    return separator.join([*items[:_MOST_NAMED], *more])


def protecting(folder: Path) -> dict[Environment, bool]:
    """In which environments clients are protected, as the stacks in ``folder`` are set; those without a stack are left out."""
    found: dict[Environment, bool] = {}
    for file in sorted(folder.glob("Pulumi.*.yaml")):
        with suppress(InvalidSettings):
            settings = stack_settings(file.name.removeprefix("Pulumi.").removesuffix(".yaml"), folder)
            found[settings.environment] = found.get(settings.environment, False) or settings.protect_clients
    return found


def _below(path: Path) -> Path:
    """``path`` from the working directory, which it must be under: elsewhere Git has nothing of it."""
    relative = Path(os.path.relpath(path))
    if ".." in relative.parts:
        raise UnknownRevision(f"{path} is outside the working directory; review revisions in the folder of forms and catalogue")
    return relative


def _as_of(commit: str, problem: Problem, root: Path) -> Problem:
    """A mistake where people find it: not in a folder that is gone when they read it."""
    file = problem.file.relative_to(root) if problem.file.is_relative_to(root) else problem.file
    return Problem(Path(f"{commit[:10]}:{file}"), problem.line, problem.column, problem.what, problem.remedy)


def merge_base(revision: str) -> str:
    """The commit from which the working tree's branch left ``revision``; the revision itself where they have no commit in common."""
    here = _run("rev-parse", "--git-dir")
    if here.returncode != 0:
        said = here.stderr.decode(errors="replace").strip().partition("\n")[0].removeprefix("fatal: ")
        raise UnknownRevision(f"Git finds no repository here: {said}; run this in the repository of the forms")
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise UnknownRevision(f'Git knows no revision "{revision}" here; fetch it, or name another branch, tag or commit')
    found = _git("merge-base", commit.decode().strip(), "HEAD")
    if found is None and _git("rev-parse", "--is-shallow-repository") == b"true\n":
        # Against its tip, what it got since would show as taken away.
        raise UnknownRevision(
            f'this clone is shallow: where its branch left "{revision}" is not in it; fetch it whole, with fetch-depth: 0'
        )
    return (found or commit).decode().strip()


@contextmanager
def exported(revision: str, folders: Sequence[Path], files: str) -> Iterator[Path]:
    """Make a folder with what is in ``folders``, relative to the working directory, at ``revision``, and with the files in the working
    directory itself whose names match ``files``."""
    with TemporaryDirectory(prefix="acmidm-") as folder:
        root = Path(folder)
        for path in folders:
            (root / path).mkdir(parents=True, exist_ok=True)
        here = (Path(name) for _, _, name in _entries(_git("ls-tree", "-z", revision) or b""))
        _write(revision, [*folders, *(name for name in here if name.match(files))], root)
        yield root


def _write(revision: str, paths: Sequence[Path], root: Path) -> None:
    listed = _git("ls-tree", "-r", "-z", revision, "--", *(path.as_posix() for path in paths))
    if listed is None:
        raise UnknownRevision(f'Git cannot list the files of "{revision}"; run this in the repository of the forms')
    files = [(head.split()[2], name) for head, _, name in _entries(listed) if head.split()[0] in _FILE_MODES]
    contents = _git("cat-file", "--batch", given="".join(f"{object_id}\n" for object_id, _ in files).encode())
    if contents is None:
        raise UnknownRevision(f'Git cannot read the files of "{revision}"; fetch the whole commit')
    position = 0
    for _, name in files:
        end = contents.index(b"\n", position)
        size = int(contents[position:end].split()[2])
        _write_file(root, name, contents[end + 1 : end + 1 + size])
        position = end + size + 2


def _entries(listed: bytes) -> Iterator[tuple[str, str, str]]:
    return (entry.decode("utf-8", "surrogateescape").partition("\t") for entry in listed.split(b"\0") if entry)


def _write_file(root: Path, name: str, content: bytes) -> None:
    if ".." in PurePosixPath(name).parts or PurePosixPath(name).is_absolute():
        return
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _git(*words: str, given: bytes | None = None) -> bytes | None:
    """What git writes; None where it fails."""
    done = _run(*words, given=given)
    return done.stdout if done.returncode == 0 else None


def _run(*words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *words], input=given, capture_output=True, check=False)
    except FileNotFoundError:
        raise UnknownRevision("git is not on PATH; install it, or review with the engine: acmidm review --stack tni") from None
