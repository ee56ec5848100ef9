"""The clients that the authorities of an environment list: each with its scopes, keys and product
configurations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acmidm.report.undeclared import clients_of
from acmidm_onboarding.authorities.connected import Connected
from acmidm_onboarding.authorities.port import ClientSnapshot, Reserved
from acmidm_onboarding.values.metadata import ClientMetadata, ProductDocument
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform


@dataclass(frozen=True)
class ListedClient:
    """One client as its authority has it."""

    environment: Environment
    platform: Platform
    snapshot: ClientSnapshot
    configurations: Mapping[str, ProductDocument]
    """Per product."""
    reserved: Reserved | None = None
    """Why no form may have it."""

    @property
    def client_id(self) -> str:
        return self.snapshot.client.client_id

    @property
    def metadata(self) -> ClientMetadata:
        return self.snapshot.client.metadata

    def __str__(self) -> str:
        return (
            f'client {self.client_id} ("{self.metadata.client_name}",'
            f" {self.metadata.organisation.name}) on {self.environment}"
        )


@dataclass(frozen=True)
class Register:
    """All clients of one stack."""

    stack: str
    environment: Environment
    clients: tuple[ListedClient, ...]

    def find(self, client_id: str) -> ListedClient | None:
        """Find a client by its client-ID, in either case, as people copy a UUID."""
        return next(
            (client for client in self.clients if client.client_id.lower() == client_id.lower()),
            None,
        )


def read_register(stack: str, environment: Environment, platforms: Connected) -> Register:
    """List everything, page by page.

    Raises:
        AuthorityError Failure: where an authority lists no clients, so that none of a spreadsheet's
        could be found.
    """
    if silent := [
        platform for platform, connected in platforms.items() if not connected.can.lists_clients
    ]:
        raise Failure(
            f"stack {stack} cannot be imported from: the authority of {silent[0]} lists no"
            " clients; name the client-ID under adopt in each form"
        )
    configurations = {
        platform: {
            product: dict(connected.product_api.configurations(product))
            for product in connected.products
        }
        for platform, connected in platforms.items()
    }
    clients = [
        ListedClient(
            environment,
            platform,
            snapshot,
            {
                product: by_client[snapshot.client.client_id]
                for product, by_client in configurations[platform].items()
                if snapshot.client.client_id in by_client
            },
            reserved,
        )
        for platform, snapshot, reserved in clients_of(platforms)
    ]
    return Register(stack, environment, tuple(clients))
