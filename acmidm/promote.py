"""``acmidm promote``: what production lacks that TNI has, and the reverse, and whether the form is ready (step 7 of the guide)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acmidm.terminal import Code, WithoutPage, WithoutPageOption, as_json, fail

if TYPE_CHECKING:
    from acmidm.report.promotion import Promotion

EPILOG = """
**Examples**

- `acmidm promote onboardings/stad-gent/mijn-gent.yaml`
- `acmidm promote onboardings/stad-gent/mijn-gent.yaml --output markdown`

**Exit codes**: 0 nothing to promote; 1 TNI and production differ; 2 wrong use, or a form with mistakes.
"""


def promote(
    form: Annotated[Path, typer.Argument(metavar="FORM", help="The form, such as onboardings/stad-gent/mijn-gent.yaml.")],
    catalogue: Annotated[Path, typer.Option(help="The folder of the catalogue.")] = Path("catalogue"),
    output: WithoutPageOption = WithoutPage.TEXT,
) -> None:
    """Compare what a form asks on TNI with what it asks on production.

    Keys are expected to differ: each environment has its own. The form alone is read, no engine and no network.
    """
    from datetime import UTC, datetime

    from acmidm.report.promotion import promotion_of
    from components.model.form import Environment
    from components.model.loading import load_onboardings
    from components.model.problems import InvalidForms
    from components.settings import InvalidSettings, profiles

    if form.is_dir():
        fail(f"{form} is a folder; name one form, such as {form}/mijn-app.yaml")
    try:
        held = profiles(Path())
        onboardings = load_onboardings([form], catalogue, held)
    except (InvalidForms, InvalidSettings) as error:
        fail(str(error))
    report = promotion_of(onboardings.forms[0], onboardings.catalogue, held[Environment.PROD], datetime.now(UTC))
    _write(report, output)
    raise typer.Exit(Code.WELL if not report.unexpected else Code.FOUND)


def _write(report: Promotion, output: WithoutPage) -> None:
    match output:
        case WithoutPage.JSON:
            typer.echo(as_json(report))
        case WithoutPage.MARKDOWN:
            from acmidm.report.promotion_text import promotion_as_markdown

            typer.echo(promotion_as_markdown(report), nl=False)
        case WithoutPage.TEXT:
            from acmidm.report.promotion_text import print_promotion

            print_promotion(report)
