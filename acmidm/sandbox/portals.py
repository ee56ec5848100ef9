"""The embedded portals that the settings of a stack place on this machine: the file that each
starts from, and its start."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from pydantic import AnyUrl

from acmidm.form_page.page import form_page
from acmidm.sandbox.daemons import Daemon, Program
from acmidm_onboarding.files import private_folder, write_private
from acmidm_onboarding.forms.catalogue import Catalogue, Scope
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.settings import (
    LOOPBACK,
    SMTP_PORTS,
    InvalidSettings,
    PlatformSettings,
    Settings,
    config_key,
    full_key,
)
from acmidm_onboarding.stack_files import require_own_name, stack_settings
from acmidm_onboarding.texts import Language
from acmidm_onboarding.texts.page import SENTENCES
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform

DATA = Path(".local")
PEOPLE = Path("people.yaml")
"""Who logs on at the portals of this project's sandbox, and nobody else."""
PORTAL = "portal"
API_OWNER = "OVO002949"
"""Digitaal Vlaanderen, which owns every API of the sandbox: of other owners the catalogue has no
code."""
_MADE_FROM = (
    "# Made by acmidm sandbox start from the stack's file, people.yaml and the catalogue\n"
    "# ({digest}), of which the aansluitingsformulier is made too.\n"
)


@dataclass(frozen=True)
class Served:
    """A platform of a stack, with the settings and the catalogue that a server of it is made
    from."""

    stack: str
    platform: Platform
    stack_settings: Settings
    catalogue: Catalogue
    catalogue_digest: str
    """A hash of all files of the catalogue, for a server to start anew when one changes."""

    @property
    def settings(self) -> PlatformSettings:
        return self.stack_settings.platforms[self.platform]

    @property
    def environment(self) -> Environment:
        return self.stack_settings.environment

    def daemon(self, name: str) -> Daemon:
        return Daemon(server_folder(self.stack, self.platform.value), name)

    def scopes(self) -> dict[str, Scope]:
        """Return the scopes that the catalogue offers on this platform in this environment, by the
        platform's names."""
        scopes = {}
        for catalogue_name, scope in self.catalogue.scopes.items():
            name = self.catalogue.name_on(self.platform, catalogue_name)
            if name is not None and self.environment in scope.environments:
                scopes[name] = scope
        return scopes

    def products(self, origin: str) -> dict[str, dict[str, object]]:
        """Return the product APIs of a portal at ``origin``, as its file has them, by the product's
        name: those products that have a configuration, and a scope on this platform. The first
        scope is the one that gives access.

        The client-ID of an API is the same after every start and at every port.
        """
        offered = self.scopes()
        products: dict[str, dict[str, object]] = {}
        for name, product in self.catalogue.products.items():
            names = (self.catalogue.name_on(self.platform, scope) for scope in product.scopes)
            scopes = [scope for scope in names if scope in offered]
            if product.configuration is not None and scopes:
                products[name] = {
                    "schema": product.sent,
                    "scope": scopes[0],
                    "client_id": api_client_id(self.environment, self.platform, name),
                    "resources": [f"{origin}/api/v2/{name}"],
                }
        return products

    def smtp_port(self) -> int | None:
        """Return the port on which this platform's portal receives the mails of the stack; None
        where it does not. ACM/IDM's portal receives those of both platforms, where the settings
        have the mail server on this machine."""
        url = self.stack_settings.smtp_url
        if url is None or url.scheme != "smtp" or url.host not in LOOPBACK:
            return None
        port = url.port or SMTP_PORTS[url.scheme]
        return port if self.platform is Platform.ACMIDM else None

    def operators(self) -> dict[str, object]:
        """Return who may use the management API: the stack's operator, as {client-ID: public key};
        nobody where people alone change the portal. Raises InvalidSettings."""
        if self.settings.authority_type.is_by_hand:
            return {}
        return {str(self.settings.operator_client_id): self.operator_jwk()}

    def operator_jwk(self) -> dict[str, Any]:
        """Return the public half of the operator's private key, in the file that the settings name;
        make that key where the file is missing. Raises InvalidSettings where the settings name no
        file, or one that the sandbox did not make."""
        file = self.settings.operator_private_key_file
        if file is None:
            setting = full_key(config_key(self.platform, "operatorPrivateKeyFile"))
            raise InvalidSettings(
                f"the sandbox's operator needs a key; set {setting} to the file for it"
            )
        if not file.exists():
            made = JWK.generate(kty="EC", crv="P-256", use="sig", alg="ES256")
            made["kid"] = made.thumbprint()
            write_private(file, made.export_private())
        try:
            key = JWK.from_json(file.read_text())
            is_ours = key["kty"] == "EC"
        except (ValueError, TypeError, KeyError, JWException):
            is_ours = False
        if not is_ours:
            # An operator's of a real authority, which the sandbox did not make.
            raise InvalidSettings(
                f"{file} is no key that the sandbox made, which are EC keys as JSON Web Keys; an"
                " authority of your own needs no acmidm sandbox start"
            )
        return dict(key.export_public(as_dict=True))


@dataclass(frozen=True)
class SandboxPortal:
    """An embedded portal of this machine, at an address of the settings."""

    served: Served
    url: AnyUrl
    is_issuer: bool
    """Whether it has clients and people; else it has products alone."""

    @property
    def daemon(self) -> Daemon:
        return self.served.daemon(PORTAL)

    @property
    def origin(self) -> str:
        return f"{self.url.scheme}://{self.url.host}:{self.url.port}"

    @property
    def mails(self) -> Path | None:
        """The folder of the mails that it receives; None where it receives none."""
        return self.daemon.folder / "mails" if self.served.smtp_port() else None

    def file(self, people: Sequence[Mapping[str, Any]], strict: bool) -> dict[str, Any]:
        """Return the content of the file that ``acmidm-sandbox`` starts from; ``people`` log on at
        the portal. Raises InvalidSettings and InvalidForms."""
        served, folder = self.served, self.daemon.folder
        if self.is_issuer:
            external_issuer, operators = None, served.operators()
        else:
            # Products alone: clients, operators and people are at the issuer of the settings.
            external_issuer = str(served.settings.issuer).rstrip("/")
            operators, people = {}, []
        scopes = {}
        for name, scope in served.scopes().items():
            scopes[name] = {"assigned_by_provider": scope.assigned_by_provider}
        return {
            "environment": served.environment.value,
            "platform": served.platform.value,
            "host": (self.url.host or "").strip("[]"),
            "port": self.url.port,
            "smtp_port": served.smtp_port(),
            "strict": strict,
            "external_issuer": external_issuer,
            "database": str(folder / "portal.db"),
            "form_page": str(folder / "aansluiten.html"),
            "operators": operators,
            "people": list(people),
            "scopes": scopes,
            "apis": apis(served.catalogue, served.environment, served.platform),
            "products": served.products(self.origin),
            "labels": labels(),
        }

    def program(self, file: Mapping[str, Any]) -> Program:
        """Return the program that runs the portal from the content of its ``file``."""
        smtp_port = file["smtp_port"]
        made_from = _MADE_FROM.format(digest=self.served.catalogue_digest)
        return Program(
            # -P: what lies in the project's folder is imported by nobody.
            command=(sys.executable, "-P", "-m", "acmidm_sandbox", self.daemon.settings_file),
            settings=made_from + yaml.safe_dump(dict(file), sort_keys=False, allow_unicode=True),
            health_url=f"{self.origin}/health",
            more_ports=(smtp_port,) if smtp_port else (),
            speaks=True,
        )

    def start(self, file: Mapping[str, Any]) -> str:
        """Start the portal from the content of its ``file``, and return what was done, a sentence a
        line, with what the server printed for people. One that runs with the same content is left
        alone; one with another is started anew. Raises Failure."""
        program, smtp_port = self.program(file), file["smtp_port"]
        done, printed = "running", ""
        if not self.daemon.runs(program):
            write_private(Path(file["form_page"]), form_page(self.served.catalogue))
            done, printed = "started", self.daemon.start_anew(program)
        sentence = f"{self.daemon.title}: {done} at {self.origin}"
        if smtp_port:
            sentence = f"{sentence}, mail at smtp://{file['host']}:{smtp_port}"
        return f"{sentence}\n{printed}".rstrip()


def platforms(stack: str) -> Iterator[Served]:
    """Yield each platform of a stack. Raises InvalidSettings and InvalidForms."""
    require_own_name(stack)
    settings = stack_settings(stack, Path())
    catalogue = load_catalogue(settings.catalogue_folder)
    digest = _catalogue_digest(settings.catalogue_folder)
    for platform in settings.platforms:
        yield Served(stack, platform, settings, catalogue, digest)


def _catalogue_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.yaml")):
        digest.update(str(file.relative_to(folder)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def portals(stack: str) -> Iterator[SandboxPortal]:
    """Yield each portal that the stack's settings place on this machine: that of a platform whose
    authority is a Beheerportaal, or people at one; of another platform one with its products alone,
    where the settings have these here. Raises InvalidSettings and InvalidForms."""
    for served in platforms(stack):
        settings = served.settings
        is_issuer = settings.authority == "beheerportaal" or settings.authority_type.is_by_hand
        url = settings.address if is_issuer else settings.products_url
        if url is not None and is_here(url):
            yield SandboxPortal(served, url, is_issuer)


def read_people() -> list[dict[str, Any]]:
    """Return who people.yaml lets in, as ``acmidm-sandbox`` reads it; nobody where the project has
    no such file. Raises Failure."""
    if not PEOPLE.exists():
        return []
    read = subprocess.run(
        [sys.executable, "-P", "-m", "acmidm_sandbox.file", PEOPLE],
        capture_output=True,
        text=True,
        check=False,
    )
    if read.returncode:
        raise Failure(read.stderr.strip())
    return list(json.loads(read.stdout))


def is_here(url: AnyUrl) -> bool:
    """Return whether this machine serves an address of the settings: these allow plain http to
    loopback alone."""
    return url.scheme == "http"


def server_folder(stack: str, platform: str) -> Path:
    """Make the folder for the data of a stack's servers for a platform, and return it. It and all
    above it in `.local` are this user's alone."""
    folder = DATA.absolute() / stack / platform
    for part in (DATA.absolute(), folder.parent, folder):
        private_folder(part)
    return folder


def labels() -> dict[str, dict[str, str]]:
    """Return what people call each field of a product in each language, and what the page of the
    form asks for it, as {"nl": {"merk_code": "Merkcode"}}."""
    labels: dict[str, dict[str, str]] = {}
    for language in Language:
        of_language = labels[language.value] = {}
        for name, sentence in SENTENCES.items():
            if ".field." in name:
                of_language[name.partition(".field.")[2]] = language.template(sentence)
    return labels


def apis(
    catalogue: Catalogue, environment: Environment, platform: Platform
) -> dict[str, dict[str, object]]:
    """Return the APIs to which a client can be coupled at a portal, by Referentie, as its file has
    them: each product of the catalogue, without the scopes that every client is assigned. Where no
    Referentie is public, the product's title stands for it, as in orders."""
    by_referentie: dict[str, dict[str, object]] = {}
    for name, product in catalogue.products.items():
        scopes = []
        for catalogue_name, scope in product.scopes.items():
            granted = catalogue.name_on(platform, catalogue_name)
            is_offered = environment in scope.environments and granted is not None
            if is_offered and not scope.assigned_by_provider:
                scopes.append(granted)
        if not scopes:
            continue
        referentie = product.coupling and product.coupling.referentie.get(environment)
        by_referentie[referentie or product.title] = {
            "client_id": api_client_id(environment, platform, name),
            "owner": API_OWNER,
            "scopes": scopes,
        }
    return by_referentie


def api_client_id(environment: str, platform: str, product: str) -> str:
    """Return the client-ID of a product's API in the sandbox, which a token request has as
    ``audience``: the sample stacks have it in ``apiClientIds``."""
    return str(
        uuid.uuid5(
            uuid.NAMESPACE_URL, f"https://sandbox.example/{environment}/{platform}/{product}"
        )
    )
