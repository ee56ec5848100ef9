"""Client secrets."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from acmidm import completion
from acmidm.edit.keys.pair import require_outside_git, write_private_key
from acmidm.engine import pulumi as engine
from acmidm.terminal import StackOption, working
from acmidm_onboarding.engine_resources import (
    Resource,
    decrypted,
    inputs_of,
    outputs_of,
    part_of,
    resources_in,
)
from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.resources.switching import is_awaiting
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Platform

EPILOG = """
**Examples**

- `acmidm secret show onboardings/stad-gent/loket.yaml --stack tni`
- `acmidm secret show onboardings/stad-gent/loket.yaml --stack prod --file ~/loket-prod.secret`

**Exit codes**: 0 shown or written; 1 the form has mistakes; 2 there is no secret to show, or no
place for it; 3 the stack cannot be read or decrypted.
"""

app = typer.Typer(help=__doc__, epilog=EPILOG, no_args_is_help=True)


@app.command("show", epilog=EPILOG)
def show(
    form: Annotated[
        Path,
        typer.Argument(
            metavar="FORM",
            help="The form of the application.",
            autocompletion=completion.forms,
        ),
    ],
    stack: StackOption = "tni",
    platform: Annotated[
        Platform, typer.Option(help="The platform of the client.")
    ] = Platform.ACMIDM,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write it into a new file of yours alone, outside any Git repository.",
        ),
    ] = None,
) -> None:
    """Show the client secret of an application as the stack has it: on a terminal, or in a file
    with mode 0600.

    Only who has the passphrase of the stack, or its secrets provider, can. It is in no log, and in
    the arguments of no process.
    """
    if file is None and not sys.stdout.isatty():
        raise Failure(
            tr(
                "the output is no terminal, where a log would keep the secret; name a file for it"
                " with --file FILE"
            )
        )
    if file is not None:
        require_outside_git(file, "--file FILE")
    secret = _secret(stack, _declared_client(form, stack, platform))
    if file is None:
        typer.echo(secret)
        return

    write_private_key(file, secret)
    typer.echo(
        tr(
            "written into {file}, which nobody else can read; remove it once it is handed over",
            file=file,
        ),
        err=True,
    )


def _declared_client(form: Path, stack: str, platform: Platform) -> Declaration:
    """Return the client that a form declares on a platform, in the environment of a stack. Raises
    Failure where there is none, and InvalidForms."""
    settings = stack_settings(stack, Path())
    if not form.is_file():
        raise Failure(tr("{file} is no form; name one", file=form))
    declared = (
        read_onboardings([form], settings.catalogue_folder)
        .valid()
        .connections(settings.environment)
    )
    client = next((connection for connection in declared if connection.platform is platform), None)
    if client is None:
        raise Failure(
            tr(
                "{form} has no client for {platform} on {environment}; choose another --stack or"
                " --platform",
                form=form,
                platform=platform,
                environment=settings.environment,
            )
        )
    return client


def _secret(stack: str, connection: Declaration) -> str:
    """Return the client secret in the state, which the last run gave the authority. Raises Failure
    where the state has no client or no secret of the connection, or cannot be decrypted here."""
    with working(tr("reading {stack}", stack=stack)):
        # Read without secrets first: a failure of the second reading then means that they cannot be
        # decrypted.
        client = _client_resource(engine.stack_deployment(stack), connection)
    if client is None:
        raise Failure(
            tr(
                "{name} has no client in {stack} yet; run acmidm deploy --stack {stack} first",
                name=connection.resource_name,
                stack=stack,
            )
        )
    if not inputs_of(client).get("client_secret"):
        raise Failure(_why_no_secret(connection, client))
    with working(tr("decrypting {stack}", stack=stack)):
        try:
            client = _client_resource(engine.decrypted_deployment(stack), connection)
        except engine.EngineError:
            client = None
    secret = decrypted(inputs_of(client).get("client_secret"))
    if secret is None:
        raise Failure(
            tr(
                "stack {stack} cannot be decrypted here; set PULUMI_CONFIG_PASSPHRASE or"
                " PULUMI_CONFIG_PASSPHRASE_FILE, or log on to its secrets provider, or have"
                " somebody do this who can",
                stack=stack,
            ),
            exit_code=3,
        )
    return str(secret)


def _why_no_secret(connection: Declaration, client: Mapping[str, Any]) -> str:
    """Return the sentence why the state has no secret of a client, which is its resource there."""
    name = connection.resource_name
    if is_awaiting(outputs_of(client)):
        return tr(
            "{name} changes to keys: the secret that works until then is its application's alone,"
            " and not in the state any more",
            name=name,
        )
    if connection.uses_secret:
        return tr(
            "the state has no client secret of {name}; run acmidm deploy, which makes one",
            name=name,
        )
    return tr(
        "{name} authenticates with {method}, and has no client secret",
        name=name,
        method=connection.auth_method,
    )


def _client_resource(state: Mapping[str, Any], connection: Declaration) -> Mapping[str, Any] | None:
    """Return the resource of a connection's client in an export of the state; None where it has
    none but one that is being removed."""
    wanted = (connection.key, connection.platform, Resource.CLIENT.value)
    for resource in resources_in(state):
        if not resource.get("delete") and part_of(resource) == wanted:
            return resource
    return None
