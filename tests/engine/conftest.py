"""One portal for the whole session, with all that the catalogue offers; each test has a project and applications of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.model.loading import load_catalogue
from tests.support.engine import ROOT, Project
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry


def offered() -> dict[str, Any]:
    """The settings of a portal that knows all of the catalogue's scopes and products."""
    catalogue = load_catalogue(ROOT / "catalogue")
    return {
        "scopes": {name: {"assigned_by_provider": scope.assigned_by_provider} for name, scope in catalogue.scopes.items()},
        "products": {
            name: {"schema": product.configuration, "scope": next(iter(product.scopes))}
            for name, product in catalogue.products.items()
            if product.configuration is not None
        },
    }


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    with running_portal(tmp_path_factory.mktemp("portal"), **offered()) as running:
        yield running


@pytest.fixture(scope="session")
def registry(portal: RunningPortal) -> Iterator[Registry]:
    """The same portal, seen and changed by hand."""
    with portal.operator() as http:
        yield Registry(http)


@pytest.fixture
def project(portal: RunningPortal, tmp_path: Path) -> Project:
    """A project without forms, connected to the portal."""
    made = Project(tmp_path / "project")
    made.connect(portal)
    return made
