"""``acmidm portal``: the embedded authorities of a stack, as processes in the background."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from pydantic import HttpUrl

    from beheerportaal.daemon import Daemon
    from beheerportaal.settings import PortalSettings
    from components.model.catalogue import Catalogue
    from components.model.form import Environment, Platform
    from components.settings import PlatformSettings, Settings

_EPILOG = """
**Examples**

- `acmidm portal start --stack tni`
- `acmidm portal status`
- `acmidm portal user add --name loket --organisation OVO002067 --api-beheerder`

**Exit codes**: 0 done; 1 a portal does not run or could not be started, or a setting is wrong; 2 wrong use.
"""

app = typer.Typer(help="Start and stop the embedded Beheerportaal.", epilog=_EPILOG, no_args_is_help=True)

DATA = Path(".local")

StackOption = Annotated[str, typer.Option(metavar="STACK", help="The stack, as in Pulumi.STACK.yaml.")]


@app.command()
def start(stack: StackOption = "tni") -> None:
    """Start the portals that a stack's settings place on this machine; those that run are left alone."""
    from beheerportaal.daemon import Daemon, PortalError
    from beheerportaal.migrations import UnusableDatabase

    failed = False
    for platform, portal, operator in portals(stack):
        name = f"portal {stack} {platform}"
        daemon = Daemon(portal.database.parent)
        try:
            if portal.external_issuer is None:
                _prepare_operator(daemon, portal, operator)
            started = daemon.start(portal)
        except (PortalError, UnusableDatabase) as error:
            typer.echo(f"{name}: {error}", err=True)
            failed = True
        else:
            typer.echo(f"{name}: {'started' if started else 'running'} at {portal.origin}")
    if failed:
        raise typer.Exit(1)


@app.command()
def stop(stack: Annotated[str | None, typer.Option(help="Only this stack's; all where left out.")] = None) -> None:
    """Stop the portals and keep their data."""
    from beheerportaal.daemon import PortalError

    failed = False
    for name, daemon in _daemons(stack):
        try:
            if daemon.stop():
                typer.echo(f"{name}: stopped")
        except PortalError as error:
            typer.echo(f"{name}: {error}", err=True)
            failed = True
    if failed:
        raise typer.Exit(1)


@app.command()
def status(stack: Annotated[str | None, typer.Option(help="Only this stack's; all where left out.")] = None) -> None:
    """Show which portals run; the exit code is 0 when all of them answer, else 1."""
    well = True
    for name, daemon in _daemons(stack):
        settings, pid = daemon.settings(), daemon.pid
        if pid is None or settings is None:
            typer.echo(f"{name}: stopped")
            well = False
        elif daemon.is_healthy():
            typer.echo(f"{name}: running at {settings.origin} (process {pid})")
        else:
            typer.echo(f"{name}: process {pid} runs, but does not answer at {settings.origin}; see {daemon.log}")
            well = False
    if not well:
        raise typer.Exit(1)


@app.command()
def serve(stack: StackOption = "tni", platform: Annotated[str, typer.Option(help="The platform: acmidm or geosecure.")] = "acmidm") -> None:
    """Run one portal in the foreground, its log on the screen, until Ctrl-C."""
    import sys

    from beheerportaal.daemon import Daemon

    for name, portal, operator in portals(stack):
        if name == platform:
            daemon = Daemon(portal.database.parent)
            if daemon.pid is not None:
                fail(f"portal {stack} {platform} runs already, as process {daemon.pid}; stop it first")
            if portal.external_issuer is None:
                _prepare_operator(daemon, portal, operator)
            daemon.write_settings(portal)
            # Replaces this process, so that signals reach the portal itself.
            command = [sys.executable, "-m", "beheerportaal.server", str(daemon.settings_file), "--pid-file", str(daemon.pid_file)]
            os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted
    fail(f"stack {stack} has no embedded portal for platform {platform}; its settings are in Pulumi.{stack}.yaml")


def portals(stack: str) -> Iterator[tuple[str, PortalSettings, PlatformSettings]]:
    """Each embedded portal on loopback that the stack's settings name: platform, its settings, and those of its operator."""
    from components.model.loading import load_catalogue
    from components.model.problems import InvalidForms
    from components.settings import AuthorityKind, InvalidSettings, stack_settings

    try:
        settings = stack_settings(stack, Path())
        catalogue = load_catalogue(settings.catalogue_folder)
    except (InvalidSettings, InvalidForms) as error:
        fail(str(error))
    for platform, connection in settings.platforms.items():
        external_issuer = None if connection.authority is AuthorityKind.BEHEERPORTAAL else str(connection.issuer)
        url = connection.management_url if external_issuer is None else connection.products_url
        # The settings allow plain http to loopback only.
        if url.scheme == "http":
            yield platform.value, _portal_settings(stack, settings, platform, catalogue, url, external_issuer), connection


def _portal_settings(
    stack: str, settings: Settings, platform: Platform, catalogue: Catalogue, url: HttpUrl, external_issuer: str | None
) -> PortalSettings:
    from beheerportaal.settings import PortalSettings

    return PortalSettings.model_validate(
        {
            "environment": settings.environment.value,
            "platform": platform.value,
            "host": (url.host or "").strip("[]"),
            "port": url.port,
            "database": DATA.absolute() / stack / platform.value / "portal.db",
            "scopes": _scopes(catalogue, platform, settings.environment),
            "products": _products(catalogue, platform, settings.environment),
            "external_issuer": external_issuer,
        }
    )


def _scopes(catalogue: Catalogue, platform: Platform, environment: Environment) -> dict[str, dict[str, bool]]:
    """The scopes that the catalogue offers there, under the platform's names."""
    return {
        name: {"assigned_by_provider": scope.assigned_by_provider}
        for own_name, scope in catalogue.scopes.items()
        if environment in scope.environments and (name := catalogue.name_on(platform, own_name)) is not None
    }


def _products(catalogue: Catalogue, platform: Platform, environment: Environment) -> dict[str, dict[str, object]]:
    """The products that have a configuration and a scope there; the first scope is the one that gives access."""
    offered = _scopes(catalogue, platform, environment)
    products: dict[str, dict[str, object]] = {}
    for name, product in catalogue.products.items():
        scopes = [known for scope in product.scopes if (known := catalogue.name_on(platform, scope)) in offered]
        if product.configuration is not None and scopes:
            products[name] = {"schema": product.configuration, "scope": scopes[0]}
    return products


def _prepare_operator(daemon: Daemon, portal: PortalSettings, operator: PlatformSettings) -> None:
    """Sees to it that the operator of the settings exists, with the key pair in the file that they name.

    A database that was cleared, or a key file that was, is made good at the next start.
    """
    file = operator.operator_private_key_file
    if file is None:
        fail("the embedded portal's operator needs a key; set acmidm:operatorPrivateKeyFile to the file where it is to be")
    if file.exists() and daemon.pid is not None:
        return
    from joserfc.jwk import ECKey

    from beheerportaal.operators import register_operator

    if file.exists():
        key = ECKey.import_key(json.loads(file.read_text()))
    else:
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        write_private(file, json.dumps(key.as_dict(private=True)))
    register_operator(portal.database, operator.operator_client_id, public_jwk=key.as_dict(private=False))


def write_private(file: Path, text: str) -> None:
    """Writes a file that only its owner can read, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    unfinished.replace(file)


def _daemons(stack: str | None) -> Iterator[tuple[str, Daemon]]:
    """Each portal that was ever started here."""
    from beheerportaal.daemon import Daemon

    for file in sorted(DATA.glob(f"{stack or '*'}/*/portal.pid")):
        daemon = Daemon(file.parent)
        yield f"portal {file.parent.parent.name} {file.parent.name}", daemon


def fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)
