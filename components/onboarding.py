"""One onboarding: the connections of one form in one environment, as one component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_random

from components.model.connection import Connection
from components.model.form import Platform
from components.resources.client_jwks import ClientJwks
from components.resources.client_scopes import ClientScopes
from components.resources.oauth_client import OAuthClient
from components.resources.product_configuration import ProductConfiguration

_SECRET_LENGTH = 48


class Onboarding(pulumi.ComponentResource):
    """Declares, per platform, a client with its scopes, keys and products.

    ``connections`` are those of one form, one per platform. With ``protect`` the engine refuses to remove or replace the
    clients until it is taken away, or a form says that a platform is ending. Output: ``connections``, per platform the
    client-ID, scopes, keys and products.
    """

    connections: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        resource_name: str,
        connections: Sequence[Connection],
        *,
        protect: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("acmidm:index:Onboarding", resource_name, None, opts)
        declared = {connection.platform.value: self._declare(resource_name, connection, protect) for connection in connections}
        self.connections = pulumi.Output.from_input(declared)
        self.register_outputs({"connections": self.connections})

    def _declare(self, resource_name: str, connection: Connection, protect: bool) -> dict[str, Any]:
        name = resource_name if connection.platform is Platform.ACMIDM else f"{resource_name}/{connection.platform}"
        client = OAuthClient(
            name,
            connection,
            client_secret=self._secret(name) if connection.uses_secret else None,
            opts=pulumi.ResourceOptions(parent=self, protect=protect and not connection.ending),
        )
        # The id stays known while a preview updates the client; the output of the same value does not.
        client_id = client.id
        inside = pulumi.ResourceOptions(parent=self, deleted_with=client)
        ClientScopes(name, connection, client_id, inside)
        ClientJwks(name, connection, client_id, inside)
        for product in connection.products:
            ProductConfiguration(
                f"{name}/{product}",
                connection,
                product,
                client_id=client_id,
                client_resource_name=name,
                opts=pulumi.ResourceOptions(parent=self),
            )
        return {
            "organisation": connection.organisation.name,
            "organisation_code": connection.organisation.code,
            "application": connection.application,
            "client_id": client_id,
            "token_endpoint_auth_method": connection.token_endpoint_auth_method.value,
            "scopes": sorted(connection.scopes),
            "keys": {
                kid: {"thumbprint": key.thumbprint, "expires": key.expires.isoformat() if key.expires else None}
                for kid, key in connection.keys.items()
            },
            "products": sorted(connection.products),
        }

    def _secret(self, name: str) -> pulumi.Output[str]:
        """The client secret: made here, encrypted in the state, handed over with ``pulumi stack output --show-secrets``."""
        password = pulumi_random.RandomPassword(
            name, length=_SECRET_LENGTH, special=False, opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["result"])
        )
        return pulumi.Output.secret(password.result)
