"""Who approves a change of which file: CODEOWNERS, made from the organisations.

Everything belongs to the onboarding team, but for the forms, public keys and evidence of an
organisation that has owners. The team is a setting in ``pyproject.toml``, which is the team's own
file as well.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from acmidm_onboarding.forms.documents import Unreadable
from acmidm_onboarding.forms.files import FORMS, Files, absolute
from acmidm_onboarding.forms.loading import load_organisations
from acmidm_onboarding.values.names import code_owner
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Failure

CODEOWNERS = Path(".github/CODEOWNERS")
PROJECT_FILE = Path("pyproject.toml")
_SETTING = "onboarding_team in [tool.acmidm]"
_OWN_FILES = ("yaml", "jwk.json", "evidence.json")
_HEAD = """\
# Written by acmidm schema, from onboarding_team in pyproject.toml and each organisation.yaml.
# Of all lines that fit a file, the last one counts.
"""


def onboarding_team(files: Files | None = None) -> str | None:
    """Return the handle of the team that runs onboarding, such as ``@digitaal-vlaanderen/team``;
    None in a project that has not set it, which gets no CODEOWNERS.

    ``files`` are those of a revision; None: the present ones.

    Raises:
        Failure: where the setting is no handle, or the file no TOML.
    """
    team: object
    try:
        team = tomllib.loads(_read_project_file(files))
    except FileNotFoundError:
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, Unreadable, RecursionError):
        raise Failure(f"{PROJECT_FILE} is not TOML; correct it") from None
    for name in ("tool", "acmidm", "onboarding_team"):
        team = team.get(name) if isinstance(team, Mapping) else None
    if team is None:
        return None
    try:
        return code_owner(str(team))
    except ValueError as error:
        raise Failure(f"{PROJECT_FILE}: {_SETTING}: {error}") from None


def _read_project_file(files: Files | None) -> str:
    """Return the text of ``pyproject.toml``, in ``files`` or in the present folder. Raises
    FileNotFoundError."""
    if files is None:
        return PROJECT_FILE.read_text(encoding="utf-8")
    file = absolute(PROJECT_FILE)
    if not files.exists(file):
        raise FileNotFoundError(file)
    return files.read_text(file)


def codeowners_in(files: Files | None = None) -> str | None:
    """Return the text of CODEOWNERS for the organisations in some files, else the present ones;
    None where no team is set. Raises Failure."""
    team = onboarding_team(files)
    return codeowners(team, FORMS.as_posix(), load_organisations(FORMS, files)) if team else None


def codeowners(team: str, forms: str, organisations: Mapping[str, Organisation]) -> str:
    """Return the text of CODEOWNERS. ``forms`` is the folder of forms, and ``organisations`` are by
    their folder below it. No name of a folder or owner has a character to escape here."""
    lines = [f"* {team}"]
    for folder, organisation in sorted(organisations.items()):
        if organisation.owners:
            owners = " ".join(organisation.owners)
            lines += [f"/{forms}/{folder}/*.{ending} {owners}" for ending in _OWN_FILES]
    lines.append(f"/{forms}/*/organisation.yaml {team}")
    return _HEAD + "\n".join(lines) + "\n"
