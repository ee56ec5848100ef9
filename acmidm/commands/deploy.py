"""Bring a stack up: what was left of a run that was cut off is cleared, refusals are shown first,
and nobody holds up the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from acmidm.engine import pulumi as engine
from acmidm.engine.recovery import LOOK_TAG, recover, revision_of
from acmidm.engine.stacks import ask_what_is_there, lost, stack_of
from acmidm.git import is_at_another, lacks
from acmidm.report.approved import (
    Approved,
    Deviation,
    approved_of,
    differences,
    not_approved,
    read_approved,
    urns_of,
)
from acmidm.report.compare import Comparison
from acmidm.report.mistakes import mistakes_of
from acmidm.report.plan import read_plan, shows_connections
from acmidm.report.review import changing, review_of
from acmidm.report.rights import warn_of_missing_rights
from acmidm.report.rotations import warnings, with_keys
from acmidm.terminal import Code, StackOption, fail, working
from acmidm.words import first_of
from acmidm_onboarding.command_inputs import HANDED
from acmidm_onboarding.engine_resources import (
    METHOD,
    Resource,
    client_of,
    is_password,
    is_provider,
    kind_of,
    mapping,
    name_of,
    part_of,
    resources_in,
)
from acmidm_onboarding.recorded import version_of
from acmidm_onboarding.rules.gate import by_reason
from acmidm_onboarding.rules.mass_change import is_mass_change
from acmidm_onboarding.rules.retirement import due, last_step
from acmidm_onboarding.settings import NAMESPACE, InvalidSettings, is_own
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import say, say_counted
from acmidm_onboarding.values.client import recorded_as
from acmidm_onboarding.values.problems import InvalidForms, on_one_line

EPILOG = """
**Examples**

- `acmidm deploy --stack tni`
- `acmidm deploy --stack prod --allow-mass-change`
- `acmidm deploy --stack prod --approved approved.json`

**Exit codes**: 0 all is as declared; 1 a form has mistakes, and the others were brought up, another
run has the lock or came in between, too much would be removed, the clone is behind, or something
else would run than was approved; 2 wrong use; 3 the engine cannot be reached; 130 interrupted; any
other is the engine's own: something was refused or failed.
"""

_FOUND_AGAIN = re.compile(
    r"pulumi:.+|acmidm:index:\w+|pulumi-python:dynamic/acmidm:\w+|random:index/randomPassword:RandomPassword"
)
"""The types of resources that a killed run may leave without a trace in the state: the next run
takes them over, or makes another secret."""
_WITHOUT_A_STEP = ("urn", "parent", "protect", "retainOnDelete")
"""What the engine changes in a state without a step that shows it."""
_UNATTENDED = ("--yes", "--skip-preview", "--suppress-outputs")


def deploy(
    stack: StackOption = "tni",
    allow_mass_change: Annotated[
        bool,
        typer.Option(
            "--allow-mass-change",
            help=(
                "Also where more than 30% of ten or more clients are removed or replaced, or any"
                " client changes without what was deployed last."
            ),
        ),
    ] = False,
    approved: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=(
                "Carry out what acmidm review --save wrote to this file, and nothing else: where it"
                " differs by now,"
                " nothing is written."
            ),
            show_default=False,
        ),
    ] = None,
) -> None:
    """Bring a stack up: what was left of a run that was cut off is cleared, refusals are shown
    first, and nobody holds up the others.

    Needs nobody at the screen. One organisation's trouble, be it a mistake in its form, or a
    platform's that is down, fails the command and stops nothing else.
    """
    wanted = None if approved is None else read_approved(approved, stack)
    opened = stack_of(stack, by_policies=True)
    was_cut_off = recover(opened)
    mistakes = _say_mistakes(opened)
    all_asked = ask_what_is_there(opened)
    opened.require_none_by_hand(opened.desired.declared)
    for sentence in by_reason(opened.desired.held_back):
        typer.echo(say("report.a_warning", sentence=sentence), err=True)
    looks_first, looked = (
        say_lost(opened, allow_mass_change=allow_mass_change) or was_cut_off,
        0,
    )
    if wanted is not None and looks_first:  # the comparison below needs the state as it is
        looked, looks_first = _look(opened), False
    if looks_first:
        looked, decision = _look_and_decide(opened, allow_mass_change=allow_mass_change)
    else:
        decision = _decide(opened, set(), allow_mass_change=allow_mass_change)
    previewed, refused = decision.previewed, decision.refuses
    left_out = {} if wanted is None else _deviating(wanted, opened, previewed)
    planned = _keys_by_urn(
        step for step in previewed.get("steps") or () if step.get("op") != "same"
    )
    types = {
        resource["urn"].split("::")[2].rpartition("$")[2]
        for resource in (*(previewed.get("steps") or ()), *resources_in(opened.state))
    }
    at_the_end = all(map(_FOUND_AGAIN.fullmatch, types)) and not _renews_a_secret(
        previewed.get("steps") or ()
    )
    is_done = not looks_first and decision.is_done
    if is_done:
        is_known = all_asked and looked == 0
        _say_unchanged(stack, previewed, has_mistakes=mistakes, is_known=is_known)
    elif at_the_end and not was_cut_off:
        engine.set_tag(stack, LOOK_TAG, "true")  # the one trace of a run that is killed
    ended = 0 if is_done else _up(opened, wanted, planned, left_out, at_the_end=at_the_end)
    was_killed = ended < 0
    # Not where a run failed: it may be another one's mark, which has the lock.
    if looked == 0 and ended == 0 and ((at_the_end and not is_done) or was_cut_off):
        engine.remove_tag(stack, LOOK_TAG)
    if not was_killed:
        warn_of_missing_rights(opened, opened.connections)
    if opened.by_hand and (waiting := [order for order in opened.orders if order.refused is None]):
        typer.echo(say_counted("deploy.orders", len(waiting), stack=stack), err=True)
    if (
        code := ended
        or looked
        or (Code.FOUND if mistakes or refused or left_out or not all_asked else Code.WELL)
    ):
        _end_in_failure(stack, code, is_done=is_done, is_approved=wanted is not None)


def say_lost(stack: Stack, *, allow_mass_change: bool) -> bool:
    """Return whether clients are at their authority no more, and say which. The command ends where
    they are so many that it may be another authority, or where people confirmed their
    client-IDs."""
    gone = lost(stack)
    recorded = stack.recorded.parts
    if mistyped := [name for name in gone if recorded[name].platform in stack.moved]:
        fail(say("deploy.mistyped", clients=first_of(mistyped)), Code.FOUND)
    if gone:
        typer.echo(
            say_counted("deploy.lost", len(gone), stack=stack.name, clients=first_of(gone)),
            err=True,
        )
    if not allow_mass_change and is_mass_change(len(gone), len(stack.recorded.clients)):
        fail(say("deploy.lost_too_many", stack=stack.name), Code.FOUND)
    return bool(gone)


def _deviating(
    wanted: Approved, stack: Stack, previewed: Mapping[str, Any]
) -> Mapping[str, Sequence[str]]:
    """Return what ``_left_out`` does, of what was approved and what would run now."""
    with working(say("deploy.comparing", stack=stack.name)):
        plan = read_plan(previewed, stack.state)
        now = approved_of(stack.name, previewed, plan, stack.platforms, stack.stolen)
    return _left_out(differences(wanted, now), stack, previewed)


def _left_out(
    deviations: Sequence[Deviation], stack: Stack, previewed: Mapping[str, Any]
) -> Mapping[str, Sequence[str]]:
    """Return the connections that deviate from what was approved, with their URNs: they stay as
    they are, and hold nobody else up.

    The command ends where a deviation is of no connection in particular.
    """
    for deviation in deviations:
        typer.echo(say("deploy.differs", difference=deviation.sentence), err=True)
    keys = {deviation.key for deviation in deviations}
    if None in keys:
        fail(say("deploy.not_approved", stack=stack.name), Code.FOUND)
    if keys:
        typer.echo(say_counted("deploy.left_out", len(keys)), err=True)
    resources = [*resources_in(stack.state), *(previewed.get("steps") or ())]
    return {key: urns_of(key, resources) for key in keys if key is not None}


def _keys_by_urn(resources: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the key of each resource's connection, among resources or steps, without those of no
    connection."""
    return {resource["urn"]: client_of(resource)[0] for resource in resources if part_of(resource)}


def _is_as_declared(stack: Stack, previewed: Mapping[str, Any]) -> bool:
    """Return whether an ``up`` would leave each resource as the state has it.

    A preview does not show what the program exports, which ``pulumi up`` exports anew, and not what
    waits to be removed since it was replaced, which an ``up`` removes.
    """
    steps = [
        (step.get("op"), mapping(step.get("oldState")), mapping(step.get("newState")))
        for step in previewed.get("steps") or ()
    ]
    is_same = all(
        op == "same" and all(old.get(name) == new.get(name) for name in _WITHOUT_A_STEP)
        for op, old, new in steps
    )
    waits = any(resource.get("delete") for resource in resources_in(stack.state))
    return bool(steps) and is_same and not waits and _has_settings(stack, previewed)


def _has_settings(stack: Stack, previewed: Mapping[str, Any]) -> bool:
    """Return whether the state has the settings of a preview, as far as they are not encrypted
    there: ``pulumi refresh`` and ``destroy`` read no file, and would go to an authority's former
    address."""
    config = mapping(previewed.get("config")).items()
    now = {
        name: value for name, value in config if is_own(name) and name != f"{NAMESPACE}:{HANDED}"
    }
    providers = (resource for resource in resources_in(stack.state) if is_provider(resource))
    return all(
        inputs.get(name) == value or isinstance(inputs.get(name), Mapping)
        for inputs in (mapping(provider.get("inputs")) for provider in providers)
        for name, value in now.items()
    )


def _end_in_failure(stack: str, code: int, *, is_done: bool, is_approved: bool) -> NoReturn:
    """End the command that has not brought up all; where nothing is run, what was said of that says
    why."""
    if is_done:
        raise typer.Exit(code)
    # An approved review that ran in part cannot be carried out any more: what would run now is not
    # what it says.
    fail(say("deploy.not_all_approved" if is_approved else "deploy.not_all", stack=stack), code)


def _say_unchanged(
    stack: str, previewed: Mapping[str, Any], *, has_mistakes: bool, is_known: bool
) -> None:
    """Say that nothing is run, and what is as declared, after the warnings that an ``up`` would
    show."""
    for said in previewed.get("diagnostics") or ():
        if said.get("severity") == "warning":
            sentence = on_one_line(said["message"].strip().removeprefix("warning: "))
            typer.echo(say("report.a_warning", sentence=sentence), err=True)
    how = "unchanged" if is_known else "unchanged_as_known"
    how = "unchanged_but_mistakes" if has_mistakes else how
    typer.echo(say(f"deploy.{how}", stack=stack, count=len(previewed["steps"])))


def _up(
    stack: Stack,
    wanted: Approved | None,
    planned: Mapping[str, str],
    left_out: Mapping[str, Sequence[str]],
    *,
    at_the_end: bool,
) -> int:
    """Bring the stack up, but for what is left out; run once more where this run leaves work that
    no earlier run left.

    Return the worst exit code. ``planned`` is what the first run does something to, by URN the
    connection's key.
    """

    def bring_up(
        left_out: Mapping[str, Sequence[str]], planned: Mapping[str, str] | None = None
    ) -> int:
        excluded = [
            word for urns in left_out.values() for urn in urns for word in ("--exclude", urn)
        ]
        words = ("up", "--continue-on-error", *excluded, *_UNATTENDED)
        there = stack.at_authorities or {}
        return engine.run(
            stack.name,
            *words,
            there=there,
            state_version=version_of(stack.state),
            planned=planned,
            state_at_the_end=at_the_end,
        )

    before = _waiting(stack)
    ended = bring_up(left_out, {urn: key for urn, key in planned.items() if key not in left_out})
    stack.changed()
    left = _waiting(stack) - before if ended >= 0 else ()
    if not left:
        return ended
    typer.echo(say("deploy.second_run", clients=first_of(sorted(left))), err=True)
    more: Mapping[str, Sequence[str]] = {}
    if wanted is not None:
        previewed = engine.preview(stack.name, stack.at_authorities)
        more = _left_out(not_approved(wanted, previewed, but={*left, *left_out}), stack, previewed)
    return bring_up({**left_out, **more}) or ended or (Code.FOUND if more else Code.WELL)


def _waiting(stack: Stack) -> frozenset[str]:
    """Return the names of the clients, such as ``OVO002067/loket``, for which another ``up`` has
    something to do.

    These are clients at the last step of leaving, clients that somebody removed and of which what
    is left is protected no more, clients that do not authenticate yet as their inputs want it,
    clients whose corrected client-ID waited for their protection to be lifted, and clients with a
    record of withdrawn scopes that they have back.
    """
    names = set[str]()
    for resource in resources_in(stack.state):
        if not resource.get("delete") and kind_of(resource) == Resource.CLIENT:
            inputs, outputs = mapping(resource.get("inputs")), mapping(resource.get("outputs"))
            names |= {name_of(resource)} if inputs.get(METHOD) != outputs.get(METHOD) else set()
    names |= {client.resource_name for client, _ in stack.corrected if not client.protected}
    names |= {
        parts.resource_name
        for parts in stack.without_client(stack.desired.declared)
        if not parts.protected and not parts.protected_products
    }
    today, parts = stack.now.date(), stack.recorded.parts
    staying = (
        (form.resource_name, recorded_as(form, parts))
        for form in stack.connections
        if not due(form, today)
    )
    names |= {
        name
        for name, has in staying
        if has and has.withdrawn and has.withdrawn <= (has.scopes or {}).keys()
    }
    return last_step(stack.connections, parts, today) | names


@dataclass(frozen=True)
class _Decision:
    """What a preview shows, of a state that this command may change."""

    previewed: Mapping[str, Any]
    refuses: bool
    """Whether it refuses something; the rest is brought up."""
    is_done: bool
    """Whether a run would change nothing, and is not needed to record the revision that is checked
    out. A revision that is not recorded would not count: an earlier one could take back what it
    left as it was."""


def _decide(stack: Stack, shown: set[str], *, allow_mass_change: bool) -> _Decision:
    """Preview the stack, and show what is refused, but for the sentences that were ``shown``
    before. End the command where the preview is not to be carried out."""
    # The state was read before: a run that ends from then on makes it another one, which the
    # program refuses.
    revision = revision_of(engine.last_runs(stack.name))
    with working(say("review.previewing", stack=stack.name)):
        previewed = engine.preview(stack.name, stack.at_authorities)
    is_behind = revision is not None and not allow_mass_change and lacks(revision)
    lacking = revision if is_behind else None
    refuses = _refuse(stack, previewed, lacking, shown, allow_mass_change=allow_mass_change)
    is_recorded = revision is None or is_behind or not is_at_another(revision)
    is_done = not refuses and is_recorded and _is_as_declared(stack, previewed)
    return _Decision(previewed, refuses, is_done)


def _look_and_decide(stack: Stack, *, allow_mass_change: bool) -> tuple[int, _Decision]:
    """Look at the authorities, unless the command ends before that. Return the engine's exit code,
    and the decision about the state as it is then."""
    shown = set[str]()
    decision = _decide(stack, shown, allow_mass_change=allow_mass_change)
    version = version_of(stack.state)
    looked = _look(stack)
    if version_of(stack.state) != version:  # by that look, or by another run
        decision = _decide(stack, shown, allow_mass_change=allow_mass_change)
    return looked, decision


def _show(sentences: Iterable[str], shown: set[str]) -> None:
    for sentence in sentences:
        if sentence not in shown:
            shown.add(sentence)
            typer.echo(sentence, err=True)


def _refuse(
    stack: Stack,
    previewed: Mapping[str, Any],
    lacking: str | None,
    shown: set[str],
    *,
    allow_mass_change: bool,
) -> bool:
    """Show what a preview refuses, and what its keys break; return whether it refuses something.

    End the command where too much would be removed, or nothing is left; and where anything of a
    client would change while the revision that was deployed last is ``lacking`` here: nobody has
    decided to take back what that revision did.
    """
    if shows_connections(previewed):
        today = Comparison(stack.now, {})
        plan = read_plan(previewed, stack.state)
        plan = with_keys(plan, stack.connections, stack.desired.declared, stack)
        review = review_of([plan], today, allow_mass_change=allow_mass_change)
        _show(
            (say("report.a_warning", sentence=warning) for warning in warnings(review)),
            shown,
        )
        refused, ends = review.problems, review.too_many
        if lacking:
            revision, clients = lacking[:10], changing(plan, today.now.date())
            _show([say("deploy.lacking", stack=stack.name, revision=revision)], shown)
            if clients:
                facts = {"revision": revision, "clients": first_of(clients)}
                ends = (*ends, say_counted("deploy.behind", len(clients), **facts))
    else:
        refused, _ = engine.problems_in(previewed.get("diagnostics"))
        ends = (say("deploy.nothing", stack=stack.name),) if refused else ()
    _show((say("review.refused", refusal=sentence) for sentence in refused), shown)
    if ends:
        fail("\n".join(ends), Code.FOUND)
    return bool(refused)


def _look(stack: Stack) -> int:
    """Bring the state in line with the authorities, as far as they can be reached; the engine's
    exit code."""
    typer.echo(say("deploy.looking", stack=stack.name), err=True)
    # A run by itself: with `up --refresh --run-program` the engine (3.274) waits for ever once a
    # client fails whose scopes it would refresh. It has the program's settings, for those of a run
    # that was cut off may have been wrong; not while an alias waits to be applied: then the engine
    # panics ("had not been marked as seen") and keeps its lock.
    program = () if _renames(stack) else ("--run-program",)
    there, planned = stack.at_authorities or {}, _keys_by_urn(resources_in(stack.state))
    words = ("refresh", *program, *_UNATTENDED)
    code = engine.run(stack.name, *words, there=there, planned=planned, state_at_the_end=True)
    stack.changed()
    if code == 0:
        return 0
    # A platform that is down holds up nobody on the other. `up` cannot harm what was not read: it
    # overwrites and removes only what bears its own key, and takes over what it would make.
    typer.echo(say("deploy.not_looked_at"), err=True)
    return code


def _renames(stack: Stack) -> bool:
    """Return whether a connection is in the state under an earlier key still."""
    recorded = set(map(name_of, resources_in(stack.state)))
    return any(
        former in recorded for connection in stack.connections for former in connection.formerly
    )


def _renews_a_secret(steps: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a client in use gets another secret: the state must have that before an
    authority does, or it is lost."""
    made = {
        name_of(step)
        for step in steps
        if is_password(step) and step.get("op") in ("create", "replace")
    }
    return any(step.get("op") == "update" and name_of(step) in made for step in steps)


def _say_mistakes(stack: Stack) -> bool:
    """Report the mistakes in the forms of a stack, and whose connections stay as they are; return
    whether there are any.

    Mistakes in the settings, and in what all forms share, end the command: nobody knows what is
    declared.
    """
    try:
        mistakes = mistakes_of(stack)
    except InvalidSettings as error:
        fail(str(error), Code.FOUND)
    except InvalidForms as error:
        fail(f"{error}\n{say('deploy.nothing', stack=stack.name)}", Code.FOUND)
    for sentence in mistakes:
        typer.echo(sentence, err=True)
    return bool(mistakes)
