"""The configuration of one product for one client: Notificaties, DOSIS, …

Identity: the product and the client. It is in the product's API, and bears its owner there as the
client does at its authority (``ownership.py``). Create overwrites nothing that bears another key or
stack, but for what an adoption has shown; delete removes nothing that bears another incarnation,
and takes the marks off what its form keeps. It goes by itself, before its client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult

from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.engine_resources import INCARNATION, KEEP, OTHER
from acmidm_onboarding.resources import adoption, letting_go, ownership
from acmidm_onboarding.resources.base import (
    AuthorityProvider,
    AuthorityResource,
    Properties,
    gone,
    inputs_of,
    managed_by,
    protected,
)
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.metadata import Owner, ProductDocument

if TYPE_CHECKING:
    from acmidm_onboarding.authorities.connected import ConnectedPlatform


class ProductConfigurationProvider(AuthorityProvider):
    replaced_by = ("product", "client_id", "platform")

    def inputs_at_take_over(
        self, platform: ConnectedPlatform, client: RegisteredClient, inputs: Properties
    ) -> Properties:
        current = platform.configurations(inputs["product"]).get(client.client_id)
        return {} if current is None else {"configuration": dict(current.configuration)}

    def make(self, props: Properties) -> CreateResult:
        """Write the configuration, and return the resource ``<product>/<client-ID>``."""
        outputs = ownership.with_incarnation(inputs_of(props))
        self._put(outputs, self._overwritable(props))
        return CreateResult(f"{props['product']}/{props['client_id']}", outputs)

    def _overwritable(self, props: Properties) -> ProductDocument | None:
        """Return the configuration that a create may overwrite though it does not bear this key: as
        an adoption's preview showed it, or one that bears an earlier key; None where there is
        none."""
        seen = adoption.before(props) or {}
        if not seen and not props.get(ownership.FORMERLY):
            return None
        current = self.on(props).product_api.read(props["product"], props["client_id"])
        if current is None:
            return None
        if "configuration" not in seen:
            return current if ownership.is_this_connection(current.owner, props) else None
        # Of another stack's configuration the marks are not expected: so the write is refused.
        may_have = current.owner.is_nobody or current.owner.managed_by == props["managed_by"]
        owner = current.owner if may_have else Owner()
        return ProductDocument(seen["configuration"], owner)

    def look(self, id_: str, props: Properties) -> ReadResult:
        """Return the configuration as the product API has it, and marks that are not this
        resource's, as a difference; ``gone()`` where there is none."""
        platform = self.on(props)
        current = platform.configurations(props["product"]).get(props["client_id"])
        if current is None:
            return gone()
        inputs = inputs_of(props)
        for mark in (INCARNATION, OTHER):
            inputs.pop(mark, None)
        owner = current.owner if platform.marks_products else ownership.owner_of(props)
        inputs |= ownership.compared(props, owner)
        inputs["configuration"] = dict(current.configuration)
        return ReadResult(id_, {**inputs, **ownership.outputs(props)}, inputs)

    def change(self, _id: str, olds: Properties, news: Properties) -> dict[str, Any]:
        """Write the configuration of ``news`` over the recorded one, under the same incarnation."""
        outputs = ownership.with_incarnation(inputs_of(news), olds)
        known = ProductDocument(inputs_of(olds)["configuration"], ownership.known_owner(olds))
        self._put(outputs, known)
        return outputs

    def remove(self, id_: str, props: Properties) -> None:
        """Remove the configuration, or take its marks off where the form keeps it. One that another
        resource has by now stays, with a warning. Raises Rejected for one that is protected, or
        whose replacement could not be made."""
        platform, product, client_id = self.on(props), props["product"], props["client_id"]
        what = f"the {product} configuration of client {client_id}"
        marks = ownership.owner_of(props)
        if not self._run.may_remove(what, id_, props):
            ownership.warn_of_other_owner(what)
            return
        # The configuration of a client that somebody removed is of use to nobody.
        if self.protects(props) and platform.clients.get(client_id) is not None:
            current = platform.product_api.read(product, client_id)
            if current is not None and current.owner.is_resource_of(marks):
                raise protected(what)
        if props.get(KEEP):
            if not letting_go.product(platform, product, client_id, marks):
                ownership.warn_of_other_owner(what)
            platform.configurations(product).forget(client_id)
        elif platform.product_api.delete(product, client_id, marks):
            platform.configurations(product).note_removed(client_id)
        else:
            ownership.warn_of_other_owner(what)

    def _put(self, props: Properties, known: ProductDocument | None) -> None:
        """Write the configuration and marks of ``props``. Raises ChangedMeanwhile where the product
        API has neither these nor ``known``."""
        platform = self.on(props)
        wanted = ProductDocument(props["configuration"], ownership.owner_of(props))
        platform.product_api.put(props["product"], props["client_id"], known, wanted)
        platform.configurations(props["product"]).forget(props["client_id"])


class ProductConfiguration(AuthorityResource, module="acmidm", name="ProductConfiguration"):
    """A product's configuration for a client; see the module's docstring."""

    def __init__(
        self,
        connection: Declaration,
        product: str,
        client_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props: dict[str, Any] = {
            "platform": connection.platform.value,
            "product": product,
            "client_id": client_id,
            "software_id": connection.software_id,
            "managed_by": managed_by(),
            ownership.FORMERLY: ownership.former_keys(connection),
            "adopt": adoption.wanted(connection, managed_by()),
            "configuration": dict(connection.products[product].configuration),
            KEEP: connection.lets_go(product),
        }
        super().__init__(
            ProductConfigurationProvider(), f"{connection.resource_name}/{product}", props, opts
        )
