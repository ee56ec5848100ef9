"""The port over what people confirmed: a write that agrees with a confirmation succeeds, and every
other is refused.

No mark is kept: the file of a client says whose it is. ``remove`` lets the state forget a client
whose removal is confirmed. A client without a file does not count as gone: somebody may have lost
the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from acmidm_onboarding.authorities.errors import PerhapsGone, Rejected
from acmidm_onboarding.authorities.port import (
    Authority,
    NewSecret,
    RegisteredClient,
    Reserved,
)
from acmidm_onboarding.forms.confirmation_files import read_confirmations
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.confirmation import Confirmation
from acmidm_onboarding.values.declaration import key_of
from acmidm_onboarding.values.jwk import members_of
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, Owner, ProductDocument, Scopes


class ByHand(Authority):
    """``Authority`` over a folder of confirmations, which also have the configurations of
    products."""

    unkept = frozenset({"software_id", "managed_by", "incarnation", "keys_declared"})

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.product_api = ConfirmedProducts(self)

    @cached_property
    def _confirmations(self) -> Mapping[str, Confirmation]:
        """By the key of each connection, ``OVO002067/mijn-gent``."""
        (confirmations,) = read_confirmations(self._folder)
        return confirmations

    def reserved(self, client_id: str) -> Reserved | None:  # noqa: ARG002 - nobody can know here
        return None

    def register(
        self,
        metadata: ClientMetadata,
        client_secret: str | None,  # noqa: ARG002
        scopes: Scopes,  # noqa: ARG002
        jwks: Jwks,  # noqa: ARG002
    ) -> RegisteredClient:
        """Return the client that people made and confirmed. Raises Rejected where nobody confirmed
        one, or with other metadata."""
        key = key_of(str(metadata.software_id))
        client = self.find(str(metadata.software_id))
        if client is None:
            raise Rejected(tr("nobody has confirmed a client of {key}: see acmidm orders", key=key))
        _require_confirmed(key, client.metadata.for_people, metadata.for_people)
        return client

    def find(self, software_id: str) -> RegisteredClient | None:
        confirmation = self._confirmations.get(key_of(software_id))
        if confirmation is None or not confirmation.is_there:
            return None
        return _registered(confirmation)

    def update(
        self,
        client_id: str,
        known: ClientMetadata | None,  # noqa: ARG002
        wanted: ClientMetadata,
        secret: NewSecret | None,
    ) -> int | None:
        """Write nothing: raise Rejected where other metadata are confirmed than ``wanted``."""
        client = self._existing(client_id)
        _require_confirmed(client_id, client.metadata.for_people, wanted.for_people)
        return client.client_secret_updated_at if secret is not None else None

    def remove(self, client_id: str, owner: Owner) -> bool:  # noqa: ARG002
        """Return True where the removal of the client is confirmed. Raises Rejected where the
        client is confirmed as being there."""
        if self.confirmation(client_id) is not None:
            raise Rejected(
                tr(
                    "client {client} is confirmed as being there, and stays in the state; have the"
                    " client removed at the portal, and confirm its removal: see acmidm orders",
                    client=client_id,
                )
            )
        return True

    def replace_scopes(
        self,
        client_id: str,
        known: Scopes | None,  # noqa: ARG002
        wanted: Scopes,
    ) -> None:
        """Write nothing: raise Rejected where other scopes are confirmed than ``wanted``."""
        _require_confirmed(client_id, self._existing(client_id).scopes, dict(wanted))

    def replace_jwks(
        self,
        client_id: str,
        known: Jwks | None,  # noqa: ARG002
        wanted: Jwks,
    ) -> None:
        """Write nothing: raise Rejected where other keys are confirmed than ``wanted``."""
        keys = {kid: dict(key) for kid, key in wanted.items()}
        _require_confirmed(client_id, self._existing(client_id).jwks, keys)

    def read(self, client_id: str) -> RegisteredClient | None:
        confirmation = self.confirmation(client_id)
        return _registered(confirmation) if confirmation else None

    def clients(self) -> Iterator[RegisteredClient]:
        for confirmation in self._confirmations.values():
            if confirmation.is_there:
                yield _registered(confirmation)

    def confirmation(self, client_id: str) -> Confirmation | None:
        """Return the confirmation of a client; None where its removal is confirmed. Raises
        PerhapsGone where no file has its client-ID."""
        all_files = self._confirmations.values()
        of_client = [each for each in all_files if each.content.client_id == client_id]
        if not of_client:
            raise PerhapsGone(
                tr(
                    "what was confirmed of client {client} is not in {folder} any more: put the"
                    " file back from Git",
                    client=client_id,
                    folder=self._folder,
                )
            )
        for confirmation in of_client:
            if confirmation.is_there:
                return confirmation
        return None

    def _existing(self, client_id: str) -> RegisteredClient:
        """Return a client that is confirmed to be there. Raises Rejected where its removal is
        confirmed, and PerhapsGone where no file has its client-ID."""
        client = self.read(client_id)
        if client is None:
            raise Rejected(
                tr("client {client} is confirmed as removed; see acmidm orders", client=client_id)
            )
        return client

    def configurations(self, product: str) -> Iterator[tuple[str, ProductDocument]]:
        """Yield each confirmed configuration of a product, with the client-ID."""
        for confirmation in self._confirmations.values():
            configuration = confirmation.products.get(product)
            if confirmation.is_there and configuration is not None:
                yield str(confirmation.content.client_id), configuration


class ConfirmedProducts:
    """``ProductApi`` over the configurations that are confirmed with their client."""

    def __init__(self, authority: ByHand) -> None:
        self._authority = authority
        self.configurations = authority.configurations

    def read(self, product: str, client_id: str) -> ProductDocument | None:
        confirmation = self._authority.confirmation(client_id)
        return confirmation.products.get(product) if confirmation else None

    def put(
        self,
        product: str,
        client_id: str,
        known: ProductDocument | None,  # noqa: ARG002
        wanted: ProductDocument,
    ) -> None:
        """Write nothing: raise Rejected where another configuration is confirmed than ``wanted``,
        or none."""
        current = self.read(product, client_id)
        _require_confirmed(
            client_id, current and dict(current.configuration), dict(wanted.configuration)
        )

    def delete(self, product: str, client_id: str, owner: Owner) -> bool:  # noqa: ARG002
        """Return True where no configuration is confirmed any more. Raises Rejected where one
        is."""
        if self.read(product, client_id) is not None:
            raise Rejected(
                tr(
                    "the {product} configuration of client {client} is confirmed as being there,"
                    " and stays in the state: see acmidm orders",
                    product=product,
                    client=client_id,
                )
            )
        return True


def _require_confirmed(client: str, confirmed: Any, wanted: Any) -> None:
    """Raise Rejected where a run wants something of a ``client`` that people did not confirm: only
    they can write to the portal."""
    if confirmed != wanted:
        raise Rejected(
            tr(
                "client {client} is confirmed otherwise than this run would have it, and nothing"
                " here can write to its portal: run the same command again",
                client=client,
            )
        )


def _registered(confirmation: Confirmation) -> RegisteredClient:
    return RegisteredClient(
        str(confirmation.content.client_id),
        confirmation.registered,
        scopes=confirmation.scopes,
        jwks=members_of(confirmation.jwks or {}),
    )
