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
    """A platform of a stack, with what this machine needs to serve it."""

    stack: str
    platform: Platform
    stack_settings: Settings
    catalogue: Catalogue
    catalogue_digest: str
    """What changes with each change of the catalogue."""

    @property
    def settings(self) -> PlatformSettings:
        return self.stack_settings.platforms[self.platform]

    @property
    def environment(self) -> Environment:
        return self.stack_settings.environment

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

    def products(self, origin: str) -> dict[str, dict[str, object]]:
        """Return the products that have a configuration and a scope there; the first scope is the
        one that gives access.

        Each is an API with a client-ID, which is the same after every start and at every port, and
        a URL.
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
        """Return where ACM/IDM's portal receives the mails of a stack, which say which platform
        they are about; None where others do."""
        url = self.stack_settings.smtp_url
        if url is None or url.scheme != "smtp" or url.host not in LOOPBACK:
            return None
        port = url.port or SMTP_PORTS[url.scheme]
        return port if self.platform is Platform.ACMIDM else None

    def operators(self) -> dict[str, object]:
        """Return the public key of the stack's operator, by its client-ID; none where people do
        what there is to do. Raises InvalidSettings."""
        if self.settings.authority_type.is_by_hand:
            return {}
        return {str(self.settings.operator_client_id): self.operator_jwk()}

    def operator_jwk(self) -> dict[str, Any]:
        """Return the public key of the pair in the file that the settings name, which is made where
        it is missing. Raises InvalidSettings."""
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
        """Return what ``acmidm-sandbox`` starts from. Raises InvalidSettings and InvalidForms."""
        served, folder = self.served, self.daemon.folder
        if self.is_issuer:
            issuer, operators = None, served.operators()
        else:
            issuer, operators, people = str(served.settings.issuer).rstrip("/"), {}, []
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
            "external_issuer": issuer,
            "database": str(folder / "portal.db"),
            "form_page": str(folder / "aansluiten.html"),
            "operators": operators,
            "people": list(people),
            "scopes": scopes,
            "apis": apis(served.catalogue, served.environment, served.platform),
            "products": served.products(self.origin),
            "labels": labels(),
        }

    def start(self, file: Mapping[str, Any]) -> str:
        """Start it, and return what was done, a sentence a line. One that runs from the same file
        is left alone, another started anew. Raises Failure."""
        smtp_port = file["smtp_port"]
        mail_ports = (smtp_port,) if smtp_port else ()
        made_from = _MADE_FROM.format(digest=self.served.catalogue_digest)
        program = Program(
            # -P: what lies in the project's folder is imported by nobody.
            command=(sys.executable, "-P", "-m", "acmidm_sandbox", self.daemon.settings_file),
            settings=made_from + yaml.safe_dump(dict(file), sort_keys=False, allow_unicode=True),
            health_url=f"{self.origin}/health",
            more_ports=mail_ports,
            speaks=True,
        )
        done, said = "running", ""
        if not self.daemon.runs(program):
            write_private(Path(file["form_page"]), form_page(self.served.catalogue))
            done, said = "started", self.daemon.start_anew(program)
        sentence = f"{self.daemon.title}: {done} at {self.origin}"
        if smtp_port:
            sentence = f"{sentence}, mail at smtp://{file['host']}:{smtp_port}"
        return f"{sentence}\n{said}".rstrip()


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
    """Yield each portal that the stack's settings place on this machine. Raises InvalidSettings and
    InvalidForms."""
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
    """Say whether this machine serves an address of the settings, which allow plain http to
    loopback only."""
    return url.scheme == "http"


def server_folder(stack: str, platform: str) -> Path:
    """Make the folder for the data of a stack's servers for a platform, and return it. It and all
    above it in `.local` are this user's alone."""
    folder = DATA.absolute() / stack / platform
    for part in (DATA.absolute(), folder.parent, folder):
        private_folder(part)
    return folder


def labels() -> dict[str, dict[str, str]]:
    """Return per language what people call each field of a product, and what the form asks for
    it."""
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
    """Return what a client can be coupled to, by Referentie: each product of the catalogue, without
    the scopes that are assigned to every client. Where no Referentie is public, the product's title
    is it, as in orders."""
    by_product: dict[str, dict[str, object]] = {}
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
        by_product[referentie or product.title] = {
            "client_id": api_client_id(environment, platform, name),
            "owner": API_OWNER,
            "scopes": scopes,
        }
    return by_product


def api_client_id(environment: str, platform: str, product: str) -> str:
    """Return what a token request names a product's API of the sandbox by: what the sample stacks
    have as ``apiClientIds``."""
    return str(
        uuid.uuid5(
            uuid.NAMESPACE_URL, f"https://sandbox.example/{environment}/{platform}/{product}"
        )
    )
