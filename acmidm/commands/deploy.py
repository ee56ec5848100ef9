"""Bring a stack up: what was left of a run that was cut off is cleared, refusals are shown first,
and nobody holds up the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from acmidm.engine import pulumi as engine
from acmidm.engine.previewed import Preview, keys_by_urn
from acmidm.engine.recovery import LookTag, recover, revision_of, why_not_permitted
from acmidm.engine.stacks import ask_what_is_there, list_clients, stack_of
from acmidm.engine.unfinished import unfinished
from acmidm.git import is_at_another
from acmidm.report.approved import (
    Approved,
    Deviation,
    approved_of,
    deviations_between,
    read_approved,
    unapproved_steps,
    urns_of,
)
from acmidm.report.compare import Comparison
from acmidm.report.mistakes import mistakes_of
from acmidm.report.plan import read_plan, shows_connections
from acmidm.report.review import review_of
from acmidm.report.rights import warn_of_missing_rights
from acmidm.report.rotations import warnings, with_keys
from acmidm.terminal import Code, StackOption, fail, working
from acmidm.words import first_of
from acmidm_onboarding.engine_resources import name_of, resources_in
from acmidm_onboarding.rules.gate import by_reason
from acmidm_onboarding.settings import InvalidSettings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import plural, tr
from acmidm_onboarding.values.problems import InvalidForms

EPILOG = """
**Examples**

- `acmidm deploy --stack tni`
- `acmidm deploy --stack prod --allow-mass-change`
- `acmidm deploy --stack prod --approved approved.json`

**Exit codes**: 0 all is as declared; 1 a form has mistakes, and the others were brought up, an
authority cannot be read, another run has the lock or came in between, too much would be removed,
the clone is behind, or something else would run than was approved; 2 wrong use; 3 the engine cannot
be reached; 130 interrupted; any other is the engine's own: something was refused or failed.
"""

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
                " differs by now, nothing is written."
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
    approval = None if approved is None else read_approved(approved, stack)
    deployment = Deployment(
        stack_of(stack, by_policies=True), approval, allow_mass_change=allow_mass_change
    )
    deployment.recover()
    deployment.require_permitted()
    deployment.report_mistakes()
    deployment.read_authorities()
    deployment.decide()
    deployment.leave_out_what_was_not_approved()
    deployment.bring_up()
    deployment.report_what_remains()
    deployment.end()


@dataclass(frozen=True)
class _RunDecision:
    """What was decided by a preview: whether to run an ``up``, and of what."""

    preview: Preview
    refuses: bool
    """Whether the preview refuses something; the rest is brought up."""
    needs_no_run: bool
    """Whether an ``up`` would change nothing, and has nothing to record: neither what a refresh
    found, nor the revision that is checked out. A revision that is not recorded would not count: an
    earlier one could take back what it left as it was."""


class Deployment:
    """One deployment of a stack, as steps that are taken in their order. A step after which nothing
    may be brought up ends the command, and says why."""

    def __init__(self, stack: Stack, approved: Approved | None, *, allow_mass_change: bool) -> None:
        self._stack, self._approved = stack, approved
        self._allow_mass_change = allow_mass_change
        self._tag = LookTag(stack.name, is_set=False)
        self._has_mistakes = False
        self._all_answered = True
        """Whether every authority answered that was asked which clients it has."""
        self._needs_refresh = False
        """Whether the authorities have to be read into the state before anything is written."""
        self._refresh_code = 0
        """The engine's exit code of that refresh; 0 where none was needed."""
        self._decision: _RunDecision | None = None
        self._left_out: Mapping[str, Sequence[str]] = {}
        """The connections that stay as they are since they deviate from the approval, each with its
        URNs: {"OVO002067/mijn-gent": ["urn:pulumi:tni::…"]}."""
        self._run_code = 0
        """The engine's exit code of the ``up``; below zero where somebody killed it."""
        self._shown = set[str]()
        """The sentences that were shown: a second preview shows none of them again."""

    def recover(self) -> None:
        """Clear what a run that was cut off left behind, such as its lock. Where it may not have
        recorded all that it did, the authorities are read first."""
        self._stack, self._tag = recover(self._stack)
        self._needs_refresh = self._tag.is_set

    def require_permitted(self) -> None:
        """End the command where the run could undo newer work, or work elsewhere than the state
        records; ``--allow-mass-change`` permits both."""
        if self._allow_mass_change:
            return
        with suppress(InvalidSettings):  # which is reported with the errors in forms
            self._refuse(why_not_permitted(self._stack))

    def _refuse(self, reasons: Sequence[str]) -> None:
        """End the command where there are reasons to, which ``--allow-mass-change`` overrides."""
        if reasons:
            fail(
                "\n".join(reasons) + f"\nnothing of {self._stack.name} is deployed; if this is"
                " meant, add --allow-mass-change",
                Code.FOUND,
            )

    def report_mistakes(self) -> None:
        """Report the mistakes in the forms, and whose connections stay as they are. The command
        goes on, and fails at its end.

        Mistakes in the settings, and in what all forms share, end it at once: nobody knows what is
        declared.
        """
        try:
            mistakes = mistakes_of(self._stack)
        except InvalidSettings as error:
            fail(str(error), Code.FOUND)
        except InvalidForms as error:
            fail(
                f"{error}\nnothing of {self._stack.name} is brought up: correct what is refused,"
                " then run the same command again",
                Code.FOUND,
            )
        for sentence in mistakes:
            typer.echo(sentence, err=True)
        self._has_mistakes = bool(mistakes)

    def read_authorities(self) -> None:
        """Read which clients are at the authorities and not in the state. Warn of what the gate
        holds back, and of clients that their authority has no more.

        End the command where these are too many, see ``report_lost``; and where a run would make a
        client that somebody may have made by hand, which no run has recorded.
        """
        self._stack, self._all_answered = ask_what_is_there(self._stack)
        self._stack.require_none_by_hand(self._stack.desired.declared)
        for sentence in by_reason(self._stack.desired.held_back):
            typer.echo(tr("warning: {sentence}", sentence=sentence), err=True)
        listed = list_clients(self._stack)
        if listed.lost:
            self._needs_refresh = True
            report_lost(self._stack, listed.lost)
        if not self._allow_mass_change:
            self._refuse(listed.suspicious)
        if self._needs_refresh:
            return  # it reads each client by itself, and reports those that it cannot read
        for reason in listed.unread:
            self._all_answered = False
            typer.echo(
                f"warning: whether all clients are still there is not known: {reason}", err=True
            )

    def decide(self) -> None:
        """Decide by a preview whether to run an ``up``, and report what the preview refuses. Where
        the authorities have to be read first, refresh the state, and preview that.

        A preview comes before the refresh too: what it refuses ends the command before anything is
        written. With an approval it does not, for that is compared with the refreshed state alone.
        """
        if self._needs_refresh and self._approved is not None:
            self._refresh_code = self._refresh()
            self._needs_refresh = False
        self._decision = self._decided()
        if not self._needs_refresh:
            return
        version = self._stack.state.version
        self._refresh_code = self._refresh()
        if self._stack.state.version != version:  # by the refresh, or by another run
            self._decision = self._decided()

    def leave_out_what_was_not_approved(self) -> None:
        """Leave out each connection of which something else would run than was approved, and report
        what differs. Without an approval nothing is left out."""
        if self._approved is None:
            return
        stack, preview = self._stack, self._decision_made.preview
        with working(f"comparing with what was approved for {stack.name}"):
            plan = read_plan(preview.document, stack.state.document)
            planned = approved_of(
                stack.name, preview.document, plan, stack.authorities.platforms, stack.forms.stolen
            )
        deviations = deviations_between(self._approved, planned)
        self._left_out = _report_deviations(stack.name, deviations, preview)

    def bring_up(self) -> None:
        """Bring up all that is not left out; where no run is needed, report that instead.

        A run may write the state once, at its end. Then the tag is on the stack meanwhile, so that
        the run after a killed one reads the authorities first.
        """
        with self._tag as tag:
            if self._decision_made.needs_no_run:
                self._report_unchanged()
            else:
                at_the_end = self._decision_made.preview.may_record_at_the_end()
                if at_the_end:
                    tag.set()
                self._run_code = self._up(record_at_the_end=at_the_end)
            # A run that failed may have met another one, which has the lock and this tag.
            if self._refresh_code == 0 and self._run_code == 0:
                tag.recorded()

    def report_what_remains(self) -> None:
        """Report whose organisation has nobody with the right to upload keys, unless the run was
        killed; and, of a stack that people change by hand, how many orders wait for them."""
        stack = self._stack
        was_killed = self._run_code < 0
        if not was_killed:
            warn_of_missing_rights(stack, stack.forms.connections)
        if not stack.forms.by_hand:
            return
        waiting = [order for order in stack.orders if order.refused is None]
        if waiting:
            typer.echo(
                plural(
                    "{count} order waits for people at the portal: acmidm orders list --stack"
                    " {stack}",
                    "{count} orders wait for people at the portal: acmidm orders list --stack"
                    " {stack}",
                    len(waiting),
                    stack=stack.name,
                ),
                err=True,
            )

    def end(self) -> None:
        """End the command with the engine's exit code where that failed, else with 1 where not all
        was brought up. Return where all was."""
        is_incomplete = (
            self._has_mistakes
            or self._decision_made.refuses
            or bool(self._left_out)
            or not self._all_answered
        )
        code = self._run_code or self._refresh_code
        if is_incomplete:
            code = code or Code.FOUND
        if not code:
            return
        if self._decision_made.needs_no_run:  # what is wrong with the rest was reported
            raise typer.Exit(code)
        stack, next_step = self._stack.name, "run the same command again."
        if self._approved is not None:
            # An approved review that ran in part cannot be carried out any more: what would run now
            # is not what it says.
            next_step = f"have what is left reviewed: acmidm review --stack {stack} --save FILE."
        fail(
            f"Not all of {stack} was brought up. What went wrong is above: correct it, then"
            f" {next_step}",
            code,
        )

    @property
    def _decision_made(self) -> _RunDecision:
        """The decision of ``decide``, which is made before any step that reads it."""
        if self._decision is None:
            raise RuntimeError("nothing is decided before decide()")
        return self._decision

    def _decided(self) -> _RunDecision:
        """Preview the stack, report what is refused, and return what to do by that. End the command
        where the preview may not be carried out, see ``_report_refusals``."""
        stack = self._stack
        deployed = revision_of(stack.state.last_runs)
        with working(tr("previewing {stack}", stack=stack.name)):
            preview = _preview(stack)
        refuses = self._report_refusals(preview)
        return _RunDecision(
            preview,
            refuses=refuses,
            needs_no_run=not self._needs_refresh
            and not refuses
            and not (deployed is not None and is_at_another(deployed))
            and preview.changes_nothing(),
        )

    def _report_refusals(self, preview: Preview) -> bool:
        """Report what a preview refuses, and warn of what it does with keys and secrets, such as a
        second key; return whether it refuses something.

        End the command where too much would be removed, or all is refused.
        """
        stack = self._stack
        # A program that ended before it declared the clients: there is no plan to review.
        if not shows_connections(preview.document):
            refused, _ = engine.problems_in(preview.document.get("diagnostics"))
            self._report_refused(refused)
            if refused:
                fail(
                    f"nothing of {stack.name} is brought up: correct what is refused, then run the"
                    " same command again",
                    Code.FOUND,
                )
            return False
        plan = read_plan(preview.document, stack.state.document)
        plan = with_keys(plan, stack.forms.connections, stack.desired.declared, stack.authorities)
        today = Comparison(stack.now, {})
        review = review_of([plan], today, allow_mass_change=self._allow_mass_change)
        self._show(tr("warning: {sentence}", sentence=warning) for warning in warnings(review))
        self._report_refused(review.problems)
        if review.too_many:
            fail("\n".join(review.too_many), Code.FOUND)
        return bool(review.problems)

    def _report_refused(self, sentences: Iterable[str]) -> None:
        self._show(tr("refused: {refusal}", refusal=sentence) for sentence in sentences)

    def _show(self, sentences: Iterable[str]) -> None:
        """Show these sentences, each once in the whole command."""
        for sentence in sentences:
            if sentence not in self._shown:
                self._shown.add(sentence)
                typer.echo(sentence, err=True)

    def _refresh(self) -> int:
        """Bring the state in line with the authorities by the engine's refresh, as far as they can
        be reached; return its exit code."""
        stack = self._stack
        typer.echo(
            f"the authorities may have something else than the state of {stack.name}: this run"
            " looks at them first",
            err=True,
        )
        # A run by itself: with `up --refresh --run-program` the engine (3.274) waits for ever once
        # a client fails whose scopes it would refresh. It has the program's settings, for those of
        # a run that was cut off may have been wrong; not while an alias waits to be applied: then
        # the engine panics ("had not been marked as seen") and keeps its lock.
        program = () if _renames(stack) else ("--run-program",)
        code = engine.run(
            stack.name,
            *("refresh", *program, *_UNATTENDED),
            at_authorities=stack.at_authorities,
            declared=stack.forms.for_program,
            planned=keys_by_urn(resources_in(stack.state.document)),
            state_at_the_end=True,
        )
        self._stack = stack.after_a_run()
        if code != 0:
            # A platform that is down holds up nobody on the other. `up` cannot harm what was not
            # read: it overwrites and removes only what bears its own key, and takes over what it
            # would make.
            typer.echo(
                "Not everything could be looked at, see above. The rest is brought up all the"
                " same, and the next run looks again.",
                err=True,
            )
        return code

    def _report_unchanged(self) -> None:
        """Report that no run is needed, after the warnings that an ``up`` would show."""
        preview, stack = self._decision_made.preview, self._stack.name
        for sentence in preview.warnings():
            typer.echo(tr("warning: {sentence}", sentence=sentence), err=True)
        unchanged = f"{len(preview.steps)} unchanged: nothing is run"
        if self._has_mistakes:
            typer.echo(
                f"all of {stack} is as declared but what stays for a mistake in the forms,"
                f" {unchanged}; correct the forms, then run the same command again"
            )
        elif self._all_answered and self._refresh_code == 0:
            typer.echo(f"{stack} is as declared, {unchanged}")
        else:
            typer.echo(
                f"all that is known of {stack} is as declared, {unchanged};"
                " correct what is said above, then run the same command again"
            )

    def _up(self, *, record_at_the_end: bool) -> int:
        """Bring the stack up, but for what is left out. Run once more where this run leaves a step
        of a client that was not open before, such as its removal once its scopes are withdrawn.
        Return the exit code of the second run where that failed, else that of the first; where
        neither failed, 1 for a step that was not approved."""
        stack = self._stack
        unfinished_before = unfinished(stack)
        planned = self._decision_made.preview.planned().items()
        to_change = {urn: key for urn, key in planned if key not in self._left_out}
        first_code = self._run(self._left_out, to_change, record_at_the_end=record_at_the_end)
        self._stack = stack = stack.after_a_run()
        was_killed = first_code < 0
        remaining = () if was_killed else unfinished(stack) - unfinished_before
        if not remaining:
            return first_code
        typer.echo(f"a second run goes on with {first_of(sorted(remaining))}", err=True)
        not_approved_now: Mapping[str, Sequence[str]] = {}
        if self._approved is not None:
            preview = _preview(stack)
            deviations = unapproved_steps(
                self._approved, preview.document, excepted={*remaining, *self._left_out}
            )
            not_approved_now = _report_deviations(stack.name, deviations, preview)
        left_out = {**self._left_out, **not_approved_now}
        code = self._run(left_out, None, record_at_the_end=record_at_the_end) or first_code
        if not_approved_now:
            return code or Code.FOUND
        return code

    def _run(
        self,
        left_out: Mapping[str, Sequence[str]],
        planned: Mapping[str, str] | None,
        *,
        record_at_the_end: bool,
    ) -> int:
        """Run one ``up`` without what is left out, which is as ``_left_out``, and return its exit
        code. ``planned`` is what it changes, as {URN: key of the connection}, for a line of
        progress; None where that is not known."""
        stack = self._stack
        excluded: list[str] = []
        for urns in left_out.values():
            for urn in urns:
                excluded += ["--exclude", urn]
        return engine.run(
            stack.name,
            *("up", "--continue-on-error", *excluded, *_UNATTENDED),
            at_authorities=stack.at_authorities,
            declared=stack.forms.for_program,
            state_version=stack.state.version,
            planned=planned,
            state_at_the_end=record_at_the_end,
        )


def _preview(stack: Stack) -> Preview:
    state = stack.state.document
    declared = stack.forms.for_program
    return Preview(engine.preview(stack.name, stack.at_authorities, declared, state), state)


def report_lost(stack: Stack, gone: Sequence[str]) -> None:
    """Report the clients that are at their authority no more, by their resource names in ``gone``.
    End the command where one is of a platform that moves from people to an API: the client-ID that
    they confirmed is a wrong one."""
    recorded = stack.state.recorded
    mistyped = [name for name in gone if recorded.parts[name].platform in stack.state.moved]
    if mistyped:
        fail(
            f"the client-ID that was confirmed of {first_of(mistyped)} is not at its authority, so"
            " that a client would be made anew: set acmidm:authority back to what it was, correct"
            " it in its confirmation, run acmidm deploy, then change it again",
            Code.FOUND,
        )
    typer.echo(
        plural(
            "warning: {count} client of {stack} is at its authority no more: {clients}; if a"
            " form declares it, it is made anew, and its organisation gets another client-ID",
            "warning: {count} clients of {stack} are at their authority no more: {clients};"
            " those that a form declares are made anew, and their organisations get other"
            " client-IDs",
            len(gone),
            stack=stack.name,
            clients=first_of(gone),
        ),
        err=True,
    )


def _report_deviations(
    stack: str, deviations: Sequence[Deviation], preview: Preview
) -> Mapping[str, Sequence[str]]:
    """Report what deviates from what was approved. Return the connections that do, each with its
    URNs, as {"OVO002067/mijn-gent": ["urn:pulumi:tni::…"]}: they stay as they are, and hold nobody
    else up. End the command where a deviation is of no connection in particular."""
    for deviation in deviations:
        typer.echo(f"differs: {deviation.sentence}", err=True)
    keys = {deviation.key for deviation in deviations}
    if None in keys:
        fail(
            f"nothing more of {stack} is brought up, for it is not what was approved: have it"
            " reviewed again",
            Code.FOUND,
        )
    if keys:
        typer.echo(
            plural(
                "{count} client is left out, for it is not what was approved: have it reviewed"
                " again",
                "{count} clients are left out, for they are not what was approved: have them"
                " reviewed again",
                len(keys),
            ),
            err=True,
        )
    return {key: urns_of(key, preview.resources) for key in keys if key is not None}


def _renames(stack: Stack) -> bool:
    """Return whether a connection is in the state under an earlier key still."""
    recorded = set(map(name_of, resources_in(stack.state.document)))
    return any(not recorded.isdisjoint(client.form.formerly) for client in stack.forms.connections)
