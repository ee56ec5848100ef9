"""``acmidm deploy``: brings a stack up with nobody at the screen, also after a run that was cut off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from acmidm import engine
from acmidm.terminal import counted, fail, working

EPILOG = """
**Examples**

- `acmidm deploy --stack tni`
- `acmidm deploy --stack prod --allow-mass-change`

**Exit codes**: 0 all is as declared; 1 another run has the lock, or too much would be removed; 2 wrong use; 3 the engine cannot be
reached; 130 interrupted; any other is the engine's own: something was refused or failed.
"""

MOST_CHANGED = 0.3
"""The part of a stack's clients that one run removes or replaces without ``--allow-mass-change``."""
FEWEST_CLIENTS = 10
"""Below this number a part says nothing."""

_CLIENT_TYPE = "acmidm:OAuthClient"
_PASSWORD_TYPE = "random:index/randomPassword:RandomPassword"
_REPLACING = frozenset({"replace", "create-replacement", "delete-replaced"})
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
    from acmidm.recovery import recover
    from acmidm.report.preview import problems_in

    recovered = recover(stack)
    _install_random_plugin(stack, recovered.resources)
    with working(f"previewing {stack}"):
        plan = engine.preview(stack)
    refused = problems_in(plan.get("diagnostics"))
    for sentence in refused:
        typer.echo(f"refused: {sentence}", err=True)
    steps: Sequence[Mapping[str, Any]] = plan.get("steps") or ()
    if refused and not any(_is_client(step) for step in steps):
        fail(f"nothing of {stack} was brought up: correct what is refused, then run the same command again", 1)
    if not allow_mass_change:
        _refuse_mass_change(stack, recovered.resources, steps)
    code = _look(stack) if recovered.look_first else 0
    renew()
    code = engine.run("up", "--stack", stack, "--continue-on-error", *_UNATTENDED) or code
    if code != 0:
        fail(f"Not all of {stack} was brought up. What went wrong is above: correct it, then run the same command again.", code)


def _look(stack: str) -> int:
    """Bring the state in line with the authorities, as far as they can be reached; the engine's exit code."""
    from acmidm.github.identity import renew
    from acmidm.recovery import LOOK_TAG

    typer.echo(f"the last run on {stack} did not end well: this one looks at the authorities first", err=True)
    # By itself: with `up --refresh --run-program` the engine (3.274) waits for ever once a client fails whose scopes it was to refresh.
    # With the program's settings, for those of the run that was cut off may have been wrong.
    renew()
    code = engine.run("refresh", "--stack", stack, "--run-program", *_UNATTENDED)
    if code == 0:
        engine.remove_tag(stack, LOOK_TAG)
        return 0
    # One platform that is down holds up nobody on the other. What was not looked at, `up` cannot harm: it overwrites and removes
    # only what bears its own key, and takes over what it was to make.
    typer.echo("Not everything could be looked at, see above. The rest is brought up all the same, and the next run looks again.", err=True)
    return code


def _install_random_plugin(stack: str, resources: Iterable[Mapping[str, Any]]) -> None:
    """Where a form has a client secret, which the plugin makes, or the state has one: removing it takes the plugin too."""
    if not any(resource["type"] == _PASSWORD_TYPE for resource in resources) and not _declares_secret(stack):
        return
    from toolchain.common import ToolchainError
    from toolchain.install_random import install

    try:
        install()
    except ToolchainError as error:
        raise engine.EngineError(str(error)) from None


def _declares_secret(stack: str) -> bool:
    """Whether a form of the stack has a client secret. Forms with mistakes have none: the preview says what they are."""
    from components.model.loading import load_onboardings
    from components.model.problems import InvalidForms
    from components.settings import InvalidSettings, stack_settings

    try:
        settings = stack_settings(stack, Path())
        onboardings = load_onboardings([settings.forms_folder], settings.catalogue_folder)
    except (InvalidForms, InvalidSettings):
        return False
    return any(connection.uses_secret for connection in onboardings.connections(settings.environment))


def changed_clients(resources: Iterable[Mapping[str, Any]], steps: Iterable[Mapping[str, Any]]) -> tuple[list[str], int]:
    """The clients of a state that a preview removes or replaces, by name, and how many there are.

    ``resources`` are the state's. A client without a step is removed: a preview that ends in a refusal shows no removals.
    """
    recorded = {resource["urn"] for resource in resources if str(resource["type"]).endswith(_CLIENT_TYPE) and not resource.get("delete")}
    replaced, kept = set(), set()
    for step in filter(_is_client, steps):
        urn = (step.get("oldState") or {}).get("urn") or step["urn"]  # an alias has another one in the state
        if step["op"] in _REPLACING:
            replaced.add(urn)
        elif step["op"] != "delete":
            kept.add(urn)
    changed = recorded & replaced | (recorded - kept)
    return sorted(urn.rpartition("::")[2] for urn in changed), len(recorded)


def _refuse_mass_change(stack: str, resources: Iterable[Mapping[str, Any]], steps: Iterable[Mapping[str, Any]]) -> None:
    changed, clients = changed_clients(resources, steps)
    if clients >= FEWEST_CLIENTS and len(changed) > MOST_CHANGED * clients:
        fail(
            f"{len(changed)} of {counted(clients, 'client')} of {stack} would be removed or replaced: {', '.join(changed)}; "
            "see whether that is meant, then run the same command with --allow-mass-change",
            1,
        )


def _is_client(step: Mapping[str, Any]) -> bool:
    state = step.get("newState") or step.get("oldState") or {}
    return str(state.get("type", "")).endswith(_CLIENT_TYPE)
