"""How a job of GitHub proves to the cloud that holds the state who it is: by a token of OpenID Connect, so that no secret is stored."""

from __future__ import annotations

import os
from pathlib import Path

import httpx

from acmidm.github.api import get_json, variable
from acmidm.private import write_private

AUDIENCE = "ACMIDM_IDENTITY_AUDIENCE"
FILES = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE"]
"""Where the cloud's own library looks for the token."""


def renew() -> None:
    """Write a new token where the job has an audience for it. It lives for five minutes, and every engine shows it. Raises GitHubError."""
    audience, file = os.environ.get(AUDIENCE), next(filter(None, map(os.environ.get, FILES)), None)
    if audience and file:
        write_token(audience, Path(file))


def write_token(audience: str, file: Path) -> None:
    """Request a token and write it, readable by its owner alone. Raises GitHubError."""
    with httpx.Client(headers={"Authorization": f"Bearer {variable('ACTIONS_ID_TOKEN_REQUEST_TOKEN')}"}, timeout=30) as http:
        url = httpx.URL(variable("ACTIONS_ID_TOKEN_REQUEST_URL")).copy_merge_params({"audience": audience})
        answer, _ = get_json(http, str(url))
    write_private(file, answer["value"])
