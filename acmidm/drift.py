"""``acmidm drift``: whether what is real is what is declared, without writing anything; and the repair, on request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from acmidm.report.kinds import SOON_DAYS
from acmidm.review import comparison
from acmidm.terminal import Code, Output, OutputOption, as_json, counted, fail, working

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from acmidm.report.changes import ConnectionChanges
    from acmidm.report.drifting import Drift
    from acmidm.report.preview import Plan
    from acmidm.undeclared import Declared, UndeclaredClient
    from components.authorities.connected import Connected
    from components.model.connection import Connection

EPILOG = """
**Examples**

- `acmidm drift --stack prod`
- `acmidm drift --stack prod --days 60 --output markdown`
- `acmidm drift --stack tni --heal`

**Exit codes**: 0 in sync; 1 differs; 2 wrong use; 3 an authority or the engine cannot be reached.
Keys that end soon and clients that nobody declares are listed, and count as differing with --strict only.
"""


def drift(
    stack: Annotated[str, typer.Option(metavar="STACK", help="The stack, as in Pulumi.STACK.yaml.")] = "tni",
    days: Annotated[int, typer.Option(min=0, help="List the keys that end within this many days.")] = SOON_DAYS,
    heal: Annotated[bool, typer.Option("--heal", help="Repair what was changed by hand, and nothing else; then look again.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Also exit with 1 for keys that end soon and for clients that nobody declares.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Compare what is declared with what the authorities have, and say what was changed by hand, by whom and when.

    Nothing is written, unless --heal asks for it. What a form asks and no `pulumi up` has done yet is told apart from what
    somebody did by hand.
    """
    found = _looked(stack, days)
    if heal and found.report.by_hand:
        found = _healed(stack, days, found)
    _write(found.report, output)
    counts = not found.report.in_sync or (strict and (found.report.expiring or found.report.unmanaged))
    raise typer.Exit(Code.FOUND if counts else Code.WELL)


@dataclass(frozen=True)
class _Found:
    report: Drift
    plan: Plan


def _looked(stack: str, days: int) -> _Found:
    """One look at the authorities."""
    from acmidm import engine
    from acmidm.report.drifting import changed_by_hand, drift_of, expiring_keys, not_applied
    from acmidm.report.preview import PROTECTED, NotAPlan, read_plan
    from acmidm.report.untold import untold
    from acmidm.undeclared import Declared

    connections = _declared(stack)
    declared = Declared.by(connections)
    _reach(stack, {product for connection in connections for product in connection.products})
    try:
        with working(f"comparing {stack} with what its authorities have"):
            plan = read_plan(engine.preview(stack, refresh=True))
    except engine.UnknownStack as error:
        fail(str(error))
    except (engine.EngineError, NotAPlan) as error:
        fail(str(error), Code.UNREACHABLE)
    if not all(problem.endswith(PROTECTED) for problem in plan.problems):
        for problem in plan.problems:
            typer.echo(problem, err=True)
        fail(_NOT_COMPARED.format(stack), Code.UNREACHABLE)
    now = datetime.now(UTC)
    by_hand = changed_by_hand(plan, comparison(plan.catalogue_folder, days=None, by_hand=True))
    asked = comparison(plan.catalogue_folder, days=None)
    waiting = not_applied(plan, asked)
    waiting += untold(plan, [*by_hand, *waiting], asked)
    with working("asking who changed it, and which clients nobody declares"):
        by_hand, unmanaged, notes = _asked(stack, plan, by_hand, declared)
    keys = expiring_keys({**plan.existing, **plan.real}, now, days)
    report = drift_of(stack, plan, by_hand, waiting, now, expiring=keys, unmanaged=unmanaged, notes=notes)
    return _Found(report, plan)


_NOT_COMPARED = "stack {} could not be compared: its authorities were not all asked"


def _declared(stack: str) -> list[Connection]:
    """Settings and forms first: what is wrong with them is told as such, before any authority is asked."""
    from pathlib import Path

    from components.model.loading import load_onboardings
    from components.model.problems import InvalidForms
    from components.settings import InvalidSettings, stack_settings

    try:
        settings = stack_settings(stack, Path())
        onboardings = load_onboardings([settings.forms_folder], settings.catalogue_folder)
    except (InvalidSettings, InvalidForms) as error:
        fail(str(error))
    return onboardings.connections(settings.environment)


def _reach(stack: str, products: Collection[str]) -> None:
    """Ends the command where an authority is down: the engine would try for as long as the settings say, once per process."""
    from acmidm.connecting import unreachable
    from acmidm.engine import EngineError, UnknownStack
    from components.model.problems import InvalidForms
    from components.settings import InvalidSettings

    try:
        reasons = list(unreachable(stack, products))
    except (InvalidSettings, InvalidForms, UnknownStack) as error:
        fail(str(error))
    except EngineError as error:
        fail(str(error), Code.UNREACHABLE)
    for reason in reasons:
        typer.echo(reason, err=True)
    if reasons:
        fail(_NOT_COMPARED.format(stack), Code.UNREACHABLE)


def _asked(
    stack: str, plan: Plan, by_hand: Iterable[ConnectionChanges], declared: Declared
) -> tuple[list[ConnectionChanges], tuple[UndeclaredClient, ...], tuple[str, ...]]:
    """What only the authorities themselves tell: who made each change, and which clients nobody declares."""
    from acmidm.connecting import authorities_of
    from acmidm.engine import EngineError
    from components.authorities.errors import AuthorityError
    from components.model.problems import InvalidForms
    from components.settings import InvalidSettings

    changes = list(by_hand)
    try:
        platforms = authorities_of(stack)
        return (
            [_attributed(one, platforms) for one in changes],
            _undeclared(platforms, plan, declared),
            (),
        )
    except (AuthorityError, EngineError, InvalidSettings, InvalidForms) as error:
        return changes, (), (f"who made the changes, and clients that nobody declares, could not be asked: {error}",)


def _attributed(connection: ConnectionChanges, platforms: Connected) -> ConnectionChanges:
    from acmidm.report.authorship import attributed
    from components.authorities.port import Audited

    authority = platforms[connection.platform].authority
    if connection.client_id is None or not isinstance(authority, Audited):
        return connection
    return attributed(connection, authority.recorded_changes(connection.client_id))


def _undeclared(platforms: Connected, plan: Plan, declared: Declared) -> tuple[UndeclaredClient, ...]:
    """The clients that neither a form declares nor the stack has; one that the stack has is about to be removed, and told of as such."""
    from acmidm.undeclared import clients_of, undeclared

    known = {state.client_id for states in (plan.existing, plan.recorded, plan.real) for state in states.values()}
    return tuple(
        undeclared(platform, snapshot.client)
        for platform, snapshot in clients_of(platforms)
        if snapshot.client.client_id not in known and not declared.has(platform, snapshot.client)
    )


def _healed(stack: str, days: int, before: _Found) -> _Found:
    """Repairs what was changed by hand, and looks again."""
    from acmidm import engine
    from acmidm.report.drifting import urns_to_heal
    from acmidm.report.preview import sentences_in

    urns = urns_to_heal(before.plan, before.report.by_hand)
    try:
        with working(f"repairing {counted(len(urns), 'resource')} of {stack}"):
            well, said = engine.up(stack, urns)
    except engine.EngineError as error:
        fail(str(error), Code.UNREACHABLE)
    after = _looked(stack, days)
    problems = () if well else sentences_in(said)
    report = after.report.model_copy(
        update={
            "healed": well and not after.report.by_hand,
            "repaired": before.report.by_hand,
            "problems": (*after.report.problems, *problems),
        }
    )
    return _Found(report, after.plan)


def _write(report: Drift, output: Output) -> None:
    match output:
        case Output.JSON:
            typer.echo(as_json(report))
        case Output.MARKDOWN:
            from acmidm.report.drift_markdown import drift_as_markdown

            typer.echo(drift_as_markdown(report), nl=False)
        case Output.HTML:
            from acmidm.report.html import drift_as_html

            typer.echo(drift_as_html(report), nl=False)
        case Output.TEXT:
            from acmidm.report.drift_text import print_drift

            print_drift(report)
