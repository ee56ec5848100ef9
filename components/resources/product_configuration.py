"""What one product was told about one client: Notificaties, DOSIS, Mijn Burgerprofiel, …

Identity: the product and the client. It lives in the product's API, so that delete removes it there; but only while the
client is still managed by the same form: after a rename the resource under the new name has it. Where the client itself is
removed, delete is skipped and the client's removes it: the engine deletes what depends on a client first, and would have
removed the configuration by the time that it finds the client protected.

A product is added to a client that may be years old, and somebody may have configured it by hand. The preview says *create*, so
create overwrites nothing that is neither absent nor as declared: but for what an adoption has compared, what the client had
under another name of its form, and what a run that did not end well may have left.
"""

from __future__ import annotations

import os
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from components.authorities.connected import ConnectedPlatform
from components.authorities.errors import ChangedMeanwhile
from components.authorities.port import ClientSnapshot, Configuration
from components.model.connection import Connection
from components.resources.adoption import asked, is_adopted
from components.resources.base import AuthorityProvider, AuthorityResource, Properties, gone, inputs_of, managed_by, present

_LAST_RUN_FAILED = "ACMIDM_LAST_RUN_FAILED"
"""Set by toolchain/apply: what is there may be of a create that was cut off, from a form that has changed since."""
_NOTHING: Configuration = {}


class ProductConfigurationProvider(AuthorityProvider):
    identity = ("product", "client_id", "platform")

    def compared(self, platform: ConnectedPlatform, snapshot: ClientSnapshot, inputs: Properties) -> tuple[Properties, Properties]:
        return platform.configurations(inputs["product"]).get(snapshot.client.client_id) or {}, inputs["configuration"]

    def create(self, props: Properties) -> CreateResult:
        platform, inputs = self.on(props), inputs_of(props)
        product, client_id = inputs["product"], inputs["client_id"]
        known = self._known(platform, inputs)
        try:
            platform.product_api.put(product, client_id, known, inputs["configuration"])
        except ChangedMeanwhile as error:
            if known != _NOTHING or error.difference is None:
                raise
            raise ChangedMeanwhile(
                f"client {client_id} has a {product} configuration already that is not this stack's: {error.difference}, "
                "and nothing was written; see whose it is, then write it into the form and change it there afterwards, "
                "or run make up once more, which puts what is declared in its place"
            ) from None
        platform.configurations(product).forget(client_id)
        return CreateResult(f"{product}/{client_id}", inputs)

    def _known(self, platform: ConnectedPlatform, inputs: Properties) -> Configuration | None:
        """What may be overwritten by a create; None where that is anything."""
        if is_adopted(inputs):
            return platform.configurations(inputs["product"]).get(inputs["client_id"]) or _NOTHING
        if inputs["client_id"] in platform.taken_over or os.environ.get(_LAST_RUN_FAILED):
            return None
        return _NOTHING

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
