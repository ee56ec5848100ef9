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
- `acmidm promote onboardings/stad-gent/mijn-gent.yaml --stack prod`

**Exit codes**: 0 nothing to promote; 1 TNI and production differ; 2 wrong use, or a form with mistakes.
"""


def promote(
    form: Annotated[Path, typer.Argument(metavar="FORM", help="The form, such as onboardings/stad-gent/mijn-gent.yaml.")],
    catalogue: Annotated[
        Path | None, typer.Option(help="The folder of the catalogue.", show_default="catalogue, else the module's own")
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(metavar="STACK", help="Also see at this stack's authority whether somebody may upload the keys.", show_default=False),
    ] = None,
    output: WithoutPageOption = WithoutPage.TEXT,
) -> None:
    """Compare what a form has for TNI with what it has for production.

    Keys are expected to differ: each environment has its own. The form and its evidence are read, without --stack no engine and no network.
    """
    from datetime import UTC, datetime

    from acmidm.report.promotion import promotion_of
    from acmidm.rights import warn_of_missing_rights
    from acmidm_onboarding.model.form import Environment
    from acmidm_onboarding.model.loading import load_onboardings
    from acmidm_onboarding.settings import own_catalogue
    from acmidm_onboarding.stack_files import profiles, promotion_gate, stack_settings

    if form.is_dir():
        fail(f"{form} is a folder; name one form, such as {form}/mijn-app.yaml")
    by_profile = profiles(Path())
    onboardings = load_onboardings([form], catalogue or own_catalogue(), by_profile)
    if not onboardings.forms:
        fail(f"{form} is no form; name one, such as onboardings/stad-gent/mijn-gent.yaml")
    now, profile = datetime.now(UTC), by_profile[Environment.PROD]
    connections = onboardings.connections(Environment.PROD)
    report = promotion_of(onboardings.forms[0], connections, onboardings.catalogue, profile, promotion_gate(Path()), now)
    if stack is not None:
        environment = stack_settings(stack, Path()).environment
        warn_of_missing_rights(stack, onboardings.connections(environment))
    write_report(report, output)
    raise typer.Exit(Code.WELL if not report.unexpected else Code.FOUND)
