"""``acmidm review``: what a change comes to, said as a reviewer thinks of it, most dangerous first."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acmidm.report.kinds import SOON_DAYS
from acmidm.terminal import Code, Output, OutputOption, as_json, fail, working

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from acmidm.report.changes import Review
    from acmidm.report.compare import Comparison
    from acmidm.report.preview import Plan
    from components.model.form import Environment

EPILOG = """
**Examples**

- `acmidm review --stack tni --stack prod`
- `acmidm review --base origin/main --output markdown`
- `pulumi preview --json > plan.json; acmidm review --plan plan.json --fail-on danger,prod:scope_granted`

**Exit codes**: 0 reviewed; 1 a change that --fail-on names; 2 wrong use; 3 the engine refuses it, or gave no whole preview.
"""


def review(
    stack: Annotated[
        list[str] | None, typer.Option(metavar="STACK", help="Preview this stack and review it; may be repeated.", show_default=False)
    ] = None,
    plan: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Review this output of pulumi preview --json instead; may be repeated.", show_default=False),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Review the forms alone, against the point where this branch left REF: no engine, no state, no credentials.",
            show_default=False,
        ),
    ] = None,
    environment: Annotated[
        list[str] | None, typer.Option(metavar="tni|prod", help="With --base: only this environment; may be repeated.", show_default=False)
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option(
            metavar="KIND[,KIND]",
            help="Exit with 1 where there is such a change: a kind, or danger, warning; prod: before it is about production alone.",
        ),
    ] = "",
    forms: Annotated[Path | None, typer.Option(help="With --base: the folder of forms.", show_default="onboardings")] = None,
    catalogue: Annotated[Path | None, typer.Option(help="With --base: the folder of the catalogue.", show_default="catalogue")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Say what a change comes to: clients, scopes, keys and products, production first, most dangerous first.

    With --stack the engine previews the change, or --plan reads what it said; with --base the forms at two Git revisions tell it
    alone. Both say the same; only the engine knows client-IDs, and what a client that is taken over has already. No secret is
    ever shown. The kinds of change, by severity, are in docs/cli.md.
    """
    matches = _matcher(fail_on)
    if sum(map(bool, (stack, plan, base))) != 1:
        fail("say what to review: either --stack, or --plan, or --base; such as: acmidm review --base origin/main")
    if base:
        found = _of_forms(base, environment or [], forms or Path("onboardings"), catalogue or Path("catalogue"))
    else:
        if environment or forms or catalogue:
            fail("--environment, --forms and --catalogue are for --base; with --stack and --plan the stack's settings say them")
        found = _of_engine(stack or [], plan or [])
    _write(found, output)
    if found.problems:
        if not sys.stdout.isatty():
            # The report went to a file: a job's log would else end without a reason.
            for problem in found.problems:
                typer.echo(f"refused: {problem}", err=True)
        raise typer.Exit(Code.UNREACHABLE)
    if matches(found):
        raise typer.Exit(Code.FOUND)


def _of_engine(stacks: Sequence[str], files: Sequence[Path]) -> Review:
    from acmidm import engine
    from acmidm.report.preview import NotAPlan, read_plan
    from acmidm.report.reviewing import review_of_plans

    plans: list[Plan] = []
    try:
        for stack in stacks:
            with working(f"previewing {stack}"):
                plans.append(read_plan(engine.preview(stack)))
        plans += [read_plan(json.loads(file.read_text("utf-8"))) for file in files]
    except engine.UnknownStack as error:
        fail(str(error))
    except engine.EngineError as error:
        fail(str(error), Code.UNREACHABLE)
    except OSError as error:
        fail(f"{error.filename} cannot be read: {error.strerror}; name the output of pulumi preview --json")
    except (NotAPlan, ValueError) as error:
        fail(str(error) if isinstance(error, NotAPlan) else "this is not JSON; make it with: pulumi preview --json > plan.json")
    return review_of_plans(plans, comparison(next((plan.catalogue_folder for plan in plans), None)))


def _of_forms(base: str, environments: Sequence[str], forms: Path, catalogue: Path) -> Review:
    from datetime import UTC, datetime

    from acmidm.report.forms import changed_catalogue, onboardings_at, protecting, states_of
    from acmidm.report.reviewing import review_of_states
    from acmidm.report.revision import UnknownRevision
    from acmidm.report.words import plain
    from components.model.loading import load_onboardings
    from components.model.problems import InvalidForms
    from components.settings import InvalidSettings, profiles

    wanted = _environments(environments)
    try:
        held = profiles(Path())
        with working(f"reading the forms here and at {base}"):
            # The policies are held against what is asked now, as the engine's program does: what was is no mistake any more.
            before, protected_before, left_out = onboardings_at(base, forms, catalogue)
            after, protected = load_onboardings([forms], catalogue, held), protecting(Path())
    except (UnknownRevision, InvalidForms, InvalidSettings) as error:
        fail(str(error))
    now = datetime.now(UTC)
    old = states_of(before, wanted, protected_before, held, now)
    new = states_of(after, wanted, protected, held, now)
    found = review_of_states(old, new, wanted, comparison(str(catalogue)))
    found = found.model_copy(update={"notes": changed_catalogue(before.catalogue, after.catalogue)})
    if not left_out:
        return found
    for file in left_out:
        typer.echo(plain(f"{file} was no valid form at {base}: all that it asks shows as new", 500), err=True)
    said = "form was not valid before: all that it asks" if len(left_out) == 1 else "forms were not valid before: all that they ask"
    return found.model_copy(update={"headline": f"{found.headline}; {len(left_out):,} {said} shows as new"})


def comparison(catalogue: str | None, *, days: int | None = SOON_DAYS, by_hand: bool = False) -> Comparison:
    """A comparison of today, with what the catalogue knows of each scope; with nothing of it where it cannot be read."""
    from datetime import UTC, datetime

    from acmidm.report.compare import Comparison, scope_facts
    from components.model.loading import load_catalogue
    from components.model.problems import InvalidForms

    try:
        facts = scope_facts(load_catalogue(Path(catalogue or "catalogue")))
    except InvalidForms:
        facts = {}
    return Comparison(datetime.now(UTC), facts, expiring_days=days, by_hand=by_hand)


def _environments(names: Sequence[str]) -> list[Environment]:
    from components.model.form import Environment

    unknown = [name for name in names if name not in list(Environment)]
    if unknown:
        fail(f'environment "{unknown[0]}" is not known; use tni or prod')
    return [Environment(name) for name in names] or list(Environment)


def _matcher(fail_on: str) -> Callable[[Review], bool]:
    """Whether a review holds what ``--fail-on`` names; fails on names that mean nothing, which would never stop anything."""
    from acmidm.report.kinds import Kind, Severity
    from components.model.problems import did_you_mean, listed

    wanted: list[tuple[str, str]] = []
    known = [*Severity, *Kind]
    for words in filter(None, (part.strip() for part in fail_on.split(","))):
        environment, _, name = words.rpartition(":")
        if environment not in ("", "tni", "prod"):
            fail(f'--fail-on: environment "{environment}" is not known; use tni: or prod:')
        if name not in known:
            fail(f'--fail-on: "{name}" is no kind of change; {did_you_mean(name, known, f"use {listed(known)}")}')
        wanted.append((environment, name))
    if fail_on and not wanted:
        fail(f"--fail-on names no kind of change; use {listed(known)}")

    def matches(review: Review) -> bool:
        return any(
            environment in ("", connection.environment) and name in (change.kind, change.severity)
            for connection in review.connections
            for change in connection.changes
            for environment, name in wanted
        )

    return matches


def _write(review: Review, output: Output) -> None:
    match output:
        case Output.JSON:
            typer.echo(as_json(review))
        case Output.MARKDOWN:
            from acmidm.report.markdown import review_as_markdown

            typer.echo(review_as_markdown(review), nl=False)
        case Output.HTML:
            from acmidm.report.html import review_as_html

            typer.echo(review_as_html(review), nl=False)
        case Output.TEXT:
            from acmidm.report.text import print_review

            print_review(review)
