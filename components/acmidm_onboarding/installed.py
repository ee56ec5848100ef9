"""Which version of this package runs, and whether it may: it is the only one that is installed
here, it is that of the command that runs the program, and no later one wrote the state.

An older version would misread what a later one wrote. Where there are two, nobody knows which one
the next run takes.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from acmidm_onboarding.texts import say
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
        raise OtherVersion(say("installed.older", stack=stack, written=written, version=VERSION))


def require_same(version: str, folder: str) -> None:
    """Refuse a command of another version than the program that it runs. Raises OtherVersion."""
    if version != VERSION:
        raise OtherVersion(
            say(
                "installed.command",
                command=version,
                place=folder,
                version=VERSION,
                folder=FOLDER,
            )
        )


def require_only() -> None:
    """Refuse two copies in one environment of Python; one that is installed as editable is none.
    Raises OtherVersion."""
    if sentence := _other_copy():
        raise OtherVersion(sentence)


@cache
def _other_copy() -> str | None:
    """Return a sentence about another copy in this environment, None where there is none."""
    from importlib.metadata import distributions  # not where nobody opens a stack

    places = dict[str, Path]()
    for distribution in distributions(name=_DISTRIBUTION):
        if distribution.read_text("METADATA") is not None:  # else it is what a build left
            places.setdefault(distribution.version, Path(str(distribution.locate_file(""))))
    if len(places) > 1:
        found = (f"{version} ({places[version]})" for version in sorted(places, key=_numbers))
        return say("installed.several", versions=" · ".join(found))
    for version, place in places.items():
        package = place / FOLDER.name
        if package.is_dir() and not package.samefile(FOLDER):
            return say(
                "installed.shadowed",
                version=VERSION,
                folder=FOLDER,
                installed=version,
                place=package,
            )
    return None


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
