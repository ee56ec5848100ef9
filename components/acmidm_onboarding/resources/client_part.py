"""What the resources share that live inside a client, and go with it: its scopes and its keys."""

from __future__ import annotations

from acmidm_onboarding.authorities.port import ClientParts
from acmidm_onboarding.resources import ownership
from acmidm_onboarding.resources.base import AuthorityProvider, Properties


class ClientPartProvider(AuthorityProvider):
    """The base of what lives inside a client."""

    replaced_by = ("client_id", "platform")

    def made_with(self, props: Properties) -> ClientParts | None:
        """Return what this run has made the client with; None where it has not.

        Raises:
            Rejected: where the client is another connection's.
        """
        platform, client_id = self.on(props), props["client_id"]
        if client_id not in platform.made:
            client = platform.authority.read(client_id)
            ownership.require_own(client.metadata.owner if client else None, props)
        return platform.made.get(client_id)

    def remove(self, id_: str, props: Properties) -> None:
        """Remove nothing, but read what the client's removal needs: where that fails, the state
        keeps this as well as the client."""
        platform = self.on(props)
        platform.clients.get(id_, as_listed=True)
        for product in platform.products:
            platform.configurations(product).get(id_, as_listed=True)
