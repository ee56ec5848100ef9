"""``kill -9`` after each of the first dozen requests to a real Keycloak: the next ``make up`` needs nobody there either.

Engine and provider are killed in turn. Keycloak has no ETags, and makes a client in several requests, so that the cut leaves other
halves than at the embedded authority: a client with ``service_account``, one scope of two, no keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keycloak_sandbox.admin import Admin
from keycloak_sandbox.server import Server
from tests.faults.cutting import CHECKPOINTS, DESTROY, UP, Run, cut_off, write_state
from tests.faults.on_keycloak import ADMIN_API, project_through, require_as_declared
from tests.support.fault_proxy import FaultProxy
from tests.support.forms import PLAIN, write_form
from tests.support.keycloak_platform import Platform, running_platform

OTHER = "dv_ar_adres_beheer"
CASES = [(("engine", "provider")[request % 2], request) for request in range(1, 13)]
ALL = {f"{victim}-{request}, state {when}": (victim, request, when) for victim, request in CASES for when in CHECKPOINTS}


@pytest.fixture(scope="module")
def platform(keycloak_server: Server, administrator: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(keycloak_server, administrator, tmp_path_factory.mktemp("products")) as running:
        yield running


OF_DESTROY = 8
"""How many requests removing the two clients takes."""


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", ALL.values(), ids=ALL)
def test_next_up_ends_right(platform: Platform, tmp_path: Path, buried: list[Run], case: tuple[str, int, str]) -> None:
    """Cut off at ``up``, then at ``destroy``: after each the next ``up`` ends with one client per form, and nothing else."""
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
