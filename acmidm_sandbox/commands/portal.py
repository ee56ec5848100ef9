"""Start and stop the embedded Beheerportaal."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from acmidm.terminal import StackOption, as_json, fail
from acmidm.words import plain
from acmidm_onboarding.texts import say
from acmidm_sandbox.beheerportaal.mail.received import received_mails
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.users import add_user, list_users, remove_user, set_right
from acmidm_sandbox.mails import Mails, lines, listed
from acmidm_sandbox.portals import NAME, EmbeddedPortal, portals, usable_database
from acmidm_sandbox.servers import add_stop_and_status, on_each

_EPILOG = """
**Examples**

- `acmidm portal start --stack tni`
- `acmidm portal status`
- `acmidm portal apis --stack tni`
- `acmidm portal mail gent --stack tni`
- `acmidm portal user add --name loket --organisation OVO002067 --api-beheerder`

**Exit codes**: 0 done; 1 a portal does not run or could not be started; 2 wrong use, or a wrong
setting.
"""

app = typer.Typer(help=__doc__, epilog=_EPILOG, no_args_is_help=True)
add_stop_and_status(app, NAME)


_StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict", help="Refuse what is not as documented, though clients that people use do it."
    ),
]


@app.command()
def start(
    stack: StackOption = "tni",
    strict: _StrictOption = False,
) -> None:
    """Start the portals of a stack on this machine; those that run with the same settings are left
    alone, others started anew."""

    def start_one(portal: EmbeddedPortal) -> str:
        started = portal.daemon.start(portal.prepared())
        sentence = "sandbox.started" if started else "sandbox.running"
        message = say(sentence, name=portal.daemon.title, address=portal.settings.origin)
        mail = portal.settings.smtp_port
        return say("sandbox.with_mail", started=message, port=mail) if mail else message

    on_each(portals(stack, strict), start_one)


@app.command()
def apis(stack: StackOption = "tni") -> None:
    """Show the product APIs of a stack's portals, and what a token request names them by."""
    for portal in portals(stack):
        for name, product in (
            portal.settings.products.items() if portal.settings.external_issuer is None else ()
        ):
            targets = [
                f"audience={product.client_id}",
                *(f"resource={url}" for url in product.resources),
            ]
            named = f" {say('sandbox.or')} ".join(targets)
            typer.echo(f"{portal.served.platform.value} {name}: scope={product.scope}, {named}")


class MailOutput(StrEnum):
    """How mails are written."""

    TEXT = "text"
    JSON = "json"


@app.command()
def mail(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORDS]...",
            help="Show only mails with a word that begins with each of these, in their text too.",
            show_default=False,
        ),
    ] = None,
    stack: StackOption = "tni",
    output: Annotated[
        MailOutput, typer.Option("--output", "-o", help="text for people, json for programs.")
    ] = MailOutput.TEXT,
) -> None:
    """Show the mails that a stack's sandbox received, newest first. The page Postvak has those of
    one organisation."""
    database = next(
        (
            portal.settings.database
            for portal in portals(stack)
            if portal.settings.smtp_port is not None
        ),
        None,
    )
    if database is None:
        fail(say("sandbox.receives_no_mail", stack=stack))
    search = " ".join(words or ())
    with usable_database():
        mails = listed(received_mails(database), search)
    if output is MailOutput.JSON:
        typer.echo(as_json(Mails(stack=stack, mails=mails)))
    elif not mails:
        sentence = "sandbox.no_such_mail" if search else "sandbox.no_mail"
        typer.echo(say(sentence, stack=stack, search=plain(search)))
    else:
        typer.echo("\n\n".join("\n".join(lines(received)) for received in mails))


_users = typer.Typer(
    help="The users of the embedded Beheerportaal's web interface.", no_args_is_help=True
)

_PlatformOption = Annotated[str, typer.Option(help="The platform: acmidm or geosecure.")]
_NameOption = Annotated[
    str, typer.Option(help="The name to log on with; that of a function rather than of a person.")
]


@_users.command()
def add(
    organisation: Annotated[
        list[str],
        typer.Option(help="The organisation's OVO code or KBO number; repeat it to give both."),
    ],
    name: _NameOption,
    stack: StackOption = "tni",
    platform: _PlatformOption = "acmidm",
    api_beheerder: Annotated[
        bool,
        typer.Option(
            "--api-beheerder", help="With the right API-beheerder, without which no client is seen."
        ),
    ] = False,
    aansluitingenteam: Annotated[
        bool,
        typer.Option(
            "--aansluitingenteam",
            help="As one who registers products for clients of all organisations.",
        ),
    ] = False,
    organisation_name: Annotated[
        str, typer.Option(help="What new clients call the organisation.")
    ] = "",
) -> None:
    """Add a user, and show the password, which is shown this once and kept as a hash."""
    portal = _portal(stack, platform)
    with usable_database():
        password = add_user(
            portal.database,
            name,
            organisation,
            api_beheerder=api_beheerder,
            aansluitingenteam=aansluitingenteam,
            organisation_name=organisation_name,
        )
        rights = ", ".join(
            next(user.rights for user in list_users(portal.database) if user.name == name)
        )
    sentence = "sandbox.user.added_with_right" if rights else "sandbox.user.added"
    typer.echo(
        say(sentence, name=name, organisation=", ".join(organisation), right=rights), err=True
    )
    typer.echo(say("sandbox.user.log_on", address=f"{portal.origin}/portaal"), err=True)
    typer.echo(password)


@_users.command("list")
def list_all(stack: StackOption = "tni", platform: _PlatformOption = "acmidm") -> None:
    """List the users."""
    with usable_database():
        users = list_users(_portal(stack, platform).database)
    for user in users:
        codes = ", ".join(code for code in (user.ovo, user.kbo) if code)
        typer.echo(
            f"{user.name}: {codes}, {', '.join(user.rights) or say('sandbox.user.no_right')}"
        )


@_users.command()
def grant(
    name: _NameOption, stack: StackOption = "tni", platform: _PlatformOption = "acmidm"
) -> None:
    """Give a user the right API-beheerder, as the Lokale Beheerder does."""
    with usable_database():
        set_right(_portal(stack, platform).database, name, api_beheerder=True)
    typer.echo(say("sandbox.user.granted", name=name))


@_users.command()
def revoke(
    name: _NameOption, stack: StackOption = "tni", platform: _PlatformOption = "acmidm"
) -> None:
    """Take the right API-beheerder from a user; it counts from the next page."""
    with usable_database():
        set_right(_portal(stack, platform).database, name, api_beheerder=False)
    typer.echo(say("sandbox.user.revoked", name=name))


@_users.command()
def remove(
    name: _NameOption, stack: StackOption = "tni", platform: _PlatformOption = "acmidm"
) -> None:
    """Remove a user, whose sessions end."""
    with usable_database():
        remove_user(_portal(stack, platform).database, name)
    typer.echo(say("sandbox.user.removed", name=name))


def _portal(stack: str, platform: str) -> PortalSettings:
    own = (portal.settings for portal in portals(stack) if portal.served.platform == platform)
    portal_settings = next((settings for settings in own if settings.external_issuer is None), None)
    if portal_settings is None:
        fail(say("sandbox.no_portal", stack=stack, platform=platform))
    return portal_settings


app.add_typer(_users, name="user")
