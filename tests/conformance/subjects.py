"""The authorities that the suite knows how to start, each with what its type says that it can do.

Where something is sent, a proxy is between, and a console shows what is there. A third party's is
one more function here, or an installed type with a stack's file: see ``conftest.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.authorities.by_hand import BY_HAND
from acmidm_onboarding.authorities.by_hand.adapter import ByHand
from acmidm_onboarding.authorities.connected import connected
from acmidm_onboarding.authorities.port import Authority, ClientParts, Forgets, ProductApi
from acmidm_onboarding.authority_types import AuthorityType
from acmidm_onboarding.forms.confirmation_files import as_text, key_file
from acmidm_onboarding.forms.loading import load_catalogue
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.values.confirmation import ConfirmationFile, ConfirmedScope
from acmidm_onboarding.values.jwk import parse_jwk
from acmidm_onboarding.values.metadata import (
    ClientMetadata,
    Configuration,
    OrganisationMetadata,
    Scopes,
    without_assigned,
)
from acmidm_onboarding.values.terms import Platform
from tests.conformance.consoles import Console, PortalConsole, RealmConsole
from tests.support.between import ProxiedProject, platform_of
from tests.support.engine import settings_of
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.keycloak import make_realm
from tests.support.keycloak_platform import running_platform as running_realm
from tests.support.offered import catalogue_folder, offered
from tests.support.portal import running_portal

Request = pytest.FixtureRequest
NO_PRODUCTS = "tried without product APIs: every authority but these has them elsewhere"
OTHER = "dv_ar_adres_beheer"
SCOPES = (PLAIN, SEND, DOSSIERS, OTHER)
"""All that the suite grants: a realm with these is made in a third of the time."""
# A Keycloak that has just started, on a busy machine, may take seconds for an answer.
PATIENCE = {"requestTimeoutSeconds": 30, "retryDeadlineSeconds": 60}


@dataclass(frozen=True)
class Subject:
    """An authority under test."""

    kind: AuthorityType[Any]
    authority: Authority
    products: ProductApi | None = None
    """None where it is tried without product APIs."""
    person: Person | None = None
    """Who does at its portal what nothing else can."""
    assigned: frozenset[str] = frozenset()
    """The scopes that API providers grant by themselves."""
    wire: Wire | None = None
    """None where nothing is sent, or nobody knows how to come between."""

    def register(
        self, metadata: ClientMetadata, parts: ClientParts, products: Products | None = None
    ) -> str:
        """Make a client, by hand where nothing else can; its client-ID."""
        if self.person is not None:
            self.person.confirms(metadata, parts, products or {})
        return self.authority.register(metadata, None, parts).client_id

    def make(self, metadata: ClientMetadata, parts: ClientParts) -> str:
        """Make a client with what lives inside it; its client-ID."""
        client_id = self.register(metadata, parts)
        self.fill(client_id, parts)
        return client_id

    def fill(self, client_id: str, parts: ClientParts) -> None:
        """Write what lives inside a client, as is done after each registration."""
        self.authority.replace_scopes(client_id, None, parts.scopes)
        self.authority.replace_jwks(client_id, None, parts.jwks)

    def scopes(self, there: Scopes | None) -> Scopes | None:
        """Those that are nobody's but ours."""
        return None if there is None else without_assigned(there, self.assigned, ())

    def kept(self, metadata: ClientMetadata) -> ClientMetadata:
        """What the authority gives back of a client's metadata."""
        unkept = self.authority.unkept if isinstance(self.authority, Forgets) else frozenset[str]()
        nobody = OrganisationMetadata(name="")
        nothing = {
            "contacts": (),
            "keys_declared": False,
            "application": "",
            "organisation": nobody,
        }
        return metadata.model_copy(update={name: nothing.get(name) for name in unkept})


@dataclass(frozen=True)
class Wire:
    """What is between us and an authority, and behind it."""

    proxy: FaultProxy
    console: Console
    settings: Mapping[str, object]
    """Those of a stack on it, through the proxy."""

    def project(self, folder: Path) -> ProxiedProject:
        """A project without forms."""
        made = ProxiedProject(folder)
        made.prepare(self.settings)
        return made


Products = dict[str, Configuration]
Start = Callable[[Request, Path], AbstractContextManager[Subject]]


@dataclass(frozen=True)
class Person:
    """Whoever works at a portal, and confirms what is there then."""

    folder: Path
    authority: ByHand

    def confirms(self, metadata: ClientMetadata, parts: ClientParts, products: Products) -> None:
        code, application = str(metadata.software_id).split("/")[2:]
        keys = dict(
            key_file(application, parse_jwk(json.dumps(dict(key)))) for key in parts.jwks.values()
        )
        said = ConfirmationFile(
            client_id=f"client-of-{application}",
            metadata=metadata.for_people,
            scopes={
                scope: ConfirmedScope(default=default) for scope, default in parts.scopes.items()
            },
            keys=dict.fromkeys(keys, datetime.now(UTC)),
            products=products,
        )
        place = self.folder / code
        place.mkdir(parents=True, exist_ok=True)
        for name, text in {**keys, f"{application}.yaml": as_text(said)}.items():
            (place / name).write_text(text)
        vars(self.authority).pop("_confirmed", None)


@contextmanager
def through_proxy(
    upstream: str, settings: Mapping[str, object], console: Console
) -> Iterator[Subject]:
    """An authority whose every request but those for tokens goes through a proxy; its products' too
    where they are at the same server, and else they are not tried."""
    with FaultProxy(upstream) as proxy:
        urls = {
            name: str(settings[name]).replace(upstream, proxy.origin)
            for name in ("managementUrl", "productsUrl")
        }
        through = {**settings, **PATIENCE, **urls}
        platform = platform_of(through)
        products = platform.product_api if urls["productsUrl"] != settings["productsUrl"] else None
        wire = Wire(proxy, console, through)
        yield Subject(
            platform.can, platform.authority, products, assigned=platform.assigned, wire=wire
        )


@contextmanager
def beheerportaal(_request: Request, folder: Path, **more: Any) -> Iterator[Subject]:
    """The embedded authority."""
    with running_portal(folder / "portal", **{**offered(), **more}) as portal:
        key = folder / "operator.jwk.json"
        key.write_text(json.dumps(portal.operator_key.as_dict(private=True)))
        settings = {**settings_of(portal), "operatorPrivateKeyFile": str(key)}
        with through_proxy(portal.origin, settings, PortalConsole(portal)) as subject:
            yield subject


@contextmanager
def by_hand(_request: Request, folder: Path) -> Iterator[Subject]:
    authority = ByHand(folder)
    yield Subject(BY_HAND, authority, authority.product_api, Person(folder, authority))


@contextmanager
def keycloak(request: Request, folder: Path) -> Iterator[Subject]:
    """A realm."""
    server, administrator = (
        request.getfixturevalue(name) for name in ("keycloak_server", "administrator")
    )
    make = partial(make_realm, scopes=dict.fromkeys(SCOPES, "A scope"))
    with running_realm(server, administrator, folder, make) as platform:
        realm = platform.realm
        settings = realm.settings(platform.products_url, folder)
        with through_proxy(server.origin, settings, RealmConsole(realm)) as subject:
            yield subject


STARTS: dict[str, Start] = {
    "beheerportaal": beheerportaal,
    "geosecure": partial(beheerportaal, platform="geosecure"),
    "by_hand": by_hand,
    "keycloak": keycloak,
}
WITHOUT_FAULTS = ("by_hand", "geosecure")
"""To the first nothing is sent; the second is the embedded authority once more."""


@contextmanager
def of_stack(file: Path) -> Iterator[Subject]:
    """The authority of a stack's file, whatever its installed type: a third party's, say."""
    name = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
    settings = stack_settings(name, file.parent)
    platform = connected(settings, load_catalogue(catalogue_folder()))[Platform.ACMIDM]
    yield Subject(platform.can, platform.authority, assigned=platform.assigned)
