"""Which version of this package runs, and whether it may: it is the only one that is installed
here, it is that of the command that runs the program, and no later one wrote the state.

An older version would misread what a later one wrote. Where there are two, nobody knows which one
the next run takes.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from acmidm_onboarding.values.problems import Failure

VERSION = "0.1.0"
"""That of ``pyproject.toml``. The metadata of a distribution may be that of another copy."""
FOLDER = Path(__file__).parent
"""Where this package is imported from."""
_DISTRIBUTION = "acmidm-onboarding"


class OtherVersion(Failure):
    """A version of this package that must not go on here, and why."""


def newest(versions: list[str]) -> str | None:
    """Return the latest of some versions, such as ``0.2.0``; None of none."""
    return max(versions, key=_numbers, default=None)


def require_not_older(stack: str, written: str | None) -> None:
    """Refuse a state that a later version has ``written``; None is a version that did not say so
    yet. Raises OtherVersion."""
    if written is not None and _numbers(written) > _numbers(VERSION):
        raise OtherVersion(
            f"version {written} of acmidm-onboarding brought {stack} up, and this is {VERSION},"
            f" which may misread it: install {written} or a later version, then run this again"
        )


def require_same(version: str, folder: str) -> None:
    """Refuse a command of another version than the program that it runs. Raises OtherVersion."""
    if version != VERSION:
        raise OtherVersion(
            f"the command acmidm is version {version} ({folder}), and the program imports version"
            f" {VERSION} ({FOLDER}): install the same version for both, then run this again"
        )


def require_only() -> None:
    """Refuse two copies in one environment of Python; one that is installed as editable is none.
    Raises OtherVersion."""
    if sentence := _other_copy():
        raise OtherVersion(sentence)


@cache
def _other_copy() -> str | None:
    """Return why this environment of Python has more than one copy of the package, and what to do;
    None where it has one."""
    from importlib.metadata import distributions  # not where nobody opens a stack

    places = dict[str, Path]()
    for distribution in distributions(name=_DISTRIBUTION):
        if distribution.read_text("METADATA") is not None:  # else it is what a build left
            places.setdefault(distribution.version, Path(str(distribution.locate_file(""))))
    if len(places) > 1:
        found = (f"{version} ({places[version]})" for version in sorted(places, key=_numbers))
        return (
            f"more than one version of acmidm-onboarding is installed: {' · '.join(found)}; run pip"
            " uninstall acmidm-onboarding until none is left, then install the one that you want"
        )
    for version, place in places.items():
        package = place / FOLDER.name
        if package.is_dir() and not package.samefile(FOLDER):
            return (
                f"acmidm_onboarding {VERSION} is imported from {FOLDER}, while {version} is"
                f" installed in {package}: remove one of the two, then run this again"
            )
    return None


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
