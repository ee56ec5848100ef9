"""``kill -9`` after each of the first dozen requests to a real Keycloak: the next ``make up`` needs nobody there
either.

Engine and provider are killed in turn. Keycloak has no ETags, and makes a client in several requests, so that the cut
leaves other halves than at the embedded authority: a client with ``service_account``, one scope of two, no keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.end_to_end.faults.cutting import DESTROY, UP, Run, Victims, cut_off, victims, write_state
from tests.end_to_end.keycloak.conftest import platform
from tests.support.between import ProxiedProject, require_settled
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import PLAIN, FormFile, write_form
from tests.support.keycloak_platform import Platform

__all__ = ["platform"]

OTHER = "dv_ar_adres_beheer"
ALL = victims(*((("engine", "provider")[request % 2], request) for request in range(1, 13)))
OF_DESTROY = 8
"""How many requests removing the two clients takes."""
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
    """Per form exactly one client, with the scopes and keys that the form asks and nothing beside; the state knows
    these alone."""
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


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_next_up_ends_right(platform: Platform, tmp_path: Path, buried: list[Run], case: Victims) -> None:
    """Cut off at ``up``, then at ``destroy``: after each the next ``up`` ends with one client per form, and nothing
    else."""
    victim, request_number, when = case
    with FaultProxy(platform.realm.server.origin) as proxy:
        project = project_through(proxy, platform, tmp_path / "project")
        write_state(project, when)
        forms = [
            write_form(project.forms, "gent/een", scopes=(PLAIN, OTHER), keys=("key-1", "key-2")),
            write_form(project.forms, "gent/twee", scopes=(PLAIN,)),
        ]
        for words in (UP, DESTROY) if request_number <= OF_DESTROY else (UP,):
            buried.append(cut_off(project, proxy, victim, request_number, *words, api=ADMIN_API))
            if words is UP:
                # Two more, that a destroy has eight requests to make: two a client.
                forms += [write_form(project.forms, f"gent/{name}", scopes=(PLAIN,)) for name in ("drie", "vier")]
            outcome = project.recover()
            assert outcome.code == 0, outcome.output
            assert "pending operations" not in outcome.output
            require_as_declared(project, platform, forms)
