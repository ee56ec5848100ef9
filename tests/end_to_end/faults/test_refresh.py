"""Only a 404 means gone: whatever else a refresh meets, one sentence says why.

That the state stays as it was then is in ``test_lost_and_overtaken.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.errors import AuthorityError, NotFound
from tests.support import faults
from tests.support.between import (
    PATIENCE_SECONDS,
    REQUEST_TIMEOUT_SECONDS,
    platform_through,
)
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.portal import RunningPortal, metadata

READS: dict[str, Callable[[ConnectedPlatform, str], object]] = {
    "/clients/[^/?]+$": lambda platform, client_id: platform.authority.read(client_id),
    "/scopes$": lambda platform, client_id: platform.authority.read(client_id),
    "/jwks$": lambda platform, client_id: platform.authority.read(client_id),
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
    client_id = patient.authority.register(metadata(), None, {}, {}).client_id
    for path, read in READS.items():
        for name, (fault, said) in FAULTS.items():
            proxy.heal()
            proxy.rule("GET", path, fault, times=None)
            with pytest.raises(AuthorityError) as raised:
                read(hurried if fault is faults.time_out_before else patient, client_id)
            assert said in str(raised.value), f"{name} to {path}: {raised.value}"
            assert not isinstance(raised.value, NotFound), f"{name} to {path}"
