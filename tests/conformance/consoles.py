"""What people see and change at an authority, by other means than our adapter: the tests look there
at what came of a write, and somebody else writes from there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
import pytest
from joserfc.jwk import Key

from acmidm_onboarding.authorities.connected import ConnectedPlatform
from acmidm_onboarding.authorities.port import RegisteredClient
from tests.support.between import ASSIGNED
from tests.support.forms import PLAIN
from tests.support.keycloak import SCOPES, TestRealm
from tests.support.portal import RunningPortal, new_jwks, new_key, request_token, sign_assertion
from tests.support.registry import Registry, kids
from tests.support.trust import TRUSTED


@dataclass(frozen=True)
class Seen:
    """A client as it is there."""

    client_id: str
    client_name: str
    method: str
    scopes: frozenset[str]
    keys: frozenset[str]
    contacts: tuple[str, ...] = ()
    products: Mapping[str, Any] = field(default_factory=dict)


class Console(Protocol):
    def clients(self, application: str) -> list[Seen]:
        """Return those whose name ends with that of an application: not every authority keeps more
        of it."""

    def change(self, client_id: str, name: str, value: Any) -> None:
        """Give a field of ``Seen`` another value; each key is a new one."""

    def slip_in(self, client_id: str, right: str) -> None:
        """Give a client a right of operators, which the authority itself may never do."""

    def add_redirect(self, client_id: str) -> None:
        """Give a client an address that people are sent back to, which no client of ours has."""

    def has_redirect(self, client_id: str) -> bool:
        """Say whether a client has such an address."""

    def accepts(self, client_id: str, secret: str) -> bool:
        """Say whether a client gets a token by a secret."""

    def accepts_key(self, client_id: str, key: Key) -> bool:
        """Say whether a client gets a token by a private key."""


@dataclass(frozen=True)
class PortalConsole:
    portal: RunningPortal

    def clients(self, application: str) -> list[Seen]:
        with self.portal.operator() as http:
            registry = Registry(http)
            return [
                Seen(
                    one["client_id"],
                    one["client_name"],
                    one["token_endpoint_auth_method"],
                    frozenset(one["scopes"]) - {ASSIGNED},
                    frozenset(kids(one)),
                    tuple(one["contacts"]),
                    {
                        product: configuration
                        for product in ("notificaties", "dosis")
                        if (configuration := registry.configuration(product, one["client_id"]))
                    },
                )
                for one in registry.clients(application)
            ]

    def change(self, client_id: str, name: str, value: Any) -> None:
        with self.portal.operator() as http:
            registry = Registry(http)
            if name == "scopes":
                registry.set_scopes(client_id, value)
            elif name == "keys":
                registry.set_keys(client_id, map(new_key, value))
            elif name == "products":
                for product, configuration in value.items():
                    registry.set_configuration(product, client_id, configuration)
            else:
                registry.change(client_id, **{name: value})

    def slip_in(self, client_id: str, right: str) -> None:
        with closing(sqlite3.connect(self.portal.settings.database)) as database, database:
            scopes = json.dumps({"scopes": [right, PLAIN], "default": []})
            database.execute(
                "UPDATE clients SET scopes = ? WHERE client_id = ?", (scopes, client_id)
            )

    def add_redirect(self, client_id: str) -> None:
        """No client has any there."""

    def has_redirect(self, client_id: str) -> bool:  # noqa: ARG002
        return False

    def accepts(self, client_id: str, secret: str) -> bool:
        return has_access(self.portal.token_endpoint, client_id, secret)

    def accepts_key(self, client_id: str, key: Key) -> bool:
        assertion = sign_assertion(key, client_id, self.portal.audience)
        return self.portal.request_token(assertion).status_code == 200


@dataclass(frozen=True)
class RealmConsole:
    realm: TestRealm

    def clients(self, application: str) -> list[Seen]:
        listed = self.realm.administrator.get(f"/{self.realm.name}/clients", first=0, max=1000)
        return [self._seen(one) for one in listed if one.get("name", "").endswith(application)]

    def _seen(self, client: Mapping[str, Any]) -> Seen:
        scopes = {*client["defaultClientScopes"], *client["optionalClientScopes"]}
        if client["fullScopeAllowed"] or client.get("protocolMappers"):
            scopes.add("full scope")
        return Seen(
            client["clientId"],
            client["name"],
            "private_key_jwt" if client["clientAuthenticatorType"] == "client-jwt" else "another",
            frozenset(scopes) - {ASSIGNED},
            frozenset(key["kid"] for key in self.realm.keys(client["clientId"])),
            tuple(client["attributes"].get("acmidm.contacts", "").splitlines()),
        )

    def change(self, client_id: str, name: str, value: Any) -> None:
        if name == "scopes":
            there = self.realm.scopes(client_id)
            for scope in value - there:
                self.realm.grant(client_id, scope)
            for scope in there & set(SCOPES) - value:
                self.realm.withdraw(client_id, scope)
        elif name == "keys":
            self.realm.set_keys(client_id, map(new_key, value))
        else:
            self.realm.change(client_id, name=value)

    def slip_in(self, client_id: str, right: str) -> None:
        self.realm.grant(client_id, right)

    def add_redirect(self, client_id: str) -> None:
        self.realm.change(client_id, redirectUris=["https://elders.example/*"])

    def has_redirect(self, client_id: str) -> bool:
        return bool(self.realm.client(client_id)["redirectUris"])

    def accepts(self, client_id: str, secret: str) -> bool:
        endpoint = f"{self.realm.issuer}/protocol/openid-connect/token"
        return has_access(endpoint, client_id, secret)

    def accepts_key(self, client_id: str, key: Key) -> bool:
        return self.realm.request_token(key, client_id).status_code == 200


@dataclass(frozen=True)
class AdapterConsole:
    """What another run of the same adapter sees and changes, with nothing between: of an authority
    that the suite knows no more of."""

    connect: Callable[[], ConnectedPlatform]
    issuer: str
    wants_token_endpoint: bool
    """Whether assertions have the token endpoint as ``aud``, and not the issuer."""

    def clients(self, application: str) -> list[Seen]:
        platform = self.connect()
        return [
            self._seen(platform, one)
            for one in platform.authority.clients()
            if one.metadata.client_name.endswith(application)
        ]

    def _seen(self, platform: ConnectedPlatform, there: RegisteredClient) -> Seen:
        client_id, metadata = there.client_id, there.metadata
        products = {} if platform.marks_products else platform.configured(client_id)
        return Seen(
            client_id,
            metadata.client_name,
            metadata.token_endpoint_auth_method,
            frozenset(there.scopes) - platform.assigned,
            frozenset(there.jwks),
            metadata.contacts,
            {name: document.configuration for name, document in products.items()},
        )

    def change(self, client_id: str, name: str, value: Any) -> None:
        authority = self.connect().authority
        if name == "scopes":
            authority.replace_scopes(client_id, None, dict.fromkeys(value, False))
        elif name == "keys":
            authority.replace_jwks(client_id, None, new_jwks(*value))
        else:
            there = authority.read(client_id)
            assert there is not None
            changed = there.metadata.model_copy(update={name: value})
            authority.update(client_id, None, changed, None)

    def slip_in(self, client_id: str, right: str) -> None:  # noqa: ARG002
        pytest.skip("no adapter gives a client such a right, and the suite knows no other way")

    def add_redirect(self, client_id: str) -> None:
        """No adapter gives a client any."""

    def has_redirect(self, client_id: str) -> bool:  # noqa: ARG002
        return False

    def accepts(self, client_id: str, secret: str) -> bool:
        return has_access(self._token_endpoint(), client_id, secret)

    def accepts_key(self, client_id: str, key: Key) -> bool:
        endpoint = self._token_endpoint()
        audience = endpoint if self.wants_token_endpoint else self.issuer
        return request_token(endpoint, sign_assertion(key, client_id, audience)).status_code == 200

    def _token_endpoint(self) -> str:
        document = httpx.get(f"{self.issuer}/.well-known/openid-configuration", verify=TRUSTED)
        return str(document.raise_for_status().json()["token_endpoint"])


def has_access(endpoint: str, client_id: str, secret: str) -> bool:
    answer = httpx.post(
        endpoint,
        data={"grant_type": "client_credentials"},
        auth=(client_id, secret),
        timeout=30,
        verify=TRUSTED,
    )
    return answer.status_code == 200
