"""One realm for the tests of the adapter; each works on clients of its own."""

from __future__ import annotations

import pytest

from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from tests.support.forms import DOSSIERS, PLAIN, SEND
from tests.support.keycloak import TestRealm, make_realm
from tests.support.keycloak_server.admin import Admin
from tests.support.keycloak_server.server import Server

SCOPES = (PLAIN, SEND, DOSSIERS, "vo_info", "dv_ar_adres_beheer")


@pytest.fixture(scope="session")
def realm(keycloak_server: Server, administrator: Admin) -> TestRealm:
    return make_realm(keycloak_server, administrator, scopes=dict.fromkeys(SCOPES, "A scope"))


@pytest.fixture(scope="session")
def adapter(realm: TestRealm) -> Keycloak:
    return realm.adapter()
