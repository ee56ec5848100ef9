"""A platform on a real Keycloak: a realm for the clients, and a portal that has nothing but the
products."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.engine import Project
from tests.support.keycloak import TestRealm, make_realm
from tests.support.keycloak_server.admin import Admin
from tests.support.keycloak_server.server import Server
from tests.support.offered import offered
from tests.support.portal import RunningPortal, running_portal


@dataclass
class Platform:
    """A realm, and the products that trust its tokens."""

    realm: TestRealm
    portal: RunningPortal

    @property
    def products_url(self) -> str:
        return f"{self.portal.origin}/products/v1"

    def products(self) -> httpx.Client:
        """The product APIs, for which the realm's operator has a token."""
        return self.realm.operator_http(self.products_url)

    def configure(self, client_id: str, product: str, configuration: Mapping[str, Any]) -> None:
        """By hand."""
        with self.products() as http:
            document, condition = {"configuration": dict(configuration)}, {"If-None-Match": "*"}
            http.put(
                f"/{product}/configurations/{client_id}", json=document, headers=condition
            ).raise_for_status()

    def clear(self) -> None:
        """Remove what other tests left: to a stack of the same name it is left behind."""
        for client in self.realm.administrator.get(f"/{self.realm.name}/clients"):
            if "acmidm.managed_by" in client.get("attributes", {}):
                self.realm.remove(client["clientId"])
        # The portal trusts the realm's tokens alone, and knows no operator of its own.
        with closing(sqlite3.connect(self.portal.settings.database)) as database, database:
            database.execute("DELETE FROM product_configurations")

    def project(self, folder: Path, stack: str = "tni", **config: object) -> Project:
        """A project without forms, connected to both."""
        made = Project(folder, stack)
        made.secrets.append(str(self.realm.operator_key.as_dict(private=True)["d"]))
        made.prepare({**self.realm.settings(self.products_url, folder), **config})
        return made


@contextmanager
def running_platform(
    server: Server, administrator: Admin, folder: Path, make: Callable[..., TestRealm] = make_realm
) -> Iterator[Platform]:
    """A realm and its products; it ends with the block."""
    # Each has to know of the other: the realm has its name first, and is made when the portal's
    # address is known.
    unborn = TestRealm(server, administrator)
    with running_portal(folder, external_issuer=unborn.issuer, **offered()) as portal:
        yield Platform(make(server, administrator, unborn=unborn, audience=portal.origin), portal)
