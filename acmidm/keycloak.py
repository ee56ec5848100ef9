"""``acmidm keycloak``: the sandbox's real Keycloak, for the stacks whose settings place one on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from urllib.parse import urlsplit

import typer

from acmidm.portal import DATA, StackOption

if TYPE_CHECKING:
    from components.settings import PlatformSettings
    from keycloak_sandbox.realm import Realm
    from keycloak_sandbox.server import Server

_EPILOG = """
**Examples**

- `acmidm keycloak start`
- `acmidm keycloak stop`

**Exit codes**: 0 done; 1 a Keycloak does not run or could not be started, or a setting is wrong; 2 wrong use.
"""

app = typer.Typer(help="Start and stop the sandbox's Keycloak.", epilog=_EPILOG, no_args_is_help=True)

_MANAGEMENT_PATH = "/admin/realms/"
_NAME = "keycloak"


@app.command()
def start(stack: StackOption = "keycloak") -> None:
    """Start the Keycloak of a stack, with its realm and its operator; one that runs is left alone, and its realm brought up to date."""
    for wanted in _wanted(stack):
        import httpx

        from keycloak_sandbox.admin import Admin
        from keycloak_sandbox.realm import set_up
        from keycloak_sandbox.server import ServerError

        server = wanted.server()
        try:
            started = server.start()
            with Admin(server) as admin:
                set_up(admin, wanted.realm())
        except ServerError as error:
            _fail(f"{wanted.name}: {error}")
        except httpx.HTTPError as error:
            _fail(f"{wanted.name}: the realm was not set up: {error}; see {server.log}")
        typer.echo(f"{wanted.name}: {'started' if started else 'running'} at {server.origin}")


@app.command()
def stop(stack: Annotated[str | None, typer.Option(help="Only this stack's; all where left out.")] = None) -> None:
    """Stop every Keycloak that was started here, and keep its data."""
    from keycloak_sandbox import server

    failed = False
    for folder in _folders(stack):
        try:
            if server.stop(folder):
                typer.echo(f"{_title(folder)}: stopped")
        except server.ServerError as error:
            typer.echo(f"{_title(folder)}: {error}", err=True)
            failed = True
    if failed:
        raise typer.Exit(1)


@app.command()
def status(stack: Annotated[str | None, typer.Option(help="Only this stack's; all where left out.")] = None) -> None:
    """Show which Keycloaks run; the exit code is 0 when all of them do, else 1."""
    from keycloak_sandbox import server

    well = True
    for folder in _folders(stack):
        pid = server.pid_of(folder)
        typer.echo(f"{_title(folder)}: {'stopped' if pid is None else f'running (process {pid})'}")
        well &= pid is not None
    if not well:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Wanted:
    """The Keycloak that a stack's settings place on this machine, for one platform."""

    stack: str
    platform: str
    settings: PlatformSettings
    scopes: dict[str, str]
    assigned: frozenset[str]

    @property
    def name(self) -> str:
        return f"keycloak {self.stack} {self.platform}"

    @property
    def folder(self) -> Path:
        return DATA / self.stack / self.platform / _NAME

    def server(self) -> Server:
        from keycloak_sandbox.server import Server

        return Server(self.folder, _distribution(), self.settings.management_url.port or 80)

    def realm(self) -> Realm:
        from beheerportaal.settings import RIGHTS
        from keycloak_sandbox.realm import Realm

        path = self.settings.management_url.path or ""
        if not path.startswith(_MANAGEMENT_PATH) or "/" in path.removeprefix(_MANAGEMENT_PATH):
            _fail(f"acmidm:managementUrl of stack {self.stack} has to end in {_MANAGEMENT_PATH}<realm>; correct Pulumi.{self.stack}.yaml")
        products = urlsplit(str(self.settings.products_url))
        return Realm(
            name=path.removeprefix(_MANAGEMENT_PATH),
            scopes=self.scopes,
            assigned=self.assigned,
            operator=self.settings.operator_client_id,
            operator_scopes=RIGHTS,
            operator_jwk=_operator_jwk(self.settings),
            audience=f"{products.scheme}://{products.netloc}",
            audited=True,
        )


def _wanted(stack: str) -> Iterator[_Wanted]:
    """Nothing where the stack has none, or has one that is not ours to start."""
    from components.model.loading import load_catalogue
    from components.model.problems import InvalidForms
    from components.settings import AuthorityKind, InvalidSettings, stack_settings

    try:
        settings = stack_settings(stack, Path())
        local = {
            platform: found
            for platform, found in settings.platforms.items()
            # The settings allow plain http to loopback only.
            if found.authority is AuthorityKind.KEYCLOAK and found.management_url.scheme == "http"
        }
        catalogue = load_catalogue(settings.catalogue_folder) if local else None
    except (InvalidSettings, InvalidForms) as error:
        _fail(str(error))
    if catalogue is None:
        return
    for platform, found in local.items():
        scopes = {
            name: scope.title
            for own_name, scope in catalogue.scopes.items()
            if settings.environment in scope.environments and (name := catalogue.name_on(platform, own_name)) is not None
        }
        yield _Wanted(stack, platform.value, found, scopes, catalogue.assigned_by_provider(platform) & scopes.keys())


def _distribution() -> Path:
    """Where the server's program is; it is got first where it is missing, which takes a minute."""
    words = [sys.executable, "-m", "toolchain.install_keycloak"]
    if subprocess.run(words, check=False).returncode != 0:
        raise typer.Exit(1)
    return Path(subprocess.run([*words, "folder"], check=True, capture_output=True, text=True).stdout.strip())


def _operator_jwk(settings: PlatformSettings) -> dict[str, object]:
    """The public half of the operator's key pair, which is made where it is missing."""
    from joserfc.jwk import ECKey

    from acmidm.portal import write_private

    file = settings.operator_private_key_file
    if file is None:
        _fail("the sandbox's operator needs a key; set acmidm:operatorPrivateKeyFile to the file where it is to be")
    if not file.exists():
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        write_private(file, json.dumps(key.as_dict(private=True)))
    return dict(ECKey.import_key(json.loads(file.read_text())).as_dict(private=False))


def _folders(stack: str | None) -> list[Path]:
    """That of each Keycloak which was ever started here."""
    return sorted(file.parent for file in DATA.glob(f"{stack or '*'}/*/{_NAME}/keycloak.pid"))


def _title(folder: Path) -> str:
    return f"keycloak {folder.parent.parent.name} {folder.parent.name}"


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)
