"""Puts clients together from the resources of a plan: each client is four kinds of resource, and a plan shows those that change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from acmidm.report.compare import Place
from acmidm.report.state import ClientState, Key, details_of, key_of
from components.model.form import Environment, Platform

COMPONENT = "Onboarding"
Resource = Mapping[str, Any]


@dataclass
class _Parts:
    """The resources of one client that a plan shows; None for one that is not there."""

    shown: dict[str, Resource | None] = field(default_factory=dict)


class Assembly:
    """Collects resources, then gives the clients they make. ``outputs`` are the stack's: the base for what a plan does not show."""

    def __init__(self, environment: Environment, outputs: Mapping[str, Any]) -> None:
        self._environment = environment
        self._base = dict(_states_of(outputs, environment))
        self._clients: dict[Place, _Parts] = {}

    def take(self, kind: str, resource: Resource | None, *, of: Resource | None = None) -> None:
        """Takes one resource; ``of`` tells which one it is where ``resource`` says that it is not there."""
        known = resource or of
        if known:
            inputs = known.get("inputs") or {}
            part = f"{kind}/{inputs.get('product', '')}"
            self._clients.setdefault(self.place(known), _Parts()).shown[part] = resource

    def fill_from(self, other: Assembly) -> None:
        """Where this does not show a resource, it is as ``other`` has it."""
        for place, parts in other._clients.items():
            mine = self._clients.setdefault(place, _Parts()).shown
            for part, resource in parts.shown.items():
                mine.setdefault(part, resource)

    def states(self) -> dict[Place, ClientState]:
        """The clients that the plan shows something of, and that exist."""
        found = ((place, self._state(place, parts)) for place, parts in self._clients.items())
        return {place: state for place, state in found if state}

    def resources(self, place: Place) -> Mapping[str, Resource]:
        """The resources of a client that are there, by ``kind/product``."""
        return {part: resource for part, resource in self._clients[place].shown.items() if resource}

    def outputs(self) -> Mapping[Place, ClientState]:
        """The clients in the stack's outputs."""
        return self._base

    @staticmethod
    def place_of_password(resource: Resource, environment: Environment) -> Place:
        """The client that a password belongs to: its name is the client's natural key, which starts with the platform."""
        form = _name(str(resource.get("parent", "")))
        platform = _name(str(resource.get("urn", ""))).partition("/")[0]
        return (form, Platform(platform) if platform in list(Platform) else Platform.ACMIDM, environment)

    def place(self, resource: Resource) -> Place:
        """The client that a resource is of: the form is its parent, the platform one of its inputs. What a form says of all its
        clients, in the component's own inputs, is told at ACM/IDM's."""
        if str(resource.get("type", "")).endswith(f":{COMPONENT}"):
            return (_name(str(resource.get("urn", ""))), Platform.ACMIDM, self._environment)
        platform = (resource.get("inputs") or {}).get("platform")
        return (_name(str(resource.get("parent", ""))), Platform(platform or Platform.ACMIDM), self._environment)

    def _state(self, place: Place, parts: _Parts) -> ClientState | None:
        if "OAuthClient/" in parts.shown and parts.shown["OAuthClient/"] is None:
            return None
        if parts.shown.keys() == {f"{COMPONENT}/"} and place not in self._base:
            return None  # a preview that failed before it came to the client
        # A client that is new and shows no keys has none that are declared.
        new_without_keys = "OAuthClient/" in parts.shown and "ClientJwks/" not in parts.shown
        state = self._base.get(place) or ClientState(*place, keys_in_portal=new_without_keys)
        for part, resource in parts.shown.items():
            kind, _, product = part.partition("/")
            inputs = (resource or {}).get("inputs") or {}
            if kind == COMPONENT:
                state = replace(state, exemptions=dict(inputs.get("exemptions") or {}))
            elif kind == "OAuthClient" and resource:
                state = _with_client(state, resource)
            elif kind == "ClientScopes":
                state = replace(state, scopes=dict(inputs.get("scopes") or {}))
            elif kind == "ClientJwks":
                keys = {kid: key_of(members) for kid, members in (inputs.get("jwks") or {}).items()} if resource else None
                state = replace(state, keys=keys, keys_in_portal=resource is None)
            elif kind == "ProductConfiguration":
                others = {name: known for name, known in state.products.items() if name != product}
                state = replace(state, products={**others, product: dict(inputs.get("configuration") or {})} if resource else others)
        return state


def _with_client(state: ClientState, resource: Resource) -> ClientState:
    inputs = resource.get("inputs") or {}
    adopt = inputs.get("adopt")
    return replace(
        state,
        organisation=str(inputs.get("organisation_name", "")),
        organisation_code=str(inputs.get("ovo_code") or inputs.get("kbo_number") or ""),
        application=str(inputs.get("application", "")),
        software_id=inputs.get("software_id"),
        client_id=resource.get("id") or state.client_id,
        adopts=str(adopt["client_id"]) if isinstance(adopt, Mapping) else None,
        auth_method=inputs.get("token_endpoint_auth_method"),
        has_secret=inputs.get("client_secret") is not None,
        enabled=inputs.get("enabled") is not False,
        protected=bool(resource.get("protect")),
        details=details_of(inputs),
    )


def _states_of(outputs: Mapping[str, Any], environment: Environment) -> Iterator[tuple[Place, ClientState]]:
    """The clients in the stack's outputs: names and thumbprints, without reasons and configurations."""
    for form, platforms in (outputs.get("connections") or {}).items():
        for platform, known in platforms.items():
            keys = known.get("keys")
            place = (form, Platform(platform), environment)
            yield (
                place,
                ClientState(
                    *place,
                    organisation=known.get("organisation", ""),
                    organisation_code=known.get("organisation_code", ""),
                    application=known.get("application", ""),
                    client_id=known.get("client_id"),
                    auth_method=known.get("token_endpoint_auth_method"),
                    scopes=dict.fromkeys(known.get("scopes") or ()),
                    keys={kid: _listed_key(key) for kid, key in keys.items()} if isinstance(keys, Mapping) else None,
                    keys_in_portal=isinstance(keys, str),
                    products=dict.fromkeys(known.get("products") or ()),
                ),
            )


def _listed_key(known: Mapping[str, Any]) -> Key:
    expires = known.get("expires")
    return Key(known.get("thumbprint"), datetime.fromisoformat(expires) if expires else None)


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
