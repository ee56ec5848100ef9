"""Somebody else's authority, with its clients in a dictionary. Nothing of the project names this
module."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from acmidm_onboarding.authorities.errors import AlreadyRegistered, NotFound
from acmidm_onboarding.authorities.port import (
    Authority,
    NewSecret,
    OpenApi,
    RegisteredClient,
    Reserved,
    require_grantable,
    require_not_reserved,
    reserved_for_operator,
)
from acmidm_onboarding.authorities.writes import replace_part
from acmidm_onboarding.authority_types import AuthorityType
from acmidm_onboarding.forms.catalogue import OPERATOR_RIGHTS
from acmidm_onboarding.settings import PlatformSettings
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, Owner, Scopes

REGISTERS: dict[str, dict[str, RegisteredClient]] = {}
"""Per name of a register its clients."""
SECRETS: dict[tuple[str, str], str] = {}
"""Per name of a register and client-ID the secret that the client authenticates with."""


class DictionarySettings(PlatformSettings):
    register_name: Annotated[
        str, Field(min_length=1, description="The register that has the clients.")
    ]


class Dictionary(Authority):
    """``Authority`` over one register."""

    def __init__(self, name: str, operator: str) -> None:
        self._name = name
        self._operator = operator
        self._clients = REGISTERS.setdefault(name, {})

    def reserved(self, client_id: str) -> Reserved | None:
        if client_id == self._operator:
            return reserved_for_operator()
        rights = sorted(OPERATOR_RIGHTS.intersection(self.read_scopes(client_id) or ()))
        if not rights:
            return None
        return Reserved(tr("has rights over this authority ({rights})", rights=", ".join(rights)))

    def register(
        self, metadata: ClientMetadata, client_secret: str | None, _scopes: Scopes, _jwks: Jwks
    ) -> RegisteredClient:
        known = self.find(metadata.software_id) if metadata.software_id else None
        if known:
            raise AlreadyRegistered(
                f"client {known.client_id} has this natural key", known.client_id
            )
        made = self._with_secret(RegisteredClient(str(uuid.uuid4()), metadata), client_secret)
        self._clients[made.client_id] = made
        return made

    def find(self, software_id: str) -> RegisteredClient | None:
        for client in self._clients.values():
            if client.metadata.software_id == software_id:
                return client
        return None

    def update(
        self,
        client_id: str,
        known: ClientMetadata | None,
        wanted: ClientMetadata,
        secret: NewSecret | None,
    ) -> int | None:
        self._require_not_reserved(client_id)

        def write(before: RegisteredClient) -> None:
            client = replace(before, metadata=wanted)
            value = secret.value if secret else None
            self._clients[client_id] = self._with_secret(client, value)

        replace_part(
            read=lambda: self._existing(client_id),
            part_of=lambda before: before.metadata,
            write=write,
            known=known,
            wanted=wanted,
            name=f"client {client_id}",
            is_expected=lambda now: known is not None and now == known.as_written_by(now.owner),
            always=secret is not None,
        )
        return self._existing(client_id).client_secret_updated_at if secret is not None else None

    def remove(self, client_id: str, owner: Owner) -> bool:
        self._require_not_reserved(client_id)
        found = self.read(client_id)
        if found and found.metadata.owner.is_resource_of(owner):
            del self._clients[client_id]
            SECRETS.pop((self._name, client_id), None)
        return client_id not in self._clients

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        require_grantable(wanted)
        self._require_not_operators(client_id)

        def write(before: RegisteredClient) -> None:
            self._clients[client_id] = replace(before, scopes=dict(wanted))

        replace_part(
            read=lambda: self._existing(client_id),
            part_of=lambda before: before.scopes,
            write=write,
            known=known,
            wanted=wanted,
            name=f"the scopes of client {client_id}",
        )

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None:
        self._require_not_operators(client_id)

        def write(before: RegisteredClient) -> None:
            self._clients[client_id] = replace(before, jwks=dict(wanted))

        replace_part(
            read=lambda: self._existing(client_id),
            part_of=lambda before: before.jwks,
            write=write,
            known=known,
            wanted=wanted,
            name=f"the keys of client {client_id}",
        )

    def read(self, client_id: str) -> RegisteredClient | None:
        return self._clients.get(client_id)

    def clients(self) -> Iterator[RegisteredClient]:
        return iter(list(self._clients.values()))

    def _with_secret(self, client: RegisteredClient, secret: str | None) -> RegisteredClient:
        """Give a client a secret; the one that it has is no new one."""
        place = (self._name, client.client_id)
        if secret is None or SECRETS.get(place) == secret:
            return client
        SECRETS[place] = secret
        return replace(client, client_secret_updated_at=int(time.time()))

    def _require_not_reserved(self, client_id: str) -> None:
        require_not_reserved(self.reserved(client_id), client_id, f"register {self._name}")

    def _require_not_operators(self, client_id: str) -> None:
        """As the port says it: scopes and keys are written after the client itself was."""
        reserved = reserved_for_operator() if client_id == self._operator else None
        require_not_reserved(reserved, client_id, f"register {self._name}")

    def _existing(self, client_id: str) -> RegisteredClient:
        if client_id not in self._clients:
            raise NotFound(f"client {client_id} is not in the register")
        return self._clients[client_id]


def _connect(settings: DictionarySettings, _: OpenApi, __: frozenset[str]) -> Authority:
    return Dictionary(settings.register_name, settings.operator_client_id)


DICTIONARY = AuthorityType(
    name="dictionary", settings=DictionarySettings, connect=_connect, takes_keys_from_address=True
)
