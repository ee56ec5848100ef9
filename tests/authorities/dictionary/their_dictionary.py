"""Somebody else's authority, with its clients in a dictionary. Nothing of the project names this
module."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from acmidm_onboarding.authorities.differences import must_write
from acmidm_onboarding.authorities.errors import AlreadyRegistered, NotFound
from acmidm_onboarding.authorities.port import (
    NO_PARTS,
    Authority,
    ClientParts,
    ClientSnapshot,
    NewSecret,
    OpenApi,
    RegisteredClient,
    require_grantable,
)
from acmidm_onboarding.authority_types import AuthorityType
from acmidm_onboarding.settings import PlatformSettings
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, Owner, Scopes

REGISTERS: dict[str, dict[str, ClientSnapshot]] = {}
"""Per name of a register its clients."""


class DictionarySettings(PlatformSettings):
    register_name: Annotated[
        str, Field(min_length=1, description="The register that has the clients.")
    ]


class Dictionary(Authority):
    """``Authority`` over one register."""

    def __init__(self, name: str) -> None:
        self._clients = REGISTERS.setdefault(name, {})

    def reserved(self, _client_id: str) -> None:
        return None

    def register(
        self, metadata: ClientMetadata, _client_secret: str | None, _parts: ClientParts = NO_PARTS
    ) -> RegisteredClient:
        if known := self.find(metadata.software_id or ""):
            raise AlreadyRegistered(
                f"client {known.client_id} has this natural key", known.client_id
            )
        made = RegisteredClient(str(uuid.uuid4()), metadata)
        self._clients[made.client_id] = ClientSnapshot(made, {}, {})
        return made

    def find(self, software_id: str) -> RegisteredClient | None:
        found = (one.client for one in self._clients.values())
        return next(
            (client for client in found if client.metadata.software_id == software_id), None
        )

    def update(
        self,
        client_id: str,
        known: ClientMetadata | None,
        wanted: ClientMetadata,
        _secret: NewSecret | None,
    ) -> RegisteredClient:
        before, made = self._existing(client_id), RegisteredClient(client_id, wanted)
        expected = known and known.as_written_by(before.client.metadata.owner)
        if must_write(before.client.metadata, expected, wanted, f"client {client_id}"):
            self._clients[client_id] = ClientSnapshot(made, before.scopes, before.jwks)
        return made

    def remove(self, client_id: str, owner: Owner) -> bool:
        found = self.snapshot(client_id)
        if found and found.client.metadata.owner.is_resource_of(owner):
            del self._clients[client_id]
        return client_id not in self._clients

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        require_grantable(wanted)
        before = self._existing(client_id)
        if must_write(before.scopes, known, wanted, f"the scopes of client {client_id}"):
            self._clients[client_id] = ClientSnapshot(before.client, dict(wanted), before.jwks)

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None:
        before = self._existing(client_id)
        if must_write(before.jwks, known, wanted, f"the keys of client {client_id}"):
            self._clients[client_id] = ClientSnapshot(before.client, before.scopes, dict(wanted))

    def snapshot(self, client_id: str) -> ClientSnapshot | None:
        return self._clients.get(client_id)

    def clients(self) -> Iterator[ClientSnapshot]:
        return iter(list(self._clients.values()))

    def _existing(self, client_id: str) -> ClientSnapshot:
        if client_id not in self._clients:
            raise NotFound(f"client {client_id} is not in the register")
        return self._clients[client_id]


def _connect(settings: DictionarySettings, _: OpenApi, __: frozenset[str]) -> Authority:
    return Dictionary(settings.register_name)


DICTIONARY = AuthorityType(
    name="dictionary", settings=DictionarySettings, connect=_connect, takes_keys_from_address=True
)
