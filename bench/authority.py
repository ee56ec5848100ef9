"""A real Keycloak and a portal with the products, behind proxies that count requests and wait
before each answer."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.fault_proxy import Exchange, FaultProxy
from tests.support.keycloak import make_realm, of_this_clone
from tests.support.keycloak_platform import Platform, running_platform
from tests.support.keycloak_server.admin import Admin
from tests.support.keycloak_server.server import Server, daemon_of, start_server
from tests.support.ports import free_port

ADDED_SCOPE = "dv_organisatieregister_info"
_GIVEN_SCOPE = "service_account"
"""A default scope that Keycloak gives each client for machines, whatever the request has; this
project takes it away."""
_LARGEST_PAGE = 500
Request = list[Any]
"""Method, path below the realm's Admin REST API or URL of a product, document or None, headers."""


@dataclass(frozen=True)
class _Proxied(Server):
    """A Keycloak by the address of its proxy, at which tokens are requested too."""

    proxy: str = field(kw_only=True)

    @property
    def origin(self) -> str:
        return self.proxy


@dataclass(frozen=True)
class MeasuredAuthority:
    """A realm of Keycloak and a portal with the products, where clients and configurations are
    made."""

    platform: Platform
    proxies: tuple[FaultProxy, FaultProxy]
    """Before Keycloak and before the products."""

    @property
    def products_url(self) -> str:
        return f"{self.proxies[1].origin}/products/v1"

    def delay_answers(self, milliseconds: int) -> None:
        """Have both proxies wait before each answer from now on."""

        def answer_late(exchange: Exchange) -> None:
            reply = exchange.forward()
            time.sleep(milliseconds / 1000)
            exchange.reply(reply)

        for proxy in self.proxies:
            proxy.heal()  # without the delay before
            proxy.rule(".*", "", answer_late, times=None)  # any method and path, every time

    def requests(self) -> dict[str, Any]:
        """Return the fewest requests that make, read, change and remove the clients that this
        project has now in the realm, with their configurations, as ``bench.direct`` reads them:
        {"admin": URL, "token": …, "acts": {"make": [[request, …], …]}}, where the requests of an
        inner list are sent in order."""
        realm = self.platform.realm
        scope_ids = realm.administrator.scope_ids(realm.name)
        configurations = f"{self.products_url}/notificaties/configurations"
        all_clients = realm.administrator.get(f"/{realm.name}/clients")
        clients = list(filter(_is_managed, all_clients))
        make, remove = [], []
        with self.platform.products() as products:
            for client in clients:
                path = f"/clients/{client['id']}"
                given_scope = f"{path}/default-client-scopes/{scope_ids[_GIVEN_SCOPE]}"
                url = f"{configurations}/{client['clientId']}"
                configuration = products.get(url).raise_for_status().json()
                make.append(
                    [
                        ["POST", "/clients", client, {}],
                        ["DELETE", given_scope, None, {}],
                        ["PUT", url, configuration, {"if-none-match": "*"}],
                    ]
                )
                remove.append(
                    [["DELETE", url, None, {"if-match": "*"}], ["DELETE", path, None, {}]]
                )
        added = f"/clients/{clients[0]['id']}/optional-client-scopes/{scope_ids[ADDED_SCOPE]}"
        page: Request = ["GET", f"{configurations}?limit={_LARGEST_PAGE}", None, {}]
        pages = math.ceil(len(clients) / _LARGEST_PAGE)
        acts = {
            "make": make,
            "read": [[["GET", "/clients", None, {}]], *[[page]] * pages],
            "add a scope": [[["PUT", added, None, {}]]],
            "remove": remove,
        }
        return {"admin": realm.management_url, "token": realm.tokens().current(), "acts": acts}


@contextmanager
def started(folder: Path) -> Iterator[Server]:
    """Start a Keycloak, and end it with the block. Raises CannotGet where this machine cannot run
    one."""
    keycloak = of_this_clone()
    keycloak.install()
    server = Server(folder, keycloak.folder, free_port(), in_memory=True)
    start_server(server)
    try:
        yield server
    finally:
        daemon_of(server).stop()


@contextmanager
def measured(keycloak: Server, folder: Path) -> Iterator[MeasuredAuthority]:
    """Make a realm of a Keycloak, and a portal with the products that takes its tokens; each is
    behind a proxy. They end with the block."""
    with FaultProxy(keycloak.origin) as proxy:
        server = _Proxied(keycloak.folder, keycloak.distribution, keycloak.port, proxy=proxy.origin)
        settings = {
            "accessTokenLifespan": 3600,  # for bench.direct, which has one token for all requests
            "attributes": {"frontendUrl": proxy.origin},  # its tokens name the proxy as issuer
        }
        make = partial(make_realm, settings=settings)
        with (
            Admin(server) as administrator,
            running_platform(server, administrator, folder / "products", make) as platform,
            FaultProxy(platform.portal.origin) as products,
        ):
            yield MeasuredAuthority(platform, (proxy, products))


def _is_managed(client: dict[str, Any]) -> bool:
    """Return whether this project made a client: Keycloak has clients that it made itself."""
    return "acmidm.managed_by" in client.get("attributes", {})
