"""What the engine plans for stacks, or wrote to files, with what only forms, the gate and
authorities know of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import typer

from acmidm.engine import pulumi as engine
from acmidm.engine.recovery import revision_of, why_not_permitted
from acmidm.engine.stacks import ask_what_is_there, stack_of, uploaded_keys
from acmidm.git import changed_since
from acmidm.report.approved import Approved, approved_of, unread_clients
from acmidm.report.compare import client_replaced
from acmidm.report.kinds import Change, Kind
from acmidm.report.mistakes import mistakes_of
from acmidm.report.plan import Plan, at_the_gate, read_plan
from acmidm.report.revisions.forms import Revision
from acmidm.report.rotations import with_keys
from acmidm.terminal import working
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.recorded import is_missing, recorded, recorded_in
from acmidm_onboarding.recorded import unreadable as unreadable_state
from acmidm_onboarding.rules.desired import NO_GATE, Desired
from acmidm_onboarding.rules.gate import TestStack, Withheld
from acmidm_onboarding.rules.policies import Gate, PromotionGate
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.stack.authorities import Authorities
from acmidm_onboarding.texts import spoken, tr
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.problems import Failure, InvalidForms


class Planned(NamedTuple):
    """A plan, with what the present forms have of its environment."""

    plan: Plan
    forms: Onboardings
    desired: Desired
    stack: Stack | None
    """None for a plan from a file: no authority is read for that."""


def read_plans(
    stacks: Sequence[str], files: Sequence[Path], *, save: bool
) -> tuple[list[Planned], list[Approved]]:
    """Return the plans of stacks, which are previewed, and of files that ``pulumi preview`` wrote;
    and where a review is to be saved, what would run of each stack."""
    plans: list[Planned] = []
    approved: list[Approved] = []
    for name in stacks:
        stack = stack_of(name, by_policies=True)
        with suppress(Failure):  # what reads the state reports a stack that does not exist
            stack, _ = ask_what_is_there(stack)
        with working(tr("previewing {stack}", stack=stack.name)):
            state = stack.state.document
            previewed = engine.preview(
                stack.name, stack.at_authorities, stack.forms.for_program, state
            )
            plan = read_plan(previewed, state)
        plan = replace(plan, problems=(*plan.problems, *why_not_permitted(stack)))
        if save:
            with working(tr("reading the clients of {stack} that change", stack=stack.name)):
                approved.append(
                    approved_of(
                        stack.name, previewed, plan, stack.authorities.platforms, stack.forms.stolen
                    )
                )
            for sentence in unread_clients(approved[-1]).values():
                typer.echo(
                    tr("warning: nothing is approved of one: {reason}", reason=sentence), err=True
                )
        with suppress(InvalidForms):  # in what all forms share, which the preview reports
            plan = replace(plan, problems=(*plan.problems, *mistakes_of(stack)))
        plan = _with_uploaded_keys(stack.authorities, plan)
        planned = Planned(plan, stack.forms.onboardings, stack.desired, stack)
        plans.append(_with_what_forms_say(planned))
    for file in files:
        try:
            document = json.loads(file.read_text("utf-8"))
        except ValueError:
            raise Failure(
                tr("{file} is not JSON; make it with: pulumi preview --json > plan.json", file=file)
            ) from None
        plans.append(_with_what_forms_say(_planned_by_file(document, read_plan(document))))
    return plans, approved


def _planned_by_file(document: Mapping[str, Any], plan: Plan) -> Planned:
    """Return the plan of a file, the ``document``, with what the present forms have of its
    environment. The gate counts only where the plan shows what stays the same too: else nobody
    knows what production has."""
    folder = Path(str(plan.config.get("acmidm:formsFolder") or "onboardings"))
    catalogue = Path(str(plan.config.get("acmidm:catalogueFolder") or own_catalogue()))
    forms = read_onboardings([folder], catalogue)
    before = [step["oldState"] for step in document["steps"] if step.get("oldState")]
    records = recorded_in({"deployment": {"resources": before}}, plan.environment).parts
    gate = _gate_in(plan.config) if plan.is_whole else NO_GATE
    wanted = Revision(forms, datetime.now(UTC), gate).desired_of(
        forms.connections(plan.environment),
        records,
        lambda: _test_stack(str(plan.config.get("acmidm:promotionStack") or "tni")),
    )
    return Planned(plan, forms, wanted, None)


def _gate_in(config: Mapping[str, Any]) -> Gate:
    """Return the gate by the settings that a plan was made with; no gate where they set none."""
    gate, mode = NO_GATE, config.get("acmidm:promotionGate")
    if mode in list(PromotionGate):
        gate = gate._replace(mode=PromotionGate(mode))
    days = str(config.get("acmidm:evidenceMaxDays"))
    if days.isdecimal():
        gate = gate._replace(evidence_max_days=int(days))
    return gate


def _test_stack(name: str) -> TestStack | None:
    """Return the stack of TNI, without clients and with the reason where it does not exist. None
    where its state cannot be read here: then forms and evidence alone count."""
    state = recorded(name)
    if state is not None:
        return TestStack(name, state.parts)
    return TestStack(name, {}, unreadable_state(name) or "") if is_missing(name) else None


def _with_what_forms_say(planned: Planned) -> Planned:
    """Return the plan with what no preview has: of keys, of the gate, and of orders."""
    plan, wanted, stack = planned.plan, planned.desired, planned.stack
    held_back = _held_back_by_change(plan, wanted.held_back, stack)
    at_gate = at_the_gate(held_back, wanted.proven)
    extra_changes = (*plan.extra_changes, *at_gate, *_ordered(stack, plan))
    unproven_by_change = sum(not withheld.lacks_mandate for withheld in held_back)
    waiting = len(wanted.unproven) - unproven_by_change
    plan = replace(plan, extra_changes=extra_changes, waiting=waiting)
    authorities = stack.authorities if stack else None
    connections = planned.forms.connections(plan.environment)
    plan = with_keys(plan, connections, wanted.declared, authorities)
    return planned._replace(plan=plan)


def _ordered(stack: Stack | None, plan: Plan) -> Iterator[tuple[Client, Change]]:
    """Yield the open orders at a portal without an API, each with its client; before them the
    clients whose confirmation is missing, or corrects a client-ID. Nothing where the stack has no
    such portal."""
    if stack is None or not stack.forms.by_hand:
        return
    for client in stack.unconfirmed:
        yield client, Change(kind=Kind.CONFIRMATION_MISSING)
    for client, client_id in stack.corrected:
        # The plan shows it, unless a run before has to lift its protection.
        if client.client_key not in plan.replaced:
            yield client, client_replaced(client, client_id)
    forms = stack.forms.by_client_key
    for order in stack.orders:
        client = forms.get(order.client_key) or Client(*order.client_key, client_id=order.client_id)
        yield client, Change(kind=Kind.ORDERED, subject=order.name, note=order.title(spoken()))


def _held_back_by_change(
    plan: Plan, held_back: Sequence[Withheld], stack: Stack | None
) -> Sequence[Withheld]:
    """Return those held back whose client changes, or whose files changed since the stack was
    brought up; all of them where nobody knows which files did."""
    if stack is None or not held_back:
        return held_back
    changed = changed_since(revision_of(stack.state.last_runs))
    if changed is None:
        return held_back

    def is_of_change(form: Declaration) -> bool:
        prefix = str(stack.forms.settings.forms_folder / (form.form.path or ""))
        return form.client_key in plan.changed or any(file.startswith(prefix) for file in changed)

    return [withheld for withheld in held_back if is_of_change(withheld.connection)]


def _with_uploaded_keys(authorities: Authorities, plan: Plan) -> Plan:
    """Return the plan in which a client has the keys that were uploaded in the portal before it,
    where its form has keys from now on: then those of them that the form lacks go."""
    left_portal: list[Client] = []
    for old, new in plan.pairs:
        if old and new and old.keys.declared is None and new.keys.declared is not None:
            left_portal.append(old)
    before = dict(plan.before)
    for client_key, keys in uploaded_keys(authorities, left_portal).items():
        before[client_key] = before[client_key].with_uploaded(keys)
    return replace(plan, before=before)
