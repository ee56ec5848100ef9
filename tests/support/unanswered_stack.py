"""A stack whose authority is on a port that nobody listens on."""

from __future__ import annotations

from acmidm_onboarding.settings import Settings, read_settings
from acmidm_onboarding.stack import Stack, open_stack


def settings(**changes: str) -> Settings:
    """Those of an authority on a port that nobody listens on."""
    urls = {
        name: f"http://127.0.0.1:1/{name}" for name in ("managementUrl", "issuer", "productsUrl")
    }
    values = {
        "environment": "tni",
        "operatorClientId": "o",
        "operatorClientSecret": "s",
        "retryDeadlineSeconds": "0",
        **urls,
    }
    return read_settings({**values, "catalogueFolder": "catalogue", **changes}.get)


def stack(**changes: str) -> Stack:
    return open_stack("tni", lambda: settings(**changes))
