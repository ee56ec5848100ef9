"""Move connections to the stack that takes their organisation by now: no client is made anew, and
nobody is mailed."""

from __future__ import annotations

from typing import Annotated

import typer

from acmidm.engine import pulumi as engine
from acmidm.engine.moving import with_connections, without_connections
from acmidm.engine.recovery import recover
from acmidm.engine.stacks import stack_of
from acmidm.terminal import fail, working
from acmidm_onboarding.engine_resources import Resource, kind_of, name_of, resources_in
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import say, say_counted

EPILOG = """
**Examples**

- `acmidm move stad-gent --from tni-a --to tni-b`
- `acmidm move OVO002067/mijn-gent --from tni-a --to tni-b`

**Exit codes**: 0 moved, or moved before; 1 a run is at work on one of the stacks; 2 wrong use, or
the settings say otherwise; 3 the engine cannot be reached.
"""


def move(
    what: Annotated[
        str,
        typer.Argument(
            metavar="CONNECTION|ORGANISATION",
            help=(
                "A connection, such as OVO002067/mijn-gent, or all of an organisation, by its"
                " folder or code."
            ),
        ),
    ],
    source: Annotated[
        str,
        typer.Option(
            "--from", metavar="STACK", help="The stack that has them, and leaves them out by now."
        ),
    ],
    destination: Annotated[
        str, typer.Option("--to", metavar="STACK", help="The stack that takes them by now.")
    ],
) -> None:
    """Move connections to the stack that takes their organisation by now: no client is made anew,
    and nobody is mailed.

    First change acmidm:organisations of both stacks. The next acmidm deploy of the destination puts
    its mark on each client. Where this is cut off, run the same command again.
    """
    here, there = stack_of(source), stack_of(destination)
    one, other = (
        (
            settings.environment,
            settings.forms_folder,
            [platform.issuer for platform in settings.platforms.values()],
        )
        for settings in (here.settings, there.settings)
    )
    if one != other:
        fail(say("move.apart", source=source, destination=destination))
    for stack in (here, there):
        stack.forms.valid()
        recover(stack)
    keys = _keys(what, here)
    if not keys:
        if _keys(what, there):
            typer.echo(say("move.done", what=what, destination=destination))
            return
        fail(say("move.nothing", what=what, source=source))
    for key in keys:
        if not here.is_of_another(key):
            fail(say("move.kept", key=key, source=source))
        if there.is_of_another(key):
            fail(say("move.not_taken", key=key, destination=destination))
    names = (source.rpartition("/")[2], destination.rpartition("/")[2])
    with working(say("move.moving", source=source, destination=destination)):
        state = engine.decrypted_deployment(source)
        engine.store_deployment(destination, with_connections(there.state, state, keys, names))
        engine.store_deployment(source, without_connections(here.state, keys))
    typer.echo(say_counted("move.moved", len(keys), destination=destination))


def _keys(what: str, stack: Stack) -> list[str]:
    """Return the keys of the connections that the state of a stack has under a name."""
    organisation = stack.forms.organisations.get(what)
    codes = {what, *((organisation.code, *organisation.formerly) if organisation else ())}
    keys = map(
        name_of,
        filter(lambda each: kind_of(each) == Resource.ONBOARDING, resources_in(stack.state)),
    )
    return sorted(key for key in keys if not codes.isdisjoint((key, key.partition("/")[0])))
