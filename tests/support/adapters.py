"""The adapters, each on a server that a test scripts."""

from __future__ import annotations

from acmidm_onboarding.authorities.beheerportaal.adapter import Beheerportaal
from acmidm_onboarding.authorities.keycloak.adapter import Keycloak
from acmidm_onboarding.authorities.products import Products
from tests.support.fake_server import FakeServer, api_at


def beheerportaal(server: FakeServer) -> Beheerportaal:
    return Beheerportaal(api_at(server.url), "operator", frozenset())


def keycloak(server: FakeServer) -> Keycloak:
    return Keycloak(api_at(server.url), "operator", frozenset())


def products(server: FakeServer) -> Products:
    return Products(api_at(server.url), lambda _, configuration: configuration)
