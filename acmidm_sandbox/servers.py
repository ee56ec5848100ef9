"""The portals and Keycloaks of this machine: those that the settings of a stack place here, with
their operators, and how each is run."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import typer
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pydantic import AnyUrl

from acmidm_onboarding.files import private_folder, write_private
from acmidm_onboarding.forms.catalogue import Catalogue, Scope
from acmidm_onboarding.forms.loading import load_catalogue
from acmidm_onboarding.settings import (
    LOOPBACK,
    SMTP_PORTS,
    InvalidSettings,
    PlatformSettings,
    config_key,
    full_key,
)
from acmidm_onboarding.stack_files import require_own_name, stack_settings
from acmidm_onboarding.texts import Language
from acmidm_onboarding.texts.page import SENTENCES
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform
from acmidm_sandbox.beheerportaal.operators import register_operator
from acmidm_sandbox.beheerportaal.settings import RIGHTS, PortalSettings
from acmidm_sandbox.beheerportaal.store.users import User
from acmidm_sandbox.keycloak.admin import Admin
from acmidm_sandbox.keycloak.distribution import CannotGet, Distribution, wanted_version
from acmidm_sandbox.keycloak.realm import Realm, set_up
from acmidm_sandbox.keycloak.server import START_SECONDS, Server
from acmidm_sandbox.people import let_in
from acmidm_sandbox.processes import Daemon, Program

DATA = Path(".local")
PORTAL = "portal"
KEYCLOAK = "keycloak"
API_OWNER = "OVO002949"
"""Digitaal Vlaanderen, which owns every API of the sandbox: of other owners the catalogue has no
code."""
_MANAGEMENT_PATH = "/admin/realms/"


@dataclass(frozen=True, kw_only=True)
class Served:
    """A platform of a stack, with what this machine needs to serve it."""

    stack: str
    platform: Platform
    environment: Environment
    settings: PlatformSettings
    catalogue: Catalogue
    smtp_url: AnyUrl | None
    """Where the stack's mails go, whichever platform they are about."""

    def daemon(self, name: str) -> Daemon:
        return Daemon(server_folder(self.stack, self.platform.value), name)

    def scopes(self) -> dict[str, Scope]:
        """Return the scopes that the catalogue offers there, under the platform's names."""
        scopes = {}
        for catalogue_name, scope in self.catalogue.scopes.items():
            name = self.catalogue.name_on(self.platform, catalogue_name)
            if name is not None and self.environment in scope.environments:
                scopes[name] = scope
        return scopes

    def operator_key(self) -> ECKey:
        """Return the operator's key pair, in the file that the settings name; made where it is
        missing. Raises InvalidSettings."""
        file = self.settings.operator_private_key_file
        if file is None:
            setting = full_key(config_key(self.platform, "operatorPrivateKeyFile"))
            raise InvalidSettings(
                f"the sandbox's operator needs a key; set {setting} to the file for it"
            )
        if file.exists():
            try:
                return ECKey.import_key(json.loads(file.read_text()))
            except (ValueError, JoseError):
                # An operator's of a real authority, which the sandbox did not make.
                raise InvalidSettings(
                    f"{file} is no key that the sandbox made, which are EC keys as JSON Web Keys;"
                    " an authority of your own needs no acmidm sandbox start"
                ) from None
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        write_private(file, json.dumps(key.as_dict(private=True)))
        return key


@contextmanager
def _usable_database() -> Iterator[None]:
    """What the portal, which knows nothing of ours, refuses about its database or what is put
    there, as our Failure."""
    try:
        yield
    except ValueError as error:
        raise Failure(str(error)) from None


@dataclass(frozen=True)
class EmbeddedPortal:
    """An embedded portal of this machine."""

    served: Served
    settings: PortalSettings

    @property
    def daemon(self) -> Daemon:
        return self.served.daemon(PORTAL)

    @_usable_database()
    def start(self, people: Sequence[User]) -> str:
        """Start it, with these people and nobody else, and return what was done, a sentence a line.

        One that runs with the same settings is left alone, another started anew. A database or a
        key file that was lost is made good. Raises Failure.
        """
        has_clients = self.settings.external_issuer is None
        if has_clients and not self.served.settings.authority_type.is_by_hand:
            key = self.served.operator_key().as_dict(private=False)
            client_id = self.served.settings.operator_client_id
            register_operator(self.settings.database, client_id, public_jwk=key)
        is_new = self.daemon.start(program(self.settings, self.daemon))
        done = _done(self.daemon, self.settings.origin, is_new=is_new)
        if self.settings.smtp_port:
            mail = f"smtp://{self.settings.host}:{self.settings.smtp_port}"
            done = f"{done}, mail at {mail}"
        if not has_clients:
            return done
        changes = [f"  {change}" for change in let_in(people, self.settings)]
        return "\n".join([done, *changes])


@dataclass(frozen=True)
class SandboxKeycloak:
    """A Keycloak of this machine, with the realm of a stack's platform."""

    served: Served
    realm: Realm

    def start(self) -> str:
        """Start it, with its realm and its operator, and return what was done. One that runs is
        left alone, and its realm brought up to date. Raises Failure."""
        folder, port = self.served.daemon(KEYCLOAK).folder, self.served.settings.address.port or 80
        server = Server(folder, _distribution(), port)
        is_new, daemon = start_server(server), daemon_of(server)
        try:
            with Admin(server) as admin:
                set_up(admin, self.realm)
        except httpx.HTTPError as error:
            raise Failure(
                f"{daemon.title}: the realm was not set up: {error}; see {daemon.log}", exit_code=1
            ) from None
        return _done(daemon, server.origin, is_new=is_new)


def _done(daemon: Daemon, address: str, *, is_new: bool) -> str:
    return f"{daemon.title}: {'started' if is_new else 'running'} at {address}"


def portals(stack: str, strict: bool = False) -> Iterator[EmbeddedPortal]:
    """Yield each portal that the stack's settings place on this machine. Raises InvalidSettings and
    InvalidForms."""
    for served in _platforms(stack):
        settings = served.settings
        is_ours = settings.authority == "beheerportaal" or settings.authority_type.is_by_hand
        external_issuer = None if is_ours else str(settings.issuer).rstrip("/")
        url = settings.address if external_issuer is None else settings.products_url
        if url is not None and _is_here(url):
            host = (url.host or "").strip("[]")
            given = {"host": host, "port": url.port, "external_issuer": external_issuer}
            origin = f"{url.scheme}://{url.host}:{url.port}"
            yield EmbeddedPortal(served, _portal_settings(served, origin, **given, strict=strict))


def keycloaks(stack: str) -> Iterator[SandboxKeycloak]:
    """Yield each Keycloak that the stack's settings place on this machine. Raises InvalidSettings
    and InvalidForms."""
    for served in _platforms(stack):
        if served.settings.authority == "keycloak" and _is_here(served.settings.address):
            yield SandboxKeycloak(served, _realm(served))


def program(settings: PortalSettings, daemon: Daemon) -> Program:
    """Return how a portal with these settings is run."""
    return Program(
        command=(sys.executable, "-m", "acmidm_sandbox.beheerportaal.server", daemon.settings_file),
        settings=settings.model_dump_json(by_alias=True, indent=2),
        health_url=f"{settings.origin}/health",
        more_ports=() if settings.smtp_port is None else (settings.smtp_port,),
    )


def daemon_of(server: Server) -> Daemon:
    return Daemon(server.folder, KEYCLOAK)


def start_server(server: Server) -> bool:
    """Start a Keycloak and return when it answers; False where it runs already. Raises Failure."""
    daemon = daemon_of(server)
    written = daemon.settings()
    if written and (newer := server.spoils(written)):
        raise Failure(
            f"{server.folder} is of Keycloak {newer}, newer than {server.version}; start that"
            " version, or remove that folder",
            exit_code=1,
        )
    return daemon.start(
        Program(
            command=server.command,
            settings=server.settings,
            health_url=server.health_url,
            environment=server.environment,
            start_seconds=START_SECONDS,
        )
    )


def server_folder(stack: str, platform: str) -> Path:
    """Where the data of a stack's servers for a platform are; they and all that is above them in
    `.local` are this user's alone."""
    folder = DATA.absolute() / stack / platform
    for part in (DATA.absolute(), folder.parent, folder):
        private_folder(part)
    return folder


def labels() -> dict[str, dict[str, str]]:
    """Return per language what people call each field of a product, and what the form asks for
    it."""
    return {
        language.value: {
            name.partition(".field.")[2]: language.template(sentence)
            for name, sentence in SENTENCES.items()
            if ".field." in name
        }
        for language in Language
    }


def apis(
    catalogue: Catalogue, environment: Environment, platform: Platform
) -> dict[str, dict[str, object]]:
    """Return what a client can be coupled to, by Referentie: each product of the catalogue, without
    the scopes that are assigned to every client. Where no Referentie is public, the product's title
    is it, as in orders."""
    by_product: dict[str, dict[str, object]] = {}
    for name, product in catalogue.products.items():
        names = {
            own: scope for own, scope in product.scopes.items() if environment in scope.environments
        }
        granted = [
            catalogue.name_on(platform, own)
            for own, scope in names.items()
            if not scope.assigned_by_provider
        ]
        if scopes := [scope for scope in granted if scope is not None]:
            client_id = api_client_id(environment, platform, name)
            referentie = (
                product.coupling and product.coupling.referentie.get(environment)
            ) or product.title
            by_product[referentie] = {"client_id": client_id, "owner": API_OWNER, "scopes": scopes}
    return by_product


def api_client_id(environment: str, platform: str, product: str) -> str:
    """Return what a token request names a product's API of the sandbox by: what the sample stacks
    have as ``apiClientIds``."""
    return str(
        uuid.uuid5(
            uuid.NAMESPACE_URL, f"https://sandbox.example/{environment}/{platform}/{product}"
        )
    )


def _platforms(stack: str) -> Iterator[Served]:
    require_own_name(stack)
    settings = stack_settings(stack, Path())
    catalogue = load_catalogue(settings.catalogue_folder)
    for platform, platform_settings in settings.platforms.items():
        yield Served(
            stack=stack,
            platform=platform,
            environment=settings.environment,
            settings=platform_settings,
            catalogue=catalogue,
            smtp_url=settings.smtp_url,
        )


def _is_here(url: AnyUrl) -> bool:
    """Say whether this machine serves an address of the settings, which allow plain http to
    loopback only."""
    return url.scheme == "http"


def _portal_settings(served: Served, origin: str, **more: object) -> PortalSettings:
    folder = served.daemon(PORTAL).folder
    return PortalSettings.model_validate(
        {
            "environment": served.environment.value,
            "platform": served.platform.value,
            "database": folder / "portal.db",
            "scopes": {
                name: {"assigned_by_provider": scope.assigned_by_provider}
                for name, scope in served.scopes().items()
            },
            "products": _products(served, origin),
            "apis": apis(served.catalogue, served.environment, served.platform),
            "smtp_port": _smtp_port(served),
            "labels": labels(),
            "form_page": folder / "aansluiten.html",
            **more,
        }
    )


def _smtp_port(served: Served) -> int | None:
    """Where ACM/IDM's portal receives the mails of a stack, which say which platform they are
    about; None where others do."""
    url = served.smtp_url
    if url is None or url.scheme != "smtp" or url.host not in LOOPBACK:
        return None
    return (url.port or SMTP_PORTS[url.scheme]) if served.platform is Platform.ACMIDM else None


def _products(served: Served, origin: str) -> dict[str, dict[str, object]]:
    """Return the products that have a configuration and a scope there; the first scope is the one
    that gives access.

    Each is an API with a client-ID, which is the same after every start and at every port, and a
    URL.
    """
    catalogue, offered = served.catalogue, served.scopes()
    products: dict[str, dict[str, object]] = {}
    for name, product in catalogue.products.items():
        names = (catalogue.name_on(served.platform, scope) for scope in product.scopes)
        scopes = [scope for scope in names if scope in offered]
        if product.configuration is not None and scopes:
            products[name] = {
                "schema": product.sent,
                "scope": scopes[0],
                "client_id": api_client_id(served.environment, served.platform, name),
                "resources": [f"{origin}/api/v2/{name}"],
            }
    return products


def _realm(served: Served) -> Realm:
    settings, stack = served.settings, served.stack
    path = settings.address.path or ""
    if not path.startswith(_MANAGEMENT_PATH) or "/" in path.removeprefix(_MANAGEMENT_PATH):
        key = full_key(config_key(served.platform, "managementUrl"))
        sentence = (
            f"{key} of stack {stack} must end in {_MANAGEMENT_PATH}<realm>; correct"
            f" Pulumi.{stack}.yaml"
        )
        raise InvalidSettings(sentence)
    products = urlsplit(str(settings.products_url))
    scopes = served.scopes()
    return Realm(
        name=path.removeprefix(_MANAGEMENT_PATH),
        scopes={name: scope.title for name, scope in scopes.items()},
        assigned=frozenset(name for name, scope in scopes.items() if scope.assigned_by_provider),
        operator=settings.operator_client_id,
        operator_scopes=RIGHTS,
        operator_jwk=served.operator_key().as_dict(private=False),
        audience=f"{products.scheme}://{products.netloc}",
        audited=True,
    )


def _distribution() -> Path:
    """Where the server's program is; it is got first where it is missing. Raises Failure."""
    try:
        wanted = Distribution(DATA.absolute(), wanted_version())
        if not wanted.is_ready:
            typer.echo(
                f"keycloak: getting {wanted.version} from Maven Central and preparing it, which"
                " takes about a minute, once",
                err=True,
            )
        wanted.install()
    except CannotGet as error:
        raise Failure(str(error), exit_code=1) from None
    return wanted.folder
