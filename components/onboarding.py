"""One onboarding: the connections of one application of an organisation in one environment, as one component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_random

from components.model.connection import Connection
from components.model.jwk import PublicJwk
from components.resources.base import AuthorityResource
from components.resources.client_jwks import ClientJwks
from components.resources.client_scopes import ClientScopes
from components.resources.oauth_client import OAuthClient
from components.resources.product_configuration import ProductConfiguration

_SECRET_LENGTH = 48


class Onboarding(pulumi.ComponentResource):
    """Declares, per platform, a client with its scopes, keys and products.

    ``connections`` are those of one application, one per platform: their key names the component, and the names before it by
    ``formerly`` are its aliases. With ``protect`` the engine refuses to remove or replace what it declares until that is taken
    away, or the form names it as ending.
    """

    connections: dict[str, dict[str, Any]]
    """Per platform what people want to know of the client: its ID, scopes, keys and products."""
    client_secrets: dict[str, pulumi.Output[str]]
    """Per platform that of a client which authenticates with one."""
    parts: list[AuthorityResource]
    """The resources that are declared at authorities."""

    def __init__(self, connections: Sequence[Connection], *, protect: bool = False, opts: pulumi.ResourceOptions | None = None) -> None:
        first = connections[0]
        # The component's only input: no authority knows of exemptions, and so a preview shows a change of one.
        inputs = {"exemptions": dict(first.exemptions)} if first.exemptions else None
        former = pulumi.ResourceOptions(aliases=_aliases(first, first.key))
        super().__init__("acmidm:index:Onboarding", first.key, inputs, pulumi.ResourceOptions.merge(former, opts))
        self.parts, self.client_secrets = [], {}
        self.connections = {connection.platform.value: self._declare(connection, protect) for connection in connections}
        self.register_outputs({})

    def _declare(self, connection: Connection, protect: bool) -> dict[str, Any]:
        secret = self._secret(connection) if connection.uses_secret else None
        protected = protect and not connection.is_ending()
        # The engine renames parts with their component in the run that renames it; one that fails in that run needs its own aliases.
        aliases = _aliases(connection, connection.resource_name)
        client = OAuthClient(connection, secret, pulumi.ResourceOptions(parent=self, protect=protected, aliases=aliases))
        # The id stays known while a preview updates the client; the output of the same value does not.
        client_id = client.id
        inside = pulumi.ResourceOptions(parent=self, protect=protected, aliases=aliases)
        self.parts += [client, ClientScopes(connection, client_id, inside), ClientJwks(connection, client_id, inside)]
        for product in connection.products:
            protected = protect and not connection.is_ending(product)
            aliases = _aliases(connection, f"{connection.resource_name}/{product}")
            beside = pulumi.ResourceOptions(parent=self, protect=protected, aliases=aliases)
            self.parts.append(ProductConfiguration(connection, product, client_id, beside))
        return {
            "organisation": connection.organisation.name,
            "organisation_code": connection.organisation.code,
            "application": connection.application,
            "client_id": client_id,
            "scopes": sorted(connection.scopes),
            "keys": None if connection.keys is None else {kid: _shown(key) for kid, key in connection.keys.items()},
            "products": sorted(connection.products),
        }

    def _secret(self, connection: Connection) -> pulumi.Output[str]:
        """The client secret: made here and encrypted in the state. Its name begins with the component's, so that it has its aliases."""
        password = pulumi_random.RandomPassword(
            connection.resource_name,
            length=_SECRET_LENGTH,
            special=False,
            opts=pulumi.ResourceOptions(
                parent=self, aliases=_aliases(connection, connection.resource_name), additional_secret_outputs=["result"]
            ),
        )
        secret = self.client_secrets[connection.platform.value] = pulumi.Output.secret(password.result)
        return secret


def _aliases(connection: Connection, name: str) -> list[pulumi.Input[str | pulumi.Alias]]:
    """The names before ``name``, which begins with the connection's key."""
    return [pulumi.Alias(name=former + name.removeprefix(connection.key)) for former in connection.formerly]


def _shown(key: PublicJwk) -> dict[str, str | None]:
    return {"thumbprint": key.thumbprint, "expires": key.expires.isoformat() if key.expires else None}
