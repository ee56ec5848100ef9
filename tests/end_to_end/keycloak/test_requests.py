"""How many requests a run sends for each client: what is known is not read, and what is listed is
not read one by one."""

from __future__ import annotations

from pathlib import Path

from tests.support.fault_proxy import FaultProxy
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.keycloak_platform import Platform

CLIENTS = 6


def test_requests_for_each_client(platform: Platform, tmp_path: Path) -> None:
    """Three to make one, none to look at one that is as declared, three to remove one; and lists,
    once per run."""
    realm, portal = platform.realm, platform.portal
    with FaultProxy(realm.server.origin) as keycloak, FaultProxy(portal.origin) as products:
        project = platform.project(
            tmp_path / "project",
            managementUrl=realm.management_url.replace(realm.server.origin, keycloak.origin),
            productsUrl=platform.products_url.replace(portal.origin, products.origin),
            keyOverlapDays=14,
        )
        for number in range(CLIENTS):
            write_form(project.forms, f"gent/loket-{number}", scopes=(PLAIN, SEND))
        project.apply()
        for method in (
            "POST",
            "GET",
            "DELETE",
        ):
            # The last withdraws the scope that Keycloak gives each client.
            assert (
                len(keycloak.seen(method, r"/clients$|clientId=|/default-client-scopes/"))
                == CLIENTS
            )
        lists = 3
        assert len(keycloak.requests) == 3 * CLIENTS + lists
        assert len(products.seen("GET|PUT", "/configurations/")) == 2 * CLIENTS

        for proxy in (keycloak, products):
            proxy.heal()
        project.succeed("preview", "--expect-no-changes")
        assert keycloak.requests == products.requests == []
        project.apply("--refresh")
        # Though a refresh forgets what was registered along.
        project.succeed("preview", "--expect-no-changes")
        for proxy in (keycloak, products):
            proxy.heal()

        project.succeed("destroy", "--yes", "--skip-preview")
        one_by_one, lists = 3, 2
        assert len(keycloak.requests) == 3 * CLIENTS + one_by_one + lists
        assert (
            len(products.seen("GET", "/(dosis|mijn-burgerprofiel)/configurations/"))
            == 2 * one_by_one
        )
        assert (
            len(products.seen("GET|DELETE", "/notificaties/configurations/"))
            <= 2 * CLIENTS + one_by_one
        )
