"""The embedded portals of this machine: by the stacks whose settings have one here, and how each is
run."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from acmidm.files import write_private
from acmidm.form_page.page import form_page
from acmidm_onboarding.authorities.beheerportaal import BEHEERPORTAAL
from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.settings import LOOPBACK, SMTP_PORTS
from acmidm_onboarding.texts import Language, say, texts
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform
from acmidm_sandbox.beheerportaal.operators import register_operator
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.users import User
from acmidm_sandbox.people import let_in
from acmidm_sandbox.servers import Served, is_here, served
from acmidm_sandbox.supervisor import Daemon, Program

NAME = "portal"
API_OWNER = "OVO002949"
"""Digitaal Vlaanderen, which owns every API of the sandbox: of other owners the catalogue has no
code."""


@dataclass(frozen=True)
class EmbeddedPortal:
    """An embedded portal of this machine."""

    served: Served
    settings: PortalSettings

    @property
    def daemon(self) -> Daemon:
        return self.served.daemon(NAME)

    def start(self, people: Sequence[User]) -> str:
        """Start it, with these people and nobody else, and return what was done, a sentence a line.
        One that runs with the same settings is left alone, another started anew. Raises Failure."""
        started = self.daemon.start(self._prepared())
        sentence = "sandbox.started" if started else "sandbox.running"
        done = say(sentence, name=self.daemon.title, address=self.settings.origin)
        if self.settings.smtp_port:
            mail = f"smtp://{self.settings.host}:{self.settings.smtp_port}"
            done = say("sandbox.with_mail", started=done, address=mail)
        if self.settings.external_issuer is not None:
            return done
        with usable_database():
            changes = [f"  {change}" for change in let_in(people, self.settings)]
        return "\n".join([done, *changes])

    def _prepared(self) -> Program:
        """Return how to run it, its operator registered with the key pair in the file that the
        settings name.

        A database or a key file that was lost is made good here; the page of the form is that of
        today's catalogue. Raises Failure.
        """
        if (
            self.settings.external_issuer is None
            and not self.served.settings.authority_type.is_by_hand
        ):
            key = self.served.operator_key().as_dict(private=False)
            with usable_database():
                register_operator(
                    self.settings.database, self.served.settings.operator_client_id, public_jwk=key
                )
        if self.settings.form_page:
            write_private(self.settings.form_page, form_page(self.served.catalogue))
        return program(self.settings, self.daemon)


def program(settings: PortalSettings, daemon: Daemon, start_seconds: float = 15) -> Program:
    """Return how a portal with these settings is run."""
    return Program(
        command=(sys.executable, "-m", "acmidm_sandbox.beheerportaal.server", daemon.settings_file),
        settings=settings.model_dump_json(by_alias=True, indent=2),
        health_url=f"{settings.origin}/health",
        more_ports=() if settings.smtp_port is None else (settings.smtp_port,),
        start_seconds=start_seconds,
    )


def portals(stack: str, strict: bool = False) -> Iterator[EmbeddedPortal]:
    """Yield each portal that the stack's settings place on this machine. Raises InvalidSettings and
    InvalidForms."""
    for server in served(stack):
        settings = server.settings
        is_ours = settings.authority == BEHEERPORTAAL.name or settings.authority_type.is_by_hand
        external_issuer = None if is_ours else str(settings.issuer).rstrip("/")
        url = settings.address if external_issuer is None else settings.products_url
        if url is not None and is_here(url):
            host = (url.host or "").strip("[]")
            given = {"host": host, "port": url.port, "external_issuer": external_issuer}
            origin = f"{url.scheme}://{url.host}:{url.port}"
            yield EmbeddedPortal(server, _portal_settings(server, origin, **given, strict=strict))


def _portal_settings(served: Served, origin: str, **more: object) -> PortalSettings:
    return PortalSettings.model_validate(
        {
            "environment": served.environment.value,
            "platform": served.platform.value,
            "database": served.daemon(NAME).folder / "portal.db",
            "scopes": {
                name: {"assigned_by_provider": scope.assigned_by_provider}
                for name, scope in served.scopes().items()
            },
            "products": _products(served, origin),
            "apis": apis(served.catalogue, served.environment, served.platform),
            "smtp_port": _smtp_port(served),
            "labels": labels(),
            "form_page": served.daemon(NAME).folder / "aansluiten.html",
            **more,
        }
    )


def _smtp_port(served: Served) -> int | None:
    """Where ACM/IDM's portal receives the mails of a stack, which say which platform they are
    about; None where others do."""
    url = served.smtp_url
    is_ours = (
        url is not None
        and url.scheme == "smtp"
        and url.host in LOOPBACK
        and served.platform is Platform.ACMIDM
    )
    return (url.port or SMTP_PORTS[url.scheme]) if url is not None and is_ours else None


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
            resources = [f"{origin}/api/v2/{name}"]
            products[name] = {
                "schema": product.sent,
                "scope": scopes[0],
                "client_id": api_client_id(served.environment, served.platform, name),
                "resources": resources,
            }
    return products


def labels() -> dict[str, dict[str, str]]:
    """Return per language what people call each field of a product, and what the form asks for
    it."""
    return {
        language.value: {
            name.removeprefix("field."): text
            for subject in ("form_page", "new")
            for name, text in texts(subject, language).templates.items()
            if name.startswith("field.")
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


@contextmanager
def usable_database() -> Iterator[None]:
    """What the portal, which knows nothing of ours, refuses about its database or what is put
    there, as our Failure."""
    try:
        yield
    except ValueError as error:
        raise Failure(str(error)) from None
