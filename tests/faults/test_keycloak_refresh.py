"""A refresh against a real Keycloak that answers anything but that a client is gone: the state stays as it was, to the letter."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from keycloak_sandbox.admin import Admin
from keycloak_sandbox.server import Server
from tests.faults.on_keycloak import ADMIN_API, project_through, require_as_declared
from tests.faults.test_refresh import resources
from tests.support import faults
from tests.support.cases import cases
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.forms import PLAIN, write_form
from tests.support.keycloak_platform import Platform, running_platform

FAULTS: dict[str, tuple[Fault, str]] = {
    "unreachable": (faults.cut_before, "the connection broke off"),
    "401": (faults.answer(401), "401 Unauthorized; check the operator's credentials"),
    "403": (faults.answer(403), "403 Forbidden; have this right granted"),
    "404": (faults.answer(404, b'{"error": "Realm not found."}', "application/json"), "acmidm:managementUrl must be that of a realm"),
    "500": (faults.answer(500, b'{"error": "unknown_error"}', "application/json"), "500 Internal Server Error, unknown_error"),
    "html": (faults.answer(200, b"<html>Sign in</html>", "text/html"), "200 with text/html instead of JSON"),
    "html-404": (faults.answer(404, b"<html>", "text/html"), "404 Not Found, with text/html, not from this API"),
    "half-json": (faults.answer(200, b'[{"id": ', "application/json"), "JSON that does not parse"),
    "other-json": (faults.answer(200, b'{"items": []}', "application/json"), "the answer is not what this API gives"),
    # What Keycloak answers to an operator that lost its right.
    "empty": (faults.answer(200, b"[]", "application/json"), "sees no client at all"),
}
SOME = {"404", "html-404", "empty"}


@pytest.fixture(scope="module")
def platform(keycloak_server: Server, administrator: Admin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running_platform(keycloak_server, administrator, tmp_path_factory.mktemp("products")) as running:
        yield running


@pytest.mark.parametrize("names", cases({"some": SOME, "others": FAULTS.keys() - SOME}, "some"))
def test_state_survives_everything_but_an_absence(platform: Platform, tmp_path: Path, names: Collection[str]) -> None:
    """One project, each fault in turn; then a client that really went, which alone leaves the state."""
    with FaultProxy(platform.realm.server.origin) as proxy:
        project = project_through(proxy, platform, tmp_path / "project")
        # A refresh goes by the settings of the last `up`.
        project.configure({"retryDeadlineSeconds": 1})
        forms = [write_form(project.forms, f"gent/{name}", scopes=(PLAIN,)) for name in ("een", "twee", "drie", "vier")]
        project.apply()
        before = resources(project)
        for name in names:
            fault, said = FAULTS[name]
            proxy.heal()
            proxy.rule("GET", ADMIN_API, fault, times=None)
            outcome = project.pulumi("refresh", "--yes", "--skip-preview", "--suppress-progress")
            assert outcome.code != 0, f"{name}: {outcome.output}"
            assert any(said in sentence for sentence in outcome.errors), f"{name}: {outcome.errors}"
            assert resources(project) == before, name

        proxy.heal()
        platform.realm.remove(project.resources()[f"OAuthClient {forms[0].key}"]["id"])
        project.succeed("refresh", "--yes", "--skip-preview", "--suppress-progress")
        assert not any(forms[0].key in place for place in project.resources())
        project.apply()
        require_as_declared(project, platform, forms)
