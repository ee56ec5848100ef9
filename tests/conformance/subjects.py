"""The authorities that the suite knows how to start, each with what its type says that it can do.

A third party's is one more function here, or an installed type with a stack's file: see ``conftest.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.authorities.beheerportaal import BEHEERPORTAAL
from acmidm_onboarding.authorities.by_hand import BY_HAND
from acmidm_onboarding.authorities.by_hand.adapter import ByHand
from acmidm_onboarding.authorities.connected import connected
from acmidm_onboarding.authorities.keycloak import KEYCLOAK
from acmidm_onboarding.authorities.port import Authority, ClientParts, Forgets, ProductApi
from acmidm_onboarding.authorities.rfc7591 import RFC7591
from acmidm_onboarding.authority_types import AuthorityType
from acmidm_onboarding.forms.confirmation_files import as_text, key_file
from acmidm_onboarding.forms.loading import load_catalogue
from acmidm_onboarding.stack_files import stack_settings
from acmidm_onboarding.values.confirmation import ConfirmationFile, ConfirmedScope
from acmidm_onboarding.values.jwk import PublicJwk, parse_jwk
from acmidm_onboarding.values.metadata import ClientMetadata, Configuration, Scopes, without_assigned
from acmidm_onboarding.values.terms import Platform
from tests.authorities.dictionary import DICTIONARY, DictionarySettings
from tests.support.between import platform_through
from tests.support.keycloak import make_realm
from tests.support.offered import catalogue_folder, offered
from tests.support.oidc_provider import running_platform as oidc_provider
from tests.support.portal import running_portal

Request = pytest.FixtureRequest


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

    def register(self, metadata: ClientMetadata, parts: ClientParts, products: Products | None = None) -> str:
        """Make a client, by hand where nothing else can; its client-ID."""
        if self.person is not None:
            self.person.confirms(metadata, parts, products or {})
        return self.authority.register(metadata, None, parts).client_id

    def scopes(self, there: Scopes | None) -> Scopes | None:
        """Those that are nobody's but ours."""
        return None if there is None else without_assigned(there, self.assigned, ())

    def kept(self, metadata: ClientMetadata) -> ClientMetadata:
        """What the authority gives back of a client's metadata."""
        unkept = self.authority.unkept if isinstance(self.authority, Forgets) else frozenset[str]()
        nothing = {"contacts": (), "keys_declared": False, "application": "", "organisation": metadata.organisation}
        return metadata.model_copy(update={name: nothing.get(name) for name in unkept})


Products = dict[str, Configuration]
Start = Callable[[Request, Path], AbstractContextManager[Subject]]


@dataclass
class Person:
    """Whoever works at a portal, and confirms what is there then."""

    folder: Path
    subject: Callable[[], ByHand]

    def confirms(self, metadata: ClientMetadata, parts: ClientParts, products: Products) -> None:
        code, application = str(metadata.software_id).split("/")[2:]
        keys = [parse_jwk(json.dumps(dict(members))) for members in parts.jwks.values()]
        self._write(code, application, metadata, parts, keys, products)

    def _write(
        self,
        code: str,
        application: str,
        metadata: ClientMetadata,
        parts: ClientParts,
        keys: list[PublicJwk],
        products: Products,
    ) -> None:
        said = ConfirmationFile(
            client_id=f"client-of-{application}",
            metadata=metadata.for_people,
            scopes={scope: ConfirmedScope(default=default) for scope, default in parts.scopes.items()},
            keys={key_file(application, key)[0]: datetime.now(UTC) for key in keys},
            products=products,
        )
        place = self.folder / code
        place.mkdir(parents=True, exist_ok=True)
        for name, text in (key_file(application, key) for key in keys):
            (place / name).write_text(text)
        (place / f"{application}.yaml").write_text(as_text(said))
        vars(self.subject()).pop("_confirmed", None)


@contextmanager
def beheerportaal(_request: Request, folder: Path, **more: Any) -> Iterator[Subject]:
    with running_portal(folder / "portal", **{**offered(), **more}) as portal:
        platform = platform_through(portal.origin, portal, folder)
        yield Subject(BEHEERPORTAAL, platform.authority, platform.product_api, assigned=platform.assigned)


@contextmanager
def geosecure(request: Request, folder: Path) -> Iterator[Subject]:
    """The same API with the rules of GeoSecure."""
    with beheerportaal(request, folder, platform="geosecure") as subject:
        yield subject


@contextmanager
def by_hand(_request: Request, folder: Path) -> Iterator[Subject]:
    authority = ByHand(folder)
    yield Subject(BY_HAND, authority, authority.product_api, Person(folder, lambda: authority))


@contextmanager
def dictionary(_request: Request, folder: Path) -> Iterator[Subject]:
    settings = DictionarySettings(
        register_name=str(folder),
        issuer="http://127.0.0.1:1/op",
        products_url="http://127.0.0.1:1/products/v1",
        operator_client_id="onboarding",
    )
    yield Subject(DICTIONARY, DICTIONARY.connect(settings, lambda _: None, frozenset()))


@contextmanager
def keycloak(request: Request, _folder: Path) -> Iterator[Subject]:
    server, administrator = (request.getfixturevalue(name) for name in ("keycloak_server", "administrator"))
    yield Subject(KEYCLOAK, make_realm(server, administrator).adapter())


@contextmanager
def rfc7591(_request: Request, folder: Path) -> Iterator[Subject]:
    with oidc_provider(folder) as platform:
        yield Subject(RFC7591, platform.provider.adapter())


STARTS: dict[str, Start] = {
    "beheerportaal": beheerportaal,
    "geosecure": geosecure,
    "by_hand": by_hand,
    "dictionary": dictionary,
    "keycloak": keycloak,
    "rfc7591": rfc7591,
}


@contextmanager
def of_stack(file: Path) -> Iterator[Subject]:
    """The authority of a stack's file, whatever its installed type: a third party's, say."""
    name = file.name.removeprefix("Pulumi.").removesuffix(".yaml")
    settings = stack_settings(name, file.parent)
    platform = connected(settings, load_catalogue(catalogue_folder()))[Platform.ACMIDM]
    yield Subject(platform.can, platform.authority, assigned=platform.assigned)
