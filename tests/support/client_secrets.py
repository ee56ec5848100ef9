"""Client secrets: taken out of a stack, tried, and renewed by hand."""

from __future__ import annotations

import json
import secrets

import httpx

from tests.support.engine import Project
from tests.support.forms import FormFile
from tests.support.portal import RunningPortal
from tests.support.registry import Registry
from tests.support.trust import TRUSTED


def secret_of(project: Project, form: FormFile) -> str:
    """The secret as the operator takes it out of the stack, kept out of all later output."""
    secret = json.loads(project.shown_with_secrets())["client_secrets"][form.key]["acmidm"]
    assert isinstance(secret, str)
    assert len(secret) >= 32
    project.secrets.append(secret)
    return secret


def has_access(portal: RunningPortal, client_id: str, secret: str) -> bool:
    answer = httpx.post(
        portal.token_endpoint,
        data={"grant_type": "client_credentials"},
        auth=(client_id, secret),
        timeout=10,
        verify=TRUSTED,
    )
    return answer.status_code == 200


def rotate_by_hand(registry: Registry, client_id: str) -> str:
    """Another secret, told apart from the one before by when it was set, which the authority knows
    to the second."""
    path = f"/management/v1/clients/{client_id}"
    before = registry.http.get(path).json()["client_secret_updated_at"]
    while registry.http.get(path).json()["client_secret_updated_at"] == before:
        rotated = secrets.token_urlsafe(48)
        registry.change(client_id, client_secret=rotated)
    return rotated
