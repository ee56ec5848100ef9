"""``acmidm deploy``: brings a stack up with nobody at the screen, also after a run that was cut off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acmidm import engine
from acmidm.terminal import Code, fail, working

if TYPE_CHECKING:
    from acmidm_onboarding.model.connection import Connection

EPILOG = """
**Examples**

- `acmidm deploy --stack tni`
- `acmidm deploy --stack prod --allow-mass-change`

**Exit codes**: 0 all is as declared; 1 a form has mistakes, another run has the lock, or too much would be removed; 2 wrong use; 3 the
engine cannot be reached; 130 interrupted; any other is the engine's own: something was refused or failed.
"""

_PASSWORD_TYPE = "random:index/randomPassword:RandomPassword"
_FOUND_AGAIN = re.compile(rf"pulumi:.+|acmidm:index:\w+|pulumi-python:dynamic/acmidm:\w+|{_PASSWORD_TYPE}")
"""The types of what a run that was killed may leave without a trace in the state.

The next run takes it over, or makes another secret for a client.
"""
_UNATTENDED = ("--yes", "--skip-preview", "--suppress-outputs")


def deploy(
    stack: Annotated[str, typer.Option(metavar="STACK", help="The stack, as in Pulumi.STACK.yaml.")] = "tni",
    allow_mass_change: Annotated[
        bool, typer.Option("--allow-mass-change", help="Also where more than 30% of ten or more clients are removed or replaced.")
    ] = False,
) -> None:
    """Bring a stack up: what was left of a run that was cut off is cleared, refusals are shown first, and nobody holds up the others.

    Needs nobody at the screen. One organisation's trouble, or a platform's that is down, fails the command and stops nothing else.
    """
    from acmidm.github.identity import renew
    from acmidm.recovery import LOOK_TAG, recover

    recovered = recover(stack)
    connections = _connections(stack)
    _install_random_plugin(connections, recovered.state)
    with working(f"previewing {stack}"):
        previewed = engine.preview(stack)
    _refuse(stack, previewed, recovered.state, connections, allow_mass_change)
    types = {_type_in(one["urn"]) for one in (*(previewed.get("steps") or ()), *_resources(recovered.state))}
    at_the_end = all(map(_FOUND_AGAIN.fullmatch, types)) and not _renews_a_secret(previewed.get("steps") or ())
    looked = _look(stack, renames=_renames(connections, recovered.state)) if recovered.look_first else 0
    renew()
    if at_the_end and not recovered.look_first:
        engine.set_tag(stack, LOOK_TAG, "true")  # the one trace of a run that is killed
    ended = engine.run("up", "--stack", stack, "--continue-on-error", *_UNATTENDED, state_at_the_end=at_the_end)
    was_killed = ended < 0
    if looked == 0 and not was_killed and (at_the_end or recovered.look_first):
        engine.remove_tag(stack, LOOK_TAG)
    if code := ended or looked:
        fail(f"Not all of {stack} was brought up. What went wrong is above: correct it, then run the same command again.", code)


def _refuse(
    stack: str, previewed: Mapping[str, Any], state: Mapping[str, Any], connections: Iterable[Connection], allow_mass_change: bool
) -> None:
    """Show what a preview refuses, and what its keys break. End the command where too much would be removed, or nothing is left."""
    from datetime import UTC, datetime

    from acmidm.report.compare import Comparison
    from acmidm.report.kinds import Resource
    from acmidm.report.plan import kind_of, read_plan
    from acmidm.report.review import review_of
    from acmidm.rotations import warnings, with_keys

    if any(kind_of(step) == Resource.ONBOARDING for step in previewed.get("steps") or ()):
        today = Comparison(datetime.now(UTC), {})
        plan = with_keys(read_plan(previewed, state), connections, stack)
        review = review_of([plan], today, allow_mass_change=allow_mass_change)
        for warning in warnings(review):
            typer.echo(f"warning: {warning}", err=True)
        refused, ends = review.problems, review.too_many
    else:
        refused, _ = engine.problems_in(previewed.get("diagnostics"))
        ends = (f"nothing of {stack} is brought up: correct what is refused, then run the same command again",) if refused else ()
    for sentence in refused:
        typer.echo(f"refused: {sentence}", err=True)
    if ends:
        fail("\n".join(ends), Code.FOUND)


def _look(stack: str, *, renames: bool) -> int:
    """Bring the state in line with the authorities, as far as they can be reached; the engine's exit code."""
    from acmidm.github.identity import renew

    typer.echo(f"the last run on {stack} did not end well: this one looks at the authorities first", err=True)
    # By itself: with `up --refresh --run-program` the engine (3.274) waits for ever once a client fails whose scopes it was to refresh.
    # With the program's settings, for those of the run that was cut off may have been wrong; but not while an alias waits to be
    # applied, at which the engine panics then ("had not been marked as seen"), and leaves its lock.
    renew()
    code = engine.run("refresh", "--stack", stack, *(() if renames else ("--run-program",)), *_UNATTENDED, state_at_the_end=True)
    if code == 0:
        return 0
    # One platform that is down holds up nobody on the other. What was not looked at, `up` cannot harm: it overwrites and removes
    # only what bears its own key, and takes over what it was to make.
    typer.echo("Not everything could be looked at, see above. The rest is brought up all the same, and the next run looks again.", err=True)
    return code


def _renames(connections: Iterable[Connection], state: Mapping[str, Any]) -> bool:
    """Whether a connection is in the state under an earlier key still."""
    recorded = {resource["urn"].rpartition("::")[2] for resource in _resources(state)}
    return any(former in recorded for connection in connections for former in connection.formerly)


def _renews_a_secret(steps: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a client that is in use gets another secret: the state has to know it before an authority does, or nobody would."""
    made = {_name_in(step["urn"]) for step in steps if _type_in(step["urn"]) == _PASSWORD_TYPE and step.get("op") in ("create", "replace")}
    return any(step.get("op") == "update" and _name_in(step["urn"]) in made for step in steps)


def _name_in(urn: str) -> str:
    return urn.rpartition("::")[2]


def _type_in(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _resources(state: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return (state.get("deployment") or {}).get("resources") or ()


def _install_random_plugin(connections: Iterable[Connection], state: Mapping[str, Any]) -> None:
    """Where a form has a client secret, which the plugin makes, or the state has one: removing it takes the plugin too."""
    has_secret = any(resource["type"] == _PASSWORD_TYPE for resource in _resources(state))
    if not has_secret and not any(connection.uses_secret for connection in connections):
        return
    from toolchain.common import ToolchainError
    from toolchain.install_random import install

    try:
        install()
    except ToolchainError as error:
        raise engine.EngineError(str(error)) from None


def _connections(stack: str) -> list[Connection]:
    """What the forms of the stack declare. Forms with mistakes declare nothing: the preview says what they are."""
    from acmidm_onboarding.model.loading import load_onboardings
    from acmidm_onboarding.model.problems import InvalidForms
    from acmidm_onboarding.settings import InvalidSettings, stack_settings

    try:
        settings = stack_settings(stack, Path())
        return load_onboardings([settings.forms_folder], settings.catalogue_folder).connections(settings.environment)
    except (InvalidForms, InvalidSettings):
        return []
