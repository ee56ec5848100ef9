"""Fixtures that several folders want, each its own: a conftest imports them, and pytest then makes
a set for that folder.

So that what one folder's tests leave at its portal is not seen by another's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acmidm.form_page.page import form_page
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from tests.support.engine import Project
from tests.support.offered import catalogue_folder, offered
from tests.support.portal import PortalProcess, RunningPortal, running_portal
from tests.support.portal_thread import portal_in_thread
from tests.support.registry import Registry


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    """A portal that knows all that the catalogue offers, and receives mail."""
    folder = tmp_path_factory.mktemp("portal")
    with running_portal(folder, **_all_of_it(folder)) as running:
        yield running


@pytest.fixture(scope="session", name="portal")
def inner_portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """The same in the test's own process."""
    folder = tmp_path_factory.mktemp("portal")
    with portal_in_thread(folder, **_all_of_it(folder)) as running:
        yield running


def _all_of_it(folder: Path) -> dict[str, Any]:
    """Return the settings of a portal with a form page, which is written into the folder."""
    page = folder / "aansluiten.html"
    page.write_text(form_page(load_catalogue(catalogue_folder())))
    return {"receives_mail": True, "form_page": page, **offered()}


@pytest.fixture(scope="module")
def registry(portal: RunningPortal) -> Iterator[Registry]:
    """The same portal, seen and changed by hand. Another file's stack had the same name: its
    clients would count as left behind by ours."""
    with portal.operator() as http:
        seen = Registry(http)
        seen.clear()
        yield seen


@pytest.fixture
def project(portal: RunningPortal, tmp_path: Path) -> Project:
    """A project without forms, connected to the portal."""
    made = Project(tmp_path / "project")
    made.connect(portal)
    return made
