"""The settings of a stack, whole but for what a test changes."""

from __future__ import annotations

from collections.abc import Mapping

from acmidm_onboarding.settings import Settings, read_settings

COMPLETE: dict[str, object] = {
    "environment": "tni",
    "managementUrl": "https://beheer.example/management/v1",
    "issuer": "https://idp.example/op",
    "productsUrl": "https://producten.example/v1",
    "operatorClientId": "onboarding",
}


def read(environ: Mapping[str, str] = {}, /, **changes: object) -> Settings:
    return read_settings({**COMPLETE, **changes}.get, environ)
