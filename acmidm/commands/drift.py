"""Compare what is declared and recorded with what the authorities have: what was changed by hand, by whom and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from acmidm.commands.review import comparison
from acmidm.engine import pulumi as engine
from acmidm.engine.stacks import managed_by as named_at_authorities
from acmidm.engine.stacks import require_a_form, stack_of, unreachable
from acmidm.render.output import write_report
from acmidm.report.compare import ConnectionChanges
from acmidm.report.drift import (
    ClientDrift,
    Drift,
    Real,
    attributed,
    drift_of,
    drifted,
    expiring_keys,
    key_warnings,
    with_unordered,
    without_confirmation,
)
from acmidm.report.online import look_at_published_keys
from acmidm.report.plan import Plan
from acmidm.report.review import kept, refusals
from acmidm.report.undeclared import apart, stolen_keys, undeclared, without_reserved
from acmidm.terminal import Code, Output, OutputOption, working
from acmidm.words import WHOLE, plain
from acmidm_onboarding.authorities.connected import Connected, ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError, NotFound, PerhapsGone, Unreachable
from acmidm_onboarding.authorities.port import Audited, ClientSnapshot
from acmidm_onboarding.rules.desired import Desired
from acmidm_onboarding.rules.gate import by_reason
from acmidm_onboarding.rules.retirement import natural_keys
from acmidm_onboarding.settings import InvalidSettings, Settings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import say, say_counted
from acmidm_onboarding.values.client import Client, ClientKey, Clients
from acmidm_onboarding.values.declaration import Declaration, in_stack
from acmidm_onboarding.values.metadata import Owner
from acmidm_onboarding.values.problems import InvalidForms
from acmidm_onboarding.values.terms import Platform

EPILOG = """
**Examples**

- `acmidm drift --stack prod`
- `acmidm drift --stack prod --days 60 --output markdown`
- `acmidm drift --stack tni --heal`

**Exit codes**: 0 in sync; 1 differs; 2 wrong use; 3 an authority or the engine cannot be reached, or a product cannot
be compared. Keys that end soon and clients that nobody declares are listed, and count as differing with --strict only.
"""


def drift(
    stack: Annotated[str, typer.Option(metavar="STACK", help="The stack, as in Pulumi.STACK.yaml.")] = "tni",
    days: Annotated[int, typer.Option(min=0, help="List the keys that end within this many days.")] = 30,
    heal: Annotated[
        bool, typer.Option("--heal", help="Repair what was changed by hand, and nothing else; then look again.")
    ] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Also exit with 1 for keys that end soon and for clients that nobody declares."),
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Compare what is declared and recorded with what the authorities have: what was changed by hand, by whom and when.

    Three groups count as differing. Changed by hand: what an authority has, and neither form nor state; access that was
    let in is a danger. Not applied yet: what a form declares, and no run has done. Left behind: what bears this stack's
    mark, works on, and is in no form and no state.

    --heal repairs exactly what was changed by hand, then looks again. It leaves, and names, what also has a change of a
    form that waits. A client that was removed comes back with another client-ID, which its organisation is mailed.
    """
    found = look(stack, days)
    if heal and found.report.by_hand:
        found = _heal(stack, days, found)
    report = found.report
    write_report(report, output)
    differs = any(
        (report.by_hand, report.not_applied, report.left_behind, strict and (report.expiring or report.undeclared))
    )
    raise typer.Exit(
        Code.FOUND if differs or report.healed is False else Code.WELL if report.is_whole else Code.UNREACHABLE
    )


@dataclass(frozen=True)
class Found:
    """A report, and the clients that it was made from."""

    report: Drift
    clients: list[ClientDrift]


def look(name: str, days: int = 30) -> Found:
    """Look at the authorities once. Raises Failure."""
    stack = stack_of(name)
    settings, managed_by = stack.settings, named_at_authorities(name)
    desired = _desired(stack)
    declared = in_stack(desired.declared, protect=settings.protect_clients, managed_by=managed_by) if desired else None
    _reach(stack, declared or {})
    with working(say("drift.comparing", stack=name)):
        recorded = stack.recorded
        if desired is not None:
            require_a_form(stack)
        platforms, left = stack.platforms, _left(desired, managed_by)
        known = [*recorded.clients.values(), *(declared or {}).values()]
        real, unlisted = _real(platforms, known)
        now = stack.now
        today = replace(comparison(str(settings.catalogue_folder)), expiring_days=None)
        unread = {one.place for one in known if (one.platform, one.client_id) in unlisted}
        not_compared = [one for one in recorded.clients.values() if one.place in unread]
        listed = replace(recorded, parts=_but_for(unlisted, unread, recorded.parts))
        clients = drifted(listed, declared and _but_for(unlisted, unread, declared), real, today)
        if declared is not None and desired is not None and stack.by_hand:
            has_api = {place: one for place, one in declared.items() if one.platform not in stack.by_hand}
            wanted = in_stack(desired.wanted, protect=settings.protect_clients, managed_by=managed_by)
            ordered = drifted(listed, _but_for(unlisted, unread, {**has_api, **wanted}), real, today)
            by_hand = (one for one in ordered if one.recorded and one.recorded.platform in stack.by_hand)
            clients = with_unordered(clients, by_hand)
        clients += map(without_confirmation, stack.unconfirmed)
        clients += stolen_keys(left, real)
    notes = [say("drift.no_forms", folder=settings.forms_folder)] if declared is None else []
    notes += [say("drift.cut_off", resource=plain(urn.rpartition("::")[2]), stack=name) for urn in recorded.cut_off]
    notes += [plain(sentence, WHOLE) for sentence in by_reason(desired.held_back if desired else ())]
    notes += unlisted.values()
    notes += [say("drift.not_listed", platform=name) for name, one in platforms.items() if not one.can.lists_clients]
    notes += key_warnings(clients, real, settings.profile, now)
    notes += look_at_published_keys(clients, settings.profile, now)
    with working(say("drift.finding_who")):
        notes += _attribute(clients, platforms)
    beside = apart(
        without_reserved(undeclared(clients, (*recorded.leaving, *not_compared), real), platforms),
        left,
        None if declared is None else managed_by,
    )
    notes += [say("drift.left_behind")] if beside.left_behind else []
    report = drift_of(
        name,
        settings.environment,
        clients,
        now,
        expiring=expiring_keys(clients, now, days),
        preserved=tuple(beside.preserved),
        left_behind=tuple(beside.left_behind),
        undeclared=tuple(beside.others),
        problems=tuple(
            refusals(Plan(settings.environment, recorded.clients, recorded.clients if declared is None else declared))
        ),
        notes=tuple(notes),
        is_whole=not unread and not any((one.platform, name) in unlisted for one in known for name in one.products),
    )
    return Found(report, clients)


def _desired(stack: Stack) -> Desired | None:
    """What the forms declare; None without a folder of forms. Their mistakes are reported before any authority is
    reached."""
    folder = stack.settings.forms_folder
    if not folder.is_dir():
        if folder != Settings.model_fields["forms_folder"].default:  # somebody has one, of another name
            raise InvalidSettings(say("drift.no_folder", folder=folder))
        return None
    if stack.forms.problems:
        raise InvalidForms(stack.forms.problems)
    return stack.desired


def _left(desired: Desired | None, managed_by: str) -> Mapping[Owner, Declaration]:
    """Whose clients are preserved, by what their authority knows them by."""
    return {Owner(key, managed_by): one for one in (desired.left if desired else ()) for key in natural_keys(one)}


def _reach(stack: Stack, declared: Clients) -> None:
    """End the look where an authority is down: reading would go on for as long as the settings allow."""
    reasons = list(unreachable(stack, _products(declared.values())))
    for reason in reasons:
        typer.echo(reason, err=True)
    if reasons:
        raise Unreachable(say("drift.unreachable", stack=stack.name))


def _products(states: Iterable[Client]) -> Mapping[Platform, Collection[str]]:
    """The products that clients of a platform have: it need not offer any other."""
    found: dict[Platform, set[str]] = defaultdict(set)
    for state in states:
        found[state.platform] |= state.products.keys()
    return found


def _but_for(
    unlisted: Collection[tuple[Platform, str]], unread: Collection[ClientKey], clients: Mapping[Any, Client]
) -> dict[Any, Client]:
    """The clients without those that could not be read, and without the products that could not be listed: what of
    them is there is not known."""
    return {
        place: replace(
            one,
            products={name: fields for name, fields in one.products.items() if (one.platform, name) not in unlisted},
        )
        for place, one in clients.items()
        if one.place not in unread
    }


def _real(
    platforms: Connected, known: Collection[Client]
) -> tuple[dict[Platform, Real], dict[tuple[Platform, str], str]]:
    """List every client of every platform, and the configurations of products there; and say why, per product and
    client, where that cannot be done.

    Also of products that none of ours has: this stack may have left some behind.
    """
    products = _products(known)
    for name in products.keys() - platforms.keys():  # all that is there would look as if somebody had removed it
        raise InvalidSettings(say("drift.no_authority", platform=name))
    found: dict[Platform, Real] = {}
    unlisted: dict[tuple[Platform, str], str] = {}
    for name, platform in platforms.items():
        needed, configured = products.get(name, ()), {}
        for product in sorted({*platform.products, *needed}):
            try:
                configured[product] = dict(platform.product_api.configurations(product))
            except AuthorityError as error:
                is_offered = not isinstance(error, NotFound)
                if is_offered and product in needed:  # it is down, say, and nothing of ours could be compared
                    raise
                if is_offered or product in needed:
                    unlisted[name, product] = say("drift.unlisted", product=product, platform=name, error=error)
        ours = {client_id for one in known if one.platform is name and (client_id := one.client_id or one.adopts)}
        clients, unread = _clients(platform, ours.union(*configured.values()))
        unlisted |= {(name, client_id): sentence for client_id, sentence in unread.items()}
        found[name] = Real(
            clients, configured, platform.assigned, unread.keys(), platform.unkept, platform.marks_products
        )
    return found, unlisted


def _clients(platform: ConnectedPlatform, known: Collection[str]) -> tuple[dict[str, ClientSnapshot], dict[str, str]]:
    """Every client by its client-ID, those that are ``known`` where its authority lists none; and why, of each of which
    nobody can tell whether it is gone."""
    found = {snapshot.client.client_id: snapshot for snapshot in platform.authority.clients()}
    unread = {}
    for client_id in () if platform.can.lists_clients else sorted(known):
        try:
            if snapshot := platform.clients.get(client_id):
                found[client_id] = snapshot
        except PerhapsGone as error:
            unread[client_id] = say("drift.unread", client=client_id, error=error)
    return found, unread


def _attribute(clients: Iterable[ClientDrift], platforms: Connected) -> list[str]:
    """Find who made each change by hand, where an authority records that; why not, where that cannot be found out."""
    failed: list[AuthorityError] = []
    for client in clients:
        if not client.by_hand or not client.by_hand.client_id:
            continue
        authority = platforms[client.by_hand.platform].authority
        if not isinstance(authority, Audited):
            continue
        try:
            client.by_hand = attributed(client.by_hand, authority.recorded_changes(client.by_hand.client_id))
        except AuthorityError as error:
            failed.append(error)
            if isinstance(error, Unreachable):
                break
    if not failed:
        return []
    others = [say_counted("drift.others", len(failed) - 1)] if len(failed) > 1 else []
    return [" ".join((say("drift.who_unknown", error=failed[0]), *others))]


def _heal(stack: str, days: int, before: Found) -> Found:
    """Repair what was changed by hand and has nothing pending, and look again."""
    healing = [client for client in before.clients if client.by_hand and client.healing]
    left = [
        say("drift.left", key=client.by_hand.key, parts=", ".join(sorted(client.left)))
        for client in before.clients
        if client.by_hand and client.left
    ]
    urns = [urn for client in healing for urn in client.healing]
    well, errors, protected = True, tuple[str, ...](), frozenset[str]()
    if urns:
        with working(say_counted("drift.repairing", len(urns), stack=stack)):
            there = {client.recorded.resource_name: client.recorded for client in healing if client.recorded}
            well, errors, protected = engine.up(stack, urns, there, state_at_the_end=stack_of(stack).finds_clients)
    after = look(stack, days)
    repaired, not_repaired = _repaired(healing, after.clients)
    left += [say("drift.not_repaired", key=one.key, stack=stack) for one in not_repaired if well]
    update = {
        "healed": well and not after.report.by_hand and not not_repaired,
        "repaired": tuple(repaired),
        "problems": (*after.report.problems, *left, *(() if well else (*errors, *kept(protected)))),
    }
    return Found(after.report.model_copy(update=update), after.clients)


def _repaired(
    healing: Iterable[ClientDrift], after: Iterable[ClientDrift]
) -> tuple[list[ConnectionChanges], list[ConnectionChanges]]:
    """What was repaired and what was not, as a second look shows: what the state has forgotten by then was not."""
    there = {one.recorded.place: one for one in after if one.recorded and one.real}
    repaired: list[ConnectionChanges] = []
    not_repaired: list[ConnectionChanges] = []
    for client in healing:
        if (found := client.healed) and client.recorded:
            now = there.get(client.recorded.place)
            left = {(change.kind, change.subject) for change in now.by_hand.changes} if now and now.by_hand else set()
            is_left = now is None or any((change.kind, change.subject) in left for change in found.changes)
            (not_repaired if is_left else repaired).append(found)
    return repaired, not_repaired
