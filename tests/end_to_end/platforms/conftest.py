"""Both platforms as real portals, and a project whose stack knows both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from acmidm_onboarding.values.terms import Platform
from tests.support.engine import Project, settings_of
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal
from tests.support.registry import Registry


@pytest.fixture(scope="session")
def acmidm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    with running_portal(tmp_path_factory.mktemp("acmidm"), **offered()) as running:
        yield running


@pytest.fixture(scope="session")
def geosecure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    with running_portal(
        tmp_path_factory.mktemp("geosecure"), platform="geosecure", **offered(Platform.GEOSECURE)
    ) as running:
        yield running


@pytest.fixture(scope="session")
def at_acmidm(acmidm: RunningPortal) -> Iterator[Registry]:
    """What is registered there, seen by hand."""
    with acmidm.operator() as http:
        yield Registry(http)


@pytest.fixture(scope="session")
def at_geosecure(geosecure: RunningPortal) -> Iterator[Registry]:
    """What is registered there, seen by hand."""
    with geosecure.operator() as http:
        yield Registry(http)


@pytest.fixture
def project(acmidm: RunningPortal, geosecure: RunningPortal, tmp_path: Path) -> Project:
    """A project without forms, its stack connected to both platforms."""
    return connected_to_both(acmidm, geosecure, tmp_path / "project")


def connected_to_both(acmidm: RunningPortal, geosecure: RunningPortal, folder: Path) -> Project:
    made = Project(folder)
    made.folder.mkdir()
    file = made.folder / "operator-geosecure.jwk.json"
    file.write_text(json.dumps(geosecure.operator_key.as_dict(private=True)))
    made.secrets.append(str(geosecure.operator_key.as_dict(private=True)["d"]))
    made.connect(
        acmidm,
        **settings_of(geosecure, Platform.GEOSECURE),
        **{"geosecure:operatorPrivateKeyFile": str(file)},
    )
    return made
