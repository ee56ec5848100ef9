"""Which version is installed, and whether it is the only one here."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from acmidm.engine.stacks import stack_of
from acmidm_onboarding import installed, recorded
from acmidm_onboarding.installed import FOLDER, VERSION, OtherVersion
from tests.support.engine import ROOT

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Have a version in a folder of packages, and no other one but those."""
    monkeypatch.setattr(sys, "path", [])
    installed._other_copy.cache_clear()

    def made(
        version: str, folder: str = "site-packages", package: Path | None = None, form: str = "dist"
    ) -> Path:
        place = tmp_path / folder
        metadata = place / f"acmidm_onboarding-{version}.{form}-info"
        metadata.mkdir(parents=True)
        name = {"dist": "METADATA", "egg": "PKG-INFO"}[form]
        (metadata / name).write_text(f"Name: acmidm-onboarding\nVersion: {version}\n")
        if package is not None:
            (place / "acmidm_onboarding").symlink_to(package, target_is_directory=True)
        sys.path.append(str(place))
        return place

    yield made
    installed._other_copy.cache_clear()


@pytest.fixture
def another(tmp_path: Path) -> Path:
    """A package that is not the one that runs."""
    folder = tmp_path / "another"
    folder.mkdir()
    return folder


def test_one_version_is_named_everywhere() -> None:
    """The package's, the distribution's, and the newest of the changelog."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (newest, *_) = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert {project["version"], newest} == {VERSION}


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        ([], None),
        (["0.1.0"], "0.1.0"),
        (["0.9.0", "0.10.0", "0.2.11"], "0.10.0"),
        (["0.1.0", "0.1"], "0.1.0"),
        (["1.0.0rc1", "0.99.99"], "1.0.0rc1"),
    ],
)
def test_the_newest_version(versions: list[str], newest: str | None) -> None:
    """Numbers are compared as numbers."""
    assert installed.newest(versions) == newest


@pytest.mark.parametrize("written", [None, VERSION, "0.0.9", "x"])
def test_what_no_later_version_wrote_is_taken(written: str | None) -> None:
    """A state says nothing of a version, or of this or an earlier one."""
    installed.require_not_older("tni", written)


def test_a_state_of_a_later_version_is_refused() -> None:
    """By the latest of the versions that its components name."""
    components = [
        {
            "urn": f"urn:pulumi:tni::acmidm::acmidm:index:Onboarding::{number}",
            "type": "acmidm:index:Onboarding",
            "outputs": {recorded.VERSION: version},
        }
        for number, version in enumerate((VERSION, "999.1.0", "0.0.9"))
    ]
    said = (
        f"version 999.1.0 of acmidm-onboarding brought tni up, and this is {VERSION}, which may"
        " misread it: install 999.1.0 or a later version, then run this again"
    )
    with pytest.raises(OtherVersion) as failure:
        recorded.require_not_older("tni", {"deployment": {"resources": components}})
    assert str(failure.value) == said


def test_sources_before_the_installed_package_are_refused(install: Install, another: Path) -> None:
    """A program imports what lies beside it first; a command that opens a stack says so too."""
    site = install("0.3.0", package=another)
    for refused in (installed.require_only, lambda: stack_of("tni")):
        with pytest.raises(OtherVersion) as failure:
            refused()
        assert str(failure.value) == (
            f"acmidm_onboarding {VERSION} is imported from {FOLDER}, while 0.3.0 is installed in"
            f" {site / 'acmidm_onboarding'}: remove one of the two, then run this again"
        )


@pytest.mark.parametrize("second", ["site-packages", "user-site"])
def test_two_versions_in_one_environment_are_refused(install: Install, second: str) -> None:
    """As an installation that was cut off leaves them, or a folder of a user's own."""
    first, other = install(VERSION, package=FOLDER), install("0.3.0", second)
    with pytest.raises(OtherVersion) as failure:
        installed.require_only()
    assert str(failure.value) == (
        f"more than one version of acmidm-onboarding is installed: {VERSION} ({first}) · 0.3.0"
        f" ({other}); run pip uninstall acmidm-onboarding until none is left, then install the one"
        " that you want"
    )


@pytest.mark.parametrize("how", ["wheel", "editable", "twice on the path", "with a build's"])
def test_one_copy_is_taken(install: Install, how: str) -> None:
    """An editable installation has no package among the others, wherever its sources are; what a
    build left in a clone is no installation."""
    place = install(VERSION, package=None if how == "editable" else FOLDER)
    if how == "twice on the path":
        sys.path.append(str(place))
    if how == "with a build's":
        install("0.0.1", "clone", form="egg")
    installed.require_only()
