"""The two projects that are compared: ours with forms of organisations that do not exist, and one
that does nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from acmidm.engine.pulumi import STATE_AT_THE_END
from acmidm_onboarding.values.identifiers import kbo_number
from bench.authority import MeasuredAuthority
from tests.support.engine import ROOT, Project
from tests.support.portal import new_key, public_jwk
from tests.support.repository import git

PYTHON = ROOT / ".venv"
"""The virtual environment whose Python the engine starts."""
_ORGANISATION = """\
name: Organisatie {number}
kbo: "{kbo}"
speaks_for: {{aanbieder_uri: ["https://organisatie.example/{number}"], merk_code: [merk]}}
"""
_FORM = """\
application: loket
contacts: [beheer@organisatie.example]
environments:
  tni:
    jwks: [loket.jwk.json]
    scopes: {{{scopes}}}
    products:
      notificaties:
        aanbieder_uri: "https://organisatie.example/{number}"
        merk_code: merk
        product_ids: ["10244"]
"""


def our_project(folder: Path, authority: MeasuredAuthority, connections: int) -> Project:
    """Make this project in a Git repository and a stack of it, with that many connections, which
    the authority does not have yet."""
    settings = authority.platform.realm.settings(authority.products_url, folder)
    project = _prepared(folder, {**settings, "catalogueFolder": "catalogue"})
    shutil.copytree(ROOT / "catalogue", folder / "catalogue")
    for number in range(connections):
        organisation = project.forms / f"organisatie-{number}"
        organisation.mkdir()
        first = 10_000_000 + number
        kbo = kbo_number(f"{first:08d}{97 - first % 97:02d}")
        (organisation / "organisation.yaml").write_text(
            _ORGANISATION.format(number=number, kbo=kbo)
        )
        (organisation / "loket.jwk.json").write_text(
            json.dumps(public_jwk(new_key(f"key-{number}")))
        )
        write_form(project, number)
    (folder / ".gitignore").write_text("/.venv\n/state\n/operator*\n")
    git(folder, "init", "--quiet")
    commit(project)
    return project


def commit(project: Project) -> None:
    """Commit the forms as they are."""
    git(project.folder, "add", "--all")
    git(project.folder, "commit", "--quiet", "--message=forms")


def write_form(project: Project, number: int, *added_scopes: str) -> None:
    """Write the form of an organisation anew, with one scope and those that are added."""
    scopes = ", ".join(f"{name}: {{}}" for name in ("dv_notificaties_import", *added_scopes))
    (project.forms / f"organisatie-{number}" / "loket.yaml").write_text(
        _FORM.format(number=number, scopes=scopes)
    )


def lose_state(project: Project) -> None:
    """Empty the stack's state. Its settings stay, and so does what it made at the authority."""
    project.succeed("stack", "rm", "tni", "--yes", "--force", "--preserve-config")
    project.succeed("stack", "init", "tni")


def idle_project(folder: Path) -> Project:
    """Make the project that does nothing; ``write_idle`` writes its program."""
    nowhere = "http://127.0.0.1:9"
    project = _prepared(
        folder, {"managementUrl": nowhere, "issuer": nowhere, "productsUrl": nowhere}
    )
    project.environment["PYTHONPATH"] = str(ROOT)
    return project


def write_idle(project: Project, connections: int, scopes_of_first: int = 1) -> None:
    """Write a program that declares that many connections by ``bench.idle``."""
    program = f"from bench.idle import run\n\nrun({connections}, {scopes_of_first})\n"
    (project.folder / "__main__.py").write_text(program)


def _prepared(folder: Path, settings: dict[str, object]) -> Project:
    """Make a folder with a stack that has these settings, and start the Python that its runs are
    forked from."""
    folder.mkdir(exist_ok=True)
    # As ``acmidm deploy`` runs the engine.
    project = Project(folder, environment=dict(STATE_AT_THE_END), seconds=3600)
    project.start_python(PYTHON)
    project.prepare(settings)
    return project
