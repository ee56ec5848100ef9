"""Write into forms what production lacks of what they have for TNI: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from acmidm import completion
from acmidm.edit.changes import Changes, Content, forms_named, reading
from acmidm.edit.new.answers import Mistakes, Values, field_values
from acmidm.edit.promotion import Addition
from acmidm.terminal import fail
from acmidm.words import plain
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import FORMS
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.rules.policies import PromotionGate
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.texts import N_, tr
from acmidm_onboarding.values.problems import DocumentPath, Failure, quoted
from acmidm_onboarding.values.terms import Environment

_NEXT = {
    PromotionGate.OFF: N_("What production still needs is shown by: acmidm validate."),
    PromotionGate.WARN: N_(
        "What production still needs is shown by: acmidm validate. Without evidence from TNI"
        " (acmidm probe … {options}), or an exemption, this is made in production all the same,"
        " with a warning."
    ),
    PromotionGate.ENFORCE: N_(
        "What production still needs is shown by: acmidm validate. Without evidence from TNI"
        " (acmidm probe … {options}), or an exemption, nothing of this is made in production."
    ),
}
"""What production still needs."""
EPILOG = """
**Examples**

- `acmidm promote --write onboardings/stad-gent/mijn-gent.yaml`
- `acmidm promote --write onboardings/*/verenigingen.yaml`
- `acmidm promote --write --supplier leverancier`

**Exit codes**: 0 written, or nothing to write; 2 something is missing or wrong: then nothing was
written.
"""


def promote(
    forms: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FORM...",
            help="The forms, such as onboardings/stad-gent/mijn-gent.yaml.",
            autocompletion=completion.forms,
        ),
    ] = None,
    supplier: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="The forms with keys_of: this supplier's folder.",
            show_default=False,
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Change the forms. Nothing is done without it.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PRODUCT.FIELD=VALUE",
            help="Production's value of a field that has its own.",
        ),
    ] = None,
) -> None:
    """Write into forms what production lacks of what they have for TNI: all of them, or none.

    What TNI cannot tell is named, such as keys: each environment has its own. What production still
    needs then, acmidm validate and acmidm review say.
    """
    if not write:
        fail(
            tr(
                "acmidm promote writes into forms: add --write; what production lacks is said by"
                " acmidm validate and acmidm review"
            )
        )
    if bool(forms) == bool(supplier):
        fail(tr("name forms, or a supplier in their place with --supplier FOLDER"))
    stacks = stacks_in(Path())
    changes = Changes(reading(forms or [FORMS], stacks))
    onboardings = changes.read().valid()
    chosen = (
        _forms_of_supplier(supplier, onboardings)
        if supplier
        else forms_named(forms or (), onboardings)
    )
    mistakes = Mistakes()
    values = field_values(set_ or (), mistakes)
    additions = [Addition(loaded, onboardings.catalogue, values) for loaded in chosen]
    files: dict[Path, Content] = {}
    for addition in additions:
        mistakes.sentences += addition.wrong
        files |= addition.files
    mistakes.sentences += _unused_values(values, additions)
    changes.add(files)
    changes.require_valid(_option_for, mistakes.sentences)
    changes.write()
    for addition in additions:
        for sentence in addition.sentences():
            typer.echo(plain(sentence, 2000))
    if files:
        language = additions[0].language
        options = onboardings.proof_options(chosen, Environment.TNI)
        typer.echo(plain(language.translated(_NEXT[stacks.gate.mode], options=options), 2000))


def _option_for(path: DocumentPath) -> str:
    """Return the option that sets the field at a place of a form, as --set dosis.bron_uri=VALUE;
    empty for a place that no option sets."""
    match path:
        case ("environments", "prod", "products", product, *below):
            name = below[0] if below else "FIELD"
            return f"--set {product}.{name}=VALUE"
    return ""


def _forms_of_supplier(supplier: str, onboardings: Onboardings) -> list[LoadedForm]:
    """Return the forms that have a supplier's keys. Raises Failure where there is none."""
    chosen = onboardings.supplied_by(supplier)
    if not chosen:
        raise Failure(
            tr(
                "there is no form of {whose}; name the folder of a supplier, or folders of"
                " organisations",
                whose=quoted(supplier),
            )
        )
    return chosen


def _unused_values(values: Values, additions: Sequence[Addition]) -> Iterator[str]:
    """Yield a sentence for each value of --set that no form gets: the command then writes
    nothing."""
    for product, name in values:
        if not any(addition.gives_own_value(product, name) for addition in additions):
            yield tr(
                "--set {product}.{name}: no form gets that value; give fields that differ per"
                " environment, of products that production lacks",
                product=product,
                name=name,
            )
