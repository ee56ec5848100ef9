"""The configuration of one product for one client: Notificaties, DOSIS, Mijn Burgerprofiel, …

Identity: the product and the client. It is in the product's API, and bears its owner there as the client does at its authority: the
natural key and the stack. Create overwrites nothing that bears neither, but for what an adoption has shown; delete
removes nothing that bears another owner's. It is removed by itself, before its client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, UpdateResult

from acmidm_onboarding.authorities.port import ClientSnapshot, Owner, ProductDocument
from acmidm_onboarding.model.connection import Connection
from acmidm_onboarding.resources import adoption
from acmidm_onboarding.resources.base import (
    AuthorityProvider,
    AuthorityResource,
    Properties,
    gone,
    inputs_of,
    managed_by,
    owner_of,
    present,
)

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform

_OF_OWNER = ("software_id", "managed_by")


class ProductConfigurationProvider(AuthorityProvider):
    replaced_by = ("product", "client_id", "platform")

    def before(self, platform: ConnectedPlatform, snapshot: ClientSnapshot, inputs: Properties) -> Properties:
        found = platform.configurations(inputs["product"]).get(snapshot.client.client_id)
        return {} if found is None else {"configuration": dict(found.configuration)}

    def create(self, props: Properties) -> CreateResult:
        seen = adoption.before(props) or {}
        self._put(props, ProductDocument(seen["configuration"], Owner()) if "configuration" in seen else None)
        return CreateResult(f"{props['product']}/{props['client_id']}", inputs_of(props))

    def read(self, id_: str, props: Properties) -> ReadResult:
        found = self.on(props).configurations(props["product"]).get(props["client_id"])
        if found is None:
            return gone()
        inputs = {name: value for name, value in inputs_of(props).items() if name not in _OF_OWNER}
        owner = {name: value for name in _OF_OWNER if (value := getattr(found.owner, name)) is not None}
        return present(id_, {**inputs, **owner, "configuration": dict(found.configuration)})

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        self._put(news, _document(olds))
        return UpdateResult(inputs_of(news))

    def delete(self, _id: str, props: Properties) -> None:
        platform = self.on(props)
        platform.product_api.delete(props["product"], props["client_id"], owner_of(props))
        platform.configurations(props["product"]).forget(props["client_id"])

    def _put(self, props: Properties, known: ProductDocument | None) -> None:
        platform = self.on(props)
        platform.product_api.put(props["product"], props["client_id"], known, _document(props))
        platform.configurations(props["product"]).forget(props["client_id"])


class ProductConfiguration(AuthorityResource, module="acmidm", name="ProductConfiguration"):
    """A product's configuration for a client; see the module's docstring."""

    def __init__(
        self, connection: Connection, product: str, client_id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props: dict[str, Any] = {
            "platform": connection.platform.value,
            "product": product,
            "client_id": client_id,
            "software_id": connection.software_id,
            "managed_by": managed_by(),
            "adopt": adoption.wanted(connection, managed_by()),
            "configuration": dict(connection.products[product]),
        }
        super().__init__(ProductConfigurationProvider(), f"{connection.resource_name}/{product}", props, opts)


def _document(props: Properties) -> ProductDocument:
    return ProductDocument(inputs_of(props)["configuration"], owner_of(props))
