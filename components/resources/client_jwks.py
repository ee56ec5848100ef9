"""The whole JWK Set of one client, a map keyed by ``kid``.

Identity: the client. A key that someone slipped in is drift and shows by its ``kid``. Replaced with the client. Delete leaves
the keys: they go with their client, and where that stays, its organisation manages them in the portal from then on.
"""

from __future__ import annotations

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from components.authorities.connected import ConnectedPlatform
from components.authorities.port import ClientSnapshot
from components.model.connection import Connection
from components.resources.adoption import asked, is_adopted
from components.resources.base import AuthorityProvider, AuthorityResource, Properties, gone, inputs_of, managed_by, present


class ClientJwksProvider(AuthorityProvider):
    identity = ("client_id", "platform")

    def compared(self, platform: ConnectedPlatform, snapshot: ClientSnapshot, inputs: Properties) -> tuple[Properties, Properties]:  # noqa: ARG002
        return snapshot.jwks, inputs["jwks"]

    def create(self, props: Properties) -> CreateResult:
        platform, inputs, client_id = self.on(props), inputs_of(props), props["client_id"]
        seen = platform.clients.get(client_id) if is_adopted(props) else None
        platform.authority.replace_jwks(client_id, seen.jwks if seen else None, inputs["jwks"])
        platform.clients.forget(client_id)
        return CreateResult(client_id, inputs)

    def read(self, id_: str, props: Properties) -> ReadResult:
        snapshot = self.on(props).clients.get(id_)
        if snapshot is None:
            return gone()
        return present(id_, {**inputs_of(props), "jwks": {kid: dict(key) for kid, key in sorted(snapshot.jwks.items())}})

    def update(self, id_: str, olds: Properties, news: Properties) -> UpdateResult:
        platform, inputs = self.on(news), inputs_of(news)
        platform.authority.replace_jwks(id_, inputs_of(olds)["jwks"], inputs["jwks"])
        platform.clients.forget(id_)
        return UpdateResult(inputs)


class ClientJwks(AuthorityResource, module="acmidm", name="ClientJwks"):
    """The keys of a client; see the module's docstring."""

    def __init__(
        self, resource_name: str, connection: Connection, client_id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        jwks = {kid: dict(key.members) for kid, key in connection.keys.items()}
        props = {
            "platform": connection.platform.value,
            "client_id": client_id,
            "adopt": asked(connection, managed_by(resource_name)),
            "jwks": jwks,
        }
        # A preview says so by it; the provider, which has no delete, does so.
        kept = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
        super().__init__(ClientJwksProvider(), resource_name, props, kept)
