"""Show what a change does to clients, scopes, keys and products, production first, most dangerous
first."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from acmidm import completion
from acmidm.git import Tree, is_dirty, merged, read_together, uncommitted
from acmidm.render.output import write_report
from acmidm.report.approved import save_review
from acmidm.report.approvers import Approvers, approvers_before
from acmidm.report.codeowners import PROJECT_FILE, onboarding_team
from acmidm.report.compare import Comparison
from acmidm.report.contacts import domains
from acmidm.report.former_secrets import former_secrets
from acmidm.report.kinds import Kind, Severity
from acmidm.report.plan import Plan
from acmidm.report.planned import Planned, read_plans
from acmidm.report.review import Review, changed_keys, review_of
from acmidm.report.revisions.files import submodules
from acmidm.report.revisions.forms import (
    changed_mandates,
    earlier_revision,
    notes_between,
    plan_between,
    removed_invalid_forms,
    revision,
)
from acmidm.report.revisions.other_changes import changes_elsewhere, confirmed_with_forms
from acmidm.report.revisions.stacks import setting_in, stacks_of
from acmidm.report.rights import warn_of_missing_rights
from acmidm.terminal import Code, Output, OutputOption, each_once, fail, working
from acmidm.words import plain
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.files import FORMS
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.texts import ntr, tr
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import InvalidForms, did_you_mean, listed
from acmidm_onboarding.values.terms import Environment, Platform

EPILOG = """
**Examples**

- `acmidm review`
- `acmidm review --stack tni --stack prod`
- `acmidm review --stack prod --save approved.json`
- `acmidm review --base origin/main --output markdown`
- `acmidm review --base main --head refs/pull/7/head`
- `pulumi preview --json --show-sames > plan.json; acmidm review --plan plan.json \
--fail-on danger,prod:scope_granted`

**Exit codes**: 0 reviewed; 1 something is refused and held back, a change that --fail-on names, or
too many clients that go; 2 wrong use; 3 the engine gave no whole preview.
"""


def review(
    stack: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STACK",
            help="Preview this stack and review it; may be repeated.",
            show_default=False,
            callback=each_once,
            autocompletion=completion.stacks,
        ),
    ] = None,
    plan: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Review this output of pulumi preview --json instead; may be repeated.",
            show_default=False,
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Review what is committed alone, as merged into REF.",
            show_default=False,
        ),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="With --base: the revision that is reviewed; nothing of it runs.",
            show_default="HEAD",
        ),
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option(
            metavar="tni|prod",
            help="Without --stack and --plan: only this environment; may be repeated.",
            show_default=False,
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=(
                "With one --stack: also save what was reviewed, and what the authority has of it,"
                " for acmidm deploy --approved."
            ),
            show_default=False,
        ),
    ] = None,
    fail_on: Annotated[
        str,
        typer.Option(
            metavar="KIND[,KIND]",
            help=(
                "Exit with 1 where there is such a change: a kind, or danger, warning; prod: before"
                " it is about production alone."
            ),
        ),
    ] = "",
    allow_mass_change: Annotated[
        bool,
        typer.Option(
            "--allow-mass-change",
            help="Also where more than 30% of ten or more clients are removed or replaced.",
        ),
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what a change does to clients, scopes, keys and products, production first, most
    dangerous first.

    Without options what is not committed yet is compared with what is: no engine, no state, no
    credentials. With --base two Git revisions are compared; with --stack the engine previews the
    change, or --plan reads what it wrote. All show the same of clients. Only the engine knows
    client-IDs, and what a client that is taken over has already; only Git knows what changes
    beside the clients, such as settings and code. No secret is ever shown. The kinds of change are
    in docs/cli.md.
    """
    has_named_change = _condition_of(fail_on)
    _require_one_source(stack, plan, base, save)
    if stack or plan:
        if environment or head:
            fail(
                tr(
                    "--head and --environment are for reviews of Git; with --stack and --plan the"
                    " stack's settings have them"
                )
            )
        plans, approved = read_plans(stack or [], plan or [], save=save is not None)
        report = _review_of_plans(plans, allow_mass_change=allow_mass_change)
    else:
        environments = _environments(environment or [])
        with _revisions(base, head) as (before, after):
            report = review_between(
                before, after, environments, allow_mass_change=allow_mass_change
            )
        if base and head is None and is_dirty():
            typer.echo(tr("what is not committed is not reviewed"), err=True)
    write_report(report, output)
    if report.refusals and not sys.stdout.isatty():
        # The report went to a file: a job's log would else end without a reason.
        for refusal in report.refusals:
            typer.echo(tr("refused: {refusal}", refusal=refusal), err=True)
    if not report.is_known:
        raise typer.Exit(Code.UNREACHABLE)
    if save and not report.too_many:
        save_review(approved[0], save)
    if report.refusals or has_named_change(report):
        raise typer.Exit(Code.FOUND)


def _require_one_source(
    stack: Sequence[str] | None, plan: Sequence[Path] | None, base: str | None, save: Path | None
) -> None:
    """End the command where its options name two sources of a review, or save one that is not of
    one stack."""
    if sum(map(bool, (stack, plan, base))) > 1:
        fail(
            tr(
                "choose what to review: --stack, or --plan, or --base, or none of them for what is"
                " not committed"
            )
        )
    if save and len(stack or ()) != 1:
        fail(tr("--save is for one --stack: what is approved runs on one"))


def _settings_in(config: Mapping[str, object]) -> dict[str, object]:
    """Return the settings in the configuration of a stack, by their names without a namespace where
    that is acmidm."""
    return {setting_in(key): value for key, value in config.items()}


def _review_of_plans(plans: Sequence[Planned], *, allow_mass_change: bool) -> Review:
    """Return the review of what the engine plans, one plan a stack. Warn of organisations whose new
    clients wait for a key that nobody there has the right to upload."""
    engine_plans = [planned.plan for planned in plans]
    configs = [plan.config for plan in engine_plans]
    catalogue_folder = configs[0].get("acmidm:catalogueFolder") if configs else None
    forms_here = [planned.forms for planned in plans]
    today = replace(
        comparison(str(catalogue_folder or own_catalogue())),
        former_secrets=former_secrets(map(_settings_in, configs)),
        domains=domains(forms_here, _clients_before(engine_plans)),
    )
    report = review_of(
        engine_plans,
        today,
        approvers=_approvers_by(forms_here),
        allow_mass_change=allow_mass_change,
    )
    for planned in plans:
        _warn_of_missing_rights(planned)
    return report


def _clients_before(plans: Iterable[Plan]) -> Iterator[Client]:
    """Yield the clients as they are before the changes of some plans."""
    for plan in plans:
        yield from plan.before.values()


def _approvers_by(forms_here: Sequence[Onboardings]) -> Approvers:
    """Return who decides about changes, by the forms and the catalogue that are checked out: a plan
    of the engine does not say what was before."""
    organisations: dict[str, Organisation] = {}
    for forms in forms_here:
        organisations.update(forms.organisations)
    catalogue = forms_here[0].catalogue if forms_here else Catalogue({})
    return Approvers(catalogue, organisations, onboarding_team())


def _warn_of_missing_rights(planned: Planned) -> None:
    """Warn of new clients whose organisation uploads its keys in the portal while nobody there has
    the right to. A plan out of a file has no stack to ask: then there is no warning."""
    plan, stack = planned.plan, planned.stack
    new = (client for client_key, client in plan.after.items() if client_key not in plan.before)
    awaiting_keys = {client.client_key[:2] for client in new if client.keys.declared is None}
    if awaiting_keys and stack is not None:
        connections = stack.forms.connections
        warn_of_missing_rights(
            stack, [form for form in connections if (form.key, form.platform) in awaiting_keys]
        )


@contextmanager
def _revisions(base: str | None, head: str | None) -> Iterator[tuple[Tree, Tree]]:
    """Yield what was before and what is reviewed: with ``base`` two revisions, else what is checked
    out and the working tree. End the command where ``head`` is given alone."""
    if base:
        yield merged(base, head or "HEAD")
    elif head:
        fail(tr("--head is for --base; name both, as in acmidm review --base main --head HEAD"))
    else:
        with uncommitted() as revisions:
            yield revisions


def review_between(
    before: Tree, after: Tree, environments: Sequence[Environment], *, allow_mass_change: bool
) -> Review:
    """Return the review of what a change in Git makes of the clients in some environments. A
    warning names each form that was not valid before. Raises InvalidForms for mistakes of what is
    reviewed."""
    now = datetime.now(UTC)
    with working(tr("reading {base} and {head}", base=before.name, head=after.name)):
        read_together(before, after, _is_usually_read)
        # A change chooses neither the folders that are read, nor what the catalogue has on former
        # scopes.
        folders, stacks = stacks_of(before), stacks_of(after)
        old = earlier_revision(before, folders, now)
        new = revision(before, after, folders, stacks, now)
        scopes = {**_scopes(new.onboardings.catalogue), **_scopes(old.onboardings.catalogue)}
        other_changes = [
            *removed_invalid_forms(old, after),
            *changes_elsewhere(before, after, folders),
            *changed_mandates(old, new),
        ]
    left_out = old.onboardings.left_out
    for file in left_out:
        typer.echo(
            plain(
                tr(
                    "{file} was no valid form at {base}: all that it has shows as new",
                    file=file,
                    base=before.name,
                ),
                500,
            ),
            err=True,
        )
    plans = [plan_between(old, new, environment, stacks) for environment in environments]
    changed = set(chain.from_iterable(map(changed_keys, plans)))
    other_changes += confirmed_with_forms(other_changes, changed)
    notes = [*notes_between(old, new, after)]
    for path in submodules(after, folders.forms):
        shown = plain(path)
        notes.append(tr("{path} is a submodule: what is in it is not reviewed.", path=shown))
    known = domains([old.onboardings], _clients_before(plans))
    today = Comparison(now, scopes, former_secrets=former_secrets(stacks.values), domains=known)
    report = review_of(
        plans,
        today,
        notes,
        other_changes=other_changes,
        approvers=approvers_before(before, old.onboardings),
        allow_mass_change=allow_mass_change,
    )
    if not left_out:
        return report
    sentence = ntr(
        "{count} form was not valid before: all that it has shows as new",
        "{count} forms were not valid before: all that they have shows as new",
        len(left_out),
    )
    return report.model_copy(update={"headline": f"{report.headline}; {sentence}"})


def _is_usually_read(path: str) -> bool:
    """Return whether a review reads the file of this path, where stacks name no other folders. So
    these are read from Git at once; all else one by one, as it is needed."""
    return path.startswith((f"{FORMS}/", "catalogue/", "Pulumi.", str(PROJECT_FILE)))


def comparison(catalogue: str) -> Comparison:
    """Return the comparison of clients, as of today, by the catalogue in a folder: whose each scope
    is. Where that cannot be read, no scope has an owner."""
    try:
        return Comparison(datetime.now(UTC), _scopes(load_catalogue(Path(catalogue))))
    except InvalidForms:
        return Comparison(datetime.now(UTC))


def _scopes(catalogue: Catalogue) -> dict[tuple[Platform, str], tuple[str, bool]]:
    """Return the owner of each scope, as a platform calls it, and whether that name is verified, as
    {("acmidm", "dv_dosis_schrijven"): ("Digitaal Vlaanderen", True)}."""
    scopes: dict[tuple[Platform, str], tuple[str, bool]] = {}
    for name, scope in catalogue.scopes.items():
        owner = catalogue.product_of[name].owner
        for platform, platforms_name in scope.names_of(name).items():
            scopes[platform, platforms_name] = (owner, scope.is_verified(platform))
    return scopes


def _environments(names: Sequence[str]) -> list[Environment]:
    for name in names:
        if name not in list(Environment):
            fail(tr('environment "{name}" is not known; use tni or prod', name=name))
    return list(map(Environment, names)) or list(Environment)


def _condition_of(fail_on: str) -> Callable[[Review], bool]:
    """Return the function that says whether a review has a change that ``--fail-on`` names, as
    "danger,prod:scope_granted". End the command for an unknown name, which would never stop
    anything."""
    wanted: list[tuple[str, str]] = []
    names = [*Severity, *Kind]
    for words in filter(None, map(str.strip, fail_on.split(","))):
        environment, _, name = words.rpartition(":")
        if environment not in ("", "tni", "prod"):
            fail(
                tr(
                    '--fail-on: environment "{name}" is not known; use tni: or prod:',
                    name=environment,
                )
            )
        if name not in names:
            fail(
                tr(
                    '--fail-on: "{name}" is no kind of change; {remedy}',
                    name=name,
                    remedy=did_you_mean(name, names, tr("use {kinds}", kinds=listed(names))),
                )
            )
        wanted.append((environment, name))
    if fail_on and not wanted:
        fail(tr("--fail-on names no kind of change; use {kinds}", kinds=listed(names)))

    def has_named_change(review: Review) -> bool:
        for environment, name in wanted:
            # Changes of other things than clients concern every environment.
            changes = list(review.other_changes)
            for client in review.connections:
                if environment in ("", client.environment):
                    changes += client.changes
            if any(name in (change.kind, change.severity) for change in changes):
                return True
        return False

    return has_named_change
