"""The whole set of scopes of one client, a map keyed by scope.

Identity: the client. A scope granted by hand is drift and shows as a line; scopes that an API's provider assigns by
itself (the catalogue marks them) are none. Replaced with the client, and goes with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from acmidm_onboarding.authorities.port import ClientSnapshot
from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.resources import adoption
from acmidm_onboarding.resources.base import AuthorityResource, ClientPartProvider, Properties, gone, inputs_of, managed_by, present

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform

NOT_DECLARED = "granted outside this project"


class ClientScopesProvider(ClientPartProvider):
    def before(self, platform: ConnectedPlatform, snapshot: ClientSnapshot, inputs: Properties) -> Properties:
        return {"scopes": dict.fromkeys(_granted(platform, snapshot, inputs), NOT_DECLARED)}

    def create(self, props: Properties) -> CreateResult:
        platform, client_id, seen = self.on(props), props["client_id"], adoption.before(props)
        platform.authority.replace_scopes(client_id, None if seen is None else frozenset(seen["scopes"]), frozenset(props["scopes"]))
        platform.clients.forget(client_id)
        return CreateResult(client_id, inputs_of(props))

    def read(self, id_: str, props: Properties) -> ReadResult:
        platform = self.on(props)
        snapshot = platform.clients.get(id_)
        if snapshot is None:
            return gone()
        scopes = {scope: props["scopes"].get(scope, NOT_DECLARED) for scope in _granted(platform, snapshot, props)}
        return present(id_, {**inputs_of(props), "scopes": scopes})

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        platform = self.on(news)
        platform.authority.replace_scopes(id_, frozenset(olds["scopes"]), frozenset(news["scopes"]))
        platform.clients.forget(id_)
        return UpdateResult(inputs_of(news))


class ClientScopes(AuthorityResource, module="acmidm", name="ClientScopes"):
    """The scopes of a client; see the module's docstring."""

    def __init__(self, connection: Connection, client_id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> None:
        props = {
            "platform": connection.platform.value,
            "client_id": client_id,
            "adopt": adoption.wanted(connection, managed_by()),
            "scopes": dict(connection.scopes),
        }
        super().__init__(ClientScopesProvider(), connection.resource_name, props, opts)


def _granted(platform: ConnectedPlatform, snapshot: ClientSnapshot, props: Properties) -> list[str]:
    """The scopes that are ours to look at: not those that a provider assigned by itself and nobody declares."""
    return sorted(snapshot.scopes - (platform.assigned - props["scopes"].keys()))
