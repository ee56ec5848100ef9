"""Only a 404 means gone: whatever else a refresh meets, the state stays as it was, and one sentence
says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError, NotFound
from tests.support import faults
from tests.support.between import (
    API,
    PATIENCE_SECONDS,
    REQUEST_TIMEOUT_SECONDS,
    ProxiedProject,
    platform_through,
    require_as_declared,
)
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.forms import SEND, write_form
from tests.support.portal import RunningPortal, metadata
from tests.support.registry import Registry

DOCUMENT = API + "[^?]*$"
"""Not the lists: that those still answer is a second safeguard, and would hide it if the first one
failed."""
READS: dict[str, Callable[[ConnectedPlatform, str], object]] = {
    "/clients/[^/?]+$": lambda platform, client_id: platform.authority.snapshot(client_id),
    "/scopes$": lambda platform, client_id: platform.authority.snapshot(client_id),
    "/jwks$": lambda platform, client_id: platform.authority.snapshot(client_id),
    "/configurations/": lambda platform, client_id: platform.product_api.read(
        "notificaties", client_id
    ),
    r"/clients\?": lambda platform, _: list(platform.authority.clients()),
}
"""What a refresh requests, by its path."""
PROBLEM = b'{"type": "about:blank", "title": "No", "status": 500, "detail": "the database is away"}'
FAULTS: dict[str, tuple[Fault, str]] = {
    "unreachable": (faults.cut_before, "the connection broke off"),
    "no-answer": (faults.time_out_before, "no answer within 1 s"),
    "401": (faults.answer(401), "401 Unauthorized; check the operator's credentials"),
    "403": (faults.answer(403), "403 Forbidden; have this right granted"),
    "500": (faults.answer(500, PROBLEM), "500 Internal Server Error, the database is away"),
    "503": (faults.answer(503), "503 Service Unavailable"),
    "410": (faults.answer(410), "410 Gone"),
    "html": (
        faults.answer(200, b"<html>Sign in</html>", "text/html"),
        "200 with text/html instead of JSON",
    ),
    "not-json": (
        faults.answer(200, b'{"client_id": ', "application/json"),
        "JSON that does not parse",
    ),
    "empty": (faults.answer(200, b"", "application/json"), "the answer is not what this API gives"),
    "null": (
        faults.answer(200, b"null", "application/json"),
        "the answer is not what this API gives",
    ),
    "other-json": (
        faults.answer(200, b'["items"]', "application/json"),
        "the answer is not what this API gives",
    ),
    "redirect": (
        faults.answer(302, headers={"location": "http://127.0.0.1:9/"}),
        "redirects, which is never followed",
    ),
}


def test_nothing_but_404_means_gone(
    portal: RunningPortal, proxy: FaultProxy, tmp_path: Path
) -> None:
    """Each answer in the place of each document and of the list: one sentence, and none that says
    that it does not exist."""
    patient, hurried = (
        platform_through(
            proxy.origin,
            portal,
            tmp_path,
            request_timeout_seconds=seconds,
            retry_deadline_seconds=0,
        )
        for seconds in (PATIENCE_SECONDS, REQUEST_TIMEOUT_SECONDS)
    )
    client_id = patient.authority.register(metadata(), None).client_id
    for path, read in READS.items():
        for name, (fault, said) in FAULTS.items():
            proxy.heal()
            proxy.rule("GET", path, fault, times=None)
            with pytest.raises(AuthorityError) as raised:
                read(hurried if fault is faults.time_out_before else patient, client_id)
            assert said in str(raised.value), f"{name} to {path}: {raised.value}"
            assert not isinstance(raised.value, NotFound), f"{name} to {path}"


def test_a_refresh_that_fails_leaves_the_state_as_it_was(
    project: ProxiedProject, proxy: FaultProxy, registry: Registry
) -> None:
    """To the letter. So does a 404 on a list, a wrong address: a refresh of many lists pages. A
    client's own 404 alone leaves the state."""
    project.configure({"retryDeadlineSeconds": 1})
    forms = [
        write_form(project.forms, f"gent/form-{number}", scopes=(SEND,)) for number in range(6)
    ]
    project.apply()
    before = resources(project)
    for path, (fault, said) in (
        (DOCUMENT, FAULTS["html"]),
        (r"/clients\?", (faults.answer(404), "404")),
    ):
        proxy.heal()
        proxy.rule("GET", path, fault, times=None)
        outcome = project.pulumi("refresh", "--yes", "--skip-preview", "--suppress-progress")
        assert outcome.code != 0, outcome.output
        assert any(said in sentence for sentence in outcome.errors), outcome.errors
        assert resources(project) == before, path

    proxy.heal()
    registry.remove(registry.client(forms[0].application)["client_id"])
    project.succeed("refresh", "--yes", "--skip-preview", "--suppress-progress")
    left = {
        urn
        for urn in before.keys() - resources(project).keys()
        if "ProductConfiguration" not in urn
    }
    assert len(left) == 3, left
    assert all(forms[0].key in urn for urn in left)
    project.apply()
    require_as_declared(project, registry, forms)


def resources(project: ProxiedProject) -> dict[str, dict[str, Any]]:
    """What the state says of each resource, by its URN. The engine's own notes, such as the time of
    its last look, are left out."""
    found = project.stored()["resources"]
    return {
        resource["urn"]: {
            name: resource.get(name) for name in ("type", "id", "inputs", "outputs", "parent")
        }
        for resource in found
    }
