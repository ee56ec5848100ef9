"""The authorities that the suite knows how to start, each with what its type says that it can do.

Where something is sent, a proxy is between, and a console shows what is there. A third party's is
one more function here, or an installed type with a stack's file: see ``conftest.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from pydantic import HttpUrl
from pydantic.alias_generators import to_camel

from acmidm_onboarding.authorities.connected import ConnectedPlatform, connected
from acmidm_onboarding.authorities.http.settings import HttpSettings
from acmidm_onboarding.authorities.port import (
    Authority,
    Forgets,
    HasProducts,
    ProductApi,
    RegisteredClient,
)
from acmidm_onboarding.authority_types import AuthorityType
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.forms.confirmation_files import as_text, key_file
from acmidm_onboarding.settings import (
    AssertionAudience,
    PlatformSettings,
    Settings,
    full_key,
    read_settings,
)
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.values.confirmation import ConfirmationFile, ConfirmedScope
from acmidm_onboarding.values.jwk import parse_jwk
from acmidm_onboarding.values.metadata import (
    ClientMetadata,
    Configuration,
    Jwks,
    OrganisationMetadata,
    Scopes,
    without_assigned,
)
from acmidm_onboarding.values.terms import Platform
from tests.conformance.consoles import AdapterConsole, Console, PortalConsole, RealmConsole
from tests.support.between import ASSIGNED, ProxiedProject
from tests.support.engine import settings_of
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.keycloak import make_realm
from tests.support.keycloak_platform import running_platform as running_realm
from tests.support.offered import catalogue_folder, offered
from tests.support.portal import running_portal
from tests.support.yaml_files import read_yaml

Request = pytest.FixtureRequest
OTHER = "dv_ar_adres_beheer"
SCOPES = (PLAIN, SEND, DOSSIERS, OTHER)
"""All that the suite grants: a realm with these is made in a third of the time."""
# A Keycloak that has just started, on a busy machine, may take seconds for an answer.
PATIENCE = {"requestTimeoutSeconds": 30, "retryDeadlineSeconds": 60}


class Parts(NamedTuple):
    """What lives inside a client."""

    scopes: Scopes = {}  # noqa: RUF012 - nothing changes it
    jwks: Jwks = {}  # noqa: RUF012


NO_PARTS = Parts()


@dataclass
class Subject:
    """An authority under test, as one run connects to it."""

    settings: Settings
    person: Person | None = None
    """Who does at its portal what nothing else can."""
    wire: Wire | None = None
    """None where nothing is sent, or nobody knows how to come between."""
    made: list[str] = field(default_factory=list)
    """The client-IDs that a test made, and whose clients are removed after it."""
    has_products: bool = False
    """Whether it is tried with product APIs."""
    gives: frozenset[str] = frozenset()
    """The scopes that each new client has there by itself, as far as the suite knows."""

    kind: AuthorityType[Any] = field(init=False)
    authority: Authority = field(init=False)
    products: ProductApi | None = field(init=False)
    assigned: frozenset[str] = field(init=False)
    """The scopes that API providers grant by themselves."""

    def __post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        """Begin another run: what was read until now is forgotten."""
        platform = connection(self.settings)
        self.kind, self.authority, self.assigned = (
            platform.can,
            platform.authority,
            platform.assigned,
        )
        self.products = platform.product_api if self.has_products else None

    @property
    def operator(self) -> str:
        """The operator's own client-ID; empty where there is none."""
        return self.settings.platforms[Platform.ACMIDM].operator_client_id

    def elsewhere(self) -> Authority | None:
        """Return the same adapter at an address where nothing is; None where the suite cannot
        tell which address that is."""
        platform = self.settings.platforms[Platform.ACMIDM]
        if not isinstance(platform, HttpSettings):
            return None
        address = f"{str(platform.management_url).rstrip('/')}-elsewhere"
        return connection(at_address(self.settings, address)).authority

    def confirm(
        self, metadata: ClientMetadata, parts: Parts, products: Products | None = None
    ) -> None:
        """Have it done by hand, where nothing else can."""
        if self.person is not None:
            self.person.confirms(metadata, parts, products or {})
            self.connect()

    def register(
        self,
        metadata: ClientMetadata,
        parts: Parts = NO_PARTS,
        products: Products | None = None,
        secret: str | None = None,
    ) -> RegisteredClient:
        """Make a client, by hand where nothing else can."""
        self.confirm(metadata, parts, products)
        client = self.authority.register(metadata, secret, *parts)
        self.made.append(client.client_id)
        return client

    def make(self, metadata: ClientMetadata, parts: Parts) -> str:
        """Make a client with what lives inside it; its client-ID."""
        client_id = self.register(metadata, parts).client_id
        self.fill(client_id, parts)
        return client_id

    def fill(self, client_id: str, parts: Parts) -> None:
        """Write what lives inside a client, as is done after each registration."""
        self.authority.replace_scopes(client_id, None, parts.scopes)
        self.authority.replace_jwks(client_id, None, parts.jwks)

    def there(self, client_id: str) -> RegisteredClient:
        """Return a client that exists, with the scopes that are nobody's but ours."""
        found = self.authority.read(client_id)
        assert found is not None
        return replace(found, scopes=self.scopes(found.scopes) or {})

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

    def clean_up(self) -> list[str]:
        """Remove what a test made; return the client-IDs of what stays all the same."""
        if self.kind.is_by_hand:
            return []
        return [client_id for client_id in self.made if not self._is_removed(client_id)]

    def _is_removed(self, client_id: str) -> bool:
        found = self.authority.read_metadata(client_id)
        if found is None:
            return True
        configured = self.products and self.products.read("dosis", client_id)
        if self.products and configured:
            self.products.delete("dosis", client_id, configured.owner)
        return self.authority.remove(client_id, found.owner)


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


MARKS = ("software_id", "managed_by", "incarnation")


def nobodys(metadata: ClientMetadata) -> ClientMetadata:
    """Return what somebody made by hand, for a client that is taken over as ``metadata``."""
    others = {
        "keys_declared": False,
        "client_name": "Met de hand",
        "grant_types": ("authorization_code", "client_credentials"),
        "attributes": {},
        "contacts": (),
    }
    return metadata.model_copy(update={**dict.fromkeys(MARKS), **others})


Products = dict[str, Configuration]
Start = Callable[[Request, Path], AbstractContextManager[Subject]]


@dataclass(frozen=True)
class Person:
    """Whoever works at a portal, and confirms what is there then."""

    folder: Path

    def confirms(self, metadata: ClientMetadata, parts: Parts, products: Products) -> None:
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


@contextmanager
def through_proxy(
    upstream: str, settings: Mapping[str, object], console: Console, gives: frozenset[str]
) -> Iterator[Subject]:
    """An authority whose every request but those for tokens goes through a proxy; its products' too
    where they are at the same server, and else they are not tried."""
    with FaultProxy(upstream) as proxy:
        urls = {
            name: str(settings[name]).replace(upstream, proxy.origin)
            for name in ("managementUrl", "productsUrl")
        }
        through = {**settings, **PATIENCE, **urls}
        has_products = urls["productsUrl"] != settings["productsUrl"]
        wire = Wire(proxy, console, through)
        yield Subject(of_tests(through), wire=wire, has_products=has_products, gives=gives)


@contextmanager
def beheerportaal(_request: Request, folder: Path) -> Iterator[Subject]:
    """The embedded authority."""
    with running_portal(folder / "portal", **offered()) as portal:
        key = folder / "operator.jwk.json"
        key.write_text(json.dumps(portal.operator_key.as_dict(private=True)))
        settings = {**settings_of(portal), "operatorPrivateKeyFile": str(key)}
        gives = frozenset(
            name for name, scope in portal.settings.scopes.items() if scope.assigned_by_provider
        )
        with through_proxy(portal.origin, settings, PortalConsole(portal), gives) as subject:
            yield subject


@contextmanager
def by_hand(_request: Request, folder: Path) -> Iterator[Subject]:
    """People at a portal, who confirm in a folder."""
    nowhere = "http://127.0.0.1:1"
    settings = {"authority": "by_hand", "confirmedFolder": folder, "issuer": nowhere}
    yield Subject(of_tests({**settings, "productsUrl": nowhere}), Person(folder), has_products=True)


@contextmanager
def keycloak(request: Request, folder: Path) -> Iterator[Subject]:
    """A realm."""
    server, administrator = (
        request.getfixturevalue(name) for name in ("keycloak_server", "administrator")
    )
    make = partial(make_realm, scopes=dict.fromkeys((*SCOPES, ASSIGNED), "A scope"))
    with running_realm(server, administrator, folder, make) as platform:
        realm = platform.realm
        realm.give_to_new_clients(ASSIGNED)
        settings, gives = realm.settings(platform.products_url, folder), frozenset({ASSIGNED})
        with through_proxy(server.origin, settings, RealmConsole(realm), gives) as subject:
            yield subject


STARTS: dict[str, Start] = {
    "beheerportaal": beheerportaal,
    "by_hand": by_hand,
    "keycloak": keycloak,
}
WITHOUT: Mapping[str, tuple[str, ...]] = {
    "wire": ("by_hand",),  # nothing is sent
    "writes": ("by_hand",),
    "elsewhere": ("by_hand",),
    "products": ("keycloak",),
}
"""The fixtures of tests that some authorities cannot have: those get no such test."""


@contextmanager
def of_stack(file: Path) -> Iterator[Subject]:
    """The authority of a stack's file, whatever its installed type: a third party's, say. A proxy
    is between where it has a ``managementUrl``."""
    settings = settings_in(file)
    platform, authority = settings.platforms[Platform.ACMIDM], connection(settings).authority
    has_products = isinstance(authority, HasProducts)
    if not isinstance(platform, HttpSettings):
        yield Subject(settings, has_products=has_products)
        return
    address = urlsplit(str(platform.management_url))
    with FaultProxy(f"{address.scheme}://{address.netloc}") as proxy:
        through = f"{proxy.origin}{address.path}"
        console = AdapterConsole(
            partial(connection, settings),
            platform.issuer_name,
            platform.assertion_audience is AssertionAudience.TOKEN_ENDPOINT,
        )
        wire = Wire(proxy, console, {**own_values(file, type(platform)), "managementUrl": through})
        yield Subject(at_address(settings, through), wire=wire, has_products=has_products)


def at_address(settings: Settings, management_url: str) -> Settings:
    """Return the settings of a stack whose authority is at another address."""
    platform = settings.platforms[Platform.ACMIDM].model_copy(
        update={"management_url": HttpUrl(management_url)}
    )
    return settings.model_copy(update={"platforms": {Platform.ACMIDM: platform}})


def own_values(file: Path, kind: type[PlatformSettings]) -> dict[str, object]:
    """Return what a stack's file says of its authority, for a project elsewhere."""
    config, keys = read_yaml(file)["config"], map(to_camel, kind.model_fields)
    values = {key: config[full_key(key)] for key in keys if full_key(key) in config}
    if key_file := values.get("operatorPrivateKeyFile"):
        values["operatorPrivateKeyFile"] = str(Path(key_file).absolute())
    return values


def settings_in(file: Path) -> Settings:
    stack = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
    return stack_settings(stack, file.parent)


def of_tests(values: Mapping[str, object]) -> Settings:
    """Read the settings of a stack that tests make."""
    return read_settings({"environment": "tni", **values}.get, {})


def connection(settings: Settings) -> ConnectedPlatform:
    """Connect to the authority of a stack, as a provider does."""
    return connected(settings, load_catalogue(catalogue_folder()))[Platform.ACMIDM]
