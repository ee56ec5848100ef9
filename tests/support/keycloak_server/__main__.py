"""``make keycloak``: starts the Keycloak of a stack, with its realm and its operator. One that runs
is left alone, and its realm brought up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

from acmidm.sandbox.portals import DATA, Served, is_here, platforms
from acmidm_onboarding.settings import InvalidSettings, config_key, full_key
from acmidm_onboarding.values.problems import Failure
from acmidm_sandbox.beheerportaal.settings import RIGHTS
from tests.support.keycloak_server.admin import Admin
from tests.support.keycloak_server.distribution import CannotGet, Distribution, wanted_version
from tests.support.keycloak_server.realm import Realm, set_up
from tests.support.keycloak_server.server import KEYCLOAK, Server, daemon_of, start_server

_MANAGEMENT_PATH = "/admin/realms/"


def start(stack: str) -> Iterator[str]:
    """Start each, and yield what was done."""
    wanted = Distribution(DATA.absolute(), wanted_version())
    for served in platforms(stack):
        address = served.settings.address
        if served.settings.authority != "keycloak" or not is_here(address):
            continue
        if not wanted.is_ready:
            yield f"keycloak: getting {wanted.version} and preparing it takes a minute, once"
        wanted.install()
        server = Server(served.daemon(KEYCLOAK).folder, wanted.folder, address.port or 80)
        is_new, daemon = start_server(server), daemon_of(server)
        with Admin(server) as admin:
            set_up(admin, _realm(served))
        yield f"{daemon.title}: {'started' if is_new else 'running'} at {server.origin}"


def _realm(served: Served) -> Realm:
    settings, stack = served.settings, served.stack
    path = settings.address.path or ""
    if not path.startswith(_MANAGEMENT_PATH) or "/" in path.removeprefix(_MANAGEMENT_PATH):
        key = full_key(config_key(served.platform, "managementUrl"))
        raise InvalidSettings(
            f"{key} of stack {stack} must end in {_MANAGEMENT_PATH}<realm>; correct"
            f" Pulumi.{stack}.yaml"
        )
    products, scopes = urlsplit(str(settings.products_url)), served.scopes()
    return Realm(
        name=path.removeprefix(_MANAGEMENT_PATH),
        scopes={name: scope.title for name, scope in scopes.items()},
        assigned=frozenset(name for name, scope in scopes.items() if scope.assigned_by_provider),
        operator=str(settings.operator_client_id),
        operator_scopes=RIGHTS,
        operator_jwk=served.operator_jwk(),
        audience=f"{products.scheme}://{products.netloc}",
        audited=True,
    )


if __name__ == "__main__":
    try:
        for sentence in start(sys.argv[1]):
            sys.stdout.write(f"{sentence}\n")
    except (Failure, CannotGet) as error:
        sys.exit(str(error))
