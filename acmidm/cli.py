"""Puts the commands together: one file each. What a command needs is imported when it runs, so that the start is quick."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from acmidm.commands import deploy, drift, github, history, keys, policies, promote, remind, review, schema, status, steps, validate
from acmidm.commands import import_ as importing
from acmidm.commands import new as beginning
from acmidm.commands import probe as probing
from acmidm.commands import secret as client_secret
from acmidm.project import in_project
from acmidm.terminal import escape_what_cannot_be_shown, fail, give_up_output
from acmidm_onboarding.values.problems import Failure
from acmidm_sandbox.commands import keycloak, portal
from acmidm_sandbox.commands import portal as portal_mail
from acmidm_sandbox.commands import portal as portal_users

DETAILS = "ACMIDM_DETAILS"
_OWN = ("acmidm", "acmidm_onboarding", "beheerportaal", "keycloak_sandbox")
UNEXPECTED = 70
"""EX_SOFTWARE of sysexits.h: no exit code that a command gives a meaning."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A disk that is full, or what of it somebody may use."""


class Commands(TyperGroup):
    """Ends each command in one way where it cannot do what is wanted: the sentence on stderr, and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Failure as failure:
            fail(str(failure), failure.exit_code)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in _OWN:
                raise
            fail(
                f"this command needs the package {error.name}, which is not installed; run pip install 'acmidm-onboarding[cli,sandbox]'", 1
            )
        except OSError as error:
            named = error.filename2 or error.filename  # of a copy and a link it is the second that is written
            if error.errno in _FULL:
                if named is None:
                    give_up_output()
                fail(f"{named or 'standard output'} cannot be written: {error.strerror}; make room on its disk, and run the command again")
            if named is None:
                raise
            fail(f"{named} cannot be read or written: {error.strerror}; check its name, its folder and your rights")


class App(typer.Typer):
    """Never shows a traceback, which could hold values: what nobody foresaw is one sentence, and how to learn more."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        escape_what_cannot_be_shown()
        try:
            return super().__call__(*args, **kwargs)
        except Exception as error:
            if os.environ.get(DETAILS):
                raise
            typer.echo(
                f"acmidm met something unforeseen ({type(error).__name__}); run it again with {DETAILS}=1 for the details, "
                "look them through for secrets, and report them",
                err=True,
            )
            sys.exit(UNEXPECTED)


app = App(
    cls=Commands,
    help="Connect organisations to government APIs through ACM/IDM: check, review, follow and explain what the forms declare.",
    epilog="acmidm COMMAND --help shows examples and exit codes. acmidm --install-completion completes words in your shell.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"acmidm {version('acmidm-onboarding')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version, and exit.")] = False,
) -> None: ...


app.command("new", epilog=beginning.EPILOG)(beginning.new)
app.command("validate", epilog=validate.EPILOG)(validate.validate)
app.command("review", epilog=review.EPILOG)(review.review)
app.command("policies", epilog=policies.EPILOG)(policies.policies)
app.command("promote", epilog=promote.EPILOG)(promote.promote)
app.command("drift", epilog=drift.EPILOG)(drift.drift)
app.command("schema", epilog=schema.EPILOG)(schema.schema)
app.command("status", epilog=status.EPILOG)(status.status)
app.command("steps", epilog=steps.EPILOG)(steps.steps)
app.command("history", epilog=history.EPILOG)(history.history)
app.command("remind", epilog=remind.EPILOG)(remind.remind)
app.command("import", epilog=importing.EPILOG)(importing.import_)
app.command("probe", epilog=probing.EPILOG)(probing.probe)
app.command("deploy", epilog=deploy.EPILOG)(deploy.deploy)
app.add_typer(keys.app, name="keys")
app.add_typer(client_secret.app, name="secret")
portal.app.command("mail")(portal_mail.mail)
portal.app.add_typer(portal_users.app, name="user")
app.add_typer(portal.app, name="portal")
app.add_typer(keycloak.app, name="keycloak")
app.add_typer(github.app, name="github")


def _in_project(group: typer.Typer) -> None:
    for command in group.registered_commands:
        command.callback = command.callback and in_project(command.callback)
    for below in group.registered_groups:
        if below.typer_instance:
            _in_project(below.typer_instance)


_in_project(app)
