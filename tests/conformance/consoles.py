"""What people see and change at an authority, by other means than our adapter: the tests look there at what came of a
write, and somebody else writes from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from acmidm_onboarding.authorities.rfc7591.wire import NO_SCOPE
from tests.support.keycloak import TestRealm
from tests.support.oidc_provider import RunningProvider
from tests.support.portal import RunningPortal, new_key, public_jwk
from tests.support.registry import Registry, kids

PRODUCTS = ("notificaties", "dosis")


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
        """Return those whose name ends with that of an application: not every authority keeps more of it."""

    def change(self, client_id: str, name: str, value: Any) -> None:
        """Give a field of ``Seen`` another value; each key is a new one."""


@dataclass(frozen=True)
class PortalConsole:
    portal: RunningPortal
    assigned: frozenset[str]
    """The scopes that API providers grant by themselves: they are not shown."""

    def clients(self, application: str) -> list[Seen]:
        with self.portal.operator() as http:
            registry = Registry(http)
            return [
                Seen(
                    one["client_id"],
                    one["client_name"],
                    one["token_endpoint_auth_method"],
                    frozenset(one["scopes"]) - self.assigned,
                    frozenset(kids(one)),
                    tuple(one["contacts"]),
                    {
                        product: found
                        for product in PRODUCTS
                        if (found := registry.configuration(product, one["client_id"])) is not None
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


@dataclass(frozen=True)
class RealmConsole:
    realm: TestRealm
    given: frozenset[str] = frozenset()
    """What Keycloak gives by itself to each client that registers: it is not shown."""

    def clients(self, application: str) -> list[Seen]:
        listed = self.realm.administrator.get(f"/{self.realm.name}/clients", first=0, max=1000)
        return [self._seen(one) for one in listed if one.get("name", "").endswith(application)]

    def _seen(self, client: Mapping[str, Any]) -> Seen:
        attributes = client["attributes"]
        has_more = client["fullScopeAllowed"] or client.get("protocolMappers")
        return Seen(
            client["clientId"],
            client["name"],
            {"client-jwt": "private_key_jwt"}.get(client["clientAuthenticatorType"], "another"),
            frozenset(client["defaultClientScopes"] + client["optionalClientScopes"] + ["full scope"] * bool(has_more))
            - self.given,
            frozenset(key["kid"] for key in self.realm.keys(client["clientId"])),
            tuple(attributes.get("acmidm.contacts", "").split()),
        )

    def change(self, client_id: str, name: str, value: Any) -> None:
        if name == "scopes":
            there = self.realm.scopes(client_id) - self.given
            for scope in value - there:
                self.realm.grant(client_id, scope)
            for scope in there - value:
                self.realm.withdraw(client_id, scope)
        elif name == "keys":
            self.realm.set_keys(client_id, map(new_key, value))
        else:
            self.realm.change(client_id, name=value)


@dataclass(frozen=True)
class ProviderConsole:
    provider: RunningProvider

    def clients(self, application: str) -> list[Seen]:
        return [
            Seen(
                client_id,
                one["client_name"],
                one["token_endpoint_auth_method"],
                frozenset(one["scope"].split()) - {NO_SCOPE},
                frozenset(kids(one)),
                tuple(one["contacts"]),
            )
            for client_id, one in self.provider.clients.items()
            if one.get("client_name", "").endswith(application)
        ]

    def change(self, client_id: str, name: str, value: Any) -> None:
        self.provider.change(client_id, **_members(name, value))


def _members(name: str, value: Any) -> dict[str, Any]:
    if name == "scopes":
        return {"scope": " ".join(sorted(value))}
    return {"jwks": {"keys": _new_jwks(value)}} if name == "keys" else {name: value}


def _new_jwks(names: Iterable[str]) -> list[Any]:
    return [public_jwk(new_key(name)) for name in names]
