"""What a state has to open clients with, for commands that read authorities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from acmidm_onboarding.authorities.port import GivesAccess
from acmidm_onboarding.settings import read_settings
from acmidm_onboarding.stack import Stack
from acmidm_onboarding.values.terms import Platform

_OPENS = {"registration_access_token": "opens-it"}
SECRET = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    "plaintext": json.dumps(_OPENS),
}
_SETTINGS = {
    "environment": "tni",
    "authority": "rfc7591",
    "issuer": "http://127.0.0.1:1",
    "productsUrl": "http://127.0.0.1:1",
    "operatorClientId": "operator",
    "operatorClientSecret": "secret",
    "registrationAccessTokens": "true",
    "catalogueFolder": "catalogue",
}


def state(name: str, client_id: str, registration: object) -> Mapping[str, Any]:
    kind = "pulumi-python:dynamic/acmidm:OAuthClient"
    urn = f"urn:pulumi:tni::acmidm::acmidm:index:Onboarding${kind}::{name}"
    resource = {
        "urn": urn,
        "type": kind,
        "id": client_id,
        "outputs": {"registration": registration},
    }
    return {"deployment": {"resources": [resource]}}


def access(of: Mapping[str, Any], **settings: str) -> Mapping[str, Any]:
    stack = Stack("tni", lambda: read_settings({**_SETTINGS, **settings}.get), export=lambda _: of)
    authority = stack.platforms[Platform.ACMIDM].authority
    assert isinstance(authority, GivesAccess)
    return authority.access


def test_a_client_is_opened_with_what_the_state_has() -> None:
    assert access(state("OVO002067/app", "c1", SECRET)) == {"c1": _OPENS}


@pytest.mark.parametrize(("of", "times"), [(state("OVO002067/app", "c1", SECRET), 1), ({}, 0)])
def test_a_state_is_decrypted_once(of: Mapping[str, Any], times: int) -> None:
    """For each way of reaching its authorities; not at all where nothing in it opens a client."""
    decrypted: list[str] = []

    def decrypt(name: str) -> Mapping[str, Any]:
        decrypted.append(name)
        return of

    stack = Stack("tni", lambda: read_settings(_SETTINGS.get), export=lambda _: of, decrypt=decrypt)
    assert stack.platforms.keys() == stack.platforms_briefly.keys()
    assert len(decrypted) == times


def test_what_cannot_be_decrypted_opens_nothing() -> None:
    secret = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "ciphertext": "v1:abc",
    }
    assert access(state("OVO002067/app", "c1", secret)) == {}


def test_a_platform_that_has_moved_or_is_gone_is_no_error() -> None:
    """Its clients are in the state still."""
    of = state("OVO002067/app/geosecure", "c1", SECRET)
    assert access(of) == {}
    geosecure = {
        f"geosecure{name[0].upper()}{name[1:]}": _SETTINGS[name]
        for name in ("issuer", "productsUrl", "operatorClientId", "operatorClientSecret")
    }
    assert access(of, **{"geosecure:managementUrl": "http://127.0.0.1:1"}, **geosecure) == {}
