"""One onboarding: the connections of one form in one environment, as one component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_random

from components.model.connection import Connection
from components.model.form import Platform
from components.resources.base import AuthorityResource
from components.resources.client_jwks import ClientJwks
from components.resources.client_scopes import ClientScopes
from components.resources.oauth_client import OAuthClient
from components.resources.product_configuration import ProductConfiguration

_SECRET_LENGTH = 48
MANAGED_IN_PORTAL = "managed in the portal"


class Onboarding(pulumi.ComponentResource):
    """Declares, per platform, a client with its scopes, keys and products.

    ``connections`` are those of one form, one per platform. With ``protect`` the engine refuses to remove or replace the
    clients until it is taken away, or a form says that a platform is ending. Outputs: ``connections``, per platform the
    client-ID, scopes, keys and products; and ``client_secrets``, per platform that of a client which authenticates with one.
    """

    connections: pulumi.Output[dict[str, Any]]
    client_secrets: pulumi.Output[dict[str, str]]
    """Apart from ``connections``: one secret makes all of the output that it is in secret."""
    parts: list[AuthorityResource]
    """The resources that are declared at authorities."""

    def __init__(
        self,
        resource_name: str,
        connections: Sequence[Connection],
        *,
        protect: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        # The component's only input: no authority knows of exemptions, and so a preview shows a change of one.
        exemptions = {policy: note for connection in connections for policy, note in connection.exemptions.items()}
        super().__init__("acmidm:index:Onboarding", resource_name, {"exemptions": exemptions} if exemptions else None, opts)
        self.parts = []
        secrets: dict[str, Any] = {
            connection.platform.value: self._secret(connection) for connection in connections if connection.uses_secret
        }
        declared = {connection.platform.value: self._declare(resource_name, connection, protect, secrets) for connection in connections}
        self.connections = pulumi.Output.from_input(declared)
        self.client_secrets = pulumi.Output.secret(secrets)
        self.register_outputs({"connections": self.connections} | ({"client_secrets": self.client_secrets} if secrets else {}))

    def _declare(
        self, resource_name: str, connection: Connection, protect: bool, secrets: Mapping[str, pulumi.Output[str]]
    ) -> dict[str, Any]:
        name = resource_name if connection.platform is Platform.ACMIDM else f"{resource_name}/{connection.platform}"
        protected = protect and not connection.ending
        client = OAuthClient(
            name,
            connection,
            client_secret=secrets.get(connection.platform.value),
            opts=pulumi.ResourceOptions(parent=self, protect=protected),
        )
        # The id stays known while a preview updates the client; the output of the same value does not.
        client_id = client.id
        inside = pulumi.ResourceOptions(parent=self, deleted_with=client)
        self.parts += [client, ClientScopes(name, connection, client_id, inside)]
        if not connection.keys_managed_in_portal:
            self.parts.append(ClientJwks(name, connection, client_id, inside))
        self.parts += [
            ProductConfiguration(
                f"{name}/{product}",
                connection,
                product,
                client_id=client_id,
                client_resource_name=name,
                opts=inside,
            )
            for product in connection.products
        ]
        return {
            "organisation": connection.organisation.name,
            "organisation_code": connection.organisation.code,
            "application": connection.application,
            "client_id": client_id,
            "protected": protected,
            "token_endpoint_auth_method": connection.token_endpoint_auth_method.value,
            "scopes": sorted(connection.scopes),
            "keys": _keys(connection),
            "products": sorted(connection.products),
        }

    def _secret(self, connection: Connection) -> pulumi.Output[str]:
        """The client secret: made here and encrypted in the state. Named by the natural key, it outlives a renamed form."""
        password = pulumi_random.RandomPassword(
            connection.software_id,
            length=_SECRET_LENGTH,
            special=False,
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["result"]),
        )
        return pulumi.Output.secret(password.result)


def _keys(connection: Connection) -> dict[str, dict[str, str | None]] | str:
    """The declared keys as an output tells of them, or that the portal has them."""
    if connection.keys_managed_in_portal:
        return MANAGED_IN_PORTAL
    return {
        kid: {"thumbprint": key.thumbprint, "expires": key.expires.isoformat() if key.expires else None}
        for kid, key in connection.keys.items()
    }
