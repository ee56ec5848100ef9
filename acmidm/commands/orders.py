"""List what people have to do at a portal that has no API, and confirm what they did."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from acmidm import completion, git
from acmidm.engine.stacks import stack_of
from acmidm.orders.checking import check as checked
from acmidm.orders.listed import Orders, orders_of
from acmidm.orders.writing import Written, attestation, confirm, refuse, require_not_overtaken
from acmidm.render.output import write_report
from acmidm.report.mistakes import mistakes_of
from acmidm.report.revisions.order_history import OrderHistory, ordered_by_name
from acmidm.terminal import (
    Code,
    ListOutput,
    ListOutputOption,
    StackOption,
    TextOutput,
    TextOutputOption,
    fail,
    speaking,
)
from acmidm_onboarding.forms.documents import Unreadable, read_text
from acmidm_onboarding.forms.key_files import key_in
from acmidm_onboarding.rules.orders import Doer, Order, removals
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.texts import Language, tr
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.problems import InvalidForms, Problem, quoted
from acmidm_onboarding.values.problems import listed as named
from acmidm_onboarding.values.terms import Environment

_EPILOG = """
**Examples**

- `acmidm orders list --stack by-hand`
- `acmidm orders show OVO002067/mijn-gent create --stack by-hand --output html > order.html`
- `acmidm orders done OVO002067/mijn-gent create @3fa14c02 --client-id 1b2c --stack by-hand`
- `acmidm orders refused OVO002067/mijn-gent scopes @3fa14c02 --why "no mandate" --stack by-hand`

**Exit codes**: 0 shown or written; 1 `check` found a difference, or `list` a mistake in a form; 2
wrong use, or an order that no version of the forms in Git says.
"""

app = typer.Typer(help=__doc__, epilog=_EPILOG, no_args_is_help=True)

LanguageOption = Annotated[
    Language, typer.Option(envvar="ACMIDM_LANGUAGE", help="In which language orders speak.")
]
ForOption = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar="WHOM",
        help="Only those of operator, organisation, api-owner or product-team.",
        show_default=False,
    ),
]
ByOption = Annotated[
    str | None, typer.Option(help="Who says so.", show_default="user.email of Git")
]
OrderArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="ORDER",
        help="The order, as OVO002067/mijn-gent scopes @3fa14c02.",
        autocompletion=completion.client_names,
    ),
]


@app.command("list")
def list_orders(
    stack: StackOption = "tni",
    whom: ForOption = None,
    language: LanguageOption = Language.NL,
    output: ListOutputOption = ListOutput.TEXT,
) -> None:
    """List the orders of a stack: what people have to do at its portal, since when, and what was
    refused."""
    opened = _opened(stack)
    doer = None if whom is None else _doer(whom)
    orders = [order for order in opened.orders if doer in (None, order.doer)]
    since = OrderHistory(opened).since
    with speaking(language):
        is_whole = output is ListOutput.HTML
        write_report(orders_of(opened, orders, since, is_whole=is_whole), output)
    mistakes = mistakes_of(opened)
    for sentence in mistakes:
        typer.echo(sentence, err=True)
    if mistakes:
        raise typer.Exit(Code.FOUND)


def read(stack: str, language: Language) -> Orders:
    """Return the report of all orders of a stack, in a language, as ``acmidm github orders`` posts
    it. Ends the command as ``_opened`` does."""
    opened = _opened(stack)
    orders = opened.orders
    with speaking(language):
        return orders_of(opened, orders, OrderHistory(opened).since)


@app.command()
def show(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="ORDER",
            help="The order, or the key of a client for all of its orders.",
            autocompletion=completion.client_names,
        ),
    ],
    stack: StackOption = "tni",
    language: LanguageOption = Language.NL,
    output: ListOutputOption = ListOutput.TEXT,
) -> None:
    """Show what a person does for an order, step by step, with the values to copy and what to bring
    back."""
    opened = _opened(stack)
    history = OrderHistory(opened)
    name = " ".join(words)
    if "@" in name:
        # A whole name: Git may have that version of the order, though it is not open any more.
        orders = [history.find(*ordered_by_name(name))]
    else:
        resource_name, *parts = words
        of_client = (order for order in opened.orders if order.resource_name == resource_name)
        orders = [order for order in of_client if not parts or order.part in parts]
    with speaking(language):
        write_report(orders_of(opened, orders, history.since, is_whole=True), output)


@app.command()
def done(
    words: OrderArgument,
    stack: StackOption = "tni",
    client_id: Annotated[
        str | None,
        typer.Option(
            help="The client-ID that the portal shows of a new client.", show_default=False
        ),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="A public key that is there; may be repeated.", show_default=False
        ),
    ] = None,
    no_keys: Annotated[
        bool, typer.Option("--no-keys", help="That no public key is there.")
    ] = False,
    by: ByOption = None,
) -> None:
    """Confirm that an order is carried out: what that version of it said is written, and nothing
    that the form says since."""
    opened, now = _opened(stack), datetime.now(UTC)
    history = OrderHistory(opened)
    order = history.find(*ordered_by_name(" ".join(words)))
    require_not_overtaken(opened, order, history.until)
    keys = _keys_in(key or ()) if key or no_keys else None
    written = confirm(
        opened, order, attestation(by or git.user(), now), client_id=client_id, keys=keys
    )
    if written.is_new:
        typer.echo(tr("{order}: confirmed, in {file}", order=order.name, file=written.file))
    else:
        typer.echo(
            tr("{order}: that is confirmed already, in {file}", order=order.name, file=written.file)
        )
    _print_what_to_do_next(opened, order, written)


@app.command()
def refused(
    words: OrderArgument,
    why: Annotated[str, typer.Option(help="Why it is not carried out.")],
    stack: StackOption = "tni",
    by: ByOption = None,
) -> None:
    """Note that an order is not carried out, and why: it stays refused until the form says
    something else."""
    opened, now = _opened(stack), datetime.now(UTC)
    order = OrderHistory(opened).find(*ordered_by_name(" ".join(words)))
    written = refuse(opened, order, why, attestation(by or git.user(), now))
    typer.echo(tr("{order}: refused, in {file}", order=order.name, file=written.file))
    _print_what_to_do_next(opened, order, written)


@app.command()
def check(
    stack: StackOption = "tni",
    exported: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A CSV file exported from the portal, with the columns client_id and scopes.",
            show_default=False,
        ),
    ] = None,
    output: TextOutputOption = TextOutput.TEXT,
) -> None:
    """Compare what is confirmed with what can be seen without an API: evidence of acmidm probe, and
    a file from the portal.

    It also lists what somebody should look at again, longest unseen first. Exits with 1 where
    something differs.
    """
    report = checked(_opened(stack), exported)
    write_report(report, output)
    if report.differences:
        raise typer.Exit(Code.FOUND)


@app.command()
def gone(
    connection: Annotated[
        str,
        typer.Argument(
            metavar="CLIENT",
            help="The client, as OVO002067/mijn-gent/geosecure.",
            autocompletion=completion.client_names,
        ),
    ],
    stack: StackOption = "tni",
    by: ByOption = None,
) -> None:
    """Confirm that a client is gone at the portal, though no order says so: the next run forgets
    it."""
    opened, now = _opened(stack), datetime.now(UTC)
    orders = removals(opened.confirmations)
    order = next((removal for removal in orders if removal.resource_name == connection), None)
    if order is None:
        fail(
            tr("no client {client} is confirmed here; see acmidm status", client=quoted(connection))
        )
    written = confirm(opened, order, attestation(by or git.user(), now))
    typer.echo(tr("{order}: confirmed, in {file}", order=order.name, file=written.file))
    typer.echo(_how_to_commit(order, written))


def _how_to_commit(order: Order, written: Written) -> str:
    """Return the sentence with the commands of Git that keep a confirmation."""
    return tr(
        'Keep it in Git: git add {folder} && git commit -m "{order}"',
        folder=written.file.parent,
        order=order.name,
    )


def _opened(name: str) -> Stack:
    """Open a stack that people change by hand. End the command where all its authorities have an
    API; and on production where forms or catalogue are not as merged, for only what is merged is
    ordered there."""
    opened = stack_of(name)
    settings = opened.forms.settings
    if not opened.forms.by_hand:
        fail(
            tr(
                "no platform of stack {stack} is managed by hand, so that there are no orders; see"
                " acmidm:authority",
                stack=name,
            )
        )
    if settings.environment is Environment.PROD:
        if not git.knows_what_is_merged():
            fail(
                tr(
                    "which forms are merged cannot be known, for this clone does not know the"
                    " default branch of origin, and on production only what is merged is ordered:"
                    " git remote set-head origin main, by the name of that branch"
                )
            )
        if not git.is_merged(settings.forms_folder, settings.catalogue_folder):
            fail(
                tr(
                    "forms or catalogue are not here as they were merged, and on production only"
                    " what is merged is ordered: have them merged, or put them back"
                )
            )
    return opened


def _doer(name: str) -> Doer:
    if name not in list(Doer):
        fail(tr("--for: {name} is not known; use {known}", name=quoted(name), known=named(Doer)))
    return Doer(name)


def _keys_in(files: Iterable[Path]) -> list[PublicJwk]:
    """Read the public key in each file. Raises InvalidForms with everything that is wrong with
    them."""
    keys, problems = list[PublicJwk](), list[Problem]()
    for file in files:
        try:
            key_or_problems = key_in(read_text(file), file)
        except Unreadable as error:
            key_or_problems = [Problem(file, 1, 1, error.what, error.remedy)]
        if isinstance(key_or_problems, PublicJwk):
            keys.append(key_or_problems)
        else:
            problems += key_or_problems
    if problems:
        raise InvalidForms(problems)
    return keys


def _print_what_to_do_next(stack: Stack, order: Order, written: Written) -> None:
    """Print how to keep a new confirmation in Git, and which order for the same part is still open,
    since the form has changed. Of a confirmation that was there already, print nothing."""
    if not written.is_new:
        return
    typer.echo(_how_to_commit(order, written))
    for newer in stack.confirmed_anew().orders:
        if newer.refused is None and (newer.client_key, newer.part) == (
            order.client_key,
            order.part,
        ):
            typer.echo(
                tr("the form says something else by now: {order} is still open", order=newer.name)
            )
