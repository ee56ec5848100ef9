"""The adapter for Keycloak's Admin REST API: the clients of one realm.

Keycloak has no ETags. Each write reads afresh, decides, sends only what it changes, and reads back.
Of two writers at the same time one gets 409 or 500, reads once more and decides anew. A client is
looked up by its client-ID in a list: a client that is not in the list is gone, but only where the
operator may see clients, which is checked then.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any

from acmidm_onboarding.authorities.errors import (
    AlreadyRegistered,
    Failed,
    NotAllowed,
    NotFound,
    Rejected,
    TooLarge,
    Unsettled,
)
from acmidm_onboarding.authorities.http.api import Api
from acmidm_onboarding.authorities.http.collection import AddressCheck, Bounded
from acmidm_onboarding.authorities.http.paths import segment
from acmidm_onboarding.authorities.keycloak.events import AdminEvents
from acmidm_onboarding.authorities.keycloak.mappers import attributes_document
from acmidm_onboarding.authorities.keycloak.reserved import ReservedClients
from acmidm_onboarding.authorities.keycloak.scopes import RealmScopes, listed
from acmidm_onboarding.authorities.keycloak.wire import (
    WireClient,
    WireClients,
    changes_document,
    client_ids_for,
    empty_dedicated_scope_document,
    jwks_document,
    metadata_document,
    new_client_document,
    taking_over_document,
    unread_client,
)
from acmidm_onboarding.authorities.port import (
    Authority,
    NewSecret,
    RecordedChange,
    RegisteredClient,
    Reserved,
    require_grantable,
    require_not_reserved,
)
from acmidm_onboarding.authorities.writes import replace_part, with_retries
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.metadata import ClientMetadata, Jwks, Owner, Scopes, without_assigned
from acmidm_onboarding.values.plain import only

_CONFLICTS = (Failed, AlreadyRegistered, Unsettled)
"""What one of two writers of the same client meets: 409 "Duplicate resource error", 500 (optimistic
locking), or something else than it wrote."""


class Keycloak(Authority):
    """``Authority`` over one realm. ``assigned`` are the scopes that API providers grant by
    themselves.

    ``api`` has the address of the realm's Admin REST API, ``https://host/admin/realms/<realm>``.
    """

    def __init__(self, api: Api, operator_client_id: str, assigned: frozenset[str]) -> None:
        self._api = api
        self._operator = operator_client_id
        self._assigned = assigned
        self._scopes = RealmScopes(api)
        self._reserved = ReservedClients(api, operator_client_id)
        self._lock = threading.Lock()
        self._listed: dict[str, str | None] | None = None
        self._evidence = AddressCheck(self._see_clients)

    def client_ids_for(self, software_id: str) -> Iterator[str]:
        return client_ids_for(software_id)

    def reserved(self, client_id: str) -> Reserved | None:
        client = self._find(client_id)
        return self._reserved.why(client) if client else None

    def register(
        self, metadata: ClientMetadata, client_secret: str | None, scopes: Scopes, jwks: Jwks
    ) -> RegisteredClient:
        require_grantable(scopes)
        # Raises for what the realm lacks, which Keycloak would leave out.
        self._scopes.ids(scopes)
        existing = self._with_natural_key(metadata.software_id)
        if existing is not None:
            raise AlreadyRegistered(
                tr(
                    "client {client} of {address} has the natural key {key} already",
                    client=existing.client_id,
                    address=self._api.base_url,
                    key=metadata.software_id,
                ),
                existing.client_id,
            )
        assigned = self._scopes.given_to_new_clients() & self._assigned if self._assigned else ()
        granted = {**dict.fromkeys(assigned, True), **scopes}
        for client_id in client_ids_for(metadata.software_id):
            document = new_client_document(client_id, metadata, client_secret, granted, jwks)
            if self._is_made(document, metadata.software_id):
                break
        self._note(client_id, metadata)
        client = self._withdraw_slipped_in(client_id, granted)
        made = only(client.scopes, scopes)
        return replace(client.registered, scopes=made)

    def find(self, software_id: str) -> RegisteredClient | None:
        client = self._with_natural_key(software_id)
        return client.registered if client else None

    def update(
        self,
        client_id: str,
        known: ClientMetadata | None,
        wanted: ClientMetadata,
        secret: NewSecret | None,
    ) -> int | None:
        before = self._required(client_id)
        self._require_not_reserved(before, self._reserved.why(before))

        def write(client: WireClient) -> None:
            value = secret.value if secret else None
            document = metadata_document(wanted, value)
            document |= attributes_document(client.protocol_mappers, wanted.attributes)
            if client.metadata.owner.is_nobody:
                client = self._cleaned(client, document)
            self._put(client, changes_document(client, document))

        replace_part(
            lambda: self._required(client_id),
            lambda client: client.metadata.as_managed_by(wanted),
            write,
            known=known and known.as_managed_by(wanted),
            wanted=wanted,
            is_expected=lambda current: (
                _is_cleaned(current, wanted) or _is_but_for_own(current, known)
            ),
            name=tr("client {client}", client=client_id),
            reads_back=True,
            conflicts=_CONFLICTS,
            always=secret is not None,
        )
        self._note(client_id, wanted)
        if not before.service_accounts_enabled or before.metadata.owner.is_nobody:
            self._withdraw_slipped_in(client_id, before.scopes)
        client = self.read(client_id) if secret is not None else None
        return client.client_secret_updated_at if client else None

    def remove(self, client_id: str, owner: Owner) -> bool:
        def attempt() -> bool:
            client = self._find(client_id)
            if client is None or not client.metadata.owner.is_resource_of(owner):
                return client is None
            try:
                self._require_not_reserved(client, self._reserved.why(client))
                self._api.request("DELETE", _path(client))
            except NotFound:
                if self._find(client_id) is not None:
                    raise
            self._note(client_id, None)
            return True

        return with_retries(attempt, _CONFLICTS)

    def replace_scopes(self, client_id: str, known: Scopes | None, wanted: Scopes) -> None:
        require_grantable(wanted)

        def is_expected(current: Scopes) -> bool:
            # Each scope is a request of its own, or two: this is what a run that was cut off may
            # have left.
            if known is None:
                return False
            for name in {*current, *known, *wanted}:
                before, after = known.get(name), wanted.get(name)
                may_be_withdrawn = name not in current and before is not after
                if current.get(name) not in (before, after) and not may_be_withdrawn:
                    return False
            return True

        replace_part(
            lambda: self._required(client_id),
            # What a provider assigns by itself stays as it is, unless a form declares it.
            lambda client: without_assigned(client.scopes, self._assigned, wanted),
            lambda client: self._change_scopes(client, wanted),
            known=known,
            wanted=wanted,
            is_expected=is_expected,
            name=tr("the scopes of client {client}", client=client_id),
            reads_back=True,
            conflicts=_CONFLICTS,
        )

    def replace_jwks(self, client_id: str, known: Jwks | None, wanted: Jwks) -> None:
        replace_part(
            lambda: self._required(client_id),
            lambda client: client.jwks,
            lambda client: self._put(client, jwks_document(wanted)),
            known=known,
            wanted=wanted,
            name=tr("the JWK Set of client {client}", client=client_id),
            reads_back=True,
            conflicts=_CONFLICTS,
        )

    def read(self, client_id: str) -> RegisteredClient | None:
        client = self._find(client_id)
        return client.registered if client else None

    def clients(self) -> Iterator[RegisteredClient]:
        """Yield every client that a machine logs in with or that this project declares, but not the
        operator's own."""
        for client in self._all():
            if client.is_connection and not self._reserved.by_name(client):
                yield client.registered

    def recorded_changes(self, client_id: str) -> Iterator[RecordedChange]:
        """Yield the changes of a client, newest first: from the realm's admin events, as far as the
        realm keeps them and the operator may see them."""
        events = AdminEvents(self._api)
        client = self._with_id(client_id)
        if client is None:
            return iter(events.of_removed_client(client_id))
        return iter(events.of_client(client.id, self._scopes.names()))

    def _all(self) -> Iterator[WireClient]:
        """Yield all clients of the realm; what stands in for one that is too large to be read is
        among them. Raises NotAllowed where the operator sees none."""
        bounded = Bounded(f"GET {self._api.base_url}/clients")
        first = 0

        def ask(limit: int) -> list[WireClient]:
            return listed(self._api, f"/clients?first={first}&max={limit}").as_(WireClients).root

        while True:
            try:
                page, limit = bounded.ask(ask)
            except TooLarge as error:
                unread = unread_client(error.beginning)
                if unread is None:
                    raise
                page, limit = [unread], 1
            if not page and not first:
                raise self._blind()
            yield from page
            if len(page) < limit:
                return
            bounded.require_end(page)
            first += limit

    def _find(self, client_id: str) -> WireClient | None:
        client = self._with_id(client_id)
        if client is None:
            self._evidence.require()
        return client

    def _see_clients(self) -> None:
        if not listed(self._api, "/clients?first=0&max=1").as_(WireClients).root:
            raise self._blind()

    def _with_id(self, client_id: str) -> WireClient | None:
        answer = listed(self._api, f"/clients?clientId={segment(client_id)}")
        for client in answer.as_(WireClients).root:
            if client.client_id == client_id:
                return client
        return None

    def _required(self, client_id: str) -> WireClient:
        """Return a client that will be changed. Raises NotFound for one that is gone, and Rejected
        for one that is reserved by its name."""
        client = self._find(client_id)
        if client is None:
            raise NotFound(
                tr(
                    "client {client} does not exist in {address}; if somebody removed the client"
                    " by hand, run pulumi up --refresh",
                    client=client_id,
                    address=self._api.base_url,
                )
            )
        self._require_not_reserved(client, self._reserved.by_name(client))
        return client

    def _require_not_reserved(self, client: WireClient, reserved: Reserved | None) -> None:
        require_not_reserved(reserved, client.client_id, self._api.base_url)

    def _blind(self) -> NotAllowed:
        """Return the error for an empty list: each realm has clients of its own, so that the
        operator may see none."""
        return NotAllowed(
            tr(
                "operator {operator} sees no client at all in {address}; give the operator's"
                " service account the role manage-clients of realm-management",
                operator=self._operator,
                address=self._api.base_url,
            )
        )

    def _put(self, client: WireClient, document: object) -> None:
        self._api.request("PUT", _path(client), document=document)

    def _cleaned(self, client: WireClient, document: dict[str, Any]) -> WireClient:
        """Take a client over, without what an update would leave in it. Return the client, which
        has this project's marks now, and no service account until the update gives it a new one."""
        # Whoever has the present token may change the client at the registration endpoint (RFC 7592
        # §3).
        self._api.request("POST", f"{_path(client)}/registration-access-token")
        # With the service account go its roles, which only an administrator of users could take
        # away one by one.
        self._put(client, taking_over_document(client, document))
        return self._required(client.client_id)

    def _change_scopes(self, client: WireClient, wanted: Scopes) -> None:
        """Grant and withdraw scopes of a client, until it has those that are ``wanted``.

        Scopes are granted first: a change that is cut off takes no scope away that the client
        keeps. The exception is a scope that becomes default, or optional: Keycloak wants it
        withdrawn before it is granted in the other way.
        """
        granted = wanted.keys() - client.scopes.keys()
        withdrawn = client.granted - wanted.keys() - self._assigned
        staying = wanted.keys() & client.granted
        moved = {name for name in staying if wanted[name] is not client.scopes[name]}
        ids = self._scopes.ids(granted | withdrawn | moved)

        def ask(method: str, name: str, is_default: bool) -> None:
            scopes = "default-client-scopes" if is_default else "optional-client-scopes"
            self._api.request(method, f"{_path(client)}/{scopes}/{segment(ids[name])}")

        try:
            for name in sorted(granted):
                ask("PUT", name, wanted[name])
            for name in sorted(moved):
                ask("DELETE", name, client.scopes[name])
                ask("PUT", name, wanted[name])
            for name in sorted(withdrawn):
                ask("DELETE", name, client.scopes[name])
            if client.dedicated_scope in client.scopes.keys() - wanted.keys():
                self._put(client, empty_dedicated_scope_document(client))
        except NotFound as error:
            # The client, or a scope that was made anew during this run: the next try looks at both
            # afresh.
            self._scopes.forget()
            raise Unsettled(str(error)) from None

    def _withdraw_slipped_in(self, client_id: str, intended: Collection[str]) -> WireClient:
        """Withdraw the scopes that Keycloak gives to every client for machines, such as
        ``service_account``. Return the client as it was before."""

        def attempt() -> WireClient:
            client = self._required(client_id)
            self._change_scopes(client, only(client.scopes, intended))
            return client

        return with_retries(attempt, _CONFLICTS)

    def _is_made(self, document: Mapping[str, Any], software_id: str | None) -> bool:
        """Make a client. Return False where its client-ID is that of a client that moved to another
        key.

        Raises:
            AlreadyRegistered: where the client exists.
        """
        try:
            # A server that failed may have made the client all the same: the next try then finds
            # that it exists.
            with_retries(
                lambda: self._api.request("POST", "/clients", document=document), (Failed,)
            )
        except AlreadyRegistered as error:
            existing = self._find(document["clientId"])
            if existing is not None and existing.metadata.software_id not in (None, software_id):
                return False
            raise AlreadyRegistered(str(error), document["clientId"]) from None
        return True

    def _with_natural_key(self, software_id: str | None) -> WireClient | None:
        """Return the client that has a natural key: one that moved or was adopted has another
        client-ID than the key gives.

        All clients are listed for that, once per run. A copy that somebody made in the console has
        the natural key too: it does not count where a client has the client-ID that the key gives.

        Raises:
            Rejected: where several copies have the key, and none of them the client-ID that the key
            gives.
        """
        if software_id is None:
            return None
        keys = self._keys()
        derived = list(takewhile(keys.__contains__, client_ids_for(software_id)))
        having = [client_id for client_id in derived if keys[client_id] == software_id]
        # Where somebody took the natural key away, the client-ID still says whose the client is:
        # Keycloak refuses a second client with it.
        if not having and not any(keys[client_id] is None for client_id in derived):
            having = sorted(client_id for client_id, key in keys.items() if key == software_id)
        if len(having) > 1:
            clients = ", ".join(having)
            raise Rejected(
                tr(
                    "clients {clients} of {address} have the same natural key {key}; see which of"
                    " these clients is a copy, and take the attribute acmidm.software_id away from"
                    " the copy",
                    clients=clients,
                    address=self._api.base_url,
                    key=software_id,
                )
            )
        client = self._find(having[0]) if having else None
        if client is None or client.metadata.software_id != software_id:
            return None
        return client

    def _keys(self) -> Mapping[str, str | None]:
        """Return the natural key of each client, by client-ID."""
        with self._lock:
            if self._listed is None:
                listed = {}
                for client in self._all():
                    listed[client.client_id] = client.metadata.software_id
                self._listed = listed
            return dict(self._listed)

    def _note(self, client_id: str, metadata: ClientMetadata | None) -> None:
        """Note in the list what this run wrote: the ``metadata`` of a client, None where it was
        removed."""
        with self._lock:
            if self._listed is None:
                return
            self._listed.pop(client_id, None)
            if metadata is not None:
                self._listed[client_id] = metadata.software_id


def _is_cleaned(current: ClientMetadata, wanted: ClientMetadata) -> bool:
    """Return whether a client is halfway through ``_cleaned``: as ``wanted``, but without its
    service account."""
    return current == wanted.model_copy(update={"grant_types": current.grant_types}) and set(
        current.grant_types
    ) < set(wanted.grant_types)


def _is_but_for_own(current: ClientMetadata, known: ClientMetadata | None) -> bool:
    """Return whether a client differs from ``known`` by no more than the incarnation of its owner,
    or by an address of keys that nobody declared before: whoever looked after the keys until now
    gave that address."""
    return known is not None and current.as_managed_by(known) == known.as_written_by(current.owner)


def _path(client: WireClient) -> str:
    return f"/clients/{segment(client.id)}"
