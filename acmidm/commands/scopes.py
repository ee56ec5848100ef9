"""Add a scope to many forms, of a supplier or of organisations, in one change."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml.comments import CommentedMap

from acmidm.edit.lines import copied, put_request
from acmidm.edit.new.checks import of_scope
from acmidm.edit.new.files import edit_forms
from acmidm.terminal import fail
from acmidm.words import first_of
from acmidm_onboarding.forms.files import FORMS
from acmidm_onboarding.forms.loading import load_onboardings
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.texts import say, say_counted
from acmidm_onboarding.values.problems import either, quoted
from acmidm_onboarding.values.terms import Environment, Platform

_CODES = "**Exit codes**: 0 done; 2 wrong use, or a form with mistakes: then nothing was written."
ADD = f"""
**Examples**

- `acmidm scopes add dv_verenigingsregister_beheer --supplier leverancier --reference SD-4900`
- `acmidm scopes add dv_dosis_schrijven --organisations 'stad-*' --organisations gemeente-wingene --environment prod`

{_CODES}
"""  # noqa: E501
app = typer.Typer(help=__doc__, epilog=ADD, no_args_is_help=True)


@app.command("add", epilog=ADD)
def add(
    scope: Annotated[str, typer.Argument(metavar="SCOPE", help="A scope of the catalogue.")],
    supplier: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="The forms with keys_of: this supplier's folder.",
            show_default=False,
        ),
    ] = None,
    organisations: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB", help="All forms in these folders, such as 'stad-*'; may be repeated."
        ),
    ] = None,
    environment: Annotated[
        str,
        typer.Option(
            metavar="tni|prod", help="The environment of the forms that the scope is for."
        ),
    ] = Environment.TNI.value,
    reason: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What the scope is needed for.", show_default=False),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Where it was agreed, such as a ticket.", show_default=False
        ),
    ] = None,
) -> None:
    """Add a scope to all forms of a supplier or of some organisations, in one change.

    All edited forms are checked together before any is written. Comments and all other lines stay.
    A form that has the scope is left as it is.
    """
    if environment not in list(Environment):
        fail(say("edit.unknown_environment", given=quoted(environment), known=either(Environment)))
    if (supplier is None) == (organisations is None):
        fail(say("edit.supplier_or_organisations"))
    where, stacks = Environment(environment), stacks_in(Path())
    onboardings = load_onboardings([FORMS], own_catalogue(), stacks.profiles, stacks.served)
    if wrong := of_scope(scope, onboardings.catalogue, where, Platform.ACMIDM):
        fail("\n".join(wrong))
    globs = organisations or []
    chosen = [
        loaded
        for loaded in onboardings.forms
        if (
            loaded.form.keys_of == supplier
            if supplier
            else any(fnmatchcase(loaded.file.parent.name, glob) for glob in globs)
        )
    ]
    if not chosen:
        fail(say("edit.no_form_of", whose=quoted(supplier or " ".join(globs))))
    there = [loaded for loaded in chosen if where in loaded.form.environments]
    having = [loaded for loaded in there if scope in loaded.form.environments[where].scopes]
    lacking = [loaded for loaded in there if loaded not in having]
    request = {name: text for name, text in (("reason", reason), ("reference", reference)) if text}

    def edit(document: Any) -> None:
        put_request(
            document["environments"],
            where.value,
            CommentedMap(scopes=CommentedMap({scope: copied(request)})),
        )

    edit_forms({loaded.file: edit for loaded in lacking}, [FORMS], stacks)
    elsewhere = [loaded for loaded in chosen if loaded not in there]
    for name, forms in (("added", lacking), ("there", having), ("elsewhere", elsewhere)):
        if forms:
            names = first_of([loaded.name for loaded in forms])
            typer.echo(
                say_counted(
                    f"edit.scope.{name}", len(forms), scope=scope, environment=where, forms=names
                )
            )
    if lacking:
        typer.echo(say("edit.scope.next"))
