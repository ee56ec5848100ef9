"""Compare what a form has for TNI with what it has for production, or write what production
lacks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from acmidm.edit.lines import edit_file
from acmidm.edit.new.talk import Talk, pairs
from acmidm.edit.promoting import addition_to, said_of, write_into
from acmidm.edit.promotion import Difference, promotion_of
from acmidm.engine.stacks import stack_of
from acmidm.render.output import write_report
from acmidm.report.rights import warn_of_missing_rights
from acmidm.terminal import Code, TextOutput, TextOutputOption, fail
from acmidm.words import plain
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.declarations import LoadedForm
from acmidm_onboarding.forms.files import absolute, shown
from acmidm_onboarding.forms.loading import load_onboardings
from acmidm_onboarding.rules.desired import desired
from acmidm_onboarding.rules.policies import PromotionGate
from acmidm_onboarding.settings import own_catalogue
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.texts import say
from acmidm_onboarding.values.terms import Environment

EPILOG = """
**Examples**

- `acmidm promote onboardings/stad-gent/mijn-gent.yaml`
- `acmidm promote onboardings/stad-gent/mijn-gent.yaml --output json`
- `acmidm promote onboardings/stad-gent/mijn-gent.yaml --stack prod`
- `acmidm promote onboardings/stad-gent/mijn-gent.yaml --write`

**Exit codes**: 0 nothing to promote; 1 TNI and production differ; 2 wrong use, or a form with
mistakes. With --write: 0 written, or nothing to write; 2 something is missing or wrong: then
nothing was written.
"""


def promote(
    form: Annotated[
        Path,
        typer.Argument(
            metavar="FORM", help="The form, such as onboardings/stad-gent/mijn-gent.yaml."
        ),
    ],
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="STACK",
            help="Also see at this stack's authority whether somebody may upload the keys.",
            show_default=False,
        ),
    ] = None,
    output: TextOutputOption = TextOutput.TEXT,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Write what production lacks into the form, and name what TNI cannot tell.",
        ),
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PRODUCT.FIELD=VALUE",
            help="With --write: production's value of a field that has its own.",
        ),
    ] = None,
) -> None:
    """Compare what a form has for TNI with what it has for production, or write what production
    lacks.

    Keys are expected to differ: each environment has its own. The form and its evidence are read,
    without --stack no engine and no network.
    """
    if form.is_dir():
        fail(say("promotion.folder", form=form))
    stacks = stacks_in(Path())
    by_profile = stacks.profiles
    onboardings = load_onboardings([form], own_catalogue(), by_profile)
    if not onboardings.forms:
        fail(say("promotion.no_form", form=form))
    if (set_ and not write) or (write and (stack or output is not TextOutput.TEXT)):
        fail(say("promotion.options"))
    now, profile = datetime.now(UTC), by_profile[Environment.PROD]
    gate = stacks.gate
    # Ready means proven, as by an enforced gate, whether a stack here has that gate yet or not.
    wanted = desired(
        onboardings.connections(Environment.PROD),
        now,
        gate=gate._replace(mode=PromotionGate.ENFORCE),
    )
    report = promotion_of(onboardings.forms[0], wanted, onboardings.catalogue, profile, gate, now)
    if write:
        file = shown(absolute(form))
        loaded = next(
            (candidate for candidate in onboardings.forms if candidate.file == file), None
        )
        if loaded is None:
            fail(say("promotion.no_form", form=form))
        _write(loaded, report.differences, set_ or (), onboardings.catalogue)
        return
    if stack is not None:
        opened = stack_of(stack)
        warn_of_missing_rights(opened, onboardings.connections(opened.settings.environment))
    write_report(report, output)
    raise typer.Exit(Code.WELL if not report.unexpected else Code.FOUND)


def _write(
    loaded: LoadedForm,
    differences: tuple[Difference, ...],
    given: Sequence[str],
    catalogue: Catalogue,
) -> None:
    talk = Talk(
        on_terminal=sys.stdin.isatty() and sys.stdout.isatty(),
        language=loaded.organisation.language,
    )
    addition = addition_to(loaded, catalogue, pairs(given, "--set", talk.wrong), differences, talk)
    if not addition.is_empty:
        edit_file(loaded.file, lambda document: write_into(document, addition), {}, loaded.file)()
    for line in said_of(addition, loaded.file, talk.texts):
        typer.echo(plain(line, 2000))
