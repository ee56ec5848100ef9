"""The columns of a spreadsheet of clients, and of each row the form that takes its clients over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from acmidm.edit.new.draft import Draft
from acmidm.edit.new.rows import Column
from acmidm.importing.listed import ListedClient
from acmidm.sheet import Headings, SheetRow
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.terms import Environment

CLIENT_IDS = {Environment.TNI: Column.CLIENT_TEST, Environment.PROD: Column.CLIENT_PROD}
_OF_CLIENTS = (
    *(Column.KBO, Column.CUSTOMER, Column.TAN, Column.URI_TEST, Column.URI_PROD),
    *CLIENT_IDS.values(),
)
HEADINGS = Headings(_OF_CLIENTS, ((Column.KBO,), tuple(CLIENT_IDS.values())))


@dataclass(kw_only=True)
class ExistingClients(Draft):
    """The form that takes over the clients of a row."""

    row: SheetRow
    clients: Mapping[Environment, ListedClient]
    keys: Mapping[Environment, Sequence[PublicJwk]]
    notes: list[str] = field(default_factory=list)
    """For a person to look at."""

    def __str__(self) -> str:
        return str(self.row)

    @property
    def all_keys(self) -> dict[str, PublicJwk]:
        """The keys by their thumbprints."""
        return {key.thumbprint: key for keys in self.keys.values() for key in keys}

    @property
    def nameless(self) -> list[str]:
        """The client-IDs of which the authority does not know whose they are: ``organisation.yaml``
        has to name them."""
        own = self.owner.organisation
        return [
            client.client_id
            for client in self.clients.values()
            if client.client_id not in own.adopts
            and client.metadata.organisation.is_of([own.code]) is None
        ]
