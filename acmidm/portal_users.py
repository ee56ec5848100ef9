"""``acmidm portal user``: the people who may use the web interface of an embedded portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from acmidm.portal import portals, usable_database
from acmidm.sandbox import StackOption
from acmidm.terminal import fail

if TYPE_CHECKING:
    from beheerportaal.settings import PortalSettings

app = typer.Typer(help="The users of the embedded Beheerportaal's web interface.", no_args_is_help=True)

PlatformOption = Annotated[str, typer.Option(help="The platform: acmidm or geosecure.")]
NameOption = Annotated[str, typer.Option(help="The name to log on with; that of a function rather than of a person.")]


@app.command()
def add(
    organisation: Annotated[list[str], typer.Option(help="The organisation's OVO code or KBO number; repeat it to give both.")],
    name: NameOption,
    stack: StackOption = "tni",
    platform: PlatformOption = "acmidm",
    api_beheerder: Annotated[
        bool, typer.Option("--api-beheerder", help="With the right API-beheerder, without which no client is seen.")
    ] = False,
) -> None:
    """Add a user, and show the password, which is shown this once and kept as a hash."""
    from beheerportaal.users import add_user

    portal = _portal(stack, platform)
    with usable_database():
        password = add_user(portal.database, name, organisation, api_beheerder=api_beheerder)
    right = "with" if api_beheerder else "without"
    typer.echo(f"user {name} of {', '.join(organisation)} added, {right} the right API-beheerder", err=True)
    typer.echo(f"log on at {portal.origin}/portaal with this password:", err=True)
    typer.echo(password)


@app.command("list")
def list_all(stack: StackOption = "tni", platform: PlatformOption = "acmidm") -> None:
    """List the users."""
    from beheerportaal.users import list_users

    with usable_database():
        found = list_users(_portal(stack, platform).database)
    for user in found:
        codes = ", ".join(code for code in (user.ovo, user.kbo) if code)
        typer.echo(f"{user.name}: {codes}, {'API-beheerder' if user.api_beheerder else 'no right'}")


@app.command()
def grant(name: NameOption, stack: StackOption = "tni", platform: PlatformOption = "acmidm") -> None:
    """Give a user the right API-beheerder, as the Lokale Beheerder does."""
    from beheerportaal.users import set_right

    with usable_database():
        set_right(_portal(stack, platform).database, name, api_beheerder=True)
    typer.echo(f"user {name} is API-beheerder")


@app.command()
def revoke(name: NameOption, stack: StackOption = "tni", platform: PlatformOption = "acmidm") -> None:
    """Take the right API-beheerder from a user; it counts from the next page."""
    from beheerportaal.users import set_right

    with usable_database():
        set_right(_portal(stack, platform).database, name, api_beheerder=False)
    typer.echo(f"user {name} is no API-beheerder any more")


@app.command()
def remove(name: NameOption, stack: StackOption = "tni", platform: PlatformOption = "acmidm") -> None:
    """Remove a user, whose sessions end."""
    from beheerportaal.users import remove_user

    with usable_database():
        remove_user(_portal(stack, platform).database, name)
    typer.echo(f"user {name} removed")


def _portal(stack: str, platform: str) -> PortalSettings:
    own = (portal.settings for portal in portals(stack) if portal.served.platform == platform)
    found = next((settings for settings in own if settings.external_issuer is None), None)
    if found is None:
        fail(f"stack {stack} has no embedded portal for platform {platform} that has clients; its settings are in Pulumi.{stack}.yaml")
    return found
