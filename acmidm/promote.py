"""``acmidm promote``: what production lacks that TNI has, and the reverse, and whether the form is ready (step 7 of the guide)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acmidm.terminal import Code, WithoutPage, WithoutPageOption, fail, write_report

EPILOG = """
**Examples**

- `acmidm promote onboardings/stad-gent/mijn-gent.yaml`
- `acmidm promote onboardings/stad-gent/mijn-gent.yaml --output markdown`

**Exit codes**: 0 nothing to promote; 1 TNI and production differ; 2 wrong use, or a form with mistakes.
"""


def promote(
    form: Annotated[Path, typer.Argument(metavar="FORM", help="The form, such as onboardings/stad-gent/mijn-gent.yaml.")],
    catalogue: Annotated[
        Path | None, typer.Option(help="The folder of the catalogue.", show_default="catalogue, else the module's own")
    ] = None,
    output: WithoutPageOption = WithoutPage.TEXT,
) -> None:
    """Compare what a form has for TNI with what it has for production.

    Keys are expected to differ: each environment has its own. The form alone is read, no engine and no network.
    """
    from datetime import UTC, datetime

    from acmidm.report.promotion import promotion_of
    from acmidm_onboarding.model.form import Environment
    from acmidm_onboarding.model.loading import load_onboardings
    from acmidm_onboarding.settings import own_catalogue, profiles

    if form.is_dir():
        fail(f"{form} is a folder; name one form, such as {form}/mijn-app.yaml")
    by_profile = profiles(Path())
    onboardings = load_onboardings([form], catalogue or own_catalogue(), by_profile)
    if not onboardings.forms:
        fail(f"{form} is no form; name one, such as onboardings/stad-gent/mijn-gent.yaml")
    report = promotion_of(onboardings.forms[0], onboardings.catalogue, by_profile[Environment.PROD], datetime.now(UTC))
    write_report(report, output)
    raise typer.Exit(Code.WELL if not report.unexpected else Code.FOUND)
