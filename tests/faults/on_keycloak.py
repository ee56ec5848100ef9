"""Projects whose clients are on a real Keycloak that is reached through a proxy, and what must be true after every fault."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.faults.between import ProxiedProject, require_settled
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import FormFile
from tests.support.keycloak_platform import Platform

ADMIN_API = "^/admin/realms/"
"""The path of every request but those for tokens and products."""
# A Keycloak that has just started, on a busy machine, may take seconds for an answer.
PATIENCE = {"requestTimeoutSeconds": 30, "retryDeadlineSeconds": 60}


def project_through(proxy: FaultProxy, platform: Platform, folder: Path) -> ProxiedProject:
    """A project without forms whose every request about clients goes through the proxy."""
    made = ProxiedProject(folder)
    url = platform.realm.management_url.replace(platform.realm.server.origin, proxy.origin)
    made.prepare({**platform.realm.settings(platform.products_url, folder), **PATIENCE, "managementUrl": url})
    return made


def require_as_declared(project: ProxiedProject, platform: Platform, forms: Iterable[FormFile]) -> None:
    """Per form exactly one client, with the scopes and keys that the form asks and nothing beside; the state knows these alone."""
    realm = platform.realm
    clients = realm.administrator.get(f"/{realm.name}/clients", first=0, max=1000)
    registered = set()
    for form in forms:
        found = [client for client in clients if client["attributes"].get("acmidm.application") == form.application]
        assert len(found) == 1, f"{len(found)} clients of {form.application}"
        client_id = found[0]["clientId"]
        registered.add(client_id)
        assert realm.scopes(client_id) == set(form.request()["scopes"])
        assert {key["kid"] for key in realm.keys(client_id)} == set(form.keys)
        assert found[0]["clientAuthenticatorType"] == "client-jwt"
        assert not found[0]["fullScopeAllowed"]
        assert "protocolMappers" not in found[0]
    require_settled(project, registered)
