"""What one product was told about one client: Notificaties, DOSIS, Mijn Burgerprofiel, …

Identity: the product and the client. It lives in the product's API, so that delete removes it there; but only while the
client is still managed by the same form: after a rename the resource under the new name has it. Where the client itself is
removed, delete is skipped and the client's removes it: the engine deletes what depends on a client first, and would have
removed the configuration by the time that it finds the client protected.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from components.authorities.connected import ConnectedPlatform
from components.authorities.port import ClientSnapshot
from components.model.connection import Connection
from components.resources.adoption import asked
from components.resources.base import AuthorityProvider, AuthorityResource, Properties, gone, inputs_of, managed_by, present


class ProductConfigurationProvider(AuthorityProvider):
    identity = ("product", "client_id", "platform")

    def compared(self, platform: ConnectedPlatform, snapshot: ClientSnapshot, inputs: Properties) -> tuple[Properties, Properties]:
        return platform.configurations(inputs["product"]).get(snapshot.client.client_id) or {}, inputs["configuration"]

    def create(self, props: Properties) -> CreateResult:
        inputs = inputs_of(props)
        self.on(props).product_api.put(inputs["product"], inputs["client_id"], None, inputs["configuration"])
        return CreateResult(f"{inputs['product']}/{inputs['client_id']}", inputs)

    def read(self, id_: str, props: Properties) -> ReadResult:
        configuration = self.on(props).configurations(props["product"]).get(props["client_id"])
        return gone() if configuration is None else present(id_, {**inputs_of(props), "configuration": dict(configuration)})

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        platform, inputs = self.on(news), inputs_of(news)
        platform.product_api.put(inputs["product"], inputs["client_id"], inputs_of(olds)["configuration"], inputs["configuration"])
        platform.configurations(inputs["product"]).forget(inputs["client_id"])
        return UpdateResult(inputs)

    def delete(self, _id: str, props: Properties) -> None:
        platform = self.on(props)
        client = platform.authority.read(props["client_id"])
        if client is None or client.metadata.managed_by == props["managed_by"]:
            platform.product_api.delete(props["product"], props["client_id"])
        platform.configurations(props["product"]).forget(props["client_id"])


class ProductConfiguration(AuthorityResource, module="acmidm", name="ProductConfiguration"):
    """A product's configuration for a client; see the module's docstring."""

    def __init__(
        self,
        resource_name: str,
        connection: Connection,
        product: str,
        *,
        client_id: pulumi.Input[str],
        client_resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props: dict[str, Any] = {
            "platform": connection.platform.value,
            "product": product,
            "client_id": client_id,
            "adopt": asked(connection, managed_by(client_resource_name)),
            "managed_by": managed_by(client_resource_name),
            "configuration": dict(connection.products[product]),
        }
        super().__init__(ProductConfigurationProvider(), resource_name, props, opts)
