"""Compare what is declared and recorded with what the authorities have: what was changed by hand,
by whom and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Annotated, TypeVar

import typer

from acmidm import completion
from acmidm.commands.review import comparison
from acmidm.edit.new.take_over import TakeOver, documents_of
from acmidm.engine import pulumi as engine
from acmidm.engine.recovery import why_not_permitted
from acmidm.engine.stacks import list_clients, mark_of, require_a_form, stack_of, unreachable
from acmidm.render.output import write_report
from acmidm.report.compare import known_client_id, paired
from acmidm.report.connection import ConnectionChanges
from acmidm.report.drift import Drift, drift_of, ends_that_passed, expiring_keys, key_warnings
from acmidm.report.mistakes import mistakes_of, staying_clients
from acmidm.report.plan import Plan
from acmidm.report.review import refusals, refused_replacements
from acmidm.report.three_views import (
    ActualPlatform,
    ClientDrift,
    compare_clients,
    with_corrected_id,
    with_unordered_changes,
    without_confirmation,
)
from acmidm.report.trail import attributed
from acmidm.report.undeclared import UndeclaredGroups, by_maker, undeclared, without_reserved
from acmidm.terminal import Code, Output, OutputOption, StackOption, fail, working
from acmidm.words import WHOLE, first_of, plain
from acmidm_onboarding.authorities.connected import Connected, ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError, NotFound, PerhapsGone, Unreachable
from acmidm_onboarding.authorities.port import Audited, RegisteredClient
from acmidm_onboarding.rules.desired import Desired
from acmidm_onboarding.rules.gate import Withheld, by_reason
from acmidm_onboarding.settings import InvalidSettings, Settings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import ntr, tr
from acmidm_onboarding.values.client import (
    Client,
    ClientKey,
    Clients,
    Records,
    by_client_key,
    recorded_as,
)
from acmidm_onboarding.values.declaration import Declaration, in_stack
from acmidm_onboarding.values.plain import without
from acmidm_onboarding.values.problems import Failure, listed, quoted
from acmidm_onboarding.values.terms import Platform

K = TypeVar("K")

EPILOG = """
**Examples**

- `acmidm drift --stack prod`
- `acmidm drift --stack prod --days 60 --output markdown`
- `acmidm drift --stack tni --heal`
- `acmidm drift --stack tni --take-over mijn-gent > change.yaml`

**Exit codes**: 0 in sync; 1 differs, or a form has mistakes; 2 wrong use; 3 an authority or the
engine cannot be reached, or a product cannot be compared. Keys that end soon and clients that
nobody declares are listed, and count as differing with --strict only. With --take-over: 0 written;
2 nothing of a client can be taken over, and then nothing was written.
"""


def drift(
    clients: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CLIENT]...",
            help="With --take-over: each a client-ID, an application or a key.",
            show_default=False,
            autocompletion=completion.client_keys,
        ),
    ] = None,
    stack: StackOption = "tni",
    days: Annotated[
        int, typer.Option(min=0, help="List the keys that end within this many days.")
    ] = 30,
    heal: Annotated[
        bool,
        typer.Option(
            "--heal", help="Repair what was changed by hand, and nothing else; then look again."
        ),
    ] = False,
    take_over: Annotated[
        bool,
        typer.Option(
            "--take-over",
            help="Write what a hand changed of each CLIENT as a document for acmidm new --from.",
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Also exit with 1 for keys that end soon and for clients that nobody declares.",
        ),
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Compare what is declared and recorded with what the authorities have: what was changed by
    hand, by whom and when.

    Three groups count as differing. Changed by hand: what an authority has, and neither form nor
    state; access that was let in is a danger. Not applied yet: what a form declares, and no run has
    done. Left behind: what bears this stack's mark, works on, and is in no form and no state.

    --heal repairs exactly what was changed by hand, then looks again. It leaves, and names, what
    also has a change of a form that waits, or stays as it is for a mistake in a form. A client that
    was removed comes back with another client-ID, which its organisation is mailed.

    --take-over is for where the portal was right. The document has what the forms of these clients
    gain and lose, with an empty reason for each scope: write it, then take the document in with
    acmidm new --from. What no form may have is not in it, and is said.
    """
    if take_over:
        if heal or strict or output is not Output.TEXT:
            fail(tr("--take-over writes a document; leave --heal, --strict and --output out"))
        if not clients:
            fail(
                tr(
                    "name the clients whose changes by hand are taken over: acmidm drift"
                    " --take-over CLIENT"
                )
            )
        _take_over(clients, stack)
        return
    if clients:
        fail(
            tr(
                "only --take-over takes clients; leave {words} out, or add --take-over",
                words=", ".join(clients),
            )
        )
    found = look(stack, days)
    if heal and found.report.by_hand:
        found = _heal(stack, days, found)
    report = found.report
    write_report(report, output)
    differs = any(
        (
            report.by_hand,
            report.not_applied,
            report.left_behind,
            report.past,
            strict and (report.expiring or report.undeclared),
        )
    )
    if differs or found.has_mistakes or report.healed is False:
        raise typer.Exit(Code.FOUND)
    if not report.is_whole:
        raise typer.Exit(Code.UNREACHABLE)


@dataclass(frozen=True)
class Look:
    """The report of one look at the authorities, and the clients that it was made from."""

    report: Drift
    clients: list[ClientDrift]
    has_mistakes: bool = False
    """Whether some forms could not be compared, for their mistakes."""
    without_scopes: Records = field(default_factory=dict)
    """The clients whose scopes the state has lost and the gate wants to know, by resource name, as
    their authority has them."""


def look(name: str, days: int = 30) -> Look:
    """Compare the stack of this name with its authorities. The report lists the keys that end
    within some ``days``. Raises Failure, as where an authority is down."""
    return _look(stack_of(name, by_policies=True), days)


def _look(stack: Stack, days: int = 30) -> Look:
    looking = _Looking(stack)
    looking.read_forms()
    looking.compare()
    looking.note_what_is_unknown()
    looking.find_who()
    return looking.result(days)


class _Looking:
    """One look at the authorities of a stack, as steps that are taken in their order."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._managed_by = mark_of(stack.name)
        self._desired: Desired | None = None
        """What a run would declare; None without a folder of forms."""
        self._declared: Clients | None = None
        """The clients of the forms, by client key, with those that stay; None without a folder of
        forms."""
        self._mistakes: Sequence[str] = ()
        self._staying: Collection[ClientKey] = ()
        """The clients that stay as they are, for a mistake in their form."""
        self._known_clients: Sequence[Client] = ()
        """The clients that are recorded, and those that are declared, each with the client-ID by
        which it is compared."""
        self._actual: Mapping[Platform, ActualPlatform] = {}
        """What each platform's authority has."""
        self._unread: Mapping[tuple[Platform, str], str] = {}
        """Why a product or a client of a platform could not be read, a sentence each, as
        {("acmidm", "dosis"): "The dosis configurations …"}: the name is a product or a
        client-ID."""
        self._clients: list[ClientDrift] = []
        """How each client differs."""
        self._without_scopes: Records = {}
        self._notes: list[str] = []
        """What the report says beside what differs, a sentence each."""

    def read_forms(self) -> None:
        """Read what the forms declare. Raises Unreachable where an authority of the stack is
        down."""
        stack = self._stack
        self._desired = _desired(stack)
        if self._desired is not None:
            declared = self._in_stack(self._desired.declared)
            self._mistakes = mistakes_of(stack)
            staying = by_client_key(staying_clients(stack))
            self._staying, self._declared = staying.keys(), {**declared, **staying}
        _require_reachable(stack, self._declared or {})

    def compare(self) -> None:
        """Read what the authorities have, and find for each client how what is recorded and
        declared differs from it. Raises Failure."""
        stack = self._stack
        _require_not_moved(stack)
        with working(tr("comparing {stack} with what its authorities have", stack=stack.name)):
            recorded = stack.state.recorded
            if self._desired is not None:
                require_a_form(stack)
            platforms = stack.authorities.platforms
            self._known_clients = list(self._with_compared_ids())
            self._actual, self._unread = _read_actual(platforms, self._known_clients)
            self._clients = self._compared()
        self._without_scopes = _without_scopes(self._held_back, recorded.parts, self._clients)

    def note_what_is_unknown(self) -> None:
        """Add notes for the report: what could not be compared, what is held back, and what is
        wrong with keys that organisations uploaded."""
        stack = self._stack
        if self._declared is None:
            self._notes.append(
                tr(
                    "There is no folder {folder} here: what is recorded was compared with what is"
                    " real, and changes that wait need pulumi preview.",
                    folder=stack.forms.settings.forms_folder,
                )
            )
        for urn in stack.state.recorded.cut_off:
            self._notes.append(
                tr(
                    "A run was cut off at {resource}: what differs there is not known to be by"
                    " hand. Run acmidm deploy --stack {stack} first.",
                    resource=plain(urn.rpartition("::")[2]),
                    stack=stack.name,
                )
            )
        self._notes += [plain(sentence, WHOLE) for sentence in by_reason(self._held_back)]
        if self._without_scopes:
            names = first_of(sorted(self._without_scopes))
            self._notes.append(
                plain(
                    f"the scopes of {names}, whose client alone this state has, are left as they"
                    f" are; run acmidm deploy --stack {stack.name}, which asks the authority",
                    WHOLE,
                )
            )
        self._notes += self._unread.values()
        for platform, connected in stack.authorities.platforms.items():
            if not connected.can.lists_clients:
                self._notes.append(
                    tr(
                        "Which clients on {platform} nobody declares cannot be known: its authority"
                        " lists none.",
                        platform=platform,
                    )
                )
        self._notes += key_warnings(self._clients, stack.forms.settings.profile, stack.now)

    def find_who(self) -> None:
        """Add to each change by hand who made it and when, as the audit trails say."""
        with working(tr("finding who changed it")):
            self._notes += _add_who(self._clients, self._stack.authorities.platforms)

    def result(self, days: int) -> Look:
        """Return the report, with the keys that end within some ``days``, and what it was made
        from."""
        stack, clients, now = self._stack, self._clients, self._stack.now
        recorded = stack.state.recorded.clients
        forms = stack.forms.by_client_key if self._desired else {}
        past = ends_that_passed(clients, forms, now)
        undeclared_clients = self._undeclared()
        if undeclared_clients.left_behind:
            self._notes.append(
                tr(
                    "What is left behind with this stack's mark works on. First pull, and run"
                    " acmidm deploy: it takes over what a run that was cut off, or a lost state,"
                    " has left. What still is here then, no run changes or removes: have a form"
                    " declare it (formerly names its key; a product by its configuration), or"
                    " remove it in the portal."
                )
            )
        # Without a folder of forms nobody knows what is to go.
        declared = recorded if self._declared is None else self._declared
        by_hand_alone = tuple(sorted(stack.forms.by_hand)) if past else ()
        report = drift_of(
            stack.name,
            stack.forms.settings.environment,
            clients,
            now,
            past=past,
            by_hand_alone=by_hand_alone,
            expiring=expiring_keys(clients, now, days),
            left_behind=tuple(undeclared_clients.left_behind),
            undeclared=tuple(undeclared_clients.others),
            problems=(
                *(plain(sentence, WHOLE) for sentence in self._mistakes),
                *refusals(Plan(stack.forms.settings.environment, recorded, declared)),
            ),
            notes=tuple(self._notes),
            is_whole=self._is_whole,
        )
        return Look(report, clients, bool(self._mistakes), self._without_scopes)

    @cached_property
    def _right_ids(self) -> Mapping[ClientKey, str]:
        """The right client-ID of each client of which a wrong one was confirmed."""
        return {client.client_key: right_id for client, right_id in self._stack.corrected}

    def _with_compared_ids(self) -> Iterator[Client]:
        """Yield each client as it is recorded, and as it is declared, both with the client-ID by
        which it is compared: the right one where a wrong one was confirmed; of a client that no run
        has recorded, that of the client that its form takes over."""
        for recorded, declared in paired(self._stack.state.recorded.clients, self._declared or {}):
            views = list(filter(None, (recorded, declared)))
            known_id = known_client_id(recorded, declared)
            client_id = self._right_ids.get(views[0].client_key, known_id)
            for client in views:
                yield replace(client, client_id=client_id)

    @property
    def _held_back(self) -> Sequence[Withheld]:
        return self._desired.held_back if self._desired else ()

    @property
    def _unread_clients(self) -> set[ClientKey]:
        """The clients that could not be read, so that nobody can tell whether they are gone."""
        unread = set()
        for client in self._known_clients:
            if (client.platform, client.client_id) in self._unread:
                unread.add(client.client_key)
        return unread

    @property
    def _left_out(self) -> set[ClientKey]:
        """The clients that are not compared: those that could not be read, and those of which a
        wrong client-ID was confirmed, which the report names by that."""
        return self._unread_clients | self._right_ids.keys()

    @property
    def _is_whole(self) -> bool:
        """Whether every form, client and product could be compared."""
        if self._mistakes or self._unread_clients:
            return False
        return not any(map(self._has_unread_products, self._known_clients))

    def _has_unread_products(self, client: Client) -> bool:
        return any((client.platform, product) in self._unread for product in client.products)

    def _in_stack(self, declarations: Iterable[Declaration]) -> Clients:
        """Return what is declared as the clients of this stack, with its mark and its protection of
        clients, by client key."""
        protect = self._stack.forms.settings.protect_clients
        return in_stack(declarations, protect=protect, managed_by=self._managed_by)

    def _compared(self) -> list[ClientDrift]:
        """Return how each client differs: what is recorded, declared and actual of those that could
        be read, then those whose confirmation is missing or has a wrong client-ID."""
        stack = self._stack
        # Keys that end soon are no change: the report lists them by itself.
        today = replace(comparison(str(stack.forms.settings.catalogue_folder)), expiring_days=None)
        parts = self._readable(stack.state.recorded.parts)
        recorded = replace(stack.state.recorded, parts=parts)
        declared = self._declared and self._readable(self._declared)
        clients = compare_clients(recorded, declared, self._actual, today)
        if self._desired is not None and stack.forms.by_hand:
            # What a form wants and nobody has confirmed yet is not declared: it is an order.
            wanted = self._readable(self._in_stack(self._desired.wanted))
            ordered = compare_clients(recorded, wanted, self._actual, today)
            clients = with_unordered_changes(clients, ordered, stack.forms.by_hand)
        for client in clients:
            # A refresh would record what was changed by hand, and as recorded it would then stay.
            if client.recorded and client.recorded.client_key in self._staying:
                client.no_run_heals = True
        clients += map(without_confirmation, stack.unconfirmed)
        clients += [with_corrected_id(client, right_id) for client, right_id in stack.corrected]
        return clients

    def _readable(self, clients: Mapping[K, Client]) -> dict[K, Client]:
        """Return those of some clients that are compared, each without the products whose
        configurations could not be read."""
        left_out = self._left_out
        readable = {}
        for key, client in clients.items():
            if client.client_key not in left_out:
                unread = {name for platform, name in self._unread if platform == client.platform}
                readable[key] = replace(client, products=without(client.products, unread))
        return readable

    def _undeclared(self) -> UndeclaredGroups:
        """Return the clients that nobody declares: those that this stack left behind, and all
        others. Without a folder of forms none counts as left behind."""
        stack, left_out = self._stack, self._left_out
        not_compared = [client for client in self._known_clients if client.client_key in left_out]
        known = (*stack.state.recorded.leaving, *not_compared)
        found = without_reserved(
            undeclared(self._clients, known, self._actual), stack.authorities.platforms
        )
        managed_by = None if self._declared is None else self._managed_by
        return by_maker(found, managed_by)


def _without_scopes(
    held_back: Iterable[Withheld], records: Records, clients: Iterable[ClientDrift]
) -> dict[str, Client]:
    """Return the clients that are held back because the state has lost their scopes, as their
    authority has them, by resource name. One that the authority does not have is there without
    scopes."""
    present = _present(clients)
    without: dict[str, Client] = {}
    for withheld in held_back:
        has_lost_scopes = withheld.is_partial and not withheld.is_declared
        if not has_lost_scopes:
            continue
        recorded = recorded_as(withheld.connection, records)
        if recorded:
            client = present.get(recorded.client_key)
            without[recorded.resource_name] = (
                client.after if client else replace(recorded, scopes={})
            )
    return without


def _present(clients: Iterable[ClientDrift]) -> dict[ClientKey, ClientDrift]:
    present: dict[ClientKey, ClientDrift] = {}
    for client in clients:
        if client.recorded and client.actual:
            present[client.recorded.client_key] = client
    return present


def _desired(stack: Stack) -> Desired | None:
    """Return what the forms without mistakes declare; None without a folder of forms. Raises
    InvalidSettings where the settings name a folder that is missing, and InvalidForms for mistakes
    in what all forms share."""
    folder = stack.forms.settings.forms_folder
    if not folder.is_dir():
        if folder != Settings.model_fields["forms_folder"].default:
            raise InvalidSettings(
                tr("there is no folder {folder}; correct acmidm:formsFolder", folder=folder)
            )
        return None
    return stack.desired


def _require_not_moved(stack: Stack) -> None:
    """Raise Failure where the settings name another authority or environment than the state: every
    client would look as if removed."""
    if relocations := [*stack.relocations]:
        raise Failure("\n".join(relocations), exit_code=Code.FOUND)


def _require_reachable(stack: Stack, declared: Clients) -> None:
    """Raise Unreachable where an authority is down, with the reasons on stderr: reading would try
    for as long as the settings allow. Raises UnknownStack in its place where no run has made the
    stack yet."""
    reasons = list(unreachable(stack, _products(declared.values())))
    if not reasons:
        return
    try:
        _require_not_moved(stack)
    except engine.UnknownStack:
        raise
    except engine.EngineError:
        pass  # that an authority is down is the reason to report
    for reason in reasons:
        typer.echo(reason, err=True)
    raise Unreachable(
        tr(
            "stack {stack} could not be compared: not all of its authorities can be reached",
            stack=stack.name,
        )
    )


def _products(clients: Iterable[Client]) -> Mapping[Platform, Collection[str]]:
    """Return the products that clients have, as {"acmidm": {"dosis"}}: a platform need not offer
    any other."""
    products: dict[Platform, set[str]] = defaultdict(set)
    for client in clients:
        products[client.platform] |= client.products.keys()
    return products


def _read_actual(
    platforms: Connected, known_clients: Collection[Client]
) -> tuple[dict[Platform, ActualPlatform], dict[tuple[Platform, str], str]]:
    """Read every client and every configuration of a product from the authorities. Return what each
    platform has, and why a product or client could not be read, as {("acmidm", "dosis"): sentence}.

    Products that no known client has are read too: this stack may have left configurations behind.
    Raises AuthorityError where one that a known client has cannot be read, unless it is not found.
    """
    products = _products(known_clients)
    for name in products.keys() - platforms.keys():
        # Without an authority all clients would look as if removed.
        raise InvalidSettings(
            tr(
                'platform "{platform}" has no authority in this stack; set'
                " {platform}:managementUrl and what goes with it",
                platform=name,
            )
        )
    actual: dict[Platform, ActualPlatform] = {}
    unread: dict[tuple[Platform, str], str] = {}
    for name, platform in platforms.items():
        needed, configured = products.get(name, ()), {}
        for product in sorted({*platform.products, *needed}):
            try:
                configured[product] = dict(platform.product_api.configurations(product))
            except AuthorityError as error:
                is_offered = not isinstance(error, NotFound)
                if is_offered and product in needed:  # its clients cannot be compared
                    raise
                if is_offered or product in needed:
                    unread[name, product] = tr(
                        "The {product} configurations on {platform} could not be looked at:"
                        " {error}",
                        product=product,
                        platform=name,
                        error=error,
                    )
        client_ids = set[str]()
        for client in known_clients:
            if client.client_id and client.platform is name:
                client_ids.add(client.client_id)
        clients, unread_clients = _read_clients(platform, client_ids.union(*configured.values()))
        unread |= {(name, client_id): sentence for client_id, sentence in unread_clients.items()}
        actual[name] = ActualPlatform(
            clients,
            configured,
            platform.assigned,
            unread_clients.keys(),
            platform.unkept,
            platform.marks_products,
        )
    return actual, unread


def _read_clients(
    platform: ConnectedPlatform, known_ids: Collection[str]
) -> tuple[dict[str, RegisteredClient], dict[str, str]]:
    """Return every client of a platform, by its client-ID; of an authority that lists none, those
    of ``known_ids`` that it has. Return besides, by its client-ID, a sentence for each client of
    which the authority does not tell whether it is gone."""
    clients = dict(platform.listed_clients())
    unread: dict[str, str] = {}
    if platform.can.lists_clients:
        return clients, unread
    for client_id in sorted(known_ids):
        try:
            if registered := platform.clients.get(client_id):
                clients[client_id] = registered
        except PerhapsGone as error:
            unread[client_id] = tr(
                "Client {client} could not be looked at: {error}", client=client_id, error=error
            )
    return clients, unread


def _add_who(clients: Iterable[ClientDrift], platforms: Connected) -> list[str]:
    """Add to each change by hand who made it and when, where an authority has an audit trail.
    Return no note, or one where some trails could not be read. An authority that cannot be reached
    gets no further request."""
    failed: list[AuthorityError] = []
    for client in clients:
        if not client.by_hand or not client.by_hand.client_id:
            continue
        authority = platforms[client.by_hand.platform].authority
        if not isinstance(authority, Audited):
            continue
        try:
            client.by_hand = attributed(
                client.by_hand, authority.recorded_changes(client.by_hand.client_id)
            )
        except AuthorityError as error:
            failed.append(error)
            if isinstance(error, Unreachable):
                break
    if not failed:
        return []
    sentence = tr("Who made the changes could not be found out: {error}", error=failed[0])
    if len(failed) == 1:
        return [sentence]
    others = ntr(
        "(and of {count} other client, for the like)",
        "(and of {count} other clients, for the like)",
        len(failed) - 1,
    )
    return [f"{sentence} {others}"]


def _take_over(words: Sequence[str], name: str) -> None:
    """Write what a hand changed of the clients that the ``words`` name, as one document on standard
    output. Where one of them cannot be taken over, end the command with all reasons, and write
    nothing."""
    stack = stack_of(name, by_policies=True)
    found = _look(stack)
    take_overs: list[TakeOver] = []
    reasons: list[str] = []
    for word in dict.fromkeys(words):
        try:
            take_overs.append(TakeOver(_client_named(word, found), stack))
        except Failure as failure:
            reasons += str(failure).splitlines()
    if reasons:
        fail("\n".join(reasons))
    text = documents_of(take_overs)
    typer.echo(text, nl=False)
    for take_over in take_overs:
        for note in take_over.notes:
            typer.echo(plain(f"{take_over.declared.key}: {note}", WHOLE), err=True)
    typer.echo(
        ntr(
            "{count} client is in the document: write the reason of each scope, then run acmidm"
            " new --from FILE",
            "{count} clients are in the document: write the reason of each scope, then run acmidm"
            " new --from FILE",
            len(take_overs),
        ),
        err=True,
    )


def _client_named(word: str, found: Look) -> ClientDrift:
    """Return the recorded client that a word names: a client-ID, an application, a key or a
    resource name. Raises Failure where it names none, or several."""
    named: list[ClientDrift] = []
    for client in found.clients:
        recorded = client.recorded
        if recorded and word in (
            recorded.client_id,
            recorded.application,
            recorded.key,
            recorded.resource_name,
        ):
            named.append(client)
    if len(named) == 1:
        return named[0]
    if named:
        keys = (client.before.resource_name for client in named)  # as it is recorded
        raise Failure(
            tr(
                "{word} names several clients: {keys}; give the client-ID or the key of one",
                word=quoted(word),
                keys=listed(keys),
            )
        )
    report = found.report
    for undeclared_client in (*report.left_behind, *report.undeclared):
        if word in (undeclared_client.client_id, undeclared_client.application):
            raise Failure(
                tr(
                    "{word} is a client that nobody declares: take it over by acmidm import, with"
                    " its client-ID in a spreadsheet",
                    word=quoted(word),
                )
            )
    raise Failure(
        tr(
            "stack {stack} has no client {word}; give a client-ID, an application or a key, as"
            " acmidm drift shows them",
            word=quoted(word),
            stack=report.stack,
        )
    )


def _heal(stack: str, days: int, before: Look) -> Look:
    """Repair what was changed by hand, but for what has changes of a form that wait too. Return
    what a second look finds, with what was repaired, and why something was not. End the command
    where the checkout may be behind, or an authority is probably a wrong one."""
    opened = stack_of(stack, by_policies=True)
    if reasons := [*why_not_permitted(opened), *list_clients(opened).suspicious]:
        fail("\n".join((*reasons, f"nothing of {stack} is repaired")), Code.FOUND)
    changed = [client for client in before.clients if client.by_hand]
    healing = [client for client in changed if client.healing]
    problems = _why_not_healed(changed)
    urns = list(chain.from_iterable(client.healing for client in healing))
    succeeded = True
    errors: tuple[str, ...] = ()
    protected: frozenset[str] = frozenset()
    if urns:
        with working(
            ntr(
                "repairing {count} resource of {stack}",
                "repairing {count} resources of {stack}",
                len(urns),
                stack=stack,
            )
        ):
            recorded = {client.before.resource_name: client.before for client in healing}
            # The program fails for all where it does not know of one client which scopes it has.
            known = {**recorded, **before.without_scopes}
            succeeded, errors, protected = engine.up(stack, urns, known)
    after = look(stack, days)
    repaired, not_repaired = _repaired(healing, after.clients)
    if not succeeded:
        problems += [*errors, *refused_replacements(protected)]
    else:
        for connection in not_repaired:
            problems.append(
                tr(
                    "{key}: was not repaired; acmidm deploy --stack {stack} says why",
                    key=connection.key,
                    stack=stack,
                )
            )
    update = {
        "healed": succeeded and not after.report.by_hand and not not_repaired,
        "repaired": tuple(repaired),
        "problems": (*after.report.problems, *problems),
    }
    return replace(after, report=after.report.model_copy(update=update))


def _why_not_healed(changed: Iterable[ClientDrift]) -> list[str]:
    """Return a sentence for each client of which --heal leaves a part that was changed by hand,
    because a change of its form waits there: a repair would make that too."""
    sentences = []
    for client in changed:
        if not (client.by_hand and client.not_healed):
            continue
        sentences.append(
            tr(
                "{key}: {parts} was changed by hand and has changes that wait, so that --heal"
                " leaves it; bring the stack up, or change the form",
                key=client.by_hand.key,
                parts=", ".join(sorted(client.not_healed)),
            )
        )
    return sentences


def _repaired(
    healing: Iterable[ClientDrift], after: Iterable[ClientDrift]
) -> tuple[list[ConnectionChanges], list[ConnectionChanges]]:
    """Return the repairs that a look ``after`` them shows as done, and those that it does not. A
    client that is no longer recorded, or no longer at its authority, is not repaired."""
    present = _present(after)
    repaired: list[ConnectionChanges] = []
    not_repaired: list[ConnectionChanges] = []
    for client in healing:
        healed = client.healed
        if not healed:
            continue
        if _is_repaired(healed, present.get(client.before.client_key)):
            repaired.append(healed)
        else:
            not_repaired.append(healed)
    return repaired, not_repaired


def _is_repaired(healed: ConnectionChanges, present: ClientDrift | None) -> bool:
    """Return whether a client is there now, with none of the changes that were to be undone."""
    if present is None:
        return False
    if not present.by_hand:
        return True
    remaining = {(change.kind, change.subject) for change in present.by_hand.changes}
    return not any((change.kind, change.subject) in remaining for change in healed.changes)
